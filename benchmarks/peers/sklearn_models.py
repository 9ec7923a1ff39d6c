"""scikit-learn's own models for the same work, trained for the same epochs."""

import warnings

import numpy as np
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.neural_network import MLPClassifier

from benchmarks.recipes import N_COMPONENTS, N_HIDDEN


def fit_saga(name, recipe, X, y):
    """Train softmax regression without a penalty. Return a function that predicts."""
    model = LogisticRegression(
        solver="saga", C=np.inf, max_iter=recipe.epochs(len(X)), tol=0, random_state=0
    )
    return _fit(model, X, y)


def fit_sgd(name, recipe, X, y):
    """Train a logistic regression for each class. Return a function that predicts."""
    model = SGDClassifier(
        loss="log_loss", max_iter=recipe.epochs(len(X)), tol=None, random_state=0
    )
    return _fit(model, X, y)


def fit_mlp(name, recipe, X, y):
    """Train the perceptron. Return a function that predicts.

    MLPClassifier has neither dropout nor Adagrad. It is trained by Adam, at the default
    learning rate.
    """
    epochs = recipe.epochs(len(X))
    model = MLPClassifier(
        (N_HIDDEN,),
        alpha=0,
        batch_size=recipe.batch_size,
        max_iter=epochs,
        n_iter_no_change=epochs,
        random_state=0,
    )
    return _fit(model, X, y)


def fit_pca(name, recipe, X, y):
    """Compute the principal components. Return a function that reconstructs."""
    model = PCA(N_COMPONENTS, random_state=0).fit(X)
    return lambda X: model.inverse_transform(model.transform(X))


def _fit(model, X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, y).predict


FITS = {
    "softmax": {"LogisticRegression(saga)": fit_saga, "SGDClassifier": fit_sgd},
    "mlp": {"MLPClassifier": fit_mlp},
    "autoencoder": {"PCA": fit_pca},
}
