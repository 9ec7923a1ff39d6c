"""
===================================================
Features of an autoencoder and of PCA, size by size
===================================================

Both turn 784 pixels into a few features; a logistic regression and a support vector
machine then learn the digits from these. The autoencoder's hidden layer is not linear,
which is what a linear model behind it can use.
"""

# %%
# Features of both kinds, standardised again for the model that reads them.

import matplotlib.pyplot as plt
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sknets import DenoisingAutoencoderTransformer
from sknets.datasets import load_mnist_sample

X, y = load_mnist_sample(return_X_y=True)
X_test, y_test = load_mnist_sample(subset="test", return_X_y=True)
scaler = StandardScaler().fit(X)
X, X_test = scaler.transform(X), scaler.transform(X_test)

sizes = [10, 25, 50, 100]
readers = {
    "logistic regression": LogisticRegression(C=0.1, max_iter=2000),
    "SVM": SVC(),
}
accuracies = {}
for size in sizes:
    coders = {
        "autoencoder": DenoisingAutoencoderTransformer(size, random_state=0),
        "PCA": PCA(size, random_state=0),
    }
    for coder_name, coder in coders.items():
        features, features_test = coder.fit_transform(X), coder.transform(X_test)
        for reader_name, reader in readers.items():
            model = make_pipeline(StandardScaler(), reader).fit(features, y)
            accuracy = model.score(features_test, y_test)
            accuracies.setdefault((reader_name, coder_name), []).append(accuracy)

for (reader_name, coder_name), values in accuracies.items():
    row = "  ".join(f"{value:.3f}" for value in values)
    print(f"{reader_name:20} on {coder_name:12} {row}")

# %%
# Accuracy on 1,000 test digits against the number of features.

figure, axes = plt.subplots(
    1, 2, figsize=(8, 3.4), layout="constrained", sharey=True, sharex=True
)
for axis, reader_name in zip(axes, readers, strict=True):
    for coder_name, marker in (("autoencoder", "o"), ("PCA", "s")):
        values = accuracies[reader_name, coder_name]
        axis.plot(sizes, values, marker=marker, label=coder_name)
    axis.set(title=reader_name, xlabel="Features", xscale="log")
    axis.set_xticks(sizes, [str(size) for size in sizes])
    axis.minorticks_off()
    axis.grid(alpha=0.3)
axes[0].set_ylabel("Accuracy")
axes[1].legend()
plt.show()
