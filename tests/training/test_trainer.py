"""Budgets, schedules, early stopping, continued training, callbacks and weights."""

import math
import pickle

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.metrics import log_loss
from skorch.callbacks import Callback, LRScheduler

from sknets import (
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
    SoftmaxClassifier,
)
from sknets._estimators.validation_split import hold_out
from sknets._training.evaluation import mean_loss
from sknets._training.rows import Rows

EXACT = {
    "batch_size": 1000,
    "max_epochs": 40,
    "dtype": "float64",
    "random_state": 0,
}
EXACT_CLASSIFIERS = [
    SoftmaxClassifier(**EXACT),
    MLPDropoutClassifier(8, dropout=0.0, **EXACT),
]


class Recorder(Callback):
    """Keep what the hooks of all instances see."""

    seen = []

    def on_train_begin(self, net, **kwargs):
        self.seen.append("begin")

    def on_epoch_end(self, net, **kwargs):
        self.seen.append(net.optimizer_.param_groups[0]["lr"])


class SplitRecorder(Callback):
    """Keep which rows are trained on and which are held out."""

    seen = []

    def on_epoch_begin(self, net, dataset_train, dataset_valid, **kwargs):
        rows = (dataset_train, dataset_valid)
        self.seen.append(tuple(set(r.rows.index.tolist()) for r in rows))


class BatchRecorder(Callback):
    """Listens to batches and gradients."""

    sizes = []
    gradients = []

    def on_batch_end(self, net, batch, training, **kwargs):
        self.sizes.append(len(batch[0]))

    def on_grad_computed(self, net, named_parameters, **kwargs):
        self.gradients.append([name for name, _ in named_parameters])


class Stopper(Callback):
    """Stops the way that skorch's own callbacks do."""

    def __init__(self, hook, epoch=3):
        self.hook = hook
        self.epoch = epoch

    def _stop(self, net, hook):
        if hook == self.hook and len(net.history) == self.epoch:
            raise KeyboardInterrupt

    def on_train_begin(self, net, **kwargs):
        if self.hook == "begin":
            raise KeyboardInterrupt

    def on_train_end(self, net, **kwargs):
        if self.hook == "end":
            raise KeyboardInterrupt

    def on_epoch_end(self, net, **kwargs):
        self._stop(net, "epoch")

    def on_batch_end(self, net, **kwargs):
        self._stop(net, "batch")


class Broken(Callback):
    def on_epoch_end(self, net, **kwargs):
        raise RuntimeError("a bug of the user")


class CtrlC(torch.optim.SGD):
    """The user gives up in the middle of an update."""

    def step(self, closure=None):
        raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def _forget():
    for record in (Recorder.seen, BatchRecorder.sizes, BatchRecorder.gradients):
        record.clear()


@pytest.mark.parametrize(
    ("n_samples", "expected"), [(100, 1000), (400, 500), (20_000, 20), (60_000, 10)]
)
def test_auto_budget_is_updates_but_some_epochs_at_least(n_samples, expected):
    X, y = np.zeros((n_samples, 1)), np.arange(n_samples) % 2
    assert SoftmaxClassifier().fit(X, y).n_iter_ == expected


def test_cosine_schedule_ends_where_the_budget_ends(small):
    X, y = small
    SoftmaxClassifier(
        learning_rate=0.2, batch_size=30, max_epochs=4, callbacks=[Recorder()]
    ).fit(X, y)
    # The rate of the last of two updates of each epoch.
    expected = [0.1 * (1 + math.cos(math.pi * step / 8)) for step in (1, 3, 5, 7)]
    assert Recorder.seen[0] == "begin"
    assert_allclose(Recorder.seen[1:], expected)


def test_constant_schedule_and_partial_fit_after_a_cosine(small):
    X, y = small
    model = SoftmaxClassifier(learning_rate=0.2, max_epochs=4, callbacks=[Recorder()])
    model.fit(X, y).partial_fit(X, y)
    assert Recorder.seen[-1] == 0.2
    model.set_params(lr_schedule="constant").fit(X, y)
    assert Recorder.seen[-4:] == [0.2] * 4


