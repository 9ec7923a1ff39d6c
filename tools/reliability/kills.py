"""Processes that die or are interrupted while they train, write or download."""

import hashlib
import random
import signal
import time
import warnings
from pathlib import Path

from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

import sknets
from sknets.datasets import fetch_mnist
from tools.reliability.models import LABELS, MODELS, NUMBERS, X, fingerprint, train
from tools.reliability.outcome import Outcome
from tools.reliability.processes import start, stop_after
from tools.reliability.servers import serve_mnist, use_mirror


def training_process(connection, name, folder, every, result):
    """Train, and write the fingerprint of the result to a file."""
    connection.send("ready")
    # A kill while this file is written must not look like a wrong result.
    temporary = Path(f"{result}.tmp")
    temporary.write_text(fingerprint(train(name, folder, every)))
    temporary.rename(result)


def kill_trainings(n, seed, folder):
    """Kill trainings with checkpoints, until they finish; compare them with others."""
    random.seed(seed)
    outcome = Outcome()
    expected, duration = {}, {}
    for name in MODELS:
        expected[name] = fingerprint(train(name))
        begin = time.perf_counter()
        train(name, folder / f"timing {name}")
        duration[name] = time.perf_counter() - begin
    n_kills, trial = 0, 0
    while n_kills < n:
        name = list(MODELS)[trial % len(MODELS)]
        place, every = folder / f"trial {trial}", random.choice((1, 1, 2, 5))
        result = folder / f"result {trial}"
        trial += 1
        killed = 0
        while not result.exists():
            arguments = name, place, every, result
            process, _ = start(training_process, *arguments)
            # More and more time, so that sparse checkpoints also come to an end.
            limit = duration[name] * (0.5 + 0.25 * killed)
            if stop_after(process, random.uniform(0, limit)):
                killed += 1
            elif process.exitcode != 0:
                outcome.fail(f"{name}: exit code {process.exitcode}")
                break
        else:
            n_kills += killed
            same = result.read_text() == expected[name]
            for _ in range(killed if same else 0):
                outcome.add("resumed to the same bits")
            if not same:
                outcome.fail(f"{name}: other bits after {killed} kills")
    return outcome


def saving_process(connection, sources, target):
    """Save two models to the same file in turn, until killed."""
    models = [sknets.load(source) for source in sources]
    connection.send("ready")
    while True:
        for model in models:
            model.save(target)


def kill_saves(n, seed, folder):
    """Kill processes that save. The file must be that of one model or the other."""
    random.seed(seed)
    outcome = Outcome()
    sources, target = [folder / "first", folder / "second"], folder / "target"
    for source, width in zip(sources, (2, 300), strict=True):
        model = sknets.MLPDropoutClassifier(width, max_epochs=1, random_state=0)
        model.fit(X, LABELS).save(source)
    target.write_bytes(sources[0].read_bytes())
    whole = {source.read_bytes(): source.name for source in sources}
    for _ in range(n):
        process, _ = start(saving_process, sources, target)
        stop_after(process, random.uniform(0, 0.02))
        found = whole.get(target.read_bytes())
        outcome.check(found, "one model or the other, whole", "half a file")
    return outcome


def download_process(connection, home, address, checksums):
    """Download the data from a server on this machine."""
    use_mirror(address, checksums)
    connection.send("ready")
    fetch_mnist(data_home=home, subset="test", n_retries=1)


def kill_downloads(n, seed, folder):
    """Kill processes that download. No part of a file may be left under its name."""
    random.seed(seed)
    outcome = Outcome()
    with serve_mnist(folder / "mirror", seconds=0.05) as (address, checksums):
        for trial in range(n):
            home = folder / f"home {trial}"
            arguments = home, address, checksums
            process, _ = start(download_process, *arguments)
            killed = stop_after(process, random.uniform(0, 0.3))
            files = [p for p in home.glob("mnist/*") if not p.name.startswith(".")]
            originals = [folder / "mirror" / path.name for path in files]
            whole = all(
                path.read_bytes() == original.read_bytes()
                for path, original in zip(files, originals, strict=True)
            )
            again, _ = start(download_process, *arguments)
            stop_after(again, 60)
            outcome.check(
                whole and again.exitcode == 0,
                f"{len(files)} of 2 files, whole, after a kill"
                if killed
                else "finished before the kill",
                f"{files}, exit code {again.exitcode}",
            )
    return outcome


def interrupted_process(connection, name):
    """Train until SIGINT. Send what became of the estimator."""
    # Jobs in the background of a shell inherit that SIGINT is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    model = clone(MODELS[name]).set_params(max_epochs=2, warm_start=True)
    y = NUMBERS if "regressor" in name else LABELS
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y)
        before = fingerprint(model)
        model.set_params(max_epochs=100_000, n_iter_no_change=100_000)
        caught.clear()
        try:
            connection.send("ready")
            model.fit(X, y)
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            same = fingerprint(model) == before
            connection.send("as it was" if same else "failure: half trained")
            return
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    warned = any(issubclass(w.category, ConvergenceWarning) for w in caught)
    curves = [c for c in vars(model.net_.curves).values() if isinstance(c, list)]
    consistent = all(len(curve) == model.n_iter_ for curve in curves)
    method = model.transform if hasattr(model, "transform") else model.predict
    usable = len(method(X)) == len(X)
    if warned and consistent and usable:
        connection.send("a warning, and a model that works")
    else:
        connection.send(f"failure: {warned=}, {consistent=}, {usable=}")


def interrupt_trainings(n, seed, folder):
    """Send SIGINT, as Ctrl-C does, while estimators train."""
    random.seed(seed)
    outcome = Outcome()
    for trial in range(n):
        name = list(MODELS)[trial % len(MODELS)]
        process, connection = start(interrupted_process, name)
        stop_after(process, random.uniform(0, 0.1), signal.SIGINT)
        found = connection.recv() if connection.poll() else "failure: no answer"
        outcome.check(not found.startswith("failure"), found, f"{name}: {found}")
    return outcome


def fetch_twice(n, seed, folder):
    """Let two processes fetch the same data at the same time."""
    outcome = Outcome()
    with serve_mnist(folder / "mirror", seconds=0.01) as (address, checksums):
        for trial in range(n):
            home = folder / f"home {trial}"
            arguments = home, address, checksums
            pair = [start(download_process, *arguments)[0] for _ in range(2)]
            for process in pair:
                stop_after(process, 60)
            codes = [process.exitcode for process in pair]
            digests = [
                hashlib.sha256(path.read_bytes()).hexdigest()
                for folder_ in (home / "mnist", folder / "mirror")
                for path in sorted(folder_.glob("t10k*"))
            ]
            complete = len(digests) == 4 and digests[:2] == digests[2:]
            nothing_else = complete and len(list((home / "mnist").iterdir())) == 2
            outcome.check(
                codes == [0, 0] and nothing_else,
                "both have the data, and the files are whole",
                f"exit codes {codes}, {list((home / 'mnist').iterdir())}",
            )
    return outcome
