"""Sparse batches of CSR rows: how they are made, and when they are faster."""

from contextlib import contextmanager
from functools import partial
from itertools import islice

import numpy as np
from scipy import sparse

from sknets._networks.sparse import SparseBatch, lay_by_feature, lies_by_feature
from sknets._training.feature_table import FeatureTable, TrainingBatch
from sknets._training.optimizers import OPTIMIZERS
from sknets._training.rows import to_tensor

# Measured on CPUs, with layers of 10 to 100 units and batches of 100 rows: in training,
# an entry of a sparse batch takes the time of 6 (SGD) to 24 (Adagrad) features of a
# dense one. Besides, a row takes the time of 40 entries.
FEATURES_PER_ENTRY = 12
ENTRIES_PER_ROW = 40


def reads_sparse(network, X):
    """Return whether a network should read X as it is: sparse, with few entries.

    Parameters
    ----------
    network : Network
    X : ndarray, tensor or CSR matrix
    """
    if not sparse.issparse(X) or network.sparse_layer() is None:
        return False
    work = X.nnz / X.shape[0] + ENTRIES_PER_ROW
    return work * FEATURES_PER_ENTRY <= X.shape[1]


def multiply_adds(network, X, is_sparse):
    """Return the multiply-adds of the largest layer for a row of dense or sparse X."""
    if not is_sparse:
        return network.multiply_adds
    first = network.sparse_layer().weight
    others = [p.numel() for p in network.parameters() if p is not first]
    return max(X.nnz * len(first) // X.shape[0], *others)


class ColumnFinder:
    """Find the features that occur in a batch, in time proportional to its entries.

    Parameters
    ----------
    n_features : int
    """

    def __init__(self, n_features):
        self.slots = np.empty(n_features, np.int32)

    def find(self, indices):
        """Return the features that occur, and where each index is among them."""
        entries = np.arange(len(indices), dtype=np.int32)
        # Of the entries of a feature, one remains in its slot.
        self.slots[indices] = entries
        columns = indices[self.slots[indices] == entries]
        self.slots[columns] = entries[: len(columns)]
        return columns, self.slots[indices]


class EvaluationBatches:
    """Make the batches of X for evaluation.

    Parameters
    ----------
    module : nn.Module
        Its first layer is linear.
    device : torch.device
    """

    def __init__(self, module, device):
        self.device = device
        weight, bias = islice(module.parameters(), 2)
        # Otherwise the weights of the features that occur are gathered and converted.
        is_ready = lies_by_feature(weight) and weight.dtype == bias.dtype
        self.finder = None if is_ready else ColumnFinder(weight.shape[1])

    def __call__(self, X):
        """Return the batch of a CSR matrix."""
        indices, columns = X.indices, None
        if self.finder is not None:
            columns, indices = self.finder.find(indices)
            columns = to_tensor(columns, self.device).long()
        return SparseBatch(*entries_of(X, indices, self.device), columns)


def evaluation_batches(network, X, device, module=None):
    """Return what makes batches of X for evaluation, or None for dense batches.

    Parameters
    ----------
    network : Network
    X : ndarray, tensor or CSR matrix
    device : torch.device
    module : nn.Module, default=None
        The part or copy of the network to evaluate. None is the network itself.
    """
    if not reads_sparse(network, X):
        return None
    return EvaluationBatches(network if module is None else module, device)


class TrainingBatches:
    """Make the batches of rows for training.

    Parameters
    ----------
    table : FeatureTable
    device : torch.device
    """

    def __init__(self, table, device):
        self.table = table
        self.device = device
        self.finder = ColumnFinder(len(table.rows))

    def __call__(self, X):
        """Return the batch of a CSR matrix."""
        entries = entries_of(X, X.indices, self.device)
        return TrainingBatch(*entries, self.table, partial(self.transpose, X))

    def transpose(self, X):
        """Return the entries of a CSR matrix by feature, see `TrainingBatch`."""
        columns, local = self.finder.find(X.indices)
        positions = np.arange(len(local), dtype=np.int32)
        shape = X.shape[0], len(columns)
        entries = sparse.csr_array((positions, local, X.indptr), shape=shape).tocsc()
        arrays = columns.astype(np.int64), entries.indptr, entries.indices, entries.data
        return tuple(to_tensor(array, self.device) for array in arrays)


def entries_of(X, indices, device):
    """Return the values, indices and offsets of a CSR matrix as tensors."""
    offsets = X.indptr.astype(indices.dtype, copy=False)
    return tuple(to_tensor(array, device) for array in (X.data, indices, offsets))


@contextmanager
def sparse_training(network, optimizer, rows):
    """Prepare a network and its optimizer for sparse batches, during a training.

    Parameters
    ----------
    network : Network
    optimizer : torch.optim.Optimizer
    rows : Rows

    Yields
    ------
    make_batch : TrainingBatches or None
        None if dense batches are needed or faster.
    """
    known = {kind for own, plain, _ in OPTIMIZERS.values() for kind in (own, plain)}
    if (
        not network.trains_on_sparse
        or type(optimizer) not in known
        or not reads_sparse(network, rows.X)
    ):
        yield None
        return
    weight = network.sparse_layer().weight
    lay_by_feature(weight)
    table = FeatureTable(weight)
    optimizer.table = table  # torch's own optimizers do not look at it
    try:
        yield TrainingBatches(table, rows.device)
    finally:
        del optimizer.table
