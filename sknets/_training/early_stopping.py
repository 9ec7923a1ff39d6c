"""Early stopping: when to stop training, and which weights to keep."""

import math
from copy import deepcopy

from sknets._training.observers import Observer


class BestEpoch:
    """Keep the weights of the epoch with the lowest value.

    skorch's EarlyStopping ignores improvements smaller than `tol`, and so does not keep
    the best epoch. Nor can it restore the weights if another callback stops training.

    Parameters
    ----------
    patience : int
        Number of consecutive epochs without an improvement of more than `tol`, after
        which training stops.
    tol : float
        See `patience`.

    Attributes
    ----------
    epoch : int or None
        The best epoch, counted from 1.
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
        return self.is_out_of_patience

    @property
    def is_out_of_patience(self):
        """Whether too many epochs in a row have not improved."""
        return self.n_idle_epochs >= self.patience

    def restore(self, module):
        """Load the best weights into the module."""
        if self.weights is not None:
            module.load_state_dict(self.weights)


class EarlyStopping(Observer):
    """Stop when validation no longer improves, and restore the best weights.

    Epochs are compared by the validation score if there is one, else by the loss.

    Parameters
    ----------
    patience : int
    tol : float
        See `BestEpoch`.
    """

    def __init__(self, patience, tol):
        self.best = BestEpoch(patience, tol)

    def end_epoch(self, trainer):
        """Compare the epoch with the best one. Return True to stop training."""
        record = trainer.record
        if not record:
            return False
        score = record.get("valid_score")
        value = record["valid_loss"] if score is None else -score
        return self.best.update(value, trainer.epoch, trainer.network)

    def end(self, trainer):
        """Load the best weights into the network."""
        self.best.restore(trainer.network)
