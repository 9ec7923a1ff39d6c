"""Measure how fast `fit` reads a file, and how fast the disk could be read.

From the root of the repository, on Linux::

    python -m benchmarks.disk --write

Write a file of 784 features a row. Read it with NumPy, and train SoftmaxClassifier on
it for one epoch. Each is timed after the file was removed from the memory of the
operating system ("cold"), and again at once ("warm"). `fit` reads the file twice: in
order, to check the numbers, and shuffled. NumPy reads shuffled rows for 20 seconds at
most. Print a table of megabytes a second. ``--write`` saves it for the documentation.

To measure a file that is larger than the memory, limit the memory of the command::

    systemd-run --scope -p MemoryMax=700M python -m benchmarks.disk --megabytes 2000

Then ``--write`` saves another table.
"""

import argparse
import os
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from benchmarks.pairs import timed
from benchmarks.tables import report
from sknets import SoftmaxClassifier
from sknets._compute.memory import memory_limit

N_FEATURES = 784
BATCH_SIZE = 100
BLOCK_ROWS = 5000
MAX_SECONDS = 20
MB = 10**6


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
    """Read all rows in order, in blocks. Return the number of bytes."""
    X = np.load(path, mmap_mode="r")
    for start in range(0, len(X), BLOCK_ROWS):
        np.array(X[start : start + BLOCK_ROWS])
    return X.nbytes


def read_shuffled(path):
    """Read rows in a shuffled order, a batch at a time. Return the number of bytes."""
    X = np.load(path, mmap_mode="r")
    order = np.random.default_rng(0).permutation(len(X))
    n_bytes = 0
    end = time.perf_counter() + MAX_SECONDS
    for start in range(0, len(X), BATCH_SIZE):
        n_bytes += np.array(X[order[start : start + BATCH_SIZE]]).nbytes
        if time.perf_counter() > end:
            break
    return n_bytes


def fit(path):
    """Train for an epoch. Return the number of bytes that were read."""
    X = np.load(path, mmap_mode="r")
    model = SoftmaxClassifier(
        standardize=False, batch_size=BATCH_SIZE, max_epochs=1, random_state=0
    )
    model.fit(X, np.arange(len(X)) % 10)
    return 2 * X.nbytes


WAYS = {
    "NumPy, in order": read_in_order,
    "NumPy, shuffled": read_shuffled,
    "`fit`, one epoch": fit,
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
        n_rows = arguments.megabytes * MB // (N_FEATURES * np.dtype(dtype).itemsize)
        speeds = {(name, state): [] for name in WAYS for state in ("cold", "warm")}
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            path = Path(folder) / "X.npy"
            write_file(path, dtype, n_rows)
            for _ in tqdm(range(arguments.rounds), desc=dtype, unit="round"):
                for name, function in WAYS.items():
                    forget(path)
                    for state in ("cold", "warm"):
                        n_bytes, seconds = timed(partial(function, path))
                        speeds[name, state].append(n_bytes / seconds)
        for name in WAYS:
            row = {"X": dtype, "what": name}
            for state in ("cold", "warm"):
                median = statistics.median(speeds[name, state])
                row[f"{state}, MB/s"] = f"{median / MB:,.0f}"
            rows.append(row)
    note = (
        f"Medians of {arguments.rounds} rounds; files of {arguments.megabytes:,} MB; "
        f"memory of {memory_limit() / MB:,.0f} MB; {os.cpu_count()} cores."
    )
    is_large = arguments.megabytes * MB > memory_limit()
    report("disk_large" if is_large else "disk", rows, [note], write=arguments.write)


if __name__ == "__main__":
    main()
