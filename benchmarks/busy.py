"""Time training with and without other processes that keep all cores busy.

From the root of the repository::

    python -m benchmarks.busy --write

Each case runs in turn with and without an endless loop on each core. Fits on digits of
64 features are timed within one process. The main job is the script
``examples/reproduce_article.py``, in a process of its own. Print a table of the ratios
of the times. ``--write`` saves it for the documentation.
"""

import argparse
import multiprocessing
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager

from sklearn.datasets import load_digits
from tqdm import tqdm

from benchmarks.pairs import alternate
from benchmarks.tables import replace_rows, report, saved_rows
from sknets import MLPDropoutClassifier, SoftmaxClassifier


def spin():
    """Keep a core busy."""
    while True:
        pass


@contextmanager
def busy_cores():
    """Keep all cores busy with one endless loop per core."""
    loops = [
        multiprocessing.Process(target=spin, daemon=True) for _ in range(os.cpu_count())
    ]
    for loop in loops:
        loop.start()
    try:
        yield
    finally:
        for loop in loops:
            loop.terminate()
            loop.join()


def main_job():
    """Train the four systems of the tutorial article on the MNIST sample."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "examples/reproduce_article.py",
            "--sheet",
            f"{folder}/sheet.png",
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def cases():
    """Yield a name and a function for each case."""
    X, y = load_digits(return_X_y=True)
    X = X / 16
    softmax = SoftmaxClassifier(random_state=0)
    yield "softmax, digits", lambda: softmax.fit(X, y)
    perceptron = MLPDropoutClassifier(random_state=0)
    yield "perceptron, digits", lambda: perceptron.fit(X, y)
    yield "main job", main_job


def main():
    """Measure the cases that the options select."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--cases", nargs="+", default=[name for name, _ in cases()])
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()

    rows = []
    for name, function in cases():
        if name not in arguments.cases:
            continue

        def beside_others(function=function):
            with busy_cores():
                function()

        with tqdm(total=arguments.pairs, desc=name, unit="pair") as progress:
            pairs, _ = alternate(
                beside_others, function, arguments.pairs, progress=progress
            )
        cells = list(pairs.summary().values())
        labels = ["busy / alone", "lowest to highest", "busy", "alone"]
        facts = {"case": name, "pairs": str(arguments.pairs)}
        rows.append(facts | dict(zip(labels, cells, strict=True)))
    if arguments.write:
        rows = replace_rows(saved_rows("busy"), rows, ["case"])
    note = f"Medians of pairs of runs; {os.cpu_count()} cores."
    report("busy", rows, [note], write=arguments.write)


if __name__ == "__main__":
    main()
