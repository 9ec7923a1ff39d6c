"""
=======================================
XOR: what a hidden layer makes possible
=======================================

Two inputs, two classes: the class is 1 if exactly one of the inputs is positive. No
straight line separates these classes, so softmax regression can only guess. A
multilayer perceptron bends its boundary. How many hidden units does it need?
"""

# %%
# The data are four clouds of points. 400 points are for training, and 400 are for the
# test.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.inspection import DecisionBoundaryDisplay

from sknets import MLPDropoutClassifier, SoftmaxClassifier

rng = np.random.default_rng(0)


def draw(n_points):
    """Return points around the corners of a square, and their classes."""
    corners = rng.integers(0, 2, (n_points, 2))
    points = 2 * corners - 1 + rng.normal(scale=0.35, size=(n_points, 2))
    return points, corners[:, 0] ^ corners[:, 1]


X, y = draw(400)
X_test, y_test = draw(400)

# %%
# A network starts from random weights, and training does not find the best weights from
# each start. So each network is trained from ten seeds. Dropout is off, because such
# small networks need all their units.

models = {"softmax": [SoftmaxClassifier(random_state=seed) for seed in range(10)]}
for n_units in (2, 4, 8, 16):
    models[f"{n_units} hidden units"] = [
        MLPDropoutClassifier(n_units, dropout=0.0, weight_decay=0.0, random_state=seed)
        for seed in range(10)
    ]
accuracies = {
    name: [model.fit(X, y).score(X_test, y_test) for model in group]
    for name, group in models.items()
}

print(f"{'':16} solved  lowest accuracy  highest accuracy")
for name, values in accuracies.items():
    n_solved = sum(value > 0.98 for value in values)
    print(f"{name:16} {n_solved:6}  {min(values):15.3f}  {max(values):16.3f}")

# %%
# In theory, two units are enough. But a rectified unit is zero on one side of a line.
# From many starts, a few units leave one cloud of points on the wrong side. Here, two
# units solve the task from no start, and four from most. More units solve it from more
# starts: a network that is larger than necessary is easier to train.
#
# The pictures show the network of the lowest accuracy in four of the groups. Colours
# are the probability of class 1, and the line is where it is one half.

figure, axes = plt.subplots(
    2, 2, figsize=(7.5, 6.4), layout="constrained", sharex=True, sharey=True
)
shown = ["softmax", "2 hidden units", "4 hidden units", "16 hidden units"]
for ax, name in zip(axes.flat, shown, strict=True):
    worst = int(np.argmin(accuracies[name]))
    surface, line = (
        DecisionBoundaryDisplay.from_estimator(
            models[name][worst], X, response_method="predict_proba", ax=ax, **options
        ).surface_
        for options in (
            {"levels": np.linspace(0, 1, 11), "cmap": "RdBu_r", "alpha": 0.6},
            {"plot_method": "contour", "levels": [0.5], "colors": "black"},
        )
    )
    for label, marker in enumerate("ox"):
        points = X_test[y_test == label]
        ax.scatter(*points.T, s=12, c="black", marker=marker, lw=0.8, label=label)
    ax.set_title(f"{name}: accuracy {accuracies[name][worst]:.3f}")
    ax.set(xlabel="", ylabel="")
axes[0, 0].legend(title="class", loc="lower left", ncols=2)
figure.supxlabel("first input")
figure.supylabel("second input")
figure.colorbar(
    surface, ax=axes, ticks=[0, 0.5, 1], label="probability of class 1", shrink=0.7
)
plt.show()