def test_batches_are_even_and_complete():
    X, y = np.zeros((205, 2)), np.arange(205) % 2
    SoftmaxClassifier(max_epochs=1, callbacks=[BatchRecorder()]).fit(X, y)
    assert sorted(BatchRecorder.sizes) == [68, 68, 69]
    assert BatchRecorder.gradients == [["output.weight", "output.bias"]] * 3


def test_early_stopping_returns_the_best_epoch(digits):
    X, _, y, _ = digits
    model = MLPDropoutClassifier(
        early_stopping=True, n_iter_no_change=3, max_epochs=200, random_state=0
    ).fit(X, y)
    losses = model.net_.history[:, "valid_loss"]
    assert model.n_iter_ == len(losses) < 200
    assert min(losses[:-3]) < min(losses[-3:]) + 1e-4
    _, held_out = hold_out_of(model, X, y)
    loss = mean_loss(model.module_, model.net_.criterion_, held_out)
    assert_allclose(loss, min(losses), rtol=1e-6)


def test_the_best_epoch_is_kept_when_no_improvement_counts(small):
    X, y = small
    model = SoftmaxClassifier(
        early_stopping=True, n_iter_no_change=4, tol=10.0, random_state=0
    ).fit(X, y)
    losses = model.net_.history[:, "valid_loss"]
    assert model.n_iter_ == 1 + 4  # the first loss improves on none
    _, held_out = hold_out_of(model, X, y)
    loss = mean_loss(model.module_, model.net_.criterion_, held_out)
    assert_allclose(loss, min(losses), rtol=1e-6)
    assert min(losses) < losses[0]


def test_held_out_rows_are_not_trained_on(small):
    X, y = small
    SplitRecorder.seen.clear()
    SoftmaxClassifier(
        early_stopping=True, max_epochs=2, callbacks=[SplitRecorder()]
    ).fit(X, y)
    (trained, held_out), again = SplitRecorder.seen
    assert not trained & held_out
    assert trained | held_out == set(range(60))
    assert (trained, held_out) == again


def rows_of(model, X, y):
    return Rows(X.astype(np.float32), y, device=model.device_)


def hold_out_of(model, X, y):
    """Split rows as `fit` does."""
    rows = rows_of(model, X, y)
    return hold_out(rows, model._targets, model.validation_fraction, model.net_.seed)


def test_validation_split_is_stratified_and_disjoint(digits):
    X, _, y, _ = digits
    model = SoftmaxClassifier(max_epochs=1, random_state=0).fit(X, y)
    train, held_out = hold_out_of(model, X, y)
    assert len(held_out) == 120
    assert not set(train.index.tolist()) & set(held_out.index.tolist())
    assert len(train) + len(held_out) == len(X)
    assert abs(np.bincount(held_out.targets()) - np.bincount(y) / 10).max() < 1


def test_too_few_rows_to_hold_out(small):
    X, y = small[0][18:24], small[1][18:24]
    with pytest.raises(
        ValueError, match="Cannot hold out validation_fraction=0.1 of 6"
    ):
        SoftmaxClassifier(early_stopping=True).fit(X, y)


def test_autoencoder_stops_early(digits):
    coder = DenoisingAutoencoderTransformer(
        10, learning_rate=0.01, early_stopping=True, max_epochs=300, random_state=0
    ).fit(digits[0])
    assert coder.n_iter_ < 300


@pytest.mark.kernels
def test_warm_start_goes_on(small):
    X, y = small
    model = SoftmaxClassifier(
        lr_schedule="constant", max_epochs=5, warm_start=True, random_state=0
    )
    model.fit(X, y).fit(X, y)
    assert model.n_iter_ == len(model.loss_curve_) == 10
    straight = clone(model).set_params(max_epochs=10).fit(X, y)
    assert_array_equal(model.coef_, straight.coef_)
    with pytest.raises(ValueError, match="targets of the previous fit"):
        model.fit(X, y > 0)
    with pytest.raises(ValueError, match="expecting 5 features"):
        model.fit(X[:, 1:], y)
    assert_array_equal(model.coef_, straight.coef_)


@pytest.mark.kernels
@pytest.mark.parametrize("optimizer", ["sgd", "adagrad", "adam", "adamw"])
def test_warm_start_goes_on_from_a_pickle(optimizer, small):
    straight = MLPDropoutClassifier(
        8, optimizer=optimizer, batch_size=16, max_epochs=3, warm_start=True
    ).fit(*small)
    resumed = pickle.loads(pickle.dumps(straight)).fit(*small)
    assert straight.fit(*small).loss_curve_ == resumed.loss_curve_


