"""The training loop, and the only place that knows skorch."""

import math
from contextlib import contextmanager
from copy import deepcopy
from functools import partial

import numpy as np
import torch
from sklearn.base import clone
from skorch import NeuralNet
from skorch.callbacks import Callback, EarlyStopping, EpochTimer, PrintLog
from skorch.utils import noop

from sknets._batches import (
    count_batches,
    ordered_batches,
    prediction_blocks,
    training_batches,
)
from sknets._random import NOISE, SHUFFLING, spawn_generator

# A fused optimizer is one call a step for all parameters. TensorFlow starts Adagrad's
# accumulator at 0.1, torch at 0, where the first steps are as long as the learning rate
# whatever the gradient.
OPTIMIZERS = {
    "sgd": (torch.optim.SGD, {"fused": True}),
    "adagrad": (torch.optim.Adagrad, {"fused": True, "initial_accumulator_value": 0.1}),
    "adam": (torch.optim.Adam, {"fused": True}),
    "adamw": (torch.optim.AdamW, {"fused": True}),
}


def build_net(
    module, criterion, *, optimizer, weight_decay, callbacks, device, seed, verbose
):
    """Return a net ready to train, around a module that has its initial weights.

    `optimizer`, `weight_decay`, `callbacks` and `verbose` are the parameters of the
    estimators; `seed` decides shuffling, dropout and corruption.
    """
    optimizer, options = OPTIMIZERS.get(optimizer, (optimizer, {}))
    options = {f"optimizer__{name}": value for name, value in options.items()}
    if weight_decay:
        options["optimizer__weight_decay"] = weight_decay
        options["optimizer__param_groups"] = [("*bias", {"weight_decay": 0.0})]
    net = LeanNet(
        module,
        criterion,
        optimizer=optimizer,
        callbacks=clone(callbacks or [], safe=False),
        device=str(device),
        train_split=None,
        verbose=verbose,
        seed=seed,
        **options,
    )
    return net.initialize()


def early_stopping(patience, tol):
    """Return skorch's callback that stops by the validation loss and keeps the best."""
    return EarlyStopping(
        patience=patience,
        threshold=tol,
        threshold_mode="abs",
        sink=noop,
        load_best=True,
    )


class _TrainingStopped(Exception):  # noqa: N818
    """A callback wants training to end after this epoch."""


