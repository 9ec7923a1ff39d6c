"""Real numbers: units of y, losses, weights, chunks and several outputs."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, make_friedman1
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknets import DenoisingAutoencoderTransformer, MLPDropoutRegressor
from sknets._data.targets import RealNumbers
from sknets._networks.losses import REAL_LOSSES, SquaredError

QUICK = {"max_epochs": 5, "random_state": 0}


@pytest.fixture
def line():
    """A linear function of four features with noise."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 4))
    return X, X @ [1.0, -2.0, 0.5, 0.0] + 3 + 0.1 * rng.normal(size=120)


# -- right answers -------------------------------------------------------------------


def test_a_linear_network_equals_least_squares(line):
    X, y = line
    model = MLPDropoutRegressor(
        (),
        optimizer="sgd",
        weight_decay=0.0,
        learning_rate=0.5,
        lr_schedule="constant",
        batch_size=1000,
        max_epochs=400,
        dtype="float64",
    ).fit(X, y)
    assert_allclose(
        model.predict(X), LinearRegression().fit(X, y).predict(X), rtol=1e-9
    )


def test_steps_equal_those_of_mlp_regressor(line):
    X, y = line
    y = (y - y.mean()) / y.std()
    options = {"hidden_layer_sizes": (6,), "activation": "tanh", "batch_size": 120}
    peer = MLPRegressor(
        **options,
        alpha=0.0,
        solver="sgd",
        momentum=0.0,
        learning_rate_init=0.1,
        max_iter=1,
        random_state=0,
    )
    peer.partial_fit(X, y)
    model = MLPDropoutRegressor(
        **options,
        dropout=0.0,
        weight_decay=0.0,
        optimizer="sgd",
        learning_rate=0.1,
        lr_schedule="constant",
        dtype="float64",
        max_epochs=1,
        warm_start=True,
    ).fit(X, y)
    layers = [layer for layer in model.module_.layers() if hasattr(layer, "weight")]
    with torch.no_grad():
        for layer, W, b in zip(layers, peer.coefs_, peer.intercepts_, strict=True):
            layer.weight.copy_(torch.tensor(W.T))
            layer.bias.copy_(torch.tensor(b))
    for _ in range(10):
        peer.partial_fit(X, y)
        model.partial_fit(X, y)
    assert_allclose(model.predict(X), peer.predict(X), atol=1e-10)


@pytest.mark.parametrize(("loss", "statistic"), [("absolute_error", np.median)])
def test_absolute_error_learns_the_median(loss, statistic):
    y = np.random.default_rng(0).exponential(size=1001)
    model = MLPDropoutRegressor(
        (), loss=loss, optimizer="sgd", learning_rate=0.1, batch_size=2000
    )
    model.set_params(max_epochs=500, dtype="float64").fit(np.zeros((1001, 1)), y)
    assert_allclose(model.predict([[0.0]]), statistic(y), atol=0.01)


@pytest.mark.parametrize("name", REAL_LOSSES)
def test_slopes_equal_autograd(name):
    criterion = REAL_LOSSES[name]()
    generator = torch.Generator().manual_seed(0)
    outputs, y = 2 * torch.randn(2, 8, 3, dtype=torch.float64, generator=generator)
    weight = torch.rand(8, dtype=torch.float64, generator=generator)
    outputs.requires_grad_()
    criterion(outputs, y, weight).backward()
    loss, gradient = criterion.loss_and_gradient(outputs.detach(), y, weight)
    torch.testing.assert_close(gradient, outputs.grad)
    torch.testing.assert_close(loss, criterion(outputs, y, weight).detach())


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("squared_error", lambda a, b: torch.nn.functional.mse_loss(a, b) / 2),
        ("absolute_error", torch.nn.functional.l1_loss),
        ("huber", torch.nn.functional.huber_loss),
    ],
)
def test_losses_equal_torchs(name, function):
    generator = torch.Generator().manual_seed(0)
    outputs, y = 2 * torch.randn(2, 50, 3, dtype=torch.float64, generator=generator)
    torch.testing.assert_close(REAL_LOSSES[name]()(outputs, y), function(outputs, y))


