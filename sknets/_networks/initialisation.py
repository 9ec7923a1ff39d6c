"""Initial weights."""

from torch import nn


def truncated_normal_(tensor, generator, std=0.1):
    """Draw from a normal distribution, truncated at two standard deviations."""
    return nn.init.trunc_normal_(
        tensor, std=std, a=-2 * std, b=2 * std, generator=generator
    )
