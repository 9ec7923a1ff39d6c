import copy
import math
import pickle

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import stats
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence

from sknets._networks.activations import ACTIVATIONS
from sknets._networks.densities import OutputNoise, normal_divergence
from sknets._networks.losses import BernoulliCrossEntropy, HalfSquaredError
from sknets._networks.row_noise import RowNoise
from sknets._networks.variational import VariationalAutoencoder

N_ROWS, N_FEATURES = 3, 6


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def variational(loss="cross_entropy", variance=None, layer_sizes=(5, 2), **options):
    """Return a module in float64 with random weights, and its criterion."""
    defaults = {"activation": "tanh", "beta": 1.0, "n_draws": 1}
    normal = loss == "squared_error"
    module = VariationalAutoencoder(
        N_FEATURES,
        layer_sizes,
        noise=OutputNoise(variance) if normal else None,
        **defaults | options,
    )
    module.reset_parameters(generator())
    module.double()
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter.data, std=0.5, generator=generator(1))
    if normal:
        shift = np.linspace(-1, 1, N_FEATURES)
        module.input_scale.set(shift, np.full(N_FEATURES, 0.3))
        if variance is None:
            module.noise.bias.data.fill_(-0.1)
    criterion = HalfSquaredError() if normal else BernoulliCrossEntropy()
    return module, criterion


def rows(seed=2):
    return torch.rand(
        N_ROWS, N_FEATURES, dtype=torch.float64, generator=generator(seed)
    )


def reference(module, X, noise):
    """Return the mean log density and divergence, by torch's own distributions."""
    scale = module.input_scale
    scaled = X if scale.does_nothing else (X - scale.shift) / scale.scale
    mean, spread = module.encoder(scaled).chunk(2, dim=1)
    posterior = Normal(mean, (1 / (1 + torch.exp(-spread))).sqrt())
    prior = Normal(torch.zeros_like(mean), torch.ones_like(mean))
    divergence = kl_divergence(posterior, prior).sum(1)
    outputs = module.decoder(posterior.loc + posterior.scale * noise)
    if module.noise is None:
        density = Bernoulli(logits=outputs, validate_args=False)
    else:
        if module.noise.bias is None:
            variance = torch.tensor(module.noise.given, dtype=X.dtype)
        else:
            variance = scale.scale[0] ** 2 * (1e-6 + torch.exp(10 * module.noise.bias))
        deviation = variance.sqrt()
        density = Normal(scale.shift + scale.scale * outputs, deviation)
    return Independent(density, 1).log_prob(X).mean(), divergence.mean()


