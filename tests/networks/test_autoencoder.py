import copy
import pickle

import pytest
import torch
from torch.func import functional_call

from sknets._networks.activations import ACTIVATIONS
from sknets._networks.autoencoder import Autoencoder
from sknets._networks.base import Network
from sknets._networks.layers import Corruption
from sknets._networks.losses import BernoulliCrossEntropy, HalfSquaredError
from sknets._networks.penalties import ActivityPenalty, kl_activity, l1_activity


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def autoencoder(n_features=6, layer_sizes=(5, 3), **options):
    defaults = {
        "activation": "softplus",
        "output_activation": "identity",
        "tied_weights": False,
        "corruption": Corruption("gaussian", 0.1),
        "penalty": None,
        "returns_logits": False,
    }
    module = Autoencoder(n_features, layer_sizes, **defaults | options)
    module.reset_parameters(generator())
    return module


OPTIONS = {
    "shallow": {"layer_sizes": (4,)},
    "deep": {"activation": "tanh"},
    "tied": {"tied_weights": True},
    "tied and shallow": {"tied_weights": True, "layer_sizes": (4,)},
    "logistic": {"output_activation": "logistic"},
    "logits": {"output_activation": "logistic", "returns_logits": True},
}


def in_double(module):
    module.double()
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter.data, std=0.5, generator=generator(1))
    X = torch.rand(3, 6, dtype=torch.float64, generator=generator(2))
    return X, *zip(*module.named_parameters(), strict=True)


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_training_gradient_equals_autograds(name, activation):
    module = autoencoder(**{"activation": activation} | OPTIONS[name])
    X, _, values = in_double(module)
    returns_logits = OPTIONS[name].get("returns_logits", False)
    criterion = BernoulliCrossEntropy() if returns_logits else HalfSquaredError()
    results = []
    for network in (Autoencoder, Network):
        function = network.gradient_function(module, criterion)
        module.corruption.generator = generator(4)
        loss = function(X, X)
        results.append((loss, [value.grad.clone() for value in values]))
    torch.testing.assert_close(*results)


@pytest.mark.parametrize("name", OPTIONS)
def test_gradients_are_those_of_the_loss_in_units(name):
    """The loss is in units of X, its gradient in those of the layers."""
    module = autoencoder(corruption=Corruption(None, 0), **OPTIONS[name])
    X, _, values = in_double(module)
    module.set_unit(4.0)
    returns_logits = OPTIONS[name].get("returns_logits", False)
    criterion = BernoulliCrossEntropy() if returns_logits else HalfSquaredError()
    linear_output = isinstance(module.output, torch.nn.Identity)
    expected = criterion(module(X), X)
    (expected / (16 if linear_output else 1)).backward()
    gradients = [value.grad.clone() for value in values]
    loss, outputs = module.gradient_function(criterion)(X, X)
    torch.testing.assert_close(loss, expected.detach())
    torch.testing.assert_close(outputs.detach(), module(X).detach())
    torch.testing.assert_close([value.grad for value in values], gradients)


def test_the_unit_is_that_of_inputs_noise_and_linear_outputs():
    module = autoencoder(activation="identity")
    X, _, _ = in_double(module)
    plain = {"training": module(X), "evaluation": module.eval()(X)}
    module.set_unit(8.0)
    torch.testing.assert_close(module(8 * X), 8 * plain["evaluation"])
    torch.testing.assert_close(module.decode(module.encoder(8 * X)), module(8 * X))
    module.train().corruption.generator = generator(3)
    noisy = module(8 * X)
    module.corruption.generator = generator(3)
    module.encoder.divisor = module.decoder.factor = None
    torch.testing.assert_close(noisy, 8 * module(X))


@pytest.mark.parametrize("name", OPTIONS)
def test_gradients_equal_finite_differences(name):
    module = autoencoder(**OPTIONS[name]).eval()
    X, names, values = in_double(module)

    def outputs(*values):
        return functional_call(module, dict(zip(names, values, strict=True)), X)

    assert torch.autograd.gradcheck(outputs, values)


@pytest.mark.parametrize(
    ("loss", "options"),
    [
        (HalfSquaredError(), {"penalty": ActivityPenalty("l1", 0.7, 0.1)}),
        (
            BernoulliCrossEntropy(),
            {
                "penalty": ActivityPenalty("kl", 0.7, 0.1),
                "activation": "logistic",
                "output_activation": "logistic",
                "returns_logits": True,
                "tied_weights": True,
            },
        ),
    ],
    ids=["squared error and l1", "cross-entropy and kl"],
)
def test_gradients_of_the_training_loss_equal_finite_differences(loss, options):
    module = autoencoder(corruption=Corruption(None, 0), **options).train()
    X, names, values = in_double(module)

    def outputs(*values):
        values = dict(zip(names, values, strict=True))
        return loss(functional_call(module, values, X), X)

    assert torch.autograd.gradcheck(outputs, values)


