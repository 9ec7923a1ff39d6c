"""The lean optimizers against torch's own."""

from copy import deepcopy

import pytest
import torch

from sknets._optimizers import OPTIMIZERS

TORCHS_OWN = {
    "sgd": torch.optim.SGD,
    "adagrad": torch.optim.Adagrad,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}


def train(optimizer_class, options, device, dtype=torch.float64):
    """Return parameters after some steps, and the optimizer's state."""
    generator = torch.Generator().manual_seed(0)
    tensors = [
        torch.randn(shape, dtype=dtype, generator=generator).to(device)
        for shape in [(5, 3), (5,), (2, 5)]
    ]
    weights = [torch.nn.Parameter(tensor.clone()) for tensor in tensors]
    groups = [{"params": weights[1:2], "weight_decay": 0.0}, {"params": weights[::2]}]
    optimizer = optimizer_class(groups, lr=0.1, **options)

    def closure():
        for weight, tensor in zip(weights, tensors, strict=True):
            weight.grad = (weight - 2 * tensor).detach()
        return sum(weight.square().sum() for weight in weights)

    losses = []
    for step in range(5):
        optimizer.param_groups[1]["lr"] = 0.1 / (1 + step)
        losses.append(optimizer.step(closure).item())
    return weights, optimizer.state_dict()["state"], losses


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_are_torchs(name, weight_decay, device):
    lean, own_options = OPTIMIZERS[name]
    options = {"weight_decay": weight_decay, **own_options}
    expected = train(TORCHS_OWN[name], options, device)
    torch.testing.assert_close(
        train(lean, options | {"fused": True}, device), expected, rtol=1e-12, atol=0
    )
    unfused = train(lean, options | {"fused": False}, device)
    torch.testing.assert_close(unfused, expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_state_moves_between_lean_and_torchs_own(name):
    lean, options = OPTIMIZERS[name]
    parameter = torch.nn.Parameter(torch.ones(3))
    optimizer = lean([parameter], lr=0.1, fused=True, **options)
    for _ in range(2):
        parameter.grad = torch.ones(3)
        optimizer.step()
    twin = torch.nn.Parameter(parameter.detach().clone())
    other = TORCHS_OWN[name]([twin], lr=0.1, **options)
    other.load_state_dict(deepcopy(optimizer.state_dict()))
    for weight, either in ((parameter, optimizer), (twin, other)):
        weight.grad = torch.full((3,), 0.5)
        either.step()
    torch.testing.assert_close(twin, parameter)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_parameters_without_a_gradient_stay(name):
    lean, options = OPTIMIZERS[name]
    moving, frozen = (torch.nn.Parameter(torch.ones(3)) for _ in range(2))
    optimizer = lean([moving, frozen], lr=0.1, fused=True, **options)
    for _ in range(3):
        moving.grad = torch.ones(3)
        optimizer.step()
    assert (moving < 1).all()
    assert (frozen == 1).all()
    frozen.grad = torch.ones(3)
    optimizer.step()
    assert (frozen < 1).all()
