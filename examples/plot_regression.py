"""
Regression with dropout
=======================

A perceptron with dropout learns a noisy curve. Dropout in training keeps it from
following the noise. The units of y do not matter: the regressor standardises y itself.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknets import MLPDropoutRegressor

rng = np.random.default_rng(0)
x = np.sort(rng.uniform(-3, 3, 80))
curve = np.sin(2 * x) * x
y = 1000 * (curve + 0.4 * rng.normal(size=80))
grid = np.linspace(-3, 3, 300)
truth = 1000 * np.sin(2 * grid) * grid

# %%
# Both networks have two hidden layers of 100 units, and as many updates.

figure, axes = plt.subplots(1, 2, figsize=(9, 3.5), sharey=True, layout="constrained")
for axis, dropout in zip(axes, [0.0, 0.1], strict=True):
    regressor = MLPDropoutRegressor(
        (100, 100), dropout=dropout, max_epochs=2000, weight_decay=0.0, random_state=0
    )
    model = make_pipeline(StandardScaler(), regressor)
    model.fit(x[:, np.newaxis], y)
    predicted = model.predict(grid[:, np.newaxis])
    error = np.sqrt(np.mean((predicted - truth) ** 2))
    axis.plot(x, y, ".", color="0.6", label="data")
    axis.plot(grid, truth, "--", color="0.4", label="curve without noise")
    axis.plot(grid, predicted, color="C1", label="prediction")
    axis.set_title(f"dropout={dropout}: error {error:.0f}")
    axis.set_xlabel("x")
    print(f"dropout={dropout}: root mean squared error {error:.0f}")
axes[0].set_ylabel("y")
axes[0].legend()
plt.show()
