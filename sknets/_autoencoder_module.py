"""The autoencoder as a torch module, with its corruption and its loss."""

import torch
from torch import nn
from torch.nn.utils import skip_init

from sknets._layers import ACTIVATIONS, DenseNetwork
from sknets._noise import CORRUPTIONS


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


class Autoencoder(DenseNetwork):
    """A denoising autoencoder with one hidden layer.

    Parameters
    ----------
    n_features : int
    n_components : int
    activation : key of ACTIVATIONS
    noise : key of CORRUPTIONS or None
    noise_level : float
    """

    def __init__(self, n_features, n_components, activation, noise, noise_level):
        super().__init__()
        self.corruption = Corruption(noise, noise_level)
        self.encoder = nn.Sequential(
            skip_init(nn.Linear, n_features, n_components), ACTIVATIONS[activation]()
        )
        self.decoder = skip_init(nn.Linear, n_components, n_features)

    def reset_parameters(self, generator):
        """Set the encoder Xavier uniform, everything else zero."""
        nn.init.xavier_uniform_(self.encoder[0].weight, generator=generator)
        nn.init.zeros_(self.encoder[0].bias)
        nn.init.zeros_(self.decoder.weight)
        nn.init.zeros_(self.decoder.bias)

    def stack(self):
        """Return the layers from input to output."""
        return [self.corruption, *self.encoder, self.decoder]

    def forward(self, X):
        return self.decoder(self.encoder(self.corruption(X)))


class HalfSquaredError(nn.Module):
    """Half of the squared error, summed over the features, mean over the rows."""

    def forward(self, reconstruction, target):
        error = (reconstruction - target).view(-1)
        return torch.dot(error, error) / (2 * len(target))

    def loss_and_gradient(self, reconstruction, target):
        """Return the loss, and its gradient by the reconstruction."""
        loss = self(reconstruction, target)
        return loss, torch.sub(reconstruction, target).mul_(1 / len(target))
