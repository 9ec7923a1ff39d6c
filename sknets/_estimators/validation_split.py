"""The rows that early stopping holds out of the training data."""

import numpy as np
from sklearn.model_selection import train_test_split

from sknets._compute.seeds import SPLITTING, spawn_seed


def hold_out(rows, targets, validation_fraction, seed):
    """Return the rows to train on, and the rows held out for validation.

    Parameters
    ----------
    rows : Rows
    targets : Targets
        Classes are held out in proportion.
    validation_fraction : float in (0, 1)
    seed : int
    """
    try:
        _, held_out = train_test_split(
            np.arange(len(rows)),
            test_size=validation_fraction,
            stratify=targets.strata(rows.targets()),
            random_state=spawn_seed(seed, SPLITTING),
        )
    except ValueError as error:
        raise ValueError(
            f"Cannot hold out validation_fraction={validation_fraction} of "
            f"{len(rows)} samples for early_stopping=True: {error}"
        ) from error
    return rows.split(held_out)
