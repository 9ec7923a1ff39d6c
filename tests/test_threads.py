from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from joblib import Parallel, delayed
from numpy.testing import assert_array_equal
from sklearn.base import clone
from skorch.callbacks import Callback

from sknets import ConvNetClassifier, MLPDropoutClassifier

ESTIMATORS = [
    MLPDropoutClassifier(16, max_epochs=3, random_state=0),
    ConvNetClassifier(4, hidden_layer_sizes=8, max_epochs=3, random_state=0),
]


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


def fit(estimator, X, y):
    return clone(estimator).fit(X, y).predict_proba(X)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
def test_fits_in_threads_take_a_core_each(estimator, small):
    recorded = clone(estimator).set_params(callbacks=[ThreadRecorder()])
    parallel = Parallel(2, backend="threading")
    results = parallel(delayed(fit)(recorded, *small) for _ in range(4))
    assert ThreadRecorder.seen == [1] * 12
    assert torch.get_num_threads() == 2
    torch.set_num_threads(1)
    for result in results:
        assert_array_equal(result, fit(estimator, *small))


def test_a_fit_alone_takes_all_cores(small):
    recorded = clone(ESTIMATORS[0]).set_params(callbacks=[ThreadRecorder()])
    Parallel(1)(delayed(fit)(recorded, *small) for _ in range(1))
    assert ThreadRecorder.seen == [2] * 3


def test_the_number_of_threads_survives_an_error(small):
    X, y = small
    with pytest.raises(ValueError, match="unstable"):
        Parallel(2, backend="threading")(
            delayed(fit)(clone(ESTIMATORS[0]).set_params(learning_rate=1e30), X, y)
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
            parallel(delayed(fit)(ESTIMATORS[0], X, y) for _ in range(4))
            assert threads_of_a_new_thread() == 2


def test_predictions_in_threads_take_a_core_each(small):
    X, y = small
    model = clone(ESTIMATORS[0]).fit(X, y)
    seen = []
    model.module_.register_forward_hook(lambda *_: seen.append(torch.get_num_threads()))
    parallel = Parallel(2, backend="threading")
    parallel(delayed(model.predict)(X) for _ in range(4))
    assert seen == [1] * 4
