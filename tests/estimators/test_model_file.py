"""`save` and `load`: what comes back, and what is refused."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import make_scorer, matthews_corrcoef
from skorch.callbacks import EpochTimer

import sknets
from sknets import (
    ConvNetClassifier,
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
    MLPDropoutRegressor,
    SoftmaxClassifier,
    VariationalAutoencoderTransformer,
)

QUICK = {"max_epochs": 3, "random_state": 0}
ESTIMATORS = {
    "softmax": SoftmaxClassifier(standardize=True, **QUICK),
    "mlp": MLPDropoutClassifier(np.array([9, 8]), verbose=1, **QUICK),
    "regressor": MLPDropoutRegressor([8], loss="huber", dtype="float64", **QUICK),
    "convnet": ConvNetClassifier((3, 4), kernel_size=2, hidden_layer_sizes=8, **QUICK),
    "autoencoder": DenoisingAutoencoderTransformer(
        3, hidden_layer_sizes=4, tied_weights=True, early_stopping=True, **QUICK
    ),
    "variational": VariationalAutoencoderTransformer(
        2, hidden_layer_sizes=(4,), early_stopping=True, **QUICK
    ),
}
every_estimator = pytest.mark.parametrize(
    "estimator", ESTIMATORS.values(), ids=ESTIMATORS
)
FILES = Path(__file__).parent / "files"


def output(estimator, X):
    for name in ("predict_proba", "transform", "predict"):
        if hasattr(estimator, name):
            return getattr(estimator, name)(X)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def reload(estimator, path, **options):
    estimator.save(path, **options)
    return sknets.load(path)


@every_estimator
class TestEveryEstimator:
    def test_comes_back(self, estimator, small, path):
        X, y = small
        fitted = clone(estimator).fit(X, y)
        again = reload(fitted, path)
        assert type(again) is type(fitted)
        for data in (X, X.astype(np.float32)):
            assert_array_equal(output(again, data), output(fitted, data))
        assert vars(again).keys() == vars(fitted).keys()
        assert repr(again.get_params()) == repr(fitted.get_params())
        assert again.loss_curve_ == fitted.loss_curve_
        assert again.validation_loss_curve_ == fitted.validation_loss_curve_
        assert list(again.net_.history) == list(fitted.net_.history)
        assert vars(again.net_).keys() == vars(fitted.net_).keys()
        for name in ("n_features_in_", "image_shape_", "best_epoch_"):
            assert getattr(again, name, None) == getattr(fitted, name, None)

    @pytest.mark.parametrize("include_optimizer", [False, True])
    @pytest.mark.parametrize("n_parts", [0, 1])
    def test_saved_again_has_the_same_bytes(
        self, estimator, include_optimizer, n_parts, small, path
    ):
        X, y = small
        fitted = clone(estimator).set_params(optimizer="adam").fit(X, y)
        for _ in range(n_parts):
            fitted.partial_fit(X, y)
        again = reload(fitted, path, include_optimizer=include_optimizer)
        first = path.read_bytes()
        again.save(path, include_optimizer=include_optimizer)
        assert path.read_bytes() == first

    def test_equal_models_have_equal_files(self, estimator, small, path):
        files = set()
        for _ in range(2):
            clone(estimator).set_params(verbose=0).fit(*small).save(path)
            files.add(path.read_bytes())
        assert len(files) == 1

    @pytest.mark.kernels
    @pytest.mark.parametrize("optimizer", ["sgd", "adagrad", "adam", "adamw"])
    def test_goes_on_with_the_optimizer(self, estimator, optimizer, small, path):
        X, y = small
        fitted = clone(estimator).set_params(optimizer=optimizer, verbose=0).fit(X, y)
        again = reload(fitted, path, include_optimizer=True)
        for model in (fitted, again):
            model.partial_fit(X, y)
        assert_array_equal(output(again, X), output(fitted, X))

    def test_goes_on_without_the_optimizer(self, estimator, small, path):
        again = reload(clone(estimator).fit(*small), path)
        n_epochs = again.n_iter_
        assert again.partial_fit(*small).n_iter_ == n_epochs + 1
        refitted = again.fit(*small)
        straight = clone(estimator).fit(*small)
        assert refitted.loss_curve_ == straight.loss_curve_

    def test_needs_a_fit(self, estimator, path):
        with pytest.raises(NotFittedError):
            clone(estimator).save(path)
        assert not path.exists()


PREDICT = """
import sys
import numpy as np
import sknets

