"""
===================================
Few labels: when pre-training helps
===================================

An autoencoder learns from all 5,000 digits of the sample, without their labels. Then a
perceptron with the same hidden layer learns from a few labels. It starts from the
weights of the encoder, or from scratch.
"""

# %%
# Two autoencoders: one restores digits with half of their pixels masked, the other
# restores digits with little noise, the default.

import matplotlib.pyplot as plt
import numpy as np

from sknets import DenoisingAutoencoderTransformer, MLPDropoutClassifier
from sknets.datasets import load_mnist_sample

X, y = load_mnist_sample(return_X_y=True)
X_test, y_test = load_mnist_sample(subset="test", return_X_y=True)

starts = {
    "from scratch": None,
    "pre-trained, masking 0.5": DenoisingAutoencoderTransformer(
        300,
        activation="relu",
        noise="masking",
        noise_level=0.5,
        max_epochs=12,
        random_state=0,
    ).fit(X),
    "pre-trained, gaussian 0.1": DenoisingAutoencoderTransformer(
        300, activation="relu", max_epochs=12, random_state=0
    ).fit(X),
}

# %%
# The same perceptron is trained from each start, with 300 updates for any number of
# labels. The table shows means of 3 seeds. Each seed selects other rows.

sizes = [100, 300, 1000, 5000]
accuracies = np.zeros((len(starts), len(sizes), 3))
for seed in range(3):
    rows = np.random.default_rng(seed).permutation(len(X))
    for column, size in enumerate(sizes):
        chosen = rows[:size]
        for row, pretrained in enumerate(starts.values()):
            model = MLPDropoutClassifier(
                300,
                pretrained=pretrained,
                max_epochs=30_000 // size,
                random_state=seed,
            ).fit(X[chosen], y[chosen])
            accuracies[row, column, seed] = model.score(X_test, y_test)

print(f"{'labels':26}", *(f"{size:6}" for size in sizes))
for name, values in zip(starts, accuracies, strict=True):
    print(f"{name:26}", *(f"{value:6.3f}" for value in values.mean(axis=1)))

# %%
# With 100 to 300 labels, weights that were learned with masking noise improve the
# accuracy by two points or more, and with 1,000 by about one. With all 5,000 labels
# they do not help. With little noise, the autoencoder learns weights that only copy:
# from 300 labels on, the perceptron is better from scratch. The bars are the standard
# deviations over the seeds.

figure, axis = plt.subplots(figsize=(5.5, 3.5), layout="constrained")
for name, values, marker in zip(starts, accuracies, "so^", strict=True):
    axis.errorbar(
        sizes, values.mean(axis=1), values.std(axis=1), marker=marker, label=name
    )
axis.set(
    xscale="log", xlabel="Number of labels", ylabel="Accuracy on 1,000 test digits"
)
axis.set_xticks(sizes, [f"{size:,}" for size in sizes])
axis.minorticks_off()
axis.grid(alpha=0.3)
axis.legend()
plt.show()
