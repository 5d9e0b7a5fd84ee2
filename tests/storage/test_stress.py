"""Short forms of the long runs; `tests/storage/stress.py` says how to start those."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def stress(*arguments: object) -> str:
    command = [sys.executable, "-m", "tests.storage.stress", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_kill_9_loses_nothing(tmp_path: Path) -> None:
    assert "nothing torn" in stress("kill", f"sqlite:///{tmp_path}/music.db", "--times", 25)


def test_many_processes_and_threads_on_one_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/music.db"
    assert "check clean" in stress("soak", url, "--seconds", 5, "--processes", 4, "--threads", 4)


@pytest.mark.postgres
def test_many_processes_and_threads_while_postgresql_restarts(postgres_url: str) -> None:
    """A cluster of its own, stopped fast and at once in the middle."""
    assert "all there once" in stress("restart", "--seconds", 9, "--processes", 3, "--threads", 4, "--within", 60)


@pytest.mark.postgres
def test_kill_9_loses_nothing_on_postgresql(postgres_database: str) -> None:
    assert "nothing torn" in stress("kill", postgres_database, "--times", 10)
