"""Check the links inside a built site: python tools/check_links.py docs/_build/html.

Each `href` and `src` of a page that names no other host must lead to a file, and its
fragment to an element of that file. Prints the broken ones. The exit code is their
number, at most 100.
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The links of a page, and the names that a fragment can lead to."""

    def __init__(self, path):
        super().__init__()
        self.links, self.names = [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        """Keep links and names."""
        attributes = dict(attributes)
        self.names |= {attributes[key] for key in ("id", "name") if key in attributes}
        for key in ("href", "src"):
            if attributes.get(key):
                self.links.append(attributes[key])


def find_broken(root):
    """Return the number of pages in a folder, and their broken links.

    Returns
    -------
    n_pages : int
    broken : list of (page, link)
    """
    root = Path(root).resolve()
    # The theme keeps templates among the static files.
    paths = [p for p in root.rglob("*.html") if not p.is_relative_to(root / "_static")]
    pages = {path: Page(path) for path in sorted(paths)}
    broken = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve()
            target = path if not parts.path else target
            exists = target.is_file() and target.is_relative_to(root)
            if exists and parts.fragment and target in pages:
                exists = unquote(parts.fragment) in pages[target].names
            if not exists:
                broken.append((path.relative_to(root).as_posix(), link))
    return len(pages), broken


if __name__ == "__main__":
    n_pages, broken = find_broken(sys.argv[1])
    for page, link in broken:
        print(f"{page}: {link}")
    print(f"{n_pages} pages, {len(broken)} broken links")
    if not n_pages:
        sys.exit("There is no page.")
    sys.exit(min(len(broken), 100))
