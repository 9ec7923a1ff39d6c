"""From what a user calls a device to a ``torch.device`` that is really there."""

from contextlib import contextmanager

import torch

# What torch's errors say where a tensor cannot be allocated, or addressed at all.
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
        ``"auto"`` takes CUDA, else MPS, else the CPU. Anything else is what
        ``torch.device`` understands.

    dtype : {"float32", "float64"}
        The precision of the network. MPS has no float64, so ``"auto"`` passes it over.

    Returns
    -------
    device : torch.device

    Raises
    ------
    ValueError
        If the device is unknown, not there, or cannot compute in `dtype`.
    """
    if device == "auto":
        return _best_device(dtype)
    try:
        resolved = torch.device(device)
    except RuntimeError as error:
        raise ValueError(
            f"device={device!r} is not a device that torch knows. Use 'auto', 'cpu', "
            "'cuda', 'cuda:<index>' or 'mps'."
        ) from error
    problem = _problem(resolved, dtype)
    if problem:
        raise ValueError(f"device={str(device)!r} was asked for, but {problem}.")
    return resolved


def _best_device(dtype):
    for name in ("cuda", "mps"):
        candidate = torch.device(name)
        if not _problem(candidate, dtype):
            return candidate
    return torch.device("cpu")


def _problem(device, dtype):
    """Return why `device` cannot be used, or None."""
    if device.type == "cpu":
        return None
    if device.type == "cuda":
        n_devices = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (device.index or 0) >= n_devices:
            return f"torch sees {n_devices} CUDA device(s) on this machine"
        return None
    if device.type == "mps":
        if not torch.backends.mps.is_available():
            return "torch sees no MPS device on this machine"
        if dtype == "float64":
            return "MPS cannot compute in dtype='float64'"
        return None
    return f"devices of type {device.type!r} are not supported"


@contextmanager
def name_what_needs_memory(what):
    """Turn torch's failure to allocate a tensor into a MemoryError that says for what.

    Parameters
    ----------
    what : str
        What is made within, and the parameters that decide its size.
    """
    try:
        yield
    except RuntimeError as error:
        if not any(text in str(error) for text in ALLOCATION_ERRORS):
            raise
        raise MemoryError(f"There is not enough memory for {what}.") from error
