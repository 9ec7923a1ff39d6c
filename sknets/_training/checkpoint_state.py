"""The state of a training as arrays and JSON, and back.

Whatever comes from a file is checked before it is used.
"""

import hashlib
from types import NoneType

import numpy as np

from sknets._persistence.container import split_off
from sknets._persistence.strict_json import to_text
from sknets._persistence.values import decode, encode
from sknets._training.curves import Curves, are_curves
from sknets._training.optimizers import state_names
from sknets._training.plain_state import (
    arrays_to_module,
    as_tensor,
    module_to_arrays,
    plain_to_optimizer,
)

NETWORK, OPTIMIZER, BEST = "network.", "optimizer.", "best."
KEYS = {"best", "checksum", "curves", "digest", "history", "seed"}


def checksum(arrays, document):
    """Return the SHA-256 of the contents of a file, without its checksum."""
    contents = {key: value for key, value in document.items() if key != "checksum"}
    total = hashlib.sha256(to_text(contents).encode())
    for name, array in sorted(arrays.items()):
        total.update(to_text([name, array.dtype.str, array.shape]).encode())
        total.update(np.ascontiguousarray(array).data)
    return total.hexdigest()


def describe_state(net, best):
    """Return arrays and a document that hold the state of a training.

    Parameters
    ----------
    net : LeanNet
    best : BestEpoch or None
    """
    plain = net.to_plain(with_optimizer=True)
    arrays = {NETWORK + name: array for name, array in plain["weights"].items()}
    for number, state in plain["optimizer"]["state"].items():
        for name, array in state.items():
            if isinstance(array, np.ndarray):
                arrays[f"{OPTIMIZER}{number}.{name}"] = array
    document = {key: encode(plain[key]) for key in ("curves", "history", "seed")}
    document["best"] = None
    if best is not None:
        document["best"] = encode([best.value, best.epoch, best.n_idle_epochs])
        for name, tensor in (best.weights or {}).items():
            arrays[BEST + name] = tensor.detach().cpu().numpy()
    return arrays, document


def parse_state(arrays, document, digest, net):
    """Return the state of a training for a net, from the contents of a file.

    Raises
    ------
    ValueError, TypeError, LookupError or OverflowError
        If the file is damaged, or is that of another training.
    """
    if document.keys() != KEYS:
        raise ValueError("it has other entries than a checkpoint")
    if document["checksum"] != checksum(arrays, document):
        raise ValueError("its checksum is wrong, so it has changed")
    if document["digest"] != digest:
        raise ValueError("it is the checkpoint of another training")
    keys = "best", "curves", "history", "seed"
    state = {key: decode(document[key]) for key in keys}
    check_numbers(state)
    state["curves"] = Curves.from_plain(state["curves"])
    if len(state["curves"]) <= len(net.curves):
        raise ValueError("it has no epoch of this training")
    own = module_to_arrays(net.module_)
    expected = {name: array.shape for name, array in own.items()}
    for key, prefix in (("weights", NETWORK), ("best_weights", BEST)):
        state[key] = split_off(arrays, prefix)
        found = {name: array.shape for name, array in state[key].items()}
        if found != expected and (found or key == "weights"):
            raise ValueError("its tensors are not those of the network")
    state["optimizer"] = parse_optimizer(split_off(arrays, OPTIMIZER), net.optimizer_)
    return state


def check_numbers(state):
    """Raise ValueError unless the numbers of a state have the right types."""
    best, history, seed = state["best"], state["history"], state["seed"]
    kinds = ([float, int, int], [float, NoneType, int])
    is_valid = {
        "best": best is None
        or (type(best) is list and [type(item) for item in best] in kinds),
        "curves": are_curves(state["curves"]),
        "history": type(history) is list and all(type(e) is dict for e in history),
        "seed": type(seed) is int and seed >= 0,
    }
    for name, valid in is_valid.items():
        if not valid:
            raise ValueError(f"its {name} is not valid")


def parse_optimizer(arrays, optimizer):
    """Return the state of each parameter, by its number, from arrays of a file."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    states = {}
    for key, array in arrays.items():
        number, _, name = key.partition(".")
        states.setdefault(int(number), {})[name] = array
        shape = () if name == "step" else tuple(parameters[int(number)].shape)
        if array.shape != shape:
            raise ValueError("its optimizer does not fit the network")
    if states and states.keys() != set(range(len(parameters))):
        raise ValueError("its optimizer does not fit the network")
    if not all(set(state) in state_names(optimizer) for state in states.values()):
        raise ValueError("its optimizer is another one")
    return states


def restore_net(state, net):
    """Bring a net to the state of a checkpoint."""
    arrays_to_module(state["weights"], net.module_)
    # Its options are those that the training starts with: the schedule is replayed.
    groups = [{} for _ in net.optimizer_.param_groups]
    optimizer = {"state": state["optimizer"], "groups": groups}
    plain_to_optimizer(optimizer, net.optimizer_)
    net.curves = state["curves"]
    net.history[:] = state["history"]
    net.seed = state["seed"]


def restore_best(state, best, module):
    """Bring early stopping to the state of a checkpoint."""
    best.value, best.epoch, best.n_idle_epochs = state["best"]
    weights = state["best_weights"]
    if weights:
        best.weights = {
            name: as_tensor(weights[name], tensor.device)
            for name, tensor in module.state_dict().items()
        }
