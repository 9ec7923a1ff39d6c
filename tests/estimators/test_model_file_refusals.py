"""`load` refuses files that are damaged, hostile or of a later version."""

import json
import pickle
import struct

import numpy as np
import pytest

import sknets
from sknets import (
    ConvNetClassifier,
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
    MLPDropoutRegressor,
    SoftmaxClassifier,
)
from sknets._estimators.state import EstimatorState

QUICK = {"max_epochs": 3, "random_state": 0}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The header and the payload of files of a classifier and of a regressor."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 4)), np.arange(40) % 3
    path = tmp_path_factory.mktemp("saved") / "model"
    files = {}
    for model in (
        MLPDropoutClassifier(5, standardize=True, optimizer="adam", **QUICK),
        MLPDropoutRegressor(5, optimizer="adam", **QUICK),
        ConvNetClassifier(2, hidden_layer_sizes=3, **QUICK),
        DenoisingAutoencoderTransformer(2, **QUICK),
    ):
        model.fit(X, y).save(path, include_optimizer=True)
        data = path.read_bytes()
        length = struct.unpack("<Q", data[:8])[0]
        header = json.loads(data[8 : 8 + length])
        files[type(model).__name__] = header, data[8 + length :]
    return files


def forge(saved, path, name, change):
    """Write a file of which `change` has changed the document and the arrays."""
    header, payload = saved[name]
    document = json.loads(header["__metadata__"]["sknets"])
    arrays = {}
    for key, entry in header.items():
        if key != "__metadata__":
            begin, end = entry["data_offsets"]
            dtype = {"F32": "<f4", "F64": "<f8"}[entry["dtype"]]
            array = np.frombuffer(payload[begin:end], dtype)
            arrays[key] = array.reshape(entry["shape"]).copy()
    change(document, arrays)
    header, payload = {"__metadata__": {"sknets": json.dumps(document)}}, b""
    for key, array in arrays.items():
        header[key] = {
            "dtype": {"f4": "F32", "f8": "F64"}[array.dtype.str[1:]],
            "shape": list(array.shape),
            "data_offsets": [len(payload), len(payload) + array.nbytes],
        }
        payload += array.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + payload)


def put(*keys, value):
    """Return a change that puts a value into the document."""

    def change(document, arrays):
        for key in keys[:-1]:
            document = document[key]
        document[keys[-1]] = value

    return change


def drop(*keys):
    def change(document, arrays):
        for key in keys[:-1]:
            document = document[key]
        del document[keys[-1]]

    return change


def array(name, value):
    def change(document, arrays):
        arrays[name] = value(arrays.get(name)) if callable(value) else value

    return change


def fill(value):
    def filled(old):
        old.flat[-1] = value
        return old

    return filled


