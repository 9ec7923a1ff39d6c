"""Markdown tables for the terminal and the documentation."""

from pathlib import Path

TABLES = Path(__file__).parents[1] / "docs" / "tables"


def markdown(rows):
    """Return a Markdown table of rows, which are dicts with the same keys."""
    lines = [list(rows[0]), ["---"] * len(rows[0]), *(row.values() for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def saved_rows(name):
    """Return the rows of a saved table, or an empty list if there is none."""
    path = TABLES / f"{name}.md"
    if not path.exists():
        return []
    lines = [
        [cell.strip() for cell in line.strip("|\n").split(" | ")]
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith("|")
    ]
    return [dict(zip(lines[0], line, strict=True)) for line in lines[2:]]


def replace_rows(old, new, keys):
    """Return the old rows without those whose `keys` match a new row, then the new."""

    def identity(row):
        return [row[key] for key in keys]

    replaced = [identity(row) for row in new]
    return [row for row in old if identity(row) not in replaced] + new


def report(name, rows, notes, *, write):
    """Print a table and the notes below it. Save them if `write` is True."""
    text = "\n".join([markdown(rows), *(f"{note}\n" for note in notes)])
    print(text)
    if write:
        TABLES.mkdir(exist_ok=True)
        (TABLES / f"{name}.md").write_text(text, encoding="utf-8")
