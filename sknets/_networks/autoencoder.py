"""The denoising autoencoder."""

from itertools import pairwise

from torch import nn
from torch.nn.utils import skip_init

from sknets._networks.activations import ACTIVATIONS
from sknets._networks.base import DenseNetwork, Network
from sknets._networks.layers import TiedLinear


class Autoencoder(DenseNetwork):
    """A denoising autoencoder whose decoder mirrors its encoder.

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
        self.returns_logits = returns_logits
        self.measure_layers()

    def reset_parameters(self, generator):
        """Draw Xavier uniform weights. Set biases and a linear output layer to zero."""
        layers = (*self.encoder[::2], *self.decoder[::2])
        for layer in layers:
            nn.init.zeros_(layer.bias)
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight, generator=generator)
        # With zero weights, a ReLU would have no gradient and never learn, and other
        # activations would learn slowly.
        starts_from_zero = self.returns_logits or isinstance(self.output, nn.Identity)
        if starts_from_zero and isinstance(layers[-1], nn.Linear):
            nn.init.zeros_(layers[-1].weight)

    def layers(self):
        """Return the layers from input to output."""
        output = [] if self.returns_logits else [self.output]
        return [self.corruption, *self.encoder, *self.decoder, *output]

    def gradient_function(self, criterion):
        """Return the function that computes loss and gradients of a batch."""
        if self.penalty is None and not isinstance(self.decoder[0], TiedLinear):
            return super().gradient_function(criterion)
        return Network.gradient_function(self, criterion)

    def forward(self, X):
        return self.emit(self.encoder(self.corruption(X)))

    def training_outputs(self, X):
        """Return the outputs for a batch, and the penalty on its codes or None."""
        codes = self.encoder(self.corruption(X))
        penalty = None if self.penalty is None else self.penalty(codes)
        return self.emit(codes), penalty

    def emit(self, codes):
        """Return the input of the loss: the reconstruction, or its logits."""
        return self.decoder(codes) if self.returns_logits else self.decode(codes)

    def decode(self, codes):
        """Return the reconstruction for given codes."""
        return self.output(self.decoder(codes))

    def reconstruct(self, X):
        """Return the reconstruction of X without corrupting X first."""
        return self.decode(self.encoder(X))