MLP, REGRESSOR = "MLPDropoutClassifier", "MLPDropoutRegressor"
CONVNET, CODER = "ConvNetClassifier", "DenoisingAutoencoderTransformer"
CLASSES = ["<i8", [3], [0, 1, 2]]
BIG = 2**31 - 1
PICKLED = pickle.dumps(print).hex()
REFUSED = {
    "newer": (MLP, put("format_version", value=2), "format version 2, but .* Update"),
    "version 0": (MLP, put("format_version", value=0), "format version is 0"),
    "no version": (MLP, drop("format_version"), "format version is None"),
    "true version": (MLP, put("format_version", value=True), "version is True"),
    "section missing": (MLP, drop("targets"), "missing or unknown: \\['targets'\\]"),
    "section more": (MLP, put("code", value="x"), "missing or unknown: \\['code'\\]"),
    "section no object": (MLP, put("fitted", value=[]), "'fitted' is not an object"),
    "foreign class": (
        MLP,
        put("class", value="os.system"),
        "class 'os.system' is no estimator of sknets",
    ),
    "private class": (MLP, put("class", value="NetworkClassifier"), "is no estimator"),
    "class no text": (MLP, put("class", value=["os", "system"]), "is no estimator"),
    "other class": (MLP, put("class", value="SoftmaxClassifier"), "unknown parameters"),
    "versions": (MLP, put("versions", "numpy", value=2), "versions of libraries"),
    "parameter unknown": (MLP, put("parameters", "code", value=1), "\\['code'\\]"),
    "parameter device": (MLP, put("parameters", "device", value="cpu"), "'device'"),
    "parameter invalid": (MLP, put("parameters", "dropout", value=5), "'dropout' para"),
    "parameter text": (MLP, put("parameters", "max_epochs", value="1"), "'max_epochs'"),
    "parameter inf": (MLP, put("parameters", "tol", value={"float": "x"}), "malformed"),
    "parameter pickle": (
        MLP,
        put("parameters", "pretrained", value={"pickle": PICKLED}),
        "unknown type 'pickle'",
    ),
    "pretrained": (MLP, put("parameters", "pretrained", value="x"), "'pretrained' par"),
    "optimizer name": (MLP, put("parameters", "optimizer", value="os"), "'optimizer'"),
    "network parameter": (
        MLP,
        put("parameters_of_network", value={"dropout": 5}),
        "'dropout' parameter",
    ),
    "network unknown": (
        MLP,
        put("parameters_of_network", value={"device": "cpu"}),
        "unknown parameters: \\['device'\\]",
    ),
    "huge network": (
        MLP,
        put("parameters", "hidden_layer_sizes", value=[BIG]),
        "has shape",
    ),
    "many layers": (
        MLP,
        put("parameters", "hidden_layer_sizes", value=[1] * 100_000),
        "too many layers",
    ),
    "many blocks": (
        CONVNET,
        put("parameters", "channels", value=[1] * 100_000),
        "too many layers",
    ),
    "huge kernel": (
        CONVNET,
        put("parameters", "kernel_size", value=BIG),
        "overflow|has shape",
    ),
    "huge and untrue": (
        CODER,
        put("parameters", "hidden_layer_sizes", value=[BIG, BIG]),
        "overflow|missing|has shape|too many",
    ),
    "attribute missing": (MLP, drop("fitted", "classes_"), "do not match"),
    "attribute more": (MLP, put("fitted", "coef_", value=1), "do not match"),
    "attribute method": (MLP, put("fitted", "predict", value=1), "do not match"),
    "features": (MLP, put("fitted", "n_features_in_", value=0), "n_features_in_ is"),
    "more features": (MLP, put("fitted", "n_features_in_", value=5), "has shape"),
    "many features": (MLP, put("fitted", "n_features_in_", value=2**47), "shape|overf"),
    "fraction": (MLP, put("fitted", "n_features_in_", value=4.0), "n_features_in_ is"),
    "epoch": (MLP, put("fitted", "best_epoch_", value="1"), "best_epoch_ is not valid"),
    "names": (
        MLP,
        put("fitted", "feature_names_in_", value={"array": ["|O", [1], ["a"]]}),
        "feature_names_in_ is not valid",
    ),
    "image": (
        CONVNET,
        put("fitted", "image_shape_", value={"tuple": [4, 4, 1]}),
        "image_shape_ is not valid",
    ),
    "no image": (CONVNET, put("fitted", "image_shape_", value="4"), "image_shape_ is"),
    "error": (CODER, put("fitted", "reconstruction_error_", value="x"), "not valid"),
    "classes no array": (MLP, put("fitted", "classes_", value=[0, 1]), "classes_ is"),
    "more classes": (
        MLP,
        put("fitted", "classes_", value={"array": ["<i8", [4], [0, 1, 2, 3]]}),
        "has shape",
    ),
    "one class": (
        MLP,
        put("fitted", "classes_", value={"array": ["<i8", [1], [0]]}),
        "at least 2 classes",
    ),
    "classes twice": (
        MLP,
        put("fitted", "classes_", value={"array": ["<i8", [3], [0, 1, 1]]}),
        "classes_ is not a sorted array",
    ),
    "classes NaN": (
        MLP,
        put("fitted", "classes_", value={"array": ["<f8", [1], [{"float": "nan"}]]}),
        "classes_ is not a sorted array",
    ),
    "several labels": (
        MLP,
        put("targets", "exclusive", value=0),
        "neither true nor false",
    ),
    "no targets": (MLP, put("targets", value={}), "targets have no 'exclusive'"),
    "more targets": (MLP, put("targets", "code", value=1), "unknown \\['code'\\]"),
    "targets of a coder": (CODER, put("targets", "mean", value=1), "unknown \\['mean'"),
    "mean": (
        REGRESSOR,
        put("targets", "mean", value={"array": ["<f8", [2], [0.0, 1.0]]}),
        "mean and scale of y",
    ),
    "mean NaN": (
        REGRESSOR,
        put("targets", "mean", value={"array": ["<f8", [1], [{"float": "nan"}]]}),
        "mean or shape of y",
    ),
    "mean text": (REGRESSOR, put("targets", "mean", value="x"), "mean and scale of y"),
    "scale": (
        REGRESSOR,
        put("targets", "scale", value={"array": ["<f8", [1], [0.0]]}),
        "scale of y is not positive",
    ),
    "shape of y": (REGRESSOR, put("targets", "is_1d", value=2), "shape of y|mean and"),
    "curves": (MLP, put("training", "curves", value=[]), "curves of the training"),
    "curve": (
        MLP,
        put("training", "curves", "object", "train_loss", value=["x"]),
        "curves of the training",
    ),
    "history": (MLP, put("training", "history", value=[1]), "history of the training"),
    "seed": (MLP, put("training", "seed", value=-1), "seed of the training"),
    "seed true": (MLP, put("training", "seed", value=True), "seed of the training"),
    "rate": (MLP, put("training", "learning_rate", value=0), "learning_rate of the"),
    "batch": (MLP, put("training", "batch_size", value=1.5), "batch_size of the train"),
    "training more": (MLP, put("training", "code", value=1), "does not match"),
    "training less": (MLP, drop("training", "seed"), "does not match"),
    "settings": (MLP, put("settings", value={}), "settings are not"),
    "output": (
        CODER,
        put("settings", "output", value={"object": {"transform": "os"}}),
        "settings of output",
    ),
    "routing": (
        CODER,
        put("settings", "routing", value={"object": {"__init__": {"object": {}}}}),
        "settings of routing",
    ),
    "NaN weights": (
        MLP,
        array("network.output.weight", fill(np.nan)),
        "'output.weight' has values that are NaN or infinite",
    ),
    "infinite bias": (
        MLP,
        array("network.output.bias", fill(np.inf)),
        "'output.bias' has values that are NaN or infinite",
    ),
    "NaN scale": (MLP, array("network.input_scale.scale", fill(np.nan)), "are NaN"),
    "wrong shape": (
        MLP,
        array("network.hidden.0.weight", lambda old: old.T),
        "'hidden.0.weight' has shape \\(4, 5\\); expected \\(5, 4\\)",
    ),
    "wrong shape of the scale": (
        MLP,
        array("network.input_scale.scale", np.ones((1000, 4))),
        "scale' has shape \\(1000, 4\\); expected \\(4,\\)",
    ),
    "wrong dtype": (
        MLP,
        array("network.output.bias", lambda old: old.astype("f8")),
        "'output.bias' has dtype float64; expected float32",
    ),
    "tensor missing": (
        MLP,
        lambda document, arrays: arrays.pop("network.output.bias"),
        "missing or unknown: \\['output.bias'\\]|too many layers",
    ),
    "tensor more": (MLP, array("network.more", np.ones(1)), "unknown: \\['more'\\]"),
    "tensor dunder": (
        MLP,
        array("network.__class__", np.ones(1)),
        "unknown: \\['__class__'\\]",
    ),
    "tensor elsewhere": (MLP, array("code", np.ones(1)), "unknown tensors: \\['code'"),
    "groups": (MLP, put("optimizer", value=[]), "another number of groups"),
    "group": (
        MLP,
        lambda document, arrays: document["optimizer"][0].update(lr="x"),
        "option \\{'lr': 'x'\\}",
    ),
    "group code": (
        MLP,
        lambda document, arrays: document["optimizer"][0].update(params=1),
        "option \\{'params': 1\\}",
    ),
    "state without groups": (MLP, put("optimizer", value=None), "no options of it"),
    "state missing": (
        MLP,
        lambda document, arrays: arrays.pop("optimizer.0.exp_avg"),
        "optimizer are missing or unknown: \\['0.exp_avg'\\]",
    ),
    "state shape": (
        MLP,
        array("optimizer.0.exp_avg", np.ones(1)),
        "'0.exp_avg' of the optimizer has shape",
    ),
    "state NaN": (
        MLP,
        array("optimizer.0.exp_avg", fill(np.nan)),
        "'0.exp_avg' of the optimizer is not finite",
    ),
}


