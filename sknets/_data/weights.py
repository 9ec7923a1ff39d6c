"""Weights of rows: those of samples times those of classes."""

import numpy as np

from sknets._data.compatibility import check_sample_weight


@np.errstate(over="ignore")  # infinities are errors, not warnings
def weigh_rows(sample_weight, class_weight, targets, codes, *, relative):
    """Return the weights of rows and of classes, checked.

    Parameters
    ----------
    sample_weight : array-like of shape (n_samples,) or None
    class_weight : dict, "balanced" or None
    targets : Targets
    codes : ndarray of shape (n_samples,) or (n_samples, n_labels)
        Encoded targets of the rows.
    relative : bool
        Whether only the ratios of weights count. Then no weight overflows.

    Returns
    -------
    weight : ndarray of shape (n_samples,), or None
        None without weights of either kind.
    of_class : ndarray of shape (n_classes,), or None
        None without class weights.
    """
    if sample_weight is None and class_weight is None:
        return None, None
    scale = scale_down if relative else np.asarray
    weight = scale(check_sample_weight(sample_weight, codes, dtype=np.float64))
    if class_weight is None:
        return weight, None
    of_class = targets.class_weights(class_weight, codes, weight)
    if np.isfinite(of_class).all() and of_class.min() >= 0:
        of_class = scale(of_class)
        weight = weight * of_class[codes]
        if weight.any():
            return weight, of_class
    raise ValueError(
        f"class_weight={class_weight} must be finite, not negative, and not zero for "
        "all samples of positive weight."
    )


def weigh_validation_rows(sample_weight, of_class, codes):
    """Return relative weights of validation rows, or None where there are none.

    Parameters
    ----------
    sample_weight : array-like of shape (n_samples,) or None
    of_class : ndarray of shape (n_classes,) or None
        What classes weigh in training.
    codes : ndarray of shape (n_samples,) or (n_samples, n_labels)
    """
    if sample_weight is None and of_class is None:
        return None
    try:
        weight = check_sample_weight(sample_weight, codes, dtype=np.float64)
    except ValueError as error:
        raise ValueError(f"sample_weight_val is not valid: {error}") from error
    weight = scale_down(weight)
    if of_class is not None:
        weight = weight * of_class[codes]
        if not weight.any():
            raise ValueError("class_weight leaves no row of X_val a weight.")
    return normalise(weight)


def check_range(weight, dtype):
    """Raise where weights are infinite in the precision of the network."""
    largest = 0.0 if weight is None else weight.max()
    if largest > np.finfo(dtype).max:
        raise ValueError(
            "sample_weight, times class_weight if any, must be finite in "
            f"dtype={dtype!r}, but has {largest:g}. partial_fit takes weights as they "
            "are: scale them."
        )


def scale_down(weight):
    """Return weights of at most 1 in the same ratios, so that sums do not overflow."""
    # A power of two rounds nothing.
    return np.ldexp(weight, -np.frexp(weight.max())[1])


def normalise(weight):
    """Return weights whose mean over the rows that count is one, or None for None."""
    return None if weight is None else weight / weight[weight > 0].mean()
