"""Resume a training from a checkpoint, if that gives the same bits."""

import hashlib
from functools import partial

import numpy as np
import torch
from scipy import sparse
from torch.optim import lr_scheduler

from sknets._estimators.parameters import EFFECTIVE_PARAMETERS
from sknets._estimators.state import VERSIONS
from sknets._persistence.strict_json import to_text
from sknets._persistence.values import encode, shorten
from sknets._training.checkpoints import TrainingFile, split_callbacks
from sknets._training.skorch_callbacks import describe_stateless

# Parameters that do not decide the weights, or whose effect is known otherwise: the
# seed and the initial weights are part of the digest.
OTHER_PARAMETERS = {
    "callbacks",
    "device",
    "pretrained",
    "random_state",
    "verbose",
    "warm_start",
}
BLOCK_BYTES = 2**24


def begin_or_resume(estimator, data, prepare, *, single_pass):
    """Bring `net_` to where training begins, or to the checkpoint of this training.

    Parameters
    ----------
    estimator, data : see `find_checkpoint`
    prepare : callable or None
        What to do before training. A checkpoint has its result.
    single_pass : bool
        Whether this is `partial_fit`, which has no checkpoints.

    Returns
    -------
    observers : list of Observer
        An observer that writes the checkpoints, if there are to be any.
    """
    file = None if single_pass else find_checkpoint(estimator, data)
    if prepare is not None and (file is None or file.state is None):
        prepare()
    estimator.net_.is_new = False
    return [] if file is None else [file]


def find_checkpoint(estimator, data):
    """Return an observer that writes checkpoints, or None if there are to be none.

    If there is a checkpoint of this training, `net_` is as it was then.

    Parameters
    ----------
    estimator : NetworkEstimator
        Its `net_` is ready for training.
    data : list of ndarray, tensor, CSR matrix or None
        Validated data of the training and of the validation.

    Raises
    ------
    ValueError
        If something about the training cannot be resumed exactly.
    OSError
        If the folder cannot be used.
    """
    checkpoint, _ = split_callbacks(estimator.callbacks)
    if checkpoint is None:
        return None
    net = estimator.net_
    draws_seed = net.is_new and estimator.random_state is None
    described = describe_training(estimator, draws_seed=draws_seed)
    digest = hashlib.sha256(to_text(described).encode())
    if not draws_seed:
        plain = net.to_plain(with_optimizer=True)
        # Parameters decide the other options of the optimizer.
        for value in (plain["weights"], plain["optimizer"]["state"], plain["curves"]):
            update_plain(digest, value)
        update_plain(digest, plain["seed"])
    for array in data:
        update_data(digest, array)
    return TrainingFile(checkpoint, digest.hexdigest(), net, keeps=not draws_seed)


def describe_training(estimator, *, draws_seed):
    """Return all that decides a training but the data, as JSON's types.

    Raises
    ------
    ValueError
        If something cannot be resumed exactly.
    """
    net = estimator.net_
    parameters = dict(estimator._parameters_of_net)
    current = estimator.get_params(deep=False)
    parameters |= {n: v for n, v in current.items() if n in EFFECTIVE_PARAMETERS}
    if isinstance(parameters["random_state"], np.random.RandomState) and net.is_new:
        refuse("random_state", parameters["random_state"], "an integer or None")
    if draws_seed and parameters.get("pretrained") is not None:
        refuse("random_state", None, "an integer, because pretrained is set")
    if not isinstance(parameters["optimizer"], str):
        refuse("optimizer", parameters["optimizer"], "the name of an optimizer")
    if getattr(estimator, "_skl_callbacks", None):
        raise ValueError(
            "Checkpoint in callbacks cannot resume the callbacks of set_callbacks, "
            "whose state it does not know. Remove one or the other."
        )
    described = {
        name: describe_parameter(name, value)
        for name, value in parameters.items()
        if name not in OTHER_PARAMETERS
    }
    classes = getattr(estimator, "classes_", None)
    return {
        "class": f"{type(estimator).__module__}.{type(estimator).__qualname__}",
        "parameters": described,
        "targets": encode(estimator._targets.to_plain()),
        "classes": None
        if classes is None
        else [classes.dtype.str, repr(list(classes))],
        "draws_seed": draws_seed,
        "device": net.device,
        "callbacks": encode(describe_stateless(net.callbacks_)),
        "versions": {**VERSIONS, "torch": torch.__version__, "numpy": np.__version__},
    }


def describe_parameter(name, value):
    if name == "lr_schedule" and callable(value):
        return describe_scheduler(value)
    try:
        return encode(value)
    except TypeError:
        refuse(name, value, "a name, numbers, or lists and dicts of them")


def describe_scheduler(value):
    """Return one of torch's schedulers and its arguments, as JSON's types."""
    is_partial = isinstance(value, partial)
    kind = value.func if is_partial else value
    arguments = [value.args, value.keywords] if is_partial else []
    known = vars(lr_scheduler).get(getattr(kind, "__name__", None))
    try:
        if kind is known:
            return [kind.__name__, encode(arguments)]
    except TypeError:  # an argument is a function
        pass
    expected = "a class of torch.optim.lr_scheduler, or a functools.partial of one with"
    refuse("lr_schedule", value, f"{expected} numbers")


def refuse(name, value, expected):
    raise ValueError(
        f"Checkpoint in callbacks cannot resume {name}={shorten(value)} exactly; "
        f"expected {expected}."
    )


# -- the digest ------------------------------------------------------------------------


def update_plain(digest, value):
    """Add plain values to a digest: dicts, lists, numbers and arrays."""
    if isinstance(value, np.ndarray):
        update_data(digest, value)
    elif isinstance(value, dict):
        digest.update(to_text(["dict", len(value)]).encode())
        for key, item in sorted(value.items()):
            digest.update(to_text(key).encode())
            update_plain(digest, item)
    elif isinstance(value, list):
        digest.update(to_text(["list", len(value)]).encode())
        for item in value:
            update_plain(digest, item)
    else:
        digest.update(to_text(encode(value)).encode())


def update_data(digest, data):
    """Add an array to a digest, in blocks, so that little memory is taken.

    Parameters
    ----------
    digest : hashlib object
    data : ndarray, tensor, CSR matrix or None
    """
    if data is None:
        digest.update(b"none")
        return
    dtype = str(data.dtype).removeprefix("torch.")
    digest.update(to_text([dtype, list(data.shape)]).encode())
    if sparse.issparse(data):
        for part in (data.data, data.indices, data.indptr):
            update_data(digest, part)
        return
    if not data.shape:
        digest.update(np.asarray(data).tobytes())
        return
    row_bytes = max(int(np.prod(data.shape[1:])) * data.dtype.itemsize, 1)
    step = max(BLOCK_BYTES // row_bytes, 1)
    for start in range(0, data.shape[0], step):
        block = data[start : start + step]
        if torch.is_tensor(block):
            block = block.cpu().numpy()
        digest.update(np.ascontiguousarray(block).data)
