"""Evaluate a trained module: outputs and losses of rows, without gradients.

BLAS, ATen and oneDNN choose their kernels by processor, size and threads. So the last
bits of a row's outputs depend on the other rows. In float64 results, the last bits of
float32 would be a large error. For them, dense layers compute in float64, in a copy of
the module with the same weights. Convolutions stay in float32, which takes a fifth of
the time: their outputs for an image have the same bits in any batch.
"""

import math
from collections import namedtuple
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import nn

from sknets._compute.devices import explain_memory_errors
from sknets._compute.threads import PREDICTION_WORK_PER_THREAD, threads_for
from sknets._networks.base import memo_without_generators
from sknets._training.rows import ordered_batches, prediction_blocks
from sknets._training.sparse_batches import (
    evaluation_batches,
    multiply_adds,
    reads_sparse,
)

# Larger copies are not cached for the next call.
MAX_CACHED_BYTES = 64 * 2**20

CachedCopy = namedtuple("CachedCopy", ["copy", "device", "versions", "tensors"])
_cache = WeakKeyDictionary()


@explain_memory_errors("the outputs of a block of rows")
def evaluate(
    network,
    X,
    dtype,
    *,
    part=None,
    function=None,
    accepts_sparse=False,
    finish=None,
):
    """Return the outputs of a trained network for X, or results computed from them.

    Parameters
    ----------
    network : Network
    X : ndarray, tensor or CSR matrix of shape (n_samples, n_in)
        Of the dtype that `input_dtype` returns.
    dtype : numpy dtype
        Of floating-point results: float32 or float64.
    part : nn.Module, default=None
        Part of the network to evaluate. None evaluates the whole network.
    function : callable, default=None
        Called as ``function(module, block)``, where `module` is the network or its part
        and `block` a tensor of rows. It returns the outputs, a tensor. None calls the
        module itself.
    accepts_sparse : bool, default=False
        Whether `function` accepts a sparse batch, which the module itself always does.
    finish : callable, default=None
        Maps outputs to results. None returns the outputs.

    Returns
    -------
    results : ndarray of shape (n_samples, ...)
    is_finite : bool
        Whether the sum of the outputs is finite. If `network.can_hide_infinity`, the
        sum of X must be finite too.
    """
    module = network if part is None else part
    device = next(module.parameters()).device
    n_rows = X.shape[0]
    accepts_sparse = accepts_sparse or function is None
    is_sparse = accepts_sparse and reads_sparse(network, X)
    if dtype == np.float64:
        device = float64_device(device)
        module = to_float64(module, device, by_columns=is_sparse)
    if function is not None:
        function = partial(function, module)
    work = n_rows * multiply_adds(network, X, is_sparse)
    with threads_for(work, PREDICTION_WORK_PER_THREAD), evaluation_mode(module, device):
        make_batch = None
        if is_sparse:
            make_batch = evaluation_batches(network, X, device, module)
        blocks = prediction_blocks(X, network.max_rows, device, make_batch)
        results, total = None, 0.0
        for rows, block in blocks:
            outputs = (function or module)(block)
            check = outputs.sum()
            if network.can_hide_infinity:
                # The block is still in the processor's cache, which makes this fast.
                check = check + block.sum()
            total += check.item()
            piece = (outputs if finish is None else finish(outputs)).cpu().numpy()
            if results is None:
                # A list of small pieces would keep the memory between them in use.
                kind = dtype if piece.dtype.kind == "f" else piece.dtype
                results = np.empty((n_rows, *piece.shape[1:]), kind)
            with np.errstate(over="ignore"):
                results[rows] = piece
            if piece.dtype.kind == "f" and piece.itemsize > results.itemsize:
                total += float(results[rows].sum())  # the conversion can overflow
    return results, math.isfinite(total)


def require_finite(outputs, dtype):
    """Return the outputs. Raise if one of them is not finite in a NumPy dtype."""
    outputs = outputs.to(getattr(torch, np.dtype(dtype).name))
    if not outputs.isfinite().all():
        raise ValueError(
            "Input X contains values so large that the outputs of the network are not "
            "finite."
        )
    return outputs


