"""A fitted estimator as arrays and JSON, and back. `docs/model_files.rst` describes it.

Whatever comes from a file is checked before it is used.
"""

import numpy as np
import torch

from sknets._compute.devices import resolve_device
from sknets._data.sklearn_compat import apply_settings, check_parameters, settings_of
from sknets._estimators.document_checks import (
    OPTIONAL_ATTRIBUTES,
    TRAINING,
    check_fitted,
    check_network,
    check_training,
)
from sknets._estimators.optimizer_document import (
    describe_optimizer,
    restore_optimizer,
)
from sknets._estimators.parameters import changed_parameters
from sknets._estimators.registry import PUBLIC_ESTIMATORS
from sknets._estimators.state import VERSIONS
from sknets._persistence.container import split_off
from sknets._persistence.values import decode, encode, shorten
from sknets._training.checkpoints import without_checkpoints

FORMAT_VERSION = 1
SECTIONS = {
    "class",
    "fitted",
    "format_version",
    "optimizer",
    "parameters",
    "parameters_of_network",
    "settings",
    "targets",
    "training",
    "versions",
}
NETWORK, OPTIMIZER = "network.", "optimizer."

# `load` decides the device. The weights have what the autoencoder in `pretrained` did.
CALLBACKS, DEVICE, PRETRAINED = "callbacks", "device", "pretrained"


def describe(estimator, *, include_optimizer):
    """Return the arrays and the document of a fitted estimator."""
    name = type(estimator).__name__
    if PUBLIC_ESTIMATORS.get(name) is not type(estimator):
        raise TypeError(
            f"{name} cannot be saved, because it is no class of sknets: `load` finds "
            f"only {', '.join(sorted(PUBLIC_ESTIMATORS))}."
        )
    plain = estimator._network_to_plain(with_optimizer=include_optimizer)
    changed = set(changed_parameters(estimator, {DEVICE, PRETRAINED}))
    as_built = {n: v for n, v in plain["parameters"].items() if n in changed}
    what = f"{name} cannot be saved with"
    document = {
        "format_version": FORMAT_VERSION,
        "class": name,
        "parameters": describe_parameters(estimator.get_params(deep=False), what),
        "parameters_of_network": describe_parameters(as_built, f"{what} a network of"),
        "fitted": {
            attribute: encode_named(attribute, getattr(estimator, attribute), what)
            for attribute in (*estimator._saved_attributes, *OPTIONAL_ATTRIBUTES)
            if attribute in vars(estimator)
        },
        "targets": {key: encode(value) for key, value in plain["targets"].items()},
        "training": {key: encode_named(key, plain[key], what) for key in TRAINING},
        "settings": describe_settings(estimator, what),
        "versions": {
            **VERSIONS,
            "numpy": np.__version__,
            "torch": str(torch.__version__),
        },
    }
    arrays = {NETWORK + key: array for key, array in plain["weights"].items()}
    try:
        check_network(estimator._as_built(plain), plain["weights"])
    except ValueError as error:
        raise ValueError(f"{name} cannot be saved: {error}.") from error
    document["optimizer"], states = describe_optimizer(plain["optimizer"])
    arrays |= {OPTIMIZER + key: array for key, array in states.items()}
    return arrays, document


def describe_parameters(parameters, what):
    return {
        name: encode_named(name, without_tools(name, value), what)
        for name, value in parameters.items()
        if name != DEVICE
    }


def without_tools(name, value):
    """Return a parameter without what served the training only."""
    if name == CALLBACKS:
        return without_checkpoints(value)
    return None if name == PRETRAINED else value


def describe_settings(estimator, what):
    try:
        return {key: encode(value) for key, value in settings_of(estimator).items()}
    except TypeError as error:
        raise TypeError(f"{what} {error}.") from error


