"""F12, F14, F15, F17: clocks that jump, calls that fail, events that are lost, watches that run out."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.checks import outcome
from tests.faults.nursery import Nursery
from tests.watcher.ledger import Ledger, make, until
from tracktion.watcher import Watcher
from tracktion.watching import content, hints, roots, scan, system

QUIET = 0.2
STORM = int(os.environ.get("TRACKTION_FAULT_STORM", "5000"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("jump", [86_400.0, -86_400.0, None])
def test_clock_jumps(root: Path, monkeypatch: pytest.MonkeyPatch, jump: float | None) -> None:
    """F12."""
    real = time.time
    ledger = Ledger()
    with Watcher(root, handler=ledger, debounce=QUIET, rescan_interval=0.5) as watcher:
        watcher.start()
        assert ledger.wait_for(make(root / "before", 5)) == set()
        monkeypatch.setattr(time, "time", lambda: 0.0 if jump is None else real() + jump)
        with (root / "slow.mp3").open("wb") as file:
            for _ in range(6):
                file.write(b"12")
                file.flush()
                time.sleep(QUIET / 2)
        future = make(root / "future", 5)
        for path in future:
            os.utime(path, (real() + 1e6, real() + 1e6))
        past = make(root / "past", 5)
        for path in past:
            os.utime(path, (0, 0))
        assert ledger.wait_for([*future, *past, root / "slow.mp3"]) == set()
        time.sleep(3 * QUIET)
    assert ledger.twice() == []
    assert next(c.size for c in ledger.changes if c.path.name == "slow.mp3") == 12


def failing(real: Callable[..., Any], code: int, times: int) -> Callable[..., Any]:
    left = times

    def call(*args: Any, **options: Any) -> Any:
        nonlocal left
        if left > 0:
            left -= 1
            raise OSError(code, os.strerror(code))
        return real(*args, **options)

    return call


@pytest.mark.parametrize("code", [errno.EIO, errno.EACCES, errno.ENOENT, errno.ESTALE, errno.EMFILE])
@pytest.mark.parametrize("site", ["list", "root", "stat", "signature", "mark", "writer", "arm"])
def test_system_calls_that_fail(root: Path, monkeypatch: pytest.MonkeyPatch, site: str, code: int) -> None:
    """F14."""
    monkeypatch.setattr(scan, "RETRY_SECONDS", 0.1)
    sites: dict[str, tuple[Any, str]] = {
        "list": (scan, "list_folder"),
        "root": (roots, "status_of"),
        "stat": (scan, "status_of"),
        "signature": (content.os, "lstat"),
        "mark": (content.os, "pread"),
        "writer": (system.os, "fstat"),
        "arm": (hints.FolderHints, "arm"),
    }
    where, name = sites[site]
    paths = make(root / "a", 10)
    ledger = Ledger()
    with Watcher(root, handler=ledger, debounce=QUIET, rescan_interval=0.3) as watcher:
        monkeypatch.setattr(where, name, failing(getattr(where, name), code, 3))
        watcher.start()
        more = make(root / "b", 10)
        assert ledger.wait_for(paths + more) == set()
        time.sleep(2 * QUIET)
    assert ledger.twice() == []


def test_folder_that_may_not_be_read_does_not_stop_the_others(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = scan.list_folder

    def refuse(path: bytes, names: Any) -> Any:
        if path.endswith(b"/secret"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return real(path, names)

    monkeypatch.setattr(scan, "list_folder", refuse)
    make(root / "secret", 3)
    ledger = Ledger()
    with Watcher(root, handler=ledger, debounce=QUIET) as watcher:
        watcher.start()
        assert ledger.wait_for(make(root / "open", 3)) == set()
        assert isinstance(watcher.last_error, PermissionError)


@pytest.mark.slow
def test_storm_while_stopped(root: Path, tmp_path: Path) -> None:
    """F15: as with Watchman's own test, the process is stopped, the tree changes, and the process goes on."""
    url = f"sqlite:///{tmp_path / 'state.db'}"
    make(root, 1, name="first")
    with Nursery(tmp_path / "log") as nursery:
        handled = str(tmp_path / "handled")
        life = nursery.spawn(
            "tests.faults.hosts:watch", root=str(root), url=url, handled=handled, seconds=0.0, stay=True, batch_size=100
        )
        assert until(lambda: Path(handled).exists())
        life.kill(signal.SIGSTOP)
        make(root, STORM)
        life.kill(signal.SIGCONT)
        assert until(lambda: Path(handled).read_bytes().count(b"\n") >= STORM + 1, 600)
        life.kill()
        life.wait(10)
    assert outcome(url)["rows"] == STORM + 1


