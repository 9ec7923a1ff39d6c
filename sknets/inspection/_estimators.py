"""What the displays read from estimators and pipelines."""

from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted


def last_step(estimator):
    """Return the fitted estimator itself, or the last step of a fitted pipeline."""
    check_is_fitted(estimator)
    while isinstance(estimator, (FrozenEstimator, Pipeline)):
        frozen = isinstance(estimator, FrozenEstimator)
        estimator = estimator.estimator if frozen else estimator[-1]
    return estimator


def require(estimator, attributes, display):
    """Raise unless an estimator has all attributes that a display needs."""
    missing = [name for name in attributes if not hasattr(estimator, name)]
    if missing:
        raise TypeError(
            f"{display} needs an estimator with {', '.join(map(repr, attributes))}; "
            f"{type(estimator).__name__} has no {', '.join(map(repr, missing))}."
        )
