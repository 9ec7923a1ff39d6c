"""Checkpoints: files from which a training goes on after a kill."""

import hashlib
import os
import warnings
from numbers import Integral
from pathlib import Path

import numpy as np

from sknets._persistence.container import (
    read_container,
    split_off,
    write_container,
)
from sknets._persistence.strict_json import to_text
from sknets._persistence.values import decode, encode, shorten
from sknets._training.curves import Curves
from sknets._training.early_stopping import EarlyStopping
from sknets._training.observers import Observer
from sknets._training.plain_state import (
    arrays_to_module,
    as_tensor,
    module_to_arrays,
    plain_to_optimizer,
)

NETWORK, OPTIMIZER, BEST = "network.", "optimizer.", "best."
KEYS = {"best", "checksum", "curves", "digest", "history", "seed"}


class Checkpoint:
    """Save the state of a training, so that `fit` can go on after a kill.

    Put it into the parameter `callbacks`. During `fit`, it writes a file after each
    `every` epochs and after the last one. If the process dies, call `fit` again with
    the same parameters and data: it reads the file and runs the epochs that are
    missing. The result has the same bits as that of an uninterrupted training, on the
    same machine with the same number of threads.

    Parameters
    ----------
    folder : str or path-like
        Folder of the files. It is created if it is missing. Many estimators can share
        it, such as the clones of a search: the name of a file is a digest of the
        parameters, the data and the versions of the libraries.

    every : int, default=1
        Number of epochs from one checkpoint to the next.

    Raises
    ------
    TypeError
        If `folder` is no path.
    ValueError
        If `every` is no integer, or is less than 1.

    Notes
    -----
    What cannot be resumed exactly is refused before training: an `optimizer`, `scoring`
    or `random_state` that is an object, an `lr_schedule` that is none of torch's
    schedulers with plain arguments, callbacks with a state of their own, and callbacks
    of scikit-learn.

    If `random_state` is an integer, the file stays after the training. The same `fit`
    then takes its result from the file. Delete the folder when you need it no more. If
    `random_state` is None, the file holds the seed that was drawn, and it is removed at
    the end: the next `fit` draws another seed. Do not run two such fits with the same
    parameters and data at the same time, because they share a file.

    A file that is damaged is not used: training starts from the beginning, with a
    warning. If a file cannot be written, training goes on, with a warning. A process
    that is killed while it writes may leave a file behind whose name ends with ".tmp".
    `partial_fit` ignores checkpoints.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from sknets import Checkpoint, SoftmaxClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     checkpoint = Checkpoint(folder, every=10)
    ...     model = SoftmaxClassifier(callbacks=[checkpoint], random_state=0)
    ...     model = model.fit(X, y)
    >>> model.score(X, y) > 0.9
    True
    """

    def __init__(self, folder, every=1):
        try:
            self.folder = os.fspath(folder)
        except TypeError as error:
            raise TypeError(
                f"folder must be a str or a path; got {shorten(folder)}."
            ) from error
        is_integer = isinstance(every, Integral) and not isinstance(every, bool)
        if not (is_integer and every >= 1):
            raise ValueError(f"every must be an integer >= 1; got {shorten(every)}.")
        self.every = int(every)

    def __repr__(self):
        return f"Checkpoint({self.folder!r}, every={self.every})"

    def __eq__(self, other):
        return type(other) is Checkpoint and vars(self) == vars(other)

    def __hash__(self):
        return hash((self.folder, self.every))


# Users import it from sknets. So pickles do not depend on the name of this file.
Checkpoint.__module__ = "sknets"


def split_callbacks(callbacks):
    """Return the Checkpoint in a list of callbacks, or None, and the others."""
    checkpoints, others = [], []
    for callback in callbacks or []:
        is_pair = isinstance(callback, tuple) and len(callback) == 2
        plain = callback[1] if is_pair else callback
        if isinstance(plain, Checkpoint):
            checkpoints.append(plain)
        else:
            others.append(callback)
    if len(checkpoints) > 1:
        raise ValueError("callbacks must have at most one Checkpoint; got several.")
    return (checkpoints or [None])[0], others


def without_checkpoints(callbacks):
    """Return callbacks without a Checkpoint: None if nothing else is left."""
    checkpoint, others = split_callbacks(callbacks)
    return callbacks if checkpoint is None else others or None


