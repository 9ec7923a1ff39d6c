"""skops reads and writes the estimators, trusting only their own classes."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skops.io import dump, dumps, get_untrusted_types, load, loads

import sknets
from sknets import (
    ConvNetClassifier,
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
    MLPDropoutRegressor,
    SoftmaxClassifier,
    VariationalAutoencoderTransformer,
)

QUICK = {"max_epochs": 3, "random_state": 0}
ESTIMATORS = {
    "softmax": SoftmaxClassifier(
        class_weight={0: 1, 1: 2.5, 2: 1}, standardize=True, verbose=1, **QUICK
    ),
    "mlp": MLPDropoutClassifier((9, 8), early_stopping=True, **QUICK),
    "pretrained": MLPDropoutClassifier(
        4,
        pretrained=DenoisingAutoencoderTransformer(4, activation="relu", **QUICK),
        **QUICK,
    ),
    "regressor": MLPDropoutRegressor(np.array([8]), dtype="float64", **QUICK),
    "convnet": ConvNetClassifier(
        (3, 4), kernel_size=2, hidden_layer_sizes=8, image_shape=(1, 5), **QUICK
    ),
    "autoencoder": DenoisingAutoencoderTransformer(
        3, hidden_layer_sizes=4, tied_weights=True, optimizer="adagrad", **QUICK
    ),
    "variational": VariationalAutoencoderTransformer(
        2, hidden_layer_sizes=4, loss="squared_error", noise_variance=0.5, **QUICK
    ),
}
LABELS = {
    "int": np.arange(3),
    "str": np.array(["a", "b", "c"]),
    "object": np.array(["a", "b", "c"], dtype=object),
    "bool": np.array([True, False, True]),
}


def output(estimator, X):
    for name in ("predict_proba", "transform", "predict"):
        if hasattr(estimator, name):
            return getattr(estimator, name)(X)


def own_parameters(estimator):
    parameters = estimator.get_params(deep=False)
    return {name: value for name, value in parameters.items() if name != "pretrained"}


@pytest.fixture(params=ESTIMATORS)
def estimator(request, small):
    estimator = clone(ESTIMATORS[request.param])
    if request.param == "pretrained":
        estimator.pretrained.fit(small[0])
    return estimator


def test_the_trusted_types_are_the_estimators():
    names = {name for name in sknets.__all__ if hasattr(vars(sknets)[name], "fit")}
    assert set(sknets.TRUSTED_TYPES) == {f"sknets.{name}" for name in names}


@pytest.mark.parametrize("warm_start", [False, True])
@pytest.mark.parametrize("in_pipeline", [False, True])
def test_comes_back(estimator, in_pipeline, warm_start, small, tmp_path):
    X, y = small
    model = estimator.set_params(warm_start=warm_start)
    if in_pipeline:
        model = make_pipeline(StandardScaler(), estimator)
    model.fit(X, y)
    dump(model, tmp_path / "model.skops")
    untrusted = get_untrusted_types(file=tmp_path / "model.skops")
    assert f"sknets.{type(estimator).__name__}" in untrusted
    assert set(untrusted) <= set(sknets.TRUSTED_TYPES)
    again = load(tmp_path / "model.skops", trusted=sknets.TRUSTED_TYPES)
    assert_array_equal(output(again, X), output(model, X))
    last = again[-1] if in_pipeline else again
    assert repr(own_parameters(last)) == repr(own_parameters(estimator))
    assert list(last.net_.history) == list(estimator.net_.history)
    if warm_start:
        assert last.fit(X, y).loss_curve_ == estimator.fit(X, y).loss_curve_


@pytest.mark.parametrize("kind", LABELS)
def test_labels(kind, small):
    X, y = small
    model = SoftmaxClassifier(**QUICK).fit(X, LABELS[kind][y])
    again = loads(dumps(model), trusted=sknets.TRUSTED_TYPES)
    assert again.classes_.dtype == model.classes_.dtype
    assert_array_equal(again.predict(X), model.predict(X))


def test_an_estimator_that_is_not_fitted(estimator):
    again = loads(dumps(estimator), trusted=sknets.TRUSTED_TYPES)
    assert not hasattr(again, "net_")
