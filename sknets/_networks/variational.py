"""The variational autoencoder: its module, and the bound that it maximises."""

import math
from itertools import pairwise

import torch
from torch import nn
from torch.nn.utils import skip_init

from sknets._networks.activations import ACTIVATIONS
from sknets._networks.base import DenseNetwork, can_read_sparse
from sknets._networks.chain_rule import Stack
from sknets._networks.densities import Posterior, normal_divergence
from sknets._networks.initialisation import xavier_uniform_
from sknets._networks.layers import InputScale
from sknets._networks.row_noise import RowNoise


class VariationalAutoencoder(DenseNetwork):
    """A variational autoencoder whose decoder mirrors its encoder.

    The encoder maps a row to the mean and the spread of a diagonal normal posterior of
    its code. The prior of the codes is standard normal. The decoder maps a code to the
    distribution of rows.

    Parameters
    ----------
    n_features : int
    layer_sizes : sequence of int
        Sizes of the hidden layers of the encoder, and the number of units of the code.
    activation : key of ACTIVATIONS
    beta : float
        Weight of the divergence in the loss.
    n_draws : int
        Number of draws from the posterior for each row, in training and validation.
    noise : OutputNoise or None
        Noise of the rows around the outputs. None if the outputs are logits.

    References
    ----------
    D. P. Kingma and M. Welling, "Auto-Encoding Variational Bayes", ICLR, 2014.
    """

    trains_on_sparse = True

    def __init__(self, n_features, layer_sizes, *, activation, beta, n_draws, noise):
        super().__init__()
        *hidden, self.n_components = layer_sizes
        self.beta = beta
        self.n_draws = n_draws
        self.returns_logits = noise is None
        encoder_sizes = [n_features, *hidden, 2 * self.n_components]
        self.encoder = dense_layers(encoder_sizes, activation)
        self.decoder = dense_layers([*layer_sizes[::-1], n_features], activation)
        self.input_scale = InputScale(self.encoder[0])
        self.noise = noise
        self.posterior = Posterior()
        self.row_noise = RowNoise(n_features)
        self.measure_layers()

    def reset_parameters(self, generator):
        """Draw Xavier uniform weights. Set all biases to zero.

        Weights of the last layer of the encoder are ten times smaller. So the first
        means are near zero, and the decoder first learns from the prior. On MNIST, this
        gains half a nat in ten epochs.
        """
        for layer in (*self.encoder[::2], *self.decoder[::2]):
            gain = 0.1 if layer is self.encoder[-1] else 1.0
            xavier_uniform_(layer.weight, generator, gain)
            nn.init.zeros_(layer.bias)
        if self.noise is not None:
            self.noise.reset_parameters()
        self.row_noise.reset_keys(generator)

    def layers(self):
        """Return the layers from input to output."""
        return [self.input_scale, *self.encoder, *self.decoder]

    def encoding_layers(self):
        """Return the layers from X to the posterior means."""
        *layers, last = self.encoder
        means = skip_init(nn.Linear, last.in_features, self.n_components)
        means.weight.data = last.weight.detach()[: self.n_components]
        means.bias.data = last.bias.detach()[: self.n_components]
        return [self.input_scale, *layers, means]

    def sparse_layer(self):
        """Return the first linear layer, if X is not shifted; else None."""
        layer = self.encoder[0]
        is_shifted = self.input_scale.shift is not None
        return None if is_shifted or not can_read_sparse(self, layer) else layer

    def gradient_function(self, criterion):
        """Return the function that computes loss and gradients of a batch."""
        return BoundGradient(self, criterion)

    # -- encode and decode -----------------------------------------------------------

    def forward(self, X):
        """Return the outputs for the mean code: the reconstruction or its logits."""
        return self.emit(self.encode(X))

    def encode(self, X):
        """Return the posterior means."""
        return self.posterior(self.encoder(self.input_scale(X)))[0]

    def encode_with_deviations(self, X):
        """Return the posterior means and deviations, side by side."""
        mean, log_variance = self.posterior(self.encoder(self.input_scale(X)))
        return torch.cat([mean, torch.exp(log_variance / 2)], dim=1)

    def emit(self, codes):
        """Return logits for given codes, or means in the units of X."""
        return self.input_scale.undo(self.decoder(codes))

    def decode(self, codes):
        """Return the means of the rows for given codes."""
        outputs = self.emit(codes)
        return outputs.sigmoid() if self.returns_logits else outputs

    def reconstruct(self, X):
        """Return the means of the rows for the posterior means of X."""
        return self.decode(self.encode(X))

    # -- the bound -------------------------------------------------------------------

    def mean_loss(self, criterion, X, y, weight=None):
        """Return the negative bound, with the divergence times `beta`, of rows."""
        return self.row_losses(criterion, X, y).mean()

    def row_losses(self, criterion, X, y):
        """Return the negative bound, with the divergence times `beta`, of each row."""
        mean, log_variance = self.posterior(self.encoder(self.input_scale(X)))
        errors = self._row_errors(criterion, y, mean, log_variance, self.n_draws)
        return errors + self.beta * normal_divergence(mean, log_variance)

    def bound(self, X, criterion, n_draws):
        """Return the evidence lower bound of each row."""
        mean, log_variance = self.posterior(self.encoder(self.input_scale(X)))
        errors = self._row_errors(criterion, X, mean, log_variance, n_draws)
        return -errors - normal_divergence(mean, log_variance)

    def _row_errors(self, criterion, X, mean, log_variance, n_draws):
        """Return the negative log density of each row, averaged over the draws."""
        draws = self._draws(criterion, X, mean, log_variance, n_draws)
        return sum(errors for errors, _, _ in draws) / n_draws

    def log_likelihood(self, X, criterion, n_draws):
        """Return the importance-weighted estimate of each row's log density.

        References
        ----------
        Y. Burda, R. Grosse and R. Salakhutdinov, "Importance Weighted Autoencoders",
        ICLR, 2016.
        """
        mean, log_variance = self.posterior(self.encoder(self.input_scale(X)))
        total = torch.full_like(mean[:, 0], -math.inf)
        for errors, codes, noise in self._draws(
            criterion, X, mean, log_variance, n_draws
        ):
            # The constants of the two normal densities cancel.
            log_ratios = (noise.square() - codes.square() + log_variance).sum(1) / 2
            total = torch.logaddexp(total, log_ratios - errors)
        return total - math.log(n_draws)

    def _draws(self, criterion, X, mean, log_variance, n_draws):
        """Yield errors, codes and noise of one draw for each row, `n_draws` times."""
        target = self.input_scale(X)
        deviation = torch.exp(log_variance / 2)
        for noise in self.row_noise(X, n_draws, self.n_components):
            noise = noise.to(mean)
            codes = torch.addcmul(mean, deviation, noise)
            errors = criterion.row_losses(self.decoder(codes), target)
            if self.noise is not None:
                errors = self.noise.row_errors(errors, self.input_scale)
            yield errors, codes, noise


