"""The defaults beside scikit-learn's, on tables, raw and standardised."""

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from tqdm import tqdm

from benchmarks.panel.data import LARGE, split, standardised, tables
from benchmarks.panel.measure import fit, measure, seeds_note, with_error
from sknets import MLPDropoutClassifier, SoftmaxClassifier

PAIRS = {
    "mlp": (MLPDropoutClassifier, MLPClassifier),
    "softmax": (SoftmaxClassifier, LogisticRegression),
}
SCALES = ("standardised", "raw")


@dataclass(frozen=True)
class Comparison:
    """Both models on one table: arrays with a row per seed, this package first."""

    name: str
    n_rows: int
    accuracy: np.ndarray
    log_loss: np.ndarray
    seconds: np.ndarray
    n_warnings: int

    @property
    def differences(self):
        """Accuracy here minus that of the peer, for each seed."""
        return self.accuracy[:, 0] - self.accuracy[:, 1]

    @property
    def time_ratio(self):
        """Median time here divided by that of the peer."""
        here, peer = np.median(self.seconds, axis=0)
        return here / peer


def fit_both(pair, seed, data):
    """Return the results of both models. They take turns in being first."""
    order = (0, 1) if seed % 2 == 0 else (1, 0)
    results = {i: measure(pair[i](random_state=seed), *data) for i in order}
    return results[0], results[1]


def compare(pair, name, X, y, scale, n_seeds):
    """Compare the defaults of both models on a table."""
    results = []
    for seed in range(n_seeds):
        X_train, X_test, y_train, y_test = split(X, y, seed)
        if scale == "standardised":
            X_train, X_test = standardised(X_train, X_test)
        results.append(fit_both(pair, seed, (X_train, X_test, y_train, y_test)))

    def collect(attribute):
        return np.array([[getattr(r, attribute) for r in both] for both in results])

    return Comparison(
        name,
        len(X),
        accuracy=collect("accuracy"),
        log_loss=collect("log_loss"),
        seconds=collect("seconds"),
        n_warnings=collect("n_warnings")[:, 0].sum(),
    )


def row(label, group, peer):
    """Return a row of the table: the means over a group of comparisons."""
    here_accuracy, peer_accuracy = np.mean([c.accuracy for c in group], axis=(0, 1))
    here_loss, peer_loss = np.mean([c.log_loss for c in group], axis=(0, 1))
    differences = np.mean([c.differences for c in group], axis=0)
    return {
        "data": label,
        "accuracy here": f"{here_accuracy:.2f}",
        f"of {peer}": f"{peer_accuracy:.2f}",
        "difference": with_error(differences, sign="+"),
        "log loss here": f"{here_loss:.3f}",
        f"log loss of {peer}": f"{peer_loss:.3f}",
        "time here / peer": f"{np.median([c.time_ratio for c in group]):.2f}",
    }


def rows(comparisons, peer):
    """Return a row for each table, from small to large, and the rows of the means."""
    ordered = sorted(comparisons, key=lambda c: c.n_rows)
    small = [c for c in ordered if c.n_rows < LARGE]
    large = [c for c in ordered if c.n_rows >= LARGE]
    return [
        *(row(f"{c.name}, {c.n_rows:,} rows", [c], peer) for c in ordered),
        row(f"mean under {LARGE:,} rows", small, peer),
        row(f"mean from {LARGE:,} rows", large, peer),
        row("mean", ordered, peer),
    ]


def notes(comparisons, n_seeds):
    """Return what the table does not show at a glance: the worst of it."""
    lowest = min(comparisons, key=lambda c: c.differences.mean())
    slowest = max(comparisons, key=lambda c: c.time_ratio)
    n_warnings = sum(c.n_warnings for c in comparisons)
    return [
        f"Lowest difference of accuracies: {lowest.name}, "
        f"{with_error(lowest.differences, sign='+')}. "
        f"Highest ratio of times: {slowest.name}, {slowest.time_ratio:.2f}. "
        "The rows of means have the median ratio. Convergence warnings here: "
        f"{n_warnings} of {n_seeds * len(comparisons)} fits.",
        seeds_note(n_seeds),
    ]


def run(n_seeds):
    """Yield the name, rows and notes of each table."""
    for model, pair in PAIRS.items():
        for estimator in pair:  # what is loaded in a first fit is not timed
            fit(estimator(), np.eye(4), [0, 1, 0, 1])
        for scale in SCALES:
            comparisons = [
                compare(pair, name, X, y, scale, n_seeds)
                for name, (X, y) in tqdm(tables().items(), f"{model}, {scale}")
            ]
            peer = pair[1].__name__
            yield (
                f"{model}_{scale}",
                rows(comparisons, peer),
                notes(comparisons, n_seeds),
            )
