"""Tensors, sparse matrices and memory maps, without the copies that they could cost."""

import multiprocessing
import weakref
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_predict

from sknets import (
    ConvNetClassifier,
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
    SoftmaxClassifier,
    VariationalAutoencoderTransformer,
)
from sknets._training.rows import Rows, to_tensor

QUICK = {"max_epochs": 2, "random_state": 0}


# -- tensors -------------------------------------------------------------------------


def outputs(estimator, X):
    method = getattr(estimator, "predict_proba", None) or estimator.transform
    return method(X)


@pytest.mark.parametrize(
    "estimator",
    [
        SoftmaxClassifier(**QUICK),
        MLPDropoutClassifier(8, early_stopping=True, scoring="accuracy", **QUICK),
        ConvNetClassifier(2, hidden_layer_sizes=8, **QUICK),
        DenoisingAutoencoderTransformer(3, early_stopping=True, **QUICK),
        VariationalAutoencoderTransformer(3, early_stopping=True, **QUICK),
        DenoisingAutoencoderTransformer(
            3,
            hidden_layer_sizes=4,
            pretrain_epochs=1,
            early_stopping=True,
            scoring=lambda c, X, y: 0.0,
            **QUICK,
        ),
    ],
)
def test_tensors_on_any_device_train_like_arrays(estimator, small, device):
    X, y = small
    X = X.astype(np.float32)
    estimator.set_params(device=device)
    expected = clone(estimator).fit(X, y)
    tensors = [torch.tensor(values, device=device) for values in (X, y)]
    found = clone(estimator).fit(*tensors)
    assert found.loss_curve_ == expected.loss_curve_
    assert found.validation_loss_curve_ == expected.validation_loss_curve_
    assert_array_equal(outputs(found, tensors[0]), outputs(expected, X))


def test_tensors_are_not_copied(small):
    X = torch.tensor(small[0], dtype=torch.float32)
    model = MLPDropoutClassifier(8, **QUICK)
    validated = model._validate(X, reset=True)
    assert Rows(validated, device=torch.device("cpu")).X.data_ptr() == X.data_ptr()


def test_tensors_are_never_arrays(small, monkeypatch):
    X, y = torch.tensor(small[0]), small[1]
    monkeypatch.setattr(torch.Tensor, "__array__", None)
    model = MLPDropoutClassifier(8, early_stopping=True, **QUICK).fit(X, y)
    assert model.predict(X).shape == (60,)
    coder = DenoisingAutoencoderTransformer(
        2, loss="cross_entropy", output_activation="logistic", **QUICK
    )
    scores = coder.fit(X.sigmoid()).score_samples(X.sigmoid())
    assert scores.shape == (60,)


def test_precisions_that_numpy_has_not(small):
    X, y = small
    X = torch.tensor(X).bfloat16()
    model = MLPDropoutClassifier(8, **QUICK)
    expected = clone(model).fit(X.double().numpy(), y).predict_proba(X.double().numpy())
    assert_array_equal(model.fit(X, y).predict_proba(X), expected)


def test_all_arguments_can_be_tensors(small, device):
    arrays = (*small, np.linspace(0.5, 1.5, 60))
    curves = []
    for X, y, weight in (arrays, [torch.tensor(v, device=device) for v in arrays]):
        model = MLPDropoutClassifier(8, device=device, **QUICK)
        model.fit(X, y, weight, X_val=X, y_val=y, sample_weight_val=weight)
        model.partial_fit(X, y, sample_weight=weight)
        curves.append((model.loss_curve_, model.validation_loss_curve_[:2]))
    assert curves[0] == curves[1]


def test_other_tensors_than_X(small):
    X, y = torch.tensor(small[0]), torch.tensor(small[1])
    weight = torch.ones(60).bfloat16()
    MLPDropoutClassifier(8).partial_fit(X, y, torch.arange(3), weight)
    coder = DenoisingAutoencoderTransformer(2, **QUICK).fit(X)
    codes = torch.ones(3, 2, requires_grad=True)
    expected = coder.inverse_transform(codes.detach().numpy())
    assert_array_equal(coder.inverse_transform(codes), expected)
    assert_array_equal(coder.inverse_transform(codes.bfloat16()), expected)


@pytest.mark.parametrize(
    "estimator",
    [
        ConvNetClassifier(2, hidden_layer_sizes=8, **QUICK),
        DenoisingAutoencoderTransformer(2, tied_weights=True, **QUICK),
        VariationalAutoencoderTransformer(2, **QUICK),
    ],
)
def test_tensors_made_in_inference_mode(estimator, small):
    with torch.inference_mode():
        X = torch.tensor(small[0]).float()
    expected = clone(estimator).fit(small[0].astype(np.float32), small[1])
    assert estimator.fit(X, small[1]).loss_curve_ == expected.loss_curve_


