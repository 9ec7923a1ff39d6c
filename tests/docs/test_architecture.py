"""The page on the architecture shows the floors that the linter enforces."""

import re
import tomllib
from pathlib import Path

import pytest

import sknets

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def contract():
    with (ROOT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    (layers,) = (found for found in contracts if found["type"] == "layers")
    return layers


def test_the_table_has_the_floors_from_top_to_bottom(contract):
    page = (ROOT / "docs" / "architecture.rst").read_text(encoding="utf-8")
    rows = re.findall(r"^(\d)  `(\w+)` ", page, re.MULTILINE)
    above, *floors = contract["layers"]
    assert above == "_onnx"
    assert rows == [(str(4 - i), name) for i, name in enumerate(floors)]


def test_the_picture_has_all_packages(contract):
    picture = (ROOT / "docs" / "_static" / "floors.svg").read_text(encoding="utf-8")
    names = re.findall(r'class="name"[^>]*>(\w+)<', picture)
    rooms = [*contract["layers"], *contract["exhaustive_ignores"]]
    package = Path(sknets.__file__).parent
    assert sorted(names) == sorted(room for room in rooms if (package / room).is_dir())
    assert [name for name in names if name in contract["layers"]] == contract["layers"]
