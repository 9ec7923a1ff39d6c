"""Checkpoints: files from which a training goes on after a kill."""

import os
import warnings
from numbers import Integral
from pathlib import Path

from sknets._persistence.container import read_container, write_container
from sknets._persistence.values import shorten
from sknets._training.checkpoint_state import (
    checksum,
    describe_state,
    parse_state,
    restore_best,
    restore_net,
)
from sknets._training.early_stopping import EarlyStopping
from sknets._training.observers import Observer


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

    See Also
    --------
    sknets.load : Load an estimator that was saved after its training.

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
        self.has_warned = False
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
        return has_stopped or len(trainer.curves) >= trainer.last_epoch

    def _write(self):
        arrays, document = describe_state(self.net, self.best)
        document["digest"] = self.digest
        document["checksum"] = checksum(arrays, document)
        try:
            write_container(self.path, arrays, document)
        except OSError as error:
            if not self.has_warned:
                self.has_warned = True
                warnings.warn(
                    f"The checkpoint of epoch {len(self.net.curves)} could not be "
                    f"written: {error}. Training goes on. Later checkpoints will be "
                    "tried, and an older one is still whole.",
                    stacklevel=8,
                )

    def _read(self):
        try:
            contents = read_container(self.path, "Checkpoint")
            return parse_state(*contents, self.digest, self.net)
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, LookupError, OverflowError) as error:
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
