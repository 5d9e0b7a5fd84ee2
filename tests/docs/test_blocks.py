"""Every Python code block of README and docs runs, page by page, as a reader would type them."""

from __future__ import annotations

import ast
import asyncio
import inspect
import os
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import tracktion
from tests import synth

ROOT = Path(__file__).parents[2]
PAGES = [p for p in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))) if p.exists()]
FENCE = re.compile(r"^(?P<indent> *)```python\b[^\n]*\n(?P<code>.*?)^(?P=indent)```", re.MULTILINE | re.DOTALL)
SERVERS = {
    r"postgresql\+psycopg://[^\"'\s]+": "TRACKTION_TEST_POSTGRES",
    r"redis://[^\"'\s]+": "TRACKTION_TEST_REDIS",
    r"amqps?://[^\"'\s]+": "TRACKTION_TEST_RABBITMQ",
}


@dataclass(frozen=True, slots=True)
class Block:
    """One code block: where it stands, and in which section."""

    line: int
    section: int
    code: str


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = []
    for match in FENCE.finditer(text):
        before, indent = text[: match.start("code")], match["indent"]
        code = "\n".join(line.removeprefix(indent) for line in match["code"].splitlines())
        found.append(Block(before.count("\n"), len(re.findall(r"^## ", before, re.MULTILINE)), code))
    return found


def with_servers(code: str) -> str | None:
    """The block with its example URLs replaced by the test servers'; None when one of them is not there."""
    for pattern, variable in SERVERS.items():
        if re.search(pattern, code):
            url = os.environ.get(variable)
            if not url:
                return None
            code = re.sub(pattern, lambda _, url=url: url, code)
    return code


def run(code: str, name: str, line: int, namespace: dict[str, object]) -> None:
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    compiled = compile("\n" * line + code, name, "exec", flags=flags, dont_inherit=True)
    answer = eval(compiled, namespace)
    if inspect.iscoroutine(answer):
        asyncio.run(answer)


@pytest.fixture
def reader_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where a reader would sit: a song, a folder of songs, and the example of the repository."""
    synth.song(124, "A minor", 8).stereo().write(tmp_path / "song.wav")
    (tmp_path / "music").mkdir()
    for name, bpm, key in (("Ann - One.wav", 124, "A minor"), ("Ben - Two.wav", 126, "E minor")):
        synth.song(bpm, key, 6).write(tmp_path / "music" / name)
    if (ROOT / "examples" / "song.ogg").exists():
        (tmp_path / "examples").mkdir()
        shutil.copy(ROOT / "examples" / "song.ogg", tmp_path / "examples" / "song.ogg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    yield tmp_path
    if plots := sys.modules.get("matplotlib.pyplot"):
        plots.close("all")


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_blocks_run(page: Path, reader_folder: Path) -> None:
    """The blocks of a page run in order in one namespace; one that lacks its server ends its section."""
    namespace: dict[str, object] = {"__name__": "__main__"}
    ended: set[int] = set()
    for block in blocks(page):
        code = with_servers(block.code)
        if code is None:
            ended.add(block.section)
        if code is not None and block.section not in ended:
            run(code, str(page), block.line, namespace)
    for value in namespace.values():  # as at the end of a reader's program, rather than in another page's test
        if isinstance(value, tracktion.Storage) and not isinstance(value, type):
            value.close()


def test_the_collector_sees_blocks() -> None:
    """A page that shows every form of fence gives every block, with its line and without its indentation."""
    page = Path(__file__).parent / "sample.md"
    assert [(b.line, b.section, b.code) for b in blocks(page)] == [
        (3, 0, "a = 1"),
        (11, 1, "if a:\n    a += 1"),
    ]
