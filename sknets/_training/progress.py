"""A progress bar, in terminals and in notebooks."""

import sys

from sknets._training.observers import Observer


def is_terminal(stream):
    """Return whether a stream is a terminal, neither a file nor a pipe."""
    if stream is None or getattr(stream, "closed", False):
        return False
    return hasattr(stream, "isatty") and stream.isatty()


class BatchProgress(Observer):
    """Draw a progress bar of the batches of all epochs. In a file, draw none."""

    observes_batches = True
    bar = None

    def begin(self, trainer):
        """Draw an empty bar."""
        # Without ipywidgets, this import warns in notebooks.
        from tqdm.auto import tqdm
        from tqdm.notebook import tqdm_notebook

        is_drawn = issubclass(tqdm, tqdm_notebook) or is_terminal(sys.stderr)
        self.bar = tqdm(
            total=(trainer.last_epoch - trainer.epoch) * trainer.n_batches,
            unit="batch",
            leave=False,
            disable=not is_drawn,
        )

    def begin_epoch(self, trainer):
        """Name the epoch."""
        text = f"epoch {trainer.epoch}/{trainer.last_epoch}"
        self.bar.set_description(text, refresh=False)

    def end_batch(self, trainer, batch, loss, outputs):
        """Advance the bar by one batch."""
        self.bar.update()

    def end_epoch(self, trainer):
        """Clear the line of the bar, for what is printed now."""
        self.bar.clear()

    def end(self, trainer):
        """Remove the bar before the last line is printed."""
        self.bar.close()

    def close(self):
        """Remove the bar, also if training fails."""
        if self.bar is not None:  # else an observer before it failed
            self.bar.close()
