"""The autoencoder as a torch module, with its corruption and its loss."""

from torch import nn
from torch.nn.utils import skip_init

from sknets._modules import ACTIVATIONS
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


class Autoencoder(nn.Module):
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

    def forward(self, X):
        return self.decoder(self.encoder(self.corruption(X)))


class HalfSquaredError(nn.Module):
    """Half of the squared error, summed over the features, mean over the rows."""

    def forward(self, reconstruction, target):
        return nn.functional.mse_loss(reconstruction, target, reduction="sum") / (
            2 * len(target)
        )
