"""An observer of training that calls skorch's callbacks."""

import sys
from copy import copy

import torch
from skorch.callbacks import (
    Callback,
    EpochTimer,
    GradientNormClipping,
    LRScheduler,
    PrintLog,
    ProgressBar,
)
from skorch.dataset import Dataset

from sknets._training.checkpoints import split_callbacks
from sknets._training.observers import Observer, TrainingStopped
from sknets._training.progress import is_terminal

# Callbacks that keep nothing from one epoch to the next that matters for training.
STATELESS = (EpochTimer, GradientNormClipping, PrintLog, ProgressBar)

BATCH_HOOKS = ("on_batch_begin", "on_batch_end", "on_grad_computed")


class SkorchCallbacks(Observer):
    """Write skorch's history and call the callbacks of a net, as skorch does.

    Callbacks get a batch as ``(X, y)``, without the weights.

    Parameters
    ----------
    net : skorch.NeuralNet
    rows : Rows
        Training data.
    validation_rows : Rows or None
    """

    def __init__(self, net, rows, validation_rows):
        if validation_rows is None:
            check_no_validation_needed(net.callbacks_)
        self.net = net
        self.rows = rows
        self.datasets = {
            "dataset_train": CallbackDataset(rows),
            "dataset_valid": validation_rows and CallbackDataset(validation_rows),
        }
        self.observes_batches = any(
            getattr(type(callback), hook) is not getattr(Callback, hook)
            for _, callback in net.callbacks_
            for hook in BATCH_HOOKS
        )

    def begin(self, trainer):
        """Call the callbacks at the beginning of training."""
        self.net.max_epochs = trainer.last_epoch - trainer.epoch
        self._notify("on_train_begin", X=self.rows.X, y=self.rows.y)

    def begin_epoch(self, trainer):
        """Begin an entry of the history, and call the callbacks."""
        self._notify("on_epoch_begin", **self.datasets)

    def begin_batch(self, trainer, batch):
        """Call the callbacks before a batch."""
        self._notify("on_batch_begin", batch=batch[:2], training=True)

    def gradients_ready(self, trainer, batch):
        """Call the callbacks that can see or change the gradients."""
        self._notify(
            "on_grad_computed",
            named_parameters=list(self.net.get_all_learnable_params()),
            batch=batch[:2],
            training=True,
        )

    def end_batch(self, trainer, batch, loss, outputs):
        """Record the loss of a batch, and call the callbacks."""
        self.net.history.record_batch("train_loss", loss.item())
        self.net.history.record_batch("train_batch_size", len(batch[0]))
        self._notify(
            "on_batch_end", batch=batch[:2], training=True, loss=loss, y_pred=outputs
        )

    def end_epoch(self, trainer):
        """Complete the entry of the history. Remove it if the epoch is unfinished."""
        if not trainer.record:
            self._drop_unfinished_entry()
            return
        # The time of skorch's own indexing grows with the number of epochs.
        entry = list.__getitem__(self.net.history, -1)
        for name in ("train_loss", "valid_loss"):
            if name in trainer.record:
                lowest = trainer.curves.lowest[name]
                entry[f"{name}_best"] = trainer.record[name] < lowest
        entry.update(trainer.record)
        if not self.observes_batches:
            entry["batches"].append({})  # skorch's Checkpoint reads the last batch
        self._notify("on_epoch_end", **self.datasets)

    def end(self, trainer):
        """Call the callbacks at the end of training."""
        self._drop_unfinished_entry()
        self._notify("on_train_end", X=self.rows.X, y=self.rows.y)

    def _drop_unfinished_entry(self):
        history = self.net.history
        if history and "train_loss" not in list.__getitem__(history, -1):
            del history[-1]

    def _notify(self, method_name, **arguments):
        """Call a method of the net and of all callbacks.

        skorch's callbacks raise KeyboardInterrupt to stop training. Ctrl-C during a
        callback looks the same, and also stops training.
        """
        getattr(self.net, method_name)(self.net, **arguments)
        for _, callback in self.net.callbacks_:
            try:
                getattr(callback, method_name)(self.net, **arguments)
            except KeyboardInterrupt as error:
                raise TrainingStopped from error


