"""Statistics of the features of X, in one pass over blocks of rows."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from sknets._data.inputs import to_host

BLOCK_BYTES = 2**20
BLOCK_ENTRIES = 2**17  # of a CSR matrix


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
    """Return the statistics of the features of a CSR matrix.

    For each block, the time and the memory depend on its entries only.
    """
    weight = np.ones(X.shape[0]) if weight is None else weight
    weight = weight / weight.sum()
    n_features = X.shape[1]
    mean, mean_square, mean_abs = np.zeros((3, n_features))
    low, high = np.full(n_features, np.inf), np.full(n_features, -np.inf)
    n_filled, mean_filled = np.zeros(n_features, np.int64), 0.0
    for block, block_weight in sparse_blocks(X, weight):
        features, values = block.indices, block.data
        lengths = np.diff(block.indptr)
        weights = np.repeat(block_weight, lengths)
        np.add.at(mean, features, values * weights)
        np.add.at(mean_square, features, values**2 * weights)
        np.add.at(mean_abs, features, abs(values) * weights)
        np.minimum.at(low, features, values)
        np.maximum.at(high, features, values)
        np.add.at(n_filled, features, 1)
        mean_filled += (lengths * block_weight).sum()
    has_zeros = n_filled < np.count_nonzero(weight)
    np.minimum(low, 0.0, out=low, where=has_zeros)
    np.maximum(high, 0.0, out=high, where=has_zeros)
    return Statistics(
        mean=mean,
        variance=np.maximum(mean_square - mean**2, 0.0),
        mean_abs=mean_abs,
        low=low,
        high=high,
        n_zeros=n_features - mean_filled,
    )


def sparse_blocks(X, weight):
    """Yield blocks of the rows of positive weight in float64, and their weights."""
    positions = np.flatnonzero(weight)
    n_blocks = X.nnz // BLOCK_ENTRIES + 1
    for rows in np.array_split(positions, min(n_blocks, len(positions))):
        block = X[rows].astype(np.float64)
        block.sum_duplicates()
        yield block, weight[rows]


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
