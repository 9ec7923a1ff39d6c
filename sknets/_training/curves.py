"""What is kept of each epoch."""

import math

NAMES = ("train_loss", "valid_loss", "valid_score")


class Curves:
    """The losses and scores of all epochs, over calls that continue each other.

    Attributes
    ----------
    train_loss : list of float
    valid_loss, valid_score : list of float or None
        None where no epoch has such a number, NaN for an epoch that has none.
    lowest : dict
        The lowest of each of them, without that of the last epoch.
    """

    def __init__(self):
        self.train_loss = []
        self.valid_loss = None
        self.valid_score = None
        self.lowest = dict.fromkeys(NAMES, math.inf)

    def __len__(self):
        return len(self.train_loss)

    def append(self, record):
        """Add the numbers of an epoch."""
        n_epochs = len(self)
        for name in NAMES:
            curve = getattr(self, name)
            if curve is None:
                if name not in record:
                    continue
                curve = [math.nan] * n_epochs
                setattr(self, name, curve)
            if curve and curve[-1] < self.lowest[name]:
                self.lowest[name] = curve[-1]
            curve.append(record.get(name, math.nan))

    def truncate(self, n_epochs):
        """Forget all but the first epochs, in place."""
        for name in NAMES:
            curve = getattr(self, name)
            if curve is None:
                continue
            del curve[n_epochs:]
            if name != "train_loss" and all(map(math.isnan, curve)):
                setattr(self, name, None)
            earlier = (number for number in curve[:-1] if not math.isnan(number))
            self.lowest[name] = min(earlier, default=math.inf)

    def copy(self):
        """Return a copy."""
        copy = Curves()
        for name in NAMES:
            curve = getattr(self, name)
            setattr(copy, name, None if curve is None else list(curve))
        copy.lowest = dict(self.lowest)
        return copy
