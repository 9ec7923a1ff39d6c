"""Layers, and how the gradient of a network of them is computed.

What is random in training draws from the ``generator`` of its layer, which is set for
the length of a fit; without one, it draws from torch's global generator.
"""

import torch
from torch import nn

from sknets._networks.noise import dropout_mask

# All of them are monotone, which ConvBlock relies on.
ACTIVATIONS = {
    "identity": nn.Identity,
    "logistic": nn.Sigmoid,
    "relu": nn.ReLU,
    "softplus": nn.Softplus,
    "tanh": nn.Tanh,
}

# In place where that can be, and the derivatives as functions of the output.
ACTIVATION_MATHS = {
    nn.ReLU: (torch.relu_, torch.sign),
    nn.Sigmoid: (torch.sigmoid_, lambda output: output * (1 - output)),
    nn.Softplus: (nn.functional.softplus, lambda output: -torch.expm1(-output)),
    nn.Tanh: (torch.tanh_, lambda output: 1 - output * output),
}


class Dropout(nn.Module):
    """Dropout that draws from a generator of its own; ``nn.Dropout`` has none.

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
        """Draw what to multiply X by."""
        return dropout_mask(X, self.p, self.generator)

    def extra_repr(self):
        return f"p={self.p}"


class Network(nn.Module):
    """A module that trains by the gradient of a criterion."""

    # To evaluate at a time: enough to keep the cores busy, as few as caches hold.
    max_rows = 1024

    @property
    def multiply_adds(self):
        """Multiplications and additions of the largest layer for a row.

        They decide how many threads pay.
        """
        raise NotImplementedError

    @property
    def hides_infinity(self):
        """Whether an infinite entry of X may have finite outputs."""
        raise NotImplementedError

    def gradient_function(self, criterion):
        """Return the function that the training loop calls for each batch.

        Parameters
        ----------
        criterion : nn.Module
            Maps outputs and target to a loss.

        Returns
        -------
        loss_and_gradient : callable
            Maps X, a tensor of shape (n_rows, n_in), and its target to the loss and the
            outputs, and sets the gradients of all parameters.
        """

        @torch.enable_grad()
        def loss_and_gradient(X, target):
            self.zero_grad()
            outputs = self(X)
            loss = criterion(outputs, target)
            loss.backward()
            return loss.detach(), outputs

        return loss_and_gradient


class DenseNetwork(Network):
    """A network of dense layers, which trains without autograd.

    Autograd's bookkeeping takes a third of a training step of softmax regression and a
    sixth of one of the article's perceptron; the chain rule is short.
    """

    def stack(self):
        """Return the layers from input to output.

        Linear, activations and Dropout; before the first Linear also layers that work
        on the input alone.
        """
        raise NotImplementedError

    @property
    def multiply_adds(self):
        """Multiplications and additions of the largest layer for a row.

        They decide how many threads pay.
        """
        return max(parameter.numel() for parameter in self.parameters())

    @property
    def hides_infinity(self):
        """Whether an infinite entry of X may have finite outputs."""
        return any(type(layer) in ACTIVATION_MATHS for layer in self.stack())

    def gradient_function(self, criterion):
        """Return the function that the training loop calls for each batch."""
        layers = [layer for layer in self.stack() if not does_nothing(layer)]
        first = next(
            i for i, layer in enumerate(layers) if isinstance(layer, nn.Linear)
        )
        rules = [chain_rule(layer, layer is layers[first]) for layer in layers[first:]]

        @torch.no_grad()
        def loss_and_gradient(X, target):
            for layer in layers[:first]:
                X = layer(X)
            for rule in rules:
                X = rule.forward(X)
            loss, gradient = criterion.loss_and_gradient(X, target)
            for rule in reversed(rules):
                gradient = rule.backward(gradient)
            return loss, X

        return loss_and_gradient


def does_nothing(layer):
    """Say whether a layer hands on its input, also in training."""
    return isinstance(layer, nn.Identity) or (
        isinstance(layer, Dropout) and not layer.p
    )


# -- the chain rule, layer by layer --------------------------------------------------


def chain_rule(layer, is_first):
    """Return what computes the output of a layer in training, then its gradients."""
    if isinstance(layer, nn.Linear):
        return LinearRule(layer, is_first)
    if isinstance(layer, Dropout):
        return DropoutRule(layer)
    return ActivationRule(layer)


class LinearRule:
    """X W^T + b, whose gradients are written where those of the last batch were."""

    def __init__(self, layer, is_first):
        self.weight, self.bias = layer.weight, layer.bias
        self.is_first = is_first
        self.weight_transposed = layer.weight.t()
        self.weight_gradient = torch.empty_like(self.weight)
        self.bias_gradient = torch.empty_like(self.bias)

    def forward(self, X):
        self.X = X
        return torch.addmm(self.bias, X, self.weight_transposed)

    def backward(self, gradient):
        torch.mm(gradient.t(), self.X, out=self.weight_gradient)
        torch.sum(gradient, 0, out=self.bias_gradient)
        # Callbacks and optimizers may have frozen a parameter or dropped its gradient.
        weight, bias = self.weight, self.bias
        weight.grad = self.weight_gradient if weight.requires_grad else None
        bias.grad = self.bias_gradient if bias.requires_grad else None
        return None if self.is_first else gradient @ self.weight


class ActivationRule:
    """An activation, whose derivative follows from its output."""

    def __init__(self, layer):
        self.function, self.derivative = ACTIVATION_MATHS[type(layer)]

    def forward(self, X):
        self.output = self.function(X)
        return self.output

    def backward(self, gradient):
        return gradient.mul_(self.derivative(self.output))


class DropoutRule:
    """A product with a random mask."""

    def __init__(self, layer):
        self.layer = layer

    def forward(self, X):
        self.mask = self.layer.mask(X)
        return X * self.mask

    def backward(self, gradient):
        return gradient.mul_(self.mask)
