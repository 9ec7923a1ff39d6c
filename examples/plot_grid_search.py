"""
======================================
Grid search over a pipeline with a net
======================================

Cross-validation chooses the dropout and the learning rate of a multilayer perceptron,
in two processes. The grid names the parameters of the net through the pipeline, as
always in scikit-learn.
"""

# %%
# 1,000 digits are enough to show a difference.

import matplotlib.pyplot as plt
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sknets import MLPDropoutClassifier
from sknets.datasets import load_mnist_sample

X, y = load_mnist_sample(return_X_y=True)
X_test, y_test = load_mnist_sample(subset="test", return_X_y=True)

pipeline = Pipeline(
    [
        ("scale", StandardScaler()),
        ("mlp", MLPDropoutClassifier(100, max_epochs=40, random_state=0)),
    ]
)
grid = {
    "mlp__learning_rate": [0.01, 0.03, 0.1, 0.3],
    "mlp__dropout": [0.0, 0.25, 0.5],
}
search = GridSearchCV(pipeline, grid, cv=3, n_jobs=2).fit(X[:1000], y[:1000])

print("Best:", search.best_params_)
print(f"Accuracy in cross-validation: {search.best_score_:.3f}")
print(f"Accuracy on the test digits:  {search.score(X_test, y_test):.3f}")

# %%
# The scores of the whole grid. Dropout helps at the two higher learning rates, which
# are the better ones.

results = search.cv_results_
scores = results["mean_test_score"].reshape(3, 4)
figure, axis = plt.subplots(figsize=(5.5, 3.5), layout="constrained")
image = axis.imshow(scores, cmap="viridis")
axis.set(
    xticks=range(4),
    xticklabels=grid["mlp__learning_rate"],
    xlabel="learning_rate",
    yticks=range(3),
    yticklabels=grid["mlp__dropout"],
    ylabel="dropout",
)
middle = (scores.min() + scores.max()) / 2
for row in range(3):
    for column in range(4):
        score = scores[row, column]
        colour = "white" if score < middle else "black"
        axis.text(column, row, f"{score:.3f}", ha="center", va="center", color=colour)
figure.colorbar(image, label="Accuracy, mean of 3 folds")
plt.show()
