"""
============================================
Networks in pipelines, and what scaling does
============================================

The estimators work in a :class:`~sklearn.pipeline.Pipeline` like those of scikit-learn.
A pipeline often begins with a scaler. For pixels, is that a good idea? Here each
network learns the same digits twice: as they are, and after a StandardScaler.
"""

# %%
# The pixels are in [0, 1], and most of them are zero. The networks leave such data as
# they are, and scale other data themselves: their parameter `standardize` is "auto".
# The convolutional network is small, so that the example runs quickly.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknets import (
    ConvNetClassifier,
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
    SoftmaxClassifier,
)
from sknets.datasets import load_mnist_sample

X, y = load_mnist_sample(return_X_y=True)
X_test, y_test = load_mnist_sample(subset="test", return_X_y=True)

# %%
# Three networks are classifiers. The autoencoder is a transformer: a logistic
# regression learns from its features.

models = {
    "softmax regression": SoftmaxClassifier(random_state=0),
    "perceptron": MLPDropoutClassifier(random_state=0),
    "convolutional network": ConvNetClassifier(
        (8, 16), hidden_layer_sizes=64, max_epochs=6, random_state=0
    ),
    "autoencoder + logistic": make_pipeline(
        DenoisingAutoencoderTransformer(
            noise="masking", noise_level=0.5, max_epochs=15, random_state=0
        ),
        StandardScaler(),
        LogisticRegression(C=0.01, max_iter=1000),
    ),
}
accuracies = {}
for name, model in models.items():
    scaled = make_pipeline(StandardScaler(), model)
    accuracies[name] = [
        candidate.fit(X, y).score(X_test, y_test) for candidate in (model, scaled)
    ]

print(f"{'accuracy':23}  as they are  standardised")
for name, (plain, scaled) in accuracies.items():
    print(f"{name:23}  {plain:11.3f}  {scaled:12.3f}")

# %%
# All networks are better on the pixels as they are. Standardisation divides each pixel
# by its own deviation. So pixels at the border, which rarely have ink, become as
# important as those in the middle, and a few of their values become very large. The
# convolutional network suffers least.
#
# A StandardScaler is right for tables whose columns have different units. Without it,
# the networks standardise such tables themselves.

figure, ax = plt.subplots(figsize=(7, 3.8), layout="constrained")
places = np.arange(len(models))
for values, offset, label in zip(
    zip(*accuracies.values(), strict=True),
    (-0.2, 0.2),
    ("pixels as they are", "after StandardScaler"),
    strict=True,
):
    bars = ax.barh(places + offset, values, 0.38, label=label)
    ax.bar_label(bars, fmt="%.3f", padding=3)
ax.set_yticks(places, models)
ax.set(xlim=(0.8, 1), xlabel="Accuracy on 1,000 test digits")
ax.invert_yaxis()
ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)
plt.show()
