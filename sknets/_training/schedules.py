"""How the learning rate changes in the course of training."""

import inspect
import math

from torch.optim.lr_scheduler import CyclicLR, LRScheduler, ReduceLROnPlateau


def start_schedule(lr_schedule, optimizer, *, n_updates, n_epochs):
    """Return the schedule for a number of updates, at its start.

    Parameters
    ----------
    lr_schedule : "constant", "cosine" or callable
        A callable makes one of torch's schedulers from the optimizer. Where it has
        them as parameters that are not set, `total_steps` is passed the number of
        updates, and `T_max` that of epochs.
    optimizer : torch.optim.Optimizer
        With the learning rate to start from.
    n_updates, n_epochs : int
        Of the whole schedule.
    """
    if lr_schedule == "constant":
        return ConstantRate()
    if lr_schedule == "cosine":
        return CosineDecay(optimizer, n_updates)
    return TorchSchedule(lr_schedule, optimizer, n_updates, n_epochs)


class ConstantRate:
    """The same learning rate for each update."""

    def before_update(self):
        """Set the learning rate of the next update."""

    def after_epoch(self, loss):
        """Record the loss of an epoch that is followed by another one."""

    def close(self):
        """Leave the optimizer as it was found, but for its learning rate."""


class CosineDecay(ConstantRate):
    """Half a cosine from the learning rate to zero.

    torch's scheduler takes a tenth of the time of a training step of softmax
    regression; this is in closed form.
    """

    def __init__(self, optimizer, n_updates):
        self.groups = optimizer.param_groups
        self.rates = [group["lr"] for group in self.groups]
        self.n_updates = n_updates
        self.update = 0

    def before_update(self):
        """Set the learning rate of the next update."""
        factor = (1 + math.cos(math.pi * self.update / self.n_updates)) / 2
        for group, rate in zip(self.groups, self.rates, strict=True):
            group["lr"] = rate * factor
        self.update += 1


class TorchSchedule(ConstantRate):
    """A scheduler of torch, for each update or for each epoch."""

    def __init__(self, make_scheduler, optimizer, n_updates, n_epochs):
        self.optimizer = optimizer
        # Schedulers may change momenta, and leave notes.
        self.groups = [dict(group) for group in optimizer.param_groups]
        parameters = inspect.signature(make_scheduler).parameters
        lengths = unset_lengths(parameters, n_updates, n_epochs)
        try:
            self.scheduler = make_scheduler(optimizer, **lengths)
            if not isinstance(self.scheduler, LRScheduler):
                raise TypeError(f"it returned {self.scheduler!r}.")
        except Exception as error:
            self.close()
            raise ValueError(
                f"lr_schedule={make_scheduler!r} does not make a scheduler of "
                f"torch.optim.lr_scheduler: {error}"
            ) from error
        steps_in_updates = isinstance(self.scheduler, CyclicLR)
        self.each_update = "total_steps" in parameters or steps_in_updates
        self.is_first = True

    def before_update(self):
        """Set the learning rate of the next update."""
        if self.each_update and not self.is_first:
            self.scheduler.step()
        self.is_first = False

    def after_epoch(self, loss):
        """Record the loss of an epoch that is followed by another one."""
        if self.each_update:
            return
        if isinstance(self.scheduler, ReduceLROnPlateau):
            self.scheduler.step(loss)
        else:
            self.scheduler.step()

    def close(self):
        """Leave the optimizer as it was found, but for its learning rate."""
        # torch counts updates by wrapping `step`, once more for each scheduler.
        vars(self.optimizer).pop("step", None)
        for group, before in zip(self.optimizer.param_groups, self.groups, strict=True):
            before["lr"] = group["lr"]
            group.clear()
            group.update(before)


def unset_lengths(parameters, n_updates, n_epochs):
    """Return the lengths of a schedule that its maker takes and has no value of."""
    unset = {
        name
        for name, parameter in parameters.items()
        if parameter.default in (None, inspect.Parameter.empty)
    }
    if {"epochs", "steps_per_epoch"} & (parameters.keys() - unset):
        unset.discard("total_steps")  # OneCycleLR has its length from these
    lengths = {"total_steps": n_updates, "T_max": n_epochs}
    return {name: length for name, length in lengths.items() if name in unset}