def dense_layers(sizes, activation):
    """Return linear layers of given sizes with activations between them."""
    layers = nn.Sequential()
    for n_inputs, n_units in pairwise(sizes):
        if len(layers):
            layers.append(ACTIVATIONS[activation]())
        layers.append(skip_init(nn.Linear, n_inputs, n_units))
    return layers


class BoundGradient:
    """The function that computes loss and gradients of a batch, without autograd.

    The loss is the negative bound, with the divergence times `beta`. Its gradient is
    the reparameterised one: codes are ``mean + deviation * noise``, and the noise does
    not depend on the weights.

    Parameters
    ----------
    network : VariationalAutoencoder
    criterion : ReconstructionLoss

    Attributes
    ----------
    totals : dict
        See `Network.gradient_function`.
    """

    def __init__(self, network, criterion):
        self.network = network
        self.criterion = criterion
        self.encoder = Stack(network.encoder)
        self.decoder = Stack(network.decoder, passes_gradient=True)
        self.totals = {"divergence": network.encoder[0].weight.new_zeros(())}

    @torch.no_grad()
    def __call__(self, X, y, weight=None):
        """Set the gradients for a batch. Return the loss and the outputs."""
        network, n_draws = self.network, self.network.n_draws
        scaled = network.input_scale(X)
        mean, spread = self.encoder.forward(scaled).chunk(2, dim=1)
        variance = spread.sigmoid()
        deviation = variance.sqrt()
        noise = network.posterior.draw_noise(mean, n_draws)
        codes = torch.addcmul(mean, deviation, noise).flatten(0, 1)
        outputs = self.decoder.forward(codes)
        target = scaled if y is X else network.input_scale(y)
        if n_draws > 1:
            target = target.repeat(n_draws, 1)
        loss, gradient = self.criterion.loss_and_gradient(outputs, target)
        if network.noise is not None:
            loss, gradient = network.noise.loss_and_gradient(
                loss, gradient, network.input_scale
            )
        gradient = self.decoder.backward(gradient).view_as(noise)
        log_variance = nn.functional.logsigmoid(spread)
        divergence = normal_divergence(mean, log_variance).sum()
        share = network.beta / len(X)
        mean_gradient = gradient.sum(0).add_(mean, alpha=share)
        spread_gradient = (gradient * noise).sum(0).mul_(deviation)
        spread_gradient.sub_(1 - variance, alpha=share).mul_((1 - variance) / 2)
        self.encoder.backward(torch.cat([mean_gradient, spread_gradient], dim=1))
        self.totals["divergence"].add_(divergence)
        return loss + share * divergence, network.input_scale.undo(outputs[: len(X)])
