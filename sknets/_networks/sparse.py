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


class TrainingBatch(SparseBatch):
    """A sparse batch whose gradient goes to the `FeatureTable` of the first layer.

    Parameters
    ----------
    values, indices, offsets : see `SparseBatch`
        Indices of features.
    table : FeatureTable
    columns : int64 tensor of shape (n_columns,)
        Features that occur.
    order, rows : integer tensors of shape (n_entries,)
        Positions of the entries among `values`, and their rows, feature by feature.
    column_offsets : integer tensor of shape (n_columns + 1,)
        Where the features begin and end in `order`.
    """

    def __init__(
        self, values, indices, offsets, *, table, columns, order, rows, column_offsets
    ):
        super().__init__(values, indices, offsets)
        self.table = table
        self.touched = columns
        self.order = order
        self.rows = rows
        self.column_offsets = column_offsets

    def transposed_times(self, gradient):
        """Return X^T G, in the rows of the features that occur."""
        values = self.values.index_select(0, self.order)
        return weighted_sums(gradient, self.rows, self.column_offsets, values)


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


class FeatureTable:
    """The weight of the first layer in training: a table with a row for each feature.

    The gradient is in the rows of the features that occur in a batch. If the optimizer
    updates these rows only, weight decay would still change all weights in each step.
    It is a common factor instead, which `settle` multiplies into the table.

    Parameters
    ----------
    weight : Parameter of shape (n_units, n_features)
        Its memory must lie feature by feature, see `lay_by_feature`.

    Attributes
    ----------
    by_rows : bool
        Whether the optimizer updates rows, in the current step. If not, the gradient
        is in `weight.grad` as always.
    columns, grad : tensors of shape (n_columns,) and (n_columns, n_units), or None
        Features that occur in the batch, and their gradients.
    """

    # The factor is multiplied into the table before it becomes smaller.
    MIN_FACTOR = 1e-3

    def __init__(self, weight):
        self.weight = weight
        self.rows = weight.detach().t()
        self.factor = 1.0
        self.by_rows = False
        self.columns = self.grad = None
        self.dense_gradient = None

    def forward(self, batch):
        """Return the product of a batch with the weight."""
        product = batch.times(self.rows)
        return product if self.factor == 1 else product.mul_(self.factor)

    def backward(self, batch, gradient):
        """Set the gradient of the weight from that of the product."""
        self.weight.grad = self.grad = None
        if not self.weight.requires_grad:  # a callback may have frozen it
            return
        self.columns = batch.touched
        rows = batch.transposed_times(gradient)
        if self.by_rows:
            self.grad = rows
            return
        if self.dense_gradient is None:
            self.dense_gradient = torch.empty_like(self.weight).t()
        self.dense_gradient.zero_().index_copy_(0, self.columns, rows)
        self.weight.grad = self.dense_gradient.t()

    def decay(self, factor):
        """Multiply the weight by a factor, without touching it if possible."""
        self.factor *= factor
        if self.factor < self.MIN_FACTOR:
            self.settle()

    def settle(self):
        """Multiply the factor into the table. All of `weight` is up to date then."""
        if self.factor != 1:
            self.rows.mul_(self.factor)
            self.factor = 1.0

    def add(self, rows, factor):
        """Add multiples of rows to the weights of the features in `columns`.

        The rows are multiplied in place.
        """
        rows.mul_(factor / self.factor)
        # `index_add_` takes three times as long with its own factor.
        self.rows.index_add_(0, self.columns, rows)


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
