"""The training loop, and the only place that knows skorch."""

import math
import warnings
from contextlib import contextmanager, suppress
from copy import deepcopy
from functools import partial

import torch
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from skorch import NeuralNet
from skorch.callbacks import Callback, EpochTimer, PrintLog

from sknets._batches import count_batches, training_batches
from sknets._evaluation import Evaluation
from sknets._optimizers import OPTIMIZERS
from sknets._random import NOISE, SHUFFLING, spawn_generator
from sknets._threads import share_of_the_cores


def build_net(
    module,
    criterion,
    *,
    optimizer,
    weight_decay,
    callbacks,
    device,
    dtype,
    seed,
    verbose,
):
    """Return a net ready to train, around a module that has its initial weights.

    `optimizer`, `weight_decay`, `callbacks`, `dtype` and `verbose` are the parameters
    of the estimators; `seed` decides shuffling, dropout and corruption.
    """
    options = {}
    if optimizer in OPTIMIZERS:
        # There is no fused Adagrad on MPS.
        options["optimizer__fused"] = device.type != "mps"
        options["optimizer__weight_decay"] = weight_decay
        optimizer, own_options = OPTIMIZERS[optimizer]
        options |= {f"optimizer__{name}": value for name, value in own_options.items()}
    if weight_decay:
        options["optimizer__weight_decay"] = weight_decay
        options["optimizer__param_groups"] = [("*bias", {"weight_decay": 0.0})]
    net = LeanNet(
        module.to(getattr(torch, dtype)),
        criterion,
        optimizer=optimizer,
        callbacks=clone(callbacks or [], safe=False),
        device=str(device),
        train_split=None,
        verbose=verbose,
        dtype=dtype,
        seed=seed,
        **options,
    ).initialize()
    # A second reference to the trained module would double a pickle.
    net.module = type(module)
    return net


class _TrainingStopped(Exception):  # noqa: N818
    """A callback wants training to end after this epoch."""


