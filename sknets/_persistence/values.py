"""Plain values as JSON, such that they come back with the same types.

JSON has no tuples, no NaN and no types of NumPy. An object with one key stands for each
of them: the key names the type. `docs/model_files.rst` lists the keys.
"""

import math
import re

import numpy as np

FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}

# Types of labels and of small arrays: booleans, numbers, dates, strings and objects.
DTYPE = re.compile(
    r"[<>|]?(b1|[iu][1248]|f(2|4|8|12|16)|[mM]8(\[\w+\])?|U\d{1,8}|O)", re.A
)

# An array of short strings in a wide type may be larger than its text by this factor,
# and this number of bytes.
WASTE_FACTOR, WASTE_BYTES = 100, 2**20

MAX_SIZE = 2**31


def encode(value):
    """Return a value as JSON's types, from which `decode` restores it.

    Parameters
    ----------
    value : None, bool, int, float, str, list, tuple, dict, ndarray or NumPy scalar
        Arrays hold booleans, numbers, dates or strings.

    Raises
    ------
    TypeError
        If the value, or one inside it, has another type.
    """
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return value
    if kind is float:
        return value if math.isfinite(value) else {"float": str(value)}
    if kind is list:
        return [encode(item) for item in value]
    if kind is tuple:
        return {"tuple": [encode(item) for item in value]}
    if kind is dict and all(type(key) is str for key in value):
        return {"object": {key: encode(item) for key, item in value.items()}}
    if kind is dict:
        return {"dict": [[encode(key), encode(item)] for key, item in value.items()]}
    if kind is np.ndarray:
        shape = list(value.shape)
        return {"array": [value.dtype.str, shape, encode_items(value.ravel())]}
    if isinstance(value, np.generic):
        return {"scalar": [value.dtype.str, encode_items(np.array([value]))[0]]}
    raise TypeError(f"{value!r} of type {kind.__name__}")


def encode_items(values):
    """Return a list of the items of a 1-D array."""
    check_dtype(values.dtype.str)
    if values.dtype.kind == "O":
        if not all(isinstance(item, str) for item in values):
            raise TypeError("an array of objects that are not strings")
        return [encode(item) for item in values]
    if values.dtype.kind in "mM":
        return values.astype(np.int64).tolist()
    if values.dtype.kind == "U":
        check_waste(values.dtype, values)
        return values.tolist()
    if values.dtype.kind == "f":
        items = [float(item) for item in values]
        if not np.array_equal(np.array(items, values.dtype), values, equal_nan=True):
            raise TypeError(f"{values!r}, which has no exact numbers in float64")
        return [encode(item) for item in items]
    return values.tolist()


def decode(value):
    """Restore a value from the result of `encode`. Raise ValueError for any other."""
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) != 1:
        raise ValueError(f"a value has the keys {shorten(sorted(value))}; expected one")
    ((kind, content),) = value.items()
    if kind not in DECODERS:
        raise ValueError(f"a value has the unknown type {shorten(kind)}")
    try:
        return DECODERS[kind](content)
    except (TypeError, KeyError, OverflowError) as error:
        raise ValueError(f"a value of type {kind!r} is malformed") from error


def decode_tuple(items):
    return tuple(decode(expect(items, list)))


def decode_dict(pairs):
    decoded = {}
    for pair in expect(pairs, list):
        key, item = expect(pair, list)
        key = decode(key)
        if key in decoded:
            raise ValueError(f"a dict has the key {shorten(key)} twice")
        decoded[key] = decode(item)
    return decoded


def decode_object(items):
    return {key: decode(item) for key, item in expect(items, dict).items()}


def decode_array(content):
    dtype, shape, items = expect(content, list)
    items = expect(items, list)
    for size in expect(shape, list):
        if type(size) is not int or not 0 <= size < MAX_SIZE:
            raise ValueError(f"an array has the shape {shorten(shape)}")
    if math.prod(shape) != len(items):
        raise ValueError(f"an array of shape {shape} has {len(items)} items")
    return decode_items(dtype, items).reshape(shape)


def decode_scalar(content):
    dtype, item = expect(content, list)
    return decode_items(dtype, [item])[0]


def decode_items(dtype, items):
    """Return a 1-D array of items, each checked for its type."""
    check_dtype(expect(dtype, str))
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return np.array([expect(item, bool) for item in items], dtype)
    if dtype.kind in "iumM":
        limits = np.iinfo(np.int64 if dtype.kind in "mM" else dtype)
        for item in items:
            if not limits.min <= expect(item, int) <= limits.max:
                raise ValueError(f"{item} is not in the range of {dtype}")
        return np.array(items, limits.dtype).astype(dtype)
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return np.array([expect(decode(item), float) for item in items], dtype)
    if dtype.kind == "U":
        items = [expect(item, str) for item in items]
        check_waste(dtype, items)
        return np.array(items, dtype)
    array = np.empty(len(items), object)
    for i, item in enumerate(items):
        item = decode(item)
        if not isinstance(item, str):
            raise ValueError("an array of objects has an item that is not a string")
        array[i] = item
    return array


DECODERS = {
    "array": decode_array,
    "dict": decode_dict,
    "float": lambda name: FLOATS[name],
    "object": decode_object,
    "scalar": decode_scalar,
    "tuple": decode_tuple,
}


def expect(value, kind):
    """Return a value of exactly this type. Raise for any other."""
    if type(value) is not kind:
        raise ValueError(f"{shorten(value)} is not of type {kind.__name__}")
    return value


def check_dtype(name):
    if not DTYPE.fullmatch(name):
        raise TypeError(f"an array of dtype {name[:100]}")


def check_waste(dtype, items):
    """Raise if strings would need far more memory than their text."""
    n_bytes = len(items) * dtype.itemsize
    if n_bytes > WASTE_BYTES + WASTE_FACTOR * sum(map(len, items)):
        raise TypeError(f"an array of short strings of the wide dtype {dtype.str}")


def shorten(value):
    """Return the representation of a value, in one line of at most 100 characters."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 100 else text[:97] + "..."
