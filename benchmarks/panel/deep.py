"""Deep, narrow perceptrons beside scikit-learn's, on digits."""

from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier
from tqdm import tqdm

from benchmarks.panel.data import split, standardised
from benchmarks.panel.measure import measure, seeds_note, with_error
from sknets import MLPDropoutClassifier

SIZES = {
    "(300,)": (300,),
    "(50,) * 3": (50,) * 3,
    "(10,) * 6": (10,) * 6,
    "(16,) * 8": (16,) * 8,
}
SCALES = ("standardised", "in [0, 1]")


def draw(scale, seed):
    """Return X, X_test, y, y_test of the digits."""
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = split(X / 16, y, seed)
    if scale == "standardised":
        X_train, X_test = standardised(X_train, X_test)
    return X_train, X_test, y_train, y_test


def row(label, sizes, scale, n_seeds):
    """Return a row of the table. There is no dropout, as in MLPClassifier."""
    ours = [
        measure(
            MLPDropoutClassifier(sizes, dropout=0.0, random_state=seed),
            *draw(scale, seed),
        )
        for seed in range(n_seeds)
    ]
    peers = [
        measure(MLPClassifier(sizes, random_state=seed), *draw(scale, seed))
        for seed in range(n_seeds)
    ]
    return {
        "hidden layers": label,
        "digits": scale,
        "accuracy here": with_error([result.accuracy for result in ours]),
        "lowest": f"{min(result.accuracy for result in ours):.2f}",
        "warnings": f"{sum(result.n_warnings for result in ours)}",
        "of MLPClassifier": with_error([result.accuracy for result in peers]),
    }


def run(n_seeds):
    """Yield the name, rows and notes of the table."""
    rows = [
        row(label, sizes, scale, n_seeds)
        for label, sizes in tqdm(SIZES.items(), "deep nets")
        for scale in SCALES
    ]
    yield "deep", rows, [seeds_note(n_seeds)]
