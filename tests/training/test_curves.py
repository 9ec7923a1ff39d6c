"""The curves stay of one length, wherever Ctrl-C comes."""

import sys
from itertools import count

import pytest

from sknets._training.curves import NAMES, Curves

RECORDS = [
    {"train_loss": 3.0, "valid_loss": 2.0},
    {"train_loss": 2.0, "valid_loss": 3.0, "valid_score": 0.5},
]


def append_with_interrupt(curves, record, n_lines):
    """Append a record. Raise KeyboardInterrupt before a line. Return if it came."""
    lines = count(1)
    sources = {Curves.append.__code__, Curves._append.__code__}

    def trace(frame, event, argument):
        if frame.f_code not in sources:
            return None
        if event == "line" and next(lines) == n_lines:
            sys.settrace(None)
            raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        curves.append(record)
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


def lengths(curves):
    values = (getattr(curves, name) for name in NAMES)
    return {len(curve) for curve in values if curve is not None}


@pytest.mark.parametrize("n_before", [0, 1])
def test_an_interrupted_epoch_is_in_all_curves_or_in_none(n_before):
    interrupted = set()
    for n_lines in range(1, 100):
        curves = Curves()
        for record in RECORDS[:n_before]:
            curves.append(record)
        expected = curves.copy().to_plain()
        if not append_with_interrupt(curves, RECORDS[n_before], n_lines):
            break
        interrupted.add(n_lines)
        assert lengths(curves) == {n_before}
        assert curves.to_plain() == expected
        curves.append(RECORDS[n_before])
        assert lengths(curves) == {n_before + 1}
    assert len(interrupted) > 10
