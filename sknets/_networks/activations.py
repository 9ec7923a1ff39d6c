"""Activations: a line each, here and nowhere else."""

import torch
from torch import nn

# All of them are monotone, which ConvBlock relies on.
ACTIVATIONS = {
    "identity": nn.Identity,
    "logistic": nn.Sigmoid,
    "relu": nn.ReLU,
    "softplus": nn.Softplus,
    "tanh": nn.Tanh,
}

# The functions, in place where that can be, and their derivatives as functions of the
# output. The identity needs none.
ACTIVATION_MATHS = {
    nn.ReLU: (torch.relu_, torch.sign),
    nn.Sigmoid: (torch.sigmoid_, lambda output: output * (1 - output)),
    nn.Softplus: (nn.functional.softplus, lambda output: -torch.expm1(-output)),
    nn.Tanh: (torch.tanh_, lambda output: 1 - output * output),
}
