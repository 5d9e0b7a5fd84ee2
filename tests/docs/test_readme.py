"""The README keeps its word: what its commands print is what it shows, and everything that it names is there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMAND = re.compile(
    r"^```bash\n(?P<command>[^`]*-m tracktion analyze [^`]*)```.*?^```text\n(?P<output>.*?)^```",
    re.MULTILINE | re.DOTALL,
)


def test_the_first_command_prints_what_is_shown() -> None:
    """On the song of the repository, word for word (spacing apart)."""
    shown = COMMAND.search(README)
    assert shown is not None
    arguments = shown["command"].strip().rpartition("-m tracktion ")[2].split()
    environment = os.environ | {"COLUMNS": "120", "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "tracktion", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.split() == shown["output"].split()
    assert done.stderr == ""


def test_code_stands_in_the_first_screen() -> None:
    """Two sentences or so, then code: before line 12."""
    lines = README.splitlines()
    assert lines.index("```python") < 12


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "CONTRIBUTING.md"], ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link names a file of the repository."""
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
    missing = [target for target in targets if not (ROOT / target).exists()]
    assert missing == []


def test_every_extra_that_docs_name_exists() -> None:
    """``tracktion[name]`` and ``[name]`` beside pip are in pyproject.toml."""
    import tomllib

    extras = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"])
    named = set()
    for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        for found in re.findall(r"(?:tracktion|'\.|\"\.)\[([a-z,]+)\]", page.read_text(encoding="utf-8")):
            named |= set(found.split(","))
    assert named <= extras
