"""
====================================
Classify text with hashed features
====================================

Text has many features, and few of them occur in a row. The networks read such sparse
rows as they are. A training step takes the time of the words that occur, and not that
of all columns. The task here: given a paragraph of documentation, name the package that
it is from. The paragraphs are those in the docstrings of installed packages.
"""

# %%
# The paragraphs
# --------------
#
# ``ast`` reads docstrings without importing the modules. Names of the packages would
# give the answer away, so they are removed.

import ast
import re
import time
import warnings
from importlib.util import find_spec
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import GroupShuffleSplit
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline

from sknets import MLPDropoutClassifier, SoftmaxClassifier

PACKAGES = ["matplotlib", "numpy", "pandas", "scipy", "sklearn", "torch"]
GIVEAWAYS = re.compile(rf"\b(np|pd|plt|mpl|scikit|learn|{'|'.join(PACKAGES)})\b")
N_TEXTS = 1_200  # of each package


def paragraphs(path):
    """Yield the paragraphs in the docstrings of a file, without code."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            for paragraph in (ast.get_docstring(node) or "").split("\n\n"):
                words = GIVEAWAYS.sub("", paragraph.lower())
                if ">>>" not in words and len(words.split()) >= 8:
                    yield words


def read(package):
    """Return some paragraphs of a package, and the file of each."""
    root = Path(find_spec(package).origin).parent
    found = {}
    for path in np.random.default_rng(0).permutation(sorted(root.rglob("*.py"))):
        if "test" not in str(path.relative_to(root)):
            found |= dict.fromkeys(paragraphs(path), str(path))
        if len(found) >= N_TEXTS:
            break
    return list(found)[:N_TEXTS], list(found.values())[:N_TEXTS]


texts, files, y = [], [], []
for package in PACKAGES:
    of_package, of_files = read(package)
    texts += of_package
    files += of_files
    y += [package] * len(of_package)
    print(f"{package:10} {len(of_package):,} paragraphs of {len(set(of_files))} files")
texts, y = np.array(texts, dtype=object), np.array(y)

# %%
# Paragraphs of one file resemble each other, so no file is in both parts of the split.

split = GroupShuffleSplit(n_splits=1, test_size=0.25, random_state=0)
train, test = next(split.split(texts, groups=files))

# %%
# Four classifiers
# ----------------
#
# ``HashingVectorizer`` needs no vocabulary: it makes a column of each word and of each
# pair of neighbours, by a hash. ``weight_decay=0`` lets ``MLPDropoutClassifier`` update
# only the weights of words that occur. ``MLPClassifier`` gets ten epochs, as it updates
# all weights for each batch. All else has its default. The times are seconds of
# processor time, with that of the vectorizer.


def hashed(n_features):
    """Return a vectorizer of words and pairs of words."""
    return HashingVectorizer(
        n_features=n_features, ngram_range=(1, 2), dtype=np.float32
    )


def timed_fit(model, X, y):
    """Fit a model. Return the seconds of processor time."""
    start = time.process_time()
    model.fit(X, y)
    return time.process_time() - start


models = {
    "SGDClassifier": SGDClassifier(loss="log_loss", random_state=0),
    "SoftmaxClassifier": SoftmaxClassifier(random_state=0),
    "MLPDropoutClassifier": MLPDropoutClassifier(20, weight_decay=0, random_state=0),
    "MLPClassifier": MLPClassifier(20, max_iter=10, random_state=0),
}
accuracies = {}
print("                      epochs  seconds  accuracy")
for name, model in models.items():
    pipeline = make_pipeline(hashed(2**16), model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        seconds = timed_fit(pipeline, texts[train], y[train])
    accuracies[name] = pipeline.score(texts[test], y[test])
    print(f"{name:20} {model.n_iter_:7} {seconds:8.1f} {accuracies[name]:9.3f}")

# %%
# The accuracies differ by a few hundredths, and their standard error is about one
# hundredth. With so many columns, a linear model learns nearly all that these texts
# tell. ``SGDClassifier`` is the fastest by far. ``MLPClassifier`` trains with Adam: it
# needs few epochs, and much time for each. ``MLPDropoutClassifier`` does the same with
# ``optimizer="adam"``.
#
# More columns
# ------------
#
# With more columns, fewer words share one. The time of an epoch then grows for a
# network that updates all weights. It hardly grows for one that updates the weights of
# the words that occur. The times are differences of two fits, and so do not include the
# initial weights. With few columns, the dense update is the faster one.

mlp, peer = models["MLPDropoutClassifier"], models["MLPClassifier"]
columns = [2**11, 2**13, 2**15, 2**17]
seconds = {"MLPDropoutClassifier": [], "MLPClassifier": []}
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)
    for n_features in columns:
        X, labels = hashed(n_features).transform(texts[train]), y[train]
        short = timed_fit(mlp.set_params(max_epochs=1), X, labels)
        long = timed_fit(mlp.set_params(max_epochs=5), X, labels)
        seconds["MLPDropoutClassifier"].append((long - short) / 4)
        short = timed_fit(peer.set_params(max_iter=1), X, labels)
        long = timed_fit(peer.set_params(max_iter=2), X, labels)
        seconds["MLPClassifier"].append(long - short)

figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.8), layout="constrained")
left.barh(list(accuracies), list(accuracies.values()), color="C0", height=0.6)
left.axvline(1 / len(PACKAGES), color="0.4", linestyle="--")
left.text(1 / len(PACKAGES) + 0.01, 3.75, "chance", color="0.4", va="center")
left.set(xlabel="accuracy on other files", xlim=(0, 0.8), ylim=(4.0, -0.6))
for (name, values), style in zip(seconds.items(), ("o-", "s--"), strict=True):
    right.plot(columns, values, style, label=name)
right.set_xscale("log", base=2)
right.set(xlabel="columns", ylabel="seconds of an epoch", ylim=(0, None))
right.legend()
plt.show()
