"""One seed decides all the randomness of one fit.

Every stream of random numbers is a function of the seed, of what it is for and of the
epoch. There is no generator state to keep: training that resumes at epoch 7 draws what
uninterrupted training would have drawn, also after a pickle.
"""

import numpy as np
import torch

INITIALISATION, SHUFFLING, NOISE, SPLITTING = range(4)


def draw_seed(random_state):
    """Turn scikit-learn's `random_state` into one integer seed.

    Parameters
    ----------
    random_state : int, RandomState instance or None
        None takes fresh entropy from the operating system, so that the global
        generator of NumPy stays untouched. A RandomState moves on by one draw.

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
    """Return the seed of one stream, as an int in [0, 2**32)."""
    return int(np.random.SeedSequence((seed, purpose, epoch)).generate_state(1)[0])


def spawn_generator(seed, purpose, epoch=0, device="cpu"):
    """Return the ``torch.Generator`` of one stream."""
    generator = torch.Generator(device=device)
    return generator.manual_seed(spawn_seed(seed, purpose, epoch))
