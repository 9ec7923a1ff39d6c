"""The input scale: what X is shifted and divided by before the first layer."""

import numpy as np
from scipy import sparse

from sknets._data.feature_statistics import measure

# Data that were standardised, and then split, have features of at most this mean
# absolute value, and little of their power in the means.
MAX_MEAN_ABS = 2.0
MAX_SHARE_OF_MEANS = 0.25
MIN_MEAN_SQUARE = 0.25

# Features share one range if three quarters of them span a quarter of the widest one.
QUANTILE_OF_RANGES = 0.25
SHARE_OF_RANGE = 0.25

# X with at least this share of zeros, and without negative values, is never centred.
MIN_SHARE_OF_ZEROS = 0.25

# Rows with a smaller squared norm, such as TF-IDF rows, train too slowly.
MIN_SQUARED_NORM = 30.0


def find_scale(X, sample_weight, standardize, n_channels=None):
    """Return what to subtract from the features, and what to divide them by.

    Parameters
    ----------
    X : ndarray, tensor or CSR matrix of shape (n_samples, n_features)
    sample_weight : ndarray of shape (n_samples,) or None
    standardize : bool, "auto" or "common"

        - True subtracts the mean and divides by the standard deviation. A CSR matrix is
          only divided.
        - "auto" leaves standardised data, and pixels in [0, 1], as they are. See
          `auto_scale`.
        - "common" subtracts the mean, and divides all features by the square root of
          their mean variance. So X keeps its geometry.

    n_channels : int, default=None
        If given, X has images whose channels come last, and all pixels of a channel get
        the same shift and scale.

    Returns
    -------
    shift, scale : float64 ndarray of shape (n_features,) or None
        None for a shift by zero, and for a scale of one.
    """
    if standardize is False:
        return None, None
    seen = measure(X, sample_weight)
    if n_channels is not None:
        seen = seen.pooled(n_channels)
    is_sparse = sparse.issparse(X)
    if standardize == "common":
        variance = seen.variance.mean() or 1.0
        found = seen.mean, np.full_like(seen.mean, np.sqrt(variance))
    elif standardize == "auto":
        found = auto_scale(seen, is_sparse)
    else:
        found = (None if is_sparse else seen.mean), deviations(seen)
    n_pixels = X.shape[1] // len(seen.mean)
    return tuple(one if one is None else np.tile(one, n_pixels) for one in found)


def find_unit(X):
    """Return the power of two next to the root mean square (RMS) of all entries of X.

    Products with a power of two are exact. If all entries are zero, the unit is 1.

    Parameters
    ----------
    X : ndarray, tensor or CSR matrix of shape (n_samples, n_features)
    """
    mean_square = measure(X).mean_square.mean()
    if mean_square == 0:
        return 1.0
    # Within the exponents of float32.
    return 2.0 ** int(np.clip(round(np.log2(mean_square) / 2), -126, 127))


def auto_scale(seen, is_sparse):
    """Return shift and scale that suit a network, or None where X suits it already.

    Non-negative features with many zeros and one range, or in [0, 1], are pixels or
    counts: zero means something there. They are divided by their maximum, and never
    centred. So is sparse X. Other features are standardised, unless they already are.
    Features of one range share one standard deviation.
    """
    if are_standardised(seen):
        return None, None
    largest = np.maximum(np.abs(seen.low), np.abs(seen.high))
    has_one_range = share_a_range(largest) or largest.max() <= 1
    zeros_matter = (
        seen.low.min() >= 0
        and seen.n_zeros >= MIN_SHARE_OF_ZEROS * len(seen.low)
        and has_one_range
    )
    if is_sparse or zeros_matter:
        return None, uncentred_scale(seen, largest, has_one_range)
    scale = deviations(seen)
    if share_a_range(seen.high - seen.low):
        scale[:] = np.sqrt(seen.variance.max())
    return seen.mean, scale


def uncentred_scale(seen, largest, has_one_range):
    """Return the scale of features whose zeros stay zeros, or None for one."""
    scale = np.ones_like(largest)
    if has_one_range:
        scale *= max(largest.max(), 1.0)
    else:
        is_large = seen.mean_abs > MAX_MEAN_ABS
        scale[is_large] = np.sqrt(seen.mean_square[is_large])
    squared_norm = (seen.mean_square / scale**2).sum()
    wanted = min(MIN_SQUARED_NORM, len(scale) / 10)
    if 0 < squared_norm < wanted:
        scale *= np.sqrt(squared_norm / wanted)
    return None if (scale == 1).all() else scale


def share_a_range(spans):
    """Return whether most features that vary span much of the widest one's range."""
    spans = spans[spans > 0]
    if not len(spans):
        return False
    return np.quantile(spans, QUANTILE_OF_RANGES) >= SHARE_OF_RANGE * spans.max()


def are_standardised(seen):
    """Return whether the features were standardised, perhaps with more rows."""
    varies = seen.high > seen.low
    power = seen.mean_square[varies].sum()
    return (
        seen.mean_abs.max() <= MAX_MEAN_ABS
        and (seen.mean[varies] ** 2).sum() <= MAX_SHARE_OF_MEANS * power
        and power >= MIN_MEAN_SQUARE * varies.sum()
    )


def deviations(seen):
    """Return the standard deviations, with 1 for constant features."""
    varies = (seen.high > seen.low) & (seen.variance > 0)
    return np.sqrt(np.where(varies, seen.variance, 1.0))
