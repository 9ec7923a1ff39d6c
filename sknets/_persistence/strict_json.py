"""JSON without ambiguities: no duplicate keys, no NaN, one text for equal values."""

import json
import math


def to_text(value):
    """Return the JSON text of a value, with sorted keys, in ASCII."""
    return json.dumps(value, sort_keys=True, allow_nan=False, separators=(",", ":"))


def from_text(text, what):
    """Return the value of a JSON text.

    Parameters
    ----------
    text : str or bytes
        Bytes are read as UTF-8.
    what : str
        Name of the text for errors.

    Raises
    ------
    ValueError
        If the text is no JSON, or has an object with duplicate keys, or a number that
        is not finite.
    """

    def unique(pairs):
        value = {}
        for key, item in pairs:
            if key in value:
                raise RefusedError(f"{what} has the key {key[:100]!r} twice")
            value[key] = item
        return value

    def refuse(constant):
        raise RefusedError(f"{what} has the number {constant}, which is not finite")

    def finite(digits):
        number = float(digits)
        return number if math.isfinite(number) else refuse(digits[:100])

    hooks = {
        "object_pairs_hook": unique,
        "parse_constant": refuse,
        "parse_float": finite,
    }
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        return json.loads(text, **hooks)
    except RefusedError:
        raise
    except RecursionError as error:
        raise ValueError(f"{what} is nested too deeply") from error
    except ValueError as error:
        raise ValueError(f"{what} is not valid JSON: {error}") from error


class RefusedError(ValueError):
    """Valid text that is refused. Its message is complete."""
