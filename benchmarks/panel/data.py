"""Data of the panel: small tables, and the MNIST sample."""

import os
from pathlib import Path

import numpy as np
from sklearn import datasets
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sknets.datasets import load_mnist_sample

LARGE = 1000  # rows, from which on a table counts as large


def tables():
    """Return X and y of each table, by its name.

    They are scikit-learn's own and two synthetic ones. If the environment variable
    ``SKNETS_DATA`` names a folder with the file ``tables/tables.npz``, its tables
    follow: ``<name>_X`` and ``<name>_y``.
    """
    found = {
        "iris": datasets.load_iris(return_X_y=True),
        "wine": datasets.load_wine(return_X_y=True),
        "moons": datasets.make_moons(500, noise=0.3, random_state=0),
        "breast cancer": datasets.load_breast_cancer(return_X_y=True),
        "20 features": datasets.make_classification(
            1000, n_features=20, n_informative=8, n_classes=3, random_state=0
        ),
        "digits": datasets.load_digits(return_X_y=True),
    }
    return found | tables_of_folder()


def tables_of_folder():
    """Return the tables of the folder that ``SKNETS_DATA`` names, if there are any."""
    path = Path(os.environ.get("SKNETS_DATA", ""), "tables", "tables.npz")
    if not path.exists():
        return {}
    with np.load(path) as arrays:
        names = [key.removesuffix("_X") for key in arrays if key.endswith("_X")]
        return {name: (arrays[f"{name}_X"], arrays[f"{name}_y"]) for name in names}


def split(X, y, seed):
    """Hold out 30 % of the rows, stratified. Return X, X_test, y, y_test."""
    return train_test_split(X, y, test_size=0.3, stratify=y, random_state=seed)


def standardised(X, X_test):
    """Return both behind a StandardScaler that is fitted on the first."""
    scaler = StandardScaler().fit(X)
    return scaler.transform(X), scaler.transform(X_test)


def mnist_sample():
    """Return X, X_test, y, y_test of the MNIST sample, with pixels in [0, 1]."""
    X, y = load_mnist_sample(return_X_y=True)
    X_test, y_test = load_mnist_sample(subset="test", return_X_y=True)
    return X, X_test, y, y_test
