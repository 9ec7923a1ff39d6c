"""Each named optimizer with its default learning rate, on digits."""

import numpy as np
from sklearn.datasets import load_digits
from tqdm import tqdm

from benchmarks.panel.data import split
from benchmarks.panel.measure import seeds_note, with_error
from sknets import (
    ConvNetClassifier,
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
    MLPDropoutRegressor,
    SoftmaxClassifier,
)

OPTIMIZERS = ("sgd", "adagrad", "adam", "adamw")
ESTIMATORS = (
    SoftmaxClassifier,
    MLPDropoutClassifier,
    ConvNetClassifier,
    MLPDropoutRegressor,
)


def scores(estimator, optimizer, n_seeds):
    """Return 100 times the accuracy, or the R2, of each seed."""
    X, y = load_digits(return_X_y=True)
    found = []
    for seed in range(n_seeds):
        X_train, X_test, y_train, y_test = split(X / 16, y, seed)
        model = estimator(optimizer=optimizer, random_state=seed)
        found.append(100 * model.fit(X_train, y_train).score(X_test, y_test))
    return found


def explained_variances(optimizer, n_seeds):
    """Return the percentage of the variance that 20 features explain, for each seed."""
    X, y = load_digits(return_X_y=True)
    found = []
    for seed in range(n_seeds):
        X_train, X_test, _, _ = split(X / 16, y, seed)
        coder = DenoisingAutoencoderTransformer(
            20, optimizer=optimizer, random_state=seed
        )
        error = np.square(coder.fit(X_train).reconstruct(X_test) - X_test).sum()
        variance = np.square(X_test - X_train.mean(axis=0)).sum()
        found.append(100 * (1 - error / variance))
    return found


def run(n_seeds):
    """Yield the name, rows and notes of the table."""
    rows = [
        {"optimizer": optimizer}
        | {
            estimator.__name__: with_error(scores(estimator, optimizer, n_seeds))
            for estimator in ESTIMATORS
        }
        | {
            DenoisingAutoencoderTransformer.__name__: with_error(
                explained_variances(optimizer, n_seeds)
            )
        }
        for optimizer in tqdm(OPTIMIZERS, "optimizers")
    ]
    yield "optimizers", rows, [seeds_note(n_seeds)]
