"""Normal noise that a row always gets again, whatever rows are beside it."""

import torch
from torch import nn

# Of SplitMix64, as signed integers.
GOLDEN = 0x9E3779B97F4A7C15 - 2**64
FACTORS = (0xBF58476D1CE4E5B9 - 2**64, 0x94D049BB133111EB - 2**64)


class RowNoise(nn.Module):
    """Standard normal noise that depends on the values of a row and on a seed alone.

    Each row is hashed, and the hash is the seed of a generator of its own. So a result
    that is averaged over draws does not depend on the order of the rows or on the size
    of a block. Different rows get independent noise.

    Parameters
    ----------
    n_features : int

    References
    ----------
    G. L. Steele, D. Lea and C. H. Flood, "Fast Splittable Pseudorandom Number
    Generators", OOPSLA, 2014.
    """

    def __init__(self, n_features):
        super().__init__()
        self.register_buffer("keys", torch.zeros(n_features, dtype=torch.int64))

    def reset_keys(self, generator):
        """Draw the keys of the hash, which are the seed of all noise."""
        self.keys.random_(-(2**63), None, generator=generator)

    def forward(self, X, n_draws, n_components):
        """Yield float64 noise of shape (n_rows, n_components), `n_draws` times.

        More draws begin with the same noise as fewer draws.
        """
        keys = self.keys
        if X.device.type == "mps":  # which has no float64
            X, keys = X.cpu(), keys.cpu()
        # Without -0.0, and the same for a row in float32 and in float64.
        bits = (X.to(torch.float32) + 0.0).view(torch.int32).to(torch.int64)
        # Integers overflow without rounding, so the order of the sum does not matter.
        seeds = scramble((bits * keys).sum(1, keepdim=True))
        positions = torch.arange(1, n_components + 1, device=X.device)
        for draw in range(n_draws):
            words = scramble(seeds + (positions + draw * n_components) * GOLDEN)
            # The middles of 2**52 intervals, which float64 holds without rounding.
            uniform = (shift_right(words, 12).to(torch.float64) + 0.5) / 2**52
            yield torch.special.ndtri(uniform)


def scramble(words):
    """Return the output of SplitMix64 for a state, an int64 tensor."""
    for shift, factor in zip((30, 27), FACTORS, strict=True):
        words = (words ^ shift_right(words, shift)) * factor
    return words ^ shift_right(words, 31)


def shift_right(words, n_bits):
    """Shift the bits of int64 words to the right, and fill with zeros."""
    return (words >> n_bits) & (2 ** (64 - n_bits) - 1)
