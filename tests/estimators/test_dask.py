"""Searches on a real dask cluster of worker processes, and arrays of dask."""

import os
import signal
import threading
import time
from contextlib import contextmanager
from itertools import chain
from uuid import uuid4

import joblib
import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_validate
from skorch.callbacks import Callback

from sknets import MLPDropoutClassifier, SoftmaxClassifier

dask_array = pytest.importorskip("dask.array")
distributed = pytest.importorskip("distributed")

MODEL = MLPDropoutClassifier(8, max_epochs=3, random_state=0)
GRID = {"learning_rate": [0.03, 0.1, 0.3], "dropout": [0.0, 0.5]}
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")

no_signals = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")


@pytest.fixture
def start_cluster(monkeypatch):
    """Return a context that starts a cluster and returns its client."""

    @contextmanager
    def start(*, n_workers, n_threads_of_torch=1, **options):
        # The workers get them, and distributed sets them in this process too.
        for name in THREAD_VARIABLES:
            monkeypatch.setenv(name, str(n_threads_of_torch))
        with (
            distributed.LocalCluster(
                n_workers=n_workers,
                # With None, each cluster would ask for port 8787.
                dashboard_address="127.0.0.1:0",
                **options,
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            client.wait_for_workers(n_workers, timeout=60)
            client.amm.stop()  # it drops the copies of what `scatter` gave to all
            yield client

    return start


class Meeting:
    """A scorer that waits in its worker until a file is there.

    Parameters
    ----------
    folder : Path
        Each process that has begun to score leaves a file here, named by its id.
    """

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, estimator, X, y):
        (self.folder / f"{os.getpid()}.pid").touch()
        wait_for(lambda: (self.folder / "go").exists())
        log_proba = estimator.predict_log_proba(X)
        return log_proba[np.arange(len(y)), y].mean()


def wait_for(condition, timeout=60):
    deadline = time.monotonic() + timeout
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.01)
    return found


def kill_a_worker(folder):
    """Kill the first worker that has begun to score, and let the others go on."""
    (file, *_) = wait_for(lambda: list(folder.glob("*.pid")))
    os.kill(int(file.stem), signal.SIGKILL)
    (folder / "killed").write_text(file.stem)
    (folder / "go").touch()


@contextmanager
def worker_killed_in(folder):
    """Kill a worker while the context is active. Raise if none was killed."""
    killer = threading.Thread(target=kill_a_worker, args=[folder])
    killer.start()
    try:
        yield
    finally:
        killer.join()
    assert (folder / "killed").exists()


def shared_by_all(X, y):
    """Return folds, and a list of all arrays that each worker should hold.

    joblib puts other arrays of more than a kilobyte on one worker only.
    """
    folds = list(StratifiedKFold(3).split(X, y))
    return folds, [X, y, *chain.from_iterable(folds)]


@pytest.mark.slow
@no_signals
def test_a_search_survives_the_death_of_a_worker(small, start_cluster, tmp_path):
    X, y = small
    folds, shared = shared_by_all(X, y)
    search = GridSearchCV(MODEL, GRID, scoring=Meeting(tmp_path), cv=folds, n_jobs=-1)
    with (
        start_cluster(n_workers=2, threads_per_worker=1) as client,
        joblib.parallel_backend("dask", scatter=shared),
        worker_killed_in(tmp_path),
    ):
        before = set(client.run(os.getpid).values())
        found = clone(search).fit(X, y)
        after = set(wait_for(lambda: two_workers(client)))
    killed = int((tmp_path / "killed").read_text())
    assert killed in before - after
    expected = clone(search).set_params(n_jobs=1).fit(X, y)
    assert found.best_params_ == expected.best_params_
    wanted = expected.cv_results_
    for name, values in found.cv_results_.items():
        if not name.endswith("_time"):
            assert list(values) == list(wanted[name]), name
    best, best_alone = found.best_estimator_, expected.best_estimator_
    assert_array_equal(best.predict_proba(X), best_alone.predict_proba(X))


