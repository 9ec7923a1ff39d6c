"""What watches training: the protocol of observers."""


class TrainingStopped(Exception):  # noqa: N818
    """Training is to end with what it has reached."""


class Observer:
    """Watch a trainer, and stop it if need be.

    The trainer calls these methods, which do nothing here. An observer stops training
    by returning True from `end_epoch`, or by raising TrainingStopped in any method.
    """

    # Telling of single batches costs more than the arithmetic of a small network.
    hears_batches = False

    def begin(self, trainer):
        """Note that training begins."""

    def begin_epoch(self, trainer):
        """Note that epoch number `trainer.epoch`, counted from 1, begins."""

    def begin_batch(self, trainer, batch):
        """Note that a batch ``(X, y, weight)`` begins."""

    def see_gradients(self, trainer, batch):
        """See or change the gradients of a batch, before the parameters change."""

    def end_batch(self, trainer, batch, loss, outputs):
        """Note that a batch has changed the parameters."""

    def end_epoch(self, trainer):
        """Return True to stop. `trainer.record` is empty if the epoch was cut short."""

    def end(self, trainer):
        """See or change the parameters at the end of training."""
