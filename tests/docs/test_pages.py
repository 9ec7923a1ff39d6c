"""The code on every page of the documentation runs, and prints what the page says.

Doctests and blocks of Python share the names of their page, from its top to its bottom.
A block that cannot run here has a caption that says so to the reader: "Not run: ...".
"""

import doctest
import re
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GENERATED = {"_build", "auto_examples", "generated", "tables"}
LANGUAGES = {"console", "json", "python", "sh", "text"}
DIRECTIVE = re.compile(
    r"^(?P<indent> *)\.\. code-block:: *(?P<language>\S*)\n"
    r"(?P<options>(?:(?P=indent) +:.*\n)*)\n*"
    r"(?P<source>(?:(?P=indent) +.*\n|\n)+)",
    re.MULTILINE,
)
FENCE = re.compile(
    r"^```(?P<language>\S*)(?P<options>)\n(?P<source>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
PYTHON = ".. code-block:: python\n"
SLOW = {
    "README.md",
    "docs/how_to_add_an_estimator.rst",
    "docs/index.rst",
    "docs/parallel.rst",
    "docs/user_guide/autoencoder.rst",
}


def find_pages():
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    for path in sorted((ROOT / "docs").rglob("*.*")):
        inside = path.relative_to(ROOT / "docs").parts
        if path.suffix in {".rst", ".md"} and not GENERATED & set(inside):
            pages.append(path)
    return pages


def find_blocks(text, pattern):
    """Yield the line, the language, the options and the source of code blocks."""
    for match in pattern.finditer(text):
        line = text.count("\n", 0, match.start("source"))
        source = textwrap.dedent(match["source"])
        yield line, match["language"], match["options"], source


def run_doctest(example, names, path):
    test = doctest.DocTest([example], names, path.name, str(path), 0, None)
    runner = doctest.DebugRunner(optionflags=doctest.ELLIPSIS, verbose=False)
    try:
        runner.run(test, clear_globs=False)
    except doctest.UnexpectedException as failure:
        raise failure.exc_info[1] from None
    except doctest.DocTestFailure as failure:
        pytest.fail(
            f"{path}, line {example.lineno + 1}:\n{example.source}"
            f"Expected:\n{example.want}Got:\n{failure.got}",
            pytrace=False,
        )
    names.update(test.globs)


def run_page(path):
    """Run the code of a page. Return the number of its blocks and doctests."""
    text = path.read_text(encoding="utf-8")
    names = {"__name__": "__main__"}
    pattern = FENCE if path.suffix == ".md" else DIRECTIVE
    steps = [
        (line, source)
        for line, language, options, source in find_blocks(text, pattern)
        if language == "python" and ":caption: Not run: " not in options
    ]
    examples = doctest.DocTestParser().get_examples(text, path.name)
    steps += [(example.lineno, example) for example in examples]
    for line, step in sorted(steps, key=lambda step: step[0]):
        if isinstance(step, doctest.Example):
            run_doctest(step, names, path)
        else:
            exec(compile("\n" * line + step, str(path), "exec"), names)
    return len(steps)


def page_name(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(
            path,
            id=page_name(path),
            marks=[pytest.mark.slow] if page_name(path) in SLOW else [],
        )
        for path in find_pages()
    ],
)
def test_code_runs(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(path.parent)  # of files that the page shows
    monkeypatch.setenv("MPLBACKEND", "Agg")
    run_page(path)


@pytest.mark.parametrize("path", find_pages(), ids=page_name)
def test_code_says_its_language(path):
    """Otherwise a block of Python could stay unseen."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        blocks = find_blocks(text, FENCE)
        languages = {language for _, language, *_ in blocks if language[:1] != "{"}
    else:
        languages = {language for _, language, *_ in find_blocks(text, DIRECTIVE)}
        assert not re.findall(r"^(?! *\.\. ).*::$", text, re.MULTILINE)
        assert not re.findall(r"^ *\.\. (?:code|sourcecode|doctest|testcode)::", text)
    assert languages <= LANGUAGES


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.rst", ">>> 1 + 1\n3\n"),
        ("a.rst", PYTHON + "    :caption: A\n\n    assert False\n"),
        ("a.rst", ">>> n = 1\n\n" + PYTHON + "\n    assert n == 2\n"),
        ("a.rst", PYTHON + "\n    n = 1\n\nText.\n\n>>> n\n2\n"),
        ("a.md", "Text.\n\n```python\nn = 1\nassert n == 2\n```\n"),
    ],
)
def test_a_page_that_is_wrong_fails(name, content, tmp_path):
    page = tmp_path / name
    page.write_text(content, encoding="utf-8")
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        run_page(page)


def test_a_block_with_a_caption_that_says_so_is_not_run(tmp_path):
    page = tmp_path / "a.rst"
    content = PYTHON + "    :caption: Not run: needs a GPU\n\n    assert False\n"
    page.write_text(content, encoding="utf-8")
    assert run_page(page) == 0
