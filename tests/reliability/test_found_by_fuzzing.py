"""What random calls have found, so that it stays mended."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone

from sknets import (
    ConvNetClassifier,
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
    MLPDropoutRegressor,
    SoftmaxClassifier,
    VariationalAutoencoderTransformer,
)

QUICK = {"max_epochs": 2, "random_state": 0, "device": "cpu"}


@pytest.mark.parametrize(
    "estimator",
    [
        SoftmaxClassifier(),
        MLPDropoutClassifier(4),
        MLPDropoutRegressor(4),
        ConvNetClassifier(2, hidden_layer_sizes=3),
        DenoisingAutoencoderTransformer(2),
        VariationalAutoencoderTransformer(2),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_single_row_of_a_reversed_array(estimator, dtype, small):
    X, y = small
    X = X.astype(dtype)
    model = clone(estimator).set_params(**QUICK).fit(X, y)
    method = model.predict if hasattr(model, "predict") else model.transform
    reversed_row = X[:1][::-1]
    assert reversed_row.strides[0] < 0
    assert reversed_row.flags.c_contiguous
    assert_array_equal(method(reversed_row), method(X[:1]))


@pytest.mark.parametrize("scoring", ["neg_log_loss", "roc_auc"])
def test_a_score_of_what_the_estimator_lacks_is_named(scoring, small):
    X, _ = small
    model = DenoisingAutoencoderTransformer(
        2, scoring=scoring, early_stopping=True, **QUICK
    )
    with pytest.raises(ValueError, match=f"scoring='{scoring}' does not fit: .*proba"):
        model.fit(X)
    assert not hasattr(model, "net_")


def test_scores_that_overflow_in_float32_are_refused(small):
    X, _ = small
    model = DenoisingAutoencoderTransformer(2, dtype="float64", **QUICK).fit(X)
    large = X.astype(np.float32) * np.float32(1e30)
    with pytest.raises(ValueError, match="so large that the outputs"):
        model.score_samples(large)
    assert np.isfinite(model.score_samples(large.astype(np.float64))).all()


def test_predictions_that_overflow_in_float32_are_refused(small):
    X, _ = small
    model = MLPDropoutRegressor(4, **QUICK).fit(X, X[:, 0] * 1e300)
    with pytest.raises(ValueError, match="not finite in float32. Pass X as float64"):
        model.predict(X.astype(np.float32))
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize(
    "y", [np.array([b"a", b"b"] * 30), np.arange(60).astype("M8[D]")]
)
def test_targets_of_a_regressor_that_are_no_numbers_are_named(y, small):
    X, _ = small
    with pytest.raises(ValueError, match=r"y must hold real numbers; got .* dtype"):
        MLPDropoutRegressor(4, **QUICK).fit(X, y)
