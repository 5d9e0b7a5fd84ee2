"""Tables of Markdown, printed and put into a page."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, words: int = 1) -> str:
    """One table; the first `words` columns hold words, the others numbers."""
    rule = [*["---"] * words, *["---:"] * (len(heads) - words)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [heads, rule, *rows])


def report(page: Path | None, name: str, text: str) -> None:
    """Print a text, and put it between the markers NAME of a page."""
    sys.stdout.write(f"\n{text}\n")
    sys.stdout.flush()
    if page:
        replace_between_markers(page, name, text)


def replace_between_markers(page: Path, name: str, text: str) -> None:
    """Put `text` between ``<!-- NAME -->`` and ``<!-- /NAME -->`` of a page."""
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    page_text = page.read_text()
    if start not in page_text or end not in page_text:
        page_text += f"\n{start}\n{end}\n"
    before, rest = page_text.split(start, 1)
    page.write_text(f"{before}{start}\n\n{text}\n\n{end}{rest.split(end, 1)[1]}")
