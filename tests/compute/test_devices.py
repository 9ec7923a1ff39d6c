import pickle

import pytest
import torch
from numpy.testing import assert_allclose

from sknets import MLPDropoutClassifier
from sknets._compute.devices import explain_memory_errors, resolve_device

CPU = torch.device("cpu")


@pytest.fixture
def machine(monkeypatch):
    """Pretend to have some devices."""

    def pretend(*, n_cuda=0, mps=False):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: n_cuda > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: n_cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return pretend


@pytest.mark.parametrize(
    ("devices", "dtype", "expected"),
    [
        ({}, "float32", "cpu"),
        ({"n_cuda": 1, "mps": True}, "float32", "cuda"),
        ({"mps": True}, "float32", "mps"),
        ({"mps": True}, "float64", "cpu"),
        ({"n_cuda": 1}, "float64", "cuda"),
    ],
)
def test_auto_takes_the_best_there_is(machine, devices, dtype, expected):
    machine(**devices)
    assert resolve_device("auto", dtype) == torch.device(expected)


@pytest.mark.parametrize("device", ["cpu", "cuda", "cuda:1", "mps"])
def test_names_and_torch_devices(machine, device):
    machine(n_cuda=2, mps=True)
    assert resolve_device(device, "float32") == torch.device(device)
    assert resolve_device(torch.device(device), "float32") == torch.device(device)


@pytest.mark.parametrize(
    ("device", "dtype", "message"),
    [
        ("cuda:2", "float32", "device='cuda:2' cannot be used: torch finds 2 CUDA"),
        ("mps", "float32", "no MPS device"),
        ("meta", "float32", "must be 'cpu', 'cuda' or 'mps', not 'meta'"),
        ("gpu", "float32", "device must be 'auto', 'cpu'.*; got 'gpu'"),
    ],
)
def test_missing_devices_are_named(machine, device, dtype, message):
    machine(n_cuda=2)
    with pytest.raises(ValueError, match=message):
        resolve_device(device, dtype)


def test_mps_has_no_float64(machine):
    machine(mps=True)
    with pytest.raises(ValueError, match="MPS does not support dtype='float64'"):
        resolve_device("mps", "float64")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_devices_agree(digits):
    X, X_test, y, _ = digits
    options = {"dropout": 0.0, "batch_size": 2000, "max_epochs": 20, "random_state": 0}
    cpu, cuda = (
        MLPDropoutClassifier(device=device, dtype="float64", **options).fit(X, y)
        for device in ("cpu", "cuda")
    )
    assert_allclose(cpu.predict_proba(X_test), cuda.predict_proba(X_test), rtol=1e-6)
    assert pickle.loads(pickle.dumps(cuda)).device_.type == "cuda"


def test_other_errors_than_of_memory_stay_as_they_are():
    with (
        pytest.raises(RuntimeError, match="^another$"),
        explain_memory_errors("this"),
    ):
        raise RuntimeError("another")


@pytest.mark.parametrize("error", [RuntimeError, torch.OutOfMemoryError])
def test_a_device_without_enough_memory_is_a_memory_error(error):
    with (
        pytest.raises(MemoryError, match="not enough memory for this") as raised,
        explain_memory_errors("this"),
    ):
        raise error("CUDA out of memory. Tried to allocate 2.00 GiB.")
    assert isinstance(raised.value.__cause__, error)
