import pytest
import torch
from torch.func import functional_call

from sknets._networks.activations import ACTIVATIONS
from sknets._networks.base import Network
from sknets._networks.convnet import ConvNet
from sknets._networks.losses import CrossEntropy
from sknets._networks.perceptron import Perceptron


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


def check_gradient(module, criterion, y, weight):
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter.data, std=0.5, generator=generator(1))
    X = torch.rand(8, 6, dtype=torch.float64, generator=generator(2))
    results = []
    for network in (type(module), Network):
        function = network.gradient_function(module, criterion)
        draws = generator(4)
        for layer in module.modules():
            layer.generator = draws
        loss = function(X, y, weight)
        results.append((loss, [p.grad.clone() for p in module.parameters()]))
    torch.testing.assert_close(*results)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("hidden_layer_sizes", [(), (5,), (5, 4, 3)])
def test_chain_rule_equals_autograd(hidden_layer_sizes, activation, weighted):
    module = Perceptron(6, hidden_layer_sizes, 3, activation, 0.5).double()
    weight = torch.rand(8, dtype=torch.float64, generator=generator(3))
    y = torch.arange(8) % 3
    check_gradient(module, CrossEntropy(), y, weight if weighted else None)


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


def test_weights_of_one_change_no_loss():
    logits = torch.randn(10, 3, generator=generator())
    codes = torch.arange(10) % 3
    torch.testing.assert_close(
        CrossEntropy()(logits, codes, torch.ones(10)), CrossEntropy()(logits, codes)
    )


def test_layers_show_what_they_do():
    assert "p=0.5" in str(Perceptron(6, (5,), 3, "relu", 0.5))