LOSSES = {
    "cross-entropy": {"loss": "cross_entropy"},
    "learned variance": {"loss": "squared_error"},
    "given variance": {"loss": "squared_error", "variance": 0.2},
}
OPTIONS = {
    "default": {},
    "three draws": {"n_draws": 3},
    "beta": {"beta": 2.5},
    "linear": {"layer_sizes": (2,)},
    "deep": {"layer_sizes": (5, 4, 2)},
    **{name: {"activation": name} for name in ACTIVATIONS},
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", OPTIONS)
class TestGradientFunction:
    def build(self, loss, name):
        module, criterion = variational(**LOSSES[loss], **OPTIONS[name])
        return module, module.gradient_function(criterion)

    def evaluate(self, module, function, X):
        module.posterior.generator = generator(4)
        loss, outputs = function(X, X)
        assert outputs.shape == X.shape
        return loss

    def test_loss_equals_torchs_distributions(self, loss, name):
        module, function = self.build(loss, name)
        X = rows()
        found = self.evaluate(module, function, X)
        shape = module.n_draws, N_ROWS, module.n_components
        noise = torch.empty(shape, dtype=X.dtype).normal_(generator=generator(4))
        with torch.no_grad():
            density, divergence = reference(module, X, noise)
        torch.testing.assert_close(found, module.beta * divergence - density)
        totals = function.totals["divergence"]
        torch.testing.assert_close(totals, divergence * N_ROWS)

    def test_gradients_equal_finite_differences(self, loss, name):
        module, function = self.build(loss, name)
        X, step = rows(), 1e-6
        self.evaluate(module, function, X)
        gradients = [p.grad.clone().flatten() for p in module.parameters()]
        for parameter, gradient in zip(module.parameters(), gradients, strict=True):
            values = parameter.data.view(-1)
            for i in range(len(values)):
                value = values[i].item()
                losses = []
                for change in (step, -step):
                    values[i] = value + change
                    losses.append(self.evaluate(module, function, X).item())
                values[i] = value
                slope = (losses[0] - losses[1]) / (2 * step)
                assert gradient[i].item() == pytest.approx(slope, rel=1e-5, abs=1e-7)


def test_frozen_parameters_get_no_gradient():
    module, criterion = variational("squared_error")
    module.noise.bias.requires_grad_(False)
    module.encoder[0].weight.requires_grad_(False)
    module.gradient_function(criterion)(rows(), rows())
    missing = [name for name, p in module.named_parameters() if p.grad is None]
    assert missing == ["encoder.0.weight", "noise.bias"]


def test_the_divergence_equals_monte_carlo():
    mean = torch.tensor([[0.5, -2.0, 0.0]], dtype=torch.float64)
    log_variance = torch.tensor([[-0.3, -3.0, 0.0]], dtype=torch.float64)
    posterior = Normal(mean, torch.exp(log_variance / 2))
    n_draws = 400_000
    noise = torch.randn(n_draws, 3, dtype=torch.float64, generator=generator())
    codes = posterior.loc + posterior.scale * noise
    prior = Normal(torch.zeros_like(mean), torch.ones_like(mean))
    ratios = (posterior.log_prob(codes) - prior.log_prob(codes)).sum(1)
    error = ratios.std() / math.sqrt(n_draws)
    found = normal_divergence(mean, log_variance)
    assert abs(ratios.mean() - found.item()) < 4 * error
    torch.testing.assert_close(found, kl_divergence(posterior, prior).sum(1))


@pytest.mark.parametrize("loss", LOSSES)
def test_the_bound_equals_torchs_distributions(loss):
    module, criterion = variational(**LOSSES[loss], beta=3.0, n_draws=2)
    X = rows()
    with torch.no_grad():
        found = module.bound(X, criterion, 5)
        losses = module.row_losses(criterion, X, X)
        for i in range(N_ROWS):
            row = X[i : i + 1]
            noise = torch.stack(list(module.row_noise(row, 5, 2)))
            density, divergence = reference(module, row, noise)
            assert_allclose(found[i], density - divergence)
            density, divergence = reference(module, row, noise[:2])
            assert_allclose(losses[i], 3 * divergence - density)


@pytest.fixture(scope="module")
def linear():
    """Return a linear model, and its density as scipy's.

    The columns of its weights are orthogonal. So the posterior of a code is a diagonal
    normal density, and the encoder can be exact.
    """
    given = 0.3
    module, criterion = variational("squared_error", layer_sizes=(2,), variance=given)
    random = torch.randn(N_FEATURES, 2, dtype=torch.float64, generator=generator(5))
    weight = torch.linalg.qr(random).Q * torch.tensor([1.5, 0.7])
    scale = module.input_scale.scale[0]
    variance = given / scale**2
    precision = weight.square().sum(0) / variance
    encoder, decoder = module.encoder[0], module.decoder[0]
    with torch.no_grad():
        decoder.weight.copy_(weight)
        decoder.bias.zero_()
        encoder.weight[:2] = (weight / variance / (1 + precision)).t()
        encoder.weight[2:] = 0
        encoder.bias[:2] = 0
        encoder.bias[2:] = -precision.log()
    covariance = scale**2 * weight @ weight.t()
    covariance += given * torch.eye(N_FEATURES)
    mean = module.input_scale.shift.numpy()
    return module, criterion, stats.multivariate_normal(mean, covariance.numpy())


@pytest.mark.parametrize("n_draws", [1, 7])
def test_the_log_likelihood_of_an_exact_posterior_is_exact(linear, n_draws):
    module, criterion, density = linear
    X = rows()
    with torch.no_grad():
        found = module.log_likelihood(X, criterion, n_draws)
    assert_allclose(found, density.logpdf(X.numpy()))


def test_the_bound_of_an_exact_posterior_is_tight(linear):
    module, criterion, density = linear
    X = rows()
    with torch.no_grad():
        found = module.bound(X, criterion, 5000)
    assert_allclose(found, density.logpdf(X.numpy()), atol=0.06)


class TestRowNoise:
    def noise(self, X, n_draws=1, n_components=4, seed=0):
        layer = RowNoise(X.shape[1])
        layer.reset_keys(generator(seed))
        return torch.stack(list(layer(X, n_draws, n_components)))

    def test_is_standard_normal_and_independent(self):
        X = torch.rand(20_000, 3, generator=generator())
        noise = self.noise(X, n_draws=2).numpy()
        assert stats.kstest(noise.ravel(), "norm").pvalue > 1e-3
        columns = noise.transpose(1, 0, 2).reshape(len(X), -1)
        # Columns, squares of columns, and neighbouring rows.
        for values in (columns, columns**2, np.hstack([columns[1:], columns[:-1]])):
            correlations = np.corrcoef(values.T) - np.eye(values.shape[1])
            assert abs(correlations).max() < 5 / math.sqrt(len(X))

    def test_similar_rows_get_different_noise(self):
        X = torch.zeros(1000, 784)
        X[torch.arange(784), torch.arange(784)] = 1
        X[784:, 0] = torch.arange(216) / 255 + 2
        first = self.noise(X)[0, :, 0]
        assert len(first.unique()) == len(X)
        assert stats.kstest(first.numpy(), "norm").pvalue > 1e-3

    def test_is_that_of_the_row_alone(self):
        X = torch.randn(50, 7, generator=generator())
        noise = self.noise(X, n_draws=3)
        order = torch.randperm(50, generator=generator())
        assert torch.equal(self.noise(X[order], n_draws=3), noise[:, order])
        assert torch.equal(self.noise(X[:9], n_draws=3), noise[:, :9])
        assert torch.equal(self.noise(X, n_draws=2), noise[:2])
        assert torch.equal(self.noise(X.double(), n_draws=3), noise)

    def test_depends_on_the_seed(self):
        X = torch.randn(50, 7, generator=generator())
        assert not torch.equal(self.noise(X, seed=1), self.noise(X))

    def test_negative_zeros_are_zeros(self):
        X = torch.zeros(2, 3)
        assert torch.equal(self.noise(-X), self.noise(X))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module))]
)
def test_copies_compute_the_same(loss, duplicate):
    module, criterion = variational(**LOSSES[loss])
    X = rows()
    copied = duplicate(module)
    for name in ("reconstruct", "encode", "encode_with_deviations"):
        assert torch.equal(getattr(copied, name)(X), getattr(module, name)(X))
    assert torch.equal(copied.bound(X, criterion, 2), module.bound(X, criterion, 2))


def test_logits_are_left_to_the_loss():
    module, _ = variational("cross_entropy")
    X = rows()
    torch.testing.assert_close(module.reconstruct(X), torch.sigmoid(module(X)))


def test_outputs_are_in_the_units_of_x():
    module, _ = variational("squared_error")
    X, scale = rows(), module.input_scale
    mean, _ = module.encoder((X - scale.shift) / scale.scale).chunk(2, dim=1)
    expected = module.decoder(mean) * scale.scale + scale.shift
    torch.testing.assert_close(module(X), expected)
    torch.testing.assert_close(module.reconstruct(X), expected)


def test_any_row_has_a_finite_posterior():
    module, criterion = variational("squared_error")
    X = torch.full((1, N_FEATURES), 1e6, dtype=torch.float64)
    loss, _ = module.gradient_function(criterion)(X, X)
    assert torch.isfinite(loss)
    assert all(torch.isfinite(p.grad).all() for p in module.parameters())
