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
        File to read. It may be gzipped, which is detected from its content.

    Returns
    -------
    array : ndarray
        Array of the shape and dtype that the file states, in native byte order.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not an IDX file, is corrupt, or is longer or shorter than its
        header states.

    See Also
    --------
    fetch_mnist : The data set whose files have this format.

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
    """Return the array in the content of an IDX file. Errors mention its `name`."""
    if len(content) < 4 or content[:2] != b"\0\0":
        raise ValueError(
            f"{name} is not an IDX file: its magic number must start with 0000; got "
            f"{content[:4].hex() or 'an empty file'}."
        )
    dtype, n_dimensions = DTYPES.get(content[2]), content[3]
    if dtype is None:
        known = ", ".join(f"0x{code:02x}" for code in DTYPES)
        raise ValueError(
            f"{name} has the unknown IDX data type 0x{content[2]:02x}; expected one of "
            f"{known}."
        )
    if n_dimensions == 0:
        raise ValueError(
            f"{name} has 0 dimensions in its IDX header; expected at least 1."
        )
    start = 4 + 4 * n_dimensions
    if len(content) < start:
        raise ValueError(f"{name} is truncated within its header of {start} bytes.")
    shape = tuple(np.frombuffer(content, ">u4", n_dimensions, offset=4).tolist())
    expected = start + math.prod(shape) * dtype.itemsize
    if len(content) != expected:
        raise ValueError(
            f"{name} has {len(content)} bytes; its header of shape {shape} requires "
            f"{expected}. The file is truncated or corrupt."
        )
    array = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return array.astype(dtype.newbyteorder("="))
