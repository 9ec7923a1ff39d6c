"""The training loop."""

import math
import warnings
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
from functools import partial

import torch
from sklearn.exceptions import ConvergenceWarning
from torch.nn.utils import clip_grad_norm_

from sknets._compute.seeds import NOISE, SHUFFLING, spawn_generator
from sknets._compute.threads import STEP_WORK_PER_THREAD, threads_for
from sknets._training.evaluation import drop_cached_copies
from sknets._training.observers import TrainingStopped
from sknets._training.optimizers import match_layouts
from sknets._training.rows import count_batches, training_batches
from sknets._training.schedules import replay, start_schedule
from sknets._training.sparse_batches import multiply_adds, sparse_training


class Trainer:
    """Train a network, in one call of `fit`.

    The owner of the network keeps the state for further training: the optimizer, the
    curves and the seed. The loss is summed on the device and read once per epoch.

    Parameters
    ----------
    network : Network
    criterion : Loss
    optimizer : torch.optim.Optimizer
    curves : Curves
        Curves of all epochs so far. Each epoch appends its values.
    seed : int
        Decides shuffling, dropout and corruption, together with the number of the
        epoch.
    learning_rate : float
    lr_schedule : {"constant", "cosine", "trapezoid"} or callable
    batch_size : int
    max_grad_norm : float or None
        Maximal norm of the gradient over all parameters. A longer gradient is scaled
        down to this norm.
    observers : sequence of Observer

    Attributes
    ----------
    epoch : int
        Number of the current epoch. It is counted from 1 and includes the epochs of
        earlier calls, if this call continues them.
    n_batches : int
        Number of batches of an epoch.
    last_epoch : int
        Number of the last epoch, if no observer stops training earlier.
    record : dict
        Values of the current epoch: `train_loss`, the learning rate `lr` of the first
        update, and what observers measure. Empty until the epoch has ended.
    """

    def __init__(
        self,
        network,
        criterion,
        optimizer,
        curves,
        *,
        seed,
        learning_rate,
        lr_schedule,
        batch_size,
        max_grad_norm=None,
        observers=(),
    ):
        self.network = network
        self.criterion = criterion
        self.optimizer = optimizer
        self.curves = curves
        self.seed = seed
        self.learning_rate = learning_rate
        self.lr_schedule = lr_schedule
        self.batch_size = batch_size
        self.max_grad_norm = max_grad_norm
        self.observers = observers
        self.batch_observers = [o for o in observers if o.observes_batches]
        self.record = {}
        self.epoch = len(curves)
        self.updated = False

    def train(self, rows, n_epochs, n_done=0):
        """Train for `n_epochs` more epochs.

        Parameters
        ----------
        rows : Rows
        n_epochs : int
            Maximal number of epochs. Observers may stop training earlier.
        n_done : int
            How many of these epochs were run before, in a training that was killed. The
            network, the optimizer's state and the curves are as they were after them.

        Raises
        ------
        ValueError
            If the loss, a weight or the optimizer's state is no longer finite.
        KeyboardInterrupt
            If Ctrl-C comes before the first update. Later, Ctrl-C ends training with a
            warning.
        """
        self.n_batches = count_batches(len(rows), self.batch_size)
        self.last_epoch = len(self.curves) - n_done + n_epochs
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate
        schedule = start_schedule(
            self.lr_schedule,
            self.optimizer,
            n_updates=n_epochs * self.n_batches,
            n_epochs=n_epochs,
        )
        drop_cached_copies(self.network)
        with (
            self._sparse_training(rows) as self._make_batch,
            threads_for(self._step_work(rows), STEP_WORK_PER_THREAD),
            self._training_mode(),
            closing(schedule),
            self._closing_observers(),
        ):
            replay(schedule, self.curves.last_losses(n_done), self.n_batches)
            with suppress(TrainingStopped), self._end_on_interrupt():
                self._run(rows, n_epochs - n_done, schedule)
            with suppress(TrainingStopped), self._end_on_interrupt():
                self._notify("end")
        self._require_finite_tensors()

    def _sparse_training(self, rows):
        if self.batch_observers:  # they expect dense batches and gradients
            return nullcontext()
        return sparse_training(self.network, self.optimizer, rows)

    def _step_work(self, rows):
        """Return the multiply-adds of the largest layer in a training step."""
        is_sparse = self._make_batch is not None
        per_row = multiply_adds(self.network, rows.X, is_sparse)
        return per_row * min(self.batch_size, len(rows))

    def _run(self, rows, n_epochs, schedule):
        if self._notify("begin"):
            return
        match_layouts(self.optimizer)
        self._gradient_function = self.network.gradient_function(self.criterion)
        for _ in range(n_epochs):
            if self._run_epoch(rows, schedule):
                return
            record = self.record
            schedule.after_epoch(record.get("valid_loss", record["train_loss"]))

    def _run_epoch(self, rows, schedule):
        """Train and validate for an epoch. Return True to stop training."""
        self.record = {}
        self.epoch = len(self.curves) + 1
        stop = self._notify("begin_epoch")
        if not stop:
            try:
                record = self._train_epoch(rows, schedule)
            except TrainingStopped:
                stop = True
            else:
                for observer in self.observers:
                    record |= observer.measure(self)
                self.curves.append(record)
                self.record = record
        return self._notify("end_epoch") or stop

    def _train_epoch(self, rows, schedule):
        """Train for an epoch. Return its record."""
        stream = {"epoch": self.epoch, "device": rows.device}
        self.network.set_generator(partial(spawn_generator, self.seed, NOISE, **stream))
        shuffler = partial(spawn_generator, self.seed, SHUFFLING, **stream)
        total = torch.zeros((), dtype=rows.dtype, device=rows.device)
        totals = getattr(self._gradient_function, "totals", {})
        for part in totals.values():
            part.zero_()
        self._norms = total.clone()
        rate = None
        make_batch = self._make_batch
        try:
            for batch in training_batches(rows, self.batch_size, shuffler, make_batch):
                schedule.before_update()
                if rate is None:
                    rate = self.optimizer.param_groups[0]["lr"]
                total.add_(self._train_batch(batch), alpha=len(batch[0]))
        finally:
            if make_batch is not None:
                make_batch.table.settle()
        loss = total.item() / len(rows)
        self.require_finite(loss)
        if self.max_grad_norm is not None:
            self.require_finite(self._norms.item())
        means = {f"train_{name}": t.item() / len(rows) for name, t in totals.items()}
        return {"train_loss": loss, "lr": rate} | means

    def _train_batch(self, batch):
        if not self.batch_observers:
            loss = self.optimizer.step(partial(self._loss_and_gradient, batch))
            self.updated = True
            return loss
        for observer in self.batch_observers:
            observer.begin_batch(self, batch)
        loss = self.optimizer.step(partial(self._loss_and_gradient, batch))
        self.updated = True
        for observer in self.batch_observers:
            observer.end_batch(self, batch, loss, self._outputs)
        return loss

    def _loss_and_gradient(self, batch):
        loss, outputs = self._gradient_function(*batch)
        if self.batch_observers:
            self._outputs = outputs
            for observer in self.batch_observers:
                observer.gradients_ready(self, batch)
        if self.max_grad_norm is not None:
            # Clipping with an infinite norm makes gradients zero without an error. The
            # sum of the norms shows it at the end of the epoch.
            norm = clip_grad_norm_(self._with_gradients(), self.max_grad_norm)
            self._norms.add_(norm)
        return loss

    def _with_gradients(self):
        """Return what has gradients in its attribute `grad`."""
        if self._make_batch is None:
            return self.network.parameters()
        return [*self.network.parameters(), self._make_batch.table]

    def _notify(self, event):
        """Call `event` of each observer. Return True if one stops training."""
        stop = False
        for observer in self.observers:
            try:
                stop = bool(getattr(observer, event)(self)) or stop
            except TrainingStopped:
                stop = True
        return stop

    @contextmanager
    def _end_on_interrupt(self):
        """On Ctrl-C, warn and stop training. Before the first update, let it pass."""
        try:
            yield
        except KeyboardInterrupt as error:
            if not self.updated:
                raise
            warnings.warn(
                f"Training was interrupted in epoch {self.epoch}. The estimator keeps "
                "the weights of the last update, or those of the best epoch if "
                "early_stopping=True and an epoch was finished.",
                ConvergenceWarning,
                stacklevel=2,
            )
            raise TrainingStopped from error

    @contextmanager
    def _closing_observers(self):
        with ExitStack() as stack:
            for observer in self.observers:
                stack.callback(observer.close)
            yield

    @contextmanager
    def _training_mode(self):
        self.network.train()
        try:
            yield
        finally:
            self.network.set_generator(lambda: None)
            self.network.zero_grad()
            self.network.eval()

    def _trained_tensors(self):
        yield from self.network.parameters()
        # If an accumulator overflows, Adagrad and Adam make zero updates silently.
        for state in self.optimizer.state.values():
            yield from filter(torch.is_tensor, state.values())

    def _require_finite_tensors(self):
        """Raise if a weight or a number of the optimizer's state is not finite."""
        tensors = [tensor.detach() for tensor in self._trained_tensors()]
        # Of large tensors, a sum takes a thirtieth of the time of a maximum. It can
        # overflow where no number does.
        if not math.isfinite(sum(tensor.sum() for tensor in tensors)):
            self.require_finite(sum(tensor.abs().max() for tensor in tensors))

    def require_finite(self, value):
        """Raise an error that explains what to do if a number is not finite."""
        if not math.isfinite(value):
            raise ValueError(
                f"Training became unstable in epoch {self.epoch}: with "
                f"learning_rate={self.learning_rate} the loss, a weight or a squared "
                "gradient is no longer finite. Scale the features, for example with "
                "StandardScaler, or lower learning_rate."
            )
