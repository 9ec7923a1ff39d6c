"""Advice about the rows of memory maps that are larger than the memory."""

import mmap

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sknets._training import read_ahead
from sknets._training.mapped_rows import MappedRows, file_map
from sknets._training.read_ahead import ReadAhead, needs_advice

pytestmark = pytest.mark.skipif(
    not read_ahead.CAN_ADVISE, reason="this system takes no advice"
)


class Recorder:
    """A map that keeps the advice about it."""

    def __init__(self, error=None):
        self.advice = []
        self.error = error

    def madvise(self, *advice):
        self.advice.append(advice)
        if self.error is not None:
            raise self.error


@pytest.fixture
def on_disk(tmp_path):
    """A map of 90 rows, each of which is longer than a page."""
    X = np.arange(90 * 1500, dtype=np.float32).reshape(90, 1500)
    np.save(tmp_path / "X.npy", X)
    return np.load(tmp_path / "X.npy", mmap_mode="r")


@pytest.fixture
def little_memory(monkeypatch):
    monkeypatch.setattr(read_ahead, "memory_limit", lambda: 1000)


VIEWS = {
    "all": lambda X: X,
    "from the middle": lambda X: X[40:],
    "every second": lambda X: X[::2],
    "backwards": lambda X: X[::-1],
    "some columns": lambda X: X[:, 30:60],
    "a column": lambda X: X[:, 7:8],
    "not a memmap": lambda X: np.asarray(X)[3:],
}


@pytest.mark.parametrize("view", VIEWS)
def test_the_pages_of_the_rows_are_asked_for(view, on_disk):
    X = VIEWS[view](on_disk)
    recorder = Recorder()
    advisor = ReadAhead(X, file_map(X))
    advisor.file_map = recorder
    rows = np.array([5, 0, len(X) - 1, -2])
    with advisor.reading(rows):
        first, *asked = recorder.advice
        assert first == (mmap.MADV_RANDOM,)
    assert recorder.advice[-1] == (mmap.MADV_NORMAL,)
    with open(on_disk.filename, "rb") as file:
        content = np.frombuffer(file.read(), np.uint8)
    for row, (advice, start, length) in zip(rows, asked, strict=True):
        assert advice == mmap.MADV_WILLNEED
        assert start % mmap.PAGESIZE == 0
        # The row is at the end of what is asked for, as the file has it.
        expected = X[row].tobytes()
        assert content[start : start + length].tobytes().endswith(expected)
        assert length < len(expected) + mmap.PAGESIZE


def test_the_system_takes_the_advice(on_disk):
    with ReadAhead(on_disk, file_map(on_disk)).reading(np.arange(90)):
        assert_array_equal(on_disk[5:7], np.array(on_disk)[5:7])


def test_advice_ends_with_an_error(on_disk):
    advisor = ReadAhead(on_disk, file_map(on_disk))
    advisor.file_map = Recorder()
    with pytest.raises(IndexError), advisor.reading(np.array([3])):
        raise IndexError
    assert advisor.file_map.advice[-1] == (mmap.MADV_NORMAL,)


def test_rows_are_read_where_advice_is_refused(on_disk, little_memory):
    X = MappedRows(on_disk, np.float64)
    X.read_ahead.file_map = Recorder(OSError())
    assert_array_equal(X[np.array([3, 1])], np.array(on_disk)[[3, 1]])


def test_single_rows_need_advice_and_slices_do_not(on_disk, little_memory):
    X = MappedRows(on_disk, np.float32)
    X.read_ahead.file_map = recorder = Recorder()
    assert_array_equal(X[3:8], on_disk[3:8])
    assert not recorder.advice
    assert_array_equal(X[np.array([3, 8])], on_disk[[3, 8]])
    assert len(recorder.advice) == 4


def test_what_needs_advice(on_disk, monkeypatch):
    for limit, expected in [(on_disk.nbytes, True), (2 * on_disk.nbytes, False)]:
        monkeypatch.setattr(read_ahead, "memory_limit", lambda limit=limit: limit)
        assert needs_advice(on_disk) == expected
    monkeypatch.setattr(read_ahead, "memory_limit", lambda: 1000)
    assert not needs_advice(on_disk.T)  # the numbers of a row are far apart
    monkeypatch.setattr(read_ahead, "CAN_ADVISE", False)
    assert not needs_advice(on_disk)