path, data, out = sys.argv[1:]
model = sknets.load(path)
name = "predict_proba" if hasattr(model, "predict_proba") else "transform"
name = name if hasattr(model, name) else "predict"
X = np.load(data)
np.save(out, getattr(model, name)(X))
model.save(path + ".2")
sknets.load(path + ".2").save(path + ".3")
"""


def test_another_process_has_the_same_bits(small, tmp_path):
    # One process for all: it takes seconds to start.
    X, y = small
    np.save(tmp_path / "X.npy", X)
    code, expected = [], {}
    for name, estimator in ESTIMATORS.items():
        fitted = clone(estimator).fit(X, y)
        fitted.save(tmp_path / name)
        expected[name] = output(fitted, X)
        arguments = [str(tmp_path / file) for file in (name, "X.npy", f"{name}.npy")]
        code.append(f"sys.argv[1:] = {arguments!r}\n" + PREDICT.split("sknets\n", 1)[1])
    header = "import sys\nimport numpy as np\nimport torch\nimport sknets\n"
    header += f"torch.set_num_threads({torch.get_num_threads()})\n"
    command = [sys.executable, "-c", header + "\n".join(code)]
    subprocess.run(command, check=True)
    for name, values in expected.items():
        assert_array_equal(np.load(tmp_path / f"{name}.npy"), values)
        first = (tmp_path / name).read_bytes()
        assert (tmp_path / f"{name}.2").read_bytes() == first
        assert (tmp_path / f"{name}.3").read_bytes() == first


CODES = np.arange(30) % 3
LABELS = {
    "str": np.array(["a", "bb", "c"])[CODES],
    "wide str": np.array(["a", "bb", "c"], "U50")[CODES],
    "object": np.array(["a", "bb", "c"], object)[CODES],
    "numpy strings": np.array(list(map(np.str_, "abc")), object)[CODES],
    "categorical": pd.Series(np.array(["a", "b", "c"])[CODES], dtype="category"),
    "string": pd.Series(np.array(["a", "b", "c"])[CODES], dtype="string"),
    "bool": CODES > 0,
    "large": CODES.astype("u8") + np.uint64(2**63),
    "negative": -CODES,
    "days": CODES.astype("M8[D]"),
    "seconds": CODES.astype("m8[s]"),
    **{
        kind: CODES.astype(kind)
        for kind in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "f2", "f4", "f8")
    },
    ">i4": CODES.astype(">i4"),
    ">f8": CODES.astype(">f8"),
    "longdouble": CODES.astype(np.longdouble),
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_every_dtype(kind, path):
    y = LABELS[kind]
    X = np.random.default_rng(0).normal(size=(30, 4))
    fitted = SoftmaxClassifier(**QUICK).fit(X, y)
    again = reload(fitted, path)
    assert again.classes_.dtype == fitted.classes_.dtype
    assert again.classes_.dtype.byteorder == fitted.classes_.dtype.byteorder
    expected, found = fitted.predict(X), again.predict(X)
    assert found.dtype == expected.dtype
    assert_array_equal(found, expected)
    assert list(map(type, found)) == list(map(type, expected))


@pytest.mark.parametrize("dtype", ["i8", "u1", "f4", "?"])
def test_several_labels_per_row(dtype, small, path):
    X, y = small
    y = np.eye(3)[y].astype(dtype)
    fitted = MLPDropoutClassifier(8, **QUICK).fit(X, y)
    again = reload(fitted, path)
    assert_array_equal(again.predict(X), fitted.predict(X))
    assert again.partial_fit(X, y).n_iter_ == 4


@pytest.mark.parametrize("n_outputs", [None, 2, 3])
def test_several_outputs_of_a_regressor(n_outputs, small, path):
    X, _ = small
    y = 1e6 + 1e-3 * X[:, 0] if n_outputs is None else X[:, :n_outputs] * 1e-6
    fitted = MLPDropoutRegressor(8, **QUICK).fit(X, y)
    again = reload(fitted, path)
    assert_array_equal(again.predict(X), fitted.predict(X))
    assert again.predict(X).shape == np.shape(fitted.predict(X))


def test_names_of_features(small, path):
    X, y = small
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d", "é"])
    again = reload(SoftmaxClassifier(**QUICK).fit(frame, y), path)
    assert again.feature_names_in_.tolist() == frame.columns.tolist()
    again.predict(frame)
    with pytest.raises(ValueError, match="feature names should match"):
        again.predict(frame.rename(columns={"a": "x"}))


def test_images(path):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 6, 4, 2)), np.arange(20) % 2
    fitted = ConvNetClassifier(2, hidden_layer_sizes=3, **QUICK).fit(X, y)
    again = reload(fitted, path)
    assert again.image_shape_ == (6, 4, 2)
    assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))


@pytest.mark.parametrize(
    "parameters",
    [
        {"class_weight": {0: 1.0, 1: 2.5, 2: np.float32(0.1)}},
        {"class_weight": "balanced", "tol": np.float64(0.01), "random_state": None},
        {"random_state": np.int64(7), "batch_size": np.int32(20)},
        {"early_stopping": True, "scoring": "accuracy", "verbose": True},
        {"callbacks": [], "warm_start": True, "standardize": np.bool_(True)},
        {"max_grad_norm": 0.5, "lr_schedule": "constant", "learning_rate": 0.1},
    ],
    ids=str,
)
def test_parameters_keep_their_types(parameters, small, path):
    fitted = SoftmaxClassifier(max_epochs=2).set_params(**parameters).fit(*small)
    again = reload(fitted, path)
    assert repr(again.get_params()) == repr(fitted.get_params())
    for name, value in again.get_params().items():
        assert type(value) is type(getattr(fitted, name))


def test_parameters_that_changed_after_fit(small, path):
    X, y = small
    fitted = MLPDropoutClassifier(8, warm_start=True, **QUICK).fit(X, y)
    fitted.set_params(hidden_layer_sizes=(5,), activation="tanh", dtype="float64")
    again = reload(fitted, path)
    assert again.get_params() == fitted.get_params()
    assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))
    with pytest.warns(UserWarning, match="activation, dtype, hidden_layer_sizes chan"):
        again.fit(X, y)


def test_pretrained_is_saved_by_its_weights(small, path):
    X, y = small
    coder = DenoisingAutoencoderTransformer(6, activation="relu", **QUICK).fit(X)
    fitted = MLPDropoutClassifier(6, pretrained=coder, **QUICK).fit(X, y)
    again = reload(fitted, path)
    assert again.pretrained is None
    assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))
    first = path.read_bytes()
    again.save(path)
    assert path.read_bytes() == first


def test_settings_of_scikit_learn(small, path):
    X, y = small
    coder = DenoisingAutoencoderTransformer(2, **QUICK).set_output(transform="pandas")
    assert isinstance(reload(coder.fit(X), path).transform(X), pd.DataFrame)
    with config_context(enable_metadata_routing=True):
        model = SoftmaxClassifier(**QUICK)
        model.set_fit_request(sample_weight=True, X_val="validation")
        again = reload(model.fit(X, y), path)
        assert str(again.get_metadata_routing()) == str(model.get_metadata_routing())


class TestDevice:
    def test_is_that_of_load(self, small, path):
        SoftmaxClassifier(device="cpu", **QUICK).fit(*small).save(path)
        assert sknets.load(path).device == "auto"
        again = sknets.load(path, device="cpu")
        assert again.device == "cpu"
        assert again.device_ == torch.device("cpu")
        assert b"device" not in path.read_bytes()

    def test_is_validated(self, small, path):
        SoftmaxClassifier(dtype="float64", **QUICK).fit(*small).save(path)
        for device in (5, "nonsense", "cuda:99", "mps"):
            with pytest.raises(ValueError, match="device"):
                sknets.load(path, device=device)

    @pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
    @every_estimator
    def test_from_cuda_and_to_cuda(self, estimator, small, path):
        X, y = small
        fitted = clone(estimator).set_params(device="cuda").fit(X, y)
        fitted.save(path, include_optimizer=True)
        moved = sknets.load(path, device="cpu")
        np.testing.assert_allclose(
            output(moved, X), output(fitted, X), rtol=1e-4, atol=1e-5
        )
        moved.partial_fit(X, y).save(path, include_optimizer=True)
        back = sknets.load(path, device="cuda")
        assert back.device_.type == "cuda"
        back.partial_fit(X, y)


# -- what cannot be saved ------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("optimizer", torch.optim.SGD),
        ("lr_schedule", torch.optim.lr_scheduler.CosineAnnealingLR),
        ("scoring", make_scorer(matthews_corrcoef)),
        ("callbacks", [EpochTimer()]),
        ("random_state", np.random.RandomState(0)),
    ],
)
def test_parameters_that_a_file_cannot_hold(name, value, small, path):
    path.write_bytes(b"old")
    model = SoftmaxClassifier(
        **QUICK | {"early_stopping": True, "learning_rate": 0.1, name: value}
    )
    model.fit(*small)
    with pytest.raises(TypeError, match=f"SoftmaxClassifier cannot be saved .*{name}="):
        model.save(path)
    assert path.read_bytes() == b"old"


def test_parameters_of_the_network_that_a_file_cannot_hold(small, path):
    model = SoftmaxClassifier(optimizer=torch.optim.SGD, **QUICK).fit(*small)
    model.set_params(optimizer="sgd")
    with pytest.raises(TypeError, match="with a network of optimizer=<class"):
        model.save(path)
    assert not path.exists()


def test_labels_that_a_file_cannot_hold(path):
    y = np.tile(np.arange(200), 3).astype("U5000")
    X = np.random.default_rng(0).normal(size=(600, 2))
    model = SoftmaxClassifier(**QUICK).fit(X, y)
    with pytest.raises(TypeError, match="saved with classes_=.* wide dtype <U5000"):
        model.save(path)


class Own(SoftmaxClassifier):
    pass


def test_subclasses_cannot_be_saved(small, path):
    with pytest.raises(TypeError, match="Own cannot be saved, because it is no class"):
        Own(**QUICK).fit(*small).save(path)
    assert not path.exists()


def test_callbacks_of_scikit_learn_cannot_be_saved(small, path):
    callback = pytest.importorskip("sklearn.callback")
    model = SoftmaxClassifier(**QUICK)
    model.set_callbacks(callback.ProgressBar()).fit(*small)
    with pytest.raises(TypeError, match="cannot be saved with the callbacks of set_ca"):
        model.save(path)


def test_weights_that_are_not_finite_cannot_be_saved(small, path):
    model = SoftmaxClassifier(**QUICK).fit(*small)
    model.module_.output.weight.data[0, 0] = torch.nan
    with pytest.raises(ValueError, match="cannot be saved: tensor 'output.weight' has"):
        model.save(path)


def test_a_network_that_was_changed_cannot_be_saved(small, path):
    model = SoftmaxClassifier(**QUICK).fit(*small)
    model.module_.output = torch.nn.Linear(5, 4)
    with pytest.raises(ValueError, match="'output.weight' has shape \\(4, 5\\)"):
        model.save(path)


# -- a file of this version ----------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["softmax", "convnet", "regressor", "autoencoder", "variational"]
)
def test_files_of_version_1_open(name):
    model = sknets.load(FILES / f"{name}_v1.safetensors", device="cpu")
    expected = json.loads((FILES / "outputs_v1.json").read_text(encoding="utf-8"))
    X = np.array(expected["X"])
    # The last bits depend on the processor.
    np.testing.assert_allclose(output(model, X), expected[name], rtol=1e-5, atol=1e-6)
    if hasattr(model, "classes_"):
        assert model.predict(X).tolist() == expected[f"{name} labels"]
