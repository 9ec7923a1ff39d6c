"""Copies and pickles of estimators: plain values, rebuilt on any device."""

import copy
import io
import pickle

import joblib
import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import InconsistentVersionWarning
from skorch.callbacks import Callback, LRScheduler

import sknets
from sknets import (
    ConvNetClassifier,
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
    MLPDropoutRegressor,
    SoftmaxClassifier,
    VariationalAutoencoderTransformer,
)
from sknets._estimators import state as state_module
from sknets._estimators.registry import PUBLIC_ESTIMATORS

QUICK = {"max_epochs": 3, "random_state": 0}
ESTIMATORS = [
    SoftmaxClassifier(standardize=True, **QUICK),
    MLPDropoutClassifier((9, 8), **QUICK),
    MLPDropoutRegressor(8, loss="huber", **QUICK),
    ConvNetClassifier((3, 4), kernel_size=2, hidden_layer_sizes=8, **QUICK),
    DenoisingAutoencoderTransformer(
        3, hidden_layer_sizes=4, tied_weights=True, **QUICK
    ),
    DenoisingAutoencoderTransformer(3, dtype="float64", **QUICK),
    VariationalAutoencoderTransformer(2, hidden_layer_sizes=4, **QUICK),
]
every_estimator = pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)


def output(estimator, X):
    for name in ("decision_function", "transform", "predict"):
        if hasattr(estimator, name):
            return getattr(estimator, name)(X)


def through_joblib(estimator, folder):
    joblib.dump(estimator, folder / "model")
    return joblib.load(folder / "model", mmap_mode="r")


DUPLICATES = {
    "pickle": lambda estimator, folder: pickle.loads(pickle.dumps(estimator)),
    "old pickle": lambda estimator, folder: pickle.loads(pickle.dumps(estimator, 2)),
    "deepcopy": lambda estimator, folder: copy.deepcopy(estimator),
    "joblib": through_joblib,
}
every_duplicate = pytest.mark.parametrize(
    "duplicate", DUPLICATES.values(), ids=DUPLICATES
)


@every_duplicate
@every_estimator
class TestDuplicates:
    def test_have_the_same_outputs_and_attributes(
        self, estimator, duplicate, small, tmp_path
    ):
        X, y = small
        fitted = clone(estimator).fit(X, y)
        twin = duplicate(fitted, tmp_path)
        for data in (X, X.astype(np.float32)):
            assert_array_equal(output(twin, data), output(fitted, data))
        assert vars(twin).keys() == vars(fitted).keys()
        assert twin.loss_curve_ == fitted.loss_curve_
        assert list(twin.net_.history) == list(fitted.net_.history)
        assert vars(twin.net_).keys() == vars(fitted.net_).keys()
        assert str(twin.module_) == str(fitted.module_)

    @pytest.mark.kernels
    def test_go_on_as_the_original_does(self, estimator, duplicate, small, tmp_path):
        X, y = small
        fitted = clone(estimator).set_params(warm_start=True).fit(X, y)
        twin = duplicate(fitted, tmp_path)
        before = output(fitted, X)
        twin.fit(X, y)
        assert_array_equal(output(fitted, X), before)
        assert not np.array_equal(output(twin, X), before)
        fitted.fit(X, y)
        assert_array_equal(output(twin, X), output(fitted, X))
        assert twin.loss_curve_ == fitted.loss_curve_


@every_estimator
def test_a_pickle_names_no_class_but_the_public_one(estimator, small):
    fitted = clone(estimator).set_params(warm_start=True, verbose=1).fit(*small)
    named = set()

    class Recorder(pickle.Unpickler):
        def find_class(self, module, name):
            named.add((module, name))
            return super().find_class(module, name)

    Recorder(io.BytesIO(pickle.dumps(fitted))).load()
    others = {pair for pair in named if not pair[0].startswith("numpy")}
    assert others == {("sknets", type(estimator).__name__)}


def test_every_estimator_of_the_package_is_public():
    names = {name for name in sknets.__all__ if hasattr(vars(sknets)[name], "fit")}
    assert set(PUBLIC_ESTIMATORS) == names
    assert {type(estimator).__name__ for estimator in ESTIMATORS} == names


