"""Other numbers of updates and other weight decays than the defaults."""

import math

import numpy as np
from tqdm import tqdm

from benchmarks.panel.classification import PAIRS
from benchmarks.panel.data import LARGE, split, standardised, tables
from benchmarks.panel.measure import measure, seeds_note, with_error


def updates(rule):
    """Return the parameters of a number of updates that `rule` gives for n rows."""

    def parameters(n_rows):
        n_batches = math.ceil(n_rows / 100)
        return {"max_epochs": math.ceil(rule(n_rows) / n_batches)}

    return parameters


def decay(rule):
    """Return the parameters of a weight decay that `rule` gives for n rows."""
    return lambda n_rows: {"weight_decay": rule(n_rows)}


def constant(number):
    """Return a rule that ignores the number of rows."""
    return lambda n_rows: number


BUDGETS = {
    "mlp": {
        **{f"{n:,} updates": updates(constant(n)) for n in (200, 400, 800, 1500, 3000)},
        "20 n^(1/2) updates": updates(lambda n: 20 * n**0.5),
        "30 n^(1/2) updates": updates(lambda n: 30 * n**0.5),
    },
    "softmax": {
        **{f"{n:,} updates": updates(constant(n)) for n in (1000, 2000, 4000)},
        "30 n^(1/2) updates": updates(lambda n: 30 * n**0.5),
        "60 n^(1/2) updates": updates(lambda n: 60 * n**0.5),
    },
}
DECAYS = {
    "0": decay(constant(0.0)),
    "0.001": decay(constant(0.001)),
    "0.01": decay(constant(0.01)),
    "0.5 / n": decay(lambda n: 0.5 / n),
    "1 / n": decay(lambda n: 1 / n),
    "2 / n": decay(lambda n: 2 / n),
}


def default(n_rows):
    """Return no parameters: all are the defaults."""
    return {}


def score(estimator, parameters, n_seeds):
    """Return accuracies and log losses: arrays of shape (n_tables, n_seeds)."""
    results = [
        [
            measure(
                estimator(random_state=seed, **parameters(len(y_train))),
                *standardised(X_train, X_test),
                y_train,
                y_test,
            )
            for seed in range(n_seeds)
            for X_train, X_test, y_train, y_test in [split(X, y, seed)]
        ]
        for X, y in tables().values()
    ]
    accuracies = [[result.accuracy for result in seeds] for seeds in results]
    losses = [[result.log_loss for result in seeds] for seeds in results]
    return np.array(accuracies), np.array(losses)


def row(label, scores, default_scores):
    """Return a row of the table: means over the small and over the large tables."""
    accuracies, losses = scores
    large = np.array([len(X) >= LARGE for X, _ in tables().values()])
    differences = (accuracies - default_scores[0]).mean(axis=0)
    return {
        "": label,
        f"accuracy under {LARGE:,} rows": f"{accuracies[~large].mean():.2f}",
        f"accuracy from {LARGE:,} rows": f"{accuracies[large].mean():.2f}",
        "all, minus default": with_error(differences, sign="+"),
        f"log loss under {LARGE:,} rows": f"{losses[~large].mean():.3f}",
        f"log loss from {LARGE:,} rows": f"{losses[large].mean():.3f}",
    }


def rows(model, settings, n_seeds):
    """Return a row for scikit-learn's model, the default, and each setting."""
    ours, peer = PAIRS[model]
    models = {
        f"{peer.__name__}()": (peer, default),
        "default": (ours, default),
        **{label: (ours, parameters) for label, parameters in settings.items()},
    }
    scores = {
        label: score(estimator, parameters, n_seeds)
        for label, (estimator, parameters) in tqdm(models.items(), model)
    }
    return [row(label, scores[label], scores["default"]) for label in scores]


def run_budget(n_seeds):
    """Yield the name, rows and notes of the tables of numbers of updates."""
    for model, settings in BUDGETS.items():
        yield f"budget_{model}", rows(model, settings, n_seeds), [seeds_note(n_seeds)]


def run_weight_decay(n_seeds):
    """Yield the name, rows and notes of the tables of weight decays."""
    for model in PAIRS:
        name = f"weight_decay_{model}"
        yield name, rows(model, DECAYS, n_seeds), [seeds_note(n_seeds)]
