"""Initial weights."""

import math
from functools import partial

import torch
from torch import nn

# Standard deviation of the standard normal distribution, truncated at two.
TRUNCATED_DEVIATION = 0.8796


def truncated_normal_(tensor, generator, std=0.1):
    """Draw from a normal distribution, truncated at two standard deviations."""
    draw = partial(nn.init.trunc_normal_, std=std, a=-2 * std, b=2 * std)
    return draw_in_any_layout(draw, tensor, generator)


def xavier_uniform_(tensor, generator, gain=1.0):
    """Draw from the uniform distribution of Glorot and Bengio.

    References
    ----------
    X. Glorot and Y. Bengio, "Understanding the Difficulty of Training Deep Feedforward
    Neural Networks", AISTATS, 2010.
    """
    draw = partial(nn.init.xavier_uniform_, gain=gain)
    return draw_in_any_layout(draw, tensor, generator)


def draw_in_any_layout(draw, tensor, generator):
    """Draw numbers that do not depend on the memory layout of the tensor."""
    like = {"dtype": tensor.dtype, "device": tensor.device}
    draws = tensor if tensor.is_contiguous() else torch.empty(tensor.shape, **like)
    draw(draws, generator=generator)
    if draws is not tensor:
        tensor.detach().copy_(draws)
    return tensor


def deep_normal_(weight, generator):
    """Draw as `truncated_normal_`, with larger weights for units of few inputs.

    Below 259 inputs, the fixed deviation, which is 0.088 after the cut, lets the signal
    fade from layer to layer. There the deviation is that of He et al., which keeps it.

    References
    ----------
    K. He, X. Zhang, S. Ren and J. Sun, "Delving Deep into Rectifiers", ICCV, 2015.
    """
    wanted = math.sqrt(2 / weight.shape[1]) / TRUNCATED_DEVIATION
    return truncated_normal_(weight, generator, std=max(0.1, wanted))