@pytest.fixture
def few_watches(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    inotify_c = pytest.importorskip("watchdog.observers.inotify_c")
    real = inotify_c.InotifyFD.add_callback
    given = 0

    def add(self: Any, path: bytes, *rest: Any) -> Any:
        nonlocal given
        given += 1
        if given > 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(self, path, *rest)

    monkeypatch.setattr(inotify_c.InotifyFD, "add_callback", add)
    return


@pytest.mark.usefixtures("few_watches")
def test_watches_run_out(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    """F17: polling for the rest, one warning."""
    ledger = Ledger()
    existing = [p for i in range(30) for p in make(root / f"{i}", 2)]
    with caplog.at_level(logging.WARNING), Watcher(root, handler=ledger, debounce=QUIET) as watcher:
        watcher.start()
        assert ledger.wait_for(existing) == set()
        assert ledger.wait_for([p for i in range(30) for p in make(root / f"{i}", 2, name="new")]) == set()
        assert watcher.status().polling == (str(root),)
        assert watcher.is_healthy()
    assert len([r for r in caplog.records if "no more watches" in r.message]) == 1


def test_no_instance_to_be_had(root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    inotify_c = pytest.importorskip("watchdog.observers.inotify_c")

    def refuse() -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(inotify_c.InotifyFD, "_create_inotify_fd", staticmethod(refuse))
    ledger = Ledger()
    with caplog.at_level(logging.WARNING), Watcher(root, handler=ledger, debounce=QUIET) as watcher:
        watcher.start()
        assert ledger.wait_for(make(root / "a", 10)) == set()
    assert len([r for r in caplog.records if "scan" in r.message]) == 1


@pytest.mark.slow
def test_real_watch_limit(root: Path, tmp_path: Path) -> None:
    """F17 with the kernel's own limit, in a user namespace where the system allows one."""
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from tests.watcher.ledger import Ledger, make\n"
        "from tracktion.watcher import Watcher\n"
        "root, ledger = Path(sys.argv[1]), Ledger()\n"
        "paths = [p for i in range(60) for p in make(root / str(i), 2)]\n"
        "with Watcher(root, handler=ledger, debounce=0.2) as watcher:\n"
        "    watcher.start()\n"
        "    assert ledger.wait_for(paths) == set()\n"
        "    assert ledger.wait_for([p for i in range(60) for p in make(root / str(i), 2, name='n')]) == set()\n"
        "    print(*watcher.status().polling)\n"
    )
    limit = 'echo 20 > /proc/sys/user/max_inotify_watches && exec "$0" -c "$1" "$2"'
    unshare = shutil.which("unshare")
    command = [unshare or "unshare", "-Ur", "sh", "-c", limit, sys.executable, script, str(root)]
    probe = subprocess.run([*command[:2], "true"], capture_output=True, check=False) if unshare else None
    if probe is None or probe.returncode:
        command = [sys.executable, "-c", script, str(root)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=120, cwd=Path(__file__).parents[2]
    )
    assert done.returncode == 0, done.stderr
    if probe is not None and probe.returncode == 0:
        assert done.stdout.strip() == str(root)
        assert done.stderr.count("no more watches") <= 1
