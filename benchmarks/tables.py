"""Markdown tables for the terminal and the documentation."""

from pathlib import Path

TABLES = Path(__file__).parents[1] / "docs" / "tables"


def markdown(rows):
    """Return a table of rows, which are dicts with the same keys."""
    lines = [list(rows[0]), ["---"] * len(rows[0]), *(row.values() for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def report(name, rows, notes, *, write):
    """Print a table and the lines below it; save them where that is asked for."""
    text = "\n".join([markdown(rows), *(f"{note}\n" for note in notes)])
    print(text)
    if write:
        TABLES.mkdir(exist_ok=True)
        (TABLES / f"{name}.md").write_text(text, encoding="utf-8")
