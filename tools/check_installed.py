"""Check that the installed package works with its required dependencies alone."""

import sys
from pathlib import Path

import sknets
from sknets.datasets import load_mnist_sample


def main():
    """Fit the sample of MNIST with the package of this environment."""
    place = Path(sknets.__file__).resolve()
    if Path(sys.prefix).resolve() not in place.parents:
        raise SystemExit(f"{place} is not in the environment {sys.prefix}.")
    X, y = load_mnist_sample(return_X_y=True)
    X_test, y_test = load_mnist_sample(subset="test", return_X_y=True)
    model = sknets.SoftmaxClassifier(max_epochs=2, random_state=0)
    accuracy = model.fit(X, y).score(X_test, y_test)
    if accuracy < 0.8:
        raise SystemExit(f"The accuracy is {accuracy}; at least 0.8 is expected.")
    print(f"{place.parent}: accuracy {accuracy:.3f}")


if __name__ == "__main__":
    main()
