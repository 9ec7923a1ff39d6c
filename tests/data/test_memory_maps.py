"""Memory maps: the same results as arrays, in less memory than the file takes."""

import hashlib
import json
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from skorch.callbacks import EpochScoring

from sknets import (
    ConvNetClassifier,
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
    MLPDropoutRegressor,
    SoftmaxClassifier,
    VariationalAutoencoderTransformer,
)
from sknets._estimators.resuming import update_data
from sknets._training import mapped_rows, read_ahead
from sknets._training.mapped_rows import MappedRows, file_map

QUICK = {"max_epochs": 3, "batch_size": 16, "random_state": 0}
STOPPING = {"early_stopping": True, "scoring": "accuracy"}
ESTIMATORS = [
    SoftmaxClassifier(**QUICK, standardize=False),
    SoftmaxClassifier(**QUICK, standardize=True),
    SoftmaxClassifier(**QUICK, **STOPPING, standardize=False),
    MLPDropoutClassifier(8, **QUICK, dtype="float64"),
    MLPDropoutClassifier(8, **QUICK | {"batch_size": 60}, standardize=False),
    MLPDropoutRegressor(8, **QUICK, standardize=False),
    ConvNetClassifier(2, hidden_layer_sizes=4, image_shape=(2, 4), **QUICK),
    DenoisingAutoencoderTransformer(3, **QUICK),
    DenoisingAutoencoderTransformer(
        2, hidden_layer_sizes=4, pretrain_epochs=2, **QUICK
    ),
    DenoisingAutoencoderTransformer(
        3, loss="cross_entropy", output_activation="logistic", **QUICK
    ),
    VariationalAutoencoderTransformer(3, **QUICK),
]


@pytest.fixture(autouse=True)
def no_copies(monkeypatch):
    """Treat small maps as large ones."""
    monkeypatch.setattr(mapped_rows, "MAX_COPY_BYTES", 0)


@pytest.fixture
def rows():
    """Numbers from 0 to 1, with the label in the first column, and the labels."""
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    X = rng.random((60, 8))
    X[:, 0] = y
    return X, y


def as_type(X, form):
    dtype, _, order = form.partition(" ")
    if np.dtype(dtype).kind != "f":
        X = np.round(X)
    return np.asarray(X, dtype, order=order or "C")


def mapped(X, folder, mode="r"):
    path = folder / "X.npy"
    np.save(path, X)
    return np.load(path, mmap_mode=mode)


def outputs(estimator, X):
    for name in ("predict_proba", "predict", "transform"):
        if hasattr(estimator, name):
            return getattr(estimator, name)(X)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
@pytest.mark.parametrize(
    "form",
    [
        *("float32", "float64", ">f4", ">f8", "float16", "uint8", "int64", "bool"),
        *("float32 F", "float64 F"),
    ],
)
def test_maps_of_any_type_give_the_bits_of_arrays(rows, form, estimator, tmp_path):
    X, y = as_type(rows[0], form), rows[1]
    on_disk = mapped(X, tmp_path)
    assert on_disk.flags.c_contiguous == X.flags.c_contiguous
    fitted = clone(estimator).fit(on_disk, y)
    expected = clone(estimator).fit(X, y)
    assert fitted.loss_curve_ == expected.loss_curve_
    found, wanted = outputs(fitted, on_disk), outputs(expected, X)
    assert found.dtype == wanted.dtype
    assert_array_equal(found, wanted)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
@pytest.mark.parametrize("form", ["float32", "float64", "float32 F"])
def test_maps_larger_than_the_memory_give_the_bits_of_arrays(
    rows, form, estimator, tmp_path, monkeypatch
):
    X, y = as_type(rows[0], form), rows[1]
    on_disk = mapped(X, tmp_path)
    expected = clone(estimator).fit(X, y)
    monkeypatch.setattr(read_ahead, "memory_limit", lambda: 100)
    is_advised = read_ahead.CAN_ADVISE and X.flags.c_contiguous
    assert read_ahead.needs_advice(on_disk) == is_advised
    with nullcontext() if X.flags.c_contiguous else pytest.warns(match="C order"):
        fitted = clone(estimator).fit(on_disk, y)
        found = outputs(fitted, on_disk)
    assert fitted.loss_curve_ == expected.loss_curve_
    assert_array_equal(found, outputs(expected, X))


