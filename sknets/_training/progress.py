"""A progress bar."""

from tqdm.auto import tqdm

from sknets._training.observers import Observer


class BatchProgress(Observer):
    """Draw a progress bar within each epoch."""

    observes_batches = True

    def begin_epoch(self, trainer):
        """Draw an empty bar."""
        self.bar = tqdm(
            desc=f"epoch {trainer.epoch}",
            total=trainer.n_batches,
            unit="batch",
            leave=False,
        )

    def end_batch(self, trainer, batch, loss, outputs):
        """Advance the bar by one batch."""
        self.bar.update()

    def end_epoch(self, trainer):
        """Remove the bar."""
        self.bar.close()
