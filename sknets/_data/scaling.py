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

BLOCK_BYTES = 2**20


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

    def pooled(self, n_channels):
        """Return the statistics of channels, each over all pixels of an image."""

        def by_channel(values):
            return values.reshape(-1, n_channels)

        means = by_channel(self.mean)
        return Statistics(
            mean=means.mean(axis=0),
            variance=by_channel(self.variance).mean(axis=0) + means.var(axis=0),
            mean_abs=by_channel(self.mean_abs).mean(axis=0),
            low=by_channel(self.low).min(axis=0),
            high=by_channel(self.high).max(axis=0),
            n_zeros=self.n_zeros / len(means),
        )


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


# Infinite statistics raise an error below.
@np.errstate(over="ignore", invalid="ignore")
def measure(X, sample_weight=None):
    """Return the statistics of the features.

    No product of BLAS is used, whose last bits depend on the number of threads.

    Parameters
    ----------
    X : ndarray, tensor or CSR matrix of shape (n_samples, n_features)
    sample_weight : ndarray of shape (n_samples,) or None
        Rows of weight zero are left out.
    """
    if sample_weight is not None:
        # The sum of scaled weights cannot overflow.
        sample_weight = sample_weight / sample_weight.max()
    of_kind = measure_sparse if sparse.issparse(X) else measure_dense
    seen = of_kind(X, sample_weight)
    if not np.isfinite(seen.mean_square).all():
        raise ValueError(
            "X contains values so large that their squares are not finite in float64."
        )
    is_constant = seen.low == seen.high
    seen.mean[is_constant] = seen.low[is_constant]
    seen.variance[is_constant] = 0.0
    return seen


def measure_sparse(X, weight):
    """Return the statistics of the features of a CSR matrix."""
    weight = np.ones(X.shape[0]) if weight is None else weight
    X, weight = X[weight > 0].astype(np.float64), weight[weight > 0]
    weight = weight / weight.sum()
    mean = X.T @ weight
    return Statistics(
        mean=mean,
        variance=np.maximum(X.power(2).T @ weight - mean**2, 0.0),
        mean_abs=abs(X).T @ weight,
        low=X.min(axis=0).toarray().ravel(),
        high=X.max(axis=0).toarray().ravel(),
        n_zeros=X.shape[1] - (np.diff(X.indptr) * weight).sum(),
    )


def measure_dense(X, weight):
    """Return the statistics of the features of an ndarray or tensor."""
    n_features = X.shape[1]
    low, high = np.full(n_features, np.inf), np.full(n_features, -np.inf)
    sums, squares, sums_abs = np.zeros((3, n_features))
    n_zeros, total, origin = 0.0, 0.0, None
    for block, block_weight in weighted_blocks(X, weight):
        low = np.minimum(low, block.min(axis=0))
        high = np.maximum(high, block.max(axis=0))
        zeros = np.count_nonzero(block == 0, axis=1)
        n_zeros += zeros.sum() if weight is None else (zeros * block_weight).sum()
        total += len(block) if weight is None else block_weight.sum()
        if origin is None:
            # Sums of differences from a value near the mean are free of cancellation.
            origin = block.mean(axis=0, dtype=np.float64)
        centred = np.subtract(block, origin, dtype=np.float64)
        weighted = centred if weight is None else centred * block_weight[:, None]
        sums += weighted.sum(axis=0)
        squares += np.einsum("ij,ij->j", weighted, centred)
        weighted = abs(block) if weight is None else abs(block) * block_weight[:, None]
        sums_abs += weighted.sum(axis=0, dtype=np.float64)
    sums /= total
    return Statistics(
        mean=origin + sums,
        variance=np.maximum(squares / total - sums**2, 0.0),
        mean_abs=sums_abs / total,
        low=low,
        high=high,
        n_zeros=n_zeros / total,
    )


def weighted_blocks(X, weight):
    """Yield blocks of the rows of positive weight, and their weights or None.

    A block is small enough for the processor's cache.
    """
    n_rows = max(BLOCK_BYTES // (8 * X.shape[1]), 1)
    for start in range(0, X.shape[0], n_rows):
        rows = slice(start, start + n_rows)
        block = to_host(X[rows])
        if weight is None:
            yield block, None
        elif weight[rows].any():
            kept = weight[rows] > 0
            yield block[kept], weight[rows][kept]
