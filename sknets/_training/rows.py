"""Convert validated arrays to tensors on a device, and split them into batches."""

import numpy as np
import torch
from scipy import sparse
from torch.utils.data import Dataset

from sknets._training.mapped_rows import MappedRows

# Largest block of X, in bytes, that is evaluated at a time.
BLOCK_BYTES = 2**24


def to_tensor(array, device):
    """Convert an array to a tensor on a device, without a copy if possible.

    The tensor may share the memory of the array, so it must not be changed.
    """
    if torch.is_tensor(array):
        if array.is_inference() and not torch.is_inference_mode_enabled():
            array = array.clone()  # autograd refuses inference tensors
        return array.to(device)
    native = array.dtype.newbyteorder("=")  # torch has no other byte order
    array = np.ascontiguousarray(array, dtype=native)
    if min(array.strides, default=0) < 0:  # also contiguous, if it has a single row
        array = array.copy()
    if not array.flags.writeable:
        array = np.asarray(Writable(array))  # torch warns of read-only arrays
    return torch.from_numpy(array).to(device)


class Writable:
    """Make NumPy believe that a read-only array is writable.

    Parameters
    ----------
    array : ndarray
        Read-only array. It stays alive as long as the views of its memory.
    """

    def __init__(self, array):
        self.array = array
        interface = array.__array_interface__
        address, _ = interface["data"]
        self.__array_interface__ = interface | {"data": (address, False)}


class Rows(Dataset):
    """Samples on a device, with their targets and weights.

    Parameters
    ----------
    X : ndarray, tensor, CSR matrix or MappedRows of shape (n_samples, n_features)
        A CSR matrix stays sparse, in the memory of the host. Mapped rows stay on disk.

    y : ndarray of shape (n_samples,) or (n_samples, n_labels), or None
        Codes of the classes. None if X is its own target.

    sample_weight : ndarray of shape (n_samples,) or None
        Rows of weight zero are left out.

    device : torch.device

    dtype : torch.dtype, default=None
        Precision of training. None is that of X. X keeps its own.
    """

    def __init__(self, X, y=None, sample_weight=None, *, device, dtype=None):
        self.device = device
        self.dtype = dtype or getattr(torch, str(X.dtype).removeprefix("torch."))
        self.X = X if stays_on_host(X) else to_tensor(X, device)
        self.y = None if y is None else to_tensor(y, device)
        self.sample_weight = None
        self.index = None
        if sample_weight is not None:
            self.sample_weight = to_tensor(sample_weight, device).to(self.dtype)
            if (sample_weight == 0).any():
                self.index = to_tensor(np.flatnonzero(sample_weight), device)

    def __len__(self):
        return self.X.shape[0] if self.index is None else len(self.index)

    def take(self, positions, make_batch=None):
        """Return ``(X, y, weight)`` of some rows, as tensors on the device.

        The weight is None if the rows have no weights. y is X if X is its own target,
        and always dense.

        Parameters
        ----------
        positions : int64 tensor or None
            Positions among these rows. None takes all rows, without a copy if possible.
        make_batch : callable, default=None
            Makes X of a CSR matrix. None makes a dense tensor.
        """
        index = self.index
        if positions is not None:
            index = positions if index is None else index[positions]
        X = self._inputs(index, make_batch)
        if self.y is not None:
            y = _pick(self.y, index)
        else:
            y = X if make_batch is None else self._inputs(index, None)
        weight = self.sample_weight
        return X, y, None if weight is None else _pick(weight, index)

    def inputs(self):
        """Return X of the rows, as a tensor, array, CSR matrix or MappedRows."""
        if stays_on_host(self.X) and self.index is not None:
            return self.X[self.index.cpu().numpy()]
        return self.X if self.index is None else self.X.index_select(0, self.index)

    def targets(self):
        """Return the targets as a tensor, or None if X is its own target."""
        return None if self.y is None else _pick(self.y, self.index)

    def weights(self):
        """Return the weights as a tensor, or None if the rows have no weights."""
        weight = self.sample_weight
        return None if weight is None else _pick(weight, self.index)

    def split(self, positions):
        """Split into rows not at `positions` and rows at `positions`. Do not copy."""
        held_out = torch.zeros(len(self), dtype=torch.bool, device=self.device)
        held_out[to_tensor(positions, self.device)] = True
        return self._subset(~held_out), self._subset(held_out)

    def _subset(self, mask):
        rows = object.__new__(Rows)
        vars(rows).update(vars(self))
        positions = mask.nonzero().squeeze(1)
        rows.index = positions if self.index is None else self.index[positions]
        return rows

    def _inputs(self, index, make_batch):
        if not stays_on_host(self.X):
            return _pick(self.X, index)
        X = self.X if index is None else self.X[index.cpu().numpy()]
        if make_batch:
            return make_batch(X)
        X = X.toarray() if sparse.issparse(X) else np.asarray(X)
        return to_tensor(X, self.device)


def stays_on_host(X):
    """Return whether X is read from the host batch by batch."""
    return sparse.issparse(X) or isinstance(X, MappedRows)


def _pick(tensor, index):
    return tensor if index is None else tensor.index_select(0, index)


def training_batches(rows, batch_size, make_generator, make_batch=None):
    """Yield the rows once, shuffled, in batches whose sizes differ by at most one.

    With these sizes, the last batch is never much smaller than the others. The gradient
    of a small batch is noisy, and layers such as batch normalisation fail on one row.
    A single batch is not shuffled. For `make_batch`, see `Rows.take`.
    """
    n_batches = count_batches(len(rows), batch_size)
    if n_batches == 1:
        yield rows.take(None, make_batch)
        return
    order = torch.randperm(len(rows), generator=make_generator(), device=rows.device)
    for positions in order.tensor_split(n_batches):
        yield rows.take(positions, make_batch)


def ordered_batches(rows, max_rows, make_batch=None):
    """Yield the rows once, in order, in large blocks for evaluation.

    For `make_batch`, see `Rows.take`.
    """
    order = torch.arange(len(rows), device=rows.device)
    # Targets are dense.
    n_rows = block_size(rows.X, max_rows, None if rows.y is None else make_batch)
    for positions in order.split(n_rows):
        yield rows.take(positions, make_batch)


def count_batches(n_samples, batch_size):
    """Return the number of batches of an epoch."""
    return -(-n_samples // batch_size)


def block_size(X, max_rows, make_batch=None):
    """Return the number of rows of X to evaluate at a time."""
    per_row = X.shape[1] if make_batch is None else -(-X.nnz // X.shape[0]) + 1
    return min(max(BLOCK_BYTES // (X.dtype.itemsize * per_row), 1), max_rows)


def prediction_blocks(X, max_rows, device, make_batch=None):
    """Yield X in order, in blocks: ``(rows, block)``, a slice and a tensor.

    For `make_batch`, see `Rows.take`.
    """
    n_rows = block_size(X, max_rows, make_batch)
    for start in range(0, X.shape[0], n_rows):
        rows = slice(start, start + n_rows)
        block = X[rows]
        if make_batch is not None:
            yield rows, make_batch(block)
        else:
            block = block.toarray() if sparse.issparse(X) else block
            yield rows, to_tensor(block, device)
