"""The README says what its sources say, and its code runs."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def rows_of(text):
    """Return the cells of each row of a Markdown table."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def table(name):
    path = ROOT / "docs" / "tables" / f"{name}.md"
    return rows_of(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def comparison():
    section = README.partition("## Beside other libraries")[2].partition("##")[0]
    return {name: cells for name, *cells in rows_of(section)}


def test_abilities_are_the_measured_ones(comparison):
    assert comparison[""] == ["sknets", "MLPClassifier", "skorch", "Keras"]
    header, _, *measured = table("abilities")
    assert header == ["", "sknets", "scikit-learn", "skorch", "keras"]
    assert len(measured) == 9
    for name, *cells in measured:
        assert comparison[name] == cells


def test_times_are_the_measured_ones(comparison):
    header, _, *rows = table("speed")
    runs = [dict(zip(header, row, strict=True)) for row in rows]
    measured = {(run["system"], run["peer"]): run["here / peer"] for run in runs}
    peers = ["MLPClassifier", "skorch", "Keras on jax"]
    for system in ("softmax", "mlp", "convnet", "autoencoder"):
        expected = [measured.get((system, peer), "") for peer in peers]
        assert comparison[f"time of {system}"] == ["1", *expected]
    for loss in ("mlp", "autoencoder"):
        assert f"({measured[loss, 'JAX, jit and scan']})" in README


def test_figures_of_small_tables_are_the_measured_ones():
    def means(name):
        return next(row for row in table(name) if row[0] == "mean under 1,000 rows")

    raw, scaled, softmax = map(means, ("mlp_raw", "mlp_standardised", "softmax_raw"))
    text = " ".join(README.split())
    for row in (raw, scaled):
        assert f"{row[-1]} times" in text
        assert f"{float(row[3].split()[0]):.1f} points" in text
    assert f"a {float(softmax[-1]):.0f}rd of the time" in text


def test_the_oldest_versions_are_those_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    requirements = " ".join(project["project"]["dependencies"])
    bounds = dict(re.findall(r"([\w-]+)>=([\d.]+)", requirements))
    oldest = f"scikit-learn {bounds['scikit-learn']} and torch {bounds['torch']}"
    assert f"{oldest}, or later" in " ".join(README.split())
    assert f"Python {project['project']['requires-python'][2:]}" in README


def test_files_are_there():
    named = set(re.findall(r"`((?:docs|examples|tools)/[\w./]*)`", README))
    named |= set(re.findall(r"\]\(([\w./]+)\)", README))
    assert {"docs/picture.png", "docs/versions.rst", "CONTRIBUTING.md"} <= named
    for name in named:
        if not name.startswith("docs/_build/"):  # a command of the README makes it
            assert (ROOT / name).exists(), name
    assert (ROOT / "docs" / "picture.png").stat().st_size < 100_000


@pytest.mark.slow
def test_the_code_runs():
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len([line for line in code.splitlines() if line]) <= 11
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert float(finished.stdout) > 0.93
