"""Time training and prediction on sparse X, and measure the memory of `fit`.

From the root of the repository::

    OMP_NUM_THREADS=1 python -m benchmarks.sparse --write

X has random entries, like the output of HashingVectorizer. The peers are
scikit-learn's SGDClassifier and MLPClassifier, with as many epochs, on the same rows;
that of the autoencoder is itself, on the same rows made dense. Both classifiers have
``standardize=False``, as no peer looks at the scale of X, and the perceptron has
``weight_decay=0``. Print tables: the ratios of the times, the times of an epoch for
more and more features, and the memory. ``--write`` saves them for the documentation.
"""

import argparse
import multiprocessing
import resource
import statistics
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import SGDClassifier
from sklearn.neural_network import MLPClassifier
from tqdm import tqdm

from benchmarks.pairs import alternate, duration, timed
from benchmarks.tables import report
from sknets import (
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
    SoftmaxClassifier,
)

N_CLASSES = 20
WIDE = 2**20
MB = 2**20


def make_rows(n_rows, n_features, n_entries, seed=0):
    """Return rows with some random entries each, and their classes."""
    rng = np.random.default_rng(seed)
    indices = np.empty((n_rows, n_entries), np.int32)
    for block in np.array_split(indices, -(-n_rows // 1000)):  # with little memory
        block[:] = np.sort(rng.integers(0, n_features, block.shape, np.int32), axis=1)
    offsets = np.arange(0, indices.size + 1, n_entries, dtype=np.int32)
    values = rng.random(indices.size, np.float32)
    X = sparse.csr_matrix((values, indices.ravel(), offsets), (n_rows, n_features))
    return X, rng.integers(0, N_CLASSES, n_rows)


def softmax(n_epochs):
    """Return softmax regression that trains for some epochs."""
    return SoftmaxClassifier(standardize=False, max_epochs=n_epochs, random_state=0)


def perceptron(n_epochs, n_units):
    """Return a perceptron that updates only the weights of features that occur."""
    return MLPDropoutClassifier(
        n_units,
        standardize=False,
        weight_decay=0.0,
        max_epochs=n_epochs,
        random_state=0,
    )


def sgd(n_epochs):
    """Return scikit-learn's linear peer."""
    return SGDClassifier(loss="log_loss", max_iter=n_epochs, tol=None)


def sklearn_mlp(n_epochs, n_units):
    """Return scikit-learn's perceptron."""
    return MLPClassifier(n_units, batch_size=100, max_iter=n_epochs)


# -- times -----------------------------------------------------------------------------


def contests():
    """Yield facts of a comparison, our call, the peer's call, and n_calls."""
    n_features, n_epochs = 30_000, 3
    X, y = make_rows(8_000, n_features, 80)
    X_new, _ = make_rows(2_000, n_features, 80, seed=1)
    sizes = {"features": "30,000", "entries a row": "80"}
    for name, ours, peer in (
        ("softmax", softmax(n_epochs), sgd(n_epochs)),
        (
            "perceptron, 100 units",
            perceptron(n_epochs, 100),
            sklearn_mlp(n_epochs, 100),
        ),
    ):
        facts = {"system": name, "call": "fit, 3 epochs", "rows": "8,000", **sizes}
        facts["peer"] = type(peer).__name__
        yield facts, partial(ours.fit, X, y), partial(peer.fit, X, y), 1
        ours.fit(X, y), peer.fit(X, y)
        facts = facts | {"call": "predict", "rows": "2,000"}
        predict = partial(ours.predict, X_new), partial(peer.predict, X_new)
        yield facts, *predict, 20
    yield from autoencoder_contests()
    X, y = make_rows(100_000, WIDE, 100)
    facts = {"system": "softmax", "call": "fit, 1 epoch", "rows": "100,000"}
    facts |= {"features": f"{WIDE:,}", "entries a row": "100", "peer": "SGDClassifier"}
    yield facts, partial(softmax(1).fit, X, y), partial(sgd(1).fit, X, y), 1


def autoencoder_contests():
    """Yield what `contests` does, for an autoencoder and the same rows made dense."""
    X, _ = make_rows(4_000, 30_000, 80)
    X_dense = X.toarray()
    coder = DenoisingAutoencoderTransformer(
        100, noise="masking", max_epochs=1, random_state=0
    ).fit(X)
    for call, method in (("fit, 1 epoch", coder.fit), ("transform", coder.transform)):
        facts = {"system": "autoencoder, 100 units", "call": call, "rows": "4,000"}
        facts |= {"features": "30,000", "entries a row": "80", "peer": "dense X"}
        yield facts, partial(method, X), partial(method, X_dense), 1


def seconds_an_epoch(build, X, y, n_runs):
    """Return the median seconds of an epoch, without what is done once a call."""
    differences = []
    for _ in range(n_runs):
        _, short = timed(lambda: build(1).fit(X, y))
        _, long = timed(lambda: build(5).fit(X, y))
        differences.append((long - short) / 4)
    return statistics.median(differences)


def measure_growth(n_runs):
    """Return rows of a table: the time of an epoch for more and more features."""
    rows = []
    for name, build in (
        ("softmax", softmax),
        ("perceptron, 50 units", partial(perceptron, n_units=50)),
    ):
        row = {"seconds of an epoch": name}
        for n_features in (10_000, 100_000, 1_000_000):
            X, y = make_rows(8_000, n_features, 80)
            seconds = seconds_an_epoch(build, X, y, n_runs)
            row[f"{n_features:,} features"] = duration(seconds)
        rows.append(row)
    return rows


# -- memory ----------------------------------------------------------------------------


def peak_memory():
    """Return the largest resident memory so far, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def measure_memory(standardize):
    """Return the sizes of X and of the weights, and the memory of `fit`, in bytes."""
    model = softmax(1).set_params(standardize=standardize)
    model.fit(*make_rows(1_000, 1_000, 10))
    X, y = make_rows(100_000, WIDE, 100)
    before = peak_memory()
    model.fit(X, y)
    rise = peak_memory() - before
    size = X.data.nbytes + X.indices.nbytes + X.indptr.nbytes
    return size, model.coef_.nbytes, rise


def measure_apart(standardize):
    """Call `measure_memory` in a new process: a peak covers a whole process."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        return executor.submit(measure_memory, standardize).result()


def main():
    """Measure times and memory."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)

    # First: a new process inherits the peak of this one.
    rows = []
    for standardize in (False, "auto"):
        size, weights, rise = measure_apart(standardize)
        rows.append(
            {
                "`standardize`": repr(standardize),
                "size of X": f"{size / MB:,.0f} MB",
                "size of the weights": f"{weights / MB:,.0f} MB",
                "memory of `fit`": f"{rise / MB:,.0f} MB",
            }
        )
    note = f"Softmax, 100,000 rows of 100 entries, {WIDE:,} features."
    report("sparse_memory", rows, [note], write=arguments.write)

    rows = []
    for facts, ours, theirs, n_calls in tqdm(contests(), unit="row", total=7):
        alternate(ours, theirs, 1)
        pairs, _ = alternate(ours, theirs, arguments.pairs, n_calls=n_calls)
        rows.append(facts | pairs.summary())
    note = f"Medians of {arguments.pairs} pairs of runs. {N_CLASSES} classes."
    report("sparse", rows, [note], write=arguments.write)

    rows = measure_growth(arguments.pairs)
    note = "8,000 rows of 80 entries. Medians of the time of four epochs of five."
    report("sparse_growth", rows, [note], write=arguments.write)


if __name__ == "__main__":
    main()
