"""Autoencoders on CSR rows equal those on the same rows made dense."""

from functools import partial

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone

from sknets import (
    DenoisingAutoencoderTransformer,
    VariationalAutoencoderTransformer,
)
from sknets._networks.layers import Corruption
from sknets._networks.sparse import SparseBatch
from sknets._training.sparse_batches import EvaluationBatches

N_ROWS, N_FEATURES = 230, 900

OPTIONS = {"dtype": "float64", "random_state": 0, "max_epochs": 5, "batch_size": 30}
CODER = partial(DenoisingAutoencoderTransformer, 6, noise=None, **OPTIONS)
VARIATIONAL = partial(
    VariationalAutoencoderTransformer, 3, hidden_layer_sizes=8, **OPTIONS
)


@pytest.fixture(scope="module")
def rows():
    """Rows with about 18 of 900 features, in [0, 1]."""
    rng = np.random.default_rng(0)
    shape = N_ROWS, N_FEATURES
    return sparse.csr_array(rng.random(shape) * (rng.random(shape) < 0.02))


# For each case: the estimator, and which updates it makes: of rows only, or of all
# weights after a sparse product.
CASES = {
    "adam": (CODER(), {False}),
    "sgd": (CODER(optimizer="sgd"), {True}),
    "adagrad": (CODER(optimizer="adagrad", hidden_layer_sizes=9), {True}),
    "zero noise": (CODER(noise="gaussian", noise_level=0), {False}),
    "cross-entropy": (
        CODER(loss="cross_entropy", output_activation="logistic"),
        {False},
    ),
    "logistic": (CODER(output_activation="logistic"), {False}),
    "early stopping": (CODER(early_stopping=True, n_iter_no_change=1), {False}),
    "pre-training": (CODER(hidden_layer_sizes=(9, 5), pretrain_epochs=2), {False}),
    "all masked": (CODER(noise="masking", noise_level=1.0), {False}),
    "gaussian noise": (CODER(noise="gaussian"), set()),
    "salt and pepper": (CODER(noise="salt_and_pepper", noise_level=0.1), set()),
    "tied": (CODER(tied_weights=True), set()),
    "penalty": (CODER(activity_penalty="l1"), set()),
    "variational": (VARIATIONAL(loss="cross_entropy"), {False}),
    "two draws": (
        VARIATIONAL(loss="cross_entropy", n_draws=2, early_stopping=True),
        {False},
    ),
    "centred": (VARIATIONAL(loss="squared_error"), set()),
}


@pytest.mark.parametrize("case", CASES)
def test_training_equals_training_on_dense_rows(case, rows, updates, device):
    estimator, expected = CASES[case]
    model = clone(estimator).set_params(device=device).fit(rows)
    if device == "cpu":  # a GPU may lack fused kernels
        assert set(updates) == expected
    dense = clone(estimator).set_params(device=device).fit(rows.toarray())
    for found, wanted in zip(
        model.module_.parameters(), dense.module_.parameters(), strict=True
    ):
        torch.testing.assert_close(found, wanted, rtol=0, atol=1e-10)
    assert_allclose(model.loss_curve_, dense.loss_curve_, rtol=1e-10)
    if model.early_stopping:
        assert_allclose(
            model.net_.history[:, "valid_loss"],
            dense.net_.history[:, "valid_loss"],
            rtol=1e-10,
        )
    if hasattr(dense, "reconstruction_error_"):
        assert_allclose(model.reconstruction_error_, dense.reconstruction_error_)


@pytest.mark.parametrize("estimator", [CODER(), VARIATIONAL(loss="cross_entropy")])
@pytest.mark.parametrize("method", ["transform", "reconstruct", "score_samples"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_results_equal_those_of_dense_rows(estimator, method, dtype, rows, monkeypatch):
    model = clone(estimator).set_params(dtype="float32").fit(rows)
    made = []
    make = EvaluationBatches.__call__
    monkeypatch.setattr(
        EvaluationBatches,
        "__call__",
        lambda batches, X: made.append(X.shape[0]) or make(batches, X),
    )
    X = rows.astype(dtype)
    found = getattr(model, method)(X)
    # The scores compare the rows themselves with their reconstructions.
    assert sum(made) == (0 if method == "score_samples" else N_ROWS)
    assert found.dtype == dtype
    expected = getattr(model, method)(X.toarray())
    tolerance = 1e-5 if dtype == np.float32 else 1e-11
    assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def test_a_large_tied_autoencoder_reconstructs_sparse_rows(rows, monkeypatch):
    model = CODER(tied_weights=True, dtype="float32").fit(rows)
    expected = model.reconstruct(rows.toarray())
    # The copy in float64 then shares the first weight, which is in float32.
    monkeypatch.setattr("sknets._training.evaluation.MAX_CACHED_BYTES", 0)
    assert_allclose(model.reconstruct(rows), expected, rtol=1e-11, atol=1e-11)


def test_masking_noise_masks_entries_of_sparse_rows():
    values = torch.ones(100_000)
    indices = torch.arange(100_000, dtype=torch.int32) % N_FEATURES
    batch = SparseBatch(values, indices, torch.tensor([0, 100_000], dtype=torch.int32))
    corruption = Corruption("masking", 0.3)
    corruption.generator = torch.Generator().manual_seed(0)
    found = corruption(batch)
    assert set(found.values.tolist()) == {0.0, 1.0}
    assert abs(found.values.mean().item() - 0.7) < 5 * np.sqrt(0.3 * 0.7 / 100_000)
    assert_array_equal(values, 1)  # the batch itself, which is the target
    assert_array_equal(corruption.eval()(batch).values, 1)
