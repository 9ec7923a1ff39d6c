"""
==========================
Watch and control training
==========================

A training that takes long should tell how it goes, keep what is good, and stop when
nothing improves. This example goes from the simplest tool to the most flexible one:
`verbose`, early stopping by a score, callbacks of skorch, a callback of your own, and
the callbacks of scikit-learn.
"""

# %%
# 2,000 digits are for training, and 1,000 others for validation.

import matplotlib.pyplot as plt
import numpy as np
from skorch.callbacks import Callback, EpochScoring

from sknets import MLPDropoutClassifier
from sknets.datasets import load_mnist_sample
from sknets.inspection import LossCurveDisplay

X, y = load_mnist_sample(return_X_y=True)
X, X_val, y, y_val = X[:2000], X[2000:3000], y[:2000], y[2000:3000]
X_test, y_test = load_mnist_sample(subset="test", return_X_y=True)

# %%
# **A line for each epoch.** `verbose=1` prints it, with the learning rate and the
# duration. `verbose=2` also shows a progress bar over all epochs.

model = MLPDropoutClassifier(100, max_epochs=5, verbose=1, random_state=0)
model = model.fit(X, y, X_val=X_val, y_val=y_val)

# %%
# **Stop when a score no longer improves.** Early stopping can use any scorer of
# scikit-learn. The weights of the best epoch are kept. Here the score is the accuracy,
# and ten epochs without improvement end the training.

model = MLPDropoutClassifier(
    100,
    max_epochs=100,
    early_stopping=True,
    scoring="accuracy",
    n_iter_no_change=10,
    random_state=0,
).fit(X, y, X_val=X_val, y_val=y_val)
print(f"epochs: {model.n_iter_}, best epoch: {model.best_epoch_}")
print(f"accuracy on validation digits: {max(model.validation_scores_):.3f}")
print(f"accuracy on test digits:       {model.score(X_test, y_test):.3f}")

# %%
# The training loss goes on falling after the marked epoch, but the accuracy on the
# validation digits is not better any more. That accuracy was used to choose the epoch,
# so it is too good. The accuracy on the test digits is the honest one.

figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
LossCurveDisplay.from_estimator(model, name="MLP", ax=axes[0])
axes[0].set_ylabel("Cross-entropy (nats)")
epochs = np.arange(1, model.n_iter_ + 1)
axes[1].plot(epochs, model.validation_scores_, "--", label="validation")
best = model.validation_scores_[model.best_epoch_ - 1]
axes[1].plot(model.best_epoch_, best, "oC0", label=f"best epoch: {model.best_epoch_}")
axes[1].set(xlabel="Epoch", ylabel="Accuracy")
axes[1].legend(loc="lower right")
for ax in axes:
    ax.grid(alpha=0.3)
plt.show()

# %%
# **Callbacks of skorch** go into the parameter `callbacks`. `EpochScoring` records one
# more score in the history, here the accuracy on the training digits. A callback of
# your own is a class with the methods that it needs. This one records how far the
# weights of the first layer move in each epoch.


class WeightChange(Callback):
    """Record the distance that the first weights move in an epoch."""

    def on_epoch_begin(self, net, **kwargs):
        """Keep a copy of the weights."""
        self.before = net.module_.hidden[0].weight.detach().clone()

    def on_epoch_end(self, net, **kwargs):
        """Write the distance into the history."""
        after = net.module_.hidden[0].weight.detach()
        net.history.record("weight_change", float((after - self.before).norm()))


training_score = EpochScoring(
    "accuracy", name="train_accuracy", lower_is_better=False, on_train=True
)
model = MLPDropoutClassifier(
    100, max_epochs=20, callbacks=[training_score, WeightChange()], random_state=0
).fit(X, y)
history = model.net_.history
print("epoch  training accuracy  change of weights")
for epoch in (1, 2, 5, 10, 20):
    score, change = history[epoch - 1, ("train_accuracy", "weight_change")]
    print(f"{epoch:5}  {score:17.3f}  {change:17.2f}")

# %%
# The network makes large steps at first. At the end it hardly moves, because its
# learning rate falls to zero along a cosine.
#
# **Callbacks of scikit-learn** exist from version 1.9 on, and also watch pipelines and
# searches. Each epoch of a network is a task for them. `ScoringMonitor` records a score
# on the training data. `ProgressBar` draws bars, if the package `rich` is installed.

try:
    from sklearn.callback import ScoringMonitor
except ImportError:
    print("This version of scikit-learn has no callbacks.")
else:
    monitor = ScoringMonitor(scoring="balanced_accuracy")
    model = MLPDropoutClassifier(100, max_epochs=5, random_state=0)
    model.set_callbacks(monitor).fit(X, y)
    log = monitor.get_logs().data_as_pandas
    epochs = log[log["task_name"] == "epoch"]
    print(epochs[["task_id", "balanced_accuracy"]].round(3).to_string(index=False))