class EpochLog(PrintLog):
    """Print lines of the history: in a terminal of all epochs, else of about 20.

    The epochs between them are at equal distances. The last one is always among them.
    Only terminals get colours. Programs without a console get no lines.
    """

    most_lines = 20

    def on_train_begin(self, net, **kwargs):
        """Choose which epochs to print."""
        self.in_terminal_ = is_terminal(sys.stdout)
        step = 1 if self.in_terminal_ else -(-net.max_epochs // self.most_lines)
        self.step_ = max(step, 1)
        self.n_epochs_ = 0
        self.last_ = last_epoch(net)

    def on_epoch_end(self, net, **kwargs):
        """Print the line of an epoch if it is its turn."""
        self.n_epochs_ += 1
        if self.n_epochs_ % self.step_ == 0 or self.n_epochs_ == 1:
            self._print(net, **kwargs)

    def on_train_end(self, net, **kwargs):
        """Print the last epoch. A callback may have stopped training in it."""
        if last_epoch(net) != self.last_:
            self._print(net, **kwargs)

    def _print(self, net, **kwargs):
        self.last_ = last_epoch(net)
        if sys.stdout is not None:  # as in Python without a console on Windows
            super().on_epoch_end(net, **kwargs)

    def format_row(self, row, key, color):
        """Format a value, and colour the best ones in a terminal."""
        row = row if self.in_terminal_ else {key: row[key]}
        return super().format_row(row, key, color)


def last_epoch(net):
    """Return the number of the last epoch of a net's history, or None."""
    return list.__getitem__(net.history, -1)["epoch"] if net.history else None


class CallbackDataset(Dataset):
    """Rows as the dataset that callbacks expect, with attributes `X` and `y`.

    `X` is a tensor or CSR matrix, and `y` a tensor of the codes of the classes.

    Parameters
    ----------
    rows : Rows
    """

    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        X, y, _ = self.rows.take(torch.tensor([i], device=self.rows.device))
        return X[0], y[0]

    @property
    def X(self):  # noqa: N802
        """The features."""
        return self.rows.inputs()

    @property
    def y(self):
        """The targets; None for an autoencoder."""
        return self.rows.targets()


def check_callbacks(callbacks, lr_schedule):
    """Raise if a callback is none of skorch's, or conflicts with `lr_schedule`."""
    _, callbacks = split_callbacks(callbacks)
    for callback in callbacks:
        if isinstance(callback, tuple) and len(callback) == 2:
            _, callback = callback
        kind = callback if isinstance(callback, type) else type(callback)
        if not issubclass(kind, Callback):
            raise TypeError(
                "callbacks must contain skorch callbacks, or pairs of a name and a "
                f"skorch callback; got {callback!r}. For callbacks of scikit-learn, "
                "call set_callbacks."
            )
        if issubclass(kind, LRScheduler) and lr_schedule != "constant":
            raise ValueError(
                "LRScheduler in callbacks requires lr_schedule='constant'; got "
                f"lr_schedule={lr_schedule!r}."
            )


def describe_stateless(callbacks):
    """Return what callbacks without a state do to training, as plain values.

    Parameters
    ----------
    callbacks : list of pairs
        A net's `callbacks_`.

    Raises
    ------
    ValueError
        If a callback may have a state.
    """
    for _, callback in callbacks:
        if type(callback) not in (*STATELESS, EpochLog):
            raise ValueError(
                f"Checkpoint in callbacks cannot resume {type(callback).__name__}, "
                "whose state it does not know. Beside Checkpoint there may be "
                f"{', '.join(kind.__name__ for kind in STATELESS)}."
            )
    return [vars(c) for _, c in callbacks if type(c) is GradientNormClipping]


def without_scheduler(callback):
    """Return a callback, or a copy without torch's scheduler if it has one.

    The scheduler refers to the optimizer, and so to all weights. Training that
    continues creates another one.
    """
    if isinstance(callback, LRScheduler):
        callback = copy(callback)
        vars(callback).pop("lr_scheduler_", None)
    return callback


def check_no_validation_needed(callbacks):
    """Raise if a callback monitors validation data, although there are none."""
    for _, callback in callbacks:
        monitor = getattr(callback, "monitor", None)
        if isinstance(monitor, str) and monitor.startswith("valid_"):
            raise ValueError(
                f"{type(callback).__name__} in callbacks monitors {monitor!r}, but "
                "there are no validation data. Pass X_val to fit, or set "
                "early_stopping=True; partial_fit never validates."
            )
