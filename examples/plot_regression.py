"""
========================
Regression with outliers
========================

A perceptron with dropout learns a noisy curve. One row in ten has a wrong y, far off
the curve. The squared error follows such outliers. Huber's loss and the absolute error
follow them less. The units of y do not matter: the regressor standardises y itself.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknets import MLPDropoutRegressor

# %%
# The curve has values up to 2,700. The noise has a standard deviation of 200. The
# outliers are 8,000 too high.

rng = np.random.default_rng(0)
x = np.sort(rng.uniform(-3, 3, 300))
y = 1000 * (np.sin(2 * x) * x + 0.2 * rng.normal(size=300))
outliers = rng.random(300) < 0.1
y[outliers] += 8000
grid = np.linspace(-3, 3, 300)
truth = 1000 * np.sin(2 * grid) * grid

# %%
# The same network learns with each loss. The error is measured against the curve
# without noise.

losses = ["squared_error", "huber", "absolute_error"]
figure, axes = plt.subplots(1, 3, figsize=(10, 3.5), sharey=True, layout="constrained")
for axis, loss in zip(axes, losses, strict=True):
    regressor = MLPDropoutRegressor(
        (100, 100),
        dropout=0.05,
        loss=loss,
        optimizer="adam",
        learning_rate=0.003,
        weight_decay=0.0,
        max_epochs=600,
        random_state=0,
    )
    model = make_pipeline(StandardScaler(), regressor)
    predicted = model.fit(x[:, np.newaxis], y).predict(grid[:, np.newaxis])
    error = np.sqrt(np.mean((predicted - truth) ** 2))
    axis.plot(x, y, ".", color="0.7", label="data")
    axis.plot(grid, truth, "--", color="0.3", label="curve without noise")
    axis.plot(grid, predicted, color="C1", label="prediction")
    axis.set_title(f"{loss}: error {error:.0f}")
    axis.set_xlabel("x")
    print(f"{loss}: root mean squared error {error:.0f}")
axes[0].set_ylabel("y")
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
plt.show()

# %%
# The error against the curve falls by a factor of five, from the squared to the
# absolute error. Huber's loss is between them: it is quadratic near zero. Each loss has
# its use. Without outliers, the squared error is the usual choice: it estimates the
# mean of y, while the absolute error estimates the median.
#
# Is dropout of use here? With the absolute error, no: the prediction is closest to the
# curve without dropout. This network has one input, and it must follow the curve
# closely. Units that are dropped make the prediction too flat.

figure, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
ax.plot(grid, truth, "--", color="0.3", label="curve without noise")
for dropout in (0.0, 0.05, 0.3):
    model.set_params(mlpdropoutregressor__dropout=dropout)
    predicted = model.fit(x[:, np.newaxis], y).predict(grid[:, np.newaxis])
    error = np.sqrt(np.mean((predicted - truth) ** 2))
    label = f"dropout {dropout}: error {error:.0f}"
    ax.plot(grid, predicted, label=label)
    print(label)
ax.set(xlabel="x", ylabel="y")
ax.legend()
plt.show()