def test_rows_that_are_scattered_in_a_large_file_get_a_warning(
    rows, tmp_path, monkeypatch
):
    X, y = rows
    on_disk = mapped(np.asfortranarray(X), tmp_path)
    monkeypatch.setattr(read_ahead, "memory_limit", lambda: 4e3)
    model = SoftmaxClassifier(**QUICK, standardize=False)
    with pytest.warns(UserWarning, match="from 8 places in the file") as caught:
        model.fit(on_disk, y)
    assert len(caught) == 1
    monkeypatch.setattr(read_ahead, "memory_limit", lambda: 2 * X.nbytes)
    model.fit(on_disk, y)


@pytest.mark.parametrize("mode", ["r", "r+", "c"])
def test_maps_are_not_changed(rows, mode, tmp_path):
    X, y = rows
    on_disk = mapped(X, tmp_path, mode)
    SoftmaxClassifier(**QUICK).fit(on_disk, y).predict(on_disk)
    assert_array_equal(on_disk, X)
    assert_array_equal(np.load(tmp_path / "X.npy"), X)


def test_y_may_be_mapped(rows, tmp_path):
    X, y = rows
    np.save(tmp_path / "y.npy", y)
    y_mapped = np.load(tmp_path / "y.npy", mmap_mode="r")
    model = MLPDropoutClassifier(4, **QUICK)
    expected = clone(model).fit(X, y).loss_curve_
    assert model.fit(mapped(X, tmp_path), y_mapped).loss_curve_ == expected


def test_validation_data_may_be_mapped(rows, tmp_path):
    X, y = rows
    on_disk = mapped(X, tmp_path)
    model = SoftmaxClassifier(**QUICK, **STOPPING, standardize=False)
    expected = clone(model).fit(X, y, X_val=X, y_val=y)
    model.fit(on_disk, y, X_val=on_disk, y_val=y)
    assert model.validation_scores_ == expected.validation_scores_


def test_partial_fit_and_images_from_maps(rows, tmp_path):
    X, y = rows
    on_disk = mapped(X, tmp_path)
    model = SoftmaxClassifier(**QUICK, standardize=False)
    expected = clone(model).partial_fit(X, y, classes=[0, 1]).coef_
    found = model.partial_fit(on_disk, y, classes=[0, 1]).coef_
    assert_array_equal(found, expected)
    convnet = ConvNetClassifier(2, hidden_layer_sizes=4, **QUICK, standardize=False)
    images = on_disk.reshape(60, 2, 4)
    expected = clone(convnet).fit(X.reshape(60, 2, 4), y).loss_curve_
    assert convnet.fit(images, y).loss_curve_ == expected


def test_a_checkpoint_knows_the_rows_of_a_map(rows, tmp_path):
    X = rows[0].astype(np.float32)
    expected, found, other = (hashlib.sha256() for _ in range(3))
    update_data(expected, X)
    on_disk = MappedRows(mapped(rows[0], tmp_path), np.float32)
    update_data(found, on_disk)
    assert found.digest() == expected.digest()
    update_data(other, on_disk[::-1])
    assert other.digest() != expected.digest()


def test_callbacks_read_maps(rows, tmp_path):
    X, y = rows
    losses = []
    for data in (X, mapped(X, tmp_path)):
        scoring = EpochScoring("accuracy", on_train=True, name="accuracy")
        model = SoftmaxClassifier(**QUICK, standardize=False, callbacks=[scoring])
        losses.append(model.fit(data, y).net_.history[:, "accuracy"])
    assert losses[0] == losses[1]


@pytest.mark.parametrize(
    ("value", "problem"),
    [(np.nan, "NaN"), (np.inf, "infinity"), (1e300, "too large for dtype")],
)
def test_bad_numbers_in_maps_are_named(rows, value, problem, tmp_path):
    X, y = rows
    model = SoftmaxClassifier(**QUICK, standardize=False).fit(X, y)
    X[40, 3] = value
    on_disk = mapped(X, tmp_path)
    for estimator in (clone(model), DenoisingAutoencoderTransformer(2, **QUICK)):
        with pytest.raises(ValueError, match=problem):
            estimator.fit(on_disk, y)
    if not np.isfinite(value):
        with pytest.raises(ValueError, match=problem):
            model.predict(mapped(X.astype(">f8"), tmp_path))


