"""The interface of observers, which a trainer calls during training."""


class TrainingStopped(Exception):  # noqa: N818
    """Stop training and keep its results so far."""


class Observer:
    """Base class of observers, which can watch and stop a training.

    The trainer calls these methods, which do nothing here. An observer stops training
    if `end_epoch` returns True, or if any method raises TrainingStopped.
    """

    # Calls for each batch take more time than the arithmetic of a small network.
    observes_batches = False

    def begin(self, trainer):
        """Handle the beginning of training."""

    def begin_epoch(self, trainer):
        """Handle the beginning of the epoch number `trainer.epoch`."""

    def begin_batch(self, trainer, batch):
        """Handle the beginning of a batch ``(X, y, weight)``."""

    def gradients_ready(self, trainer, batch):
        """Use or change the gradients of a batch, before the parameters are updated."""

    def end_batch(self, trainer, batch, loss, outputs):
        """Handle the end of a batch, after the parameters were updated."""

    def measure(self, trainer):
        """Return values to add to the record of the epoch, in a dict."""
        return {}

    def end_epoch(self, trainer):
        """Handle the end of an epoch. Return True to stop training.

        `trainer.record` is empty if the epoch was not finished.
        """

    def end(self, trainer):
        """Handle the end of training. The parameters may be changed here."""

    def close(self):
        """Release what `begin` took. Called at last, also if training fails."""
