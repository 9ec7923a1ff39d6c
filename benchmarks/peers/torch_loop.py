"""A good hand-written training loop: tensors in memory, modules of torch."""

import torch
from torch import nn

from benchmarks.recipes import DROPOUT, N_COMPONENTS, N_HIDDEN, NOISE_LEVEL


class Autoencoder(nn.Module):
    """Gaussian noise, one hidden layer of softplus units, linear output."""

    def __init__(self, n_features=784):
        super().__init__()
        self.encoder = nn.Linear(n_features, N_COMPONENTS)
        self.decoder = nn.Linear(N_COMPONENTS, n_features)
        nn.init.xavier_uniform_(self.encoder.weight)
        nn.init.zeros_(self.decoder.weight)

    def forward(self, X):
        """Return the reconstruction of X. In training, noise is added to X first."""
        if self.training:
            X = X + NOISE_LEVEL * torch.randn_like(X)
        return self.decoder(nn.functional.softplus(self.encoder(X)))


def half_squared_error(output, target):
    """Return the cost of the article, as the mean of the rows."""
    return 0.5 * (output - target).square().sum() / len(target)


def initialise(module, bias=0.0):
    """Draw truncated normal weights, as in the article. Set all biases to `bias`."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            nn.init.trunc_normal_(layer.weight, std=0.1, a=-0.2, b=0.2)
            nn.init.constant_(layer.bias, bias)
    return module


def build_softmax():
    """Return the module, the optimizer class, its options, and the loss."""
    module = nn.Linear(784, 10)
    nn.init.zeros_(module.weight)
    nn.init.zeros_(module.bias)
    return module, torch.optim.SGD, {}, nn.functional.cross_entropy


def build_mlp():
    """Return the module, the optimizer class, its options, and the loss."""
    module = nn.Sequential(
        nn.Linear(784, N_HIDDEN),
        nn.ReLU(),
        nn.Dropout(DROPOUT),
        nn.Linear(N_HIDDEN, 10),
    )
    initialise(module)
    nn.init.zeros_(module[-1].weight)
    options = {"initial_accumulator_value": 0.1}
    return module, torch.optim.Adagrad, options, nn.functional.cross_entropy


def build_convnet():
    """Return the module, the optimizer class, its options, and the loss."""
    module = nn.Sequential(
        nn.Unflatten(1, (1, 28, 28)),
        nn.Conv2d(1, 32, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(7 * 7 * 64, 1024),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(1024, 10),
    )
    return initialise(module, 0.1), torch.optim.Adam, {}, nn.functional.cross_entropy


def build_autoencoder():
    """Return the module, the optimizer class, its options, and the loss."""
    return Autoencoder(), torch.optim.Adam, {}, half_squared_error


BUILD = {
    "softmax": build_softmax,
    "mlp": build_mlp,
    "autoencoder": build_autoencoder,
    "convnet": build_convnet,
}


def fit(name, recipe, X, y):
    """Train a system. Return a function that predicts."""
    torch.manual_seed(0)
    module, optimizer, options, loss_function = BUILD[name]()
    optimizer = optimizer(module.parameters(), lr=recipe.learning_rate, **options)
    X = torch.from_numpy(X)
    target = X if name == "autoencoder" else torch.from_numpy(y)
    module.train()
    for _ in range(recipe.epochs(len(X))):
        for rows in torch.randperm(len(X)).split(recipe.batch_size):
            loss = loss_function(module(X[rows]), target[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    module.eval()

    def predict(X):
        with torch.inference_mode():
            output = module(torch.from_numpy(X))
        return (output if name == "autoencoder" else output.argmax(1)).numpy()

    return predict


FITS = {name: {"hand-written torch loop": fit} for name in BUILD}
