"""The multilayer perceptron with dropout."""

from torch import nn
from torch.nn.utils import skip_init

from sknets._networks.activations import ACTIVATIONS
from sknets._networks.base import DenseNetwork, can_read_sparse
from sknets._networks.initialisation import deep_normal_, truncated_normal_
from sknets._networks.layers import Dropout, InputScale


class Perceptron(DenseNetwork):
    """A multilayer perceptron with dropout; without hidden layers, softmax regression.

    Parameters
    ----------
    n_features : int
    hidden_layer_sizes : sequence of int
    n_outputs : int
    activation : key of ACTIVATIONS
    dropout : float in [0, 1)
    """

    trains_on_sparse = True

    def __init__(self, n_features, hidden_layer_sizes, n_outputs, activation, dropout):
        super().__init__()
        self.hidden = nn.Sequential()
        n_inputs = n_features
        for size in hidden_layer_sizes:
            self.hidden.append(skip_init(nn.Linear, n_inputs, size))
            self.hidden.append(ACTIVATIONS[activation]())
            self.hidden.append(Dropout(dropout))
            n_inputs = size
        self.output = skip_init(nn.Linear, n_inputs, n_outputs)
        self.input_scale = InputScale(self.hidden[0] if self.hidden else self.output)
        self.measure_layers()

    def reset_parameters(self, generator):
        """Draw truncated normal hidden weights. Set all other parameters to zero."""
        hidden = [layer for layer in self.hidden if isinstance(layer, nn.Linear)]
        for layer in hidden:
            if len(hidden) == 1:
                truncated_normal_(layer.weight, generator)
            else:
                deep_normal_(layer.weight, generator)
            nn.init.zeros_(layer.bias)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def layers(self):
        """Return the layers from input to output."""
        return [self.input_scale, *self.hidden, self.output]

    def sparse_layer(self):
        """Return the first linear layer, if X is not shifted; else None."""
        (layer,) = self.input_scale.next_layer
        is_shifted = self.input_scale.shift is not None
        return None if is_shifted or not can_read_sparse(self, layer) else layer

    def forward(self, X):
        return self.output(self.hidden(self.input_scale(X)))