def test_maps_without_real_numbers_or_of_other_shapes_are_refused(rows, tmp_path):
    X, y = rows
    model = SoftmaxClassifier(**QUICK, standardize=False)
    with pytest.raises(ValueError, match="could not convert string"):
        model.fit(mapped(np.full(X.shape, "a"), tmp_path), y)
    with pytest.raises(ValueError, match="Complex data"):
        model.fit(mapped(X.astype(complex), tmp_path), y)
    with pytest.raises(ValueError, match="expecting 8 features"):
        model.fit(X, y).predict(mapped(X[:, :3], tmp_path))


def test_what_is_mapped(rows, tmp_path):
    on_disk = mapped(rows[0], tmp_path)
    file = on_disk.base
    by_hand = np.frombuffer(file, np.float64, 8, on_disk.offset)
    for array in (on_disk, on_disk[::2], on_disk.T, np.asarray(on_disk)[3:], by_hand):
        assert file_map(array) is file
    for array in (on_disk[[1, 2]], on_disk + 1, on_disk.copy(), rows[0], [[1.0]]):
        assert file_map(array) is None


def test_blocks_have_the_extremes_of_all_rows(tmp_path):
    X = np.random.default_rng(0).normal(size=(20_000, 50))
    view = MappedRows(mapped(X, tmp_path), np.float32)
    assert len(list(view.blocks())) > 1
    expected = X.astype(np.float32)
    assert (view.min(), view.max()) == (expected.min(), expected.max())
    assert (view.min(initial=-9), view.max(initial=9)) == (-9, 9)


# -- files larger than the memory ------------------------------------------------------


@pytest.mark.parametrize("form", ["float64", ">f4", "uint8", "float32 F", "float32"])
def test_maps_stay_on_the_disk_until_rows_are_read(rows, form, tmp_path, monkeypatch):
    X, y = rows
    if form == "float32":
        if not read_ahead.CAN_ADVISE:
            pytest.skip("this system maps the file as it is, and takes no advice")
        monkeypatch.setattr(read_ahead, "memory_limit", lambda: 100)
    model = SoftmaxClassifier(**QUICK, standardize=False)
    on_disk = mapped(as_type(X, form), tmp_path)
    assert isinstance(model._validate(on_disk, reset=True), MappedRows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MappedRows, "__array__", None)  # which would read all rows
        model.fit(on_disk, y).predict(on_disk)


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("form", ["float64", ">f4", "uint8", "float32 F"])
def test_small_maps_are_converted_once(rows, form, standardize, tmp_path, monkeypatch):
    X, y = as_type(rows[0], form), rows[1]
    on_disk = mapped(X, tmp_path)
    monkeypatch.setattr(mapped_rows, "MAX_COPY_BYTES", X.size * 8)
    model = SoftmaxClassifier(**QUICK, standardize=standardize)
    expected = clone(model).fit(X, y).predict_proba(X)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MappedRows, "__getitem__", None)
        found = model.fit(on_disk, y).predict_proba(on_disk)
    assert_array_equal(found, expected)


@pytest.mark.slow
@pytest.mark.parametrize("advice", ["advised", "not advised"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_file_larger_than_the_memory_trains(dtype, advice, tmp_path):
    if not Path("/proc/self/status").exists():
        pytest.skip("only Linux limits private memory, and says how much there is")
    script = Path(__file__).with_name("fit_in_little_memory.py")
    finished = subprocess.run(
        [sys.executable, str(script), str(tmp_path), dtype, advice],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert not finished.returncode, finished.stderr
    found = json.loads(finished.stdout)
    assert found["private"] < found["limit"] < found["file"]
    for name, (score, n_outputs) in found["results"].items():
        assert n_outputs == found["rows"]
        # The half squared error of the mean is 108: half of the variances' sum.
        assert score > (-105 if name == "autoencoder" else 0.99)
