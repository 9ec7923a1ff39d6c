"""Try what classifiers of several libraries can do, and count failed checks.

From the root of the repository::

    KERAS_BACKEND=torch python -m benchmarks.abilities --write

The classifiers are perceptrons: of this package and of scikit-learn with their
defaults, of the others with 30 hidden units, trained by Adam for 50 epochs. An ability
is there if the call raises no error and the result is right. The last row counts the
checks of scikit-learn's `check_estimator` that fail. Print a table. ``--write`` saves
it for the documentation. Libraries that are not installed are left out.
"""

import argparse
import warnings
from collections import Counter

import numpy as np
import pandas as pd
import torch
from scipy import sparse
from sklearn.datasets import load_iris
from sklearn.neural_network import MLPClassifier
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.validation import check_is_fitted

from benchmarks.tables import report
from sknets import MLPDropoutClassifier

N_HIDDEN = 30
N_EPOCHS = 50
RATE = 0.01


def make_skorch(**parameters):
    """Return skorch's classifier."""
    from skorch import NeuralNetClassifier

    class Perceptron(torch.nn.Sequential):
        def __init__(self):
            layers = torch.nn.LazyLinear(N_HIDDEN), torch.nn.ReLU()
            super().__init__(*layers, torch.nn.Linear(N_HIDDEN, 10))

    return NeuralNetClassifier(
        Perceptron,
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=RATE,
        max_epochs=N_EPOCHS,
        verbose=0,
        **parameters,
    )


def make_keras(**parameters):
    """Return Keras' wrapper for scikit-learn."""
    import keras
    from keras.wrappers import SKLearnClassifier

    def build(X, y):
        layers = [
            keras.layers.Input(X.shape[1:]),
            keras.layers.Dense(N_HIDDEN, "relu"),
            keras.layers.Dense(y.shape[1], "softmax"),
        ]
        model = keras.Sequential(layers)
        model.compile(keras.optimizers.Adam(RATE), "categorical_crossentropy")
        return model

    fit_kwargs = {"epochs": N_EPOCHS, "verbose": 0}
    return SKLearnClassifier(build, fit_kwargs=fit_kwargs, **parameters)


LIBRARIES = {
    "sknets": MLPDropoutClassifier,
    "scikit-learn": MLPClassifier,
    "skorch": make_skorch,
    "keras": make_keras,
}


def is_right(model, X, y):
    """Return whether a fitted model knows most of its training data."""
    return np.mean(np.asarray(model.predict(X)) == y) > 0.8


def is_fitted(model):
    """Return whether a model is fitted."""
    check_is_fitted(model)
    return True


def has_seed(make, X, y):
    """Return whether two fits with one `random_state` are equal."""
    first, second = (make(random_state=0).fit(X, y).predict_proba(X) for _ in range(2))
    return np.array_equal(first, second)


def abilities(X, y):
    """Return the calls to try, each of which takes a function that makes a model."""
    names = np.array(["a", "b", "c"])[y]
    X32, frame, rows = X.astype("float32"), pd.DataFrame(X), sparse.csr_matrix(X)
    rows32, weights = rows.astype("float32"), np.ones(len(y))
    return {
        "labels that are strings": lambda make: is_right(
            make().fit(X32, names), X32, names
        ),
        "X in float64": lambda make: is_right(make().fit(X, y), X, y),
        "X in a DataFrame": lambda make: is_right(make().fit(frame, y), frame, y),
        "sparse X": lambda make: is_right(make().fit(rows32, y), rows32, y),
        "`sample_weight`": lambda make: is_right(
            make().fit(X32, y, sample_weight=weights), X32, y
        ),
        "`predict_proba`": lambda make: (
            len(make().fit(X32, y).predict_proba(X32)) == len(y)
        ),
        "`partial_fit`": lambda make: is_fitted(
            make().partial_fit(X32, y, classes=[0, 1, 2])
        ),
        "`random_state`": lambda make: has_seed(make, X32, y),
    }


def attempt(ability, make):
    """Return "yes" or "no"."""
    try:
        return "yes" if ability(make) else "no"
    except Exception:  # of any kind: these are calls of other people's code
        return "no"


def count_failures(make):
    """Return how many of scikit-learn's checks fail, and how many there are."""
    torch.manual_seed(0)  # skorch and Keras have no seed of their own
    found = Counter(r["status"] for r in check_estimator(make(), on_fail=None))
    return f"{found['failed']} of {found['failed'] + found['passed']}"


def main():
    """Try all abilities of the libraries that are installed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    libraries = {}
    for name, make in LIBRARIES.items():
        try:
            make()
        except ImportError:
            continue
        libraries[name] = make
    X, y = load_iris(return_X_y=True)
    rows = [
        {"": text} | {name: attempt(ability, make) for name, make in libraries.items()}
        for text, ability in abilities(X, y).items()
    ]
    failures = {name: count_failures(make) for name, make in libraries.items()}
    rows.append({"": "failed checks"} | failures)
    report("abilities", rows, [], write=arguments.write)


if __name__ == "__main__":
    main()
