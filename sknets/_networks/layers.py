"""Layers that torch does not have.

A random layer draws from its `generator`, which is set during a fit. If it is None, the
layer draws from torch's global generator.
"""

import torch
from torch import nn

from sknets._networks.noise import CORRUPTIONS, dropout_mask
from sknets._networks.sparse import SparseBatch


class Dropout(nn.Module):
    """Dropout with a generator of its own, which ``nn.Dropout`` lacks.

    References
    ----------
    N. Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from
    Overfitting", JMLR 15, 2014.
    """

    def __init__(self, p):
        super().__init__()
        self.p = p
        self.generator = None

    def forward(self, X):
        if not self.training or self.p == 0:
            return X
        return X * self.mask(X)

    def mask(self, X):
        """Draw the mask by which X is multiplied."""
        return dropout_mask(X, self.p, self.generator)

    def extra_repr(self):
        return f"p={self.p}"


class Corruption(nn.Module):
    """Noise on the input of a denoising autoencoder, in training only."""

    def __init__(self, noise, level):
        super().__init__()
        self.noise = noise
        self.level = level
        self.generator = None

    def forward(self, X):
        if not self.training or self.noise is None or self.level == 0:
            return X
        corrupt = CORRUPTIONS[self.noise]
        if isinstance(X, SparseBatch):
            return X.replace(corrupt(X.values, self.level, self.generator))
        return corrupt(X, self.level, self.generator)

    @property
    def keeps_zeros(self):
        """Whether zeros of X stay zero, so that sparse X stays sparse."""
        return self.noise in (None, "masking") or self.level == 0

    def extra_repr(self):
        return f"noise={self.noise!r}, level={self.level}"


class InputScale(nn.Module):
    """Subtract a shift from X and divide by a scale, before the first layer.

    Both are buffers, which training does not change. X is scaled in its own precision,
    and then converted to that of the next layer.

    Parameters
    ----------
    next_layer : nn.Module
        The layer that follows, with a weight.
    """

    def __init__(self, next_layer):
        super().__init__()
        # In a tuple, so that torch does not register its weight a second time.
        self.next_layer = (next_layer,)
        self.register_buffer("shift", None)
        self.register_buffer("scale", None)

    def set(self, shift, scale):
        """Set shift and scale, each an ndarray of shape (n_features,) or None."""
        self.shift, self.scale = self._as_buffer(shift), self._as_buffer(scale)

    def _as_buffer(self, values):
        if values is None:
            return None
        device = self.next_layer[0].weight.device
        dtype = torch.float32 if device.type == "mps" else torch.float64
        return torch.as_tensor(values, dtype=dtype, device=device)

    @property
    def does_nothing(self):
        """Whether X is neither shifted nor divided."""
        return self.scale is None

    @torch.no_grad()
    def fold_into(self, linear):
        """Return copies of a linear layer's weight and bias, for X without scaling."""
        weight, bias = linear.weight.clone(), linear.bias.clone()
        if self.does_nothing:
            return weight, bias
        folded = weight / self.scale
        if self.shift is not None:
            bias = bias - folded @ self.shift
        return folded.to(weight.dtype), bias.to(weight.dtype)

    def undo(self, X):
        """Return X in its own units."""
        if self.does_nothing:
            return X
        X = X * self.scale.to(X.dtype)
        return X if self.shift is None else X + self.shift.to(X.dtype)

    def forward(self, X):
        if self.does_nothing:
            return X
        if self.shift is not None:
            X = X - self.shift.to(X.dtype)
        # A sparse batch converts the scale of those features only that occur.
        is_sparse = isinstance(X, SparseBatch)
        scale = self.scale if is_sparse else self.scale.to(X.dtype)
        # The weight can be in a lower precision, which `SparseBatch.linear` converts.
        return (X / scale).to(self.next_layer[0].bias.dtype)


class ScaledSequential(nn.Sequential):
    """A stack of layers whose inputs, outputs or both have a unit of their own.

    Inputs are divided by `divisor`, and outputs are multiplied by `factor`. Both are
    buffers, which training does not change. None stands for one.
    """

    def __init__(self, *layers):
        super().__init__(*layers)
        self.register_buffer("divisor", None)
        self.register_buffer("factor", None)

    def forward(self, X):
        if self.divisor is not None:
            X = X / self.divisor
        X = self.forward_in_units(X)
        return X if self.factor is None else X * self.factor

    def forward_in_units(self, X):
        """Return the outputs, for X that is divided already, before the product."""
        return super().forward(X)


class TiedLinear(nn.Module):
    """A linear layer with the transposed weight of another one, and its own bias."""

    def __init__(self, mirrored):
        super().__init__()
        # In a tuple, so that torch does not register its weight a second time.
        self.mirrored = (mirrored,)
        self.bias = nn.Parameter(torch.empty(mirrored.in_features))

    def forward(self, codes):
        # The shared weight can be in a lower precision than the bias.
        weight = self.mirrored[0].weight.t().to(self.bias.dtype)
        return nn.functional.linear(codes, weight, self.bias)

    def extra_repr(self):
        (mirrored,) = self.mirrored
        return (
            f"in_features={mirrored.out_features}, out_features={mirrored.in_features}"
        )
