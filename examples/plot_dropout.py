"""
=================
What dropout does
=================

A perceptron that sees few digits soon knows all of them by heart. Dropout switches off
random hidden units in each step of training, so no unit can rely on the others. Here
the same network learns 1,000 digits with and without dropout.
"""

# %%
# `fit` gets the test digits as validation data, only to record their loss. They have no
# influence on the weights. The penalty on weights is off, so that dropout acts alone.
# Each network is trained on three random sets of 1,000 digits.

import matplotlib.pyplot as plt
import numpy as np

from sknets import MLPDropoutClassifier
from sknets.datasets import load_mnist_sample
from sknets.inspection import LossCurveDisplay

X, y = load_mnist_sample(return_X_y=True)
X_test, y_test = load_mnist_sample(subset="test", return_X_y=True)


def train(dropout, seed):
    """Return a perceptron that was trained on 1,000 random digits."""
    rows = np.random.default_rng(seed).permutation(len(X))[:1000]
    model = MLPDropoutClassifier(
        300, dropout=dropout, weight_decay=0.0, max_epochs=60, random_state=seed
    )
    return model.fit(X[rows], y[rows], X_val=X_test, y_val=y_test)


models = {
    dropout: [train(dropout, seed) for seed in range(3)]
    for dropout in (0.0, 0.25, 0.5, 0.75)
}

# %%
# The curves of one set of digits. Without dropout, the training loss falls to zero, and
# the test loss rises again after a few epochs. With dropout the test loss is lower, but
# it rises as well.
#
# Two details need care. The training loss with dropout is measured while units are
# dropped, so it is higher than the loss of the finished network on the same digits. And
# a rising test loss does not mean more errors: the probabilities of the wrong answers
# become more extreme.

figure, ax = plt.subplots(figsize=(6.5, 4), layout="constrained")
for dropout in (0.0, 0.5):
    name = f"dropout {dropout}" if dropout else "no dropout"
    LossCurveDisplay.from_estimator(models[dropout][0], name=name, ax=ax)
ax.set(ylabel="Cross-entropy (nats)", ylim=(0, 0.8))
ax.legend([line.get_label().replace("validation", "test") for line in ax.get_lines()])
ax.grid(alpha=0.3)
plt.show()

# %%
# The lowest test loss is the one that early stopping would find, if it had the test
# digits. Dropout of one half lowers the loss by a tenth. It adds less than one point of
# accuracy, about as much as the accuracy varies between sets of digits. And training
# with much dropout takes longer to reach its lowest loss.

print("         accuracy on       test loss")
print("dropout  1,000 test digits  at the end  lowest  in epoch")
for dropout, runs in models.items():
    accuracies = [model.score(X_test, y_test) for model in runs]
    curves = np.array([model.validation_loss_curve_ for model in runs])
    print(
        f"{dropout:7}  {np.mean(accuracies):.3f} +- {np.std(accuracies):.3f}",
        f"{curves[:, -1].mean():15.3f}  {curves.min(axis=1).mean():6.3f}",
        f"{curves.argmin(axis=1).mean() + 1:9.0f}",
    )
