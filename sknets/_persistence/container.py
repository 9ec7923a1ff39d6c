"""A file of arrays and one JSON document, in the format of safetensors.

safetensors writes its metadata in random order. So all of them are one string: equal
contents give equal bytes. Files are checked here before safetensors reads them, because
it accepts duplicate keys.
"""

import math
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from sknets._persistence.atomic import write_atomically
from sknets._persistence.strict_json import from_text, to_text
from sknets._persistence.values import shorten

KEY = "sknets"
ITEM_SIZES = {"F32": 4, "F64": 8, "I64": 8}
MAX_HEADER_BYTES = 100_000_000  # the limit of safetensors
PICKLE = tuple(b"\x80" + bytes([protocol]) for protocol in range(2, 6))
ZIP = b"PK\x03\x04"


def write_container(path, arrays, document):
    """Write arrays and a document to a file, atomically.

    Parameters
    ----------
    path : str or path-like
    arrays : dict of str to ndarray
        Of float32, float64 or int64.
    document : dict
        Of JSON's types.
    """
    contiguous = {name: np.require(a, requirements="C") for name, a in arrays.items()}
    write_atomically(path, save(contiguous, {KEY: to_text(document)}))


def read_container(path, writer="`save`"):
    """Return the arrays and the document of a file.

    Parameters
    ----------
    path : str or path-like
    writer : str
        Who writes such files, for errors.

    Returns
    -------
    arrays : dict of str to ndarray
    document : dict

    Raises
    ------
    ValueError
        If the file was not written by `write_container`, or has changed since.
    """
    data = Path(path).read_bytes()
    document = from_text(check_header(data, writer), "the metadata")
    if type(document) is not dict:
        raise ValueError("the metadata are not a JSON object")
    try:
        return load(data), document
    except SafetensorError as error:
        raise ValueError(f"safetensors refuses the file: {error}") from error


def check_header(data, writer):
    """Check the header of a file, and that the tensors fill the rest of it.

    Parameters
    ----------
    data : bytes
        The whole file.
    writer : str
        See `read_container`.

    Returns
    -------
    text : str
        The document.
    """
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(len(data) - 8, MAX_HEADER_BYTES):
        if data.startswith((*PICKLE, ZIP)):
            raise ValueError(
                "it is a pickle or a ZIP archive, which may run code when it is read; "
                f"expected a file of {writer}"
            )
        raise ValueError(
            f"its header does not fit into the file; it is cut, or no file of {writer}"
        )
    header = from_text(data[8 : 8 + length], "the header")
    if type(header) is not dict:
        raise ValueError("the header is not a JSON object")
    metadata = header.pop("__metadata__", None)
    if type(metadata) is not dict or KEY not in metadata:
        raise ValueError(f"it is a file of safetensors, but not one of {writer}")
    if list(metadata) != [KEY] or type(metadata[KEY]) is not str:
        raise ValueError(
            f"its metadata have the keys {shorten(sorted(metadata))}; expected the "
            f"text {KEY!r} alone"
        )
    check_tensors(header, len(data) - 8 - length)
    return metadata[KEY]


def check_tensors(header, n_bytes):
    """Raise unless the tensors of a header fill a number of bytes, without gaps."""
    spans = [check_tensor(name, entry, n_bytes) for name, entry in header.items()]
    position = 0
    for begin, end, name in sorted(spans):
        if begin != position:
            raise ValueError(f"tensor {shorten(name)} leaves a gap or overlaps")
        position = end
    if position != n_bytes:
        raise ValueError(f"its tensors have {position} bytes, but the file {n_bytes}")


def check_tensor(name, entry, n_bytes):
    """Return where a tensor begins and ends, and its name."""
    what = f"tensor {shorten(name)}"
    if type(entry) is not dict or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"{what} has a malformed entry in the header")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if type(dtype) is not str or dtype not in ITEM_SIZES:
        raise ValueError(
            f"{what} has the dtype {shorten(dtype)}; expected one of "
            f"{', '.join(ITEM_SIZES)}"
        )
    for numbers in (shape, offsets):
        if type(numbers) is not list or not all(
            type(number) is int and number >= 0 for number in numbers
        ):
            raise ValueError(f"{what} has a shape or offsets that are no sizes")
    if len(offsets) != 2 or len(shape) > 32:
        raise ValueError(f"{what} has a malformed entry in the header")
    begin, end = offsets
    size = math.prod(shape) * ITEM_SIZES[dtype]
    if size > n_bytes or end > n_bytes:
        raise ValueError(
            f"{what} promises {max(size, end - begin)} bytes, more than the {n_bytes} "
            "bytes of all tensors in the file"
        )
    if end - begin != size:
        raise ValueError(f"{what} has {end - begin} bytes; its shape needs {size}")
    return begin, end, name


def split_off(arrays, prefix):
    """Return the arrays whose names have a prefix, without it."""
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
