"""Devices: choose one that is available, and explain a lack of memory."""

import traceback
import warnings
from contextlib import contextmanager

import torch

# Parts of torch's messages if a tensor exceeds the memory or the address space.
ALLOCATION_ERRORS = (
    "can't allocate memory",
    "out of memory",
    "Invalid buffer size",
    "Storage size calculation overflowed",
)


def resolve_device(device, dtype):
    """Return the ``torch.device`` to compute on.

    Parameters
    ----------
    device : str or torch.device
        ``"auto"`` selects CUDA if it is available, else MPS if it is available, else
        the CPU. Any other value is passed to ``torch.device``.

    dtype : {"float32", "float64"}
        Precision of the network. MPS has no float64, so ``"auto"`` does not select MPS
        for it.

    Returns
    -------
    device : torch.device

    Raises
    ------
    ValueError
        If the device is unknown, is not available, or does not support `dtype`.
    """
    if device == "auto":
        return _best_device(dtype)
    try:
        resolved = torch.device(device)
    except RuntimeError as error:
        raise ValueError(
            "device must be 'auto', 'cpu', 'cuda', 'cuda:<index>', 'mps' or a "
            f"torch.device; got {device!r}."
        ) from error
    problem = _problem(resolved, dtype)
    if problem:
        raise ValueError(f"device={str(device)!r} cannot be used: {problem}.")
    return resolved


def available_device(device, dtype):
    """Return the device to compute on. Warn and return the CPU if it is not there.

    Parameters
    ----------
    device, dtype : see `resolve_device`
    """
    try:
        return resolve_device(device, dtype)
    except ValueError as error:
        warnings.warn(f"{error} The network is on the CPU instead.", stacklevel=2)
        return torch.device("cpu")


def _best_device(dtype):
    for name in ("cuda", "mps"):
        candidate = torch.device(name)
        if not _problem(candidate, dtype):
            return candidate
    return torch.device("cpu")


def _problem(device, dtype):
    """Return the reason why `device` cannot be used, or None if it can."""
    if device.type == "cpu":
        return None
    if device.type == "cuda":
        n_devices = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (device.index or 0) >= n_devices:
            return f"torch finds {n_devices} CUDA device(s) on this machine"
        return None
    if device.type == "mps":
        if not torch.backends.mps.is_available():
            return "torch finds no MPS device on this machine"
        if dtype == "float64":
            return "MPS does not support dtype='float64'"
        return None
    return f"the type must be 'cpu', 'cuda' or 'mps', not {device.type!r}"


@contextmanager
def explain_memory_errors(what):
    """Raise a MemoryError that names `what` if torch cannot allocate a tensor.

    The tensors of the ``with`` block are given back, although the traceback refers to
    the functions that held them.

    Parameters
    ----------
    what : str
        What the ``with`` block creates, and the parameters that decide its size.
    """
    try:
        yield
    except RuntimeError as error:
        if not any(text in str(error) for text in ALLOCATION_ERRORS):
            raise
        traceback.clear_frames(error.__traceback__)
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()
        raise MemoryError(f"There is not enough memory for {what}.") from error
