"""Measure a network during training."""

from sknets._training.evaluation import mean_loss


class Validation:
    """Measure a network after each epoch, on rows that it is not trained on.

    Parameters
    ----------
    rows : Rows
    score : callable or None
        Called without arguments. Returns the score of the network on the rows.
    """

    def __init__(self, rows, score=None):
        self.rows = rows
        self.score = score

    def measure(self, trainer):
        """Return the values to add to the record of an epoch."""
        loss = mean_loss(trainer.network, trainer.criterion, self.rows)
        if self.score is None:
            return {"valid_loss": loss}
        return {"valid_loss": loss, "valid_score": self.score()}
