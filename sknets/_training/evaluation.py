"""Evaluate a trained module, without gradients, in the precision of the answer.

BLAS, ATen and oneDNN choose their kernels by processor, size and threads, so the last
bits of a row depend on the rows beside it. What is to be float64 is therefore computed
in float64, with the same weights: dense layers in a copy of the module, while
convolutions stay in float32, where an image has the same bits in any batch and which
take a fifth of the time.
"""

import math
from collections import namedtuple
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from weakref import WeakKeyDictionary

import numpy as np
import torch
from scipy import sparse
from torch import nn

from sknets._compute.threads import PREDICTION_WORK_PER_THREAD, threads_for
from sknets._networks.network import memo_without_generators
from sknets._training.rows import ordered_batches, prediction_blocks

# A copy that takes so many bytes at most is kept for the next call.
KEPT_BYTES = 64 * 2**20

Kept = namedtuple("Kept", ["copy", "device", "state", "parameters"])
_kept = WeakKeyDictionary()


def evaluate(network, X, dtype, *, part=None, function=None, finish=None):
    """Return what a trained network makes of the rows of X.

    Parameters
    ----------
    network : Network
    X : ndarray, tensor or CSR matrix of shape (n_samples, n_in)
        In the `input_dtype`.
    dtype : numpy dtype
        Of the answer: float32 or float64.
    part : nn.Module, default=None
        Part of the network to evaluate. None takes the whole.
    function : callable, default=None
        Maps the network, or the part, and a dense block of rows to outputs, which are
        tensors like the block. None calls it.
    finish : callable, default=None
        Maps outputs to results. None leaves them as they are.

    Returns
    -------
    results : ndarray of shape (n_samples, ...)
    is_finite : bool
        Whether the sums of the outputs, and of what they hide of X, are finite.
    """
    module = network if part is None else part
    device = next(module.parameters()).device
    n_rows = X.shape[0]
    if dtype == np.float64:
        device = float64_device(device)
        if function is None and sparse.issparse(X):
            module, X = in_float64(module, device, X)
        else:
            module, _ = in_float64(module, device)
    if function is not None:
        function = partial(function, module)
    work = n_rows * network.multiply_adds
    with threads_for(work, PREDICTION_WORK_PER_THREAD), evaluation_mode(module, device):
        blocks = prediction_blocks(X, network.max_rows, device)
        results, total = None, 0.0
        for rows, block in blocks:
            outputs = (function or module)(block)
            check = outputs.sum()
            if network.hides_infinity:
                # A block in the cache is summed in less time than the whole of X.
                check = check + block.sum()
            total += check.item()
            piece = (outputs if finish is None else finish(outputs)).cpu().numpy()
            if results is None:
                # Pieces kept in a list would pin the freed memory between them.
                kind = dtype if piece.dtype.kind == "f" else piece.dtype
                results = np.empty((n_rows, *piece.shape[1:]), kind)
            results[rows] = piece
    return results, math.isfinite(total)


def require_finite(outputs):
    """Return outputs; raise where one is not finite."""
    if not outputs.isfinite().all():
        raise ValueError(
            "Input X contains values so large that the outputs of the network are not "
            "finite."
        )
    return outputs


def mean_loss(network, criterion, rows):
    """Return the loss of a network, mean over rows, as a float."""
    total = 0.0
    work = len(rows) * network.multiply_adds
    with (
        threads_for(work, PREDICTION_WORK_PER_THREAD),
        evaluation_mode(network, rows.device),
    ):
        for X, y, weight in ordered_batches(rows, network.max_rows):
            total = total + criterion(network(X), y, weight) * len(X)
    return (total / len(rows)).item()


@contextmanager
def evaluation_mode(module, device):
    """Switch dropout, noise, gradients and TF32 off."""
    training = module.training
    if training:
        module.eval()
    try:
        with torch.inference_mode():
            if device.type == "cuda":
                with convolutions_in_float32():
                    yield
            else:
                yield
    finally:
        if training:
            module.train()


