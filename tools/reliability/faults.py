"""Faults within this process: a full disk, damaged files, a lack of memory."""

import itertools
import os
import random
import resource
import signal
import warnings
import weakref
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from unittest import mock

import joblib
import numpy as np
import torch
from joblib.externals.loky.process_executor import TerminatedWorkerError
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

import sknets
from sknets._training import evaluation, trainer
from sknets.datasets import _download, fetch_mnist
from tools.reliability.models import LABELS, MODELS, NUMBERS, X, fingerprint, train
from tools.reliability.outcome import Outcome
from tools.reliability.servers import serve_mnist, use_mirror


@contextmanager
def full_disk(n_bytes):
    """Let writing fail after a number of bytes of each file."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def targets_of(name):
    """Return y for the model of a name."""
    return NUMBERS if "regressor" in name else LABELS


def fill_disk(n, seed, folder):
    """Let the disk be full while models, checkpoints and downloads are written."""
    random.seed(seed)
    outcome = Outcome()
    model, other = train("perceptron, warm start, adamw"), train("softmax")
    path = folder / "models" / "model"
    path.parent.mkdir()
    model.save(path)
    size = path.stat().st_size
    other.save(path)
    old = path.read_bytes()
    expected = {name: fingerprint(train(name)) for name in MODELS}
    former = _download.MIRRORS, _download.SHA256
    with serve_mnist(folder / "mirror", seconds=0) as (address, checksums):
        use_mirror(address, checksums)
        for trial in range(n):
            what = ("save", "checkpoint", "download")[trial % 3]
            home = folder / f"home {trial}"
            try:
                if what == "save":
                    with full_disk(random.randrange(size)):
                        model.save(path)
                elif what == "checkpoint":
                    name = random.choice(list(MODELS))
                    with warnings.catch_warnings(record=True) as caught:
                        warnings.simplefilter("always")
                        with full_disk(random.randrange(1000)):
                            same = fingerprint(train(name, home)) == expected[name]
                    warned = any("could not be written" in str(w) for w in caught)
                    outcome.check(
                        same and warned and not list(home.iterdir()),
                        "checkpoint: a warning, and the right training",
                        f"{name}: {same=}, {warned=}, {list(home.iterdir())}",
                    )
                    continue
                else:
                    with full_disk(random.randrange(100)):
                        fetch_mnist(data_home=home, subset="test", n_retries=1)
                outcome.fail(f"{what}: no error")
            except OSError:
                whole = path.read_bytes() == old
                empty = len(list(path.parent.iterdir())) == 1
                nothing = not list(home.glob("mnist/*"))
                outcome.check(
                    whole and empty and nothing,
                    f"{what}: an OSError, the old file whole, and nothing else",
                    f"{what}: {whole=}, {empty=}, {nothing=}",
                )
    _download.MIRRORS, _download.SHA256 = former
    return outcome


def cut_checkpoints(n, seed, folder):
    """Cut checkpoints at every 1,000th byte, for at most `n` cuts of each model."""
    outcome = Outcome()
    for name in MODELS:
        expected = fingerprint(train(name, folder / name))
        (path, *_) = sorted((folder / name).iterdir())
        data = path.read_bytes()
        for end in range(0, len(data), 1000)[:n]:
            path.write_bytes(data[:end])
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                same = fingerprint(train(name, folder / name)) == expected
            warned = any("cannot be used" in str(w.message) for w in caught)
            outcome.check(
                same and warned,
                "a warning, and the right training",
                f"{name}, cut at {end}: {same=}, {warned=}",
            )
    return outcome


def fail(function, n_left, held, *arguments):
    """Yield the first items of a generator, then raise torch's error."""
    tensor = torch.ones(1000)
    held.append(weakref.ref(tensor))
    items = function(*arguments)
    yield from itertools.islice(items, n_left)
    raise torch.OutOfMemoryError("CUDA out of memory. (simulated)")


def exhaust_memory(n, seed, folder):
    """Raise torch's error of a lack of memory in a random batch or block."""
    random.seed(seed)
    outcome = Outcome()
    batches, blocks = trainer.training_batches, evaluation.prediction_blocks
    for trial in range(n):
        name = list(MODELS)[trial % len(MODELS)]
        y = targets_of(name)
        kind = random.choice(("fit", "warm fit", "partial_fit", "predict"))
        model = clone(MODELS[name])
        if kind != "fit":
            model.set_params(warm_start=True, max_epochs=3).fit(X, y)
        before = dict(vars(model))
        digest = None if kind == "fit" else fingerprint(model)
        n_left = random.randrange(1 if kind == "predict" else 12)
        held = []

        method = "predict" if hasattr(model, "predict") else "transform"
        try:
            with (
                mock.patch.object(
                    trainer, "training_batches", partial(fail, batches, n_left, held)
                ),
                mock.patch.object(
                    evaluation, "prediction_blocks", partial(fail, blocks, n_left, held)
                ),
            ):
                if kind == "predict":
                    getattr(model, method)(X)
                else:
                    getattr(model, kind.removeprefix("warm "))(X, y)
            outcome.fail(f"{name}, {kind}: no error")
        except MemoryError as error:
            free = all(reference() is None for reference in held)
            if digest is None:
                same = vars(model) == before
            else:
                same = fingerprint(model) == digest
            outcome.check(
                same and free and "not enough memory for" in str(error),
                "a MemoryError, the memory given back, the estimator as it was",
                f"{name}, {kind}: {error}, {same=}, {free=}",
            )
    return outcome


