"""The lean optimizers against torch's own, and where torch's own take their place."""

from copy import deepcopy

import pytest
import torch

from sknets import SoftmaxClassifier
from sknets._training.optimizers import (
    OPTIMIZERS,
    find_optimizer,
    has_fused_kernel,
    is_equivalent,
)

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
    if not has_fused_kernel(TORCHS_OWN[name], torch.device(device)):
        pytest.skip(f"this torch has no fused kernel for {device}")
    lean, _, own_options = OPTIMIZERS[name]
    options = {"weight_decay": weight_decay, **own_options}
    expected = train(TORCHS_OWN[name], options, device)
    torch.testing.assert_close(
        train(lean, options | {"fused": True}, device), expected, rtol=1e-12, atol=0
    )
    unfused = train(lean, options | {"fused": False}, device)
    torch.testing.assert_close(unfused, expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_state_moves_between_lean_and_torchs_own(name):
    lean, _, options = OPTIMIZERS[name]
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
    lean, _, options = OPTIMIZERS[name]
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


# -- what this torch can do ----------------------------------------------------------


@pytest.fixture
def try_again():
    """Forget what torch could do, before and after."""
    for question in (has_fused_kernel, is_equivalent):
        question.cache_clear()
    yield
    for question in (has_fused_kernel, is_equivalent):
        question.cache_clear()


def fit(name, small):
    model = SoftmaxClassifier(
        optimizer=name, max_epochs=3, device="cpu", weight_decay=0.01, random_state=0
    )
    return model.fit(*small).partial_fit(*small)


def assert_fits_agree(found, expected):
    torch.testing.assert_close(
        found.module_.state_dict(), expected.module_.state_dict(), rtol=1e-5, atol=1e-7
    )


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_processor_has_all_the_kernels(name):
    found, options = find_optimizer(name, torch.device("cpu"))
    assert found is OPTIMIZERS[name][0]
    assert options["fused"]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_devices_without_a_kernel(name, small, monkeypatch, try_again):
    expected = fit(name, small)
    has_fused_kernel.cache_clear()
    own = TORCHS_OWN[name]
    make = own.__init__

    def refuse(self, *args, fused=None, **kwargs):
        if fused:
            raise RuntimeError("`fused=True` requires supported devices")
        make(self, *args, **kwargs)

    monkeypatch.setattr(own, "__init__", refuse)
    found = fit(name, small)
    assert type(found.net_.optimizer_) is own
    assert not found.net_.optimizer_.param_groups[0]["fused"]
    assert "optimizer__fused" not in found.net_.get_params()
    assert_fits_agree(found, expected)


@pytest.mark.parametrize("change", ["renamed", "other arguments", "other meaning"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_changed_kernels(name, change, small, monkeypatch, try_again):
    expected = fit(name, small)
    is_equivalent.cache_clear()
    lean, own, _ = OPTIMIZERS[name]
    call = lean._call_kernel

    def differ(self, group, *tensors):
        if change == "other arguments":
            raise TypeError("missing 1 required keyword-only argument")
        call(self, group | {"lr": -group["lr"]}, *tensors)

    if change == "renamed":
        kernel = f"_fused_{name}_"
        monkeypatch.setattr(lean, "_kernel_name", f"{kernel}renamed")
    else:
        monkeypatch.setattr(lean, "_call_kernel", differ)
    found = fit(name, small)
    assert type(found.net_.optimizer_) is own
    assert found.net_.optimizer_.param_groups[0]["fused"]
    assert_fits_agree(found, expected)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_state_without_a_kernel_goes_on_in_a_lean_optimizer(name):
    lean, own, options = OPTIMIZERS[name]
    weights = [torch.nn.Parameter(torch.ones(3)) for _ in range(2)]
    plain = own(weights[:1], lr=0.1, fused=False, **options)
    weights[0].grad = torch.ones(3)
    plain.step()
    weights[1].data.copy_(weights[0].data)
    other = lean(weights[1:], lr=0.1, fused=True, **options)
    other.load_state_dict(deepcopy(plain.state_dict()))
    for weight, optimizer in zip(weights, (plain, other), strict=True):
        weight.grad = torch.full((3,), 0.5)
        optimizer.step()
    torch.testing.assert_close(*weights)