class TrainingFile(Observer):
    """Read the checkpoint of a training if there is one, and write the next ones.

    If there is one, `__init__` brings the net to its state, and `begin` early stopping.
    This observer must be the last, so that it sees what the others did.

    Parameters
    ----------
    checkpoint : Checkpoint
    digest : str
        Digest of what decides the training.
    net : LeanNet
        Ready for the training.
    keeps : bool
        Whether to keep the file after the training.

    Attributes
    ----------
    state : dict or None
        What the checkpoint holds. None if there is none.
    """

    def __init__(self, checkpoint, digest, net, *, keeps):
        self.path = Path(checkpoint.folder, f"sknets-{digest[:40]}.safetensors")
        self.every = checkpoint.every
        self.digest = digest
        self.net = net
        self.keeps = keeps
        self.best = None
        make_folder(checkpoint.folder)
        self.state = self._read()
        if self.state is not None:
            restore_net(self.state, net)

    def begin(self, trainer):
        """Restore early stopping. Return True if training was over before."""
        for observer in trainer.observers:
            if isinstance(observer, EarlyStopping):
                self.best = observer.best
        if self.state is not None and self.best is not None:
            restore_best(self.state, self.best, self.net.module_)
        self.state = None  # it takes as much memory as the network
        return self._is_over(trainer)

    def end_epoch(self, trainer):
        """Write the file, if it is time."""
        is_time = trainer.epoch % self.every == 0 or self._is_over(trainer)
        if trainer.record and is_time:
            self._write()

    def end(self, trainer):
        """Remove the file, if it is needed no more."""
        if self._is_over(trainer) and not self.keeps:
            self.path.unlink(missing_ok=True)

    def _is_over(self, trainer):
        has_stopped = self.best is not None and self.best.is_out_of_patience
        return has_stopped or len(trainer.curves) == trainer.last_epoch

    def _write(self):
        arrays, document = describe_state(self.net, self.best)
        document["digest"] = self.digest
        document["checksum"] = checksum(arrays, document)
        try:
            write_container(self.path, arrays, document)
        except OSError as error:
            warnings.warn(
                f"The checkpoint of epoch {len(self.net.curves)} could not be written: "
                f"{error}. Training goes on. An older checkpoint is still whole.",
                stacklevel=8,
            )

    def _read(self):
        try:
            return parse_state(*read_container(self.path, "Checkpoint"), self)
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            warnings.warn(
                f"The checkpoint {str(self.path)!r} cannot be used, so training starts "
                f"from the beginning: {error}",
                stacklevel=7,
            )
            return None


def make_folder(folder):
    """Create a folder. Raise an OSError unless files can be written into it."""
    os.makedirs(folder, exist_ok=True)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(f"Checkpoint cannot write to the folder {folder!r}.")


def checksum(arrays, document):
    """Return the SHA-256 of the contents of a file, without its checksum."""
    contents = {key: value for key, value in document.items() if key != "checksum"}
    total = hashlib.sha256(to_text(contents).encode())
    for name, array in sorted(arrays.items()):
        total.update(to_text([name, array.dtype.str, array.shape]).encode())
        total.update(np.ascontiguousarray(array).data)
    return total.hexdigest()


# -- the state of a training -----------------------------------------------------------


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


def parse_state(arrays, document, file):
    """Return the state in the contents of a file. Raise ValueError if it is damaged."""
    if document.keys() != KEYS:
        raise ValueError("it has other entries than a checkpoint")
    if document["checksum"] != checksum(arrays, document):
        raise ValueError("its checksum is wrong, so it has changed")
    if document["digest"] != file.digest:
        raise ValueError("it is the checkpoint of another training")
    state = {
        key: decode(document[key]) for key in ("best", "curves", "history", "seed")
    }
    state["curves"] = Curves.from_plain(state["curves"])
    if len(state["curves"]) <= len(file.net.curves):
        raise ValueError("it has no epoch of this training")
    own = module_to_arrays(file.net.module_)
    weights = split_off(arrays, NETWORK)
    if {n: a.shape for n, a in own.items()} != {n: a.shape for n, a in weights.items()}:
        raise ValueError("its tensors are not those of the network")
    optimizer = {}
    for key, array in split_off(arrays, OPTIMIZER).items():
        number, _, name = key.partition(".")
        optimizer.setdefault(int(number), {})[name] = array
    state |= {"weights": weights, "optimizer": optimizer}
    state["best_weights"] = split_off(arrays, BEST)
    return state


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
