"""Schedules: how the learning rate changes during training."""

import inspect
import math

from torch.optim.lr_scheduler import CyclicLR, LRScheduler, ReduceLROnPlateau


def start_schedule(lr_schedule, optimizer, *, n_updates, n_epochs):
    """Return a new schedule of the learning rate.

    Parameters
    ----------
    lr_schedule : {"constant", "cosine", "trapezoid"} or callable
        A callable is called with the optimizer and returns one of torch's schedulers.
        If it has a parameter `total_steps` without a value, it also gets the number of
        updates. If it has a parameter `T_max` without a value, it also gets the number
        of epochs.
    optimizer : torch.optim.Optimizer
        Its learning rate is the one to start from.
    n_updates, n_epochs : int
        Length of the whole schedule.
    """
    if lr_schedule == "constant":
        return ConstantRate()
    if lr_schedule == "cosine":
        return CosineDecay(optimizer, n_updates)
    if lr_schedule == "trapezoid":
        return Trapezoid(optimizer, n_updates)
    return TorchSchedule(lr_schedule, optimizer, n_updates, n_epochs)


def replay(schedule, losses, n_batches):
    """Bring a new schedule to where it was after some epochs.

    A schedule depends on nothing but the number of updates and the losses of the
    epochs. So its state need not be saved.

    Parameters
    ----------
    schedule : ConstantRate
    losses : list of float
        Loss of each epoch so far, in the validation if there was one.
    n_batches : int
        Number of updates of an epoch.
    """
    if losses and isinstance(schedule, TorchSchedule):
        # Otherwise torch warns that the optimizer has made no step before.
        schedule.optimizer._opt_called = True
    for loss in losses:
        for _ in range(n_batches):
            schedule.before_update()
        schedule.after_epoch(loss)


class ConstantRate:
    """The same learning rate for each update."""

    def before_update(self):
        """Set the learning rate of the next update."""

    def after_epoch(self, loss):
        """Use the loss of the epoch that has ended."""

    def close(self):
        """Undo all changes of the optimizer except that of the learning rate."""


class ClosedForm(ConstantRate):
    """The initial learning rate times a function of the number of updates so far.

    torch's own schedulers would take a tenth of the time of a training step of softmax
    regression.
    """

    def __init__(self, optimizer, n_updates):
        self.groups = optimizer.param_groups
        self.rates = [group["lr"] for group in self.groups]
        self.n_updates = n_updates
        self.update = 0

    def factor(self):
        """Return the factor of the learning rate for the next update."""
        raise NotImplementedError

    def before_update(self):
        """Set the learning rate of the next update."""
        factor = self.factor()
        for group, rate in zip(self.groups, self.rates, strict=True):
            group["lr"] = rate * factor
        self.update += 1


class CosineDecay(ClosedForm):
    """Decay of the learning rate to zero, along half a period of a cosine."""

    def factor(self):
        """Return the factor of the learning rate for the next update."""
        return (1 + math.cos(math.pi * self.update / self.n_updates)) / 2


class Trapezoid(ClosedForm):
    """A short linear rise of the learning rate, a constant rate, and a linear fall."""

    rise, fall = 0.05, 0.3  # shares of all updates

    def factor(self):
        """Return the factor of the learning rate for the next update."""
        rise = (self.update + 1) / max(self.rise * self.n_updates, 1)
        fall = (self.n_updates - self.update) / (self.fall * self.n_updates)
        return min(rise, 1.0, fall)


class TorchSchedule(ConstantRate):
    """One of torch's schedulers, stepped after each update or after each epoch."""

    def __init__(self, make_scheduler, optimizer, n_updates, n_epochs):
        self.optimizer = optimizer
        # Schedulers may also change momenta, and add entries to the groups.
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
                "lr_schedule must return a scheduler of torch.optim.lr_scheduler for "
                f"an optimizer; {make_scheduler!r} does not: {error}"
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
        """Use the loss of the epoch that has ended."""
        if self.each_update:
            return
        if isinstance(self.scheduler, ReduceLROnPlateau):
            self.scheduler.step(loss)
        else:
            self.scheduler.step()

    def close(self):
        """Undo all changes of the optimizer except that of the learning rate."""
        # To count updates, each of torch's schedulers wraps `step` once more.
        vars(self.optimizer).pop("step", None)
        for group, before in zip(self.optimizer.param_groups, self.groups, strict=True):
            before["lr"] = group["lr"]
            group.clear()
            group.update(before)


def unset_lengths(parameters, n_updates, n_epochs):
    """Return values for `total_steps` and `T_max`, if the callable needs them."""
    unset = {
        name
        for name, parameter in parameters.items()
        if parameter.default in (None, inspect.Parameter.empty)
    }
    if {"epochs", "steps_per_epoch"} & (parameters.keys() - unset):
        unset.discard("total_steps")  # OneCycleLR computes its length from these
    lengths = {"total_steps": n_updates, "T_max": n_epochs}
    return {name: length for name, length in lengths.items() if name in unset}
