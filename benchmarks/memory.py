"""Measure the memory and the time that `fit` needs for larger and larger X.

From the root of the repository::

    python -m benchmarks.memory --write

Train MLPDropoutClassifier for one epoch on synthetic data, each time in a new process.
The memory of `fit` is the rise of the peak of the resident memory during `fit`. It does
not include X, which is in memory before. Print a table. ``--write`` saves it for the
documentation. A million rows in float64 need 10 GB of memory, and their memory map 6.3
GB of disk.
"""

import argparse
import multiprocessing
import resource
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from tqdm import tqdm

from benchmarks.pairs import timed
from benchmarks.tables import replace_rows, report, saved_rows
from sknets import MLPDropoutClassifier

N_FEATURES = 784
KINDS = (
    "float32",
    "float64",
    "float32, read-only memory map",
    "float64, read-only memory map",
)


def make_data(n_samples, kind, folder):
    """Return X, filled without a copy, and y."""
    dtype = np.dtype(kind.split(",")[0])
    path = Path(folder) / "X.npy"
    if "map" in kind:
        X = np.lib.format.open_memmap(path, "w+", dtype, (n_samples, N_FEATURES))
    else:
        X = np.empty((n_samples, N_FEATURES), dtype)
    np.random.default_rng(0).random(out=X, dtype=dtype)
    if "map" in kind:
        X.flush()
        X = np.load(path, mmap_mode="r")
        X.max()  # Pages that have been read count as resident memory.
    return X, np.arange(n_samples) % 10


def peak_memory():
    """Return the largest resident memory so far, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def measure(n_samples, kind):
    """Return the size of X, and the memory and seconds of `fit`."""
    model = MLPDropoutClassifier(max_epochs=1, random_state=0)
    rng = np.random.default_rng(0)
    model.fit(rng.random((1000, N_FEATURES), dtype=np.float32), np.arange(1000) % 10)
    with tempfile.TemporaryDirectory() as folder:
        X, y = make_data(n_samples, kind, folder)
        before = peak_memory()
        _, seconds = timed(lambda: model.fit(X, y))
        return X.nbytes, peak_memory() - before, seconds


def measure_apart(*arguments):
    """Call `measure` in a new process, because a peak covers a whole process."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        return executor.submit(measure, *arguments).result()


def main():
    """Measure the sizes that the options select."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    sizes = [10_000, 100_000, 1_000_000]
    parser.add_argument("--rows", nargs="+", type=int, default=sizes)
    parser.add_argument("--kinds", nargs="+", default=KINDS, choices=KINDS)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()

    rows = []
    cases = [(n, kind) for kind in arguments.kinds for n in arguments.rows]
    for n_samples, kind in tqdm(cases, unit="fit"):
        size, rise, seconds = measure_apart(n_samples, kind)
        row = {
            "X": kind,
            "rows": f"{n_samples:,}",
            "size of X": f"{size / 1e6:,.0f} MB",
            "memory of `fit`": f"{rise / 1e6:,.0f} MB",
            "memory / size": f"{rise / size:.2f}",
            "µs a row": f"{1e6 * seconds / n_samples:.1f}",
        }
        rows.append(row)
    if arguments.write:
        rows = replace_rows(saved_rows("memory"), rows, ["X", "rows"])
    report("memory", rows, [], write=arguments.write)


if __name__ == "__main__":
    main()
