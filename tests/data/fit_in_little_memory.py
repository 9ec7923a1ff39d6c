"""Train on a file that is larger than the memory of this process may be.

Called as a script, by tests of memory maps: with a folder, a dtype, and whether to
advise the system which rows are read. Prints JSON.
"""

import json
import sys
from pathlib import Path

import numpy as np

from sknets import DenoisingAutoencoderTransformer, MLPDropoutClassifier
from sknets._training import read_ahead

N_FEATURES = 200
FILE_BYTES = 512 * 2**20
SPARE_BYTES = 64 * 2**20  # for all fits, beyond what the process has before

QUICK = {"batch_size": 1000, "max_epochs": 1, "random_state": 0}
MODELS = {
    "raw": MLPDropoutClassifier(20, standardize=False, **QUICK),
    "standardised": MLPDropoutClassifier(20, standardize=True, **QUICK),
    "autoencoder": DenoisingAutoencoderTransformer(8, **QUICK),
}


def write_rows(path, dtype):
    """Write a file of random rows, block by block. Return their labels."""
    n_rows = FILE_BYTES // (N_FEATURES * np.dtype(dtype).itemsize)
    X = np.lib.format.open_memmap(path, "w+", dtype, (n_rows, N_FEATURES))
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(10_000, N_FEATURES)).astype(dtype)
    labels = rng.integers(0, 2, n_rows)
    for start in range(0, n_rows, len(noise)):
        block = X[start : start + len(noise)]
        block[:] = noise[: len(block)]
        block[:, 0] += 8 * labels[start : start + len(noise)]
    X.flush()
    return labels


def memory(name):
    """Return a number of /proc/self/status in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024


def limit_memory():
    """Limit the private memory of this process, and return the limit in bytes.

    RLIMIT_DATA limits what is allocated, so the peak stays below the limit too. A
    shared map of a file does not count. RLIMIT_AS would count all of the file.
    """
    import resource  # not on Windows

    limit = memory("VmData") + SPARE_BYTES
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    try:
        np.ones(2 * SPARE_BYTES // 8)
    except MemoryError:
        return limit
    raise RuntimeError("The limit has no effect.")


def exercise(model, X, y):
    """Train and evaluate. Return the score and the number of outputs."""
    model.fit(X, y)
    evaluate = getattr(model, "predict", None) or model.transform
    return model.score(X, y), len(evaluate(X))


def main(folder, dtype, advice):
    """Train each model on the file, after training on a few rows without a limit."""
    path = Path(folder) / "X.npy"
    y = write_rows(path, dtype)
    X = np.load(path, mmap_mode="r")
    for model in MODELS.values():
        exercise(model, np.array(X[:10_000]), y[:10_000])
    # The machine itself has more memory than this process may use.
    memory_limit = 0 if advice == "advised" else float("inf")
    read_ahead.memory_limit = lambda: memory_limit
    found = {"limit": limit_memory(), "file": X.nbytes, "rows": len(X), "results": {}}
    for name, model in MODELS.items():
        found["results"][name] = exercise(model, X, y)
    path.unlink()
    print(json.dumps(found | {"private": memory("RssAnon")}))


if __name__ == "__main__":
    main(*sys.argv[1:])
