"""A row has the same outputs whatever comes with it, on whatever machine."""

import copy
import gc
import pickle
from contextlib import suppress

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from torch import nn

from sknets import (
    ConvNetClassifier,
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
    SoftmaxClassifier,
)
from sknets._networks.activations import ACTIVATIONS
from sknets._training import evaluation
from sknets._training.evaluation import (
    convolutions_in_float32,
    evaluation_mode,
    float64_device,
    to_float64,
)

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    return rng.random((157, 10)), np.arange(157) % 3


def check_rows_do_not_meet(method, X):
    """Compare rows together, in another order and alone, in float64."""
    together = method(X)
    order = np.random.default_rng(1).permutation(len(X))
    alone = np.concatenate([method(row[np.newaxis]) for row in X])
    assert together.dtype == np.float64
    assert_allclose(method(X[order]), together[order], rtol=1e-11, atol=1e-13)
    assert_allclose(alone, together, rtol=1e-11, atol=1e-13)


@pytest.mark.kernels
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("n_components", [13, 20])
@pytest.mark.parametrize(
    ("output_activation", "loss"),
    [
        ("identity", "squared_error"),
        ("softplus", "squared_error"),
        ("logistic", "squared_error"),
        ("logistic", "cross_entropy"),
    ],
)
def test_rows_of_an_autoencoder(
    activation, n_components, output_activation, loss, data
):
    X, _ = data
    coder = DenoisingAutoencoderTransformer(
        n_components,
        hidden_layer_sizes=16,
        activation=activation,
        output_activation=output_activation,
        loss=loss,
        max_epochs=3,
        random_state=0,
    ).fit(X)
    for method in (coder.transform, coder.reconstruct, coder.score_samples):
        check_rows_do_not_meet(method, X)


@pytest.mark.kernels
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(
    "classifier",
    [
        MLPDropoutClassifier((33, 5)),
        MLPDropoutClassifier(16),
        ConvNetClassifier((3, 5), hidden_layer_sizes=16),
        ConvNetClassifier(4, kernel_size=4, hidden_layer_sizes=(7, 3)),
    ],
    ids=str,
)
def test_rows_of_a_classifier(classifier, activation, data):
    classifier.set_params(activation=activation, max_epochs=3, random_state=0)
    classifier.fit(*data)
    for method in (classifier.predict_proba, classifier.decision_function):
        check_rows_do_not_meet(method, data[0])


@pytest.mark.kernels
def test_rows_of_softmax_regression(data):
    model = SoftmaxClassifier(max_epochs=3, random_state=0).fit(*data)
    check_rows_do_not_meet(model.predict_log_proba, data[0])


NETWORKS = [
    SoftmaxClassifier(),
    MLPDropoutClassifier((16, 8), activation="tanh"),
    ConvNetClassifier(4, hidden_layer_sizes=8),
]


@pytest.mark.parametrize("classifier", NETWORKS, ids=str)
def test_float64_answers_equal_a_network_of_float64(classifier, data, device):
    X, y = data
    model = classifier.set_params(max_epochs=3, random_state=0, device=device)
    model.fit(X, y)
    module = copy.deepcopy(model.module_).double()
    with torch.inference_mode():
        expected = module(torch.from_numpy(X).to(device)).cpu().numpy()
    # The convolutions stay in float32.
    tolerance = 1e-5 if isinstance(classifier, ConvNetClassifier) else 1e-13
    assert_allclose(model.decision_function(X), expected, atol=tolerance)


def test_float64_answers_of_an_autoencoder_equal_numpy(data):
    X, _ = data
    coder = DenoisingAutoencoderTransformer(
        4, activation="tanh", tied_weights=True, max_epochs=3, random_state=0
    ).fit(X)
    weight, bias, decoder_bias = (
        p.detach().numpy().astype(np.float64) for p in coder.module_.parameters()
    )
    unit = coder.module_.encoder.divisor.item()
    codes = np.tanh(X / unit @ weight.T + bias)
    assert_allclose(coder.transform(X), codes, atol=1e-14)
    restored = unit * (codes @ weight + decoder_bias)
    assert_allclose(coder.reconstruct(X), restored, atol=1e-14)
    assert_allclose(coder.inverse_transform(codes), restored, atol=1e-14)
    errors = 0.5 * np.square(restored - X).sum(axis=1)
    assert_allclose(coder.score_samples(X), -errors, atol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int64, bool])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_the_dtype_of_an_answer_is_that_of_x(dtype, precision, data):
    X, y = data
    model = MLPDropoutClassifier(8, max_epochs=2, dtype=precision).fit(X, y)
    expected = np.float32 if dtype == np.float32 else np.float64
    assert model.predict_proba(X.astype(dtype)).dtype == expected
    assert model.decision_function(X.astype(dtype)).dtype == expected
    assert model.predict(X.astype(dtype)).dtype == y.dtype


