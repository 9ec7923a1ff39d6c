"""Time a grid search with threads, with processes and on a dask cluster.

From the root of the repository::

    python -m benchmarks.parallel --write

A small net is searched on digits of 64 features, and a larger one on digits of 784. All
ways run in turn, several times. The worker processes have been started before, and each
has trained once. Print a table of the medians. ``--write`` saves it for the
documentation.
"""

import argparse
import os
import statistics
from contextlib import contextmanager, nullcontext
from functools import partial

import joblib
import torch
from dask.distributed import Client, LocalCluster
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from tqdm import tqdm

from benchmarks.pairs import duration, timed
from benchmarks.tables import report
from sknets import MLPDropoutClassifier
from sknets.datasets import load_mnist_sample


def searches():
    """Yield a name, a search and its data for each net."""
    X, y = load_digits(return_X_y=True)
    grid = {"learning_rate": [0.1, 0.3], "dropout": [0.0, 0.25]}
    small = MLPDropoutClassifier(30, max_epochs=10, random_state=0)
    search = GridSearchCV(small, grid, cv=3, refit=False)
    yield "64-30-10, 1,200 rows", search, X / 16, y
    X, y = load_mnist_sample(return_X_y=True)
    large = MLPDropoutClassifier(
        1000, batch_size=500, max_epochs=3, standardize=False, random_state=0
    )
    search = GridSearchCV(large, grid, cv=3, refit=False)
    yield "784-1000-10, 1,000 rows", search, X[:1500], y[:1500]


@contextmanager
def torch_threads(n_threads):
    """Give torch a number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


WAYS = {
    "`n_jobs=1`, 1 thread": (1, 1, nullcontext),
    "`n_jobs=1`, 2 threads": (1, 2, nullcontext),
    "`n_jobs=2`, 1 thread each": (2, 1, nullcontext),
    "dask, 2 workers, 1 thread each": (
        -1,
        1,
        lambda: joblib.parallel_config(backend="dask"),
    ),
}


def run(search, X, y, way):
    """Run a search in one of the ways. Return the best score."""
    n_jobs, n_threads, backend = WAYS[way]
    with torch_threads(n_threads), backend():
        return clone(search).set_params(n_jobs=n_jobs).fit(X, y).best_score_


def main():
    """Measure the searches in all ways."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()

    rows = []
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with cluster, Client(cluster):
        for name, search, X, y in searches():
            seconds = {way: [] for way in WAYS}
            for way in WAYS:  # starts the workers
                run(search, X, y, way)
            for _ in tqdm(range(arguments.rounds), desc=name, unit="round"):
                for way in WAYS:
                    taken = timed(partial(run, search, X, y, way))[1]
                    seconds[way].append(taken)
            alone = statistics.median(next(iter(seconds.values())))
            for way, taken in seconds.items():
                median = statistics.median(taken)
                row = {
                    "net": name,
                    "way": way,
                    "time of 12 fits": duration(median),
                    "lowest to highest": f"{duration(min(taken))} to "
                    f"{duration(max(taken))}",
                    "times as fast": f"{alone / median:.2f}",
                }
                rows.append(row)
    note = f"Medians of {arguments.rounds} rounds; {os.cpu_count()} cores."
    report("parallel", rows, [note], write=arguments.write)


if __name__ == "__main__":
    main()
