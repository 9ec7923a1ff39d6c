"""Checks of the parts of a saved estimator, before they are used."""

import math
from numbers import Integral, Real

import numpy as np

from sknets._networks.skeleton import shapes_and_options, skeleton
from sknets._persistence.values import shorten
from sknets._training.curves import are_curves

TRAINING = {
    "batch_size",
    "continues_in_parts",
    "curves",
    "history",
    "learning_rate",
    "seed",
    "weight_decay",
}
OPTIONAL_ATTRIBUTES = (
    "feature_names_in_",
    "n_active_units_",
    "reconstruction_error_",
)


def check_fitted(kind, fitted):
    """Check the fitted attributes of an estimator of class `kind`."""
    required = set(kind._saved_attributes)
    if wrong := required ^ (fitted.keys() - set(OPTIONAL_ATTRIBUTES)):
        raise ValueError(f"fitted attributes do not match: {shorten(sorted(wrong))}")
    n_features = fitted["n_features_in_"]
    checks = {
        "n_features_in_": lambda value: is_size(value),
        "best_epoch_": lambda value: value is None or is_size(value),
        "classes_": lambda value: isinstance(value, np.ndarray),
        "feature_names_in_": lambda value: (
            isinstance(value, np.ndarray)
            and value.dtype == object
            and value.shape == (n_features,)
        ),
        "image_shape_": lambda value: (
            type(value) is tuple
            and len(value) == 3
            and all(map(is_size, value))
            and math.prod(value) == n_features
        ),
        "n_active_units_": lambda value: value == 0 or is_size(value),
        "reconstruction_error_": lambda value: type(value) is float,
    }
    for name, value in fitted.items():
        if not checks[name](value):
            raise ValueError(f"the fitted attribute {name} is not valid")


def is_size(value):
    return type(value) is int and 0 < value < 2**48


def check_training(training):
    """Check the section that describes the training so far."""
    if wrong := TRAINING ^ training.keys():
        raise ValueError(f"the training does not match: {shorten(sorted(wrong))}")
    curves, history = training["curves"], training["history"]
    rate, decay = training["learning_rate"], training["weight_decay"]
    size, seed = training["batch_size"], training["seed"]
    is_valid = {
        "batch_size": is_number(size, Integral) and size > 0,
        "continues_in_parts": type(training["continues_in_parts"]) is bool,
        "curves": are_curves(curves),
        "history": type(history) is list and all(type(e) is dict for e in history),
        "learning_rate": is_number(rate, Real) and rate > 0,
        "seed": is_number(seed, Integral) and seed >= 0,
        "weight_decay": is_number(decay, Real) and decay >= 0,
    }
    for name, valid in is_valid.items():
        if not valid:
            raise ValueError(f"{name} of the training is not valid")


def is_number(value, kind):
    is_real = isinstance(value, kind) and not isinstance(value, bool)
    return is_real and abs(value) < 2**64


def check_network(builder, weights):
    """Raise unless arrays are the tensors of the network that parameters describe.

    No memory is taken for the network.

    Parameters
    ----------
    builder : NetworkEstimator
        Estimator with the parameters and targets of the network.
    weights : dict of str to ndarray
    """
    n_features = builder.n_features_in_
    module = skeleton(
        lambda: builder._build_module(n_features, builder._targets.n_outputs),
        most_tensors=len(weights),
    )
    shapes, options = shapes_and_options(module)
    missing, unknown = shapes.keys() - weights.keys(), weights.keys() - shapes.keys()
    if missing or unknown - options:
        wrong = sorted(missing | (unknown - options))
        raise ValueError(f"tensors are missing or unknown: {shorten(wrong)}")
    parameters = {name for name, _ in module.named_parameters()}
    for name, array in weights.items():
        # What is measured from X has a number for each feature, or one for all.
        expected = [shapes[name]] if name in shapes else [(n_features,), ()]
        if array.shape not in expected:
            raise ValueError(
                f"tensor {name!r} has shape {array.shape}; expected {expected[0]}"
            )
        if name in parameters and array.dtype != builder.dtype:
            raise ValueError(
                f"tensor {name!r} has dtype {array.dtype}; expected {builder.dtype}"
            )
        if not np.isfinite(array).all():
            raise ValueError(f"tensor {name!r} has values that are NaN or infinite")
