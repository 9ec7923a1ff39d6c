"""The input scale: what X is shifted and divided by before the first layer."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from sknets._data.inputs import to_host

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

BLOCK_BYTES = 2**22


@dataclass
class Statistics:
    """Statistics of the features, in float64, each of shape (n_features,).

    `n_zeros` is the weighted mean number of zeros in a row.
    """

    mean: np.ndarray
    variance: np.ndarray
    mean_abs: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n_zeros: float

    @property
    def mean_square(self):
        """The means of the squares."""
        return self.mean**2 + self.variance


def find_scale(X, sample_weight, standardize):
    """Return what to subtract from the features, and what to divide them by.

    Parameters
    ----------
    X : ndarray, tensor or CSR matrix of shape (n_samples, n_features)
    sample_weight : ndarray of shape (n_samples,) or None
    standardize : bool or "auto"

        - True subtracts the mean and divides by the standard deviation. A CSR matrix is
          only divided.
        - "auto" leaves standardised data, and pixels in [0, 1], as they are. See
          `auto_scale`.

    Returns
    -------
    shift, scale : float64 ndarray of shape (n_features,) or None
        None for a shift by zero, and for a scale of one.
    """
    if standardize is False:
        return None, None
    seen = measure(X, sample_weight)
    is_sparse = sparse.issparse(X)
    if standardize == "auto":
        return auto_scale(seen, is_sparse)
    return (None if is_sparse else seen.mean), deviations(seen)


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


@np.errstate(over="ignore")  # infinite statistics raise an error below
def measure(X, sample_weight=None):
    """Return the statistics of the features.

    Parameters
    ----------
    X : ndarray, tensor or CSR matrix of shape (n_samples, n_features)
    sample_weight : ndarray of shape (n_samples,) or None
        Rows of weight zero are left out.
    """
    weight = np.ones(X.shape[0]) if sample_weight is None else sample_weight
    weight = weight / weight.sum()
    n_features = X.shape[1]
    low, high = np.full(n_features, np.inf), np.full(n_features, -np.inf)
    origin, n_zeros = None, 0.0
    sums = np.zeros((3, n_features))
    for rows in slices(X):
        kept = weight[rows] > 0
        if not kept.any():
            continue
        block, block_weight = to_host(X[rows]), weight[rows]
        if not kept.all():
            block, block_weight = block[kept], block_weight[kept]
        block = block.astype(np.float64)
        low = np.minimum(low, extreme(block, "min"))
        high = np.maximum(high, extreme(block, "max"))
        n_zeros += (n_features - count_entries(block)) @ block_weight
        sums[2] += abs(block).T @ block_weight
        if origin is None:
            # Sums of differences from a value near the mean are free of cancellation.
            is_sparse = sparse.issparse(block)
            origin = np.zeros(n_features) if is_sparse else block.mean(axis=0)
        if not is_sparse:
            block -= origin
        sums[0] += block.T @ block_weight
        sums[1] += squares(block).T @ block_weight
    mean = origin + sums[0]
    variance = np.maximum(sums[1] - sums[0] ** 2, 0.0)
    if not np.isfinite(mean**2 + variance).all():
        raise ValueError(
            "X contains values so large that their squares are not finite in float64."
        )
    is_constant = low == high
    return Statistics(
        np.where(is_constant, low, mean),
        np.where(is_constant, 0.0, variance),
        sums[2],
        low,
        high,
        n_zeros,
    )


def slices(X):
    """Yield slices of rows small enough to convert to float64."""
    n_rows = X.shape[0]
    if not sparse.issparse(X):
        n_rows = max(BLOCK_BYTES // (8 * X.shape[1]), 1)
    for start in range(0, X.shape[0], n_rows):
        yield slice(start, start + n_rows)


def squares(block):
    """Return the squares of the entries."""
    return block.power(2) if sparse.issparse(block) else block * block


def extreme(block, name):
    """Return the minimum or the maximum of each feature."""
    values = getattr(block, name)(axis=0)
    return values.toarray().ravel() if sparse.issparse(values) else values


def count_entries(block):
    """Return the number of non-zero entries of each row."""
    if sparse.issparse(block):
        return np.diff(block.indptr)
    return np.count_nonzero(block, axis=1)