def mean_loss(network, criterion, rows):
    """Return the mean loss of a network over rows, as a float."""
    total = 0.0
    make_batch = evaluation_batches(network, rows.X, rows.device)
    work = len(rows) * multiply_adds(network, rows.X, make_batch is not None)
    with (
        threads_for(work, PREDICTION_WORK_PER_THREAD),
        evaluation_mode(network, rows.device),
    ):
        for X, y, weight in ordered_batches(rows, network.max_rows, make_batch):
            total = total + network.mean_loss(criterion, X, y, weight) * len(X)
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
    """Return a context that switches TF32 off in cuDNN, which uses it by default."""
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
    """Return the device itself, or the CPU instead of MPS, which has no float64."""
    return torch.device("cpu") if device.type == "mps" else device


def input_dtype(network, dtype):
    """Return the numpy dtype that X must have for results of a given dtype.

    Parameters
    ----------
    network : Network
    dtype : numpy dtype
        Of the results: float32 or float64.
    """
    weight = next(network.parameters())
    is_precise = weight.ndim == 2 or network.scales_input
    in_float64 = weight.dtype == torch.float64 or (is_precise and dtype == np.float64)
    return np.float64 if in_float64 else np.float32


def to_float64(module, device, *, by_columns=False):
    """Return a copy of a module with dense layers in float64.

    Parameters
    ----------
    module : nn.Module
    device : torch.device
        Where to evaluate.
    by_columns : bool
        Whether the first layer reads sparse batches, which convert the weights of those
        features that occur. If the module has many weights, the copy then shares the
        weight of the first layer as it is.

    Returns
    -------
    module : nn.Module
        The given one if its dense layers are in float64 already.
    """
    cached = _cache.get(module)
    versions = tensor_versions(module)
    if cached is not None and cached.versions == versions and cached.device == device:
        return cached.copy
    dense = [p for p in dense_parameters(module) if p.dtype != torch.float64]
    if not dense:
        return module
    if 8 * sum(p.numel() for p in dense) <= MAX_CACHED_BYTES:
        copy = float64_copy(module, dense, device)
        if versions is not None and not module.training:
            # These references keep new tensors from getting the ids of the old ones.
            tensors = [*module.parameters(), *module.buffers()]
            _cache[module] = CachedCopy(copy, device, versions, tensors)
        return copy
    if by_columns:
        dense = [p for p in dense if p is not next(module.parameters())]
    return float64_copy(module, dense, device)


def drop_cached_copies(module):
    """Drop the cached copies of a module and of its parts."""
    for part in module.modules():
        _cache.pop(part, None)


def dense_parameters(module):
    """Return the parameters of all layers except convolutions, in order."""
    return [
        parameter
        for layer in module.modules()
        if not isinstance(layer, nn.Conv2d)
        for parameter in layer.parameters(recurse=False)
    ]


def float64_copy(module, dense, device):
    """Return a copy in evaluation mode, with the parameters `dense` in float64.

    The copy shares the other parameters. It also shares the hooks, so that hooks that
    users add to the module are called.
    """
    tensors = [*module.parameters(), *module.buffers()]
    memo = {id(tensor): tensor.to(device) for tensor in tensors}
    memo |= {id(p): p.detach().to(device, torch.float64) for p in dense}
    for layer in module.modules():
        for hooks in (layer._forward_hooks, layer._forward_pre_hooks):
            memo[id(hooks)] = hooks
    return deepcopy(module, memo | memo_without_generators(module)).eval()


def tensor_versions(module):
    """Return a value that changes if a tensor changes, or None if torch has none.

    torch does not notice changes through ``parameter.data``.
    """
    tensors = [*module.parameters(), *module.buffers()]
    if any(tensor.is_inference() for tensor in tensors):
        return None  # inference tensors have no version counter
    return [(id(t), t.data_ptr(), t._version) for t in tensors]