class LeanNet(Evaluation, NeuralNet):
    """A skorch net whose epochs cost little more than their arithmetic.

    The loss is summed on the device and read once an epoch. Histories and callbacks of
    single batches cost more than the arithmetic of a small net, so they run only for a
    callback that listens to batches.
    """

    def __init__(self, *args, dtype, seed, **kwargs):
        super().__init__(*args, **kwargs)
        self.dtype = dtype
        self.seed = seed

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
        score=None,
        best_epoch=None,
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
            Rows whose loss is recorded after each epoch.
        score : callable or None
            Returns a score to record after each epoch.
        best_epoch : BestEpoch or None
            Says when to stop by the score, or else by the validation loss, and keeps
            the weights to end with.

        Raises
        ------
        ValueError
            If the loss, a weight or the optimizer's state is no longer finite.
        KeyboardInterrupt
            Before the first update. Later, it ends training with a warning.
        """
        self.lr = learning_rate
        self.batch_size = batch_size
        self._set_learning_rate(learning_rate)
        n_batches = count_batches(len(rows), batch_size)
        n_steps = epochs * n_batches if lr_schedule == "cosine" else None
        on_epoch = {"dataset_train": rows, "dataset_valid": validation}
        with share_of_the_cores(), self._training_mode():
            with suppress(_TrainingStopped):
                self.notify("on_train_begin", X=rows.X, y=rows.y)
                loss_and_gradient = self.module_.gradient_function(self.criterion_)
                self._gradient_function = loss_and_gradient
                for epoch in range(epochs):
                    self.notify("on_epoch_begin", **on_epoch)
                    with self._keep_what_is_done():
                        self._train_epoch(rows, epoch * n_batches, n_steps)
                        stop = self._validate_epoch(validation, score, best_epoch)
                    self.notify("on_epoch_end", **on_epoch)
                    if stop:
                        break
            self._forget_unfinished_epoch()
            if best_epoch is not None:
                best_epoch.restore(self.module_)
            with suppress(_TrainingStopped):
                self.notify("on_train_end", X=rows.X, y=rows.y)
        self._check_finite(sum(t.detach().abs().max() for t in self._trained_tensors()))

    @contextmanager
    def _keep_what_is_done(self):
        try:
            yield
        except KeyboardInterrupt as error:
            if not self._updated:
                raise
            warnings.warn(
                f"Training was interrupted in epoch {len(self.history)}. The weights "
                "are those of the last update, or of the best epoch if early stopping "
                "has one.",
                ConvergenceWarning,
                stacklevel=2,
            )
            raise _TrainingStopped from error

    def snapshot(self):
        """Return what training changes, as a copy."""
        states = self.module_.state_dict(), self.optimizer_.state_dict()
        return deepcopy(states), len(self.history)

    def restore(self, snapshot):
        """Go back to a snapshot, after training that failed."""
        (module_state, optimizer_state), n_epochs = snapshot
        self.module_.load_state_dict(module_state)
        self.optimizer_.load_state_dict(optimizer_state)
        del self.history[n_epochs:]

    @contextmanager
    def _training_mode(self):
        hooks = ("on_batch_begin", "on_batch_end", "on_grad_computed")
        self._batches_heard = any(
            getattr(type(callback), hook) is not getattr(Callback, hook)
            for _, callback in self.callbacks_
            for hook in hooks
        )
        self._updated = False
        self.module_.train()
        try:
            yield
        finally:
            del self._updated
            vars(self).pop("_gradient_function", None)
            self._set_generators(lambda: None)
            self.module_.zero_grad()
            self.module_.eval()

    def _forget_unfinished_epoch(self):
        if self.history and "train_loss" not in self.history[-1]:
            del self.history[-1]

    def notify(self, method_name, **kwargs):
        """Call a hook of the net and of all callbacks.

        A KeyboardInterrupt from a callback is how skorch's callbacks ask for an end of
        training, and a Ctrl-C during a callback looks the same; elsewhere it is raised.
        """
        getattr(self, method_name)(self, **kwargs)
        for _, callback in self.callbacks_:
            try:
                getattr(callback, method_name)(self, **kwargs)
            except KeyboardInterrupt as error:
                raise _TrainingStopped from error

    def _train_epoch(self, rows, first_step, n_steps):
        stream = {"epoch": len(self.history), "device": rows.device}
        self._set_generators(partial(spawn_generator, self.seed, NOISE, **stream))
        shuffler = partial(spawn_generator, self.seed, SHUFFLING, **stream)
        total = torch.zeros((), dtype=rows.dtype, device=rows.device)
        batches = training_batches(rows, self.batch_size, shuffler)
        for step, (X, target) in enumerate(batches, first_step):
            if n_steps is not None:
                cosine = math.cos(math.pi * step / n_steps)
                self._set_learning_rate(self.lr * (1 + cosine) / 2)
            total.add_(self._train_batch(X, target), alpha=len(X))
        self._record("train_loss", total.item() / len(rows))

    def _validate_epoch(self, rows, score, best_epoch):
        if rows is None:
            return False
        value = self.mean_loss(rows)
        self._record("valid_loss", value)
        if score is not None:
            value = -score()
            self.history.record("valid_score", -value)
        if best_epoch is None:
            return False
        return best_epoch.update(value, len(self.history), self.module_)

    def _train_batch(self, X, target):
        if self._batches_heard:
            self.notify("on_batch_begin", batch=(X, target), training=True)
        loss = self.optimizer_.step(partial(self._loss_and_gradient, X, target))
        self._updated = True
        if self._batches_heard:
            self.history.record_batch("train_loss", loss.item())
            self.notify("on_batch_end", batch=(X, target), training=True, loss=loss)
        return loss

    def _loss_and_gradient(self, X, target):
        loss = self._gradient_function(X, target)
        if self._batches_heard:
            self.notify(
                "on_grad_computed",
                named_parameters=list(self.get_all_learnable_params()),
                batch=(X, target),
                training=True,
            )
        return loss

    def _trained_tensors(self):
        # With an overflown accumulator, Adagrad's and Adam's updates are silently zero.
        yield from self.module_.parameters()
        for state in self.optimizer_.state.values():
            yield from filter(torch.is_tensor, state.values())

    def _record(self, name, loss):
        self._check_finite(loss)
        self.history.record(name, loss)

    def _check_finite(self, value):
        if not math.isfinite(value):
            raise ValueError(
                f"Training became unstable in epoch {len(self.history)}: with "
                f"learning_rate={self.lr} the loss, a weight or a squared gradient is "
                "no longer finite. Scale the features, for example with "
                "StandardScaler, or lower learning_rate."
            )

    def _set_learning_rate(self, rate):
        for group in self.optimizer_.param_groups:
            group["lr"] = rate

    def _set_generators(self, make_generator):
        layers = [m for m in self.module_.modules() if hasattr(m, "generator")]
        generator = make_generator() if layers else None
        for layer in layers:
            layer.generator = generator
