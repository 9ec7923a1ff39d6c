"""Compare MLPDropoutRegressor's defaults with MLPRegressor's.

From the root of the repository::

    python -m benchmarks.regression_panel --write

Each data set is split several times into 70 % to train and 30 % to test. Both stand
behind a StandardScaler; MLPRegressor also behind a TransformedTargetRegressor that
standardises y, without which it is poor. Prints a table of mean R2; ``--write`` saves
it for the documentation.
"""

import argparse
import warnings

import numpy as np
from sklearn import datasets
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from benchmarks.tables import report
from sknets import MLPDropoutRegressor


def column_of(load, column):
    """Return the other columns of a data set as X, and one of them as y."""
    X = load().data
    return np.delete(X, column, axis=1), X[:, column]


TASKS = {
    "diabetes": lambda: datasets.load_diabetes(return_X_y=True),
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


def baseline(seed):
    """Return scikit-learn's MLPRegressor with X and y standardised."""
    model = make_pipeline(StandardScaler(), MLPRegressor(random_state=seed))
    return TransformedTargetRegressor(model, transformer=StandardScaler())


def ours(seed, **parameters):
    """Return this package's regressor with X standardised."""
    regressor = MLPDropoutRegressor(random_state=seed, **parameters)
    return make_pipeline(StandardScaler(), regressor)


def compare(task, n_seeds):
    """Return the mean R2 of both."""
    X, y = TASKS[task]()
    scores = []
    for seed in range(n_seeds):
        parts = train_test_split(X, y, test_size=0.3, random_state=seed)
        X_train, X_test, y_train, y_test = parts
        models = [make(seed).fit(X_train, y_train) for make in (ours, baseline)]
        scores.append([model.score(X_test, y_test) for model in models])
    return np.mean(scores, axis=0)


def main():
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    # MLPRegressor's default budget ends before it converges.
    warnings.filterwarnings("ignore", message="Stochastic Optimizer", append=False)

    rows, scores = [], []
    for task in tqdm(TASKS, unit="task"):
        here, peer = compare(task, arguments.seeds)
        scores.append((here, peer))
        rows.append(
            {
                "data": task,
                "R2 here": f"{here:.3f}",
                "R2 of MLPRegressor": f"{peer:.3f}",
                "difference": f"{here - peer:+.3f}",
            }
        )
    here, peer = np.mean(scores, axis=0)
    rows.append(
        {
            "data": "mean",
            "R2 here": f"{here:.3f}",
            "R2 of MLPRegressor": f"{peer:.3f}",
            "difference": f"{here - peer:+.3f}",
        }
    )
    note = f"Means of {arguments.seeds} splits."
    report("regression", rows, [note], write=arguments.write)


if __name__ == "__main__":
    main()
