"""Time the prediction of many rows and of a single row.

From the root of the repository::

    python -m benchmarks.prediction --write

Each estimator predicts 10,000 digits; the autoencoder transforms them. The peer is the
estimator's own module, called with the same digits under ``torch.inference_mode()``.
Each estimator also predicts one digit. The peer is then scikit-learn's MLPClassifier
with 300 hidden units. The classifiers predict 2,000,000 rows of 10 features too, in one
call and in calls of 10,000 rows. Print a table of the ratios of the times. ``--write``
saves it for the documentation, in place of the rows of the same systems. Where
MLPClassifier is the peer, a pause precedes each run, because the threads of one library
spin for a while after its last call.
"""

import argparse
import dataclasses
from functools import partial

import numpy as np
import torch
from tqdm import tqdm

from benchmarks.pairs import alternate
from benchmarks.peers.sklearn_models import fit_mlp
from benchmarks.recipes import RECIPES, load
from benchmarks.tables import replace_rows, report, saved_rows

N_ROWS = 10_000
N_TRAINING_ROWS = 500
CALLS_OF_ONE_ROW = 200
N_NARROW_ROWS = 2_000_000
N_NARROW_FEATURES = 10
PAUSE = 0.15


def recipe_of_one_epoch(name):
    """Return the recipe of a system, shortened to one epoch."""
    return dataclasses.replace(RECIPES[name], n_epochs=1)


def fitted(name, X, y):
    """Return a fitted function that predicts, and the module that it evaluates.

    A short training is enough, because it does not change the time of prediction.
    """
    model = recipe_of_one_epoch(name).build(len(X)).fit(X, y)
    if name == "autoencoder":
        return model.transform, model.module_.encoder
    return model.predict, model.module_


def contests(name, data):
    """Yield facts of a comparison, our call, the peer's call, and n_calls."""
    X, y, X_test, _ = data
    X, y = X[:N_TRAINING_ROWS], y[:N_TRAINING_ROWS]
    predict, module = fitted(name, X, y)
    rows = np.resize(X_test, (N_ROWS, X.shape[1]))
    tensor = torch.from_numpy(rows)

    def call_module():
        with torch.inference_mode():
            return module(tensor)

    many = {"rows": f"{N_ROWS:,}", "X": "float32", "peer": "bare module"}
    yield many, partial(predict, rows), call_module, 1
    for dtype in (np.float32, np.float64):
        peer = fit_mlp("mlp", recipe_of_one_epoch("mlp"), X.astype(dtype), y)
        row = rows[:1].astype(dtype)
        one = {"rows": "1", "X": dtype.__name__, "peer": "MLPClassifier"}
        yield one, partial(predict, row), partial(peer, row), CALLS_OF_ONE_ROW
    if name == "mlp":
        rows = rows.astype(np.float64)
        many = {"rows": f"{N_ROWS:,}", "X": "float64", "peer": "MLPClassifier"}
        yield many, partial(predict, rows), partial(peer, rows), 1


def contests_of_many_rows(name):
    """Yield the same for one call on millions of narrow rows, against many calls."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((N_NARROW_ROWS, N_NARROW_FEATURES), np.float32)
    y = np.arange(N_TRAINING_ROWS) % 10
    model = recipe_of_one_epoch(name).build(len(y)).fit(X[: len(y)], y)
    for method in (model.predict, model.predict_proba):
        facts = {
            "rows": f"{N_NARROW_ROWS:,}",
            "X": f"float32, {N_NARROW_FEATURES} features, {method.__name__}",
            "peer": f"calls of {N_ROWS:,} rows",
        }

        def in_pieces(method=method):
            for start in range(0, len(X), N_ROWS):
                method(X[start : start + N_ROWS])

        yield facts, partial(method, X), in_pieces, 1


def main():
    """Measure the systems that the options select."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--systems", nargs="+", choices=RECIPES, default=list(RECIPES))
    parser.add_argument("--pairs", type=int, default=30)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()

    data = load("sample")
    rows = []
    for name in arguments.systems:
        todo = list(contests(name, data[name]))
        if name in ("softmax", "mlp"):
            todo += contests_of_many_rows(name)
        for facts, ours, theirs, n_calls in tqdm(todo, desc=name, unit="row"):
            alternate(ours, theirs, 1)
            pause = PAUSE if facts["peer"] == "MLPClassifier" else 0
            pairs, _ = alternate(
                ours, theirs, arguments.pairs, n_calls=n_calls, pause=pause
            )
            rows.append({"system": name} | facts | pairs.summary())
    if arguments.write:
        rows = replace_rows(
            saved_rows("predict"), rows, ["system", "rows", "X", "peer"]
        )
        rows.sort(key=lambda row: list(RECIPES).index(row["system"]))
    note = "Medians of 9 or more pairs of runs."
    report("predict", rows, [note], write=arguments.write)


if __name__ == "__main__":
    main()