def encode_named(name, value, what):
    try:
        return encode(value)
    except TypeError as error:
        raise TypeError(
            f"{what} {name}={shorten(value)}: a file cannot hold {error}. It holds "
            "None, booleans, numbers, strings, and lists, tuples, dicts and arrays of "
            "them."
        ) from error


def restore(arrays, document, device):
    """Return the estimator of a file, on a device.

    Raises
    ------
    ValueError, TypeError, OverflowError or RuntimeError
        If the contents of the file are not valid.
    """
    check_format(document)
    strangers = {n for n in arrays if not n.startswith((NETWORK, OPTIMIZER))}
    if strangers:
        raise ValueError(f"it has unknown tensors: {shorten(sorted(strangers))}")
    estimator = restore_parameters(document, device)
    fitted = decode_section(document, "fitted")
    check_fitted(type(estimator), fitted)
    vars(estimator).update(fitted)
    training = decode_section(document, "training")
    check_training(training)
    plain = {
        **training,
        "parameters": estimator.get_params(deep=False)
        | restore_changes(estimator, document),
        "targets": decode_section(document, "targets"),
        "weights": split_off(arrays, NETWORK),
        "optimizer": None,
        "callbacks": [],
    }
    builder = restore_builder(estimator, plain)
    check_network(builder, plain["weights"])
    resolve_device(device, builder.dtype)
    estimator._restore_network(plain)
    states = split_off(arrays, OPTIMIZER)
    restore_optimizer(document["optimizer"], states, estimator.net_, builder.optimizer)
    apply_settings(estimator, decode_section(document, "settings"))
    return estimator


def check_format(document):
    version = document.get("format_version")
    if type(version) is not int or version < 1:
        raise ValueError(f"its format version is {shorten(version)}")
    if version > FORMAT_VERSION:
        raise ValueError(
            f"it has format version {version}, but this version of sknets reads "
            f"versions up to {FORMAT_VERSION}. Update sknets."
        )
    if wrong := SECTIONS ^ document.keys():
        raise ValueError(f"sections are missing or unknown: {shorten(sorted(wrong))}")
    name = document["class"]
    if type(name) is not str or name not in PUBLIC_ESTIMATORS:
        raise ValueError(
            f"its class {shorten(name)} is no estimator of sknets; expected one of "
            f"{', '.join(sorted(PUBLIC_ESTIMATORS))}"
        )
    versions = document["versions"]
    if type(versions) is not dict or not all(type(v) is str for v in versions.values()):
        raise ValueError("the versions of libraries are no strings")


def decode_section(document, name):
    if type(document[name]) is not dict:
        raise ValueError(f"section {name!r} is not an object")
    return {key: decode(value) for key, value in document[name].items()}


def restore_parameters(document, device):
    """Return an estimator that is not fitted."""
    kind = PUBLIC_ESTIMATORS[document["class"]]
    parameters = decode_section(document, "parameters")
    # Parameters that later versions add get their defaults.
    if unknown := parameters.keys() - known_parameters(kind):
        raise ValueError(f"unknown parameters: {shorten(sorted(unknown))}")
    return check_parameters(kind(**parameters, device=device))


def known_parameters(kind):
    return kind().get_params(deep=False).keys() - {DEVICE}


def restore_builder(estimator, plain):
    """Return the estimator with the targets and parameters of the network."""
    try:
        builder = estimator._as_built(plain)
    except KeyError as error:
        raise ValueError(f"the targets have no {error}") from error
    if unknown := plain["targets"].keys() - builder._targets.to_plain().keys():
        raise ValueError(f"the targets have an unknown {shorten(sorted(unknown))}")
    return builder


def restore_changes(estimator, document):
    """Return the parameters of the network that differ from the estimator's."""
    changes = decode_section(document, "parameters_of_network")
    if unknown := changes.keys() - known_parameters(type(estimator)):
        raise ValueError(f"unknown parameters: {shorten(sorted(unknown))}")
    as_built = estimator.get_params(deep=False) | changes
    check_parameters(type(estimator)(**as_built))
    return changes
