"""The IDX file format of the original MNIST files."""

import gzip
import math
import os
import zlib

import numpy as np

GZIP_MAGIC = b"\x1f\x8b"

DTYPES = {
    0x08: np.dtype(np.uint8),
    0x09: np.dtype(np.int8),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}


def read_idx(path):
    """Read an array from an IDX file.

    Parameters
    ----------
    path : str or path-like
        File to read, gzipped or not. What it is, is told by its content.

    Returns
    -------
    array : ndarray
        Of the shape and the dtype that the file states, in native byte order.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not IDX, is corrupt, or has not the length that its header says.

    References
    ----------
    Y. LeCun, C. Cortes and C. J. C. Burges, "The MNIST database of handwritten digits".

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sknets.datasets import read_idx
    >>> path = Path(tempfile.mkdtemp(), "small-idx1-ubyte")
    >>> _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 5, 0, 4]))
    >>> read_idx(path)
    array([5, 0, 4], dtype=uint8)
    """
    return parse_idx(read_bytes(path), os.fspath(path))


def read_bytes(path):
    """Return the uncompressed content of a file, gzipped or not."""
    with open(path, "rb") as file:
        content = file.read()
    if not content.startswith(GZIP_MAGIC):
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(
            f"{path} is a truncated or corrupt gzip file: {error}"
        ) from error


def parse_idx(content, name):
    """Return the array that IDX content describes; `name` is for error messages."""
    if len(content) < 4 or content[:2] != b"\0\0":
        raise ValueError(
            f"{name} is not an IDX file: its magic number should start with 0000, and "
            f"is {content[:4].hex() or 'missing'}."
        )
    dtype, n_dimensions = DTYPES.get(content[2]), content[3]
    if dtype is None:
        raise ValueError(f"{name} has the unknown IDX data type 0x{content[2]:02x}.")
    if n_dimensions == 0:
        raise ValueError(f"{name} is an IDX file without dimensions.")
    start = 4 + 4 * n_dimensions
    if len(content) < start:
        raise ValueError(f"{name} is truncated within its header of {start} bytes.")
    shape = tuple(np.frombuffer(content, ">u4", n_dimensions, offset=4).tolist())
    expected = start + math.prod(shape) * dtype.itemsize
    if len(content) != expected:
        raise ValueError(
            f"{name} has {len(content)} bytes, but its header of shape {shape} asks "
            f"for {expected}: the file is truncated or corrupt."
        )
    array = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return array.astype(dtype.newbyteorder("="))
