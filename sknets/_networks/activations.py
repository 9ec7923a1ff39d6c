"""The activation functions by their names, and their derivatives."""

import torch
from torch import nn

# All of them are monotone, as ConvBlock requires.
ACTIVATIONS = {
    "identity": nn.Identity,
    "logistic": nn.Sigmoid,
    "relu": nn.ReLU,
    "softplus": nn.Softplus,
    "tanh": nn.Tanh,
}

# For each activation, its function (in place if torch has that), and its derivative as
# a function of the output. The identity needs neither.
ACTIVATION_MATHS = {
    nn.ReLU: (torch.relu_, torch.sign),
    nn.Sigmoid: (torch.sigmoid_, lambda output: output * (1 - output)),
    nn.Softplus: (nn.functional.softplus, lambda output: -torch.expm1(-output)),
    nn.Tanh: (torch.tanh_, lambda output: 1 - output * output),
}
