"""
==================================
Find anomalies with an autoencoder
==================================

An autoencoder that is trained on the digits 0 to 8 restores other images badly. So
`score_samples`, the negative reconstruction error, ranks anomalies. The reconstruction
error of PCA and the scores of an isolation forest do the same.
"""

# %%
# None of the models sees a 9 in training.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score

from sknets import DenoisingAutoencoderTransformer
from sknets.datasets import load_mnist_sample
from sknets.inspection import ReconstructionDisplay

X, y = load_mnist_sample(return_X_y=True)
X_test, y_test = load_mnist_sample(subset="test", return_X_y=True)
X = X[y < 9]
normal, nines = X_test[y_test < 9], X_test[y_test == 9]
anomalies = {"digits 9": nines, "inverted digits": 1 - normal}

pca = PCA(30, random_state=0).fit(X)
forest = IsolationForest(random_state=0).fit(X)
coder = DenoisingAutoencoderTransformer(
    10, hidden_layer_sizes=(256, 64), activation="relu", max_epochs=50, random_state=0
).fit(X)


def pca_scores(X):
    """Return the negative reconstruction errors."""
    restored = pca.inverse_transform(pca.transform(X))
    return -((restored - X) ** 2).sum(axis=1)


scores = {
    "IsolationForest": forest.score_samples,
    "PCA(30)": pca_scores,
    "autoencoder": coder.score_samples,
}

# %%
# The area under the ROC curve is the probability that an anomaly scores lower than a
# normal digit; guessing gives 0.5. Inverted images are easy for all models. A 9 has the
# same strokes as 4 and 7, and less ink than 0 or 8. So for PCA and the forest, it looks
# more normal than the digits of the training data. Only the deep autoencoder, with its
# narrow code layer, is better than guessing, and not by much.

print(f"{'ROC AUC':15}", *(f"{name:>15}" for name in anomalies))
for name, score in scores.items():
    areas = [
        roc_auc_score(
            np.repeat([1, 0], [len(normal), len(rows)]),
            np.concatenate([score(normal), score(rows)]),
        )
        for rows in anomalies.values()
    ]
    print(f"{name:15}", *(f"{area:15.3f}" for area in areas))

# %%
# The errors of the autoencoder. Those of nines overlap with those of other digits.

figure, ax = plt.subplots(figsize=(7, 3.4), layout="constrained")
groups = {"digits 0 to 8": normal, **anomalies}
bins = np.geomspace(0.5, 1000, 60)
for name, rows in groups.items():
    errors, weights = -coder.score_samples(rows), np.full(len(rows), 1 / len(rows))
    ax.hist(errors, bins, weights=weights, alpha=0.6, label=name)
ax.set(
    xscale="log",
    xlabel="Reconstruction error (sum over 784 pixels)",
    ylabel="Share of the digits",
)
ax.legend()
plt.show()

# %%
# Digits, with their reconstructions below them. The network draws strokes that it knows
# from 4, 7 and 8 into the nines.

# sphinx_gallery_thumbnail_number = 2
figure, axes = plt.subplots(2, 1, figsize=(9, 4.1), layout="constrained")
for ax, (name, rows) in zip(axes, list(groups.items())[:2], strict=True):
    ReconstructionDisplay.from_estimator(coder, rows[:10], ax=ax)
    ax.set_title(name)
plt.show()
