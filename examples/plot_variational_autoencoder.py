"""
=========================================================
New digits and few labels, with a variational autoencoder
=========================================================

A variational autoencoder learns a density of images: a code is drawn from a standard
normal density, and the decoder turns it into an image. Here it draws new digits, turns
one digit into another, and gives features for a classifier that has few labels.
"""

# %%
# Two networks learn from the 5,000 digits of the sample, without labels. One has a code
# of two units, to look at. The other has a code of ten.

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import norm
from sklearn.decomposition import PCA
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.svm import SVC

from sknets import VariationalAutoencoderTransformer
from sknets.datasets import load_mnist_sample

X, y = load_mnist_sample(return_X_y=True)
X_test, y_test = load_mnist_sample(subset="test", return_X_y=True)

coders = {
    size: VariationalAutoencoderTransformer(
        size, loss="cross_entropy", max_epochs=25, random_state=0
    ).fit(X)
    for size in (2, 10)
}

# %%
# `score` is the evidence lower bound in nats: a bound of the mean log likelihood of a
# digit. `log_likelihood` estimates the log likelihood itself, from many codes. For grey
# pixels, cross-entropy is no density that adds up to one, so only compare such values
# with each other. The curves
# show the two terms of the bound: more units restore digits better, and cost more
# divergence from the prior.

print("units  active  bound on test digits  log likelihood, 50 draws")
for size, coder in coders.items():
    estimate = coder.log_likelihood(X_test, n_draws=50).mean()
    bound = coder.score(X_test)
    print(f"{size:5}  {coder.n_active_units_:6}  {bound:20.1f}  {estimate:24.1f}")

figure, axes = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
for size, coder in coders.items():
    epochs = np.arange(1, coder.n_iter_ + 1)
    axes[0].plot(epochs, coder.reconstruction_curve_, label=f"{size} units")
    axes[1].plot(epochs, coder.divergence_curve_, label=f"{size} units")
axes[0].set(title="log density given the code", xlabel="Epoch", ylabel="nats")
axes[0].set_ylim(-220, None)
axes[1].set(title="divergence from the prior", xlabel="Epoch")
axes[1].legend()
plt.show()

# %%
# Left: the codes of the test digits, coloured by their labels, which the network never
# saw. Right: the images of a grid of codes. The grid has equal steps of probability
# under the prior. With only two units, many digits share the middle of the plane, and
# their images are blurred.


def show(axis, images, n_columns):
    """Show images of 28 x 28 pixels side by side."""
    rows = images.reshape(-1, n_columns, 28, 28)
    sheet = rows.transpose(0, 2, 1, 3).reshape(-1, n_columns * 28)
    axis.imshow(sheet, cmap="binary", vmin=0, vmax=1)
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)


# sphinx_gallery_thumbnail_number = 2
plane = coders[2]
steps = norm.ppf((np.arange(16) + 0.5) / 16)
grid = np.array([(x, y) for y in steps[::-1] for x in steps])
codes = plane.transform(X_test)

figure, axes = plt.subplots(1, 2, figsize=(9, 4.4), layout="constrained")
points = axes[0].scatter(*codes.T, c=y_test, s=5, cmap="tab10", vmin=-0.5, vmax=9.5)
figure.colorbar(points, ax=axes[0], ticks=range(10), fraction=0.05, pad=0.02)
axes[0].set(title="Codes of 1,000 test digits", xlabel="unit 0", ylabel="unit 1")
axes[0].set_aspect("equal", adjustable="datalim")
show(axes[1], plane.inverse_transform(grid), 16)
axes[1].set_title("Images of a grid of codes")
plt.show()

# %%
# New digits, with ten units: the means of their pixels. Below each is the digit of the
# training data that is nearest to it, so the network does not only repeat its data. Not
# all samples are digits: some lie between two of them.

coder = coders[10]
samples = coder.sample(20, noise=False)
distances = (samples**2).sum(axis=1)[:, None] + (X**2).sum(axis=1) - 2 * samples @ X.T
nearest = X[distances.argmin(axis=1)]

BESIDE = {"rotation": 0, "ha": "right", "va": "center"}
figure, axes = plt.subplots(4, 1, figsize=(8, 3.5), layout="compressed")
for half, (upper, lower) in enumerate((axes[:2], axes[2:])):
    columns = slice(10 * half, 10 * half + 10)
    show(upper, samples[columns], 10)
    show(lower, nearest[columns], 10)
    upper.set_ylabel("new", **BESIDE)
    lower.set_ylabel("nearest", **BESIDE)
plt.show()

# %%
# On the way from one code to another, each step is an image of its own. A straight line
# between the pixels, below, shows two digits at once.

pairs = [(3, 8), (4, 9), (1, 7)]
shares = np.linspace(0, 1, 10)[:, None]
figure, axes = plt.subplots(6, 1, figsize=(8, 5), layout="compressed")
for (first, last), (upper, lower) in zip(pairs, axes.reshape(3, 2), strict=True):
    ends = np.stack([X_test[y_test == first][0], X_test[y_test == last][0]])
    one, other = coder.transform(ends)
    show(upper, coder.inverse_transform((1 - shares) * one + shares * other), 10)
    show(lower, (1 - shares) * ends[0] + shares * ends[1], 10)
    upper.set_ylabel("codes", **BESIDE)
    lower.set_ylabel("pixels", **BESIDE)
plt.show()

# %%
# A support vector machine learns from few labels: on the codes, on as many principal
# components, and on the pixels. Codes and components come from all 5,000 digits. Values
# are accuracies, averaged over ten draws of the labelled digits. The codes are better
# than the components. With up to 100 labels, they are better than the pixels, too. With
# more labels, the pixels have more to tell.

pca = PCA(10, random_state=0).fit(X)
features = {
    "10 codes": (coder.transform(X), coder.transform(X_test)),
    "10 components": (pca.transform(X), pca.transform(X_test)),
    "784 pixels": (X, X_test),
}
sizes = [25, 50, 100, 300, 1000]
accuracies = {name: [] for name in features}
for size in sizes:
    draws = StratifiedShuffleSplit(10, train_size=size, random_state=0)
    labelled = [rows for rows, _ in draws.split(X, y)]
    for name, (train, test) in features.items():
        reader = SVC(C=10)
        scores = [reader.fit(train[r], y[r]).score(test, y_test) for r in labelled]
        accuracies[name].append(np.mean(scores))

print("accuracy, by number of labelled digits")
print(f"{'labels':15}", *(f"{size:6}" for size in sizes))
for name, values in accuracies.items():
    print(f"{name:15}", *(f"{value:6.3f}" for value in values))
