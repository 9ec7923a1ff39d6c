"""Shift and scale of the features, against NumPy and StandardScaler."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import EpochScoring
from threadpoolctl import threadpool_limits

from sknets import (
    ConvNetClassifier,
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
    MLPDropoutRegressor,
    SoftmaxClassifier,
)
from sknets._data import feature_statistics
from sknets._data.feature_statistics import measure
from sknets._data.scaling import find_scale
from sknets._estimators import base
from sknets.datasets import load_mnist_sample

TABLES = [load_breast_cancer, load_digits, load_iris, load_wine]


# -- statistics ----------------------------------------------------------------------


@pytest.fixture
def table(rng):
    return rng.normal(size=(300, 4)) * [1, 10, 1e-3, 1e4] + [0, -5, 1, 1e6]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("container", [np.asarray, torch.tensor, sparse.csr_array])
@pytest.mark.parametrize("block_bytes", [2**8, 2**22])
def test_weighted_statistics_are_numpys(
    container, block_bytes, table, rng, monkeypatch
):
    monkeypatch.setattr(feature_statistics, "BLOCK_BYTES", block_bytes)
    monkeypatch.setattr(feature_statistics, "BLOCK_ENTRIES", block_bytes // 8)
    weight = rng.integers(0, 3, len(table)).astype(float)
    table[::7, 1] = 0
    repeated = np.repeat(table, weight.astype(int), axis=0)
    seen = measure(container(table), weight)
    assert_allclose(seen.mean, repeated.mean(axis=0), rtol=1e-12)
    tolerance = 1e-3 if container is sparse.csr_array else 1e-10
    assert_allclose(seen.variance, repeated.var(axis=0), rtol=tolerance)
    assert_allclose(seen.mean_abs, abs(repeated).mean(axis=0), rtol=1e-12)
    assert_array_equal(seen.low, repeated.min(axis=0))
    assert_array_equal(seen.high, repeated.max(axis=0))
    assert_allclose(seen.n_zeros, (repeated == 0).sum(axis=1).mean(), rtol=1e-12)


def test_true_is_a_standard_scaler(table):
    table = np.column_stack([table, np.full(len(table), 7.0)])
    scaler = StandardScaler().fit(table)
    shift, scale = find_scale(table, None, True)
    assert_allclose(shift, scaler.mean_, rtol=1e-12)
    assert_allclose(scale, scaler.scale_, rtol=1e-9)


# -- the rule of "auto" --------------------------------------------------------------


@pytest.mark.parametrize("load", TABLES)
@pytest.mark.parametrize("n_kept", [50, 0.5])
@pytest.mark.parametrize("seed", range(5))
def test_standardised_data_are_left_alone_after_a_split(load, n_kept, seed):
    X = StandardScaler().fit_transform(load().data)
    part, _ = train_test_split(X, train_size=n_kept, random_state=seed)
    assert find_scale(part, None, "auto") == (None, None)
    assert find_scale(sparse.csr_array(part), None, "auto") == (None, None)


def test_pixels_are_left_alone_or_divided_by_their_maximum():
    mnist, digits = load_mnist_sample().data, load_digits().data
    assert find_scale(mnist, None, "auto") == (None, None)
    assert find_scale(digits / 16, None, "auto") == (None, None)
    for X, largest in ((np.rint(mnist * 255), 255), (digits, 16)):
        shift, scale = find_scale(X, None, "auto")
        assert shift is None
        assert_array_equal(scale, largest)


@pytest.mark.parametrize("load", [load_breast_cancer, load_wine])
def test_features_of_many_scales_are_standardised(load):
    X = load().data
    scaler = StandardScaler().fit(X)
    shift, scale = find_scale(X, None, "auto")
    assert_allclose(shift, scaler.mean_, rtol=1e-12)
    assert_allclose(scale, scaler.scale_, rtol=1e-9)


def test_features_of_one_range_share_one_deviation():
    X = 1 - load_mnist_sample().data
    shift, scale = find_scale(X, None, "auto")
    assert_allclose(shift, X.mean(axis=0, dtype=float), rtol=1e-6)
    assert_allclose(scale, X.std(axis=0, dtype=float).max(), rtol=1e-6)


def test_short_sparse_rows_are_lengthened_but_not_centred():
    words = ["".join(pair) for pair in np.ndindex(20, 20) for pair in [map(str, pair)]]
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(words, 30)) for _ in range(200)]
    X = TfidfVectorizer().fit_transform(texts)
    shift, scale = find_scale(X, None, "auto")
    assert shift is None
    assert len(np.unique(scale)) == 1
    expected = min(30, X.shape[1] / 10)
    assert_allclose((X / scale[0]).power(2).sum(axis=1).mean(), expected)


@pytest.mark.parametrize("value", [0.0, 5.0, 1e6])
def test_constant_features_and_single_rows(value):
    for X in (np.full((5, 3), value), np.full((1, 3), value)):
        y = np.arange(len(X), dtype=float)
        model = MLPDropoutRegressor(8, max_epochs=2, random_state=0).fit(X, y)
        assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize("weighted", [False, True])
def test_the_scale_does_not_depend_on_the_number_of_threads(weighted, rng):
    X = rng.normal(size=(20_000, 30)) * 1e3 + 7
    weight = rng.random(20_000) if weighted else None
    found = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads):
            found.append(find_scale(X, weight, True))
    assert_array_equal(found[0], found[1])


@pytest.mark.parametrize("factor", [1e-300, 1e306])
def test_only_ratios_of_weights_count_however_large(factor, table):
    weight = np.arange(len(table)) % 5.0
    expected = find_scale(table, weight, True)
    assert_allclose(find_scale(table, weight * factor, True), expected, rtol=1e-12)


def test_squares_that_overflow_are_an_error_that_names_X(table):
    with pytest.raises(ValueError, match="X contains values so large that their squ"):
        MLPDropoutClassifier().fit(table * 1e200, np.arange(len(table)) % 2)


# -- estimators ----------------------------------------------------------------------

QUICK = {"max_epochs": 5, "random_state": 0}


@pytest.mark.parametrize(
    "model",
    [
        SoftmaxClassifier(**QUICK),
        MLPDropoutClassifier(16, **QUICK),
        ConvNetClassifier(4, hidden_layer_sizes=16, **QUICK),
    ],
    ids=str,
)
@pytest.mark.kernels
def test_data_of_good_scale_get_the_same_bits_as_without(model, digits):
    standardised, _, y, _ = digits
    pixels = (load_digits().data[:1200] / 16).astype(np.float32)
    for X in (standardised, pixels, pixels.astype(np.float64)):
        expected = model.set_params(standardize=False).fit(X, y).predict_proba(X)
        found = model.set_params(standardize="auto").fit(X, y).predict_proba(X)
        assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
def test_pixels_up_to_255_train_as_in_the_unit_interval(dtype, digits):
    y = digits[2]
    X = np.rint(load_digits().data[:1200] / 16 * 255)
    model = MLPDropoutClassifier(16, **QUICK)
    unit = (X / 255).astype(np.float32)
    expected = model.fit(unit, y).predict_proba(unit)
    found = model.fit(X.astype(dtype), y).predict_proba(X.astype(np.float32))
    assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", [SoftmaxClassifier, MLPDropoutClassifier])
def test_a_mean_of_a_million_deviations_is_no_loss_of_precision(kind, small):
    X, y = small
    scaled = make_pipeline(StandardScaler(), kind(standardize=False, **QUICK))
    inside = kind(standardize=True, **QUICK)
    far = X + 1e6
    expected = scaled.fit(far, y).predict_proba(far)
    assert_allclose(inside.fit(far, y).predict_proba(far), expected, atol=1e-5)
    assert inside.score(far, y) > 0.8


def test_callbacks_predict_without_a_loss_of_precision(small):
    X, y = small
    far = X + 1e6
    scoring = EpochScoring("accuracy", on_train=True, name="accuracy")
    model = MLPDropoutClassifier(standardize=True, callbacks=[scoring], **QUICK)
    model.fit(far, y)
    assert model.net_.history[-1, "accuracy"] == model.score(far, y)
    assert_array_equal(model.net_.predict(far.tolist()), model.predict(far))


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64, torch.float64])
def test_wide_tensors_keep_their_precision(dtype, small):
    X, y = small
    far = torch.tensor(X * 1000).to(dtype) + 2**30
    assert SoftmaxClassifier(**QUICK).fit(far, y).score(far, y) > 0.8


def test_float64_networks_scale_float32_in_float64(small):
    X = (small[0] * 50 + 1000).astype(np.float32)
    model = SoftmaxClassifier(dtype="float64", **QUICK)
    expected = model.fit(X.astype(np.float64), small[1]).coef_
    assert_array_equal(model.fit(X, small[1]).coef_, expected)


def test_no_float64_goes_to_an_mps_device(small, monkeypatch):
    # There is no such device here: the last step before it is looked at.
    monkeypatch.setattr(base, "resolve_device", lambda *_: torch.device("mps"))
    X = small[0] * 1000
    assert MLPDropoutClassifier()._training_dtype(X, reset=True) == "float32"


def test_coef_is_in_units_of_X(small):
    X, y = small
    X = X * [1, 1e3, 1e-3, 1, 50] + [0, 10, 5, -3, 1e4]
    model = SoftmaxClassifier(random_state=0).fit(X, y)
    assert not model.module_.input_scale.does_nothing
    logits = X @ model.coef_.T.astype(float) + model.intercept_
    assert_allclose(logits, model.decision_function(X), atol=1e-2)
    exact = SoftmaxClassifier(dtype="float64", random_state=0).fit(X, y)
    logits = X @ exact.coef_.T + exact.intercept_
    assert_allclose(logits, exact.decision_function(X), rtol=1e-8, atol=1e-8)


def test_module_takes_X_in_its_own_units():
    X, y = load_wine(return_X_y=True)
    model = MLPDropoutClassifier(random_state=0).fit(X, y)
    with torch.no_grad():
        logits = model.module_(torch.tensor(X)).numpy()
    assert_allclose(logits, model.decision_function(X), rtol=1e-4, atol=1e-4)


def test_scale_stays_that_of_the_first_call():
    X, y = load_wine(return_X_y=True)
    model = MLPDropoutClassifier(8, warm_start=True, **QUICK).fit(X, y)
    first = model.module_.input_scale.scale.clone()
    model.fit(X * 100, y)
    model.partial_fit(X + 5, y)
    assert torch.equal(model.module_.input_scale.scale, first)


def test_sparse_and_weighted_rows():
    X, y = load_digits(return_X_y=True)
    model = SoftmaxClassifier(random_state=0, max_epochs=20)
    dense = model.fit(X, y).predict_proba(X)
    found = model.fit(sparse.csr_array(X), y).predict_proba(X)
    assert_allclose(found, dense, atol=1e-5)
    # The prediction from float64 CSR drops columns without entries.
    few = sparse.csr_array(X[:20])
    assert_allclose(model.predict_proba(few), model.predict_proba(X[:20]), atol=1e-9)
    assert_allclose(
        find_scale(X[:50] + 3, np.arange(50) % 3, "auto"),
        find_scale(np.repeat(X[:50] + 3, np.arange(50) % 3, axis=0), None, "auto"),
    )


def test_channels_share_shift_and_scale():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 6, 5, 3)) * [1, 20, 3] + [100, 50, 0]
    y = np.arange(40) % 2
    model = ConvNetClassifier(4, hidden_layer_sizes=8, **QUICK).fit(X, y)
    layer = model.module_.input_scale
    shift, scale = (t.numpy().reshape(6, 5, 3) for t in (layer.shift, layer.scale))
    assert_allclose(shift, np.broadcast_to(X.mean(axis=(0, 1, 2)), (6, 5, 3)))
    assert_allclose(scale, np.broadcast_to(X.std(axis=(0, 1, 2)), (6, 5, 3)))


def test_pretrained_keeps_X_as_it_is():
    X, y = load_wine(return_X_y=True)
    X = X / 10
    coder = DenoisingAutoencoderTransformer(8, max_epochs=2, random_state=0).fit(X)
    options = {"activation": "softplus", "pretrained": coder, "max_epochs": 2}
    assert MLPDropoutClassifier(8, **options).fit(X, y).module_.input_scale.does_nothing
    scaled = MLPDropoutClassifier(8, standardize=True, **options).fit(X, y)
    assert not scaled.module_.input_scale.does_nothing


@pytest.mark.slow
@pytest.mark.parametrize("load", TABLES)
def test_raw_tables_are_as_good_as_standardised_ones(load):
    data = load(return_X_y=True)
    differences = {SoftmaxClassifier: [], MLPDropoutClassifier: []}
    for seed in range(4):
        X, X_test, y, y_test = train_test_split(
            *data, stratify=data[1], random_state=seed
        )
        for kind, found in differences.items():
            raw = kind(random_state=seed).fit(X, y)
            scaled = make_pipeline(StandardScaler(), kind(random_state=seed)).fit(X, y)
            found.append(raw.score(X_test, y_test) - scaled.score(X_test, y_test))
    for found in differences.values():
        assert np.mean(found) > -0.03
