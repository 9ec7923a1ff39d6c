"""Measuring a network in mid-training."""

from sknets._training.evaluation import mean_loss


class Validation:
    """Measures a network after each epoch on rows that it does not learn from.

    Parameters
    ----------
    rows : Rows
    score : callable or None
        Returns a score of the rows.
    """

    def __init__(self, rows, score=None):
        self.rows = rows
        self.score = score

    def measure(self, trainer):
        """Return the numbers to add to the record of an epoch."""
        loss = mean_loss(trainer.network, trainer.criterion, self.rows)
        if self.score is None:
            return {"valid_loss": loss}
        return {"valid_loss": loss, "valid_score": self.score()}