def test_an_unchanged_forgery_is_accepted(saved, path):
    for name in saved:
        forge(saved, path, name, lambda document, arrays: None)
        assert sknets.load(path).n_iter_ == 3


@pytest.mark.parametrize("case", REFUSED)
def test_refuses(case, saved, path):
    name, change, message = REFUSED[case]
    forge(saved, path, name, change)
    with pytest.raises(
        ValueError, match=f"^Cannot load '.*model.safetensors': .*{message}"
    ):
        sknets.load(path)


def test_refuses_other_files(path):
    path.write_bytes(pickle.dumps(SoftmaxClassifier()))
    with pytest.raises(ValueError, match="Cannot load .*: it is a pickle"):
        sknets.load(path)
    with pytest.raises(FileNotFoundError):
        sknets.load(path.with_name("none"))
    with pytest.raises(TypeError):
        sknets.load(None)


@pytest.mark.parametrize("case", ["huge network", "huge kernel", "many layers"])
def test_builds_no_network_that_a_file_only_promises(case, saved, path, monkeypatch):
    name, change, _ = REFUSED[case]
    forge(saved, path, name, change)
    monkeypatch.delattr(EstimatorState, "_restore_network")
    with pytest.raises(ValueError, match="Cannot load"):
        sknets.load(path)
