"""
=========================================
How much noise helps an autoencoder learn
=========================================

A denoising autoencoder gets digits with noise, and learns to restore the clean digits.
The level of the noise decides what it learns. Here six copies of one autoencoder learn
with more and more noise. Then each restores digits with little noise and with much.
"""

# %%
# `noise_level` is in units of the scale of X. For these pixels in [0, 1] the scale is
# 0.25. So noise of level 4 has the standard deviation 1, the range of a pixel.

import matplotlib.pyplot as plt
import numpy as np

from sknets import DenoisingAutoencoderTransformer
from sknets.datasets import load_mnist_sample
from sknets.inspection import FilterDisplay, ReconstructionDisplay

SCALE = 0.25

X = load_mnist_sample(return_X_y=True)[0]
X_test = load_mnist_sample(subset="test", return_X_y=True)[0]

levels = [0, 0.1, 0.5, 1, 2, 4]
coders = {
    level: DenoisingAutoencoderTransformer(
        100, noise_level=level, max_epochs=12, random_state=0
    ).fit(X)
    for level in levels
}

# %%
# The table shows the squared error of a restored digit against the clean one. It is a
# mean over 1,000 test digits. A row is one autoencoder.

noise = SCALE * np.random.default_rng(0).normal(size=X_test.shape).astype(X.dtype)
test_levels = [0, 0.5, 1, 2, 4]
noisy = {level: X_test + level * noise for level in test_levels}

print("noise in   noise in the test")
print("training ", *(f"{level:6}" for level in test_levels))
errors = {}
for level, coder in coders.items():
    restored = {test: coder.reconstruct(rows) for test, rows in noisy.items()}
    errors[level] = [
        ((rows - X_test) ** 2).sum(axis=1).mean() for rows in restored.values()
    ]
    print(f"{level:8} ", *(f"{error:6.1f}" for error in errors[level]))

# %%
# In each column, the lowest error is that of the autoencoder that learned with the same
# level of noise. Training with much noise has a price: clean digits are restored worse.
# So choose the noise that your data will have. Some noise costs nothing: levels of 0.1
# and 0.5 lower the error on noisy digits, and hardly change it on clean ones.
#
# The pictures show what a unit adds to a restored digit. With little noise, these are
# fine patterns that fit every detail, noise included. With much noise, they are parts
# of strokes and whole digits.

shown = [0, 1, 4]
figure, axes = plt.subplots(1, 3, figsize=(10, 3.1), layout="constrained")
for ax, level in zip(axes, shown, strict=True):
    FilterDisplay.from_estimator(coders[level], max_filters=25, ax=ax)
    ax.set_title(f"noise_level={level}")
plt.show()

# %%
# Ten digits with noise of level 2, restored by the autoencoders that learned with noise
# of level 0 and of level 2.

figure, axes = plt.subplots(2, 1, figsize=(9, 5.6), layout="constrained")
for ax, level in zip(axes, (0, 2), strict=True):
    ReconstructionDisplay.from_estimator(
        coders[level], X_test[:10], corrupted=noisy[2][:10], ax=ax
    )
    ax.set_title(f"learned with noise_level={level}")
plt.show()
