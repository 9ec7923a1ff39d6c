"""How many threads a fit takes, and that others do not notice."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from joblib import Parallel, delayed
from numpy.testing import assert_array_equal
from sklearn.base import clone
from skorch.callbacks import Callback

from sknets import ConvNetClassifier, MLPDropoutClassifier, SoftmaxClassifier
from sknets._compute.threads import threads_for

SMALL = MLPDropoutClassifier(16, max_epochs=3, random_state=0)
ESTIMATORS = [
    SMALL,
    ConvNetClassifier(4, hidden_layer_sizes=8, max_epochs=3, random_state=0),
]
# Products of 200 rows, 5 features and 10,000 units: more than one thread can use.
LARGE = MLPDropoutClassifier(10_000, batch_size=200, max_epochs=3, random_state=0)


class ThreadRecorder(Callback):
    seen = []

    def on_epoch_end(self, net, **kwargs):
        self.seen.append(torch.get_num_threads())


@pytest.fixture(autouse=True)
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    ThreadRecorder.seen.clear()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def many(small):
    """Return the rows of `small` four times, 240 in all."""
    X, y = small
    return np.tile(X, (4, 1)), np.tile(y, 4)


def recorded(estimator):
    return clone(estimator).set_params(callbacks=[ThreadRecorder()])


def fit(estimator, X, y):
    return clone(estimator).fit(X, y).predict_proba(X)


@pytest.mark.parametrize("estimator", [*ESTIMATORS, LARGE], ids=str)
def test_fits_in_threads_take_a_core_each(estimator, many):
    parallel = Parallel(2, backend="threading")
    results = parallel(delayed(fit)(recorded(estimator), *many) for _ in range(4))
    assert ThreadRecorder.seen == [1] * 12
    assert torch.get_num_threads() == 2
    torch.set_num_threads(1)
    for result in results:
        assert_array_equal(result, fit(estimator, *many))


@pytest.mark.parametrize(
    ("estimator", "n_threads"),
    [(SMALL, 1), (SoftmaxClassifier(max_epochs=3), 1), (LARGE, 2)],
)
def test_a_fit_takes_as_many_threads_as_its_products_can_use(
    estimator, n_threads, many
):
    recorded(estimator).fit(*many)
    assert ThreadRecorder.seen == [n_threads] * 3
    assert torch.get_num_threads() == 2


@pytest.mark.kernels
@pytest.mark.parametrize("estimator", [SoftmaxClassifier(max_epochs=9), *ESTIMATORS])
def test_small_nets_are_the_same_for_any_number_of_threads(estimator, many):
    estimator = clone(estimator).set_params(random_state=0)
    results = []
    for n_threads in (1, 2, 5):
        torch.set_num_threads(n_threads)
        results.append(fit(estimator, *many))
    assert_array_equal(results[1], results[0])
    assert_array_equal(results[2], results[0])


def threads_of_predictions(model, X):
    """Return the numbers of threads that the blocks of a prediction see."""
    seen = []
    hook = model.module_.register_forward_hook(
        lambda *_: seen.append(torch.get_num_threads())
    )
    model.predict(X)
    hook.remove()
    return set(seen)


def test_a_prediction_takes_as_many_threads_as_it_can_use(many):
    model = clone(LARGE).fit(*many)
    assert threads_of_predictions(model, many[0][:10]) == {1}
    assert threads_of_predictions(model, np.tile(many[0], (20, 1))) == {2}


def test_the_number_of_threads_survives_an_error(small):
    X, y = small
    with pytest.raises(ValueError, match="unstable"):
        Parallel(2, backend="threading")(
            delayed(fit)(clone(SMALL).set_params(learning_rate=1e30), X, y)
            for _ in range(2)
        )
    assert torch.get_num_threads() == 2


def threads_of_a_new_thread():
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(torch.get_num_threads).result()


def test_a_pool_that_is_used_again_leaves_no_trace(small):
    X, y = small
    with Parallel(2, backend="threading") as parallel:
        for _ in range(3):
            parallel(delayed(fit)(SMALL, X, y) for _ in range(4))
            assert threads_of_a_new_thread() == 2


def test_predictions_in_threads_take_a_core_each(many):
    model = clone(LARGE).fit(*many)
    seen = []
    model.module_.register_forward_hook(lambda *_: seen.append(torch.get_num_threads()))
    parallel = Parallel(2, backend="threading")
    parallel(delayed(model.predict)(np.tile(many[0], (5, 1))) for _ in range(4))
    assert set(seen) == {1}


def test_limits_within_limits():
    with threads_for(0, 1):
        assert torch.get_num_threads() == 1
        with threads_for(100, 1):
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2


def test_a_thread_that_starts_within_a_limit_gets_all_threads_back():
    inside, done = threading.Event(), threading.Event()

    def first():
        with threads_for(0, 1):
            inside.set()
            done.wait(10)

    def second():
        inside.wait(10)
        with threads_for(0, 1):
            done.set()
        return torch.get_num_threads()

    with ThreadPoolExecutor(2) as pool:
        jobs = pool.submit(first), pool.submit(second)
        assert jobs[1].result() == 2
        jobs[0].result()
    assert threads_of_a_new_thread() == 2


def test_a_thread_that_starts_within_a_limit_takes_all_that_it_can_use():
    inside, done = threading.Event(), threading.Event()

    def small_work():
        with threads_for(0, 1):
            inside.set()
            done.wait(10)

    def large_work():
        inside.wait(10)
        with threads_for(100, 1):
            n_threads = torch.get_num_threads()
            done.set()
        return n_threads

    with ThreadPoolExecutor(2) as pool:
        jobs = pool.submit(small_work), pool.submit(large_work)
        assert jobs[1].result() == 2
        jobs[0].result()
    assert threads_of_a_new_thread() == 2
