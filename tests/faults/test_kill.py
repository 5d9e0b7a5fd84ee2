"""F1 and F2: the host dies at any moment; nothing is lost, nothing is done twice."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.faults.checks import assert_all_done, outcome
from tests.faults.nursery import Nursery
from tests.watcher.ledger import make
from tracktion.storage.journal_failpoints import FAILPOINTS

LIVES = int(os.environ.get("TRACKTION_FAULT_KILLS", "40"))
FILES = int(os.environ.get("TRACKTION_FAULT_FILES", "600"))
REPEATS = int(os.environ.get("TRACKTION_FAULT_REPEATS", "1"))


def files_with_content(root: Path, count: int) -> list[Path]:
    paths = []
    for i in range(0, count, 50):
        paths += make(root / f"album{i}", min(50, count - i))
    for number, path in enumerate(paths):
        path.write_bytes(b"%d" % number)
    return paths


@pytest.mark.slow
def test_killed_at_random_moments(tmp_path: Path) -> None:
    """F1."""
    url = f"sqlite:///{tmp_path / 'state.db'}"
    paths = files_with_content(tmp_path / "music", FILES)
    messages = tmp_path / "messages"
    options = {"root": str(tmp_path / "music"), "url": url, "messages": str(messages)}
    dice = random.Random(5)
    kills = 0
    with Nursery(tmp_path / "log") as nursery:
        for _ in range(LIVES):
            life = nursery.spawn("tests.faults.hosts:watch", seconds=0.02, **options)
            if life.wait(dice.uniform(0.08, 0.45)) is None:
                life.kill()
                kills += 1
                life.wait(10)
        assert nursery.spawn("tests.faults.hosts:watch", seconds=0.0, **options).wait(120) == 0
    assert kills >= min(LIVES, 20)
    assert_all_done(url, paths, published=messages)
    assert outcome(url)["analyses"] == len(paths)


@pytest.mark.slow
def test_killed_at_each_failpoint(tmp_path: Path) -> None:
    """F2: each place is reached, and a life that ends there changes nothing in the end."""
    missed = []
    with Nursery(tmp_path / "log") as nursery:
        for name in FAILPOINTS:
            for nth in range(1, REPEATS + 1):
                folder = tmp_path / f"{name}-{nth}"
                folder.mkdir()
                if not _die_at(nursery, folder, f"{name}:{nth}"):
                    missed.append(f"{name}:{nth}")
    assert [name for name in missed if name.endswith(":1")] == []


def _die_at(nursery: Nursery, folder: Path, failpoint: str) -> bool:
    url = f"sqlite:///{folder / 'state.db'}"
    paths = files_with_content(folder / "music", 30)
    messages, handled = folder / "messages", folder / "handled"
    options = {"root": str(folder / "music"), "url": url, "seconds": 0.0}
    options |= {"handled": str(handled)} if failpoint.startswith("handler") else {"messages": str(messages)}
    if failpoint.startswith("gone"):
        extra = make(folder / "music" / "extra", 3)
        assert nursery.spawn("tests.faults.hosts:watch", **options).wait(60) == 0
        for path in extra:
            path.unlink()
    early = {"stop_after": 0.3, "seconds": 0.2} if failpoint.startswith("stop") else {}
    died = nursery.spawn("tests.faults.hosts:watch", failpoint=failpoint, **options | early).wait(60) == -9
    assert nursery.spawn("tests.faults.hosts:watch", **options).wait(60) == 0
    if failpoint.startswith("handler"):
        assert_all_done(url, paths)
        assert len({line.split('"')[3] for line in handled.read_text().splitlines()}) == len(paths)
    elif not failpoint.startswith("gone"):
        assert_all_done(url, paths, published=messages)
    else:
        assert outcome(url)["states"]["done"] == len(paths)
    return died
