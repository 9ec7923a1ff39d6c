"""The losses and scores of all epochs."""

import math

NAMES = ("train_loss", "train_divergence", "valid_loss", "valid_score")


class Curves:
    """The losses and scores of all epochs.

    Calls that continue a training add to the same curves.

    Attributes
    ----------
    train_loss : list of float
    train_divergence, valid_loss, valid_score : list of float or None
        None if no epoch has a value. NaN for each epoch without a value.
    lowest : dict
        Lowest value of each curve before the last epoch.
    """

    def __init__(self):
        self.train_loss = []
        self.train_divergence = None
        self.valid_loss = None
        self.valid_score = None
        self.lowest = dict.fromkeys(NAMES, math.inf)

    def __len__(self):
        return len(self.train_loss)

    def append(self, record):
        """Append the values of an epoch: all of them, or none on Ctrl-C."""
        n_epochs = len(self)
        try:
            self._append(record, n_epochs)
        except KeyboardInterrupt:
            self.truncate(n_epochs)
            raise

    def _append(self, record, n_epochs):
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
        """Keep only the first `n_epochs` epochs, in place."""
        for name in NAMES:
            curve = getattr(self, name)
            if curve is None:
                continue
            del curve[n_epochs:]
            if name != "train_loss" and all(map(math.isnan, curve)):
                setattr(self, name, None)
            earlier = (number for number in curve[:-1] if not math.isnan(number))
            self.lowest[name] = min(earlier, default=math.inf)

    def last_losses(self, n_epochs):
        """Return the losses of the last epochs: those of validation if there are."""
        curve = self.train_loss if self.valid_loss is None else self.valid_loss
        losses = zip(curve, self.train_loss, strict=True)
        last = list(losses)[len(self) - n_epochs :]
        return [other if math.isnan(loss) else loss for loss, other in last]

    def copy(self):
        """Return a copy."""
        return Curves.from_plain(self.to_plain())

    def to_plain(self):
        """Return the attributes, as a dict of plain values."""
        return vars(self).copy()

    @classmethod
    def from_plain(cls, plain):
        """Return curves with copies of the values that `to_plain` returned."""
        curves = cls()
        for name in NAMES:
            curve = plain[name]
            setattr(curves, name, None if curve is None else list(curve))
        curves.lowest = dict(plain["lowest"])
        return curves


def are_curves(curves):
    """Return whether a value is what `Curves.to_plain` may return."""
    if type(curves) is not dict or curves.keys() != {*NAMES, "lowest"}:
        return False
    lowest, losses = curves["lowest"], curves["train_loss"]
    if type(lowest) is not dict or lowest.keys() != set(NAMES) or losses is None:
        return False
    lists = [curves[name] for name in NAMES if curves[name] is not None]
    return all(
        type(values) is list and all(isinstance(value, float) for value in values)
        for values in [*lists, list(lowest.values())]
    ) and all(len(values) == len(losses) for values in lists)
