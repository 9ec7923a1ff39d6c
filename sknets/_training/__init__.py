"""Floor 2: rows, optimizers, schedules, the training loop and evaluation."""
