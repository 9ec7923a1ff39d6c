"""The recipes of the four systems of the tutorial article, for all peers."""

from dataclasses import dataclass

import numpy as np
from sklearn.preprocessing import StandardScaler

from sknets import (
    ConvNetClassifier,
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
    SoftmaxClassifier,
)
from sknets.datasets import fetch_mnist, load_mnist_sample

N_HIDDEN = 300
DROPOUT = 0.25
N_COMPONENTS = 200
NOISE_LEVEL = 0.01


@dataclass(frozen=True)
class Recipe:
    """How a system of the article is trained: a constant rate, no weight decay."""

    estimator: type
    learning_rate: float
    batch_size: int
    n_updates: int | None
    n_epochs: int | None = None

    def epochs(self, n_samples):
        """Return the number of epochs that comes closest to the number of updates."""
        if self.n_epochs is not None:
            return self.n_epochs
        return max(round(self.n_updates * self.batch_size / n_samples), 1)

    def build(self, n_samples):
        """Return the estimator of this package for the recipe."""
        model = self.estimator(
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            max_epochs=self.epochs(n_samples),
            lr_schedule="constant",
            weight_decay=0.0,
            random_state=0,
        )
        if "standardize" in model.get_params():
            model.set_params(standardize=False)  # no peer looks at the scale of X
        if "noise_level" in model.get_params():
            model.set_params(noise_level=NOISE_LEVEL)
        return model


RECIPES = {
    "softmax": Recipe(SoftmaxClassifier, 0.5, 100, 1000),
    "mlp": Recipe(MLPDropoutClassifier, 0.3, 100, 3000),
    "autoencoder": Recipe(DenoisingAutoencoderTransformer, 1e-3, 128, None, 20),
    # Half of the article's 2,000 updates, because all updates take the same time.
    "convnet": Recipe(ConvNetClassifier, 1e-4, 50, 1000),
}


def load(data):
    """Return, for each system, X_train, y_train, X_test, y_test as NumPy arrays."""
    loader = {"sample": load_mnist_sample, "mnist": fetch_mnist}[data]
    X, y = loader(subset="train", return_X_y=True)
    X_test, y_test = loader(subset="test", return_X_y=True)
    raw = X.astype(np.float32), y, X_test.astype(np.float32), y_test
    scaler = StandardScaler().fit(raw[0])
    scaled = scaler.transform(raw[0]), y, scaler.transform(raw[2]), y_test
    return {name: scaled if name == "autoencoder" else raw for name in RECIPES}
