"""The autoencoder as a torch module, with its corruption, penalties and losses."""

from itertools import pairwise

import torch
from torch import nn
from torch.nn.utils import skip_init

from sknets._networks.layers import ACTIVATIONS, DenseNetwork, Network
from sknets._networks.noise import CORRUPTIONS

# -- layers --------------------------------------------------------------------------


class Corruption(nn.Module):
    """Noise on the input of a denoising autoencoder, in training only."""

    def __init__(self, noise, level):
        super().__init__()
        self.noise = noise
        self.level = level
        self.generator = None

    def forward(self, X):
        if not self.training or self.noise is None or self.level == 0:
            return X
        return CORRUPTIONS[self.noise](X, self.level, self.generator)

    def extra_repr(self):
        return f"noise={self.noise!r}, level={self.level}"


class TiedLinear(nn.Module):
    """The way back through a linear layer: its weight transposed, and a bias."""

    def __init__(self, mirrored):
        super().__init__()
        # In a tuple, as a submodule would list its weight a second time.
        self.mirrored = (mirrored,)
        self.bias = nn.Parameter(torch.empty(mirrored.in_features))

    def forward(self, codes):
        return nn.functional.linear(codes, self.mirrored[0].weight.t(), self.bias)

    def extra_repr(self):
        (mirrored,) = self.mirrored
        return (
            f"in_features={mirrored.out_features}, out_features={mirrored.in_features}"
        )


# -- penalties on the codes of a batch, shape (n_rows, n_components) -----------------


def l1_activity(codes, target):
    """Return the absolute activations, summed over the units, mean over the rows."""
    return codes.abs().sum() / len(codes)


def kl_activity(codes, target):
    """Return the divergence of Bernoulli(mean activation) from Bernoulli(target).

    Kullback-Leibler, of each unit's mean over the rows, summed over the units.

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
    """What active hidden units cost in training."""

    def __init__(self, kind, weight, target):
        super().__init__()
        self.kind = kind
        self.weight = weight
        self.target = target

    def forward(self, codes):
        return self.weight * PENALTIES[self.kind](codes, self.target)

    def extra_repr(self):
        return f"kind={self.kind!r}, weight={self.weight}, target={self.target}"


# -- the network ---------------------------------------------------------------------


class Autoencoder(DenseNetwork):
    """A denoising autoencoder whose decoder mirrors its encoder.

    Parameters
    ----------
    n_features : int
    layer_sizes : sequence of int
        Of the encoder, the code last.
    activation, output_activation : keys of ACTIVATIONS
    tied_weights : bool
    corruption : Corruption
    penalty : ActivityPenalty or None
        In training, ``forward`` returns it beside the outputs.
    emits_logits : bool
        Whether ``forward`` leaves the output activation to the loss.
    """

    def __init__(
        self,
        n_features,
        layer_sizes,
        *,
        activation,
        output_activation,
        tied_weights,
        corruption,
        penalty,
        emits_logits,
    ):
        super().__init__()
        self.corruption = corruption
        self.encoder = nn.Sequential()
        for n_inputs, n_units in pairwise([n_features, *layer_sizes]):
            self.encoder.append(skip_init(nn.Linear, n_inputs, n_units))
            self.encoder.append(ACTIVATIONS[activation]())
        self.decoder = nn.Sequential()
        for layer in reversed(self.encoder[::2]):
            if len(self.decoder):
                self.decoder.append(ACTIVATIONS[activation]())
            self.decoder.append(
                TiedLinear(layer)
                if tied_weights
                else skip_init(nn.Linear, layer.out_features, layer.in_features)
            )
        self.output = ACTIVATIONS[output_activation]()
        self.penalty = penalty
        self.emits_logits = emits_logits

    def reset_parameters(self, generator):
        """Set the weights Xavier uniform, biases and a linear output's weights zero."""
        layers = (*self.encoder[::2], *self.decoder[::2])
        for layer in layers:
            nn.init.zeros_(layer.bias)
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight, generator=generator)
        # From zero, a ReLU would never get anywhere, and others would be slow to.
        starts_from_zero = self.emits_logits or isinstance(self.output, nn.Identity)
        if starts_from_zero and isinstance(layers[-1], nn.Linear):
            nn.init.zeros_(layers[-1].weight)

    def stack(self):
        """Return the layers from input to output."""
        output = [] if self.emits_logits else [self.output]
        return [self.corruption, *self.encoder, *self.decoder, *output]

    def gradient_function(self, criterion):
        """Return the function that the training loop calls for each batch."""
        if self.penalty is None and not isinstance(self.decoder[0], TiedLinear):
            return super().gradient_function(criterion)
        return Network.gradient_function(self, criterion)

    def forward(self, X):
        codes = self.encoder(self.corruption(X))
        outputs = self.decoder(codes) if self.emits_logits else self.decode(codes)
        if self.training and self.penalty is not None:
            return outputs, self.penalty(codes)
        return outputs

    def decode(self, codes):
        """Return the reconstruction from codes."""
        return self.output(self.decoder(codes))

    def reconstruct(self, X):
        """Return the reconstruction of X as it is, without noise."""
        return self.decode(self.encoder(X))


# -- losses --------------------------------------------------------------------------


class ReconstructionLoss(nn.Module):
    """An error summed over the features, mean over the rows, plus a penalty if any.

    ``outputs`` is what the module returns: a tensor, or the pair of it and a penalty.
    """

    def forward(self, outputs, target):
        if isinstance(outputs, tuple):
            outputs, penalty = outputs
            return self.error(outputs, target, "sum") / len(target) + penalty
        return self.error(outputs, target, "sum") / len(target)

    def loss_and_gradient(self, outputs, target):
        """Return the loss without a penalty, and its gradient by the outputs."""
        gradient = self.slope(outputs, target).mul_(1 / len(target))
        return self(outputs, target), gradient

    def row_errors(self, outputs, target):
        """Return the error of each row."""
        return self.error(outputs, target, "none").sum(dim=1)


class HalfSquaredError(ReconstructionLoss):
    """Half of the squared error."""

    @staticmethod
    def error(outputs, target, reduction):
        return nn.functional.mse_loss(outputs, target, reduction=reduction) / 2

    @staticmethod
    def slope(outputs, target):
        return outputs - target


class BernoulliCrossEntropy(ReconstructionLoss):
    """Cross-entropy of the target, in [0, 1], and the logistic function of logits."""

    @staticmethod
    def error(outputs, target, reduction):
        return nn.functional.binary_cross_entropy_with_logits(
            outputs, target, reduction=reduction
        )

    @staticmethod
    def slope(outputs, target):
        return outputs.sigmoid() - target


LOSSES = {"squared_error": HalfSquaredError, "cross_entropy": BernoulliCrossEntropy}
