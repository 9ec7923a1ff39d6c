import pytest
import torch
from torch.func import functional_call

from sknets._networks.layers import ACTIVATIONS, Network
from sknets._networks.modules import ConvNet, CrossEntropy, Perceptron
from sknets._networks.noise import (
    add_gaussian_noise,
    add_salt_and_pepper,
    dropout_mask,
    mask_entries,
    random_mask,
)

N = 200_000


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(autouse=True)
def seeded():
    """Draws without a generator are the same in each run."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


NETWORKS = {
    "softmax": (Perceptron(6, (), 3, "identity", 0.0), 6),
    "perceptron": (Perceptron(6, (5, 4), 3, "tanh", 0.5), 6),
    "convnet": (ConvNet((5, 4, 2), (3, 2), 3, (4,), 3, "softplus", 0.5), 40),
    "convnet even": (ConvNet((4, 5, 1), (3,), 4, (), 3, "logistic", 0.5), 20),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_equal_finite_differences(name):
    module, n_features = NETWORKS[name]
    module.reset_parameters(generator())
    module.double().eval()
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter.data, std=0.5, generator=generator(1))
    X = torch.randn(3, n_features, dtype=torch.float64, generator=generator(2))
    names, values = zip(*module.named_parameters(), strict=True)

    def outputs(*values):
        return functional_call(module, dict(zip(names, values, strict=True)), X)

    assert torch.autograd.gradcheck(outputs, values)


def check_gradient(module, criterion, target):
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter.data, std=0.5, generator=generator(1))
    X = torch.rand(8, 6, dtype=torch.float64, generator=generator(2))
    results = []
    for network in (type(module), Network):
        function = network.gradient_function(module, criterion)
        draws = generator(4)
        for layer in module.modules():
            layer.generator = draws
        loss = function(X, target)
        results.append((loss, [p.grad.clone() for p in module.parameters()]))
    torch.testing.assert_close(*results)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("hidden_layer_sizes", [(), (5,), (5, 4, 3)])
def test_chain_rule_equals_autograd(hidden_layer_sizes, activation, weighted):
    module = Perceptron(6, hidden_layer_sizes, 3, activation, 0.5).double()
    target = torch.arange(8) % 3
    if weighted:
        target = target, torch.rand(8, dtype=torch.float64, generator=generator(3))
    check_gradient(module, CrossEntropy(), target)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_pooling_before_the_activation_changes_nothing(activation):
    module = ConvNet((7, 6, 1), (4,), 3, (), 3, activation, 0.0)
    module.reset_parameters(generator())
    X = torch.randn(5, 42, generator=generator(1))
    convolution = module.convolutions[0][0]
    images = X.view(5, 1, 7, 6)
    activated = ACTIVATIONS[activation]()(convolution(images))
    pooled = torch.nn.functional.max_pool2d(activated, 2, ceil_mode=True)
    expected = module.head(pooled.permute(0, 2, 3, 1).flatten(1))
    torch.testing.assert_close(module(X), expected)


def test_channels_of_a_flat_row_come_last():
    module = ConvNet((4, 4, 3), (5,), 3, (), 2, "relu", 0.0)
    module.reset_parameters(generator())
    images = torch.randn(2, 4, 4, 3, generator=generator(1))
    first = torch.nn.functional.conv2d(
        images.permute(0, 3, 1, 2),
        module.convolutions[0][0].weight,
        module.convolutions[0][0].bias,
        padding=1,
    )
    pooled = torch.relu(torch.nn.functional.max_pool2d(first, 2))
    expected = module.head(pooled.permute(0, 2, 3, 1).flatten(1))
    torch.testing.assert_close(module(images.flatten(1)), expected)


def within(frequency, probability, n_deviations=5):
    deviation = (probability * (1 - probability) / N) ** 0.5
    return abs(frequency - probability) <= n_deviations * deviation + 2**-16


@pytest.mark.parametrize("probability", [0.0, 0.1, 0.25, 0.5, 0.9, 1.0])
def test_random_mask_has_the_probability(probability, device):
    mask = random_mask(torch.Size([N]), probability, None, torch.device(device))
    assert within(mask.double().mean().item(), probability)


def test_random_mask_entries_are_independent():
    mask = random_mask(torch.Size([N]), 0.5, generator(), torch.device("cpu")).double()
    for lag in (1, 2, 3, 4, 8):
        assert within((mask[lag:] == mask[:-lag]).double().mean().item(), 0.5)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_dropout_keeps_the_mean(p, device):
    X = torch.ones(N, device=device)
    dropped = X * dropout_mask(X, p)
    assert within((dropped == 0).double().mean().item(), p)
    kept = dropped[dropped != 0]
    torch.testing.assert_close(
        kept, torch.full_like(kept, 1 / (1 - p)), rtol=1e-3, atol=0
    )
    assert abs(dropped.mean().item() - 1) < 5 * (p / (1 - p) / N) ** 0.5 + 1e-3


def test_gaussian_noise_has_the_moments(device):
    noise = add_gaussian_noise(torch.full((N,), 3.0, device=device), 0.5) - 3
    assert abs(noise.mean().item()) < 5 * 0.5 / N**0.5
    assert abs(noise.std().item() / 0.5 - 1) < 5 / (2 * N) ** 0.5
    kurtosis = ((noise / noise.std()) ** 4).mean().item()
    assert abs(kurtosis - 3) < 5 * (24 / N) ** 0.5


@pytest.mark.parametrize("fraction", [0.0, 0.3, 1.0])
def test_masking_zeroes_a_fraction_and_nothing_else(fraction, device):
    X = torch.rand(N, device=device) + 1
    masked = mask_entries(X, fraction)
    assert within((masked == 0).double().mean().item(), fraction)
    torch.testing.assert_close(masked[masked != 0], X[masked != 0])


@pytest.mark.parametrize("fraction", [0.0, 0.3, 1.0])
def test_salt_and_pepper_replaces_a_fraction_by_the_extremes(fraction, device):
    X = torch.rand(N // 2, 2, device=device)
    low = torch.tensor([-1.0, -3.0], device=device)
    high = torch.tensor([2.0, 5.0], device=device)
    X[0], X[1] = low, high
    # Without the two rows that are extremes already.
    noisy, X = add_salt_and_pepper(X, fraction)[2:], X[2:]
    peppered, salted, kept = noisy == low, noisy == high, noisy == X
    assert (peppered | salted | kept).all()
    assert within(peppered.double().mean().item(), fraction / 2)
    assert within(salted.double().mean().item(), fraction / 2)
    assert within(kept.double().mean().item(), 1 - fraction)


def test_salt_and_pepper_leaves_a_constant_feature_alone():
    X = torch.rand(1000, 2, generator=generator())
    X[:, 0] = 7
    noisy = add_salt_and_pepper(X, 1.0, generator(1))
    assert torch.equal(noisy[:, 0], X[:, 0])
    assert set(noisy[:, 1].tolist()) == {X[:, 1].min().item(), X[:, 1].max().item()}


@pytest.mark.parametrize(
    "corrupt", [dropout_mask, add_gaussian_noise, mask_entries, add_salt_and_pepper]
)
def test_a_generator_decides_the_draws(corrupt):
    X = torch.rand(100, 3, generator=generator()) + 1
    state = torch.random.get_rng_state()
    first, again = corrupt(X, 0.5, generator(1)), corrupt(X, 0.5, generator(1))
    other = corrupt(X, 0.5, generator(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(first, X)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_weights_of_one_change_no_loss():
    logits = torch.randn(10, 3, generator=generator())
    codes = torch.arange(10) % 3
    torch.testing.assert_close(
        CrossEntropy()(logits, (codes, torch.ones(10))), CrossEntropy()(logits, codes)
    )


def test_layers_show_what_they_do():
    assert "p=0.5" in str(Perceptron(6, (5,), 3, "relu", 0.5))
