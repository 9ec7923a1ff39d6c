"""
===============================================
Convolution against a dense net: shifted digits
===============================================

A convolutional network looks for the same patterns everywhere, and its pooling ignores
small moves. The tutorial article on MNIST says that this makes it invariant to them.
Two networks learn digits in the middle of the image, and are tested on digits that were
moved.
"""

# %%
# The convolutional network trains for 2 epochs, to save time. All else is the default.

import matplotlib.pyplot as plt
import numpy as np

from sknets import ConvNetClassifier, MLPDropoutClassifier
from sknets.datasets import load_mnist_sample

X, y = load_mnist_sample(return_X_y=True)
X_test, y_test = load_mnist_sample(subset="test", return_X_y=True)


def shift(X, pixels):
    """Move all digits to the right. The margin of MNIST is empty."""
    images = np.roll(X.reshape(-1, 28, 28), pixels, axis=2)
    return images.reshape(len(X), -1)


models = {
    "dense": MLPDropoutClassifier(random_state=0).fit(X, y),
    "convolutional": ConvNetClassifier(max_epochs=2, random_state=0).fit(X, y),
}
shifts = range(5)
accuracies = {
    name: [model.score(shift(X_test, pixels), y_test) for pixels in shifts]
    for name, model in models.items()
}
print(f"{'pixels':14}", *(f"{pixels:5}" for pixels in shifts))
for name, values in accuracies.items():
    print(f"{name:14}", *(f"{value:.3f}" for value in values))

# %%
# On digits in the middle, the two are about as good as each other. On moved digits,
# both lose accuracy, but the convolutional network loses less. It is not invariant:
# its dense layer has weights for each place.

figure, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
for name, values in accuracies.items():
    ax.plot(shifts, values, marker="o", label=name)
ax.set(xlabel="Shift to the right (pixels)", ylabel="Accuracy on 1,000 test digits")
ax.set_xticks(shifts)
ax.grid(alpha=0.3)
ax.legend()
plt.show()