def test_images_as_tensors(digits):
    X, y = torch.tensor(digits[0][:200]), digits[2][:200]
    model = ConvNetClassifier(2, hidden_layer_sizes=8, **QUICK)
    expected = clone(model).fit(X, y).predict_proba(X)
    images = X.reshape(-1, 8, 8)
    assert_array_equal(model.fit(images, y).predict_proba(images), expected)


def test_tensors_in_a_search(small):
    X, y = torch.tensor(small[0]), small[1]
    model = SoftmaxClassifier(**QUICK)
    search = GridSearchCV(model, {"learning_rate": [0.1, 0.5]}, cv=3).fit(X, y)
    as_arrays = clone(search).fit(X.numpy(), y)
    scores = [s.cv_results_["mean_test_score"] for s in (search, as_arrays)]
    assert_array_equal(*scores)
    assert_array_equal(
        cross_val_predict(model, X, y), cross_val_predict(model, X.numpy(), y)
    )


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (torch.ones(5), r"2D tensor X; got shape \(5,\)"),
        (torch.ones(0, 5), r"0 sample\(s\)"),
        (torch.ones(3, 0), r"0 feature\(s\)"),
        (torch.ones(60, 4), "X has 4 features"),
        (torch.full((60, 5), torch.nan), "X contains NaN"),
        (torch.full((60, 5), torch.inf), "X contains infinity"),
        (torch.eye(5).to_sparse(), "dense tensor of real numbers"),
        (torch.ones(60, 5, dtype=torch.complex64), "dense tensor of real numbers"),
        (torch.ones(60, 5, device="meta"), "dense tensor of real numbers"),
        (torch.ones(59, 5), "inconsistent numbers of samples"),
    ],
)
def test_bad_tensors_are_named(X, message, small):
    fitted = MLPDropoutClassifier(8, warm_start=True, **QUICK).fit(*small)
    with pytest.raises(ValueError, match=message):
        fitted.fit(X, small[1])
    if "inconsistent" not in message:
        with pytest.raises(ValueError, match=message):
            fitted.predict(X)


def test_the_autoencoders_unit_interval_holds_for_tensors(small):
    coder = DenoisingAutoencoderTransformer(
        2, loss="cross_entropy", output_activation="logistic", **QUICK
    )
    with pytest.raises(ValueError, match=r"must be in \[0, 1\]"):
        coder.fit(torch.tensor(small[0]))


# -- sparse columns ------------------------------------------------------------------


def dummies():
    letters = list("abcab" * 12)
    return pd.get_dummies(pd.DataFrame({"one": letters, "two": letters[::-1]}))


def as_sparse(frame):
    return frame.apply(
        lambda column: pd.arrays.SparseArray(column, fill_value=column.dtype.type(0))
    )


SPARSE_FRAMES = {
    "booleans": as_sparse,
    "integers": lambda frame: as_sparse(frame.astype(np.int8)),
    "floats": lambda frame: as_sparse(frame.astype(np.float32)),
    "booleans and integers": lambda frame: as_sparse(
        frame.astype({"one_a": np.int64, "two_b": np.uint8})
    ),
    "booleans and floats": lambda frame: as_sparse(
        frame.astype({"one_a": np.float32, "two_b": float})
    ),
}


@pytest.mark.parametrize("form", SPARSE_FRAMES)
@pytest.mark.parametrize(
    "estimator",
    [
        SoftmaxClassifier(**QUICK),
        ConvNetClassifier(2, hidden_layer_sizes=8, **QUICK),
        DenoisingAutoencoderTransformer(3, **QUICK),
    ],
    ids=str,
)
def test_frames_of_sparse_columns_are_what_they_are_dense(estimator, form):
    dense = dummies()
    y = np.arange(60) % 3
    frame = SPARSE_FRAMES[form](dense)
    dense = dense.astype(frame.dtypes.map(lambda column: column.subtype))
    before = frame.copy()
    expected = outputs(clone(estimator).fit(dense, y), dense)
    fitted = clone(estimator).fit(frame, y)
    found = outputs(fitted, frame)
    assert_array_equal(found, expected)
    assert found.dtype == expected.dtype
    assert fitted.feature_names_in_.tolist() == dense.columns.tolist()
    assert sparse.issparse(clone(estimator)._validate(frame, reset=True))
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.int64])
@pytest.mark.parametrize(
    "form", [sparse.csr_array, sparse.csr_matrix, sparse.coo_array]
)
def test_sparse_matrices_of_other_types_are_what_they_are_dense(form, dtype):
    dense, y = dummies().to_numpy(), np.arange(60) % 3
    X = form(dense.astype(dtype))
    expected = SoftmaxClassifier(**QUICK).fit(dense, y).predict_proba(dense)
    assert_array_equal(SoftmaxClassifier(**QUICK).fit(X, y).predict_proba(X), expected)


def test_bad_frames_of_sparse_columns_are_named(small):
    frame = as_sparse(dummies())
    frame["number"] = pd.arrays.SparseArray(np.repeat([0.0, np.inf], 30), fill_value=0)
    with pytest.raises(ValueError, match="X contains infinity"):
        SoftmaxClassifier(**QUICK).fit(frame, small[1])
    with pytest.raises(ValueError, match="2-dimensional"):
        SoftmaxClassifier(**QUICK).fit(frame["one_a"], small[1])


