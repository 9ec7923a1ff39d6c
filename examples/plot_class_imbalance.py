"""
=================================================
A rare class: class weights, or another threshold
=================================================

Only one digit in a hundred of the training data is an 8. A classifier that never says
"8" is right in 99 % of the cases, and useless. `class_weight="balanced"` makes each 8
count as much as 99 other digits. Another way is to leave the training as it is, and to
say "8" already at a low probability.
"""

# %%
# Each training set has 25 of the eights of the sample and 2,475 other digits. The test
# set keeps its 97 eights and 903 others. Results are means over three training sets.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    PrecisionRecallDisplay,
    average_precision_score,
    balanced_accuracy_score,
)

from sknets import MLPDropoutClassifier, SoftmaxClassifier
from sknets.datasets import load_mnist_sample

X, y = load_mnist_sample(return_X_y=True)
X_test, y_test = load_mnist_sample(subset="test", return_X_y=True)
y, y_test = y == 8, y_test == 8


def draw(seed, n_rare=25, n_rows=2500):
    """Return random rows, of which n_rare are eights."""
    order = np.random.default_rng(seed).permutation(len(X))
    rare, others = order[y[order]][:n_rare], order[~y[order]][: n_rows - n_rare]
    rows = np.concatenate([rare, others])
    return X[rows], y[rows]


models = {
    "logistic regression": LogisticRegression(max_iter=1000),
    "softmax regression": SoftmaxClassifier(random_state=0),
    "perceptron": MLPDropoutClassifier(100, max_epochs=40, random_state=0),
    "perceptron, clipped": MLPDropoutClassifier(
        100, max_epochs=40, max_grad_norm=1.0, random_state=0
    ),
}
probabilities = {
    (name, weight): [
        clone(model)
        .set_params(class_weight=weight)
        .fit(*draw(seed))
        .predict_proba(X_test)[:, 1]
        for seed in range(3)
    ]
    for name, model in models.items()
    for weight in (None, "balanced")
}

# %%
# The balanced accuracy is the mean of two shares: of the eights that are found, and of
# the other digits that are not taken for eights. The usual threshold is 0.5. The other
# threshold is 0.01, the share of eights in training. The average precision does not
# depend on a threshold: it says how well the probabilities rank eights above others.

print(f"{'':30}  balanced accuracy  average")
print(f"{'class_weight':>30}    > 0.5   > 0.01  precision")
for (name, weight), runs in probabilities.items():
    usual, low = (
        np.mean([balanced_accuracy_score(y_test, run > threshold) for run in runs])
        for threshold in (0.5, 0.01)
    )
    precision = np.mean([average_precision_score(y_test, run) for run in runs])
    print(f"{name:19} {weight!s:>10}  {usual:7.3f}  {low:7.3f}  {precision:9.3f}")

# %%
# Balanced weights raise the balanced accuracy of all models at the usual threshold. A
# threshold of 0.01 does more, without any weights. So weights mostly move the
# probabilities, and hardly improve the ranking.
#
# For the perceptron they are even harmful: its average precision falls by far. A weight
# of 50 on a row makes a few very large updates. `max_grad_norm=1` clips them, and then
# the perceptron with weights is the best model of the table. The softmax regression
# ranks worse than scikit-learn's logistic regression here, with and without weights.
#
# What do the large updates destroy? They make the weights of hidden units so negative
# that ReLU returns zero for all images. Such a dead unit has no gradient, so it does
# not learn any more. Here is the share of dead units, for the first training set.


def share_of_dead_units(model):
    """Return the share of hidden units that are zero for all training images."""
    images, labels = draw(0)
    model.fit(images, labels)
    hidden = model.module_.hidden[0]
    units = images @ hidden.weight.detach().numpy().T + hidden.bias.detach().numpy()
    return (units <= 0).all(axis=0).mean()


for name in ("perceptron", "perceptron, clipped"):
    for weight in (None, "balanced"):
        model = clone(models[name]).set_params(class_weight=weight)
        print(f"{name:19} {weight!s:>10}  {share_of_dead_units(model):4.0%}")

# %%
# The curves are those of the first training set. Each point is a threshold.

figure, axes = plt.subplots(
    2, 2, figsize=(7.5, 6.6), layout="constrained", sharex=True, sharey=True
)
for ax, name in zip(axes.flat, models, strict=True):
    for weight in (None, "balanced"):
        PrecisionRecallDisplay.from_predictions(
            y_test, probabilities[name, weight][0], name=f"{weight}", ax=ax
        )
    ax.set(title=name, xlabel="", ylabel="")
    ax.legend(title="class_weight", loc="lower left", fontsize="small")
figure.supxlabel("recall: share of the eights that are found")
figure.supylabel('precision: share of eights among the answers "8"')
plt.show()