def convolutions_in_float32():
    """Return a context in which cuDNN does not round to TF32, as it does by default."""
    cudnn = torch.backends.cudnn
    return cudnn.flags(
        enabled=cudnn.enabled,
        benchmark=cudnn.benchmark,
        benchmark_limit=cudnn.benchmark_limit,
        deterministic=cudnn.deterministic,
        allow_tf32=False,
    )


# -- precision -----------------------------------------------------------------------


def float64_device(device):
    """Return where to compute in float64 what is on a device. MPS has no float64."""
    return torch.device("cpu") if device.type == "mps" else device


def input_dtype(module, dtype):
    """Return the numpy dtype of X in which a module evaluates to a dtype.

    Parameters
    ----------
    module : nn.Module
    dtype : numpy dtype
        Of the answer: float32 or float64.
    """
    weight = next(module.parameters())
    is_dense = weight.ndim == 2
    in_float64 = weight.dtype == torch.float64 or (is_dense and dtype == np.float64)
    return np.float64 if in_float64 else np.float32


def in_float64(module, device, X=None):
    """Return a copy of a module whose dense layers compute in float64, and its X.

    Parameters
    ----------
    module : nn.Module
    device : torch.device
        Where to evaluate.
    X : CSR matrix, optional
        Where the weights are many, only its columns with entries are kept, and the
        weights of the first layer that belong to them.

    Returns
    -------
    module : nn.Module
        The same one if it is in float64 already.
    X : CSR matrix or None
    """
    dense = [p for p in dense_parameters(module) if p.dtype != torch.float64]
    if not dense:
        return module, X
    if 8 * sum(p.numel() for p in dense) <= KEPT_BYTES:
        return kept_copy(module, dense, device), X
    if X is None or dense[0] is not next(module.parameters()):
        return lifted_copy(module, dense, device), X
    columns = np.unique(X.indices)
    weight = dense[0][:, torch.from_numpy(columns).to(dense[0].device)]
    return lifted_copy(module, dense, device, weight), X[:, columns]


def kept_copy(module, dense, device):
    """Return the copy of the last call while it is true, or a new one."""
    state = state_of(module)
    kept = _kept.get(module)
    if kept is not None and kept.state == state and kept.device == device:
        return kept.copy
    copy = lifted_copy(module, dense, device)
    if state is not None and not module.training:
        # The parameters are kept, so that no other can take their identity.
        _kept[module] = Kept(copy, device, state, list(module.parameters()))
    return copy


def forget(module):
    """Drop what is kept of a module that is going to change."""
    for part in module.modules():
        _kept.pop(part, None)


def dense_parameters(module):
    """Return the parameters of all layers but convolutions, in order."""
    return [
        parameter
        for layer in module.modules()
        if not isinstance(layer, nn.Conv2d)
        for parameter in layer.parameters(recurse=False)
    ]


def lifted_copy(module, dense, device, first_weight=None):
    """Return a copy that evaluates with some parameters in float64.

    It shares the other parameters, and the hooks, so that these see it too.
    """
    memo = {id(p): p.to(device) for p in module.parameters()}
    memo |= {id(p): p.detach().to(device, torch.float64) for p in dense}
    if first_weight is not None:
        memo[id(dense[0])] = first_weight.detach().to(device, torch.float64)
    for layer in module.modules():
        for hooks in (layer._forward_hooks, layer._forward_pre_hooks):
            memo[id(hooks)] = hooks
    return deepcopy(module, memo | memo_without_generators(module)).eval()


def state_of(module):
    """Return what changes when a module does, or None where that cannot be told.

    torch does not count what is written through ``parameter.data``.
    """
    parameters = list(module.parameters())
    if any(parameter.is_inference() for parameter in parameters):
        return None  # such tensors do not count their changes
    return [(id(p), p.data_ptr(), p._version) for p in parameters]
