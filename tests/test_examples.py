"""The main job runs as a reader would run it. `nox -s docs` runs the gallery."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(script, folder, *arguments):
    environment = os.environ | {"MPLBACKEND": "Agg", "PYTHONWARNINGS": "default"}
    if "PYTEST_XDIST_WORKER" in os.environ:
        # Two processes that each take all cores wait for each other most of the time.
        environment["OMP_NUM_THREADS"] = "1"
    return subprocess.run(
        [sys.executable, str(EXAMPLES / script), *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )


@pytest.mark.slow
def test_reproduction_of_the_article_on_the_sample(tmp_path):
    finished = run("reproduce_article.py", tmp_path)
    lines = finished.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert not set("\r\x1b\b") & set(finished.stdout)
    assert "\r" not in finished.stderr
    header, *_ = (line for line in lines if "published" in line)
    assert header.split() == [
        *("published", "article's", "recipe", "seconds", "defaults", "seconds")
    ]
    rows = {
        line.split(":")[0]: line.rsplit(maxsplit=5)[1:] for line in lines if ":" in line
    }
    assert float(rows["Softmax"][1]) > 0.86
    assert float(rows["MLP with dropout"][1]) > 0.93
    assert float(rows["ConvNet"][1]) > 0.93
    assert float(rows["Autoencoder"][1].replace(",", "")) < 2_000_000
    sheet = tmp_path / "outputs" / "reconstructions.png"
    assert sheet.read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_reproduction_help(tmp_path):
    assert "--data {sample,mnist}" in run("reproduce_article.py", tmp_path, "-h").stdout
