"""Measure how fast `fit` reads a file, and how fast the disk could be read.

From the root of the repository, on Linux::

    python -m benchmarks.disk --write

Write a file of 784 features a row. Read it with NumPy, and train SoftmaxClassifier on
it for one epoch. Each is timed after the file was removed from the memory of the
operating system ("cold"), and again at once ("warm"). `fit` reads the file twice: in
order, to check the numbers, and shuffled. Without read-ahead, each row is read from the
disk alone, as if the file were much larger than the memory. Print a table of megabytes
a second. ``--write`` saves it for the documentation.
"""

import argparse
import mmap
import os
import statistics
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from benchmarks.pairs import timed
from benchmarks.tables import report
from sknets import SoftmaxClassifier

N_FEATURES = 784
BATCH_SIZE = 100
BLOCK_ROWS = 5000


def write_file(path, dtype, n_rows):
    """Write random rows in blocks, through to the disk."""
    X = np.lib.format.open_memmap(path, "w+", dtype, (n_rows, N_FEATURES))
    block = np.random.default_rng(0).normal(size=(BLOCK_ROWS, N_FEATURES))
    for start in range(0, n_rows, BLOCK_ROWS):
        X[start : start + BLOCK_ROWS] = block[: n_rows - start]
    X.flush()


def forget(path):
    """Remove a file from the memory of the operating system."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def read_in_order(path):
    """Read all rows in order, in blocks."""
    X = np.load(path, mmap_mode="r")
    for start in range(0, len(X), BLOCK_ROWS):
        np.array(X[start : start + BLOCK_ROWS])


def read_shuffled(path, advice=mmap.MADV_NORMAL):
    """Read all rows in a shuffled order, a batch at a time."""
    X = np.load(path, mmap_mode="r")
    X.base.madvise(advice)
    order = np.random.default_rng(0).permutation(len(X))
    for start in range(0, len(X), BATCH_SIZE):
        np.array(X[order[start : start + BATCH_SIZE]])


def fit(path):
    """Train for an epoch."""
    X = np.load(path, mmap_mode="r")
    model = SoftmaxClassifier(
        standardize=False, batch_size=BATCH_SIZE, max_epochs=1, random_state=0
    )
    model.fit(X, np.arange(len(X)) % 10)


WAYS = {
    "NumPy, in order": (read_in_order, 1),
    "NumPy, shuffled": (read_shuffled, 1),
    "NumPy, shuffled, without read-ahead": (
        partial(read_shuffled, advice=mmap.MADV_RANDOM),
        1,
    ),
    "`fit`, one epoch": (fit, 2),
}


def main():
    """Measure each type, with the file on the disk and in memory."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--megabytes", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", default=tempfile.gettempdir())
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()

    rows = []
    for dtype in ("float32", "float64"):
        n_rows = arguments.megabytes * 10**6 // (N_FEATURES * np.dtype(dtype).itemsize)
        seconds = {(name, state): [] for name in WAYS for state in ("cold", "warm")}
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            path = Path(folder) / "X.npy"
            write_file(path, dtype, n_rows)
            for _ in tqdm(range(arguments.rounds), desc=dtype, unit="round"):
                for name, (function, _) in WAYS.items():
                    forget(path)
                    for state in ("cold", "warm"):
                        taken = timed(partial(function, path))[1]
                        seconds[name, state].append(taken)
            size = path.stat().st_size
        for name, (_, n_passes) in WAYS.items():
            row = {"X": dtype, "what": name}
            for state in ("cold", "warm"):
                median = statistics.median(seconds[name, state])
                row[f"{state}, MB/s"] = f"{n_passes * size / median / 1e6:,.0f}"
            rows.append(row)
    note = (
        f"Medians of {arguments.rounds} rounds; files of {arguments.megabytes} MB; "
        f"{os.cpu_count()} cores."
    )
    report("disk", rows, [note], write=arguments.write)


if __name__ == "__main__":
    main()
