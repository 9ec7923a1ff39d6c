"""When to stop training, and which weights to keep."""

import math
from copy import deepcopy

from sknets._training.observers import Observer


class BestEpoch:
    """Keep the weights of the epoch with the lowest value.

    skorch's EarlyStopping ignores improvements smaller than `tol`, and so does not keep
    the best epoch. It cannot restore the weights after another callback's stop either.

    Parameters
    ----------
    patience : int
        Number of epochs in a row that do not lower the value by `tol`, after which
        training is to stop.
    tol : float

    Attributes
    ----------
    epoch : int or None
        The best one, counted from 1.
    """

    def __init__(self, patience, tol):
        self.patience = patience
        self.tol = tol
        self.value = math.inf
        self.epoch = None
        self.n_idle_epochs = 0
        self.weights = None

    def update(self, value, epoch, module):
        """Record the value of an epoch. Return True to stop training."""
        improved = value < self.value - self.tol
        self.n_idle_epochs = 0 if improved else self.n_idle_epochs + 1
        if value < self.value:
            self.value = value
            self.epoch = epoch
            self.weights = deepcopy(module.state_dict())
        return self.n_idle_epochs == self.patience

    def restore(self, module):
        """Give the module its best weights back."""
        if self.weights is not None:
            module.load_state_dict(self.weights)


class EarlyStopping(Observer):
    """Stop when validation no longer improves, and return to the best epoch.

    It goes by the score where the record has one, else by the loss.

    Parameters
    ----------
    patience : int
    tol : float
        See `BestEpoch`.
    """

    def __init__(self, patience, tol):
        self.best = BestEpoch(patience, tol)

    def end_epoch(self, trainer):
        """Compare the epoch with the best one."""
        record = trainer.record
        if not record:
            return False
        score = record.get("valid_score")
        value = record["valid_loss"] if score is None else -score
        return self.best.update(value, trainer.epoch, trainer.network)

    def end(self, trainer):
        """Give the network its best weights back."""
        self.best.restore(trainer.network)
