"""One seed decides all the randomness of one fit.

Each stream of random numbers depends on the seed, its purpose and the epoch alone. No
state of a generator has to be saved: training that resumes at epoch 7, also from a
pickle, draws the same numbers as uninterrupted training.
"""

import numpy as np
import torch

INITIALISATION, SHUFFLING, NOISE, SPLITTING = range(4)


def draw_seed(random_state):
    """Convert scikit-learn's `random_state` to one integer seed.

    Parameters
    ----------
    random_state : int, RandomState instance or None
        None draws fresh entropy from the operating system, and leaves NumPy's global
        generator unchanged. One number is drawn from a RandomState instance.

    Returns
    -------
    seed : int
    """
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**32, dtype=np.uint64))
    return int(random_state)


def spawn_seed(seed, purpose, epoch=0):
    """Return the seed of one stream, an integer in [0, 2**32)."""
    return int(np.random.SeedSequence((seed, purpose, epoch)).generate_state(1)[0])


def spawn_generator(seed, purpose, epoch=0, device="cpu"):
    """Return the ``torch.Generator`` of one stream."""
    generator = torch.Generator(device=device)
    return generator.manual_seed(spawn_seed(seed, purpose, epoch))