def two_workers(client):
    ids = client.run(os.getpid, on_error="ignore").values()
    return list(ids) if len(ids) == 2 else []


@pytest.mark.slow
@no_signals
def test_cross_validation_survives_the_death_of_a_worker(
    small, start_cluster, tmp_path
):
    X, y = small
    folds, shared = shared_by_all(X, y)
    options = {"cv": folds, "scoring": Meeting(tmp_path), "return_estimator": True}
    with (
        start_cluster(n_workers=2, threads_per_worker=1),
        joblib.parallel_backend("dask", scatter=shared),
        worker_killed_in(tmp_path),
    ):
        found = cross_validate(MODEL, X, y, n_jobs=-1, **options)
    expected = cross_validate(MODEL, X, y, n_jobs=1, **options)
    assert_array_equal(found["test_score"], expected["test_score"])
    for one, other in zip(found["estimator"], expected["estimator"], strict=True):
        assert_array_equal(one.predict_proba(X), other.predict_proba(X))


# -- threads ---------------------------------------------------------------------------

# Products of 200 rows, 5 features and 10,000 units: two threads can use them.
LARGE = MLPDropoutClassifier(10_000, batch_size=200, max_epochs=1, random_state=0)


class ThreadRecorder(Callback):
    """Write torch's number of threads, in a fit, to a file."""

    def __init__(self, folder):
        self.folder = folder

    def on_epoch_end(self, net, **kwargs):
        (self.folder / f"{uuid4()}.threads").write_text(str(torch.get_num_threads()))


def failing_scorer(estimator, X, y):
    raise ZeroDivisionError("no score")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("threads_per_worker", "n_threads_of_torch", "expected"),
    [(1, 2, 2), (2, 2, 1)],
)
def test_each_fit_uses_the_threads_that_its_worker_was_given(
    small, start_cluster, tmp_path, threads_per_worker, n_threads_of_torch, expected
):
    X, y = (np.concatenate([array] * 8) for array in small)
    model = clone(LARGE).set_params(callbacks=[ThreadRecorder(tmp_path)])
    with (
        start_cluster(
            n_workers=2,  # joblib uses no cluster that has a single thread
            threads_per_worker=threads_per_worker,
            n_threads_of_torch=n_threads_of_torch,
        ),
        joblib.parallel_backend("dask"),
    ):
        cross_validate(model, X, y, cv=4, n_jobs=-1)
        with pytest.raises(ZeroDivisionError, match="no score"):
            cross_validate(
                MODEL, X, y, n_jobs=-1, scoring=failing_scorer, error_score="raise"
            )
    seen = [int(file.read_text()) for file in tmp_path.glob("*.threads")]
    assert seen == [expected] * 4


# -- arrays ----------------------------------------------------------------------------


def test_arrays_of_dask_are_read_into_memory(small):
    X, y = small
    blocks = dask_array.from_array(X, chunks=(25, 5))
    labels = dask_array.from_array(y, chunks=25)
    model = SoftmaxClassifier(max_epochs=3, random_state=0)
    expected = clone(model).fit(X, y).predict_proba(X)
    assert_array_equal(model.fit(blocks, labels).predict_proba(blocks), expected)


def test_partial_fit_reads_the_blocks_of_dask(small):
    order = np.random.default_rng(0).permutation(60)
    X, y = (array[order] for array in small)
    blocks = dask_array.from_array(X, chunks=(25, 5)).blocks
    labels = dask_array.from_array(y, chunks=25).blocks
    model, expected = (SoftmaxClassifier(random_state=0) for _ in range(2))
    for X_block, y_block in zip(blocks, labels, strict=True):
        model.partial_fit(X_block, y_block, classes=[0, 1, 2])
    for start in range(0, 60, 25):
        rows = slice(start, start + 25)
        expected.partial_fit(X[rows], y[rows], classes=[0, 1, 2])
    assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
