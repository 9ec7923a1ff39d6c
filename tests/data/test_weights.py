"""Weights near the limits of floating point, and classes that no weight is left of."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.utils.class_weight import compute_class_weight

from sknets import ConvNetClassifier, MLPDropoutClassifier, SoftmaxClassifier
from sknets._data.weights import weigh_classes

QUICK = {"max_epochs": 3, "random_state": 0}
every_classifier = pytest.mark.parametrize(
    "estimator",
    [
        SoftmaxClassifier(**QUICK),
        MLPDropoutClassifier(8, **QUICK),
        ConvNetClassifier(2, hidden_layer_sizes=8, **QUICK),
    ],
    ids=str,
)
# The largest and the smallest numbers, the last of them subnormal.
FACTORS = [2.0**1022, 2.0**-1022, 2.0**-1060]


@pytest.fixture
def ratios():
    """Weights of few bits, which are exact in subnormal numbers too."""
    return np.random.default_rng(0).integers(0, 4, 60).astype(float)


# -- large and small weights ---------------------------------------------------------


@pytest.mark.parametrize("factor", FACTORS)
@every_classifier
def test_only_ratios_count_however_large_or_small(estimator, factor, small, ratios):
    X, y = small
    weight = ratios / 2 * factor
    assert np.isfinite(weight).all()
    # "auto" takes whole numbers as numbers of repetitions.
    estimator = clone(estimator).set_params(weight_decay=0.0)
    expected = clone(estimator).fit(X, y, ratios)
    found = clone(estimator).fit(X, y, weight)
    assert_array_equal(found.predict_proba(X), expected.predict_proba(X))
    assert found.loss_curve_ == expected.loss_curve_


@pytest.mark.parametrize("weight", [1e308, 1e-308, 5e-324])
@every_classifier
def test_equal_weights_are_none(estimator, weight, small):
    X, y = small
    expected = clone(estimator).fit(X, y).predict_proba(X)
    found = clone(estimator).fit(X, y, np.full(60, weight)).predict_proba(X)
    assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("factor", FACTORS)
def test_classes_times_samples(factor, small, ratios):
    X, y = small
    weight_by_class = np.array([1.0, 0.5, 0.25])
    class_weight = dict(enumerate(weight_by_class * factor))
    expected = SoftmaxClassifier(**QUICK).fit(X, y, ratios * weight_by_class[y])
    found = SoftmaxClassifier(class_weight=class_weight, **QUICK)
    found.fit(X, y, ratios / 2 * factor)
    assert found.loss_curve_ == expected.loss_curve_


@pytest.mark.parametrize("factor", FACTORS)
def test_balanced_classes_times_samples(factor, small, ratios):
    X, y = small
    model = SoftmaxClassifier(class_weight="balanced", weight_decay=0.0, **QUICK)
    expected = clone(model).fit(X, y, ratios)
    found = model.fit(X, y, ratios / 2 * factor)
    assert found.loss_curve_ == expected.loss_curve_


@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 1e308, 1: 5e307}])
@pytest.mark.parametrize("factor", FACTORS)
def test_validation_weights(class_weight, factor, small, ratios):
    X, y = small[0][:40], small[1][:40]
    weight = ratios[:40]
    model = SoftmaxClassifier(class_weight=class_weight, **QUICK)
    curves = [
        clone(model)
        .fit(X, y, X_val=X, y_val=y, sample_weight_val=values)
        .validation_loss_curve_
        for values in (weight, weight / 2 * factor)
    ]
    assert curves[0] == curves[1]


@pytest.mark.parametrize("class_weight", [None, {0: 1e30, 2: 1.0}])
@every_classifier
def test_partial_fit_names_weights_beyond_its_precision(estimator, class_weight, small):
    X, y = small
    weight = np.ones(60)
    weight[3] = 1e39
    model = clone(estimator).set_params(class_weight=class_weight)
    message = "sample_weight.* must be finite in dtype='float32'; got 1e"
    with pytest.raises(ValueError, match=message):
        model.partial_fit(X, y, [0, 1, 2], weight)
    fitted = clone(estimator).fit(X, y)
    expected = fitted.predict_proba(X)
    fitted.set_params(class_weight=class_weight, dtype="float64")  # has no effect now
    with pytest.raises(ValueError, match=message):
        fitted.partial_fit(X, y, sample_weight=weight)
    assert_array_equal(fitted.predict_proba(X), expected)


def test_partial_fit_names_a_product_that_overflows(small):
    X, y = small
    model = SoftmaxClassifier(class_weight={0: 1e300}, dtype="float64")
    with pytest.raises(ValueError, match="times class_weight.*dtype='float64'.*inf"):
        model.partial_fit(X, y, [0, 1, 2], np.full(60, 1e300))


def test_partial_fit_in_float64_takes_what_float32_cannot(small):
    X, y = small
    model = SoftmaxClassifier(dtype="float64", learning_rate=1e-39)
    expected = SoftmaxClassifier(dtype="float64", learning_rate=1.0)
    model.partial_fit(X, y, [0, 1, 2], np.full(60, 1e39))
    expected.partial_fit(X, y, [0, 1, 2])
    assert_allclose(model.coef_, expected.coef_, rtol=1e-12)


# -- a class whose rows all weigh zero -----------------------------------------------


@every_classifier
def test_balanced_leaves_out_a_class_without_weight(estimator, small):
    X, y = small[0][:55], small[1][:55]
    weight = np.linspace(0.5, 1.5, 55) * (y != 1)
    counts = np.bincount(y, weight)
    balanced = clone(estimator).set_params(class_weight="balanced")
    found = balanced.fit(X, y, weight)
    expected = clone(estimator).fit(X, y, weight / np.where(counts == 0, 1, counts)[y])
    assert_array_equal(found.classes_, [0, 1, 2])
    assert_allclose(found.predict_proba(X), expected.predict_proba(X), rtol=1e-5)


def test_validation_rows_of_a_class_without_weight_do_not_count(small):
    X, y = small
    weight = (y < 2).astype(float)  # balanced as it is
    found = SoftmaxClassifier(class_weight="balanced", **QUICK)
    found.fit(X, y, weight, X_val=X, y_val=y)
    expected = SoftmaxClassifier(**QUICK)
    expected.fit(X, y, weight, X_val=X, y_val=y, sample_weight_val=weight)
    assert_array_equal(found.coef_, expected.coef_)
    assert found.validation_loss_curve_ == expected.validation_loss_curve_


def test_a_balance_beyond_floating_point_is_named(small):
    X, y = small
    weight = np.where(y == 1, 1e-310, 1.0)
    with pytest.raises(ValueError, match="class_weight=balanced must give finite"):
        SoftmaxClassifier(class_weight="balanced").fit(X, y, weight)


def test_validation_data_of_a_class_without_weight_alone_is_named(small):
    X, y = small
    model = SoftmaxClassifier(class_weight="balanced", **QUICK)
    weight = (y < 2).astype(float)
    with pytest.raises(ValueError, match="class_weight must give .* row of X_val"):
        model.fit(X, y, weight, X_val=X[y == 2], y_val=y[y == 2])


@pytest.mark.parametrize("class_weight", ["balanced", {"a": 3.0, "b": 0.5}, None])
def test_class_weights_count_a_row_as_often_as_it_weighs(class_weight):
    classes, codes = np.array(["a", "b", "c"]), np.array([2, 0, 1, 2, 2, 0])
    repeats = np.array([1, 2, 1, 0, 3, 1])
    found = weigh_classes(class_weight, classes, codes, repeats)
    repeated = classes[np.repeat(codes, repeats)]
    expected = compute_class_weight(class_weight, classes=classes, y=repeated)
    assert_allclose(found, expected)


def test_a_class_without_a_row_takes_no_part_in_the_balance():
    codes, weight = np.array([0, 2, 2, 1]), np.array([1.0, 1.0, 1.0, 0.0])
    found = weigh_classes("balanced", np.array(["a", "b", "c"]), codes, weight)
    assert_allclose(found, [3 / 2, 0, 3 / 4])
