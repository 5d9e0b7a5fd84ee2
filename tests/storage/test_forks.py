"""A process that forks with an open catalogue, as servers that preload do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import os, sys, threading
from tracktion.errors import StorageUnavailableError
from tracktion.storage import open_storage

def fork(storage, title):
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        storage.add_tracks([{"title": title}])
        status = 0 if storage.get_track(1).title == "before" else 3
    except StorageUnavailableError as error:
        status = 2 if "forked" in str(error) else 4
    finally:
        os._exit(status)

def statuses(children):
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]

with open_storage(sys.argv[1]) as storage:
    storage.add_tracks([{"title": "before"}])
    assert statuses([fork(storage, f"idle {n}") for n in range(3)]) == [0, 0, 0]
    entered, leave = threading.Event(), threading.Event()

    def keep():
        with storage.transaction():
            storage.add_tracks([{"title": "busy parent"}])
            entered.set()
            leave.wait(20)

    thread = threading.Thread(target=keep)
    thread.start()
    entered.wait(20)
    child = fork(storage, "busy")
    leave.set()
    thread.join(20)
    print(statuses([child])[0])
    storage.add_tracks([{"title": "after"}])
    print(sorted(track.title for track in storage.iter_tracks()))
    assert storage.check() == []
"""

IDLE = ["after", "before", "busy parent", "idle 0", "idle 1", "idle 2"]


def run(url: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", CODE, url], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_children_write_beside_their_parent(tmp_path: Path) -> None:
    """When it was idle at the fork; when it was not, they are told, and the parent goes on."""
    assert run(f"sqlite:///{tmp_path}/music.db") == ["2", str(IDLE)]


@pytest.mark.postgres
def test_children_write_beside_their_parent_on_postgresql(postgres_database: str) -> None:
    """In both cases: a child opens connections of its own."""
    assert run(postgres_database) == ["0", str(sorted([*IDLE, "busy"]))]
