"""An observer of training that computes the loss of the validation data."""

from sknets._training.evaluation import mean_loss
from sknets._training.observers import Observer


class ValidationLoss(Observer):
    """Compute the loss after each epoch, of rows that the network is not trained on.

    Parameters
    ----------
    rows : Rows
    """

    def __init__(self, rows):
        self.rows = rows

    def measure(self, trainer):
        """Return the mean loss of the rows."""
        loss = mean_loss(trainer.network, trainer.criterion, self.rows)
        trainer.require_finite(loss)
        return {"valid_loss": loss}
