"""ONNX models, run in ONNX Runtime, against the estimators they come from."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_multilabel_classification
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler
from torch import nn

from sknets import (
    ConvNetClassifier,
    DenoisingAutoencoderTransformer,
    MLPDropoutClassifier,
    MLPDropoutRegressor,
    SoftmaxClassifier,
    VariationalAutoencoderTransformer,
    to_onnx,
)
from sknets._networks.activations import ACTIVATIONS

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
skl2onnx = pytest.importorskip("skl2onnx")

QUICK = {"max_epochs": 20, "random_state": 0}
CLASSIFIERS = [
    SoftmaxClassifier(**QUICK),
    MLPDropoutClassifier(16, **QUICK),
    MLPDropoutClassifier((16, 8), **QUICK),
    ConvNetClassifier((4, 8), hidden_layer_sizes=16, **QUICK),
]
MLP = CLASSIFIERS[1]
TOLERANCE = {"rtol": 0, "atol": 1e-5}


def run(model, X):
    """Return the outputs of a model for X, an array or one array for each input."""
    onnx.checker.check_model(model, full_check=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return session.run(None, X if isinstance(X, dict) else {"X": X})


def assert_same_classifier(classifier, X, model=None):
    """Check labels and probabilities for all of X, and for one row."""
    model = to_onnx(classifier, X) if model is None else model
    assert [one.name for one in model.graph.output] == ["label", "probabilities"]
    for rows in (X, X[:1]):
        label, probabilities = run(model, rows)
        assert_array_equal(label, classifier.predict(rows))
        assert_allclose(probabilities, classifier.predict_proba(rows), **TOLERANCE)
        assert probabilities.dtype == rows.dtype


@pytest.fixture
def floats(small):
    X, y = small
    return X.astype(np.float32), y


# -- classifiers ---------------------------------------------------------------------


@pytest.mark.parametrize("classifier", CLASSIFIERS, ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_classifier(classifier, dtype, small):
    X, y = small
    X = X.astype(dtype)
    classifier.fit(X, y)
    assert_same_classifier(classifier, X)


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        (["no", "yes", "Ä"], object),
        (np.array(["no", "yes", ""], dtype=object), object),
        ([7, -3, 2**60], np.int64),
        (np.array([1, 2, 3], np.uint8), np.int64),
        ([1.0, 2.0, 5.0], np.int64),
        ([False, True, True], np.int64),
    ],
)
def test_labels(labels, kind, floats):
    X, y = floats
    classifier = MLP.fit(X, np.asarray(labels)[y])
    label, _ = run(to_onnx(classifier), X)
    assert label.dtype == kind
    assert_array_equal(label, classifier.predict(X))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations(activation, floats):
    X, y = floats
    classifier = MLPDropoutClassifier((8, 8), activation=activation, **QUICK)
    assert_same_classifier(classifier.fit(X, y), X)
    net = ConvNetClassifier(4, hidden_layer_sizes=8, activation=activation, **QUICK)
    assert_same_classifier(net.fit(X, y), X)
    coder = DenoisingAutoencoderTransformer(3, activation=activation, **QUICK)
    (codes,) = run(to_onnx(coder.fit(X)), X)
    assert_allclose(codes, coder.transform(X), **TOLERANCE)


@pytest.mark.parametrize("classifier", CLASSIFIERS, ids=str)
@pytest.mark.parametrize("standardize", ["auto", True, False])
def test_scale_of_the_input(classifier, standardize, floats):
    X, y = floats
    X = 30 * X + 100
    classifier = type(classifier)(**classifier.get_params() | {"standardize": False})
    if standardize is not False:
        classifier.set_params(standardize=standardize)
    classifier.fit(X, y)
    assert classifier.module_.scales_input == (standardize is not False)
    assert_same_classifier(classifier, X)


def test_float64_input_is_scaled_in_float64(small):
    X, y = small
    X = X + 1e7  # float32 has steps of 1 there
    classifier = MLP.fit(X, y)
    assert_same_classifier(classifier, X)
    _, rounded = run(to_onnx(classifier), X.astype(np.float32))
    assert abs(rounded - classifier.predict_proba(X)).max() > 0.01


@pytest.mark.parametrize("dtype", ["int64", "int32", "int8", "uint8", "bool"])
def test_integer_input(dtype, small):
    X, y = small
    X = np.abs(10 * X).astype(dtype)
    classifier = MLP.fit(X, y)
    label, probabilities = run(to_onnx(classifier, X), X)
    assert_array_equal(label, classifier.predict(X))
    assert_allclose(probabilities, classifier.predict_proba(X), **TOLERANCE)


@pytest.mark.parametrize("n_labels", [2, 4])
def test_multilabel(n_labels):
    X, y = make_multilabel_classification(n_classes=n_labels, random_state=0)
    X = X.astype(np.float32)
    for classifier in (MLP, CLASSIFIERS[-1]):
        assert_same_classifier(classifier.fit(X, y), X)


def test_network_on_another_device(device, floats):
    X, y = floats
    classifier = MLPDropoutClassifier(16, device=device, **QUICK).fit(X, y)
    assert_same_classifier(classifier, X)


def test_model_keeps_its_weights_after_another_fit(floats):
    X, y = floats
    before = MLP.fit(X, y).predict_proba(X)
    model = to_onnx(MLP)
    MLP.fit(-X, y)
    assert_allclose(run(model, X)[1], before, **TOLERANCE)


# -- images --------------------------------------------------------------------------


@pytest.mark.parametrize("kernel_size", [1, 2, 3, 4])
@pytest.mark.parametrize("shape", [(6, 5, 3), (7, 7), (1, 9)])
def test_images(shape, kernel_size):
    rng = np.random.default_rng(0)
    X = rng.normal(3, 1, size=(40, *shape)).astype(np.float32)
    net = ConvNetClassifier((4, 6), kernel_size=kernel_size, hidden_layer_sizes=8)
    net.set_params(image_shape=shape, activation="tanh", **QUICK).fit(
        X, np.arange(40) % 3
    )
    # After such a short training, all images would have nearly the same outputs.
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in net.module_.parameters():
            parameter.normal_(0, 0.5, generator=generator)
    assert net.predict_proba(X).std(axis=0).min() > 0.01
    assert_same_classifier(net, X)
    assert_same_classifier(net, X.reshape(40, -1))
    assert_same_classifier(net, X.reshape(40, -1), to_onnx(net))


def test_images_of_another_shape_are_refused(digits):
    X, y = digits[0][:50].reshape(-1, 8, 8), digits[2][:50]
    net = ConvNetClassifier(4, hidden_layer_sizes=8, **QUICK).fit(X, y)
    with pytest.raises(ValueError, match=r"images of shape \(4, 16, 1\).*\(8, 8, 1\)"):
        to_onnx(net, X.reshape(-1, 4, 16))
    with pytest.raises(ValueError, match=r"needs inputs of shape \(n_samples, n_feat"):
        to_onnx(MLP.fit(X.reshape(50, -1), y), X)


# -- the regressor and the autoencoder -----------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_outputs", [None, 3])
def test_regressor(n_outputs, dtype, small):
    X = small[0].astype(dtype)
    y = 5 * X[:, 0] + 20 if n_outputs is None else 5 * X[:, :n_outputs] + 20
    regressor = MLPDropoutRegressor(16, **QUICK).fit(X, y)
    model = to_onnx(regressor, X)
    assert [one.name for one in model.graph.output] == ["variable"]
    for rows in (X, X[:1]):
        (predicted,) = run(model, rows)
        expected = regressor.predict(rows).reshape(len(rows), -1)
        assert predicted.shape == expected.shape
        assert predicted.dtype == dtype
        assert_allclose(predicted, expected, rtol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "parameters",
    [
        {"hidden_layer_sizes": (8, 6), "activation": "tanh"},
        {"tied_weights": True, "activation": "relu"},
        {"loss": "cross_entropy", "output_activation": "logistic"},
        {"noise": "masking", "noise_level": 0.3, "activity_penalty": "l1"},
    ],
)
def test_autoencoder(parameters, dtype, small):
    X = MinMaxScaler(clip=True).fit_transform(small[0]).astype(dtype)
    coder = DenoisingAutoencoderTransformer(3, **parameters, **QUICK).fit(X)
    model = to_onnx(coder, X)
    assert [one.name for one in model.graph.output] == ["variable"]
    for rows in (X, X[:1]):
        (codes,) = run(model, rows)
        assert_allclose(codes, coder.transform(rows), **TOLERANCE)
        assert codes.dtype == dtype


@pytest.mark.parametrize("hidden_layer_sizes", [(), 8, (8, 6)])
def test_variational_autoencoder(hidden_layer_sizes, floats):
    X = 30 * floats[0] + 5
    coder = VariationalAutoencoderTransformer(
        3, hidden_layer_sizes=hidden_layer_sizes, **QUICK
    ).fit(X)
    (means,) = run(to_onnx(coder), X)
    assert_allclose(means, coder.transform(X), **TOLERANCE)


def test_unit_of_the_autoencoder(floats):
    X = 1000 * floats[0]
    coder = DenoisingAutoencoderTransformer(3, activation="tanh", **QUICK).fit(X)
    assert coder.module_.encoder.divisor > 100
    (codes,) = run(to_onnx(coder), X)
    assert_allclose(codes, coder.transform(X), **TOLERANCE)


# -- pipelines -----------------------------------------------------------------------

CODER = DenoisingAutoencoderTransformer(3, **QUICK)
COLUMNS = make_column_transformer(
    (StandardScaler(), [0, 3]), (MinMaxScaler(), [1]), remainder="passthrough"
)


@pytest.mark.parametrize(
    "steps",
    [
        (StandardScaler(), SoftmaxClassifier(**QUICK)),
        (MinMaxScaler(), MLP),
        (StandardScaler(), CLASSIFIERS[-1]),
        (COLUMNS, MLP),
        ("passthrough", MLP),
        (MinMaxScaler(), CODER, StandardScaler(), LogisticRegression()),
        (StandardScaler(), make_union(CODER, StandardScaler()), MLP),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pipeline(steps, dtype, small):
    X, y = small
    X = (5 * X + 20).astype(dtype)
    names = np.array(["a", "b", "c"])[y]
    assert_same_classifier(make_pipeline(*steps).fit(X, names), X)


def test_pipeline_with_a_regressor(floats):
    X, _ = floats
    regressor = make_pipeline(MinMaxScaler(), MLPDropoutRegressor(16, **QUICK))
    regressor.fit(X, X[:, 0])
    (predicted,) = run(to_onnx(regressor), X)
    assert_allclose(predicted[:, 0], regressor.predict(X), **TOLERANCE)


def test_columns_of_a_dataframe_are_inputs(floats):
    X, y = floats
    frame = pd.DataFrame(X, columns=list("abcde"))
    frame["colour"] = np.where(y == 0, "red", "blue")
    columns = make_column_transformer(
        (StandardScaler(), ["a", "d"]), (OneHotEncoder(), ["colour"])
    )
    pipeline = make_pipeline(columns, MLP).fit(frame, y)
    model = to_onnx(pipeline, frame)
    used = {one.name: frame[[one.name]].to_numpy() for one in model.graph.input}
    assert {"a", "d", "colour"} <= set(used)
    label, probabilities = run(model, used)
    assert_array_equal(label, pipeline.predict(frame))
    assert_allclose(probabilities, pipeline.predict_proba(frame), **TOLERANCE)


def test_dataframe_without_a_pipeline(floats):
    X, y = floats
    frame = pd.DataFrame(X, columns=list("abcde")).astype({"a": np.float64})
    classifier = MLP.fit(frame, y)
    inputs = {name: frame[[name]].to_numpy() for name in frame}
    _, probabilities = run(to_onnx(classifier, frame), inputs)
    assert_allclose(probabilities, classifier.predict_proba(frame), **TOLERANCE)
    # Its columns also fit into one array.
    _, probabilities = run(to_onnx(classifier), X)
    assert_allclose(probabilities, classifier.predict_proba(frame), **TOLERANCE)


@pytest.mark.parametrize(
    "meta",
    [
        GridSearchCV(make_pipeline(StandardScaler(), MLP), {}, cv=2),
        VotingClassifier(
            [("a", MLP), ("b", CLASSIFIERS[0])], voting="soft", flatten_transform=False
        ),
        StackingClassifier([("a", MLP), ("b", CLASSIFIERS[0])], cv=2),
        CalibratedClassifierCV(MLP, cv=2),
    ],
    ids=lambda meta: type(meta).__name__,
)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_meta_estimators(meta, n_classes, floats):
    X, y = floats
    meta.fit(X, y % n_classes)
    label, probabilities = run(to_onnx(meta), X)
    assert_array_equal(label, meta.predict(X))
    assert_allclose(probabilities, meta.predict_proba(X), **TOLERANCE)


# -- options -------------------------------------------------------------------------


def test_probabilities_as_dictionaries(floats):
    X, y = floats
    classifier = MLP.fit(X, np.array(["a", "b", "c"])[y])
    for options in ({"zipmap": True}, {MLPDropoutClassifier: {"zipmap": True}}):
        _, rows = run(to_onnx(classifier, options=options), X)
        expected = classifier.predict_proba(X)
        assert_allclose([list(row.values()) for row in rows], expected, **TOLERANCE)
        assert list(rows[0]) == ["a", "b", "c"]


def test_other_options_keep_probabilities_an_array(floats):
    X, y = floats
    classifier = MLP.fit(X, np.array(["a", "b", "c"])[y])
    label, probabilities = run(to_onnx(classifier, options={"nocl": True}), X)
    assert_array_equal(classifier.classes_[label], classifier.predict(X))
    assert_allclose(probabilities, classifier.predict_proba(X), **TOLERANCE)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_raw_scores(n_classes, floats):
    X, y = floats
    classifier = MLP.fit(X, y % n_classes)
    _, scores = run(to_onnx(classifier, options={"raw_scores": True}), X)
    expected = classifier.decision_function(X)
    if n_classes == 2:
        expected = np.column_stack([-expected, expected])
    assert_allclose(scores, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("target_opset", [13, 15, 18, {"": 17, "ai.onnx.ml": 2}])
def test_older_versions_of_onnx(target_opset, digits):
    X, y = digits[0][:100], digits[2][:100]
    for classifier in (MLP, CLASSIFIERS[-1]):
        pipeline = make_pipeline(StandardScaler(), classifier).fit(X, y)
        model = to_onnx(pipeline, target_opset=target_opset)
        assert_same_classifier(pipeline, X, model)


def test_skl2onnx_itself_knows_the_estimators(floats):
    X, y = floats
    pipeline = make_pipeline(StandardScaler(), MLP).fit(X, y)
    to_onnx(pipeline)
    model = skl2onnx.to_onnx(pipeline, X[:1], options={"zipmap": False})
    assert_same_classifier(pipeline, X, model)


def test_name_of_the_input(floats):
    X, y = floats
    types = [("rows", skl2onnx.common.data_types.FloatTensorType([None, 5]))]
    model = to_onnx(MLP.fit(X, y), initial_types=types)
    assert_allclose(run(model, {"rows": X})[1], MLP.predict_proba(X), **TOLERANCE)


@pytest.mark.parametrize(
    "X", [[[1.0, 2, 3, 4, 5]], torch.ones(2, 5)], ids=["list", "tensor"]
)
def test_forms_of_the_example(X, floats):
    model = to_onnx(MLP.fit(*floats), X)
    rows = np.asarray(X)
    assert_allclose(run(model, rows)[1], MLP.predict_proba(rows), **TOLERANCE)


# -- what is refused -----------------------------------------------------------------


def test_float64_networks_are_refused(floats):
    classifier = MLPDropoutClassifier(dtype="float64", **QUICK).fit(*floats)
    with pytest.raises(ValueError, match="needs a network with dtype='float32'.*64'"):
        to_onnx(make_pipeline(StandardScaler(), classifier).fit(*floats))


def test_unknown_layers_are_refused(floats):
    classifier = MLPDropoutClassifier(16, **QUICK).fit(*floats)
    classifier.module_.hidden[1] = nn.GELU()
    with pytest.raises(TypeError, match=r"activation\.GELU, which to_onnx does not kn"):
        to_onnx(classifier)


@pytest.mark.parametrize("part", ["output", "hidden", "hidden.1"])
def test_hooks_are_refused(part, floats):
    classifier = MLPDropoutClassifier(16, **QUICK).fit(*floats)
    layer = classifier.module_.get_submodule(part)
    layer.register_forward_hook(lambda layer, X, outputs: 2 * outputs)
    with pytest.raises(ValueError, match=f"hook on its layer {type(layer).__name__}"):
        to_onnx(classifier)


def test_subclasses_are_refused(floats):
    class Other(MLPDropoutClassifier):
        def predict_proba(self, X):
            return 1 - super().predict_proba(X)

    with pytest.raises(Exception, match="shape calculator for type .*Other"):
        to_onnx(Other(**QUICK).fit(*floats))


def test_labels_that_are_too_large_are_refused(floats):
    X, y = floats
    classifier = MLP.fit(X, np.array([0, 1, 2**63], np.uint64)[y])
    with pytest.raises(
        ValueError, match="labels y that are strings or 64-bit integers"
    ):
        to_onnx(classifier)


def test_networks_that_are_too_large_are_refused(floats, monkeypatch):
    to_onnx(MLP.fit(*floats))
    monkeypatch.setattr("sknets._onnx.converters.MAX_BYTES", 500)
    with pytest.raises(ValueError, match="have 588 bytes; an ONNX model holds at most"):
        to_onnx(MLP)


@pytest.mark.parametrize("target_opset", [12, {"": 12, "ai.onnx.ml": 1}])
def test_old_versions_of_onnx_are_refused(target_opset, floats):
    with pytest.raises(ValueError, match="target_opset=12 is too old for MLPDropout"):
        to_onnx(MLP.fit(*floats), target_opset=target_opset)


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (np.zeros((1, 4)), ValueError, "X has 4 features, but MLPDropoutClassifier is"),
        (np.zeros((1, 5), np.float16), TypeError, "X has the dtype float16; expected"),
        (np.array([["a"] * 5]), TypeError, "input 'X' of MLPDropoutClassifier has str"),
        (sparse.csr_array((1, 5)), TypeError, "csr_array"),
    ],
)
def test_examples_that_do_not_fit_are_refused(X, error, message, floats):
    with pytest.raises(error, match=message):
        to_onnx(MLP.fit(*floats), X)


def test_without_an_example_the_number_of_features_must_be_known():
    words, y = ["red hot", "blue sea", "red sun", "blue sky"], [0, 1, 0, 1]
    pipeline = make_pipeline(TfidfVectorizer(), SoftmaxClassifier(**QUICK))
    with pytest.raises(ValueError, match="X must be given, because Pipeline has no"):
        to_onnx(pipeline.fit(words, y))


def test_estimators_that_are_not_fitted_are_refused():
    with pytest.raises(NotFittedError):
        to_onnx(MLPDropoutClassifier())


# -- without the optional packages ---------------------------------------------------


def test_error_names_the_extra_to_install(floats, monkeypatch):
    monkeypatch.setitem(sys.modules, "skl2onnx", None)
    with pytest.raises(ImportError, match=r"pip install 'sknets\[onnx\]'"):
        to_onnx(MLP.fit(*floats))


def test_package_does_not_import_onnx():
    code = "import sys, sknets; sys.exit('onnx' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
