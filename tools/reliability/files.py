"""Mutated files: saved models, checkpoints and IDX files."""

import gzip
import json
import random
import struct
import tracemalloc
import warnings

import numpy as np

import sknets
from sknets._persistence.container import read_container, write_container
from sknets._training.checkpoint_state import checksum
from sknets.datasets import read_idx
from tools.reliability.models import LABELS, MODELS, NUMBERS, X, fingerprint, train
from tools.reliability.outcome import Outcome
from tools.reliability.servers import idx_bytes

# Reading a file may take this many times its size, and this number of bytes.
FACTOR, BYTES = 30, 2**20

STRANGE = (
    *(None, True, -1, 0, 1, 3, 2**31, 2**63, 10**30, 0.5, -0.0, 1e308),
    *("", "x", "NaN", "adam", "SoftmaxClassifier", [], {}, [[]], [1, 2], {"x": 1}),
    *({"float": "nan"}, {"tuple": [1]}, {"array": ["<f8", [2**20], []]}),
    *({"array": ["<i8", [1], [1]]}, {"scalar": ["<U9", "a"]}, {"dict": [[1, 2]]}),
)


def mutate_bytes(data):
    """Return bytes with a few random changes."""
    data = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 5, 20))):
        # Most of a file are weights; the header is where a change matters.
        end = len(data) if random.random() < 0.5 else min(len(data), 3000)
        place, length = random.randrange(end + 1), random.choice((1, 1, 2, 4, 8, 100))
        what = random.randrange(6)
        if what == 0:
            data[place : place + length] = random.randbytes(length)
        elif what == 1:
            data[place : place + length] = b""
        elif what == 2:
            data[place:place] = random.randbytes(length)
        elif what == 3:
            data[place : place + 1] = bytes(
                [random.choice(b'\x00\x7f\x80\xff09"{}[],-')]
            )
        elif what == 4:
            start = random.randrange(end + 1)
            data[place : place + length] = data[start : start + length]
        else:
            del data[place:]
            break
    return bytes(data)


def mutate_json(value):
    """Change a random place inside a value of JSON, in place."""
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        if not keys:
            return
        key = random.choice(keys)
        inside = isinstance(value[key], (dict, list)) and value[key]
        if inside and random.random() < 0.8:
            value = value[key]
            continue
        what = random.randrange(4)
        if what == 0:
            del value[key]
        elif what == 1 and isinstance(value, dict):
            value[random.choice(("", "x", "net", key * 2))] = value[key]
        else:
            value[key] = random.choice(STRANGE)
        return


def mutate_header(data):
    """Return a file with a change inside the JSON of its header or its document."""
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    if random.random() < 0.7:
        document = json.loads(header["__metadata__"]["sknets"])
        for _ in range(random.choice((1, 1, 2))):
            mutate_json(document)
        header["__metadata__"]["sknets"] = json.dumps(document)
    else:
        mutate_json(header)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + length :]


def saved_models(folder):
    """Return the bytes of files of models of each kind, with the data they predict."""
    files = []
    numbered = sknets.MLPDropoutClassifier(
        (4, 3), optimizer="adam", standardize=True, max_epochs=2, random_state=0
    )
    several = np.c_[X[:, 0] > 0, X[:, 1] > 0].astype(int)
    fits = [
        (numbered, X, several),
        (numbered, X, LABELS.astype(object)),
        (numbered, X, X[:, 0] > 0),
    ]
    for name, model in MODELS.items():
        if "along" not in name and "Plateau" not in name:
            fits.append((model, X, NUMBERS if "regressor" in name else LABELS))
    regressor = sknets.MLPDropoutRegressor((4,), max_epochs=2, random_state=0)
    fits += [(regressor, X, NUMBERS), (regressor, X, X[:, :2])]
    for number, (model, inputs, y) in enumerate(fits):
        path = folder / f"model {number}"
        model.fit(inputs, y).save(path, include_optimizer=number % 2 == 0)
        files.append(path.read_bytes())
    return files


def use(model):
    """Predict with a loaded model. Return whether all is right."""
    names = "predict", "predict_proba", "transform"
    methods = [getattr(model, name) for name in names if hasattr(model, name)]
    for method in methods:
        result = method(X)
        if len(result) != len(X):
            return False
        if result.dtype.kind == "f" and not np.isfinite(result).all():
            return False
    return True