class TestKeptCopies:
    """The copy in float64 that is kept between calls."""

    @pytest.fixture
    def model(self, data):
        return MLPDropoutClassifier(8, max_epochs=2, random_state=0).fit(*data)

    @pytest.fixture
    def is_kept(self, model):
        return lambda: model.module_ in evaluation._cache

    def test_is_used_again(self, model, data, is_kept):
        model.predict(data[0].astype(np.float32))
        assert not is_kept()
        model.predict(data[0])
        copies = [to_float64(model.module_, CPU)[0] for _ in range(2)]
        assert copies[0] is copies[1]
        assert copies[0] is not model.module_

    @pytest.mark.parametrize(
        "change",
        [
            lambda module: module.output.requires_grad_(False).weight.zero_(),
            lambda module: module.load_state_dict(
                {k: torch.ones_like(v) for k, v in module.state_dict().items()}
            ),
            lambda module: setattr(
                module.output, "weight", nn.Parameter(torch.zeros(3, 8))
            ),
            lambda module: setattr(module, "output", nn.Linear(8, 3).half().float()),
            lambda module: setattr(
                module.output.weight, "data", torch.zeros_like(module.output.weight)
            ),
        ],
    )
    def test_follows_changed_weights(self, model, data, change):
        X = data[0]
        before = model.decision_function(X)
        change(model.module_)
        after = model.decision_function(X)
        assert not np.allclose(before, after)
        assert_allclose(after, model.decision_function(X.astype(np.float32)), atol=1e-5)

    def test_calls_hooks_that_came_later(self, model, data):
        model.predict(data[0])
        seen = []
        model.module_.output.register_forward_hook(lambda *_: seen.append(1))
        model.predict(data[0])
        assert seen == [1]

    def test_is_not_in_a_pickle(self, model, data):
        model.predict(data[0].astype(np.float32))
        before = len(pickle.dumps(model))
        model.predict(data[0])
        assert len(pickle.dumps(model)) == before

    def test_is_dropped_when_training_goes_on(self, model, data, is_kept):
        model.predict(data[0])
        assert is_kept()
        model.partial_fit(*data)
        assert not is_kept()

    def test_goes_with_its_model(self, data):
        gc.collect()
        before = len(evaluation._cache)
        model = SoftmaxClassifier(max_epochs=1).fit(*data)
        model.predict(data[0])
        assert len(evaluation._cache) == before + 1
        del model
        gc.collect()
        assert len(evaluation._cache) == before

    def test_of_many_weights_is_not_kept(self, model, data, is_kept, monkeypatch):
        expected = model.decision_function(data[0])
        evaluation.drop_cached_copies(model.module_)
        monkeypatch.setattr(evaluation, "MAX_CACHED_BYTES", 100)
        assert_array_equal(model.decision_function(data[0]), expected)
        assert not is_kept()

    def test_of_weights_that_count_no_changes_is_not_kept(self, model, data, is_kept):
        expected = model.decision_function(data[0])
        with torch.inference_mode():
            model.net_.module_ = copy.deepcopy(model.module_)
        assert next(model.module_.parameters()).is_inference()
        assert_array_equal(model.decision_function(data[0]), expected)
        assert model.module_ not in evaluation._cache


