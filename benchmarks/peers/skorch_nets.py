"""Plain skorch nets with the modules of the hand-written torch loop."""

import torch
from skorch import NeuralNetClassifier, NeuralNetRegressor
from torch import nn

from benchmarks.peers.torch_loop import BUILD, half_squared_error


class HalfSquaredError(nn.Module):
    """The cost of the autoencoder, as a module."""

    def forward(self, output, target):
        """Return the mean cost of the rows."""
        return half_squared_error(output, target)


def fit(name, recipe, X, y):
    """Train a system. Return a function that predicts."""
    torch.manual_seed(0)
    module, optimizer, options, _ = BUILD[name]()
    is_autoencoder = name == "autoencoder"
    net_type = NeuralNetRegressor if is_autoencoder else NeuralNetClassifier
    net = net_type(
        module,
        criterion=HalfSquaredError if is_autoencoder else nn.CrossEntropyLoss,
        optimizer=optimizer,
        lr=recipe.learning_rate,
        batch_size=recipe.batch_size,
        max_epochs=recipe.epochs(len(X)),
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
        **{f"optimizer__{key}": value for key, value in options.items()},
    )
    return net.fit(X, X if is_autoencoder else y).predict


FITS = {name: {"skorch": fit} for name in BUILD}
