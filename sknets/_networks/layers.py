"""Layers that torch does not have.

A random layer draws from its `generator`, which is set during a fit. If it is None, the
layer draws from torch's global generator.
"""

import torch
from torch import nn

from sknets._networks.noise import CORRUPTIONS, dropout_mask


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
        return CORRUPTIONS[self.noise](X, self.level, self.generator)

    def extra_repr(self):
        return f"noise={self.noise!r}, level={self.level}"


class TiedLinear(nn.Module):
    """A linear layer with the transposed weight of another one, and its own bias."""

    def __init__(self, mirrored):
        super().__init__()
        # In a tuple, so that torch does not register its weight a second time.
        self.mirrored = (mirrored,)
        self.bias = nn.Parameter(torch.empty(mirrored.in_features))

    def forward(self, codes):
        return nn.functional.linear(codes, self.mirrored[0].weight.t(), self.bias)

    def extra_repr(self):
        (mirrored,) = self.mirrored
        return (
            f"in_features={mirrored.out_features}, out_features={mirrored.in_features}"
        )
