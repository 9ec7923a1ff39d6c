"""Measure the default parameters: the tables of ``docs/defaults.rst``.

From the root of the repository::

    python -m benchmarks.defaults_panel --write

Prints the tables of the parts that ``--part`` selects; ``--write`` saves them for the
documentation. All fits use one thread. A seed splits the rows and seeds the fits: 30 %
of the rows are held out, stratified. The MNIST sample has its own test digits.

The data are scikit-learn's own and the MNIST sample. More tables are read from
``$SKNETS_DATA/tables/tables.npz`` if that file exists.
"""

import argparse

import torch
from threadpoolctl import threadpool_limits

from benchmarks.panel import (
    classification,
    convnet,
    deep,
    early_stopping,
    optimizers,
    pixels,
    recipes,
    regression,
    settings,
    text,
)
from benchmarks.tables import report

# Each function yields the name, rows and notes of tables, for a number of seeds.
PARTS = {
    "classification": classification.run,
    "regression": regression.run,
    "pixels": pixels.run,
    "text": text.run,
    "budget": settings.run_budget,
    "convnet": convnet.run,
    "weight_decay": settings.run_weight_decay,
    "optimizers": optimizers.run,
    "early_stopping": early_stopping.run,
    "deep": deep.run,
    "recipes": recipes.run,
}


def main():
    """Measure the parts that the options select."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--part", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        for part in arguments.part:
            for name, rows, notes in PARTS[part](arguments.seeds):
                report(name, rows, notes, write=arguments.write)


if __name__ == "__main__":
    main()
