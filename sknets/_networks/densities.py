"""The densities of a variational autoencoder: of codes, and of rows."""

import math

import torch
from torch import nn

# Smallest learned variance, as a share of the variance of X. Without a limit, the
# density of constant features would grow without bound.
MIN_VARIANCE = 1e-6

# The logarithm of the variance moves ten times as fast as other biases. It has a long
# way: from 0 to -4.6 where a hundredth of the variance is noise.
PACE = 10


class Posterior(nn.Module):
    """A diagonal normal density of a row's code.

    The variance is ``1 / (1 + exp(-spread))``, which is at most that of the prior. The
    posterior of a linear model has this form: 1 is the precision of the prior, and
    ``exp(-spread)`` the precision that the row adds. No row, however far out, can make
    this variance overflow.
    """

    def __init__(self):
        super().__init__()
        self.generator = None

    def forward(self, encoded):
        """Split outputs of an encoder into means and logarithms of variances."""
        mean, spread = encoded.chunk(2, dim=1)
        return mean, nn.functional.logsigmoid(spread)

    def draw_noise(self, mean, n_draws):
        """Draw standard normal noise of shape (n_draws, n_rows, n_components)."""
        noise = mean.new_empty(n_draws, *mean.shape)
        return noise.normal_(generator=self.generator)


def normal_divergence(mean, log_variance):
    """Return KL(N(mean, variance) || N(0, I)) of each row, in nats."""
    return (log_variance.exp() + mean.square() - 1 - log_variance).sum(dim=1) / 2


class OutputNoise(nn.Module):
    """Normal noise of the rows around the outputs, of one variance.

    It turns half squared errors, of X that was divided by its scale, into negative log
    densities of X in its own units.

    Parameters
    ----------
    variance : float or None
        Variance in squared units of X. None if it is learned.
    """

    def __init__(self, variance):
        super().__init__()
        self.given = variance
        # The optimizers leave weights of this name out of weight decay.
        self.bias = nn.Parameter(torch.empty(1)) if variance is None else None

    def reset_parameters(self):
        """Start from the variance of X, if the variance is learned."""
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def variance(self, input_scale):
        """Return the variance in squared units of X, a float."""
        scaled = self._scaled_variance(input_scale)
        return scaled.item() * input_scale.scale[0].item() ** 2

    def _scaled_variance(self, input_scale):
        if self.bias is None:
            return self.given / input_scale.scale[0] ** 2
        return MIN_VARIANCE + torch.exp(PACE * self.bias)

    def _log_normaliser(self, input_scale):
        scale = input_scale.scale
        variance = self._scaled_variance(input_scale)
        # The variance in squared units of X can overflow float32, its logarithm cannot.
        log_variance = torch.log(2 * math.pi * variance) + 2 * torch.log(scale[0])
        return len(scale) / 2 * log_variance

    def row_errors(self, errors, input_scale):
        """Return the negative log densities of rows with given half squared errors."""
        variance = self._scaled_variance(input_scale).to(errors.dtype)
        return errors / variance + self._log_normaliser(input_scale).to(errors.dtype)

    def loss_and_gradient(self, loss, gradient, input_scale):
        """Convert a mean half squared error and its gradient, in place.

        The gradient of the learned variance is set.
        """
        variance = self._scaled_variance(input_scale)
        if self.bias is not None:
            slope = len(input_scale.scale) / 2 - loss / variance
            growth = PACE * (variance - MIN_VARIANCE) / variance
            self.bias.grad = slope * growth if self.bias.requires_grad else None
        variance = variance.to(loss.dtype)
        loss = loss / variance + self._log_normaliser(input_scale).to(loss.dtype)
        return loss.sum(), gradient.div_(variance)
