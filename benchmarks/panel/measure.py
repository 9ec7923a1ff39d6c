"""Fit a model and score it; summarise what several seeds gave."""

import time
import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss


@dataclass(frozen=True)
class Result:
    """A fitted model, and how it does on the rows that were held out."""

    model: object
    accuracy: float  # in percent
    log_loss: float
    seconds: float  # of the processor, for `fit`
    n_warnings: int  # of convergence, in `fit`


def fit(model, X, y, **fit_params):
    """Fit a model. Return the seconds of the processor, and how many warnings.

    Only warnings of convergence count. None are shown: scikit-learn's models often end
    before they converge, by default.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        start = time.process_time()
        model.fit(X, y, **fit_params)
        seconds = time.process_time() - start
    return seconds, sum(issubclass(w.category, ConvergenceWarning) for w in caught)


def measure(model, X, X_test, y, y_test, **fit_params):
    """Fit a classifier on X and y. Return its `Result` on X_test and y_test."""
    seconds, n_warnings = fit(model, X, y, **fit_params)
    # In float32, small probabilities would become 0.
    probabilities = model.predict_proba(X_test.astype(np.float64)).astype(np.float64)
    labels = model.classes_[probabilities.argmax(axis=1)]
    return Result(
        model,
        accuracy=100 * np.mean(labels == y_test),
        log_loss=log_loss(y_test, probabilities, labels=model.classes_),
        seconds=seconds,
        n_warnings=n_warnings,
    )


def with_error(values, digits=2, sign=""):
    """Format the mean of one value per seed, with its standard error."""
    mean = f"{np.mean(values):{sign}.{digits}f}"
    if len(values) < 2:
        return mean
    error = np.std(values, ddof=1) / len(values) ** 0.5
    return f"{mean} ({error:.{digits}f})"


def seeds_note(n_seeds):
    """Return the note on the numbers of a table."""
    return f"Seeds: {n_seeds}. Standard errors in parentheses."
