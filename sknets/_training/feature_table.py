"""The weight of the first layer, in training on sparse batches."""

import torch

from sknets._networks.sparse import SparseBatch, weighted_sums
from sknets._training.scipy_kernel import add_product_fast, has_fast_product


class TrainingBatch(SparseBatch):
    """A sparse batch whose gradient goes to the `FeatureTable` of the first layer.

    Parameters
    ----------
    values, indices, offsets : see `SparseBatch`
        Indices of features.
    table : FeatureTable
    transpose : callable
        Returns the entries feature by feature, as tensors: the features that occur, the
        offsets where they begin and end, and for each entry its row and its position
        among `values`.
    """

    def __init__(self, values, indices, offsets, table, transpose):
        super().__init__(values, indices, offsets)
        self.table = table
        self.transpose = transpose

    def transposed_times(self, gradient):
        """Return the features that occur, and X^T G in their rows."""
        features, offsets, rows, positions = self.transpose()
        values = self.values.index_select(0, positions)
        return features, weighted_sums(gradient, rows, offsets, values)


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
    columns : int64 tensor of shape (n_columns,)
        Features of the rows of `grad`. They are set when `grad` is read.
    """

    # The factor is multiplied into the table before it becomes smaller.
    MIN_FACTOR = 1e-3

    def __init__(self, weight):
        self.weight = weight
        self.rows = weight.detach().t()
        self.factor = 1.0
        self.by_rows = False
        self.columns = self._product = self._grad = None
        self.dense_gradient = None

    @property
    def has_gradient(self):
        """Whether `grad` is not None."""
        return self._product is not None

    @property
    def grad(self):
        """Gradient of the features that occur in the batch, or None.

        It is computed when it is first read: `add_gradient` does not always need it.
        """
        if self._grad is None and self.has_gradient:
            batch, gradient = self._product
            self.columns, self._grad = batch.transposed_times(gradient)
        return self._grad

    def forward(self, batch):
        """Return the product of a batch with the weight."""
        product = batch.times(self.rows)
        return product if self.factor == 1 else product.mul_(self.factor)

    def backward(self, batch, gradient):
        """Set the gradient of the weight from that of the product."""
        self.weight.grad = self._product = self._grad = None
        if not self.weight.requires_grad:  # a callback may have frozen it
            return
        if self.by_rows:
            self._product = batch, gradient
        else:
            self._set_dense_gradient(*batch.transposed_times(gradient))

    def _set_dense_gradient(self, columns, rows):
        if self.dense_gradient is None:
            self.dense_gradient = torch.empty_like(self.weight).t()
        self.dense_gradient.zero_().index_copy_(0, columns, rows)
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

    def add_gradient(self, factor):
        """Add a multiple of the gradient. It may be changed in place."""
        is_read = self._grad is not None  # and possibly clipped
        if is_read or not has_fast_product(self.rows):
            self.add(self.grad, factor)
        else:
            batch, gradient = self._product
            add_product_fast(self.rows, batch, gradient * (factor / self.factor))

    def add(self, rows, factor):
        """Add multiples of rows to the weights of the features in `columns`.

        The rows are multiplied in place.
        """
        rows.mul_(factor / self.factor)
        # `index_add_` takes three times as long with its own factor.
        self.rows.index_add_(0, self.columns, rows)