@pytest.mark.kernels
@pytest.mark.parametrize("optimizer", ["sgd", "adagrad", "adam", "adamw"])
def test_partial_fit_resumes_bit_for_bit(optimizer, small):
    X, y = small
    options = {
        "optimizer": optimizer,
        "lr_schedule": "constant",
        "batch_size": 16,
        "weight_decay": 0.0,
    }
    straight = MLPDropoutClassifier(max_epochs=4, random_state=0, **options).fit(X, y)
    parts = MLPDropoutClassifier(random_state=0, **options)
    for _ in range(4):
        parts.partial_fit(X, y, classes=[0, 1, 2])
    assert_array_equal(parts.predict_proba(X), straight.predict_proba(X))
    assert parts.n_iter_ == 4


def test_partial_fit_knows_classes_that_come_later(small):
    X, y = small
    model = SoftmaxClassifier(random_state=0)
    model.partial_fit(X[y < 2], y[y < 2], classes=[0, 1, 2])
    assert model.predict_proba(X).shape == (60, 3)
    for _ in range(200):
        model.partial_fit(X, y)
    assert model.score(X, y) > 0.85


@pytest.mark.parametrize(("name", "own"), [("adagrad", 0.1), ("adam", None)])
def test_optimizers_are_torchs_with_tensorflows_accumulator(name, own, small):
    X, y = small
    model = SoftmaxClassifier(optimizer=name, max_epochs=1).fit(X, y)
    group = model.net_.optimizer_.param_groups[0]
    assert group["fused"]
    assert group.get("initial_accumulator_value") == own


def test_adagrads_first_update_in_closed_form(small):
    X, y = small
    options = {"lr_schedule": "constant", "batch_size": 60, "max_epochs": 1}
    model = SoftmaxClassifier(
        optimizer="adagrad", learning_rate=0.3, dtype="float64", **options
    ).fit(X, y)
    gradient = (1 / 3 - np.eye(3)[y]).T @ X / 60
    expected = -0.3 * gradient / np.sqrt(0.1 + gradient**2)
    assert_allclose(model.coef_, expected, rtol=1e-7)


def test_optimizer_class_gets_rate_and_decay(small):
    X, y = small
    named = SoftmaxClassifier(optimizer="sgd", weight_decay=0.1, max_epochs=3)
    as_class = clone(named).set_params(optimizer=torch.optim.SGD)
    for model in (named, as_class):
        model.set_params(random_state=0).fit(X, y)
    assert_allclose(named.coef_, as_class.coef_, rtol=1e-5)
    decays = {g["weight_decay"] for g in named.net_.optimizer_.param_groups}
    assert decays == {0.0, 0.1}


@pytest.mark.parametrize("optimizer", ["sgd", "adagrad", "adam", "adamw"])
def test_automatic_weight_decay(optimizer, digits):
    X, _, y, _ = digits
    model = SoftmaxClassifier(optimizer=optimizer, max_epochs=1)

    def decays(model):
        return {g["weight_decay"] for g in model.net_.optimizer_.param_groups}

    n_samples = len(X)
    assert decays(model.fit(X, y)) == {0.0, 1 / n_samples}
    assert decays(model.fit(X, y, np.full(n_samples, 2))) == {0.0, 0.5 / n_samples}
    assert decays(model.fit(X, y, np.full(n_samples, 0.1))) == {0.0, 1 / n_samples}
    assert decays(clone(model).partial_fit(X, y, classes=np.arange(10))) == {0.0}


def test_skorch_callbacks_are_cloned_and_work(small):
    X, y = small
    scheduler = LRScheduler("StepLR", step_size=1, gamma=0.5)
    callbacks = [("half", scheduler), Recorder()]
    model = SoftmaxClassifier(
        learning_rate=0.4, lr_schedule="constant", max_epochs=3, callbacks=callbacks
    ).fit(X, y)
    assert_allclose(Recorder.seen[1:], [0.2, 0.1, 0.05])
    assert not hasattr(scheduler, "lr_scheduler_")
    assert model.callbacks is callbacks


