"""What "auto" stands for: the budget, the learning rate and the weight decay."""

from dataclasses import dataclass
from fractions import Fraction
from functools import partial

from sknets._training.optimizers import OPTIMIZERS
from sknets._training.rows import count_batches


@dataclass(frozen=True)
class Budget:
    """How long ``max_epochs="auto"`` trains.

    ``factor * n_samples**power`` updates, at most `max_updates`, and at least
    `min_epochs` epochs.
    """

    factor: int
    power: Fraction | int
    max_updates: int
    min_epochs: int

    def count_epochs(self, n_samples, batch_size):
        """Return the number of epochs for some rows."""
        updates = min(round(self.factor * n_samples**self.power), self.max_updates)
        n_batches = count_batches(n_samples, batch_size)
        return max(self.min_epochs, -(-updates // n_batches))

    def __str__(self):
        if self.power == 0:
            return f"{self.factor:,}"
        return f"``min({self.factor} * n_samples**({self.power}), {self.max_updates})``"


def auto_learning_rate(optimizer, rates):
    """Return the learning rate that suits an optimizer.

    Parameters
    ----------
    optimizer : str or callable
        Name of an optimizer, torch's class of it or a subclass, or a
        `functools.partial` of such a class.
    rates : dict
        Rate of each name.
    """
    if isinstance(optimizer, partial):
        optimizer = optimizer.func
    if isinstance(optimizer, str):
        return rates[optimizer]
    if isinstance(optimizer, type):
        # From its own class upwards: in torch, AdamW is a subclass of Adam.
        names = {plain: name for name, (_, plain, _) in OPTIMIZERS.items()}
        for parent in optimizer.__mro__:
            if parent in names:
                return rates[names[parent]]
    raise ValueError(
        f"learning_rate='auto' is not known for optimizer={optimizer!r}, only for "
        f"{', '.join(map(repr, OPTIMIZERS))}. Set learning_rate to a number."
    )


class AutomaticParameters:
    """Mixin of the estimators: the values of parameters that may be "auto".

    A subclass sets `_budget`, `_rates` (the learning rate of each named optimizer) and,
    if its weight decay may be "auto", `_decay_strength` (the decay for a single row).
    """

    def _count_epochs(self, n_samples):
        if self.max_epochs != "auto":
            return self.max_epochs
        return self._budget.count_epochs(n_samples, self.batch_size)

    def _patience(self, n_epochs):
        """Return the number of epochs that early stopping waits, out of `n_epochs`."""
        if self.n_iter_no_change != "auto":
            return self.n_iter_no_change
        return max(10, n_epochs // 5)

    @property
    def _learning_rate(self):
        if self.learning_rate != "auto":
            return self.learning_rate
        return auto_learning_rate(self.optimizer, self._rates)

    def _weight_decay(self, n_samples):
        """Return the weight decay for `n_samples` rows; None if more will follow."""
        if self.weight_decay != "auto":
            return self.weight_decay
        # A callable may have no parameter for it.
        if n_samples is None or not isinstance(self.optimizer, str):
            return 0.0
        return self._decay_strength / n_samples
