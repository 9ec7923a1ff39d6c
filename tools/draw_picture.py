"""Draw the picture of the README: `python tools/draw_picture.py docs/picture.png`.

It needs about 20 seconds.
"""

import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

from sknets import (
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
    SoftmaxClassifier,
)
from sknets.datasets import load_mnist_sample
from sknets.inspection import (
    FilterDisplay,
    LossCurveDisplay,
    ReconstructionDisplay,
)

NOISE = 0.3


def main(path):
    """Train three networks on the shipped digits, and draw what they learned."""
    X, y = load_mnist_sample(return_X_y=True)
    X_test, y_test = load_mnist_sample(subset="test", return_X_y=True)
    first = [np.flatnonzero(y_test == digit)[0] for digit in range(10)]
    digits = X_test[first]
    noise = np.random.default_rng(0).random(digits.shape) < NOISE
    corrupted = np.where(noise, 0, digits).astype(digits.dtype)

    coder = DenoisingAutoencoderTransformer(
        noise="masking", noise_level=NOISE, random_state=0
    ).fit(X)
    softmax = SoftmaxClassifier(random_state=0).fit(X, y)
    mlp = MLPDropoutClassifier(max_epochs=20, random_state=0)
    mlp.fit(X, y, X_val=X_test, y_val=y_test)

    figure, axes = plt.subplots(
        1, 3, figsize=(11, 2.6), width_ratios=[5, 3.4, 3.4], layout="constrained"
    )
    ReconstructionDisplay.from_estimator(coder, digits, corrupted=corrupted, ax=axes[0])
    axes[0].set_title("DenoisingAutoencoderTransformer")
    FilterDisplay.from_estimator(softmax, ax=axes[1])
    axes[1].set_title("SoftmaxClassifier: weights", pad=16)
    LossCurveDisplay.from_curves(
        mlp.loss_curve_, validation_loss_curve=mlp.validation_loss_curve_, ax=axes[2]
    )
    axes[2].set_title("MLPDropoutClassifier")
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    mpl.use("agg")
    main(sys.argv[1])