@pytest.mark.parametrize(
    ("hook", "n_epochs"), [("begin", 0), ("epoch", 3), ("batch", 2), ("end", 8)]
)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_callback_can_stop_training(hook, n_epochs, early_stopping, small):
    X, y = small
    model = SoftmaxClassifier(
        callbacks=[Stopper(hook)], max_epochs=8, early_stopping=early_stopping
    ).fit(X, y)
    assert model.n_iter_ == len(model.loss_curve_) == n_epochs
    assert np.isfinite(model.predict_proba(X)).all()


def test_errors_in_callbacks_and_ctrl_c_come_out(small):
    X, y = small
    fitted = SoftmaxClassifier(random_state=0).fit(X, y)
    expected = fitted.coef_.copy()
    with pytest.raises(RuntimeError, match="a bug of the user"):
        fitted.set_params(callbacks=[Broken()]).fit(X, y)
    with pytest.raises(KeyboardInterrupt):
        fitted.set_params(callbacks=None, optimizer=CtrlC).fit(X, y)
    assert_array_equal(fitted.coef_, expected)


def test_verbose_prints_a_line_an_epoch_and_default_nothing(small, capsys):
    X, y = small
    SoftmaxClassifier(max_epochs=3).fit(X, y)
    assert capsys.readouterr().out == ""
    SoftmaxClassifier(max_epochs=3, verbose=1).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 + 3
    assert "train_loss" in lines[0]


@pytest.mark.parametrize("estimator", EXACT_CLASSIFIERS, ids=str)
class TestWeights:
    def test_integer_weights_are_repetition(self, estimator, small):
        X, y = small
        weight = np.random.default_rng(0).integers(0, 4, 60)
        weighted = clone(estimator).fit(X, y, sample_weight=weight)
        repeated = clone(estimator).fit(np.repeat(X, weight, 0), np.repeat(y, weight))
        assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), rtol=1e-9)

    def test_balanced_is_the_matching_sample_weight(self, estimator, small):
        X, y = small[0][:50], small[1][:50]
        balanced = clone(estimator).set_params(class_weight="balanced").fit(X, y)
        matching = (50 / 3 / np.bincount(y))[y]
        weighted = clone(estimator).fit(X, y, sample_weight=matching)
        assert_allclose(balanced.predict_proba(X), weighted.predict_proba(X), rtol=1e-9)

    def test_only_ratios_of_weights_count(self, estimator, small):
        X, y = small
        weight = np.random.default_rng(0).uniform(0.5, 2, 60)
        one = clone(estimator).fit(X, y, weight).predict_proba(X)
        other = clone(estimator).fit(X, y, 1000 * weight).predict_proba(X)
        assert_allclose(one, other, rtol=1e-9)


def test_zero_weights_leave_no_trace_even_with_dropout(small):
    X, y = small
    weight = np.arange(60) % 2
    model = MLPDropoutClassifier(8, batch_size=7, max_epochs=5, random_state=0)
    weighted = clone(model).fit(X, y, sample_weight=weight)
    removed = clone(model).fit(X[weight > 0], y[weight > 0])
    assert_allclose(weighted.predict_proba(X), removed.predict_proba(X), rtol=1e-6)


def test_mini_batch_gradients_are_unbiased(small):
    # The mean over all batches of an epoch is the gradient of the whole.
    X, y = small
    weight = np.random.default_rng(0).uniform(0, 5, 60)
    options = {"lr_schedule": "constant", "max_epochs": 1, "dtype": "float64"}
    whole = SoftmaxClassifier(learning_rate=1e-6, batch_size=60, **options)
    parts = SoftmaxClassifier(learning_rate=1e-6, batch_size=6, **options)
    whole.fit(X, y, weight)
    parts.fit(X, y, weight)
    assert_allclose(parts.coef_ / 10, whole.coef_, rtol=1e-4, atol=1e-11)


def test_loss_curve_is_the_mean_loss(small):
    X, y = small
    model = SoftmaxClassifier(learning_rate=1e-12, batch_size=7, max_epochs=2)
    model.fit(X, y)
    assert_allclose(model.loss_curve_, log_loss(y, np.full((60, 3), 1 / 3)), rtol=1e-6)
