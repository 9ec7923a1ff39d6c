"""Check that the installed package works with only its required dependencies."""

import sys
from pathlib import Path

import sknets
from sknets.datasets import load_mnist_sample


def main():
    """Fit a classifier of the installed package on the MNIST sample."""
    place = Path(sknets.__file__).resolve()
    if Path(sys.prefix).resolve() not in place.parents:
        raise SystemExit(f"sknets must be installed in {sys.prefix}; found {place}.")
    X, y = load_mnist_sample(return_X_y=True)
    X_test, y_test = load_mnist_sample(subset="test", return_X_y=True)
    model = sknets.SoftmaxClassifier(max_epochs=2, random_state=0)
    accuracy = model.fit(X, y).score(X_test, y_test)
    if accuracy < 0.8:
        raise SystemExit(f"The accuracy is {accuracy}; expected at least 0.8.")
    print(f"{place.parent}: accuracy {accuracy:.3f}")


if __name__ == "__main__":
    main()
