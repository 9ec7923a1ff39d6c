"""Sparse batches as inputs of networks, against SciPy and dense rows."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import sparse

from sknets._networks.layers import InputScale
from sknets._networks.perceptron import Perceptron
from sknets._networks.sparse import (
    SparseBatch,
    allocate_by_feature,
    lay_by_feature,
    lies_by_feature,
)
from sknets._training.sparse_batches import EvaluationBatches

N_FEATURES = 50


def random_rows(n_rows=7, density=0.1, dtype=np.float64):
    rng = np.random.default_rng(0)
    is_there = rng.random((n_rows, N_FEATURES)) < density
    return sparse.csr_array((rng.normal(size=is_there.shape) * is_there).astype(dtype))


def with_duplicates():
    data, indices = np.arange(1.0, 7.0), np.array([3, 3, 0, 49, 3, 0])
    return sparse.csr_array((data, indices, [0, 2, 2, 6]), shape=(3, N_FEATURES))


ROWS = {
    "few entries": random_rows(),
    "many entries": random_rows(density=0.9),
    "no entries": sparse.csr_array((4, N_FEATURES)),
    "duplicate entries": with_duplicates(),
    "explicit zeros": random_rows() * 0,
}


@pytest.fixture
def weight(device):
    draws = np.random.default_rng(1).normal(size=(3, N_FEATURES))
    return torch.nn.Parameter(torch.from_numpy(draws).to(device))


@pytest.fixture
def layer(weight):
    layer = torch.nn.Linear(N_FEATURES, 3, device=weight.device, dtype=torch.float64)
    layer.weight = weight
    return layer


@pytest.mark.parametrize("by_feature", [False, True])
@pytest.mark.parametrize("rows", ROWS)
def test_a_linear_layer_equals_scipys_product(rows, by_feature, layer):
    X = ROWS[rows]
    if by_feature:
        lay_by_feature(layer.weight)
    batches = EvaluationBatches(layer, layer.weight.device)
    assert (batches.finder is None) == by_feature
    with torch.inference_mode():
        outputs = layer(batches(X)).cpu().numpy()
    weight, bias = (p.detach().cpu().numpy() for p in layer.parameters())
    assert_allclose(outputs, X @ weight.T + bias, atol=1e-14)


def test_a_weight_in_float32_multiplies_in_float64(layer):
    lay_by_feature(layer.weight)
    layer.weight.data = layer.weight.float()
    X = random_rows(density=0.5)
    with torch.inference_mode():
        batch = EvaluationBatches(layer, layer.weight.device)(X)
        outputs = layer(batch).cpu().numpy()
    weight, bias = (p.detach().cpu().double().numpy() for p in layer.parameters())
    assert_allclose(outputs, X @ weight.T + bias, atol=1e-14)


@pytest.mark.parametrize("gathers", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_scale_of_the_input_is_that_of_dense_rows(gathers, dtype):
    layer = torch.nn.Linear(N_FEATURES, 3)
    if not gathers:
        lay_by_feature(layer.weight)
    scale = InputScale(layer)
    scale.set(None, np.random.default_rng(2).random(N_FEATURES) + 0.5)
    X = random_rows(dtype=dtype)
    scaled = scale(EvaluationBatches(layer, torch.device("cpu"))(X))
    expected = scale(torch.from_numpy(X.toarray()))
    assert scaled.dtype == expected.dtype == torch.float32
    assert_allclose(scaled.values, expected[X.nonzero()], rtol=0)


def test_the_layout_keeps_values_and_shape(weight):
    before = weight.detach().clone()
    assert not lies_by_feature(weight)
    lay_by_feature(weight)
    assert lies_by_feature(weight)
    assert isinstance(weight, torch.nn.Parameter)
    torch.testing.assert_close(weight.detach(), before, rtol=0, atol=0)
    address = weight.data_ptr()
    lay_by_feature(weight)
    assert weight.data_ptr() == address


def test_other_functions_of_torch_refuse_a_sparse_batch():
    batch = SparseBatch(torch.ones(1), torch.zeros(1).int(), torch.tensor([0, 1]).int())
    with pytest.raises(TypeError, match="SparseBatch"):
        torch.nn.functional.relu(batch)


def test_rows_are_equal_if_all_their_entries_are():
    rows = {
        "equal": ([1.0, 2.0, 1.0, 2.0], [0, 3, 0, 3], [0, 2, 4]),
        "values": ([1.0, 2.0, 1.0, 3.0], [0, 3, 0, 3], [0, 2, 4]),
        "features": ([1.0, 2.0, 1.0, 2.0], [0, 3, 0, 4], [0, 2, 4]),
        "lengths": ([1.0, 1.0, 1.0, 1.0], [0, 3, 1, 4], [0, 1, 4]),
        "empty": ([], [], [0, 0, 0]),
    }
    equal = {name for name, parts in rows.items() if as_batch(*parts).has_equal_rows()}
    assert equal == {"equal", "empty"}


def as_batch(values, indices, offsets):
    return SparseBatch(
        torch.tensor(values), torch.tensor(indices).int(), torch.tensor(offsets).int()
    )


def test_networks_that_shift_or_have_hooks_read_dense_rows():
    network = Perceptron(N_FEATURES, (4,), 3, "relu", 0.5)
    assert network.sparse_layer() is network.hidden[0]
    assert Perceptron(5, (), 3, "identity", 0.0).sparse_layer() is not None
    network.input_scale.set(None, np.ones(N_FEATURES))
    assert network.sparse_layer() is network.hidden[0]
    network.input_scale.set(np.ones(N_FEATURES), np.ones(N_FEATURES))
    assert network.sparse_layer() is None
    network.input_scale.set(None, None)
    hook = network.hidden[0].register_forward_hook(lambda *_: None)
    assert network.sparse_layer() is None
    hook.remove()
    assert network.sparse_layer() is network.hidden[0]


def test_initial_weights_do_not_depend_on_the_layout():
    networks = [Perceptron(N_FEATURES, (4, 3), 3, "relu", 0.5) for _ in range(2)]
    allocate_by_feature(networks[0].hidden[0].weight)
    for network in networks:
        network.reset_parameters(torch.Generator().manual_seed(0))
    first, second = (network.state_dict() for network in networks)
    assert lies_by_feature(networks[0].hidden[0].weight)
    assert not lies_by_feature(networks[1].hidden[0].weight)
    torch.testing.assert_close(first, second, rtol=0, atol=0)