@every_estimator
def test_the_state_is_plain(estimator, small):
    fitted = clone(estimator).set_params(warm_start=True).fit(*small)

    def check(value):
        if isinstance(value, dict):
            check(list(value) + list(value.values()))
        elif isinstance(value, (list, tuple)):
            for item in value:
                check(item)
        else:
            kinds = (str, int, float, bool, np.ndarray, np.generic, type(None))
            assert isinstance(value, kinds), value

    check(fitted.__getstate__())


@pytest.mark.parametrize("is_carried", [False, True])
def test_the_optimizer_goes_with_calls_that_need_it(is_carried, small):
    X, y = small
    model = MLPDropoutClassifier(300, optimizer="adam", random_state=0, max_epochs=1)
    by_fit, by_parts = clone(model).fit(X, y), clone(model)
    by_parts.partial_fit(X, y, classes=[0, 1, 2])
    if is_carried:
        by_fit.set_params(warm_start=True)
    else:
        by_parts.fit(X, y)
    n_bytes = 4 * sum(p.numel() for p in by_fit.module_.parameters())
    for fitted in (by_fit, by_parts):
        size = len(pickle.dumps(fitted))
        assert (3 if is_carried else 1) * n_bytes < size
        assert size < (3 if is_carried else 1) * n_bytes + 5000


def test_a_pickle_without_the_optimizer_still_continues(small):
    X, y = small
    fitted = SoftmaxClassifier(optimizer="adam", **QUICK).fit(X, y)
    twin = pickle.loads(pickle.dumps(fitted))
    assert twin.partial_fit(X, y).n_iter_ == 4
    assert np.isfinite(twin.coef_).all()


def test_parameters_that_changed_after_fit(small):
    X, y = small
    fitted = MLPDropoutClassifier(8, warm_start=True, **QUICK).fit(X, y)
    fitted.set_params(hidden_layer_sizes=5, activation="tanh", dtype="float64")
    twin = pickle.loads(pickle.dumps(fitted))
    assert twin.get_params() == fitted.get_params()
    assert_array_equal(output(twin, X), output(fitted, X))
    with pytest.warns(UserWarning, match="activation, dtype, hidden_layer_sizes chan"):
        twin.fit(X, y)


class Counter(Callback):
    n_epochs = 0

    def on_epoch_end(self, net, **kwargs):
        self.n_epochs += 1


def test_callbacks_keep_their_state(small):
    model = SoftmaxClassifier(
        callbacks=[("counter", Counter())], verbose=1, warm_start=True, **QUICK
    ).fit(*small)
    twin = pickle.loads(pickle.dumps(model)).fit(*small)
    counters = [dict(m.net_.callbacks_)["counter"].n_epochs for m in (model, twin)]
    assert counters == [3, 6]
    names = [name for name, _ in twin.net_.callbacks_]
    assert names == [name for name, _ in model.net_.callbacks_]


def test_a_schedule_of_skorch_does_not_carry_the_optimizer(small):
    model = MLPDropoutClassifier(
        300,
        optimizer="adam",
        lr_schedule="constant",
        callbacks=[LRScheduler("StepLR", step_size=1, gamma=0.5)],
        **QUICK,
    ).fit(*small)
    n_bytes = 4 * sum(p.numel() for p in model.module_.parameters())
    assert len(pickle.dumps(model)) < n_bytes + 5000
    # The next epoch has number 4, in the original as in the copy.
    twins = [pickle.loads(pickle.dumps(model)), copy.copy(model)]
    for twin in twins:
        twin.set_params(warm_start=True).fit(*small)
    rates = [twin.net_.history[-3:, "lr"] for twin in twins]
    assert rates[0] == rates[1]


def test_the_state_of_optimizers_of_the_user(small):
    model = SoftmaxClassifier(
        optimizer=torch.optim.LBFGS,
        learning_rate=0.1,
        batch_size=60,
        warm_start=True,
        **QUICK,
    ).fit(*small)
    data = pickle.dumps(model)
    assert b"torch._utils" not in data  # which rebuilds tensors
    twin = pickle.loads(data)
    assert twin.fit(*small).loss_curve_ == model.fit(*small).loss_curve_


