"""Early stopping beside training to the end, on the same rows."""

import numpy as np
from sklearn.model_selection import train_test_split
from tqdm import tqdm

from benchmarks.panel.data import mnist_sample, split, standardised, tables
from benchmarks.panel.measure import measure, seeds_note, with_error
from sknets import MLPDropoutClassifier


def data_sets():
    """Yield names, and functions that return X, X_test, y, y_test for a seed."""

    def draw(X, y, seed):
        X_train, X_test, y_train, y_test = split(X, y, seed)
        return *standardised(X_train, X_test), y_train, y_test

    for name, (X, y) in tables().items():
        yield name, lambda seed, X=X, y=y: draw(X, y, seed)
    yield "MNIST sample", lambda seed: mnist_sample()


def compare(X, X_test, y, y_test, seed):
    """Return the results with and without early stopping, on 90 % of the rows.

    Early stopping validates on the other 10 %.
    """
    X, X_val, y, y_val = train_test_split(
        X, y, test_size=0.1, stratify=y, random_state=seed
    )
    data = X, X_test, y, y_test
    stopping = MLPDropoutClassifier(early_stopping=True, random_state=seed)
    stopped = measure(stopping, *data, X_val=X_val, y_val=y_val)
    return stopped, measure(MLPDropoutClassifier(random_state=seed), *data)


def numbers(stopped, whole):
    """Return accuracies and log losses with and without, and the share of epochs."""
    return (
        stopped.accuracy,
        whole.accuracy,
        stopped.log_loss,
        whole.log_loss,
        100 * stopped.model.n_iter_ / whole.model.n_iter_,
    )


def row(label, values):
    """Return a row of the table, of `numbers` with one row per seed."""
    accuracy, accuracy_whole, loss, loss_whole, share = values.mean(axis=0)
    return {
        "data": label,
        "accuracy with": f"{accuracy:.2f}",
        "without": f"{accuracy_whole:.2f}",
        "difference": with_error(values[:, 0] - values[:, 1], sign="+"),
        "log loss with": f"{loss:.3f}",
        "log loss without": f"{loss_whole:.3f}",
        "epochs": f"{share:.0f} %",
    }


def run(n_seeds):
    """Yield the name, rows and notes of the table."""
    measured = {
        name: np.array(
            [numbers(*compare(*draw(seed), seed)) for seed in range(n_seeds)]
        )
        for name, draw in tqdm(list(data_sets()), "early stopping")
    }
    rows = [row(name, values) for name, values in measured.items()]
    rows.append(row("mean", np.mean(list(measured.values()), axis=0)))
    yield "early_stopping", rows, [seeds_note(n_seeds)]
