"""An observer of training that scores the estimator on the validation data."""

import torch
from sklearn.metrics import check_scoring

from sknets._training.observers import Observer


class ValidationScore(Observer):
    """Score an estimator after each epoch, by its parameter `scoring`.

    Parameters
    ----------
    estimator : NetworkEstimator
    X : ndarray, tensor or CSR matrix
        The data that `rows` was made of, as scorers expect them.
    rows : Rows
        Validation data.
    """

    def __init__(self, estimator, X, rows):
        self.estimator = estimator
        self.scorer = check_scoring(estimator, estimator.scoring)
        if rows.index is not None:
            X = X[rows.index if torch.is_tensor(X) else rows.index.cpu().numpy()]
        self.X = X
        y = rows.targets()
        self.y = None if y is None else estimator._targets.decode(y.cpu().numpy())

    def measure(self, trainer):
        """Return the score of the estimator.

        Raises
        ------
        ValueError
            If the estimator lacks a method that the scorer calls.
        """
        # Validated X has no feature names, and scikit-learn would warn of that.
        attributes = vars(self.estimator)
        names = attributes.pop("feature_names_in_", None)
        try:
            return {"valid_score": self.scorer(self.estimator, self.X, self.y)}
        except AttributeError as error:  # such as probabilities of a regressor
            raise ValueError(
                f"scoring={self.estimator.scoring!r} does not fit: {error}"
            ) from error
        finally:
            if names is not None:
                attributes["feature_names_in_"] = names
