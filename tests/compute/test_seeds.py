from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from joblib import Parallel, delayed
from numpy.testing import assert_array_equal
from sklearn.base import clone

from sknets import (
    ConvNetClassifier,
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
    SoftmaxClassifier,
    VariationalAutoencoderTransformer,
)
from sknets._compute.seeds import NOISE, SHUFFLING, draw_seed, spawn_seed

QUICK = {"batch_size": 16, "max_epochs": 3}
ESTIMATORS = [
    SoftmaxClassifier(**QUICK),
    MLPDropoutClassifier(16, **QUICK),
    ConvNetClassifier(4, hidden_layer_sizes=8, **QUICK),
    DenoisingAutoencoderTransformer(4, noise_level=0.5, **QUICK),
    VariationalAutoencoderTransformer(4, hidden_layer_sizes=8, **QUICK),
]


def outputs(estimator, X, y):
    """Fit a clone; return what it makes of X."""
    fitted = clone(estimator).fit(X, y)
    method = "transform" if hasattr(fitted, "transform") else "predict_proba"
    return getattr(fitted, method)(X)


def outputs_on_one_thread(estimator, X, y):
    import torch

    torch.set_num_threads(1)
    return outputs(estimator, X, y)


@pytest.mark.kernels
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
class TestRandomness:
    def test_same_seed_same_bits(self, estimator, small, device):
        X, y = small
        seeded = clone(estimator).set_params(random_state=3, device=device)
        assert_array_equal(outputs(seeded, X, y), outputs(seeded, X, y))

    def test_another_seed_another_net(self, estimator, small):
        X, y = small
        one, other = (
            outputs(clone(estimator).set_params(random_state=seed), X, y)
            for seed in (1, 2)
        )
        assert not np.array_equal(one, other)

    def test_global_generators_stay(self, estimator, small, global_random_state):
        X, y = small
        for random_state in (0, None, np.random.RandomState(0)):
            before = global_random_state()
            outputs(clone(estimator).set_params(random_state=random_state), X, y)
            assert global_random_state() == before

    def test_global_seeds_decide_nothing(self, estimator, small):
        X, y = small
        results = []
        for _ in range(2):
            np.random.seed(0)
            results.append(outputs(estimator, X, y))
        assert not np.array_equal(*results)

    def test_random_state_instance_moves_on(self, estimator, small):
        X, y = small
        seeded = clone(estimator).set_params(random_state=np.random.RandomState(0))
        first = seeded.fit(X, y).net_.seed
        assert seeded.fit(X, y).net_.seed != first

    def test_two_threads_fit_at_once(self, estimator, small):
        X, y = small
        seeded = clone(estimator).set_params(random_state=0)
        expected = outputs(seeded, X, y)
        with ThreadPoolExecutor(2) as pool:
            jobs = [pool.submit(outputs, seeded, X, y) for _ in range(4)]
        for job in jobs:
            assert_array_equal(job.result(), expected)


@pytest.mark.kernels
@pytest.mark.filterwarnings("default")
def test_a_joblib_worker_gives_the_same_bits(small):
    import torch

    X, y = small
    estimators = [clone(e).set_params(random_state=0) for e in ESTIMATORS]
    found = Parallel(n_jobs=2)(
        delayed(outputs_on_one_thread)(estimator, X, y) for estimator in estimators
    )
    n_threads = torch.get_num_threads()
    try:
        expected = [outputs_on_one_thread(estimator, X, y) for estimator in estimators]
    finally:
        torch.set_num_threads(n_threads)
    for one, other in zip(found, expected, strict=True):
        assert_array_equal(one, other)


def test_streams_of_a_seed_differ():
    seeds = {
        spawn_seed(seed, purpose, epoch)
        for seed in range(10)
        for purpose in (NOISE, SHUFFLING)
        for epoch in range(50)
    }
    assert len(seeds) == 1000


@pytest.mark.parametrize("random_state", [0, 2**32 - 1, np.int64(5), None])
def test_seeds_are_python_integers(random_state):
    assert type(draw_seed(random_state)) is int


def test_the_first_epoch_is_shuffled(digits):
    # In the given order, the sorted labels would teach one class at a time.
    X, y = digits[0], np.sort(digits[2])
    X = X[np.argsort(digits[2], kind="stable")]
    model = SoftmaxClassifier(max_epochs=1, random_state=0, lr_schedule="constant")
    assert model.fit(X, y).score(X, y) > 0.8
