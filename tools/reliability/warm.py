"""Imported by the server of processes, so that its children begin at once.

The first training of a process takes a second, in which it would train nothing.
"""

import tools.reliability.kills  # noqa: F401
from tools.reliability.models import MODELS, train

for name in MODELS:
    train(name)
