"""The defaults on images with several ranges of pixels."""

from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from tqdm import tqdm

from benchmarks.panel.data import mnist_sample, split, standardised
from benchmarks.panel.measure import measure, seeds_note, with_error
from sknets import ConvNetClassifier, MLPDropoutClassifier, SoftmaxClassifier

ESTIMATORS = (
    SoftmaxClassifier,
    LogisticRegression,
    MLPDropoutClassifier,
    MLPClassifier,
    ConvNetClassifier,
)


def scaled_mnist(factor):
    """Return X, X_test, y, y_test of the MNIST sample with pixels in [0, factor]."""
    X, X_test, y, y_test = mnist_sample()
    return factor * X, factor * X_test, y, y_test


def standardised_mnist():
    """Return X, X_test, y, y_test of the MNIST sample behind a StandardScaler."""
    X, X_test, y, y_test = mnist_sample()
    return *standardised(X, X_test), y, y_test


def scaled_digits(factor, seed):
    """Return X, X_test, y, y_test of scikit-learn's digits, times a factor."""
    X, y = load_digits(return_X_y=True)
    return split(factor * X, y, seed)


DATA = {
    "MNIST sample in [0, 1]": lambda seed: scaled_mnist(1),
    "MNIST sample, 0 to 255": lambda seed: scaled_mnist(255),
    "MNIST sample, standardised": lambda seed: standardised_mnist(),
    "digits in [0, 1]": lambda seed: scaled_digits(1 / 16, seed),
    "digits, 0 to 16": lambda seed: scaled_digits(1, seed),
}


def accuracies(estimator, draw, n_seeds):
    """Return the accuracy of each seed."""
    return [
        measure(estimator(random_state=seed), *draw(seed)).accuracy
        for seed in range(n_seeds)
    ]


def run(n_seeds):
    """Yield the name, rows and notes of the table."""
    rows = [
        {"data": name}
        | {
            estimator.__name__: with_error(accuracies(estimator, draw, n_seeds))
            for estimator in ESTIMATORS
        }
        for name, draw in tqdm(DATA.items(), "pixels")
    ]
    yield "pixels", rows, [seeds_note(n_seeds)]
