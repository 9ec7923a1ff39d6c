"""The regressor's defaults beside scikit-learn's MLPRegressor."""

import numpy as np
from sklearn import datasets
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from benchmarks.panel.measure import fit, seeds_note, with_error
from sknets import MLPDropoutRegressor


def column_of(load, column):
    """Return the other columns of a data set as X, and one of them as y."""
    X = load().data
    return np.delete(X, column, axis=1), X[:, column]


TASKS = {
    "diabetes": lambda: datasets.load_diabetes(return_X_y=True),
    "diabetes, unscaled": lambda: datasets.load_diabetes(return_X_y=True, scaled=False),
    "Friedman 1": lambda: datasets.make_friedman1(1000, noise=1.0, random_state=0),
    "Friedman 2": lambda: datasets.make_friedman2(1000, noise=100.0, random_state=0),
    "Friedman 3": lambda: datasets.make_friedman3(1000, noise=0.1, random_state=0),
    "linear": lambda: datasets.make_regression(
        500, 30, n_informative=10, noise=50.0, random_state=0
    ),
    "S curve": lambda: datasets.make_s_curve(2000, noise=0.1, random_state=0),
    "sparse uncorrelated": lambda: datasets.make_sparse_uncorrelated(
        500, random_state=0
    ),
    "iris: petal width": lambda: column_of(datasets.load_iris, 3),
    "wine: proline": lambda: column_of(datasets.load_wine, 12),
    "breast cancer: worst concavity": lambda: column_of(
        datasets.load_breast_cancer, 26
    ),
    "digits: a pixel": lambda: column_of(datasets.load_digits, 36),
}


def raw(seed):
    """Return this package's regressor."""
    return MLPDropoutRegressor(random_state=seed)


def standardised(seed):
    """Return this package's regressor behind a StandardScaler."""
    return make_pipeline(StandardScaler(), raw(seed))


def peer(seed):
    """Return scikit-learn's MLPRegressor with X and y standardised."""
    model = make_pipeline(StandardScaler(), MLPRegressor(random_state=seed))
    return TransformedTargetRegressor(model, transformer=StandardScaler())


def scores(task, n_seeds):
    """Return the R2 on held-out rows, an array of shape (n_seeds, 3)."""
    X, y = TASKS[task]()
    found = []
    for seed in range(n_seeds):
        X_train, X_test, y_train, y_test = train_test_split(
            X, y, test_size=0.3, random_state=seed
        )
        models = [make(seed) for make in (raw, standardised, peer)]
        for model in models:
            fit(model, X_train, y_train)
        found.append([model.score(X_test, y_test) for model in models])
    return np.array(found)


def row(label, r2):
    """Return a row of the table."""
    of_raw, of_standardised, of_peer = r2.mean(axis=0)
    return {
        "data": label,
        "R2, raw": f"{of_raw:.3f}",
        "R2, standardised": f"{of_standardised:.3f}",
        "R2 of MLPRegressor": f"{of_peer:.3f}",
        "standardised, difference": with_error(r2[:, 1] - r2[:, 2], 3, sign="+"),
    }


def run(n_seeds):
    """Yield the name, rows and notes of the table."""
    r2 = {task: scores(task, n_seeds) for task in tqdm(TASKS, "regression")}
    rows = [row(task, values) for task, values in r2.items()]
    rows.append(row("mean", np.mean(list(r2.values()), axis=0)))
    yield "regression", rows, [seeds_note(n_seeds)]
