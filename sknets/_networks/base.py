"""Base classes of networks: what training and evaluation require of a module."""

from copy import deepcopy

import torch
from torch import nn

from sknets._networks.activations import ACTIVATION_MATHS
from sknets._networks.chain_rule import stack_gradient
from sknets._networks.layers import InputScale


class Network(nn.Module):
    """A torch module that can be trained and evaluated.

    A subclass defines `forward`, `reset_parameters` and these attributes or properties.

    Attributes
    ----------
    max_rows : int
        Maximal number of rows to evaluate at a time. More rows need more memory, fewer
        rows more calls.
    multiply_adds : int
        Number of multiply-adds of the largest layer for one row. It decides how many
        threads are used.
    can_hide_infinity : bool
        Whether outputs can be finite when X contains infinity, as after a ReLU. If so,
        X itself must be checked.
    trains_on_sparse : bool
        Whether `sparse_layer` reads sparse X in training too.
    """

    max_rows = 5120
    trains_on_sparse = False

    def reset_parameters(self, generator):
        """Draw the initial parameters from a ``torch.Generator``."""
        raise NotImplementedError

    @property
    def scales_input(self):
        """Whether X is scaled in its own precision, before the first layer."""
        return any(
            isinstance(layer, InputScale) and not layer.does_nothing
            for layer in self.children()
        )

    def training_outputs(self, X):
        """Return the outputs for a batch, and a penalty to add to its loss or None."""
        return self(X), None

    def row_losses(self, criterion, X, y):
        """Return the loss of each row in evaluation."""
        return criterion.row_losses(self(X), y)

    def mean_loss(self, criterion, X, y, weight=None):
        """Return the mean loss of rows in evaluation, without penalties."""
        return criterion(self(X), y, weight)

    def gradient_function(self, criterion):
        """Return the function that computes loss and gradients of a batch.

        Parameters
        ----------
        criterion : Loss
            Maps outputs, targets and weights to a loss.

        Returns
        -------
        loss_and_gradient : callable
            Called as ``loss_and_gradient(X, y, weight)`` with the tensors of a batch;
            `weight` is None if the rows have no weights. It sets the gradients of all
            parameters and returns the loss and the outputs. It may have an attribute
            `totals`: a dict of tensors to which each call adds sums over its rows. The
            curves then have their means.
        """

        @torch.enable_grad()
        def loss_and_gradient(X, y, weight=None):
            self.zero_grad()
            outputs, penalty = self.training_outputs(X)
            loss = criterion(outputs, y, weight)
            if penalty is not None:
                loss = loss + penalty
            loss.backward()
            return loss.detach(), outputs

        return loss_and_gradient

    def sparse_layer(self):
        """Return the linear layer that can read sparse X, or None.

        All that comes before it must accept a `SparseBatch`.
        """
        return None

    def set_generator(self, make_generator):
        """Make one generator for all random layers, if there are any."""
        layers = [layer for layer in self.modules() if hasattr(layer, "generator")]
        generator = make_generator() if layers else None
        for layer in layers:
            layer.generator = generator

    def evaluating_copy(self):
        """Return a copy in evaluation mode. The network itself keeps its mode."""
        return deepcopy(self, memo_without_generators(self)).eval()


def can_read_sparse(network, layer):
    """Return whether a linear layer of a network gets a `SparseBatch` safely.

    Hooks that users add expect dense tensors. MPS has no product with sparse rows.
    """
    has_hooks = any(m._forward_hooks or m._forward_pre_hooks for m in network.modules())
    return not has_hooks and layer.weight.device.type != "mps"


def memo_without_generators(module):
    """Return a `memo` that makes ``deepcopy`` put None in place of generators.

    A generator cannot be copied, and only training needs it.
    """
    return {id(getattr(layer, "generator", None)): None for layer in module.modules()}


# Largest number of outputs of a layer to compute at a time: 2 MB in float32. Larger
# arrays do not stay in the processor's cache until the next layer reads them.
MAX_BLOCK_OUTPUTS = 2**19


class DenseNetwork(Network):
    """A network of dense layers. Its gradients are computed without autograd."""

    def layers(self):
        """Return the list of layers, in the order of `forward`."""
        raise NotImplementedError

    def measure_layers(self):
        """Set the attributes of `Network`, at the end of `__init__`."""
        self.multiply_adds = max(parameter.numel() for parameter in self.parameters())
        widest = max(p.numel() for p in self.parameters() if p.ndim == 1)
        self.max_rows = max(min(self.max_rows, MAX_BLOCK_OUTPUTS // widest), 1)
        self.can_hide_infinity = any(
            type(layer) in ACTIVATION_MATHS for layer in self.layers()
        )

    def gradient_function(self, criterion):
        """Return the function that computes loss and gradients of a batch."""
        return stack_gradient(self.layers(), criterion)
