"""Measure the default parameters on small tables and on the MNIST sample.

Print tables of accuracies and save them in ``docs/tables``. They compare the defaults
with similar models of scikit-learn, and with the settings that the defaults were chosen
from. Each model follows a StandardScaler, and the accuracies are means over 5 seeds.
Another table has the accuracies of the convolutional net for some learning rates and
budgets::

    python benchmarks/defaults_panel.py
"""

import argparse
import csv
import warnings
from pathlib import Path

import numpy as np
from sklearn.datasets import (
    load_breast_cancer,
    load_digits,
    load_iris,
    load_wine,
    make_classification,
    make_moons,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR

from sknets import ConvNetClassifier, MLPDropoutClassifier, SoftmaxClassifier
from sknets.datasets import load_mnist_sample

TABLES = Path(__file__).parents[1] / "docs" / "tables"
N_SEEDS = 5
CONVNET_SEEDS = 2

SMALL = {
    "iris": load_iris(return_X_y=True),
    "wine": load_wine(return_X_y=True),
    "breast cancer": load_breast_cancer(return_X_y=True),
    "digits": load_digits(return_X_y=True),
    "moons": make_moons(500, noise=0.3, random_state=0),
    "20 features": make_classification(
        1000, n_features=20, n_informative=8, n_classes=3, random_state=0
    ),
}


def warm_up(optimizer, total_steps):
    """Raise the rate over 5 % of the updates, then lower it along half a cosine."""
    n_rise = max(1, total_steps // 20)
    rise = LinearLR(optimizer, 0.01, total_iters=n_rise)
    fall = CosineAnnealingLR(optimizer, total_steps - n_rise)
    return SequentialLR(optimizer, [rise, fall], milestones=[n_rise])


# The first row of each table is scikit-learn's model, the second the default.
TABULAR = {
    "mlp": {
        "MLPClassifier()": MLPClassifier(),
        "MLPDropoutClassifier()": MLPDropoutClassifier(),
        'lr_schedule="constant"': MLPDropoutClassifier(lr_schedule="constant"),
        "warm-up before the cosine": MLPDropoutClassifier(lr_schedule=warm_up),
        "learning_rate=0.1": MLPDropoutClassifier(learning_rate=0.1),
        'optimizer="adam", learning_rate=0.001': MLPDropoutClassifier(
            optimizer="adam", learning_rate=1e-3
        ),
        "dropout=0": MLPDropoutClassifier(dropout=0.0),
    },
    "softmax": {
        "LogisticRegression()": LogisticRegression(),
        "SoftmaxClassifier()": SoftmaxClassifier(),
        'lr_schedule="constant"': SoftmaxClassifier(lr_schedule="constant"),
        "warm-up before the cosine": SoftmaxClassifier(lr_schedule=warm_up),
        "learning_rate=0.1": SoftmaxClassifier(learning_rate=0.1),
        "learning_rate=0.02": SoftmaxClassifier(learning_rate=0.02),
    },
}

CONVNETS = {
    f"learning_rate={rate:g}, {updates:,} updates": (rate, updates)
    for rate, updates in [
        (1e-3, 500),
        (1e-3, 750),
        (1e-3, 1000),
        (1e-3, 2000),
        (3e-4, 1000),
        (1e-4, 2000),
    ]
}


def mnist_sample():
    """Return X_train, X_test, y_train, y_test of the MNIST sample."""
    X, y = load_mnist_sample(return_X_y=True)
    X_test, y_test = load_mnist_sample(subset="test", return_X_y=True)
    return X, X_test, y, y_test


def splits(seed):
    """Yield the name of each data set and its X_train, X_test, y_train, y_test."""
    for name, (X, y) in SMALL.items():
        yield (
            name,
            train_test_split(X, y, test_size=0.25, stratify=y, random_state=seed),
        )
    yield "MNIST sample", mnist_sample()


def measure(estimator):
    """Return the mean accuracy on each data set."""
    accuracies = {}
    for seed in range(N_SEEDS):
        for name, (X, X_test, y, y_test) in splits(seed):
            model = make_pipeline(StandardScaler(), estimator)
            model[-1].set_params(random_state=seed)
            model.fit(X, y)
            accuracies.setdefault(name, []).append(model.score(X_test, y_test))
    return {name: np.mean(values) for name, values in accuracies.items()}


def tabular(estimators):
    """Yield the rows of a table of accuracies on all data sets."""
    for label, estimator in estimators.items():
        accuracies = measure(estimator)
        mean = np.mean(list(accuracies.values()))
        row = accuracies | {"mean": mean}
        yield {"": label} | {name: f"{100 * value:.2f}" for name, value in row.items()}


def convnets():
    """Yield the rows of the table of the convolutional net, on raw pixels."""
    X, X_test, y, y_test = mnist_sample()
    for label, (rate, updates) in CONVNETS.items():
        accuracies = [
            ConvNetClassifier(
                learning_rate=rate, max_epochs=updates // 100, random_state=seed
            )
            .fit(X, y)
            .score(X_test, y_test)
            for seed in range(CONVNET_SEEDS)
        ]
        yield {
            "": label,
            "accuracy": f"{100 * np.mean(accuracies):.2f}",
            "lowest": f"{100 * min(accuracies):.2f}",
            "highest": f"{100 * max(accuracies):.2f}",
        }


def write(name, rows):
    """Print each row when it is ready. Save all rows as a CSV file."""
    path = TABLES / f"{name}.csv"
    path.parent.mkdir(exist_ok=True)
    saved = []
    for row in rows:
        saved.append(row)
        print(" | ".join(f"{key} {value}".strip() for key, value in row.items()))
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(row), lineterminator="\n")
            writer.writeheader()
            writer.writerows(saved)


def main():
    """Measure the tables that the options select."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    names = [*TABULAR, "convnet"]
    parser.add_argument("--tables", nargs="+", choices=names, default=names)
    # LogisticRegression may stop at its default of 100 iterations, as for any user.
    warnings.simplefilter("ignore", ConvergenceWarning)
    for name in parser.parse_args().tables:
        print(f"\n{name}")
        write(name, convnets() if name == "convnet" else tabular(TABULAR[name]))


if __name__ == "__main__":
    main()