def mutate_models(n, seed, folder):
    """Load mutated files of `save`."""
    random.seed(seed)
    outcome = Outcome()
    files = saved_models(folder)
    path = folder / "mutated"
    tracemalloc.start()
    for trial in range(n):
        data = random.choice(files)
        data = (mutate_bytes, mutate_header)[trial % 2](data)
        path.write_bytes(data)
        model = None
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                model = sknets.load(path, device="cpu")
            kind = "a model"
        except ValueError as error:
            kind = "a ValueError"
            if not str(error).startswith("Cannot load"):
                kind = None
                outcome.fail(f"{trial}: {error!r}")
        except BaseException as error:
            kind = None
            outcome.fail(f"{trial}: {error!r}")
        taken = tracemalloc.get_traced_memory()[1] - before
        if taken > FACTOR * len(data) + BYTES:
            outcome.fail(f"{trial}: {len(data)} bytes took {taken}")
            continue
        if model is not None:
            try:
                right = use(model)
            except ValueError as error:
                right = "not finite" in str(error) or "infinity" in str(error)
                kind = "a model whose predictions raise a ValueError"
                outcome.check(right, kind, f"{trial}: {error!r}")
                continue
            except BaseException as error:
                outcome.fail(f"{trial}: use: {error!r}")
                continue
            kind = "a model that works" if right else None
            if not right:
                outcome.fail(f"{trial}: wrong outputs")
        if kind is not None:
            outcome.add(kind)
    tracemalloc.stop()
    return outcome


def mutate_checkpoints(n, seed, folder):
    """Resume from mutated checkpoints, one half of them with a right checksum."""
    random.seed(seed)
    outcome = Outcome()
    names = [name for name in MODELS if "warm" not in name and "pre-" not in name]
    expected, paths, files = {}, {}, {}
    for name in names:
        expected[name] = fingerprint(train(name, folder / name, every=3))
        (paths[name],) = (folder / name).iterdir()
        files[name] = paths[name].read_bytes()
    for trial in range(n):
        name = names[trial % len(names)]
        path, forged = paths[name], trial % 2 == 1
        if forged:
            path.write_bytes(files[name])
            arrays, document = read_container(path)
            mutate_json(document)
            if random.random() < 0.3:
                arrays.pop(random.choice(list(arrays)))
            try:
                document["checksum"] = checksum(arrays, document)
                write_container(path, arrays, document)
            except ValueError:
                continue  # JSON has no such number
        else:
            path.write_bytes(mutate_bytes(files[name]))
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                model = train(name, folder / name, every=3)
        except BaseException as error:
            outcome.fail(f"{trial}, {name}, {forged=}: {error!r}")
            continue
        same = fingerprint(model) == expected[name]
        if any("cannot be used" in str(w.message) for w in caught):
            kind = "a warning, and the right training"
            outcome.check(same, kind, f"{trial}, {name}: warned, other bits")
        elif forged:
            # Whoever writes the checksum can also write other weights.
            outcome.check(use(model), "forged: a model that works", f"{trial}, {name}")
        else:
            outcome.check(same, "an equal checkpoint", f"{trial}, {name}: other bits")
    return outcome


def mutate_idx(n, seed, folder):
    """Read mutated IDX files, one half of them gzipped."""
    random.seed(seed)
    outcome = Outcome()
    rng = np.random.default_rng(seed)
    images = idx_bytes(rng.integers(0, 256, (20, 8, 8)))
    plain = [images, idx_bytes(rng.integers(0, 10, (50,)))]
    path = folder / "mutated"
    tracemalloc.start()
    for trial in range(n):
        data = random.choice(plain)
        if trial % 4 == 1:  # the change is inside
            data = gzip.compress(mutate_bytes(data), mtime=0)
        else:
            data = mutate_bytes(gzip.compress(data, mtime=0) if trial % 2 else data)
        path.write_bytes(data)
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        try:
            array = read_idx(path)
            right, kind = isinstance(array, np.ndarray), "an array"
        except ValueError as error:
            right, kind = str(path) in str(error), "a ValueError"
        except BaseException as error:
            right, kind = False, repr(error)
        taken = tracemalloc.get_traced_memory()[1] - before
        # gzip makes at most 1,032 bytes of one.
        limit = BYTES + FACTOR * len(data) * (1032 if data[:1] == b"\x1f" else 1)
        if taken > limit:
            outcome.fail(f"{trial}: {len(data)} bytes took {taken}")
        else:
            outcome.check(right, kind, f"{trial}: {kind}")
    tracemalloc.stop()
    return outcome
