"""Softmax beside scikit-learn's logistic regression, on TF-IDF rows of text."""

import importlib.util
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfTransformer, TfidfVectorizer
from tqdm import tqdm

from benchmarks.panel.classification import PAIRS, fit_both
from benchmarks.panel.data import split
from benchmarks.panel.measure import seeds_note, with_error

N_TOPICS = 5
N_WORDS = 20_000
N_DOCUMENTS = 4500
LINES = 20  # in a piece of source code


def topics():
    """Return TF-IDF rows of random words, and their topics.

    The frequencies of words follow Zipf's law. Each topic changes them at random.
    """
    rng = np.random.default_rng(0)
    common = 1 / np.arange(1, N_WORDS + 1)
    frequencies = common * np.exp(0.6 * rng.normal(size=(N_TOPICS, N_WORDS)))
    frequencies /= frequencies.sum(axis=1, keepdims=True)
    y = rng.integers(N_TOPICS, size=N_DOCUMENTS)
    lengths = rng.integers(30, 120, size=N_DOCUMENTS)
    counts = [
        rng.multinomial(n, frequencies[k]) for n, k in zip(lengths, y, strict=True)
    ]
    return TfidfTransformer().fit_transform(np.array(counts, dtype=np.float32)), y


def sources():
    """Return TF-IDF rows of pieces of scikit-learn's code, and their subpackages."""
    root = Path(importlib.util.find_spec("sklearn").origin).parent
    pieces, y = [], []
    for path in sorted(root.glob("*/*.py")):
        lines = path.read_text(encoding="utf-8").splitlines()
        for start in range(0, len(lines), LINES):
            pieces.append("\n".join(lines[start : start + LINES]))
            y.append(path.parent.name)
    names, counts = np.unique(y, return_counts=True)
    common = np.isin(y, names[np.argsort(counts)[-10:]])
    texts = [piece for piece, kept in zip(pieces, common, strict=True) if kept]
    return TfidfVectorizer().fit_transform(texts), np.array(y)[common]


TEXTS = {"random topics": topics, "scikit-learn's code, 10 subpackages": sources}


def row(name, n_seeds):
    """Return a row of the table."""
    X, y = TEXTS[name]()
    both = [
        fit_both(PAIRS["softmax"], seed, split(X, y, seed)) for seed in range(n_seeds)
    ]
    here, peer = zip(*both, strict=True)
    differences = [a.accuracy - b.accuracy for a, b in both]
    return {
        "text": name,
        "rows": f"{X.shape[0]:,}",
        "features": f"{X.shape[1]:,}",
        "SoftmaxClassifier": with_error([result.accuracy for result in here]),
        "LogisticRegression": with_error([result.accuracy for result in peer]),
        "difference": with_error(differences, sign="+"),
        "log loss here": f"{np.mean([result.log_loss for result in here]):.3f}",
        "of LogisticRegression": f"{np.mean([result.log_loss for result in peer]):.3f}",
    }


def run(n_seeds):
    """Yield the name, rows and notes of the table."""
    rows = [row(name, n_seeds) for name in tqdm(TEXTS, "text")]
    yield "text", rows, [seeds_note(n_seeds)]
