"""The table of the first layer in training, against SciPy's products."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import sparse

from sknets._networks.sparse import lay_by_feature
from sknets._training import scipy_kernel
from sknets._training.feature_table import FeatureTable
from sknets._training.sparse_batches import TrainingBatches

N_FEATURES = 50


def random_rows(density=0.1):
    rng = np.random.default_rng(0)
    is_there = rng.random((7, N_FEATURES)) < density
    return sparse.csr_array(rng.normal(size=is_there.shape) * is_there)


def with_duplicates():
    data, indices = np.arange(1.0, 7.0), np.array([3, 3, 0, 49, 3, 0])
    return sparse.csr_array((data, indices, [0, 2, 2, 6]), shape=(3, N_FEATURES))


def with_long_indices():
    X = random_rows()
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


def read_only():
    X = random_rows()
    for array in (X.data, X.indices, X.indptr):
        array.flags.writeable = False
    return X


ROWS = {
    "few entries": random_rows(),
    "many entries": random_rows(density=0.9),
    "no entries": sparse.csr_array((4, N_FEATURES)),
    "duplicate entries": with_duplicates(),
    "explicit zeros": random_rows() * 0,
    "long indices": with_long_indices(),
    "read-only": read_only(),
}


def make_weight(n_units, device, dtype=np.float64):
    draws = np.random.default_rng(1).normal(size=(n_units, N_FEATURES)).astype(dtype)
    weight = torch.nn.Parameter(torch.from_numpy(draws).to(device))
    lay_by_feature(weight)
    return weight


@pytest.fixture
def weight(device):
    return make_weight(3, device)


def make_gradient(X, n_units, dtype=np.float64):
    return np.random.default_rng(3).normal(size=(X.shape[0], n_units)).astype(dtype)


@pytest.mark.parametrize("by_rows", [False, True])
@pytest.mark.parametrize("rows", ROWS)
def test_the_gradient_equals_scipys_product(rows, by_rows, weight):
    X = ROWS[rows]
    table = FeatureTable(weight)
    table.by_rows = by_rows
    batch = TrainingBatches(table, weight.device)(X)
    gradient = make_gradient(X, 3)
    outputs = table.forward(batch).detach().cpu().numpy()
    assert_allclose(outputs, X @ weight.detach().cpu().numpy().T, atol=1e-14)
    for _ in range(2):  # the second gradient replaces the first
        table.backward(batch, torch.from_numpy(gradient).to(weight.device))
    expected = X.T @ gradient
    if by_rows:
        found = np.zeros((N_FEATURES, 3))
        grad = table.grad
        found[table.columns.cpu()] = grad.cpu()
        assert sorted(table.columns.tolist()) == np.unique(X.indices).tolist()
        assert weight.grad is None
    else:
        assert table.grad is None
        assert weight.grad.stride() == weight.stride()
        found = weight.grad.t().cpu().numpy()
    assert_allclose(found, expected, atol=1e-14)


@pytest.fixture
def kernel_calls(monkeypatch):
    """The sizes of each product that SciPy's kernel added."""
    calls = []
    call = scipy_kernel.call_kernel
    monkeypatch.setattr(
        scipy_kernel, "call_kernel", lambda *args: calls.append(args[0]) or call(*args)
    )
    return calls


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("way", ["kernel", "no kernel", "gradient read", "many units"])
def test_a_multiple_of_the_gradient_is_added(
    way, rows, dtype, device, kernel_calls, monkeypatch
):
    n_units = scipy_kernel.MAX_UNITS + (way == "many units")
    weight = make_weight(n_units, device, dtype)
    X = ROWS[rows].astype(dtype)
    gradient = make_gradient(X, n_units, dtype)
    expected = weight.detach().cpu().double().numpy() * 0.9
    expected -= 0.1 * (X.astype(np.float64).T @ gradient.astype(np.float64)).T
    if way == "no kernel":
        monkeypatch.setattr(scipy_kernel, "kernel_works", lambda: False)
    table = FeatureTable(weight)
    table.by_rows = True
    batch = TrainingBatches(table, weight.device)(X)
    # In Fortran order: a copy with that layout must not be mistaken for C order.
    table.backward(batch, torch.from_numpy(np.asfortranarray(gradient)).to(device))
    assert table.has_gradient
    if way == "gradient read":
        assert table.grad is not None
    assert scipy_kernel.kernel_works() == (way != "no kernel")
    kernel_calls.clear()
    table.decay(0.9)
    table.add_gradient(-0.1)
    expects_kernel = way == "kernel" and device == "cpu"
    assert kernel_calls == [(N_FEATURES, n_units, len(batch))] * expects_kernel
    table.settle()
    found = weight.detach().cpu().numpy()
    assert_allclose(found, expected, atol=1e-14 if dtype == np.float64 else 1e-5)


def wrong_sum(*arguments):
    arguments[-1][:] += 1


def gone(*arguments):
    raise AttributeError("csc_matvecs")


def changed_arguments(*arguments):
    raise TypeError("csc_matvecs takes 9 arguments")


@pytest.mark.parametrize("kernel", [wrong_sum, gone, changed_arguments])
def test_a_kernel_that_has_changed_is_not_used(kernel, monkeypatch):
    monkeypatch.setattr(scipy_kernel, "call_kernel", kernel)
    assert not scipy_kernel.kernel_works.__wrapped__()
    monkeypatch.undo()
    assert scipy_kernel.kernel_works.__wrapped__()


def test_a_gradient_that_was_clipped_is_added(weight):
    before = weight.detach().clone()
    table = FeatureTable(weight)
    table.by_rows = True
    batch = TrainingBatches(table, weight.device)(random_rows())
    table.backward(batch, torch.ones(7, 3, dtype=torch.float64, device=weight.device))
    torch.nn.utils.clip_grad_norm_([table], 1.0)
    table.add_gradient(1.0)
    norm = (weight.detach() - before).norm()
    assert norm.item() == pytest.approx(1, rel=1e-5)


def test_a_frozen_weight_gets_no_gradient(weight):
    table = FeatureTable(weight.requires_grad_(False))
    batch = TrainingBatches(table, weight.device)(random_rows())
    gradient = torch.ones(7, 3, dtype=torch.float64, device=weight.device)
    for table.by_rows in (False, True):
        table.backward(batch, gradient)
        assert not table.has_gradient
        assert table.grad is None
        assert weight.grad is None


# Decays to less than `MIN_FACTOR`, to zero and to a negative factor.
@pytest.mark.parametrize("factors", [[0.9, 0.8], [0.1] * 5, [0.9, 0.0], [-0.5, 0.7]])
def test_decay_is_a_common_factor(factors, weight):
    table = FeatureTable(weight)
    table.by_rows = True
    X = random_rows()
    batch = TrainingBatches(table, weight.device)(X)
    gradient = torch.ones(7, 3, dtype=torch.float64, device=weight.device)
    dense = torch.from_numpy(X.toarray()).to(weight.device)
    expected = weight.detach().clone()
    for factor in factors:
        table.backward(batch, gradient)
        expected *= factor
        expected -= 0.1 * gradient.t() @ dense
        table.decay(factor)
        table.add_gradient(-0.1)
        product = table.forward(batch)
        torch.testing.assert_close(
            product, dense @ expected.t(), rtol=1e-12, atol=1e-14
        )
    table.settle()
    torch.testing.assert_close(weight.detach(), expected, rtol=1e-12, atol=1e-14)
