"""Tell the operating system which rows of a large memory map are read next.

By itself, it reads one row after another, and with each row up to megabytes around it.
If the file is larger than the memory, these are dropped before they are needed.
"""

import mmap
import warnings
from contextlib import contextmanager, suppress

import numpy as np

from sknets._compute.memory import memory_limit

CAN_ADVISE = hasattr(mmap, "MADV_RANDOM") and hasattr(mmap, "MADV_WILLNEED")


def needs_advice(array):
    """Return whether a memory map may not stay in memory, and advice helps.

    Parameters
    ----------
    array : ndarray of shape (n_samples, n_features)
    """
    return CAN_ADVISE and has_contiguous_rows(array) and is_dropped(array)


def is_dropped(array):
    """Return whether a memory map takes too much of the memory to stay there."""
    return array.nbytes > memory_limit() / 2


def has_contiguous_rows(array):
    """Return whether the numbers of a row are side by side in memory."""
    return array.strides[1] == array.itemsize


def warn_of_scattered_rows(array):
    """Warn if a memory map does not stay in memory and its rows are not contiguous."""
    if is_dropped(array) and not has_contiguous_rows(array):
        warnings.warn(
            f"X is a memory map of {array.nbytes / 1e6:,.0f} MB, and the memory has "
            f"{memory_limit() / 1e6:,.0f} MB. Its rows are not contiguous, so each row "
            f"is read from {array.shape[1]:,} places in the file. This can take very "
            "long. Copy X to a file in C order, block by block.",
            UserWarning,
            stacklevel=2,
        )


class ReadAhead:
    """Advice about the rows of a memory map.

    Parameters
    ----------
    array : ndarray of shape (n_samples, n_features)
        Its rows are contiguous.
    file_map : mmap.mmap
        The memory of the array.
    """

    def __init__(self, array, file_map):
        self.file_map = file_map
        start = np.frombuffer(file_map, np.uint8).ctypes.data
        self.offset = array.ctypes.data - start
        self.n_rows, self.stride = len(array), array.strides[0]
        self.row_bytes = array.shape[1] * array.itemsize

    @contextmanager
    def reading(self, rows):
        """Let the system read some rows at the same time, without their neighbours.

        Parameters
        ----------
        rows : ndarray of integers
        """
        starts = rows % self.n_rows * self.stride + self.offset
        pages = starts - starts % mmap.PAGESIZE
        lengths = starts + self.row_bytes - pages
        advise = self.file_map.madvise
        with suppress(OSError):  # without advice, reading is slow but right
            advise(mmap.MADV_RANDOM)
            for page, length in zip(pages.tolist(), lengths.tolist(), strict=True):
                advise(mmap.MADV_WILLNEED, page, length)
        try:
            yield
        finally:
            with suppress(OSError):
                advise(mmap.MADV_NORMAL)
