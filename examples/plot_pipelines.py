"""
====================================
Each network behind a StandardScaler
====================================

The estimators work in a :class:`~sklearn.pipeline.Pipeline` like those of scikit-learn.
Here, the three classifiers learn a sample of MNIST digits. A logistic regression learns
the same digits from the features of the autoencoder.
"""

# %%
# The data are original MNIST digits that ship with the package.

import matplotlib.pyplot as plt
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
# Each network has one pipeline. The convolutional net is small, so that the example
# runs quickly.

pipelines = {
    "softmax": make_pipeline(StandardScaler(), SoftmaxClassifier(random_state=0)),
    "MLP": make_pipeline(StandardScaler(), MLPDropoutClassifier(random_state=0)),
    "ConvNet": make_pipeline(
        StandardScaler(),
        ConvNetClassifier((16, 32), hidden_layer_sizes=128, random_state=0),
    ),
    "autoencoder\n+ logistic": make_pipeline(
        StandardScaler(),
        DenoisingAutoencoderTransformer(
            noise="masking", noise_level=0.5, random_state=0
        ),
        StandardScaler(),
        LogisticRegression(C=0.01, max_iter=1000),
    ),
}
accuracies = {
    name: pipeline.fit(X, y).score(X_test, y_test)
    for name, pipeline in pipelines.items()
}
for name, accuracy in accuracies.items():
    print(f"{' '.join(name.split()):24} {accuracy:.3f}")

# %%
# A hidden layer increases the accuracy, and convolutions increase it further.

figure, axis = plt.subplots(figsize=(6, 3.2), layout="constrained")
bars = axis.barh(list(accuracies), list(accuracies.values()))
axis.bar_label(bars, fmt="%.3f", padding=3)
axis.set(xlim=(0.85, 1), xlabel="Accuracy on 1,000 test digits")
axis.invert_yaxis()
plt.show()
