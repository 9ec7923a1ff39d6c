"""Converters that teach skl2onnx the estimators of this package."""

import functools
import math

import numpy as np
import torch
from onnx.helper import tensor_dtype_to_np_dtype
from skl2onnx import update_registered_converter
from skl2onnx.common.data_types import Int64TensorType, StringTensorType
from skl2onnx.common.utils_classifier import get_label_classes

from sknets._estimators.autoencoder import DenoisingAutoencoderTransformer
from sknets._estimators.convnet import ConvNetClassifier, as_image_shape
from sknets._estimators.mlp import MLPDropoutClassifier
from sknets._estimators.mlp_regressor import MLPDropoutRegressor
from sknets._estimators.softmax import SoftmaxClassifier
from sknets._estimators.variational import VariationalAutoencoderTransformer
from sknets._onnx.layers import Graph, write, write_chain

# The first version of ONNX that has all operators in the form that is written here.
MIN_OPSET = 13

# Limit of protocol buffers, which ONNX models are.
MAX_BYTES = 2**31 - 1

CLASSIFIER_OPTIONS = {
    "zipmap": [True, False, "columns"],
    "output_class_labels": [False, True],
    "nocl": [True, False],
    "raw_scores": [True, False],
}


@functools.cache
def register():
    """Register a converter for each estimator, once."""
    for estimator in (SoftmaxClassifier, MLPDropoutClassifier, ConvNetClassifier):
        register_one(
            estimator, classifier_shapes, convert_classifier, CLASSIFIER_OPTIONS
        )
    register_one(MLPDropoutRegressor, regressor_shapes, convert_regressor)
    for estimator in (
        DenoisingAutoencoderTransformer,
        VariationalAutoencoderTransformer,
    ):
        register_one(estimator, transformer_shapes, convert_transformer)


def register_one(estimator, shapes, convert, options=None):
    """Register the functions that declare the outputs of a class, and convert it."""
    alias = f"Sknets{estimator.__name__}"
    update_registered_converter(estimator, alias, shapes, convert, options=options)


# -- classifiers ---------------------------------------------------------------------


def classifier_shapes(operator):
    """Declare the types of labels and probabilities."""
    n_rows = check(operator)
    classifier = operator.raw_operator
    labels = as_onnx_labels(get_label_classes(operator.scope_inst, classifier))
    shape = [n_rows, len(labels)]
    kind = Int64TensorType if labels.dtype == np.int64 else StringTensorType
    label, probabilities = operator.outputs
    label.set_type(kind(shape[:1] if classifier._targets.exclusive else shape))
    probabilities.set_type(type(probabilities.type)(shape))


def convert_classifier(scope, operator, container):
    """Write a classifier: the label of each row, and probabilities or raw scores."""
    classifier = operator.raw_operator
    exclusive = classifier._targets.exclusive
    graph, X = start(scope, operator, container)
    label, scores = operator.outputs
    logits = write(graph, classifier.module_, X)
    if container.get_options(classifier, {"raw_scores": False})["raw_scores"]:
        finish(graph, raw_scores(graph, classifier, logits), scores)
    elif exclusive:
        finish(graph, graph.add("Softmax", logits, axis=1), scores)
    else:
        finish(graph, graph.add("Sigmoid", logits), scores)
    if exclusive:
        labels = as_onnx_labels(get_label_classes(scope, classifier))
        codes = graph.add("ArgMax", logits, axis=1, keepdims=0)
        graph.add("Gather", graph.constant(labels), codes, output=label.full_name)
    else:
        is_on = graph.add("Greater", logits, graph.constant(0, np.float32))
        graph.cast(is_on, np.int64, output=label.full_name)


def raw_scores(graph, classifier, logits):
    """Write `decision_function`, with a column for each of two classes.

    CalibratedClassifierCV of skl2onnx needs it, and reads the column of a class.
    """
    if not classifier._targets.exclusive or len(classifier.classes_) > 2:
        return logits
    log_odds = graph.constant([[1, -1], [-1, 1]], np.float32)
    return graph.add("MatMul", logits, log_odds)


def as_onnx_labels(classes):
    """Return classes as an array of int64, or of strings."""
    if all(isinstance(label, str) for label in classes):
        return np.asarray(classes, dtype=object)
    if classes.dtype.kind in "biuf":
        with np.errstate(invalid="ignore"):
            labels = classes.astype(np.int64)
        if (labels == classes).all():
            return labels
    raise ValueError(
        "to_onnx needs labels y that are strings or 64-bit integers; got classes_ of "
        f"dtype {classes.dtype}: {classes}."
    )


# -- the regressor and the transformers ----------------------------------------------


def regressor_shapes(operator):
    """Declare the type of the predictions, of shape (n_samples, n_outputs)."""
    n_rows = check(operator)
    (y,) = operator.outputs
    y.set_type(type(y.type)([n_rows, operator.raw_operator._targets.n_outputs]))


def convert_regressor(scope, operator, container):
    """Write a regressor, with predictions in the units of y."""
    regressor = operator.raw_operator
    graph, X = start(scope, operator, container)
    (y,) = operator.outputs
    dtype = numpy_dtype(y)
    outputs = write(graph, regressor.module_, X)
    if dtype != np.float32:
        outputs = graph.cast(outputs, dtype)
    targets = regressor._targets
    scaled = graph.add("Mul", outputs, graph.constant(targets.scale, dtype))
    graph.add("Add", scaled, graph.constant(targets.mean, dtype), output=y.full_name)


