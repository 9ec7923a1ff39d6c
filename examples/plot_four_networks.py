"""
========================================
The four networks of the article at work
========================================

Softmax regression, a perceptron with dropout, a convolutional network and a denoising
autoencoder learn 5,000 digits of MNIST. The displays show what they learned.
"""

# %%
# Pixels are in [0, 1]. Parameters are the defaults, but the convolutional network only
# trains for 3 epochs, to save time.

import matplotlib.pyplot as plt
import numpy as np

from sknets import (
    ConvNetClassifier,
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
    SoftmaxClassifier,
)
from sknets.datasets import load_mnist_sample
from sknets.inspection import FilterDisplay, LossCurveDisplay, ReconstructionDisplay

X, y = load_mnist_sample(return_X_y=True)
X_test, y_test = load_mnist_sample(subset="test", return_X_y=True)

softmax = SoftmaxClassifier(random_state=0).fit(X, y)
perceptron = MLPDropoutClassifier(random_state=0).fit(X, y, X_val=X_test, y_val=y_test)
convnet = ConvNetClassifier(max_epochs=3, random_state=0).fit(X, y)
for model in (softmax, perceptron, convnet):
    print(f"{type(model).__name__:21} {model.score(X_test, y_test):.3f}")

# %%
# A hidden layer increases the accuracy by far. After three epochs, the convolutional
# network is as good as the perceptron. With its full budget of epochs it is better:
# `reproduce_article.py`, beside this example, compares all four networks with the
# figures of the article.
#
# Softmax regression has one weight for each pixel and class. Red pixels speak for the
# class, blue ones against it.

FilterDisplay.from_estimator(softmax)
plt.show()

# %%
# The loss of the perceptron on the test digits falls in the first ten epochs, and then
# stays where it is. The loss on the training digits goes on to fall.

LossCurveDisplay.from_estimator(perceptron)
plt.show()

# %%
# The kernels of the first convolution are 5 x 5 pixels large.

FilterDisplay.from_estimator(convnet)
plt.show()

# %%
# The autoencoder restores digits of which half of the pixels were masked. It was
# trained with such masks, for 20 epochs.

# sphinx_gallery_thumbnail_number = 4

coder = DenoisingAutoencoderTransformer(
    noise="masking", noise_level=0.5, max_epochs=20, random_state=0
).fit(X)
digits = X_test[:10]
is_masked = np.random.default_rng(0).random(digits.shape) < 0.5
masked = np.where(is_masked, 0, digits)
ReconstructionDisplay.from_estimator(coder, digits, corrupted=masked)
plt.show()
