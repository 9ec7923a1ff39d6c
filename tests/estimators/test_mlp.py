import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier

from sknets import MLPDropoutClassifier, SoftmaxClassifier

XOR = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 25)


def test_solves_xor_which_a_softmax_cannot():
    y = XOR[:, 0] ^ XOR[:, 1]
    mlp = MLPDropoutClassifier(random_state=0).fit(XOR, y)
    softmax = SoftmaxClassifier(random_state=0).fit(XOR, y)
    assert mlp.score(XOR, y) == 1
    assert softmax.score(XOR, y) <= 0.75


@pytest.mark.parametrize(("n_values", "shape"), [(3, (50,)), (2, (50, 3))])
def test_follows_sklearns_mlp_step_by_step(n_values, shape):
    # The same weights, then the same 30 full-batch gradient steps, in both libraries.
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 4)), rng.integers(n_values, size=shape)
    theirs = MLPClassifier(
        (8, 5),
        solver="sgd",
        momentum=0,
        alpha=0,
        learning_rate_init=0.1,
        batch_size=50,
        shuffle=False,
        random_state=0,
    ).partial_fit(X, y, classes=[0, 1, 2])
    ours = MLPDropoutClassifier(
        (8, 5), dropout=0.0, optimizer="sgd", learning_rate=0.1, dtype="float64"
    ).partial_fit(X, y, classes=[0, 1, 2])
    layers = [m for m in ours.module_.modules() if isinstance(m, torch.nn.Linear)]
    with torch.no_grad():
        for layer, coef, bias in zip(
            layers, theirs.coefs_, theirs.intercepts_, strict=True
        ):
            layer.weight.copy_(torch.tensor(coef.T))
            layer.bias.copy_(torch.tensor(bias))
    for _ in range(30):
        ours.partial_fit(X, y)
        theirs.partial_fit(X, y)
        assert_allclose(ours.loss_curve_[-1], theirs.loss_curve_[-1], rtol=1e-10)
    assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-8)


def test_is_as_good_as_sklearns_mlp_on_the_same_split(digits):
    X, X_test, y, y_test = digits
    ours = MLPDropoutClassifier(random_state=0).fit(X, y)
    theirs = MLPClassifier(random_state=0).fit(X, y)
    assert ours.score(X_test, y_test) >= theirs.score(X_test, y_test) - 0.01


def test_dropout_acts_in_training_only(digits):
    X, _, y, _ = digits
    options = {"max_epochs": 5, "random_state": 0}
    plain = MLPDropoutClassifier(50, dropout=0.0, **options).fit(X, y)
    dropped = MLPDropoutClassifier(50, dropout=0.5, **options).fit(X, y)
    # The loss in training sees dropout, the prediction afterwards does not.
    assert dropped.loss_curve_[-1] > 1.5 * log_loss(y, dropped.predict_proba(X))
    assert plain.loss_curve_[-1] < dropped.loss_curve_[-1]
    np.testing.assert_array_equal(dropped.predict_proba(X), dropped.predict_proba(X))


def test_initial_weights_are_the_articles():
    X, y = np.random.default_rng(0).normal(size=(30, 200)), np.arange(30) % 3
    model = MLPDropoutClassifier(learning_rate=1e-30, max_epochs=1, random_state=0).fit(
        X, y
    )
    hidden, output = model.module_.hidden[0], model.module_.output
    weight = hidden.weight.detach().cpu().numpy()
    assert abs(weight).max() <= 0.2
    # A normal distribution that is cut at two deviations keeps 0.880 of its deviation.
    assert_allclose(weight.std(), 0.0880, rtol=0.01)
    for zero in (hidden.bias, output.weight, output.bias):
        assert_allclose(zero.detach().cpu().numpy(), 0, atol=1e-20)


@pytest.mark.parametrize("sizes", [7, (7,), [7, 3], np.array([7, 3]), ()])
def test_hidden_layer_sizes(sizes, small):
    X, y = small
    model = MLPDropoutClassifier(sizes, max_epochs=2).fit(X, y)
    layers = [m for m in model.module_.modules() if isinstance(m, torch.nn.Linear)]
    found = tuple(layer.out_features for layer in layers[:-1])
    assert found == tuple(np.atleast_1d(np.asarray(sizes, dtype=int)))


@pytest.mark.parametrize("sizes", [0, (5, 0), (-1,), (2.5,), "ab"])
def test_bad_hidden_layer_sizes(sizes, small):
    with pytest.raises((ValueError, TypeError), match="hidden_layer_sizes"):
        MLPDropoutClassifier(sizes).fit(*small)


@pytest.mark.parametrize(
    "activation", ["identity", "logistic", "relu", "softplus", "tanh"]
)
def test_activations_learn(activation, small):
    X, y = small
    model = MLPDropoutClassifier(
        20, activation=activation, weight_decay=0.0, max_epochs=1000, random_state=0
    )
    assert model.fit(X, y).score(X, y) > 0.9
