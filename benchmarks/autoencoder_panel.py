"""Compare the autoencoder on MNIST with PCA and with raw pixels.

Print two tables and save them in ``docs/tables``. All values are means over the seeds.
The first table has the cost of the reconstructed test digits. The second table compares
kinds of noise in training. It has the accuracy of a logistic regression on the
features, and the error of test digits that are restored after half of their pixels were
masked::

    python benchmarks/autoencoder_panel.py

The data are the full MNIST. With ``--data sample``, for a quick trial, they are the
sample that ships with the package, and nothing is saved.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sknets import DenoisingAutoencoderTransformer
from sknets.datasets import fetch_mnist, load_mnist_sample

TABLES = Path(__file__).parents[1] / "docs" / "tables"

# On standardised digits. Each label gives the parameters that are not the default.
RECONSTRUCTION = {
    "200 features": {
        "PCA": PCA(200),
        "default": DenoisingAutoencoderTransformer(),
        "noise_level=0.3": DenoisingAutoencoderTransformer(noise_level=0.3),
        "noise_level=0.3, max_epochs=60": DenoisingAutoencoderTransformer(
            noise_level=0.3, max_epochs=60
        ),
        'activation="identity"': DenoisingAutoencoderTransformer(activation="identity"),
    },
    "30 features": {
        "PCA": PCA(30),
        'hidden_layer_sizes=(500, 250), activation="relu", noise_level=0.3': (
            DenoisingAutoencoderTransformer(
                30,
                hidden_layer_sizes=(500, 250),
                activation="relu",
                noise_level=0.3,
            )
        ),
    },
}

# On pixels in [0, 1].
FEATURES = {
    "raw pixels": FunctionTransformer(),
    "PCA(200)": PCA(200),
    "noise=None": DenoisingAutoencoderTransformer(noise=None),
    **{
        f"noise_level={level}": DenoisingAutoencoderTransformer(noise_level=level)
        for level in (0.1, 0.2, 0.3, 0.5)
    },
    'noise="masking", noise_level=0.5': DenoisingAutoencoderTransformer(
        noise="masking", noise_level=0.5
    ),
}


def load(data):
    """Return X_train, y_train, X_test, y_test with pixels in [0, 1]."""
    loader = {"sample": load_mnist_sample, "mnist": fetch_mnist}[data]
    X, y = loader(return_X_y=True)
    X_test, y_test = loader(subset="test", return_X_y=True)
    return X.astype(np.float32), y, X_test.astype(np.float32), y_test


def seeded(coder, seed):
    """Return an unfitted copy, with a seed if it has a parameter for that."""
    coder = clone(coder)
    if "random_state" in coder.get_params():
        coder.set_params(random_state=seed)
    return coder


def reconstruction(data, seeds):
    """Yield the cost 0.5 * sum((x_restored - x)**2) of the standardised test digits."""
    X, _, X_test, _ = data
    scaler = StandardScaler().fit(X)
    X, X_test = scaler.transform(X), scaler.transform(X_test)
    for size, coders in RECONSTRUCTION.items():
        for label, coder in coders.items():
            costs = []
            for seed in seeds:
                fitted = seeded(coder, seed).fit(X)
                restored = fitted.inverse_transform(fitted.transform(X_test))
                costs.append(0.5 * np.square(restored - X_test).sum(dtype=np.float64))
            yield {
                "": f"{size}: {label}",
                "seeds": len(costs),
                "cost": f"{np.mean(costs):,.0f}",
                "lowest": f"{min(costs):,.0f}",
                "highest": f"{max(costs):,.0f}",
            }


def features(data, seeds):
    """Yield the accuracy on the features, and the error of restored masked digits."""
    X, y, X_test, y_test = data
    masked = np.random.default_rng(0).random(X_test.shape) < 0.5
    corrupted = np.where(masked, np.float32(0), X_test)

    def error(images):
        return np.square(images - X_test).sum(axis=1).mean()

    for label, coder in FEATURES.items():
        accuracies, errors = [], []
        for seed in seeds if "random_state" in coder.get_params() else seeds[:1]:
            fitted = seeded(coder, seed).fit(X)
            reader = LogisticRegression(C=0.1, tol=1e-3, max_iter=1000)
            model = make_pipeline(StandardScaler(), reader)
            model.fit(fitted.transform(X), y)
            accuracies.append(model.score(fitted.transform(X_test), y_test))
            codes = fitted.transform(corrupted)
            errors.append(error(fitted.inverse_transform(codes)))
        yield {
            "": label,
            "seeds": len(errors),
            "accuracy": f"{100 * np.mean(accuracies):.2f}",
            "lowest": f"{100 * min(accuracies):.2f}",
            "highest": f"{100 * max(accuracies):.2f}",
            "error of half-masked digits": f"{np.mean(errors):.2f}",
            "times smaller": f"{error(corrupted) / np.mean(errors):.2f}",
        }


PANEL = {
    "autoencoder_reconstruction": reconstruction,
    "autoencoder_features": features,
}


def write(name, rows, *, save):
    """Print each row when it is ready. Save all rows as a CSV file."""
    path = TABLES / f"{name}.csv"
    rows_so_far = []
    for row in rows:
        rows_so_far.append(row)
        print(" | ".join(f"{key} {value}".strip() for key, value in row.items()))
        if save:
            with path.open("w", newline="") as file:
                writer = csv.DictWriter(file, list(row), lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows_so_far)


def main():
    """Measure the tables that the options select."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tables", nargs="+", choices=PANEL, default=PANEL)
    parser.add_argument("--data", choices=["sample", "mnist"], default="mnist")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    data = load(options.data)
    for name in options.tables:
        print(f"\n{name}", flush=True)
        rows = PANEL[name](data, range(options.seeds))
        write(name, rows, save=options.data == "mnist")


if __name__ == "__main__":
    main()
