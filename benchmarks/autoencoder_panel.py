"""Measure the autoencoder beside PCA: the tables of ``docs/autoencoder.rst``.

From the root of the repository::

    python -m benchmarks.autoencoder_panel --write

Prints the tables that ``--table`` selects; ``--write`` saves them for the
documentation. All fits use one thread. The data are the full MNIST, scikit-learn's
digits, and the tables of the panel of the defaults. With ``--mnist sample``, for a
quick trial, the sample that ships with the package takes the place of the full MNIST.
"""

import argparse

import numpy as np
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from benchmarks.panel.data import split, standardised, tables
from benchmarks.panel.measure import seeds_note, with_error
from benchmarks.tables import report
from sknets import DenoisingAutoencoderTransformer
from sknets.datasets import fetch_mnist, load_mnist_sample

# Parameters that are not the defaults, by the data, their form and the number of
# features.
RECONSTRUCTION = {
    ("digits", "[0, 1]", 20): [{}, {"hidden_layer_sizes": 64}],
    ("digits", "standardised", 20): [{}, {"activation": "identity"}],
    ("MNIST", "[0, 1]", 30): [{}],
    ("MNIST", "[0, 1]", 200): [{}],
    ("MNIST", "standardised", 30): [
        {
            "hidden_layer_sizes": (500, 250),
            "activation": "relu",
            "noise_level": 0.3,
        },
    ],
    ("MNIST", "standardised", 200): [
        {},
        {"noise_level": 0.3, "max_epochs": 60},
        {"activation": "identity", "learning_rate": 0.001},
    ],
}

# Learning rates and schedules, in the order of the table.
SCHEDULES = [
    (rate, schedule)
    for schedule in ("cosine", "trapezoid")
    for rate in (0.001, 0.003, 0.005, 0.01)
]

# On pixels in [0, 1].
FEATURES = [
    FunctionTransformer(),
    PCA(30),
    DenoisingAutoencoderTransformer(30),
    PCA(200),
    DenoisingAutoencoderTransformer(200),
    *[
        DenoisingAutoencoderTransformer(200, noise_level=level)
        for level in (0.4, 0.8, 1.2, 2.0)
    ],
    DenoisingAutoencoderTransformer(200, noise="masking", noise_level=0.5),
]


def load(name):
    """Return X_train, y_train, X_test, y_test with pixels in [0, 1]."""
    if name == "digits":
        X, y = load_digits(return_X_y=True)
        X_train, X_test, y_train, y_test = split(X / 16, y, seed=0)
        return X_train, y_train, X_test, y_test
    loader = {"sample": load_mnist_sample, "full": fetch_mnist}[name]
    X, y = loader(return_X_y=True)
    X_test, y_test = loader(subset="test", return_X_y=True)
    return X.astype(np.float32), y, X_test.astype(np.float32), y_test


def mean_cost(coder, X):
    """Return the mean of 0.5 * sum((x_restored - x)**2) over the rows."""
    restored = coder.inverse_transform(coder.transform(X))
    return 0.5 * np.square(restored - X).sum(axis=1).mean(dtype=np.float64)


def label_of(parameters):
    """Return parameters as one would write them, or "default"."""
    return ", ".join(f"{k}={v!r}" for k, v in parameters.items()) or "default"


def reconstruction(mnist, n_seeds):
    """Yield rows with the cost of reconstructed test rows, for each setting."""
    for (name, form, n_components), settings in RECONSTRUCTION.items():
        X, _, X_test, _ = load("digits" if name == "digits" else mnist)
        if form == "standardised":
            X, X_test = standardised(X, X_test)
        of_pca = mean_cost(PCA(n_components, random_state=0).fit(X), X_test)
        for parameters in settings:
            coder = DenoisingAutoencoderTransformer(n_components, **parameters)
            costs = np.array(
                [
                    mean_cost(clone(coder).set_params(random_state=seed).fit(X), X_test)
                    for seed in tqdm(range(n_seeds), f"{name} {form}", leave=False)
                ]
            )
            ratios = costs / of_pca
            yield {
                "data": f"{name}, {form}",
                "features": f"{n_components}",
                "parameters": label_of(parameters),
                "cost": f"{costs.mean():.3g}",
                "of PCA": f"{of_pca:.3g}",
                "ratio": with_error(ratios, digits=3),
                "highest": f"{ratios.max():.3f}",
            }