@pytest.mark.parametrize(
    "estimator",
    [
        SoftmaxClassifier(),
        MLPDropoutClassifier(8),
        ConvNetClassifier(2, hidden_layer_sizes=4),
        DenoisingAutoencoderTransformer(3, tied_weights=True),
    ],
    ids=str,
)
def test_a_wide_sparse_matrix_lifts_the_columns_with_entries(estimator, monkeypatch):
    rng = np.random.default_rng(0)
    X = sparse.csr_array(rng.random((30, 400)) * (rng.random((30, 400)) < 0.01))
    estimator.set_params(max_epochs=2, random_state=0).fit(X, np.arange(30) % 2)
    names = {"transform", "reconstruct", "predict_proba", "score_samples"}
    methods = [getattr(estimator, n) for n in sorted(names) if hasattr(estimator, n)]
    expected = [method(X) for method in methods]
    evaluation.drop_cached_copies(estimator.module_)
    monkeypatch.setattr(evaluation, "MAX_CACHED_BYTES", 0)
    for method, result in zip(methods, expected, strict=True):
        assert_allclose(method(X), result, atol=1e-13)
    if isinstance(estimator, (SoftmaxClassifier, MLPDropoutClassifier)):
        lifted, narrow = to_float64(estimator.module_, CPU, X)
        assert narrow.shape[1] == len(np.unique(X.indices)) < 120
        assert next(lifted.parameters()).shape[1] == narrow.shape[1]


def test_float32_answers_do_not_lift_weights(data, monkeypatch):
    model = MLPDropoutClassifier(8, max_epochs=1).fit(*data)
    monkeypatch.setattr(evaluation, "to_float64", None)
    model.predict_proba(data[0].astype(np.float32))


def test_a_device_without_float64_leaves_it_to_the_cpu():
    assert float64_device(torch.device("mps")) == CPU
    assert float64_device(CPU) == CPU
    assert float64_device(torch.device("cuda:1")) == torch.device("cuda:1")


def test_a_copy_is_where_it_is_wanted(data):
    model = ConvNetClassifier(2, hidden_layer_sizes=4, max_epochs=1).fit(*data)
    lifted, _ = to_float64(model.module_, torch.device("meta"))
    assert {p.device.type for p in lifted.parameters()} == {"meta"}
    assert {p.device.type for p in model.module_.parameters()} == {"cpu"}


def test_convolutions_do_not_round_to_tf32():
    before = torch.backends.cudnn.allow_tf32, torch.backends.cudnn.enabled
    with convolutions_in_float32():
        assert not torch.backends.cudnn.allow_tf32
        assert torch.backends.cudnn.enabled == before[1]
    assert (torch.backends.cudnn.allow_tf32, torch.backends.cudnn.enabled) == before


def test_evaluation_leaves_the_mode_as_it_was():
    module = nn.Sequential(nn.Linear(2, 2), nn.Dropout())
    for training in (True, False):
        module.train(training)
        with evaluation_mode(module, CPU):
            assert not module[1].training
            assert torch.is_inference_mode_enabled()
        assert module[1].training == training
        with suppress(ZeroDivisionError), evaluation_mode(module, CPU):
            _ = 1 / 0
        assert module[1].training == training


@pytest.mark.parametrize("n_units", [8, 300])
@pytest.mark.parametrize("difference", [-1, 0, 1])
@pytest.mark.parametrize("n_blocks", [1, 2])
def test_blocks_are_put_together(n_units, difference, n_blocks, data):
    model = MLPDropoutClassifier(n_units, max_epochs=1).fit(*data)
    n_rows = n_blocks * model.module_.max_rows + difference
    assert model.module_.max_rows * n_units <= 2**19
    X = np.random.default_rng(0).normal(size=(n_rows, 10))
    with torch.inference_mode():
        logits = copy.deepcopy(model.module_).double()(torch.from_numpy(X)).numpy()
    assert_allclose(model.decision_function(X), logits, atol=1e-13)
    assert_array_equal(model.predict(X), logits.argmax(axis=1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sums_that_overflow_are_no_fault(dtype):
    X = np.array([[1.0, 0.0], [0.0, 1.0]] * 20, dtype)
    model = SoftmaxClassifier(max_epochs=1).fit(X, [0, 1] * 20)
    large = np.finfo(dtype).max / 4
    with torch.no_grad():
        model.module_.output.weight.copy_(torch.eye(2))
    assert_array_equal(model.predict(X * large), [0, 1] * 20)
