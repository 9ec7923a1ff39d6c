"""Weights of rows: sample weights times class weights."""

import numpy as np
from sklearn.utils.class_weight import compute_class_weight

from sknets._data.sklearn_compat import check_sample_weight


@np.errstate(over="ignore")  # infinite weights raise an error below
def weigh_rows(sample_weight, class_weight, classes, codes, *, relative):
    """Check the weights of samples and classes. Return those of rows and classes.

    Parameters
    ----------
    sample_weight : array-like of shape (n_samples,) or None
    class_weight : dict, "balanced" or None
    classes : ndarray of shape (n_classes,), or None
        None if `class_weight` is None.
    codes : ndarray of shape (n_samples,) or (n_samples, n_labels)
        Encoded targets of the rows.
    relative : bool
        Whether only the ratios of weights matter. If so, weights are scaled down, so
        that none overflows.

    Returns
    -------
    weight : ndarray of shape (n_samples,), or None
        None if `sample_weight` and `class_weight` are None.
    weight_by_class : ndarray of shape (n_classes,), or None
        None if `class_weight` is None.
    """
    if sample_weight is None and class_weight is None:
        return None, None
    scale = scale_down if relative else np.asarray
    weight = scale(check_sample_weight(sample_weight, codes, dtype=np.float64))
    if class_weight is None:
        return weight, None
    weight_by_class = weigh_classes(class_weight, classes, codes, weight)
    if np.isfinite(weight_by_class).all() and weight_by_class.min() >= 0:
        weight_by_class = scale(weight_by_class)
        weight = weight * weight_by_class[codes]
        if weight.any():
            return weight, weight_by_class
    raise ValueError(
        f"class_weight={class_weight} must give finite, non-negative weights, and a "
        "positive weight to at least one sample of positive weight."
    )


def weigh_classes(class_weight, classes, codes, sample_weight):
    """Compute one weight for each class from `class_weight`.

    With ``"balanced"``, a class has weight 0 if its sample weights sum to 0.
    """
    if class_weight != "balanced":
        # The classes stand for y, which checks that all keys are classes.
        return compute_class_weight(class_weight, classes=classes, y=classes)
    # compute_class_weight ignores sample weights before scikit-learn 1.7.
    counts = np.bincount(codes, weights=sample_weight, minlength=len(classes))
    has_rows = counts > 0
    weights = np.zeros(len(counts))
    weights[has_rows] = counts.sum() / (has_rows.sum() * counts[has_rows])
    return weights


def weigh_validation_rows(sample_weight, weight_by_class, codes):
    """Return relative weights of validation rows, or None if they have no weights.

    Parameters
    ----------
    sample_weight : array-like of shape (n_samples,) or None
    weight_by_class : ndarray of shape (n_classes,) or None
        Weights of the classes in training.
    codes : ndarray of shape (n_samples,) or (n_samples, n_labels)
    """
    if sample_weight is None and weight_by_class is None:
        return None
    try:
        weight = check_sample_weight(sample_weight, codes, dtype=np.float64)
    except ValueError as error:
        raise ValueError(f"sample_weight_val is not valid: {error}") from error
    weight = scale_down(weight)
    if weight_by_class is not None:
        weight = weight * weight_by_class[codes]
        if not weight.any():
            raise ValueError(
                "class_weight must give a positive weight to at least one row of X_val."
            )
    return normalise(weight)


def check_weights_fit_dtype(weight, dtype):
    """Raise if weights are infinite in the precision of the network."""
    largest = 0.0 if weight is None else weight.max()
    if largest > np.finfo(dtype).max:
        raise ValueError(
            "sample_weight (times class_weight, if set) must be finite in "
            f"dtype={dtype!r}; got {largest:g}. partial_fit does not scale the "
            "weights, so pass smaller ones."
        )


@np.errstate(over="ignore")  # an infinite sum is no number of rows
def count_samples(sample_weight, X):
    """Return the number of rows that X stands for.

    Whole numbers as weights count repetitions. Of other weights only the ratios matter:
    each row with a positive weight is one.
    """
    if sample_weight is None:
        return X.shape[0]
    weight = np.asarray(sample_weight, dtype=np.float64)
    weight = np.broadcast_to(weight, X.shape[:1])
    total = float(weight.sum())
    if total < 2**53 and (weight == np.floor(weight)).all():
        return total
    return np.count_nonzero(weight)


def scale_down(weight):
    """Scale weights down to at most 1, so that their sums cannot overflow."""
    # Division by a power of two causes no rounding.
    return np.ldexp(weight, -np.frexp(weight.max())[1])


def normalise(weight):
    """Scale weights to a mean of 1 over the positive ones. Return None for None."""
    return None if weight is None else weight / weight[weight > 0].mean()
