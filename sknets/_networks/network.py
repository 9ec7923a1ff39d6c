"""What a network is: what training and evaluation may ask of a module."""

from copy import deepcopy

import torch
from torch import nn

from sknets._networks.activations import ACTIVATION_MATHS
from sknets._networks.chain_rule import stack_gradient


class Network(nn.Module):
    """A torch module that training and evaluation know how to use.

    A subclass has `forward`, `reset_parameters` and these attributes or properties.

    Attributes
    ----------
    max_rows : int
        Rows to evaluate at a time. More rows cost memory; fewer cost a call for each
        block.
    multiply_adds : int
        Multiplications and additions of the largest layer for a row. They decide how
        many threads pay.
    hides_infinity : bool
        Whether an infinite entry of X may have finite outputs.
    """

    max_rows = 5120

    def reset_parameters(self, generator):
        """Set the initial parameters, drawn from a ``torch.Generator``."""
        raise NotImplementedError

    def training_outputs(self, X):
        """Return the outputs for a batch, and what to add to its loss, or None."""
        return self(X), None

    def gradient_function(self, criterion):
        """Return the function that a trainer calls for each batch.

        Parameters
        ----------
        criterion : Loss
            Maps outputs, targets and weights to a loss.

        Returns
        -------
        loss_and_gradient : callable
            Maps X, a tensor of shape (n_rows, n_in), y, and the weights of the rows or
            None to the loss and the outputs. It sets the gradients of all parameters.
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

    def set_generator(self, make_generator):
        """Let all random layers draw from one generator, which is made if any does."""
        layers = [layer for layer in self.modules() if hasattr(layer, "generator")]
        generator = make_generator() if layers else None
        for layer in layers:
            layer.generator = generator

    def evaluating_copy(self):
        """Return a copy that evaluates, also in mid-training."""
        return deepcopy(self, memo_without_generators(self)).eval()


def memo_without_generators(module):
    """Return a memo with which ``deepcopy`` leaves out generators.

    A generator cannot be copied, and is for training only.
    """
    return {id(getattr(layer, "generator", None)): None for layer in module.modules()}


class DenseNetwork(Network):
    """A network of dense layers, which trains without autograd."""

    def stack(self):
        """Return the layers from input to output, as `stack_gradient` takes them."""
        raise NotImplementedError

    def describe_layers(self):
        """Set the attributes that follow from the layers."""
        self.multiply_adds = max(parameter.numel() for parameter in self.parameters())
        self.hides_infinity = any(
            type(layer) in ACTIVATION_MATHS for layer in self.stack()
        )

    def gradient_function(self, criterion):
        """Return the function that a trainer calls for each batch."""
        return stack_gradient(self.stack(), criterion)
