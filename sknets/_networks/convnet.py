"""The convolutional network."""

import torch
from torch import nn
from torch.nn.utils import skip_init

from sknets._networks.activations import ACTIVATIONS
from sknets._networks.base import Network
from sknets._networks.initialisation import truncated_normal_
from sknets._networks.layers import InputScale
from sknets._networks.perceptron import Perceptron


class ConvBlock(nn.Sequential):
    """Convolution that keeps height and width, then 2 x 2 max pooling.

    `ConvNet` applies the activation after the pooling, at a quarter of the cost. The
    result is the same as before the pooling, because the activation is monotone.
    """

    def __init__(self, n_in, n_out, kernel_size):
        super().__init__()
        if kernel_size % 2 == 0:
            self.append(nn.ZeroPad2d((0, 1, 0, 1)))
        padding = (kernel_size - 1) // 2
        self.append(skip_init(nn.Conv2d, n_in, n_out, kernel_size, padding=padding))
        self.append(nn.MaxPool2d(2, ceil_mode=True))


class ConvNet(Network):
    """Convolution blocks, then a perceptron with dropout.

    Parameters
    ----------
    image_shape : (height, width, channels)
        Shape of the image that a row of X contains.
    channels : sequence of int
    kernel_size : int
    hidden_layer_sizes : sequence of int
    n_outputs : int
    activation : key of ACTIVATIONS
    dropout : float in [0, 1)
    """

    max_rows = 256
    can_hide_infinity = True  # max pooling can drop -inf

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
        self.multiply_adds = 0
        for n_channels in channels:
            self.convolutions.append(ConvBlock(n_inputs, n_channels, kernel_size))
            weights = n_inputs * n_channels * kernel_size**2
            self.multiply_adds = max(self.multiply_adds, height * width * weights)
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
        self.input_scale = InputScale(
            next(layer for layer in self.modules() if hasattr(layer, "weight"))
        )
        self.multiply_adds = max(self.multiply_adds, self.head.multiply_adds)
        # On a CPU, a training step takes a fifth less time than with channels first.
        self.to(memory_format=torch.channels_last)

    def reset_parameters(self, generator):
        """Draw truncated normal weights. Set all biases to 0.1."""
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                nn.init.constant_(parameter, 0.1)
            else:
                truncated_normal_(parameter, generator)

    def forward(self, X):
        X = self.input_scale(X)
        maps = X.view(-1, *self.image_shape).permute(0, 3, 1, 2)
        # In evaluation, all layers except the convolutions may be in float64.
        dtype = self.head.output.weight.dtype
        for block in self.convolutions:
            maps = self.activation(block(maps.to(X.dtype)).to(dtype))
        return self.head(maps.permute(0, 2, 3, 1).flatten(1))
