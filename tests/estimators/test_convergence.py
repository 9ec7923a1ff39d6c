"""The warning that a network has learned nothing."""

import warnings

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback

from sknets import (
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
    MLPDropoutRegressor,
    SoftmaxClassifier,
)
from sknets._data.targets import SingleLabel
from sknets._estimators import convergence
from sknets._networks.losses import CrossEntropy
from sknets._training.rows import Rows


def warnings_of(model, X, y):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.set_params(random_state=0).fit(X, y)
    return [str(w.message) for w in caught if w.category is ConvergenceWarning]


@pytest.fixture(scope="module")
def digits():
    return load_digits(return_X_y=True)


@pytest.mark.parametrize("factor", [1e-7, 1e-6])
def test_features_of_extreme_scale_are_named(factor, digits):
    X, y = digits[0] * factor, digits[1]
    (message,) = warnings_of(SoftmaxClassifier(standardize=False), X, y)
    assert f"value of X is {X.max():g}" in message
    assert "standardize=True" in message
    assert not warnings_of(SoftmaxClassifier(), X, y)


def test_a_dead_network_is_named(digits):
    model = MLPDropoutClassifier((10,) * 4, learning_rate=30.0)
    (message,) = warnings_of(model, *digits)
    assert "learning_rate, which is 30" in message
    assert model.score(*digits) < 0.2


@pytest.mark.parametrize("shape", [(500,), (500, 3)])
def test_a_loss_worse_than_that_of_a_constant_is_named(shape):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(500, 5)), rng.integers(0, 2, shape)
    model = MLPDropoutClassifier(
        20, optimizer="sgd", learning_rate=30.0, lr_schedule="constant"
    )
    (message,) = warnings_of(model, X, y)
    assert "MLPDropoutClassifier has learned nothing" in message
    assert model.loss_curve_[-1] > 1.5 * np.log(2) * np.prod(shape[1:])


@pytest.mark.parametrize("offset", [1e3, 1e6])
def test_an_autoencoder_that_is_worse_than_the_mean_is_named(offset, digits):
    X = digits[0] / 16
    coder = DenoisingAutoencoderTransformer(5)
    (message,) = warnings_of(coder, X + offset, None)
    assert "DenoisingAutoencoderTransformer has learned nothing" in message
    assert "StandardScaler" in message
    assert not warnings_of(coder, X, None)
    assert not warnings_of(coder, StandardScaler().fit_transform(X + offset), None)
    assert not warnings_of(coder.set_params(max_epochs=1), X + offset, None)


@pytest.mark.parametrize("X", [np.ones((30, 4)), np.zeros((30, 4)), np.ones((1, 4))])
def test_an_autoencoder_of_constant_rows_is_silent(X):
    assert not warnings_of(DenoisingAutoencoderTransformer(2), X, None)


@pytest.mark.parametrize("n_samples", [30, 300, 2000])
@pytest.mark.parametrize(
    "model",
    [SoftmaxClassifier(), MLPDropoutClassifier(), MLPDropoutRegressor()],
    ids=str,
)
def test_noise_is_no_reason_to_warn(model, n_samples):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(n_samples, 5)), rng.integers(0, 3, n_samples)
    assert not warnings_of(model, X, y)


def test_a_single_class_of_positive_weight_is_no_reason_to_warn(small):
    X, y = small
    model = MLPDropoutClassifier(random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X[:30], y[:30], sample_weight=(y[:30] == 0).astype(float))
    assert (model.predict(X[:20]) == 0).all()


class StopInFirstEpoch(Callback):
    def on_batch_end(self, net, training=None, **kwargs):
        if training:
            raise KeyboardInterrupt


class StopAfterFirstEpoch(Callback):
    def on_epoch_end(self, net, **kwargs):
        raise KeyboardInterrupt


@pytest.mark.parametrize("callback", [StopInFirstEpoch(), StopAfterFirstEpoch()])
def test_training_that_was_stopped_is_not_judged(callback, digits):
    X, y = digits[0] * 1e-6, digits[1]
    model = SoftmaxClassifier(standardize=False, callbacks=[callback])
    assert not warnings_of(model, X, y)


def test_early_stopping_is_judged(digits):
    X, y = digits[0] * 1e-6, digits[1]
    model = SoftmaxClassifier(standardize=False, early_stopping=True)
    (message,) = warnings_of(model, X, y)
    assert "value of X is" in message
    assert model.n_iter_ < 100


@pytest.mark.parametrize("weighted", [False, True])
def test_loss_of_the_best_constant_in_closed_form(weighted, monkeypatch):
    monkeypatch.setattr(convergence, "BLOCK_ROWS", 7)
    codes = np.arange(50) % 3 * (np.arange(50) % 2)
    weight = np.arange(50) % 4 + 1.0 if weighted else None
    rows = Rows(np.zeros((50, 1)), codes, weight, device=torch.device("cpu"))
    outputs = SingleLabel(np.arange(3)).best_constant(rows.targets(), rows.weights())
    counts = np.bincount(codes, weights=weight)
    frequencies = counts / counts.sum()
    expected = -(counts * np.log(frequencies)).sum() / 50
    found = convergence.constant_loss(outputs, CrossEntropy(), rows)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_other_budgets_do_not_warn(digits):
    model = SoftmaxClassifier(standardize=False, max_epochs=1)
    assert not warnings_of(model, digits[0] * 1e-6, digits[1])


@pytest.mark.parametrize("sizes", [(10,) * 6, (16,) * 8])
def test_narrow_deep_networks_learn(sizes, digits):
    scores = []
    for seed in range(3):
        X, X_test, y, y_test = train_test_split(
            digits[0] / 16, digits[1], stratify=digits[1], random_state=seed
        )
        model = MLPDropoutClassifier(sizes, dropout=0.0)
        assert not warnings_of(model, X, y)
        scores.append(model.score(X_test, y_test))
    # With a deviation of 0.1, the score is 0.1 for any seed.
    assert np.mean(scores) > 0.8
