"""The denoising autoencoder."""

from itertools import pairwise

import torch
from torch import nn
from torch.nn.utils import skip_init

from sknets._networks.activations import ACTIVATIONS
from sknets._networks.base import DenseNetwork, Network, can_read_sparse
from sknets._networks.initialisation import xavier_uniform_
from sknets._networks.layers import ScaledSequential, TiedLinear


class Autoencoder(DenseNetwork):
    """A denoising autoencoder whose decoder mirrors its encoder.

    The layers work in a unit of X, see `set_unit`. Training takes place in that unit,
    so that the noise and each step of an optimizer mean the same for X in any unit.

    Parameters
    ----------
    n_features : int
    layer_sizes : sequence of int
        Sizes of the layers of the encoder. The last one is the size of the codes.
    activation, output_activation : keys of ACTIVATIONS
    tied_weights : bool
    corruption : Corruption
    penalty : ActivityPenalty or None
        Added to the training loss for active code units.
    returns_logits : bool
        Whether ``forward`` returns logits, without the output activation. The loss
        then includes that activation.
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
        returns_logits,
    ):
        super().__init__()
        self.n_components = layer_sizes[-1]
        self.corruption = corruption
        self.encoder = ScaledSequential()
        for n_inputs, n_units in pairwise([n_features, *layer_sizes]):
            self.encoder.append(skip_init(nn.Linear, n_inputs, n_units))
            self.encoder.append(ACTIVATIONS[activation]())
        self.decoder = ScaledSequential()
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
        self.returns_logits = returns_logits
        self.measure_layers()

    def reset_parameters(self, generator):
        """Draw Xavier uniform weights. Set biases and a linear output layer to zero."""
        layers = (*self.encoder[::2], *self.decoder[::2])
        for layer in layers:
            nn.init.zeros_(layer.bias)
            if isinstance(layer, nn.Linear):
                xavier_uniform_(layer.weight, generator)
        # With zero weights, a ReLU would have no gradient and never learn, and other
        # activations would learn slowly.
        starts_from_zero = self.returns_logits or isinstance(self.output, nn.Identity)
        if starts_from_zero and isinstance(layers[-1], nn.Linear):
            nn.init.zeros_(layers[-1].weight)

    def set_unit(self, unit):
        """Let the layers see X in a given unit, a power of two.

        A linear output is in the same unit. Other output activations have their own
        range.
        """
        self.encoder.divisor = self.encoder[0].weight.new_tensor(unit)
        if isinstance(self.output, nn.Identity):
            self.decoder.factor = self.encoder.divisor.clone()

    def layers(self):
        """Return the layers from input to output."""
        output = [] if self.returns_logits else [self.output]
        return [self.corruption, *self.encoder, *self.decoder, *output]

    def encoding_layers(self):
        """Return the layers from X to the codes, in evaluation."""
        return [self.encoder]

    def sparse_layer(self):
        """Return the first linear layer."""
        layer = self.encoder[0]
        return layer if can_read_sparse(self, layer) else None

    @property
    def trains_on_sparse(self):
        """Whether noise keeps batches sparse, and gradients need no autograd."""
        return self.corruption.keeps_zeros and not self._needs_autograd

    @property
    def _needs_autograd(self):
        return self.penalty is not None or isinstance(self.decoder[0], TiedLinear)

    def gradient_function(self, criterion):
        """Return the function that computes loss and gradients of a batch."""
        if self._needs_autograd:
            loss_and_gradient = Network.gradient_function(self, criterion)
        else:
            loss_and_gradient = super().gradient_function(criterion)
        if self.encoder.divisor is None:
            return loss_and_gradient
        return self._in_units(loss_and_gradient)

    def _in_units(self, loss_and_gradient):
        """Return a function for batches of X from one for batches in the unit."""
        divisor, factor = self.encoder.divisor, self.decoder.factor

        def loss_and_gradient_of_batch(X, y, weight=None):
            with torch.no_grad():
                scaled = X / divisor
                if factor is not None:
                    y = scaled if y is X else y / factor
            loss, outputs = loss_and_gradient(scaled, y, weight)
            if factor is None:
                return loss, outputs
            return loss * factor**2, outputs * factor

        return loss_and_gradient_of_batch

    def forward(self, X):
        divisor = self.encoder.divisor
        if self.training and divisor is not None:
            X = self.corruption(X / divisor) * divisor
        else:
            X = self.corruption(X)
        return self.emit(self.encoder(X))

    def training_outputs(self, X):
        """Return the outputs for a batch, and the penalty on its codes or None.

        X and the outputs are in the unit of the layers.
        """
        codes = self.encoder.forward_in_units(self.corruption(X))
        penalty = None if self.penalty is None else self.penalty(codes)
        outputs = self.decoder.forward_in_units(codes)
        return outputs if self.returns_logits else self.output(outputs), penalty

    def emit(self, codes):
        """Return the input of the loss: the reconstruction, or its logits."""
        return self.decoder(codes) if self.returns_logits else self.decode(codes)

    def decode(self, codes):
        """Return the reconstruction for given codes."""
        return self.output(self.decoder(codes))

    def reconstruct(self, X):
        """Return the reconstruction of X without corrupting X first."""
        return self.decode(self.encoder(X))