def transformer_shapes(operator):
    """Declare the type of the features, of shape (n_samples, n_components)."""
    n_rows = check(operator)
    (codes,) = operator.outputs
    codes.set_type(type(codes.type)([n_rows, operator.raw_operator._n_features_out]))


def convert_transformer(scope, operator, container):
    """Write the encoder of an autoencoder, which `transform` evaluates."""
    graph, X = start(scope, operator, container)
    layers = operator.raw_operator.module_.encoding_layers()
    (codes,) = operator.outputs
    finish(graph, write_chain(graph, layers, X), codes)


# -- what all of them share ----------------------------------------------------------


def check(operator):
    """Refuse what an ONNX model cannot hold. Return the number of rows, or None."""
    estimator = operator.raw_operator
    check_network(estimator.module_, type(estimator).__name__)
    opset = operator.scope_inst.target_opset
    opset = opset.get("", MIN_OPSET) if isinstance(opset, dict) else opset
    if opset < MIN_OPSET:
        raise ValueError(
            f"target_opset={opset} is too old for {type(estimator).__name__}; expected "
            f"at least {MIN_OPSET}."
        )
    check_inputs(estimator, operator.inputs)
    return operator.inputs[0].get_first_dimension()


def check_network(module, name):
    """Raise if the network of an estimator of that name cannot be exported."""
    others = {p.dtype for p in module.parameters()} - {torch.float32}
    if others:
        dtype = str(others.pop()).removeprefix("torch.")
        raise ValueError(
            f"to_onnx needs a network with dtype='float32'; {name} was fitted with "
            f"dtype={dtype!r}."
        )
    n_bytes = 4 * sum(p.numel() for p in module.parameters())
    if n_bytes > MAX_BYTES:
        raise ValueError(
            f"The weights of {name} have {n_bytes} bytes; an ONNX model holds at most "
            f"{MAX_BYTES}."
        )
    for layer in module.modules():
        if layer._forward_hooks or layer._forward_pre_hooks:
            raise ValueError(
                f"The network of {name} has a hook on its layer {layer}, and an ONNX "
                "model cannot hold hooks. Remove the hook."
            )


def check_inputs(estimator, variables):
    """Raise if the declared inputs do not fit the estimator."""
    name = type(estimator).__name__
    for variable in variables:
        if numpy_dtype(variable).kind not in "biuf":
            raise TypeError(
                f"The input {variable.raw_name!r} of {name} has strings; expected "
                "numbers. Encode them in a pipeline."
            )
    shapes = [variable.type.shape or [None, None] for variable in variables]
    if hasattr(estimator, "image_shape_") and len(shapes[0]) > 2:
        image_shape = as_image_shape(shapes[0][1:])
        if image_shape != estimator.image_shape_:
            raise ValueError(
                f"X has images of shape {image_shape}, but {name} was fitted on images "
                f"of {estimator.image_shape_}."
            )
        return
    if any(len(shape) != 2 for shape in shapes):
        raise ValueError(
            f"{name} needs inputs of shape (n_samples, n_features); got {shapes}."
        )
    # The steps of a pipeline fit each other, whatever shapes skl2onnx declares.
    given = all(variable.is_root for variable in variables)
    widths = [shape[1] for shape in shapes]
    if given and None not in widths and sum(widths) != estimator.n_features_in_:
        raise ValueError(
            f"X has {sum(widths)} features, but {name} is expecting "
            f"{estimator.n_features_in_} features as input."
        )


def start(scope, operator, container):
    """Return a new graph, and the name of its X: rows of floating-point numbers.

    X stays in float64 only if the network scales it, as in `InputScale`.
    """
    module = operator.raw_operator.module_
    dtypes = [numpy_dtype(variable) for variable in operator.inputs]
    is_narrow = all(np.can_cast(dtype, np.float32) for dtype in dtypes)
    dtype = np.float64 if module.scales_input and not is_narrow else np.float32
    graph = Graph(scope, container, dtype)
    columns = [
        variable.full_name if given == dtype else graph.cast(variable.full_name, dtype)
        for variable, given in zip(operator.inputs, dtypes, strict=True)
    ]
    X = columns[0] if len(columns) == 1 else graph.add("Concat", *columns, axis=1)
    shape = operator.inputs[0].type.shape
    if shape is not None and len(shape) > 2:
        rows = graph.constant([-1, math.prod(shape[1:])], np.int64)
        X = graph.add("Reshape", X, rows)
    return graph, X


def finish(graph, values, variable):
    """Let float32 values be an output of the operator, in the declared dtype."""
    dtype = numpy_dtype(variable)
    if dtype == np.float32:
        graph.add("Identity", values, output=variable.full_name)
    else:
        graph.cast(values, dtype, output=variable.full_name)


def numpy_dtype(variable):
    """Return the numpy dtype of a variable of skl2onnx; that of strings is object."""
    proto = variable.type.to_onnx_type().tensor_type
    return np.dtype(tensor_dtype_to_np_dtype(proto.elem_type))