class LeanNet(NeuralNet):
    """A skorch net whose epochs cost little more than their arithmetic.

    The loss is summed on the device and read once an epoch. Histories and callbacks of
    single batches cost more than the arithmetic of a small net, so they run only for a
    callback that listens to batches.
    """

    def __init__(self, *args, seed, **kwargs):
        super().__init__(*args, **kwargs)
        self.seed = seed
        self.lr_schedule = "constant"

    @property
    def _default_callbacks(self):
        if not self.verbose:
            return []
        return [("epoch_timer", EpochTimer()), ("print_log", PrintLog())]

    def train(
        self,
        rows,
        *,
        epochs,
        learning_rate,
        lr_schedule,
        batch_size,
        validation=None,
        patience=None,
        tol=None,
    ):
        """Train for some epochs more.

        Parameters
        ----------
        rows : Rows
        epochs : int
        learning_rate : float
        lr_schedule : {"constant", "cosine"}
        batch_size : int
        validation : Rows or None
            Rows to stop by; the weights of the best epoch are kept then.
        patience : int or None
            Epochs without an improvement of the validation loss by `tol`.
        tol : float or None

        Raises
        ------
        ValueError
            If the loss or a weight is no longer finite.
        """
        self.lr = learning_rate
        self.lr_schedule = lr_schedule
        self.batch_size = batch_size
        self._set_learning_rate(learning_rate)
        stopper = None if validation is None else early_stopping(patience, tol)
        with self._training_mode(stopper):
            try:
                self.notify("on_train_begin", X=rows.X, y=rows.y)
                self._run_epochs(rows, validation, epochs)
            except _TrainingStopped:
                self._forget_unfinished_epoch()
            self.notify("on_train_end", X=rows.X, y=rows.y)
        largest = sum(p.detach().abs().max() for p in self.module_.parameters())
        self._check_finite(largest)

    def snapshot(self):
        """Return what training changes, as a copy."""
        return deepcopy(
            (self.module_.state_dict(), self.optimizer_.state_dict(), self.history_)
        )

    def restore(self, snapshot):
        """Go back to a snapshot, after training that failed."""
        module_state, optimizer_state, self.history_ = snapshot
        self.module_.load_state_dict(module_state)
        self.optimizer_.load_state_dict(optimizer_state)

    def _run_epochs(self, rows, validation, epochs):
        n_batches = count_batches(len(rows), self.batch_size)
        on_epoch = {"dataset_train": rows, "dataset_valid": validation}
        for epoch in range(epochs):
            self.notify("on_epoch_begin", **on_epoch)
            self._train_epoch(
                rows, first_step=epoch * n_batches, n_steps=epochs * n_batches
            )
            if validation is not None:
                self.module_.eval()
                self._record("valid_loss", self.mean_loss(validation))
                self.module_.train()
            self.notify("on_epoch_end", **on_epoch)

    @contextmanager
    def _training_mode(self, stopper):
        callbacks = self.callbacks_
        if stopper is not None:
            self.callbacks_ = [*callbacks, ("early_stopping", stopper)]
        hooks = ("on_batch_begin", "on_batch_end", "on_grad_computed")
        self._batches_heard = any(
            getattr(type(callback), hook) is not getattr(Callback, hook)
            for _, callback in callbacks
            for hook in hooks
        )
        self.module_.train()
        try:
            yield
        finally:
            self._set_generators(lambda: None)
            self.module_.eval()
            self.callbacks_ = callbacks

    def _forget_unfinished_epoch(self):
        if self.history and "train_loss" not in self.history[-1]:
            del self.history[-1]

    def notify(self, method_name, **kwargs):
        """Call a hook of the net and of all callbacks.

        A KeyboardInterrupt from a callback is how skorch's callbacks ask for an end of
        training; elsewhere it is the user's Ctrl-C.
        """
        getattr(self, method_name)(self, **kwargs)
        for _, callback in self.callbacks_:
            try:
                getattr(callback, method_name)(self, **kwargs)
            except KeyboardInterrupt as error:
                raise _TrainingStopped from error

    def _train_epoch(self, rows, *, first_step, n_steps):
        stream = {"epoch": len(self.history), "device": rows.device}
        self._set_generators(partial(spawn_generator, self.seed, NOISE, **stream))
        shuffler = partial(spawn_generator, self.seed, SHUFFLING, **stream)
        total = 0.0
        batches = training_batches(rows, self.batch_size, shuffler)
        for step, (X, target) in enumerate(batches, first_step):
            if self.lr_schedule == "cosine":
                self._set_learning_rate(
                    self.lr * (1 + math.cos(math.pi * step / n_steps)) / 2
                )
            total = total + self._train_batch(X, target).detach() * len(X)
        self._record("train_loss", total.item() / len(rows))

    def _train_batch(self, X, target):
        if self._batches_heard:
            self.notify("on_batch_begin", batch=(X, target), training=True)
        loss = self.optimizer_.step(partial(self._loss_and_gradient, X, target))
        if self._batches_heard:
            self.history.record_batch("train_loss", loss.item())
            self.notify("on_batch_end", batch=(X, target), training=True, loss=loss)
        return loss

    def _loss_and_gradient(self, X, target):
        self.optimizer_.zero_grad()
        loss = self.criterion_(self.module_(X), target)
        loss.backward()
        if self._batches_heard:
            self.notify(
                "on_grad_computed",
                named_parameters=list(self.get_all_learnable_params()),
                batch=(X, target),
                training=True,
            )
        return loss

    def _record(self, name, loss):
        self._check_finite(loss)
        self.history.record(name, loss)

    def _check_finite(self, value):
        if not math.isfinite(value):
            raise ValueError(
                f"Training became unstable in epoch {len(self.history)}: with "
                f"learning_rate={self.lr} the loss or a weight is no longer finite. "
                "Scale the features, for example with StandardScaler, or lower "
                "learning_rate."
            )

    def _set_learning_rate(self, rate):
        for group in self.optimizer_.param_groups:
            group["lr"] = rate

    def _set_generators(self, make_generator):
        layers = [m for m in self.module_.modules() if hasattr(m, "generator")]
        generator = make_generator() if layers else None
        for layer in layers:
            layer.generator = generator

    @torch.inference_mode()
    def infer_rows(self, function, X):
        """Apply a part of the module to all rows of X.

        Parameters
        ----------
        function : callable
            Maps a tensor (n_rows, n_in) to a tensor (n_rows, n_out).
        X : ndarray or CSR matrix of shape (n_samples, n_in)

        Returns
        -------
        outputs : ndarray of shape (n_samples, n_out)
        """
        outputs = []
        for start, block in prediction_blocks(X, self.device):
            outputs.append(function(block)[: X.shape[0] - start].cpu().numpy())
        return np.concatenate(outputs)

    @torch.inference_mode()
    def mean_loss(self, rows):
        """Return the loss of the module, mean over rows, as a float."""
        total = 0.0
        for X, target in ordered_batches(rows):
            total = total + self.criterion_(self.module_(X), target) * len(X)
        return (total / len(rows)).item()
