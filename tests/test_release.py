"""The files of a release agree on its version and its date."""

import re
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def citation():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    return dict(re.findall(r'^([a-z-]+): "?([^"\n]+)"?$', text, re.MULTILINE))


def test_the_citation_is_of_the_installed_version(citation):
    assert citation["version"] == version("sknets")


def test_the_changelog_starts_with_the_version_of_the_citation(citation):
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    unreleased, newest, *_ = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert unreleased == "[Unreleased]"
    assert newest == f"[{citation['version']}] - {citation['date-released']}"
