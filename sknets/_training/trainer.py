"""The training loop."""

import math
import warnings
from contextlib import closing, contextmanager, suppress
from functools import partial

import torch
from sklearn.exceptions import ConvergenceWarning
from torch.nn.utils import clip_grad_norm_
from tqdm.auto import tqdm

from sknets._compute.seeds import NOISE, SHUFFLING, spawn_generator
from sknets._compute.threads import STEP_SHARE, threads_for
from sknets._training.evaluation import forget, mean_loss
from sknets._training.rows import count_batches, training_batches
from sknets._training.schedules import start_schedule

TRAINING_ATTRIBUTES = (
    "_batches_heard",
    "_gradient_function",
    "_lowest",
    "_norms",
    "_outputs",
    "_updated",
)


class TrainingStopped(Exception):  # noqa: N818
    """Training is to end with what it has reached."""


class Training:
    """Adds training to a skorch net whose module has a `gradient_function`.

    The loss is summed on the device and read once an epoch. Histories and callbacks of
    single batches cost more than the arithmetic of a small net, so they run only for a
    callback that listens to batches.
    """

    def train(
        self,
        rows,
        *,
        epochs,
        learning_rate,
        lr_schedule,
        batch_size,
        max_grad_norm,
        tasks,
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
        lr_schedule : {"constant", "cosine"} or callable
        batch_size : int
        max_grad_norm : float or None
            Longest gradient, over all parameters; a longer one is shortened to it.
        tasks : EpochTasks
            Told of the beginning and the end of each epoch, and may end training.
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
        self.check_schedule(lr_schedule)
        self.lr = learning_rate
        self.batch_size = batch_size
        self.max_grad_norm = max_grad_norm
        for group in self.optimizer_.param_groups:
            group["lr"] = learning_rate
        n_updates = epochs * count_batches(len(rows), batch_size)
        schedule = start_schedule(
            lr_schedule, self.optimizer_, n_updates=n_updates, n_epochs=epochs
        )
        forget(self.module_)
        work = self.module_.multiply_adds * min(batch_size, len(rows))
        with (
            threads_for(work, STEP_SHARE),
            self._training_mode(),
            closing(schedule),
        ):
            with suppress(TrainingStopped), self._keep_what_is_done():
                self.notify("on_train_begin", X=rows.X, y=rows.y)
                self._gradient_function = self.module_.gradient_function(
                    self.criterion_
                )
                for _ in range(epochs):
                    tasks.begin()
                    stop = self._run_epoch(
                        rows, schedule, validation, score, best_epoch
                    )
                    if tasks.end() or stop:
                        break
            self._forget_unfinished_epoch()
            if best_epoch is not None:
                best_epoch.restore(self.module_)
            with suppress(TrainingStopped):
                self.notify("on_train_end", X=rows.X, y=rows.y)
            with suppress(TrainingStopped), self._keep_what_is_done():
                tasks.close()
        self._check_finite(sum(t.detach().abs().max() for t in self._trained_tensors()))

    def _run_epoch(self, rows, schedule, validation, score, best_epoch):
        """Train and validate for an epoch; return whether to stop then."""
        datasets = {
            "dataset_train": self.as_dataset(rows),
            "dataset_valid": self.as_dataset(validation),
        }
        try:
            self.notify("on_epoch_begin", **datasets)
            self._train_epoch(rows, schedule)
            stop = self._validate_epoch(validation, score, best_epoch)
            entry = self._entry
            schedule.after_epoch(entry.get("valid_loss", entry["train_loss"]))
            self.notify("on_epoch_end", **datasets)
        except TrainingStopped:
            self._forget_unfinished_epoch()
            return True
        return stop

    @contextmanager
    def _keep_what_is_done(self):
        """Make a Ctrl-C end training, with what is learned, once there is something."""
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
            raise TrainingStopped from error

    @property
    def _entry(self):
        """What the history has of this epoch."""
        # skorch's own indexing takes time that grows with the number of epochs.
        return list.__getitem__(self.history, -1)

    @contextmanager
    def _training_mode(self):
        self._batches_heard = self.hears(
            "on_batch_begin", "on_batch_end", "on_grad_computed"
        )
        self._outputs = None
        self._lowest = {
            name: min((e[name] for e in self.history if name in e), default=math.inf)
            for name in ("train_loss", "valid_loss")
        }
        self._updated = False
        self.module_.train()
        try:
            yield
        finally:
            self.forget_training()
            self._set_generators(lambda: None)
            self.module_.zero_grad()
            self.module_.eval()

    def forget_training(self):
        """Drop what is needed in `train` only."""
        for name in TRAINING_ATTRIBUTES:
            vars(self).pop(name, None)

    def _forget_unfinished_epoch(self):
        if self.history and "train_loss" not in self._entry:
            del self.history[-1]

    def _train_epoch(self, rows, schedule):
        stream = {"epoch": len(self.history), "device": rows.device}
        self._set_generators(partial(spawn_generator, self.seed, NOISE, **stream))
        shuffler = partial(spawn_generator, self.seed, SHUFFLING, **stream)
        total = torch.zeros((), dtype=rows.dtype, device=rows.device)
        if self.max_grad_norm is not None:
            self._norms = total.clone()
        batches = training_batches(rows, self.batch_size, shuffler)
        rate = None
        for X, target in self._with_progress(batches, rows):
            schedule.before_update()
            if rate is None:
                rate = self.optimizer_.param_groups[0]["lr"]
            total.add_(self._train_batch(X, target), alpha=len(X))
        self._record_loss("train_loss", total.item() / len(rows))
        if self.max_grad_norm is not None:
            self._check_finite(self._norms.item())
        self._entry["lr"] = rate
        if not self._batches_heard:
            self._entry["batches"].append({})  # skorch's Checkpoint looks at the last

    def _with_progress(self, batches, rows):
        if self.verbose < 2:
            return batches
        return tqdm(
            batches,
            desc=f"epoch {len(self.history)}",
            total=count_batches(len(rows), self.batch_size),
            unit="batch",
            leave=False,
        )

    def _validate_epoch(self, rows, score, best_epoch):
        if rows is None:
            return False
        value = mean_loss(self.module_, self.criterion_, rows)
        self._record_loss("valid_loss", value)
        if score is not None:
            value = -score()
            self._entry["valid_score"] = -value
        if best_epoch is None:
            return False
        return best_epoch.update(value, len(self.history), self.module_)

    def _train_batch(self, X, target):
        batch = X, target[0] if isinstance(target, tuple) else target
        if self._batches_heard:
            self.notify("on_batch_begin", batch=batch, training=True)
        loss = self.optimizer_.step(partial(self._loss_and_gradient, X, target, batch))
        self._updated = True
        if self._batches_heard:
            self.history.record_batch("train_loss", loss.item())
            self.history.record_batch("train_batch_size", len(X))
            self.notify(
                "on_batch_end",
                batch=batch,
                training=True,
                loss=loss,
                y_pred=self._outputs,
            )
        return loss

    def _loss_and_gradient(self, X, target, batch):
        loss, outputs = self._gradient_function(X, target)
        if self._batches_heard:
            self._outputs = outputs
            self.notify(
                "on_grad_computed",
                named_parameters=list(self.get_all_learnable_params()),
                batch=batch,
                training=True,
            )
        if self.max_grad_norm is not None:
            # An infinite one would make all gradients zero.
            norm = clip_grad_norm_(self.module_.parameters(), self.max_grad_norm)
            self._norms.add_(norm)
        return loss

    def _trained_tensors(self):
        # With an overflown accumulator, Adagrad's and Adam's updates are silently zero.
        yield from self.module_.parameters()
        for state in self.optimizer_.state.values():
            yield from filter(torch.is_tensor, state.values())

    def _record_loss(self, name, loss):
        self._check_finite(loss)
        self._entry[name] = loss
        self._entry[f"{name}_best"] = loss < self._lowest[name]
        self._lowest[name] = min(loss, self._lowest[name])

    def _check_finite(self, value):
        if not math.isfinite(value):
            raise ValueError(
                f"Training became unstable in epoch {len(self.history)}: with "
                f"learning_rate={self.lr} the loss, a weight or a squared gradient is "
                "no longer finite. Scale the features, for example with "
                "StandardScaler, or lower learning_rate."
            )

    def _set_generators(self, make_generator):
        layers = [m for m in self.module_.modules() if hasattr(m, "generator")]
        generator = make_generator() if layers else None
        for layer in layers:
            layer.generator = generator
