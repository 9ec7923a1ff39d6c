"""What users of skorch, torch and scikit-learn expect where the three meet."""

import pickle
from functools import partial

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback, Checkpoint, EarlyStopping

from sknets import (
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
    SoftmaxClassifier,
)

QUICK = {"max_epochs": 3, "random_state": 0}


# -- callbacks of skorch -------------------------------------------------------------


class Log(Callback):
    """A callback whose state is no parameter of its `__init__`."""

    def __init__(self):
        self.log = []

    def on_epoch_end(self, net, **kwargs):
        self.log.append(net.history[-1, "train_loss"])


def test_a_callback_with_state_is_copied_and_can_be_reached(small):
    callback = Log()
    model = SoftmaxClassifier(callbacks=[callback], **QUICK).fit(*small)
    (ran,) = [c for _, c in model.net_.callbacks_ if isinstance(c, Log)]
    assert ran.log == model.loss_curve_
    assert callback.log == []


def test_a_callback_with_state_in_clones_and_searches(small):
    model = SoftmaxClassifier(callbacks=[Log()], **QUICK)
    cloned = clone(model)
    assert cloned.callbacks[0] is not model.callbacks[0]
    search = GridSearchCV(model, {"learning_rate": [0.1, 0.5]}, cv=2, n_jobs=2)
    best = search.fit(*small).best_estimator_
    assert len(dict(best.net_.callbacks_)["Log"].log) == 3


@pytest.mark.parametrize("callback", [EarlyStopping(), Checkpoint()])
def test_callbacks_that_need_validation_data_say_so(callback, small):
    X, y = small
    model = SoftmaxClassifier(callbacks=[callback], **QUICK)
    name = type(callback).__name__
    with pytest.raises(ValueError, match=f"{name}.*Pass X_val to fit, or set early"):
        model.fit(X, y)
    assert not hasattr(model, "net_")


def test_early_stopping_of_skorch_with_validation_data(small):
    X, y = small
    callback = EarlyStopping(patience=2, threshold=10.0)
    model = SoftmaxClassifier(callbacks=[callback], max_epochs=20, random_state=0)
    assert model.fit(X, y, X_val=X, y_val=y).n_iter_ < 20


# -- scoring and optimizers ----------------------------------------------------------


def test_scoring_without_validation_data_warns(small):
    model = SoftmaxClassifier(scoring="accuracy", **QUICK)
    with pytest.warns(UserWarning, match="scoring='accuracy' has no effect"):
        model.fit(*small)
    model.partial_fit(*small)
    model.set_params(early_stopping=True).fit(*small)


def test_a_callable_is_called_with_the_learning_rate(small):
    seen = []

    def make(parameters, lr):
        seen.append(lr)
        return torch.optim.SGD(parameters, lr)

    SoftmaxClassifier(optimizer=make, learning_rate=0.3, **QUICK).fit(*small)
    assert seen == [0.3]


def test_coefficients_are_copies(small):
    model = SoftmaxClassifier(**QUICK).fit(*small)
    expected = model.predict_proba(small[0])
    model.coef_[:] = 0
    model.intercept_[:] = 0
    assert_array_equal(model.predict_proba(small[0]), expected)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_an_optimizer_made_by_a_callable_equals_a_loop_by_hand(momentum, small):
    X, y = small
    model = SoftmaxClassifier(
        optimizer=partial(torch.optim.SGD, momentum=momentum),
        learning_rate=0.1,
        lr_schedule="constant",
        batch_size=100,
        max_epochs=20,
        dtype="float64",
    ).fit(X, y)
    layer = torch.nn.Linear(5, 3, dtype=torch.float64)
    torch.nn.init.zeros_(layer.weight)
    torch.nn.init.zeros_(layer.bias)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1, momentum=momentum)
    for _ in range(20):
        optimizer.zero_grad()
        outputs = layer(torch.tensor(X))
        torch.nn.functional.cross_entropy(outputs, torch.tensor(y)).backward()
        optimizer.step()
    assert_allclose(model.coef_, layer.weight.detach().numpy(), atol=1e-12)


def test_a_callable_that_makes_no_optimizer_is_named(small):
    model = SoftmaxClassifier(
        optimizer=lambda parameters, lr: None, learning_rate=0.1, **QUICK
    )
    with pytest.raises(
        TypeError, match="optimizer must return a torch.optim.Optimizer"
    ):
        model.fit(*small)


# -- training that continues ---------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hidden_layer_sizes", (7, 3)),
        ("dropout", 0.5),
        ("activation", "tanh"),
        ("optimizer", "adam"),
        ("random_state", 3),
        ("dtype", "float64"),
    ],
)
def test_a_changed_parameter_without_effect_is_named(name, value, small):
    model = MLPDropoutClassifier(8, warm_start=True, **QUICK).fit(*small)
    model.set_params(**{name: value})
    with pytest.warns(UserWarning, match=f"{name} changed since the network was built"):
        model.fit(*small)
    with pytest.warns(UserWarning, match=f"{name} changed since the network was built"):
        model.partial_fit(*small)
    model.set_params(warm_start=False).fit(*small)


def test_parameters_with_effect_do_not_warn(small):
    model = MLPDropoutClassifier(np.array([8]), warm_start=True, **QUICK).fit(*small)
    model.set_params(learning_rate=0.01, batch_size=10, max_epochs=1)
    model.set_params(lr_schedule="constant", hidden_layer_sizes=(8,))
    model.fit(*small)
    pickle.loads(pickle.dumps(model)).fit(*small).partial_fit(*small)


def test_the_history_of_many_chunks_is_bounded(small):
    X, y = small
    model = SoftmaxClassifier(random_state=0)
    for _ in range(1100):
        model.partial_fit(X[:4], y[:4], classes=[0, 1, 2])
    assert model.n_iter_ == len(model.loss_curve_) == 1100
    assert len(model.net_.history) == 1000
    assert model.net_.history[-1, "epoch"] == 1100
    size = len(pickle.dumps(model))
    for _ in range(100):
        model.partial_fit(X[:4], y[:4])
    assert len(pickle.dumps(model)) < size + 100 * 20


def test_a_failed_chunk_after_many_leaves_all_as_it_was(small):
    X, y = small
    model = SoftmaxClassifier(random_state=0).partial_fit(X, y, classes=[0, 1, 2])
    for _ in range(3):
        model.partial_fit(X, y)
    weights, losses = model.coef_.copy(), list(model.loss_curve_)
    model.set_params(learning_rate=1e300)
    with pytest.raises(ValueError, match="unstable"):
        model.partial_fit(X * 1e30, y)
    assert_array_equal(model.coef_, weights)
    assert model.loss_curve_ == losses
    assert len(model.net_.history) == model.n_iter_ == 4


def test_chunks_of_an_autoencoder(small):
    X, _ = small
    coder = DenoisingAutoencoderTransformer(2, random_state=0)
    for _ in range(3):
        coder.partial_fit(X)
    assert coder.n_iter_ == len(coder.loss_curve_) == 3
    assert coder.validation_loss_curve_ is None
