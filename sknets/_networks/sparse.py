"""Sparse batches: the first layer at the cost of the entries that are there.

The product of a sparse batch with a weight reads the weight's columns of the features
that occur in the batch. The gradient is zero for all other features. So products and
gradients are the same as those of a dense batch, to rounding.
"""

import torch


class SparseBatch:
    """Rows of a sparse matrix, as the input of a network.

    A linear layer accepts it: it multiplies only the entries.

    Parameters
    ----------
    values : tensor of shape (n_entries,)
    indices : integer tensor of shape (n_entries,)
        Features of the entries; their positions in `columns` if those are given.
    offsets : integer tensor of shape (n_rows + 1,)
        Where the rows begin and end.
    columns : int64 tensor of shape (n_columns,), default=None
        Features that occur.
    """

    def __init__(self, values, indices, offsets, columns=None):
        self.values = values
        self.indices = indices
        self.offsets = offsets
        self.columns = columns

    def __len__(self):
        return len(self.offsets) - 1

    @property
    def dtype(self):
        """The dtype of the entries."""
        return self.values.dtype

    def sum(self):
        """Return the sum of all entries."""
        return self.values.sum()

    def has_equal_rows(self):
        """Return whether all rows have the same entries, in the same order."""
        lengths = self.offsets.diff()
        if (lengths != lengths[0]).any():
            return False
        shape = len(self), int(lengths[0])
        tables = (entries.view(shape) for entries in (self.indices, self.values))
        return all((table == table[0]).all() for table in tables)

    def to(self, dtype):
        """Return the batch with entries in another precision."""
        return self.replace(self.values.to(dtype))

    def __truediv__(self, scale):
        """Divide by a tensor: one number, or a number for each feature."""
        if scale.ndim:
            if self.columns is not None:
                scale = scale.index_select(0, self.columns)
            scale = scale.index_select(0, self.indices)
        return self.replace(self.values / scale.to(self.dtype))

    def replace(self, values):
        """Return the batch with other values of its entries."""
        batch = object.__new__(type(self))
        vars(batch).update(vars(self), values=values)
        return batch

    def linear(self, weight, bias):
        """Return X W^T + b, in the precision of the entries."""
        table = weight.t()
        if self.columns is not None:
            table = table.index_select(0, self.columns)
        return self.times(table.to(self.dtype)).add_(bias)

    def times(self, table):
        """Return the product with a table that has a row for each index."""
        return weighted_sums(table, self.indices, self.offsets, self.values)

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        if function is torch.nn.functional.linear:
            batch, weight, bias = args
            return batch.linear(weight, bias)
        return NotImplemented


def weighted_sums(table, indices, offsets, weights):
    """Return weighted sums of rows of a table, each over a range of indices.

    Parameters
    ----------
    table : tensor of shape (n, n_units)
    indices, weights : tensors of shape (n_entries,)
    offsets : tensor of shape (n_sums + 1,)

    Returns
    -------
    sums : tensor of shape (n_sums, n_units)
    """
    if not len(indices):
        return table.new_zeros(len(offsets) - 1, table.shape[1])
    sums, *_ = torch.embedding_bag(
        table, indices, offsets, False, 0, False, weights, True
    )
    return sums


def lies_by_feature(weight):
    """Return whether the weights of each feature lie side by side in memory."""
    return weight.t().is_contiguous()


def allocate_by_feature(tensor):
    """Lay a tensor without values as `lay_by_feature` does, without a copy."""
    tensor.data = tensor.new_empty(tensor.shape[::-1]).t()


def lay_by_feature(tensor):
    """Change the memory of a tensor of shape (n_units, n_features), not its values."""
    if not lies_by_feature(tensor):
        tensor.data = tensor.data.t().contiguous().t()