def test_an_estimator_that_is_not_fitted(small):
    twin = pickle.loads(pickle.dumps(SoftmaxClassifier(**QUICK)))
    assert not hasattr(twin, "net_")
    assert twin.fit(*small).n_iter_ == 3


def test_a_shallow_copy_shares_the_network(small):
    fitted = SoftmaxClassifier(**QUICK).fit(*small)
    assert copy.copy(fitted).net_ is fitted.net_


def test_a_pickle_read_in_inference_mode_can_be_trained(small):
    fitted = SoftmaxClassifier(**QUICK).fit(*small)
    with torch.inference_mode():
        twin = pickle.loads(pickle.dumps(fitted))
    twin.partial_fit(*small)


class TestDevices:
    def state_of_another_machine(self, estimator, small, **parameters):
        """Return a state as if the estimator had been trained on another device."""
        state = clone(estimator).fit(*small).__getstate__()
        state["_network"]["parameters"] = state["_network"]["parameters"] | parameters
        return state | parameters

    @pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
    @pytest.mark.parametrize("device", ["cuda", "cuda:1", torch.device("cuda")])
    def test_one_that_is_not_there_gives_the_cpu(self, device, small):
        estimator = MLPDropoutClassifier(8, warm_start=True, optimizer="adam", **QUICK)
        state = self.state_of_another_machine(estimator, small, device=device)
        # What torch's optimizer on CUDA has and that on the CPU has not.
        state["_network"]["optimizer"]["groups"][0]["fused"] = None
        twin = object.__new__(MLPDropoutClassifier)
        with pytest.warns(UserWarning, match="cuda.* cannot be used: .* on the CPU"):
            twin.__setstate__(state)
        assert twin.device_ == torch.device("cpu")
        assert twin.device == device
        straight = clone(estimator).fit(*small)
        assert_array_equal(output(twin, small[0]), output(straight, small[0]))
        assert twin.fit(*small).loss_curve_ == straight.fit(*small).loss_curve_

    def test_of_a_gpu_without_float64_gives_the_cpu(self, small):
        estimator = SoftmaxClassifier(dtype="float64", **QUICK)
        state = self.state_of_another_machine(estimator, small, device="mps")
        with pytest.warns(UserWarning, match="mps.* on the CPU instead"):
            object.__new__(SoftmaxClassifier).__setstate__(state)

    @pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
    @every_estimator
    def test_from_cuda_to_the_cpu(self, estimator, small, monkeypatch):
        X, y = small
        fitted = clone(estimator).set_params(warm_start=True, device="cuda").fit(X, y)
        data = pickle.dumps(fitted)
        assert pickle.loads(data).device_.type == "cuda"
        with monkeypatch.context() as patch:
            patch.setattr(torch.cuda, "is_available", lambda: False)
            with pytest.warns(UserWarning, match="on the CPU instead"):
                twin = pickle.loads(data)
        assert twin.device_.type == "cpu"
        np.testing.assert_allclose(
            output(twin, X), output(fitted, X), rtol=1e-4, atol=1e-5
        )
        twin.partial_fit(X, y)


def test_other_versions_warn(small, monkeypatch):
    fitted = SoftmaxClassifier(**QUICK).fit(*small)
    saved = {"sknets": "0.0.1", "scikit-learn": "1.5.2"}
    with monkeypatch.context() as patch:
        patch.setattr(state_module, "VERSIONS", saved)
        data = pickle.dumps(fitted)
    with (
        pytest.warns(InconsistentVersionWarning, match="1.5.2") as records,
        pytest.warns(UserWarning, match="pickled by sknets 0.0.1"),
    ):
        twin = pickle.loads(data)
    assert records[0].message.estimator_name == "SoftmaxClassifier"
    assert twin.score(*small) == fitted.score(*small)
    pickle.loads(pickle.dumps(twin))  # it is of the installed versions now
