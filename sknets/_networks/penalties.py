"""Penalties on the codes of a batch, of shape (n_rows, n_components)."""

import torch
from torch import nn


def l1_activity(codes, target):
    """Return the sum of a row's absolute activations, averaged over the rows."""
    return codes.abs().sum() / len(codes)


def kl_activity(codes, target):
    """Return KL(Bernoulli(target) || Bernoulli(mean)), summed over the units.

    The mean is the activation of a unit, averaged over the rows.

    References
    ----------
    A. Ng, "Sparse autoencoder", CS294A lecture notes, Stanford, 2011.
    """
    tiny = torch.finfo(codes.dtype).eps
    mean = codes.mean(dim=0).clamp(tiny, 1 - tiny)
    on = target * torch.log(target / mean)
    off = (1 - target) * torch.log((1 - target) / (1 - mean))
    return (on + off).sum()


PENALTIES = {"l1": l1_activity, "kl": kl_activity}


class ActivityPenalty(nn.Module):
    """A penalty on active hidden units, added to the training loss."""

    def __init__(self, kind, weight, target):
        super().__init__()
        self.kind = kind
        self.weight = weight
        self.target = target

    def forward(self, codes):
        return self.weight * PENALTIES[self.kind](codes, self.target)

    def extra_repr(self):
        return f"kind={self.kind!r}, weight={self.weight}, target={self.target}"
