"""
==============================
Train on more data than memory
==============================

`partial_fit` makes one pass over a chunk of data. So a network can learn from files of
any size: only one chunk is in memory at a time. Here the chunks are blocks of a dask
array, and parts of a CSV file. The data are small, so that `fit` can learn from all of
them, for comparison.
"""

# %%
# Ten measurements, in two units, and three kinds of events. The rows are written to a
# NumPy file and to a CSV file. In practice, another program writes them in pieces. The
# first 2,000 rows are kept apart for testing.

import tempfile
from pathlib import Path

import dask.array as da
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import make_classification

from sknets import MLPDropoutClassifier

X, codes = make_classification(
    n_samples=22_000,
    n_features=10,
    n_informative=8,
    n_classes=3,
    n_clusters_per_class=4,
    class_sep=1.5,
    random_state=0,
)
X[:, 5:] = 500 + 50 * X[:, 5:]
y = np.array(["noise", "quake", "truck"])[codes]
X_test, y_test = X[:2000], y[:2000]

folder = tempfile.TemporaryDirectory()
path = Path(folder.name)
np.save(path / "X.npy", X[2000:])
np.save(path / "y.npy", y[2000:])
columns = [f"sensor {number}" for number in range(10)]
table = pd.DataFrame(X[2000:], columns=columns).assign(event=y[2000:])
table.to_csv(path / "rows.csv", index=False)

# %%
# Blocks of a dask array
# ----------------------
#
# `np.load` with `mmap_mode` maps the file, and dask cuts it into blocks of rows. Each
# block is read when the network asks for it. The first call needs all classes, because
# a block may lack one. It also measures shift and scale of the features, which all
# later blocks use. So the first block should be like the others: if rows are sorted by
# date or by class, write them in a random order.

rows_on_disk = np.load(path / "X.npy", mmap_mode="r")
labels_on_disk = np.load(path / "y.npy", mmap_mode="r")
X_blocks = da.from_array(rows_on_disk, chunks=(1000, -1)).blocks
y_blocks = da.from_array(labels_on_disk, chunks=1000).blocks
classes = ["noise", "quake", "truck"]
n_passes = 3

model = MLPDropoutClassifier(random_state=0)
by_blocks = []
for _ in range(n_passes):
    for X_block, y_block in zip(X_blocks, y_blocks, strict=True):
        model.partial_fit(X_block, y_block, classes=classes)
        by_blocks.append(model.score(X_test, y_test))

# %%
# Parts of a CSV file
# -------------------
#
# `read_csv` with `chunksize` gives DataFrames, whose names are checked in each call.
# Name the types: otherwise each chunk gets its own, and numbers that look whole in one
# chunk are real in the next. A column of categories would get them from one chunk
# alone, and one-hot columns would differ between chunks. To avoid this, give all
# `categories` to `OneHotEncoder`.

types = dict.fromkeys(columns, "float32") | {"event": "str"}
table_model = MLPDropoutClassifier(random_state=0)
by_parts = []
for _ in range(n_passes):
    with pd.read_csv(path / "rows.csv", chunksize=1000, dtype=types) as parts:
        for part in parts:
            table_model.partial_fit(part[columns], part["event"], classes=classes)
            rows = pd.DataFrame(X_test, columns=columns)
            by_parts.append(table_model.score(rows, y_test))

# %%
# All data at once
# ----------------
#
# `fit` shuffles all rows in each epoch, and lowers the learning rate to zero.
# `partial_fit` cannot know how much data will come, so its rate is constant. `fit` can
# also read the mapped file as it is, even if that is larger than the memory.

by_fit = {}
for max_epochs in (n_passes, "auto"):
    everything = MLPDropoutClassifier(max_epochs=max_epochs, random_state=0)
    everything.fit(rows_on_disk, labels_on_disk)
    by_fit[everything.n_iter_] = everything.score(X_test, y_test)
folder.cleanup()

print(f"Accuracy after 1 pass over blocks: {by_blocks[19]:.3f}")
print(f"Accuracy after {n_passes} passes over blocks: {by_blocks[-1]:.3f}")
print(f"Accuracy after {n_passes} passes over the CSV: {by_parts[-1]:.3f}")
for n_epochs, accuracy in by_fit.items():
    print(f"Accuracy of fit, {n_epochs} epochs: {accuracy:.3f}")

# %%
# Most is learned in the first pass. The two curves coincide, because the chunks have
# the same rows, up to the precision of float32. With as many passes, `fit`
# ends lower here: its rate falls too early. Left to itself, it makes more passes, and
# ends higher.

figure, axis = plt.subplots(figsize=(6.5, 3.8), layout="constrained")
n_blocks = np.arange(1, len(by_blocks) + 1)
axis.plot(n_blocks, by_blocks, label="partial_fit, blocks of a dask array")
axis.plot(n_blocks, by_parts, "--", label="partial_fit, parts of a CSV file")
for (n_epochs, accuracy), style in zip(by_fit.items(), [":", "-"], strict=True):
    label = f"fit on all data, {n_epochs} epochs"
    axis.axhline(accuracy, color="black", lw=1, ls=style, label=label)
for end in range(20, len(by_blocks), 20):
    axis.axvline(end + 0.5, color="0.85", lw=0.8, zorder=0)
axis.set(
    xlabel="Blocks of 1,000 rows (a line after each pass)",
    ylabel="Accuracy on test rows",
    xlim=(0, len(by_blocks) + 1),
)
axis.legend(loc="lower right", frameon=False)
plt.show()
