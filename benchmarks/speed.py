"""Time whole calls of `fit` against peers that do the same work.

From the root of the repository::

    python -m benchmarks.speed --data mnist --write

This package and each peer train the four systems of the tutorial article in turn, by
the recipes of the article. JAX compiles before its time is measured; Keras compiles in
`fit`, within its time. Print a table of the ratios of the times. ``--write`` saves it
for the documentation. In a saved table, it replaces the rows of the same systems and
peers.
"""

import argparse
import dataclasses
import importlib
import sys

import numpy as np
from tqdm import tqdm

from benchmarks.pairs import alternate
from benchmarks.recipes import RECIPES, load
from benchmarks.tables import replace_rows, report, saved_rows

PEERS = {
    "torch": "torch_loop",
    "skorch": "skorch_nets",
    "sklearn": "sklearn_models",
    "jax": "jax_loop",
    "keras": "keras_models",
}
N_WARM_UP = 300


def fit_ours(name, recipe, X, y):
    """Train the estimator of this package. Return a function that predicts."""
    model = recipe.build(len(X)).fit(X, y)
    return model.reconstruct if name == "autoencoder" else model.predict


def quality(name, predict, X, y):
    """Return the accuracy, or for the autoencoder the mean cost per row, as text."""
    output = predict(X)
    if name == "autoencoder":
        return f"{0.5 * np.square(output - X).sum(axis=1).mean():.2f}"
    return f"{np.mean(output == y):.4f}"


def compare(name, fit, data, n_pairs, progress):
    """Return the cells of a table row that compares this package with a peer."""
    X, y, X_test, y_test = data
    recipe = RECIPES[name]
    one_epoch = dataclasses.replace(recipe, n_epochs=1)
    for function in (fit_ours, fit):
        function(name, one_epoch, X[:N_WARM_UP], y[:N_WARM_UP])
    pairs, predictors = alternate(
        lambda: fit_ours(name, recipe, X, y),
        lambda: fit(name, recipe, X, y),
        n_pairs,
        progress=progress,
    )
    qualities = [quality(name, predict, X_test, y_test) for predict in predictors]
    labels = "accuracy here", "accuracy of peer"
    return pairs.summary() | dict(zip(labels, qualities, strict=True))


def installed_peers(names):
    """Return the modules of the peers, and a note for each that is not installed."""
    modules, notes = [], []
    for name in names:
        try:
            modules.append(importlib.import_module(f"benchmarks.peers.{PEERS[name]}"))
        except ModuleNotFoundError as error:
            notes.append(f"{name} is left out: {error.name} is not installed.")
    return modules, notes


def contests(systems, modules):
    """Yield the name of a system, a peer's module, its label and its `fit`."""
    for name in systems:
        for module in modules:
            for label, fit in module.FITS.get(name, {}).items():
                yield name, module, label, fit


def main():
    """Measure the systems and peers that the options select."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", choices=["sample", "mnist"], default="sample")
    parser.add_argument("--systems", nargs="+", choices=RECIPES, default=list(RECIPES))
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()

    data = load(arguments.data)
    modules, notes = installed_peers(arguments.peers)
    todo = list(contests(arguments.systems, modules))
    rows = []
    with tqdm(total=len(todo) * arguments.pairs, unit="pair") as progress:
        for name, module, label, fit in todo:
            progress.set_description(f"{name}: {label}")
            if hasattr(module, "prepare"):
                module.prepare(name, RECIPES[name], *data[name][:2])
            cells = compare(name, fit, data[name], arguments.pairs, progress)
            facts = {"system": name, "peer": label, "pairs": str(arguments.pairs)}
            rows.append(facts | cells)
            progress.write(" | ".join(rows[-1].values()), file=sys.stderr)
    if arguments.write:
        rows = replace_rows(saved_rows("speed"), rows, ["system", "peer"])
        rows.sort(key=lambda row: list(RECIPES).index(row["system"]))
    notes.append(
        f"Trained on {len(data['mlp'][0]):,} digits. For the autoencoder, the mean "
        "cost of a test digit stands in place of the accuracy: lower is better."
    )
    report("speed", rows, notes, write=arguments.write)


if __name__ == "__main__":
    main()
