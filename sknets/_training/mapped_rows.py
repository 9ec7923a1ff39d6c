"""Rows of a memory map that are read and converted when they are needed."""

import mmap
from contextlib import nullcontext

import numpy as np

from sknets._training.read_ahead import ReadAhead, needs_advice

BLOCK_BYTES = 2**22

# Smaller copies are made at once: converting each batch takes longer. joblib's workers
# get maps of all arrays above a megabyte.
MAX_COPY_BYTES = 2**26


class MappedRows:
    """A memory map that looks like an array of another dtype, in C order.

    Only the rows that are read are converted. So the memory does not depend on the size
    of the file.

    Parameters
    ----------
    array : ndarray of shape (n_samples, n_features)
        Numbers in any byte order and memory layout, on the disk.
    dtype : numpy dtype
        Of the rows that are read.
    """

    ndim = 2

    def __init__(self, array, dtype):
        self.array = array
        self.dtype = np.dtype(dtype)
        self.shape = array.shape
        self.read_ahead = None
        if needs_advice(array):
            self.read_ahead = ReadAhead(array, file_map(array))

    def __len__(self):
        return len(self.array)

    def __getitem__(self, rows):
        advice = nullcontext()
        if self.read_ahead is not None and isinstance(rows, np.ndarray):
            advice = self.read_ahead.reading(rows)
        with advice, np.errstate(over="ignore"):  # callers look for infinity
            return np.ascontiguousarray(self.array[rows], dtype=self.dtype)

    def __array__(self, dtype=None, copy=None):
        # For callbacks that need all of X.
        return np.asarray(self[:], dtype=dtype)

    def astype(self, dtype, copy=False):
        """Return the same rows in another dtype."""
        return self if dtype == self.dtype else MappedRows(self.array, dtype)

    def blocks(self):
        """Yield the rows in order, in blocks of a few megabytes."""
        widest = max(self.dtype.itemsize, self.array.itemsize)
        n_rows = max(BLOCK_BYTES // (widest * self.shape[1]), 1)
        for start in range(0, len(self), n_rows):
            yield self[start : start + n_rows]

    def min(self, initial=np.inf):
        """Return the smallest number, or `initial` if that is smaller."""
        return min(block.min(initial=initial) for block in self.blocks())

    def max(self, initial=-np.inf):
        """Return the largest number, or `initial` if that is larger."""
        return max(block.max(initial=initial) for block in self.blocks())


def file_map(array):
    """Return the map of the file that is the memory of an array, or None."""
    while isinstance(array, np.ndarray):
        array = array.base
    if isinstance(array, memoryview):
        array = array.obj
    return array if isinstance(array, mmap.mmap) else None


def stays_mapped(array, dtype):
    """Return whether to read and convert the rows of an array only when needed.

    That is so if its memory is a file that needs advice. It is also so if the file has
    another dtype, byte order or layout, and a copy of all rows is large.
    """
    is_map = file_map(array) is not None
    if not is_map or array.ndim != 2 or array.dtype.kind not in "biuf":
        return False
    if array.dtype == dtype and array.flags.c_contiguous:
        return needs_advice(array)
    return array.size * np.dtype(dtype).itemsize > MAX_COPY_BYTES
