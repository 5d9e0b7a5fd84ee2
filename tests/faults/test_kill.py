"""F1 and F2: the host dies at any moment; nothing is lost, nothing is done twice."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.checks import Record, assert_all_done, outcome
from tests.faults.nursery import Nursery
from tests.watcher.ledger import make
from tracktion.storage.journal_failpoints import FAILPOINTS

KILLS = int(os.environ.get("TRACKTION_FAULT_KILLS", "40"))
FILES = int(os.environ.get("TRACKTION_FAULT_FILES", "600"))
DEATHS = int(os.environ.get("TRACKTION_FAULT_DEATHS", "1"))


def files_with_content(root: Path, count: int, *, first: int = 0) -> list[Path]:
    paths = []
    for i in range(0, count, 50):
        paths += make(root / f"album{first + i}", min(50, count - i))
    for number, path in enumerate(paths, first):
        path.write_bytes(b"%d" % number)
    return paths


@pytest.mark.slow
def test_killed_at_random_moments(tmp_path: Path, record_property: Record) -> None:
    """F1."""
    url = f"sqlite:///{tmp_path / 'state.db'}"
    paths = files_with_content(tmp_path / "music", FILES)
    messages = tmp_path / "messages"
    options = {"root": str(tmp_path / "music"), "url": url, "messages": str(messages)}
    dice = random.Random(5)
    kills = 0
    with Nursery(tmp_path / "log") as nursery:
        while kills < KILLS:
            life = nursery.spawn("tests.faults.hosts:watch", seconds=0.02, **options)
            if life.wait(dice.uniform(0.08, 0.45)) is None:
                life.kill()
                kills += 1
                life.wait(10)
            else:  # it was done with everything: more to do
                paths += files_with_content(tmp_path / "music", 100, first=len(paths))
        assert nursery.spawn("tests.faults.hosts:watch", seconds=0.0, **options).wait(600) == 0
    record_property("faults", kills)
    assert_all_done(url, paths, published=messages)
    assert outcome(url)["analyses"] == len(paths)


@pytest.mark.slow
def test_kills_from_outside_fail_no_file(shared_nursery: Nursery, tmp_path: Path) -> None:
    """In hand at two ends, a file is not tried by lives that are too short to tell who ended them."""
    options = _one_file(tmp_path)
    for _ in range(2):
        assert shared_nursery.spawn("tests.faults.hosts:watch", failpoint="work.begin:1", **options).wait(60) == -9
    for _ in range(4):
        life = shared_nursery.spawn("tests.faults.hosts:watch", failpoint="work.begin:1", **options)
        assert life.wait(1.0) is None
        life.kill()
        life.wait(10)
    assert shared_nursery.spawn("tests.faults.hosts:watch", **options).wait(60) == 0
    assert outcome(str(options["url"]))["states"] == {"done": 1}


@pytest.mark.slow
def test_a_file_that_ends_the_process_is_failed_after_three_lives(shared_nursery: Nursery, tmp_path: Path) -> None:
    options = _one_file(tmp_path)
    for _ in range(3):
        assert shared_nursery.spawn("tests.faults.hosts:watch", failpoint="work.begin:1", **options).wait(60) == -9
    assert shared_nursery.spawn("tests.faults.hosts:watch", failpoint="work.begin:1", **options).wait(60) == 0
    found = outcome(str(options["url"]))
    assert found["states"] == {"failed": 1}
    assert "the process died 3 times" in str(found["reasons"])


def _one_file(folder: Path) -> dict[str, Any]:
    files_with_content(folder / "music", 1)
    return {"root": str(folder / "music"), "url": f"sqlite:///{folder / 'state.db'}", "seconds": 0.0}


@pytest.fixture(scope="module")
def shared_nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    with Nursery(tmp_path_factory.mktemp("nursery") / "log") as nursery:
        yield nursery


@pytest.mark.slow
@pytest.mark.parametrize("name", FAILPOINTS)
def test_killed_at_each_failpoint(shared_nursery: Nursery, tmp_path: Path, record_property: Record, name: str) -> None:
    """F2: each place is reached, the first time and later ones; a life that ends there changes nothing in the end."""
    nth, deaths = 1, 0
    while deaths < DEATHS:
        folder = tmp_path / f"{deaths}-{nth}"
        folder.mkdir()
        if _die_at(shared_nursery, folder, f"{name}:{nth}"):
            deaths, nth = deaths + 1, nth + 1
        else:
            assert nth > 1, f"{name} is never passed"
            nth = 1
    record_property("faults", deaths)


def _die_at(nursery: Nursery, folder: Path, failpoint: str) -> bool:
    url = f"sqlite:///{folder / 'state.db'}"
    paths = files_with_content(folder / "music", 30)
    messages, handled = folder / "messages", folder / "handled"
    options = {"root": str(folder / "music"), "url": url, "seconds": 0.0}
    options |= {"handled": str(handled)} if failpoint.startswith("handler") else {"messages": str(messages)}
    if failpoint.startswith("gone"):
        extra = make(folder / "music" / "extra", 3)
        assert nursery.spawn("tests.faults.hosts:watch", **options).wait(300) == 0
        for path in extra:
            path.unlink()
    early = {"stop_at_work": True, "seconds": 1.0} if failpoint.startswith("stop") else {}
    died = nursery.spawn("tests.faults.hosts:watch", failpoint=failpoint, **options | early).wait(300) == -9
    assert nursery.spawn("tests.faults.hosts:watch", **options).wait(300) == 0
    if failpoint.startswith("handler"):
        assert_all_done(url, paths)
        assert len({line.split('"')[3] for line in handled.read_text().splitlines()}) == len(paths)
    elif not failpoint.startswith("gone"):
        assert_all_done(url, paths, published=messages)
    else:
        assert outcome(url)["states"]["done"] == len(paths)
    return died
