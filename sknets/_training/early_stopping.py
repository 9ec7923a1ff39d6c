"""When training has stopped to pay, and what was best until then."""

import math
from copy import deepcopy


class BestEpoch:
    """Keep the weights of the epoch with the lowest validation loss, or highest score.

    skorch's callback of this purpose takes an improvement below `tol` for none, and so
    does not keep the best; and it cannot restore after another callback's stop.

    Parameters
    ----------
    patience : int
        Epochs in a row, without an improvement of the lowest value by `tol`, after
        which training is to stop.
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
        """Take note of an epoch's loss, or negative score; return whether to stop."""
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
