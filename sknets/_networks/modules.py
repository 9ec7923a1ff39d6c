"""The networks of the classifiers as torch modules, which emit logits; their loss."""

import torch
from torch import nn
from torch.nn.utils import skip_init

from sknets._networks.layers import ACTIVATIONS, DenseNetwork, Dropout, Network


class ConvBlock(nn.Sequential):
    """Convolution that keeps height and width, 2 x 2 max pooling.

    The activation is monotone, so it may come after the pooling instead of before:
    the same numbers from a quarter of the work.
    """

    def __init__(self, n_in, n_out, kernel_size):
        super().__init__()
        if kernel_size % 2 == 0:
            self.append(nn.ZeroPad2d((0, 1, 0, 1)))
        padding = (kernel_size - 1) // 2
        self.append(skip_init(nn.Conv2d, n_in, n_out, kernel_size, padding=padding))
        self.append(nn.MaxPool2d(2, ceil_mode=True))


def truncated_normal_(tensor, generator, std=0.1):
    """Fill with normal numbers of deviation `std`, redrawn beyond two deviations."""
    return nn.init.trunc_normal_(
        tensor, std=std, a=-2 * std, b=2 * std, generator=generator
    )


# -- networks ------------------------------------------------------------------------


class Perceptron(DenseNetwork):
    """A multilayer perceptron with dropout; without hidden layers, softmax regression.

    Parameters
    ----------
    n_features : int
    hidden_layer_sizes : sequence of int
    n_outputs : int
    activation : key of ACTIVATIONS
    dropout : float in [0, 1)
    """

    def __init__(self, n_features, hidden_layer_sizes, n_outputs, activation, dropout):
        super().__init__()
        self.hidden = nn.Sequential()
        n_inputs = n_features
        for size in hidden_layer_sizes:
            self.hidden.append(skip_init(nn.Linear, n_inputs, size))
            self.hidden.append(ACTIVATIONS[activation]())
            self.hidden.append(Dropout(dropout))
            n_inputs = size
        self.output = skip_init(nn.Linear, n_inputs, n_outputs)

    def reset_parameters(self, generator):
        """Set hidden weights truncated normal, everything else zero."""
        for layer in self.hidden:
            if isinstance(layer, nn.Linear):
                truncated_normal_(layer.weight, generator)
                nn.init.zeros_(layer.bias)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def stack(self):
        """Return the layers from input to output."""
        return [*self.hidden, self.output]

    def forward(self, X):
        return self.output(self.hidden(X))


class ConvNet(Network):
    """Convolution blocks, then a perceptron with dropout.

    Parameters
    ----------
    image_shape : (height, width, channels)
        How a row folds into an image.
    channels : sequence of int
    kernel_size : int
    hidden_layer_sizes : sequence of int
    n_outputs : int
    activation : key of ACTIVATIONS
    dropout : float in [0, 1)
    """

    max_rows = 256
    hides_infinity = True  # max pooling does

    def __init__(
        self,
        image_shape,
        channels,
        kernel_size,
        hidden_layer_sizes,
        n_outputs,
        activation,
        dropout,
    ):
        super().__init__()
        self.image_shape = image_shape
        height, width, n_inputs = image_shape
        self.convolutions = nn.Sequential()
        self.largest_convolution = 0
        for n_channels in channels:
            self.convolutions.append(ConvBlock(n_inputs, n_channels, kernel_size))
            weights = n_inputs * n_channels * kernel_size**2
            self.largest_convolution = max(
                self.largest_convolution, height * width * weights
            )
            n_inputs = n_channels
            height, width = -(-height // 2), -(-width // 2)
        self.activation = ACTIVATIONS[activation]()
        self.head = Perceptron(
            height * width * n_inputs,
            hidden_layer_sizes,
            n_outputs,
            activation,
            dropout,
        )
        # A training step takes a fifth less time than channels first on a CPU.
        self.to(memory_format=torch.channels_last)

    def reset_parameters(self, generator):
        """Set all weights truncated normal, all biases 0.1."""
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                nn.init.constant_(parameter, 0.1)
            else:
                truncated_normal_(parameter, generator)

    @property
    def multiply_adds(self):
        """Multiplications and additions of the largest layer for a row.

        They decide how many threads pay.
        """
        return max(self.largest_convolution, self.head.multiply_adds)

    def forward(self, X):
        maps = X.view(-1, *self.image_shape).permute(0, 3, 1, 2)
        # In evaluation, all but the convolutions may be in float64.
        dtype = self.head.output.weight.dtype
        for block in self.convolutions:
            maps = self.activation(block(maps.to(X.dtype)).to(dtype))
        return self.head(maps.permute(0, 2, 3, 1).flatten(1))


# -- losses --------------------------------------------------------------------------


class CrossEntropy(nn.Module):
    """Mean cross-entropy of logits; the target is codes, or (codes, weights)."""

    @staticmethod
    def decision(logits):
        """Return the logits; for two classes the log-odds of the second."""
        return logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits

    @staticmethod
    def probabilities(logits):
        """Return the probabilities of the classes."""
        return logits.softmax(1)

    @staticmethod
    def log_probabilities(logits):
        """Return the logarithms of the probabilities of the classes."""
        return logits.log_softmax(1)

    @staticmethod
    def codes(logits):
        """Return the codes of the most probable classes."""
        return logits.argmax(1)

    def forward(self, logits, target):
        return self._reduce(logits.log_softmax(1), target)

    def loss_and_gradient(self, logits, target):
        """Return the loss, and its gradient by the logits."""
        log_probabilities = logits.log_softmax(1)
        loss = self._reduce(log_probabilities, target)
        codes, weight = target if isinstance(target, tuple) else (target, None)
        gradient = log_probabilities.exp_()
        gradient.scatter_(1, codes.unsqueeze(1), -1.0, reduce="add")
        gradient.mul_(1 / len(codes))
        return loss, gradient if weight is None else gradient.mul_(weight.unsqueeze(1))

    def _reduce(self, log_probabilities, target):
        if not isinstance(target, tuple):
            return nn.functional.nll_loss(log_probabilities, target)
        codes, weight = target
        losses = nn.functional.nll_loss(log_probabilities, codes, reduction="none")
        return torch.dot(losses, weight) / len(weight)


class BinaryCrossEntropy(nn.Module):
    """Cross-entropy of a logit for each label, summed over the labels, mean over rows.

    The target is an indicator of shape (n_rows, n_labels), or (indicator, weights).
    """

    @staticmethod
    def decision(logits):
        """Return the log-odds of the labels."""
        return logits

    @staticmethod
    def probabilities(logits):
        """Return the probabilities of the labels."""
        return logits.sigmoid()

    @staticmethod
    def log_probabilities(logits):
        """Return the logarithms of the probabilities of the labels."""
        return nn.functional.logsigmoid(logits)

    @staticmethod
    def codes(logits):
        """Return which labels are more probable than not."""
        return (logits > 0).long()

    def forward(self, logits, target):
        indicator, weight = target if isinstance(target, tuple) else (target, None)
        losses = nn.functional.binary_cross_entropy_with_logits(
            logits, indicator.to(logits.dtype), reduction="none"
        ).sum(1)
        if weight is None:
            return losses.mean()
        return torch.dot(losses, weight) / len(weight)

    def loss_and_gradient(self, logits, target):
        """Return the loss, and its gradient by the logits."""
        indicator, weight = target if isinstance(target, tuple) else (target, None)
        gradient = logits.sigmoid().sub_(indicator).mul_(1 / len(indicator))
        if weight is not None:
            gradient.mul_(weight.unsqueeze(1))
        return self(logits, target), gradient