def test_the_decoder_mirrors_the_encoder():
    module = autoencoder(7, (5, 4, 2), activation="tanh", output_activation="logistic")
    X = torch.rand(3, 7, generator=generator(1))
    for layer in module.decoder[::2]:
        torch.nn.init.normal_(layer.weight, generator=generator(2))
    shapes = [tuple(layer.weight.shape) for layer in module.decoder[::2]]
    assert shapes == [(4, 2), (5, 4), (7, 5)]
    expected = X
    for layer in [*module.encoder[::2], *module.decoder[:-1:2]]:
        expected = torch.tanh(expected @ layer.weight.t() + layer.bias)
    last = module.decoder[-1]
    expected = torch.sigmoid(expected @ last.weight.t() + last.bias)
    torch.testing.assert_close(module.eval()(X), expected)
    torch.testing.assert_close(module.reconstruct(X), expected)


def test_tied_weights_are_the_encoders_transposed():
    module = autoencoder(tied_weights=True, activation="identity").eval()
    X = torch.rand(3, 6, generator=generator(1))
    outer, inner = (layer.weight for layer in module.encoder[::2])
    torch.testing.assert_close(module(X), X @ outer.t() @ inner.t() @ inner @ outer)
    assert sum(p.numel() for p in module.parameters()) == 6 * 5 + 5 * 3 + 5 + 3 + 5 + 6


@pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module))]
)
def test_copies_keep_their_weights_tied(duplicate):
    original = autoencoder(tied_weights=True).eval()
    X = torch.rand(3, 6, generator=generator(1))
    before = original(X)
    copied = duplicate(original)
    torch.testing.assert_close(copied(X), before)
    with torch.no_grad():
        copied.encoder[0].weight.zero_()
    assert not torch.allclose(copied(X), before)
    assert torch.equal(original(X), before)


def test_an_untrained_net_predicts_zero_whatever_its_depth():
    X = torch.rand(3, 6, generator=generator(1))
    assert not autoencoder().eval()(X).any()


def test_logits_are_left_to_the_loss():
    X = torch.rand(3, 6, generator=generator(1))
    module = autoencoder(output_activation="logistic", returns_logits=True).eval()
    torch.nn.init.normal_(module.decoder[-1].weight, generator=generator(2))
    torch.testing.assert_close(module.reconstruct(X), torch.sigmoid(module(X)))


def test_the_penalty_is_there_in_training_only():
    X = torch.rand(3, 6, generator=generator(1))
    penalty = ActivityPenalty("l1", 0.5, 0.1)
    module = autoencoder(penalty=penalty, corruption=Corruption(None, 0))
    outputs, cost = module.train().training_outputs(X)
    torch.testing.assert_close(outputs, module(X))
    torch.testing.assert_close(outputs, module.eval()(X))
    expected = 0.5 * module.encoder(X).abs().sum(dim=1).mean()
    torch.testing.assert_close(cost, expected)
    loss, _ = module.gradient_function(HalfSquaredError())(X, X)
    torch.testing.assert_close(loss, HalfSquaredError()(outputs, X).detach() + cost)


# -- penalties and losses by hand ----------------------------------------------------


def test_l1_activity_in_closed_form():
    codes = torch.tensor([[1.0, -2.0], [3.0, 0.0]])
    assert l1_activity(codes, None).item() == (1 + 2 + 3) / 2


def test_kl_activity_equals_torchs_divergence():
    codes = torch.rand(50, 4, generator=generator())
    divergence = torch.distributions.kl_divergence(
        torch.distributions.Bernoulli(torch.full((4,), 0.1)),
        torch.distributions.Bernoulli(codes.mean(dim=0)),
    )
    torch.testing.assert_close(kl_activity(codes, 0.1), divergence.sum())
    on_target = torch.full((5, 4), 0.1)
    torch.testing.assert_close(kl_activity(on_target, 0.1), torch.tensor(0.0))


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_kl_activity_of_saturated_units_is_finite(value):
    assert torch.isfinite(kl_activity(torch.full((5, 4), value), 0.1))


def test_half_squared_error_in_closed_form():
    X, target = torch.tensor([[1.0, 2.0], [3.0, 5.0]]), torch.zeros(2, 2)
    assert HalfSquaredError()(X, target).item() == (1 + 4 + 9 + 25) / 4
    assert HalfSquaredError().row_losses(X, target).tolist() == [2.5, 17.0]


def test_cross_entropy_is_the_bernoulli_likelihood():
    logits = torch.randn(5, 3, dtype=torch.float64, generator=generator())
    X = torch.rand(5, 3, dtype=torch.float64, generator=generator(1))
    p = 1 / (1 + torch.exp(-logits))
    rows = -(X * p.log() + (1 - X) * (1 - p).log()).sum(dim=1)
    torch.testing.assert_close(BernoulliCrossEntropy().row_losses(logits, X), rows)
    torch.testing.assert_close(BernoulliCrossEntropy()(logits, X), rows.mean())


def test_layers_show_what_they_do():
    text = str(autoencoder(tied_weights=True, penalty=ActivityPenalty("kl", 1, 0.2)))
    assert "noise='gaussian', level=0.1" in text
    assert "TiedLinear(in_features=3, out_features=5)" in text
    assert "kind='kl', weight=1, target=0.2" in text