def diverge(n, seed, folder):
    """Train with learning rates and features that may make training unstable."""
    random.seed(seed)
    outcome = Outcome()
    for trial in range(n):
        name = list(MODELS)[trial % len(MODELS)]
        y = targets_of(name)
        model = clone(MODELS[name]).set_params(
            max_epochs=3, warm_start=True, lr_schedule="constant"
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(X, y)
            digest = fingerprint(model)
            model.set_params(learning_rate=10 ** random.uniform(0, 38))
            method = "predict_proba" if hasattr(model, "predict_proba") else "predict"
            method = method if hasattr(model, method) else "transform"
            try:
                model.fit(X * 10 ** random.uniform(-10, 20), y)
            except ValueError as error:
                same = fingerprint(model) == digest
                outcome.check(
                    same and "unstable" in str(error),
                    "a ValueError, and the estimator as it was",
                    f"{name}: {error}, {same=}",
                )
                continue
            finite = np.isfinite(getattr(model, method)(X)).all()
            outcome.check(finite, "trained to finite outputs", f"{name}: not finite")
    return outcome


class MortalPerceptron(sknets.MLPDropoutClassifier):
    """A perceptron that kills its process, if a file says so."""

    def fit(self, X, y):
        """Train, or die."""
        order = Path(self.callbacks[0].folder, "die")
        if self.hidden_layer_sizes == 4 and order.exists():
            order.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().fit(X, y)


def kill_workers(n, seed, folder):
    """Kill a worker of a search with ``n_jobs=2``; then search again."""
    outcome = Outcome()
    grid = {"hidden_layer_sizes": [3, 4, 5, 6]}
    plain = sknets.MLPDropoutClassifier(max_epochs=5, random_state=0)
    reference = GridSearchCV(plain, grid, cv=2).fit(X, LABELS).cv_results_
    for trial in range(n):
        place = folder / f"trial {trial}"
        place.mkdir()
        (place / "die").touch()
        model = MortalPerceptron(
            max_epochs=5, random_state=0, callbacks=[sknets.Checkpoint(place)]
        )
        search = GridSearchCV(model, grid, cv=2, n_jobs=2)
        try:
            with warnings.catch_warnings():
                # joblib says that a worker stopped.
                warnings.simplefilter("ignore")
                search.fit(X, LABELS)
            outcome.fail("no error")
        except TerminatedWorkerError:
            unfitted = not hasattr(search, "best_score_")
            scores = search.fit(X, LABELS).cv_results_["mean_test_score"]
            same = np.array_equal(scores, reference["mean_test_score"])
            outcome.check(
                unfitted and same,
                "joblib's TerminatedWorkerError; the same search ends the second time",
                f"{unfitted=}, {same=}",
            )
    return outcome


def pass_fixed_arrays(n, seed, folder):
    """Train on arrays that cannot be written to: flags, maps of files, joblib's."""
    random.seed(seed)
    outcome = Outcome()
    expected = {name: fingerprint(train(name)) for name in MODELS}

    def freeze(array, kind, path):
        if kind == "read-only":
            array = array.copy()
            array.flags.writeable = False
        elif kind == "np.load with mmap_mode":
            np.save(path, array)
            array = np.load(f"{path}.npy", mmap_mode="r")
        else:
            joblib.dump(array, path)
            array = joblib.load(path, mmap_mode="r")
        return array

    kinds = ("read-only", "np.load with mmap_mode", "joblib.load with mmap_mode")
    for trial in range(n):
        name, kind = list(MODELS)[trial % len(MODELS)], random.choice(kinds)
        fixed = freeze(X, kind, folder / f"X {trial}")
        y = freeze(targets_of(name), kind, folder / f"y {trial}")
        model = clone(MODELS[name])
        fits = 2 if model.warm_start else 1
        for _ in range(fits):
            model.fit(fixed, y)
        same = fingerprint(model) == expected[name]
        unchanged = np.array_equal(fixed, X) and np.array_equal(y, targets_of(name))
        outcome.check(
            same and unchanged,
            f"{kind}: the same bits, and the arrays unchanged",
            f"{name}, {kind}: {same=}, {unchanged=}",
        )
    return outcome