def test_huber_is_swayed_less_by_outliers(line):
    X, y = line
    spoiled = y.copy()
    spoiled[:6] += 1000
    scores = {
        loss: r2_score(
            y[6:],
            MLPDropoutRegressor(loss=loss, random_state=0, max_epochs=100)
            .fit(X, spoiled)
            .predict(X[6:]),
        )
        for loss in ("squared_error", "huber")
    }
    assert scores["huber"] > scores["squared_error"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("data", ["diabetes", "friedman"])
def test_not_worse_than_mlp_regressor(data):
    X, y = {
        "diabetes": lambda: load_diabetes(return_X_y=True),
        "friedman": lambda: make_friedman1(600, noise=1.0, random_state=0),
    }[data]()
    n_train = int(0.7 * len(X))
    order = np.random.default_rng(0).permutation(len(X))
    train, test = order[:n_train], order[n_train:]
    ours = make_pipeline(StandardScaler(), MLPDropoutRegressor(random_state=0))
    peer = TransformedTargetRegressor(
        make_pipeline(StandardScaler(), MLPRegressor(max_iter=1000, random_state=0)),
        transformer=StandardScaler(),
    )
    scores = [m.fit(X[train], y[train]).score(X[test], y[test]) for m in (ours, peer)]
    assert scores[0] > scores[1] - 0.03


# -- units of y ----------------------------------------------------------------------


@pytest.mark.parametrize("loss", REAL_LOSSES)
def test_the_scale_of_y_does_not_matter(loss, line):
    X, y = line
    model = MLPDropoutRegressor(16, loss=loss, **QUICK)
    expected = clone(model).fit(X, y).predict(X)
    scaled = clone(model).fit(X, 1e6 * y)
    assert_allclose(scaled.predict(X), 1e6 * expected, rtol=1e-5)
    assert_allclose(scaled.loss_curve_, model.fit(X, y).loss_curve_, rtol=1e-4)
    for factor, shift in [(1e300, 0.0), (1e-300, 0.0), (1.0, 1e8)]:
        moved = clone(model).fit(X, factor * y + shift).predict(X)
        assert_allclose((moved - shift) / factor, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("value", [0.0, 7.25, -1e9, 0.1])
def test_a_constant_y_is_predicted(value, line):
    X, _ = line
    model = MLPDropoutRegressor(8, **QUICK).fit(X, np.full(120, value))
    assert_allclose(model.predict(X), value, rtol=1e-12, atol=1e-12)
    assert model._targets.scale == 1


def test_mean_and_deviation_are_weighted():
    y = np.array([1.0, 2.0, 4.0, 8.0])
    repeats = np.array([3, 1, 0, 2])
    found = RealNumbers(SquaredError, y, repeats)
    repeated = np.repeat(y, repeats)
    assert_allclose(found.mean, repeated.mean())
    assert_allclose(found.scale, repeated.std())
    assert_allclose(found.decode(found.encode(y)), y)


# -- forms of data -------------------------------------------------------------------


def test_several_outputs(line):
    X, y = line
    Y = np.column_stack([y, 1e3 * X[:, 1], np.full(120, 2.0)])
    model = MLPDropoutRegressor(32, max_epochs=60, random_state=0).fit(X, Y)
    assert model.predict(X).shape == (120, 3)
    assert model.score(X, Y[:, :3]) > 0.9
    with pytest.raises(
        ValueError, match=r"y has shape \(120,\); expected \(n_samples, 3"
    ):
        model.partial_fit(X, y)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_predictions_have_the_float_dtype_of_x(dtype, line):
    X, y = line
    model = MLPDropoutRegressor(8, **QUICK).fit(X, y)
    expected = np.float32 if dtype == np.float32 else np.float64
    assert model.predict(X.astype(dtype)).dtype == expected


def test_a_first_chunk_of_one_row(line):
    X, y = line
    model = MLPDropoutRegressor(16, random_state=0)
    model.partial_fit(X[:1], y[:1])
    assert_allclose(model.predict(X[:1]), y[:1])
    for _ in range(60):
        model.partial_fit(X, y)
    assert model.score(X, y) > 0.9


def test_chunks_with_weights_equal_a_fit(line):
    X, y = line
    weight = np.linspace(0.5, 1.5, 120)
    options = {"lr_schedule": "constant", "dtype": "float64", "dropout": 0.0}
    model = MLPDropoutRegressor(8, batch_size=200, random_state=0, **options)
    whole = clone(model).set_params(max_epochs=3).fit(X, y, sample_weight=weight)
    for _ in range(3):
        model.partial_fit(X, y, sample_weight=weight / weight.mean())
    assert_allclose(model.predict(X), whole.predict(X), rtol=1e-9)


def test_validation_data_and_scorers_see_the_units_of_y(line):
    X, y = 1e3 * line[0], 1e3 * line[1]
    X = StandardScaler().fit_transform(X)
    model = MLPDropoutRegressor(16, scoring="neg_mean_absolute_error", **QUICK)
    model.fit(X[:80], y[:80], X_val=X[80:], y_val=y[80:])
    error = np.abs(model.predict(X[80:]) - y[80:]).mean()
    assert_allclose(model.validation_scores_[-1], -error, rtol=1e-5)
    stopped = MLPDropoutRegressor(16, early_stopping=True, scoring="r2", random_state=0)
    stopped.fit(X, y)
    scores = stopped.validation_scores_
    assert scores[stopped.best_epoch_ - 1] == max(scores)


def test_a_pretrained_start(line):
    X, y = line
    coder = DenoisingAutoencoderTransformer(8, activation="relu", **QUICK).fit(X)
    model = MLPDropoutRegressor(8, pretrained=coder, max_epochs=1, learning_rate=1e-9)
    weight = clone(model).fit(X, y).module_.hidden[0].weight
    assert_allclose(
        weight.detach(), coder.module_.encoder[0].weight.detach(), atol=1e-6
    )


# -- bad input -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.full(120, np.nan), "NaN"),
        (np.full(120, np.inf), "infinity"),
        (np.array(["a"] * 120), "y must hold real numbers"),
        (np.zeros((120, 2, 2)), "dim 3"),
        (np.zeros(119), "inconsistent numbers of samples"),
        ("abc", "y must be array-like"),
    ],
)
def test_bad_targets_are_named(y, message, line):
    X, good = line
    model = MLPDropoutRegressor(8, **QUICK).fit(X, good)
    expected = model.predict(X)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    assert_array_equal(model.predict(X), expected)


def test_a_chunk_far_from_the_first_is_named(line):
    X, y = line
    model = MLPDropoutRegressor(8, **QUICK).partial_fit(X, y)
    expected = model.predict(X)
    with pytest.raises(ValueError, match="y has values that are infinite in dtype="):
        model.partial_fit(X, 1e300 * y)
    assert_array_equal(model.predict(X), expected)


def test_an_unknown_loss_is_named(line):
    with pytest.raises(ValueError, match="'loss' parameter of MLPDropoutRegressor"):
        MLPDropoutRegressor(loss="poisson").fit(*line)