# -- memory --------------------------------------------------------------------------


def peak_memory():
    """Return the peak memory of this process, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():
        # `ru_maxrss` begins with the peak of the process that started this one.
        (line,) = (x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    import resource  # not on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS has bytes


def measure_large_csr():
    """Train on a million rows; return the rise of the peak memory, and the accuracy."""
    rng = np.random.default_rng(0)
    n_samples, n_features, n_filled = 1_000_000, 5_000, 5
    informative = rng.integers(0, 10, n_samples)
    columns = rng.integers(10, n_features, (n_samples, n_filled))
    columns[:, 0] = informative
    X = sparse.csr_array(
        (
            np.ones(columns.size, np.float32),
            columns.ravel(),
            np.arange(0, columns.size + 1, n_filled),
        ),
        shape=(n_samples, n_features),
    )
    model = SoftmaxClassifier(batch_size=1000, max_epochs=1, random_state=0)
    model.fit(X[:1000], informative[:1000])
    before = peak_memory()
    model.fit(X, informative)
    rise = peak_memory() - before
    return rise, model.score(X[:10_000], informative[:10_000])


@pytest.mark.slow
def test_a_million_sparse_rows_are_never_dense():
    pytest.importorskip("resource")
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        rise, accuracy = executor.submit(measure_large_csr).result()
    assert rise < 4 * 1_000_000 * 5_000 / 20
    assert accuracy > 0.99


def measure_wide_csr():
    """Train on a million features; return the rise of the peak memory."""
    rng = np.random.default_rng(0)
    n_samples, n_features, n_filled = 20_000, 2**20, 50
    columns = np.empty(n_samples * n_filled, np.int32)
    for block in np.array_split(columns, 50):  # with a peak below that of `fit`
        block[:] = rng.integers(0, n_features, len(block))
    offsets = np.arange(0, columns.size + 1, n_filled, dtype=np.int32)
    data = np.ones(columns.size, np.float32)
    X = sparse.csr_array((data, columns, offsets), shape=(n_samples, n_features))
    y = np.arange(n_samples) % 20
    model = SoftmaxClassifier(max_epochs=1, random_state=0)
    model.fit(X[:100, :1000], y[:100])
    before = peak_memory()
    model.fit(X, y)
    return peak_memory() - before


@pytest.mark.slow
def test_wide_sparse_rows_need_little_more_than_the_weights():
    pytest.importorskip("resource")
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        rise = executor.submit(measure_wide_csr).result()
    weights = 20 * 2**20 * 4
    assert weights < rise < 4 * weights


def test_a_read_only_memory_map_trains(small, tmp_path):
    X, y = small
    np.save(tmp_path / "X.npy", X.astype(np.float32))
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    model = MLPDropoutClassifier(8, **QUICK)
    validated = model._validate(mapped, reset=True)
    assert np.shares_memory(validated, mapped)
    expected = clone(model).fit(X.astype(np.float32), y).loss_curve_
    assert model.fit(mapped, y).loss_curve_ == expected


@pytest.fixture
def unusual_array(request, tmp_path):
    """An array of 0 to 11 that torch does not take as it is, or warns of."""
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    if request.param == "memory map":
        np.save(tmp_path / "array.npy", array)
        return np.load(tmp_path / "array.npy", mmap_mode="r")
    array.flags.writeable = False
    return {
        "read-only": array,
        "empty": array[:0],
        "strided": array[::-1, ::-1][::-1, ::-1],
        "single reversed row": array[:1][::-1],
        "transposed": array.reshape(4, 3).T.copy().T.reshape(3, 4),
        "big-endian": array.astype(">f4"),
        "read-only integers": np.frombuffer(array.astype(np.int64).tobytes(), np.int64),
    }[request.param]


@pytest.mark.parametrize(
    "unusual_array",
    [
        "memory map",
        "read-only",
        "empty",
        "strided",
        "single reversed row",
        "transposed",
        "big-endian",
        "read-only integers",
    ],
    indirect=True,
)
def test_any_array_becomes_a_tensor(unusual_array):
    tensor = to_tensor(unusual_array, torch.device("cpu"))
    assert tensor.tolist() == unusual_array.tolist()
    assert tensor.is_contiguous()


@pytest.mark.parametrize(
    "unusual_array", ["memory map", "read-only", "read-only integers"], indirect=True
)
def test_read_only_arrays_are_not_copied_and_stay_alive(unusual_array):
    tensor = to_tensor(unusual_array, torch.device("cpu"))
    assert np.shares_memory(tensor.numpy(), unusual_array)
    assert not unusual_array.flags.writeable
    kept = weakref.ref(unusual_array)
    expected = unusual_array.tolist()
    del unusual_array
    assert kept() is not None
    assert tensor.tolist() == expected
