"""Tables of Markdown, printed and put into a page."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers import replace_between_markers


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """One table; all columns but the first hold numbers."""
    rule = ["---", *["---:"] * (len(heads) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [heads, rule, *rows])


def report(page: Path | None, name: str, text: str) -> None:
    """Print a text, and put it between the markers ``matching: NAME`` of a page."""
    sys.stdout.write(f"\n{text}\n")
    sys.stdout.flush()
    if page:
        replace_between_markers(page, f"matching: {name}", text)
