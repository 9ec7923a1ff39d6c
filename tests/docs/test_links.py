"""The check of the links inside the built site finds what is broken, and only that."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "check_links.py"
TARGET = '<p id="here">text</p>'


@pytest.fixture(scope="module")
def find_broken():
    spec = importlib.util.spec_from_file_location("check_links", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.find_broken


@pytest.mark.parametrize(
    ("link", "is_broken"),
    [
        ("folder/b.html", False),
        ("folder/b.html#here", False),
        ("folder/b.html#there", True),
        ("folder/c.html", True),
        ("../outside.html", True),
        ("#own", False),
        ("#here", True),
        ("https://example.org/c.html", False),
    ],
)
def test_broken_links_are_found(link, is_broken, find_broken, tmp_path):
    root = tmp_path / "site"
    (root / "folder").mkdir(parents=True)
    (root / "a.html").write_text(f'<h1 id="own"></h1><a href="{link}">a</a>')
    (root / "folder" / "b.html").write_text(TARGET)
    (tmp_path / "outside.html").write_text(TARGET)
    assert find_broken(root) == (2, [("a.html", link)] if is_broken else [])


def test_a_picture_that_is_missing_is_found(find_broken, tmp_path):
    (tmp_path / "a.html").write_text('<img src="b.png">')
    assert find_broken(tmp_path) == (1, [("a.html", "b.png")])
