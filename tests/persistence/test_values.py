"""Plain values come back from JSON as they were."""

import json
import math

import numpy as np
import pytest

from sknets._persistence.strict_json import from_text, to_text
from sknets._persistence.values import decode, encode


def through_json(value):
    return decode(json.loads(to_text(encode(value))))


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        3,
        -(2**70),
        0.1,
        -0.0,
        5e-324,
        math.inf,
        "Grüße \ud800",
        [1, [2.5, "a"]],
        (1, (2, [3])),
        {"a": 1, "b": {"float": "nan"}},
        {1: "one", "two": (2,), None: 0.5},
        {},
        (),
    ],
    ids=str,
)
def test_python_values(value):
    again = through_json(value)
    assert again == value
    assert repr(again) == repr(value)  # which tells tuples, lists and zeros apart


def test_nan():
    assert math.isnan(through_json(math.nan))


DTYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", ">i4"]


@pytest.mark.parametrize("dtype", [*DTYPES, ">f8", "longdouble", "M8[D]", "m8[25s]"])
def test_arrays_of_numbers(dtype):
    dtype = np.dtype(dtype)
    values = np.arange(2).astype(dtype)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        values = np.array([limits.min, limits.max, 1], dtype)
    elif dtype.kind == "f":
        values = np.array([0.1, -2.0, np.nan, np.inf], "f2").astype(dtype)
    again = through_json(values)
    assert again.dtype == values.dtype
    assert again.dtype.byteorder == values.dtype.byteorder
    np.testing.assert_array_equal(again, values)
    scalar = through_json(values[0])
    assert type(scalar) is type(values[0])
    assert scalar == values[0]


@pytest.mark.parametrize(
    "values",
    [
        np.array(["a", "bcd", "é\U0001f600"]),
        np.array(["a", "b"], dtype="U40"),
        np.array(["a", "bcd"], dtype=object),
        np.array([np.str_("a"), "b"], dtype=object),
        np.arange(6).reshape(2, 3)[:, ::2],
        np.zeros((0, 4)),
        np.array(1.5),
    ],
    ids=repr,
)
def test_other_arrays(values):
    again = through_json(values)
    assert again.dtype == values.dtype
    assert again.shape == values.shape
    np.testing.assert_array_equal(again, values)
    assert [type(a) for a in again.flat] == [type(v) for v in values.flat]


class OwnFloat(float):
    pass


@pytest.mark.parametrize(
    "value",
    [
        print,
        1j,
        {1, 2},
        b"bytes",
        OwnFloat(1),
        range(3),
        np.array([1, None], object),
        np.array([b"a"]),
        np.array([1j]),
        np.zeros(2, "i4,f4"),
        [np.random.RandomState(0)],
        np.array([1 + np.finfo("longdouble").eps], "longdouble"),
        np.full(100_000, "a", dtype="U1000"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_other_types_are_refused(value):
    if isinstance(value, np.ndarray) and value.dtype == np.float64:
        pytest.skip("longdouble is float64 here")
    with pytest.raises(TypeError):
        encode(value)


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"tuple": [1], "float": "nan"},
        {"pickle": "gASVBQ=="},
        {"tuple": 1},
        {"float": "1"},
        {"float": ["nan"]},
        {"object": []},
        {"dict": [[1]]},
        {"dict": [[[1], 2]]},
        {"dict": [[1, 2], [1, 3]]},
        {"array": ["<i8", [1]]},
        {"array": ["<i8", [2], [1]]},
        {"array": ["<i8", [-1], [1]]},
        {"array": ["<i8", [0, 10**30], []]},
        {"array": ["<i8", [1], [1.5]]},
        {"array": ["<i8", [1], [True]]},
        {"array": ["|i1", [1], [128]]},
        {"array": ["|u1", [1], [-1]]},
        {"array": ["|b1", [1], [1]]},
        {"array": ["<f8", [1], ["1"]]},
        {"array": ["<f7", [1], [1.0]]},
        {"array": ["<U1000000000", [1], ["a"]]},
        {"array": ["|O", [1], [1]]},
        {"array": ["|S1", [1], ["a"]]},
        {"array": ["i4,f4", [1], [1]]},
        {"array": ["<M8[parsec]", [1], [1]]},
        {"array": [8, [1], [1]]},
        {"scalar": ["<i8", [1]]},
        [{"tuple": [{"scalar": []}]}],
    ],
    ids=lambda value: str(value)[:40],
)
def test_malformed_json_is_refused(value):
    with pytest.raises(ValueError):  # noqa: PT011
        decode(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1, "a": 2}', "key 'a' twice"),
        ('{"b": [{"a": 1, "a": 1}]}', "key 'a' twice"),
        ('{"a": NaN}', "number NaN, which is not finite"),
        ("-Infinity", "number -Infinity"),
        ("1e999", "number 1e999"),
        ("[" * 100_000, "nested too deeply"),
        ("1" * 100_000, "not valid JSON"),
        ("{", "not valid JSON"),
        ("", "not valid JSON"),
        (b'"\xff"', "not valid JSON"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_ambiguous_json_is_refused(text, message):
    with pytest.raises(ValueError, match=f"the text .*{message}"):
        from_text(text, "the text")


def test_equal_values_have_one_text():
    assert to_text({"b": 1, "a": [0.5]}) == to_text({"a": [0.5], "b": 1})
