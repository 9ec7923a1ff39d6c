"""The state of a named optimizer as arrays and JSON, and back."""

import math
from numbers import Real

import numpy as np

from sknets._persistence.values import decode, encode, shorten
from sknets._training.optimizers import OPTIMIZERS
from sknets._training.plain_state import plain_to_optimizer


def describe_optimizer(plain):
    """Return the section of a document, and the arrays of the state.

    Parameters
    ----------
    plain : dict or None
        Result of `optimizer_to_plain`.
    """
    if plain is None or plain["state"] is None:
        return None, {}
    arrays = {
        f"{number}.{name}": array
        for number, state in plain["state"].items()
        for name, array in state.items()
    }
    # The other options are those of the optimizer's class.
    groups = [
        {name: encode(value) for name, value in group.items() if is_number(value)}
        for group in plain["groups"]
    ]
    return groups, arrays


def restore_optimizer(section, arrays, net, name):
    """Restore the optimizer of a net, if the file has its state.

    Parameters
    ----------
    section : list or None
    arrays : dict of str to ndarray
    net : LeanNet
        Net with a new optimizer.
    name : key of OPTIMIZERS
    """
    if section is None:
        if arrays:
            raise ValueError("it has tensors of an optimizer, but no options of it")
        return
    own = net.optimizer_.param_groups
    if type(section) is not list or len(section) != len(own):
        raise ValueError("the optimizer has another number of groups")
    groups = [read_group(*pair) for pair in zip(section, own, strict=True)]
    parameters = [p for group in own for p in group["params"]]
    states = read_states(arrays, parameters, OPTIMIZERS[name][0]._state_names)
    plain_to_optimizer({"state": states, "groups": groups}, net.optimizer_)


def read_group(group, own_group):
    """Return the options of a group. Raise unless the optimizer has them too."""
    if type(group) is not dict:
        raise ValueError("a group of the optimizer is not an object")
    group = {name: decode(value) for name, value in group.items()}
    for name, value in group.items():
        known = is_number(own_group.get(name)) or name == "initial_lr"
        if not (known and is_number(value)):
            raise ValueError(f"the optimizer has the option {shorten({name: value})}")
    return group


def is_number(value):
    is_real = isinstance(value, Real) and not isinstance(value, bool)
    return is_real and math.isfinite(value) and value >= 0


def read_states(arrays, parameters, names):
    """Return the state of each parameter, by its number."""
    expected = {
        f"{number}.{name}": (number, name)
        for number in range(len(parameters))
        for name in names
    }
    if not arrays:  # an optimizer that has made no step, or that has no state
        return {}
    if wrong := expected.keys() ^ arrays.keys():
        raise ValueError(
            f"tensors of the optimizer are missing or unknown: {shorten(sorted(wrong))}"
        )
    states = {}
    for key, (number, name) in expected.items():
        array = arrays[key]
        shape = () if name == "step" else tuple(parameters[number].shape)
        if array.shape != shape:
            raise ValueError(
                f"tensor {key!r} of the optimizer has shape {array.shape}; expected "
                f"{shape}"
            )
        if not np.isfinite(array).all():
            raise ValueError(f"tensor {key!r} of the optimizer is not finite")
        states.setdefault(number, {})[name] = array
    return states