def schedules(mnist, n_seeds):
    """Yield rows with the cost over that of PCA, for each rate and schedule."""
    data = {"digits, 20 features": ("digits", 20), "MNIST sample, 200": ("sample", 200)}
    for rate, schedule in SCHEDULES:
        row = {"rate": f"{rate:g}", "schedule": schedule}
        for label, (name, n_components) in data.items():
            X, _, X_test, _ = load(name)
            of_pca = mean_cost(PCA(n_components, random_state=0).fit(X), X_test)
            ratios = []
            for seed in tqdm(range(n_seeds), label, leave=False):
                coder = DenoisingAutoencoderTransformer(
                    n_components,
                    learning_rate=rate,
                    lr_schedule=schedule,
                    random_state=seed,
                ).fit(X)
                ratios.append(mean_cost(coder, X_test) / of_pca)
            row[label] = with_error(np.array(ratios), digits=3)
        yield row


def reader():
    """Return a linear classifier that reads features."""
    return make_pipeline(
        StandardScaler(), LogisticRegression(C=0.1, tol=1e-3, max_iter=1000)
    )


def describe(coder):
    """Return a short name of a transformer."""
    if isinstance(coder, FunctionTransformer):
        return "pixels"
    if isinstance(coder, PCA):
        return f"PCA({coder.n_components})"
    parameters = coder.get_params()
    defaults = DenoisingAutoencoderTransformer().get_params()
    changed = {k: v for k, v in parameters.items() if v != defaults[k]}
    changed.pop("n_components", None)
    return f"{coder.n_components} units, {label_of(changed)}"


def features(mnist, n_seeds):
    """Yield rows with the accuracy on features, and the error of restored digits.

    Half of the pixels are masked before they are restored.
    """
    X, y, X_test, y_test = load(mnist)
    masked = np.random.default_rng(0).random(X_test.shape) < 0.5
    corrupted = np.where(masked, np.float32(0), X_test)
    untouched = np.square(corrupted - X_test).sum(axis=1).mean()
    for coder in FEATURES:
        accuracies, errors = [], []
        is_random = isinstance(coder, DenoisingAutoencoderTransformer)
        for seed in tqdm(range(n_seeds if is_random else 1), leave=False):
            fitted = clone(coder)
            if not isinstance(coder, FunctionTransformer):
                fitted.set_params(random_state=seed)
            model = reader().fit(fitted.fit_transform(X), y)
            accuracies.append(100 * model.score(fitted.transform(X_test), y_test))
            restored = fitted.inverse_transform(fitted.transform(corrupted))
            errors.append(np.square(restored - X_test).sum(axis=1).mean())
        yield {
            "features": describe(coder),
            "accuracy": with_error(np.array(accuracies)),
            "error of half-masked digits": f"{np.mean(errors):.2f}",
            "times smaller": f"{untouched / np.mean(errors):.2f}",
        }


def features_of_tables(mnist, n_seeds):
    """Yield rows with the accuracy on features of the small tables, standardised."""
    measured = {}
    for name, (X, y) in tqdm(tables().items(), leave=False):
        n_features = X.shape[1]
        half = max(n_features // 2, 1)
        coders = {
            "as they are": FunctionTransformer(),
            "PCA, half as many": PCA(half, random_state=0),
            "half as many": DenoisingAutoencoderTransformer(half),
            "three times as many": DenoisingAutoencoderTransformer(3 * n_features),
        }
        for label, coder in coders.items():
            for seed in range(n_seeds):
                X_train, X_test, y_train, y_test = split(X, y, seed)
                X_train, X_test = standardised(X_train, X_test)
                if isinstance(coder, DenoisingAutoencoderTransformer):
                    coder.set_params(random_state=seed)
                model = make_pipeline(clone(coder), reader()).fit(X_train, y_train)
                accuracy = 100 * model.score(X_test, y_test)
                measured.setdefault(name, {}).setdefault(label, []).append(accuracy)
    for name, accuracies in measured.items():
        yield {"data": name} | {k: f"{np.mean(v):.2f}" for k, v in accuracies.items()}
    labels = next(iter(measured.values()))
    means = {
        label: np.mean([accuracies[label] for accuracies in measured.values()], axis=0)
        for label in labels
    }
    yield {"data": "mean"} | {k: with_error(v) for k, v in means.items()}


TABLES = {
    "autoencoder_reconstruction": reconstruction,
    "autoencoder_schedules": schedules,
    "autoencoder_features": features,
    "autoencoder_tables": features_of_tables,
}


def main():
    """Measure the tables that the options select."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--table", nargs="+", choices=TABLES, default=TABLES)
    parser.add_argument("--mnist", choices=["sample", "full"], default="full")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        for name in arguments.table:
            rows = list(TABLES[name](arguments.mnist, arguments.seeds))
            notes = [seeds_note(arguments.seeds)]
            report(name, rows, notes, write=arguments.write)


if __name__ == "__main__":
    main()
