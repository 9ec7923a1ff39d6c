"""Time the prediction of many rows and of a single row.

From the root of the repository::

    python -m benchmarks.prediction --write

Each estimator predicts 10,000 digits; the autoencoder transforms them. The peer is the
estimator's own module, called with the same digits under ``torch.inference_mode()``.
Each estimator also predicts one digit. The peer is then scikit-learn's MLPClassifier
with 300 hidden units. Print a table of the ratios of the times. ``--write`` saves it
for the documentation.
"""

import argparse
import dataclasses

import numpy as np
import torch
from tqdm import tqdm

from benchmarks.pairs import alternate
from benchmarks.peers.sklearn_models import fit_mlp
from benchmarks.recipes import RECIPES, load
from benchmarks.tables import report

N_ROWS = 10_000
N_TRAINING_ROWS = 500
CALLS_OF_ONE_ROW = 200


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
    """Yield the number of rows, our call, the peer's label and call, and n_calls."""
    X, y, X_test, _ = data
    X, y = X[:N_TRAINING_ROWS], y[:N_TRAINING_ROWS]
    predict, module = fitted(name, X, y)
    rows = np.resize(X_test, (N_ROWS, X.shape[1]))
    tensor = torch.from_numpy(rows)

    def call_module():
        with torch.inference_mode():
            return module(tensor)

    yield N_ROWS, lambda: predict(rows), "bare module", call_module, 1
    row = rows[:1]
    peer = fit_mlp("mlp", recipe_of_one_epoch("mlp"), X, y)
    calls = CALLS_OF_ONE_ROW
    yield 1, lambda: predict(row), "MLPClassifier", lambda: peer(row), calls


def main():
    """Measure the systems that the options select."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--systems", nargs="+", choices=RECIPES, default=list(RECIPES))
    parser.add_argument("--pairs", type=int, default=30)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()

    data = load("sample")
    rows = []
    with tqdm(total=len(arguments.systems) * 2 * arguments.pairs, unit="pair") as bar:
        for name in arguments.systems:
            for n_rows, ours, label, theirs, n_calls in contests(name, data[name]):
                bar.set_description(f"{name}: {n_rows:,} rows")
                alternate(ours, theirs, 1)
                pairs, _ = alternate(
                    ours, theirs, arguments.pairs, n_calls=n_calls, progress=bar
                )
                cells = {"system": name, "rows": f"{n_rows:,}", "peer": label}
                rows.append(cells | pairs.summary())
    note = f"Medians of {arguments.pairs} pairs of runs."
    report("predict", rows, [note], write=arguments.write)


if __name__ == "__main__":
    main()
