"""How the Watcher behaves towards its host."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.watcher.ledger import Ledger, make, until
from tracktion.analyzer import Analyzer
from tracktion.audio.limits import Limits
from tracktion.batch import IsolatedPool
from tracktion.errors import StorageBusyError, StorageFullError, TracktionError, UnsupportedError, UsageError
from tracktion.results.analysis import Analysis
from tracktion.results.change import FileChange
from tracktion.storage import open_storage
from tracktion.storage.journal import Journal
from tracktion.watcher import Watcher
from tracktion.watching import work
from tracktion.watching.machine import Machine

QUIET = 0.2


def pretend(source: Any) -> Analysis:
    """Stands for an Analyzer."""
    content = Path(source).read_bytes()
    if content == b"crash":
        os.abort()
    if content == b"noise":
        raise UnsupportedError("not audio", file=str(source))
    return Analysis(duration=float(len(content)), sample_rate=44100, channels=2, source=str(source))


def test_run_blocks_until_stop(root: Path) -> None:
    ledger = Ledger()
    paths = make(root, 5)
    with Watcher(root, handler=ledger, debounce=QUIET) as watcher:
        thread = threading.Thread(target=watcher.run)
        thread.start()
        assert ledger.wait_for(paths) == set()
        assert watcher.running
        watcher.stop()
        thread.join(10)
        assert not thread.is_alive()
    assert not watcher.running


def test_stop_and_start_again_and_twice(root: Path) -> None:
    ledger = Ledger()
    with Watcher(root, handler=ledger, debounce=QUIET) as watcher:
        for round_ in range(3):
            watcher.start()
            watcher.start()
            assert ledger.wait_for(make(root, 3, name=f"r{round_}-")) == set()
            watcher.stop()
            watcher.stop()
        assert len(ledger.changes) == 9


def test_one_bad_file_does_not_spoil_the_others(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "RETRY_SECONDS", (0.1, 0.2))
    seen: list[str] = []

    def handler(changes: list[FileChange]) -> None:
        if any("bad" in change.path.name for change in changes):
            raise RuntimeError("cannot digest this")
        seen.extend(change.path.name for change in changes)

    good, [bad] = make(root, 30), make(root, 1, name="bad")
    with Watcher(root, handler=handler, debounce=QUIET) as watcher:
        watcher.start()
        assert until(lambda: watcher.storage.count_files() == {"done": 30, "failed": 1})
        assert sorted(seen) == sorted(path.name for path in good)
        row = watcher.storage.get_file(os.fsencode(bad))
        assert row is not None
        assert row.attempts == 3
        assert row.reason == "Handler: RuntimeError: cannot digest this"
        assert isinstance(watcher.last_error, RuntimeError)
        assert watcher.is_healthy()
        assert watcher.retry_failed() == 1
        assert until(lambda: watcher.storage.count_files() == {"done": 30, "failed": 1})


def test_blocking_handler_does_not_stop_discovery_and_not_the_stop(root: Path) -> None:
    release = threading.Event()
    with Watcher(root, handler=lambda _: release.wait(30), debounce=QUIET) as watcher:
        watcher.start()
        make(root, 100)
        assert until(lambda: watcher.status().known == 100)
        started = time.monotonic()
        watcher.stop()
        assert time.monotonic() - started < 60
        release.set()


@pytest.mark.parametrize("isolation", ["process", None])
def test_results_of_an_analyzer_are_stored_and_handed_over(root: Path, isolation: Any) -> None:
    ledger = Ledger()
    good = make(root, 20)
    for number, path in enumerate(good):
        path.write_bytes(b"%d" % number)
    (root / "Artist - Noise.mp3").write_bytes(b"noise")
    if isolation:
        (root / "crash.mp3").write_bytes(b"crash")
    with Watcher(root, analyzer=pretend, handler=ledger, isolation=isolation, debounce=QUIET) as watcher:
        watcher.start()
        expected = {"done": 20, "failed": 2 if isolation else 1}
        assert until(lambda: watcher.storage.count_files() == expected)
        assert watcher.storage.count_analyses() == 20
        assert watcher.storage.count_tracks() == 20
        reasons = {row.reason for row in watcher.storage.find_files(states=["failed"])}
    changes = {change.path: change for change in ledger.changes}
    assert all(changes[path].analysis is not None for path in good)
    assert isinstance(changes[root / "Artist - Noise.mp3"].error, UnsupportedError)
    assert "Unsupported: not audio" in reasons
    if isolation:
        assert "WorkerCrashed: the worker died: signal 6 (SIGABRT)" in reasons
    assert ledger.twice() == []


def test_version_that_changes_during_the_work_is_done_again(root: Path) -> None:
    path = root / "a.mp3"
    path.write_bytes(b"1")
    begun, go_on = threading.Event(), threading.Event()

    def slow(source: Any) -> Analysis:
        content = Path(source).read_bytes()
        begun.set()
        go_on.wait(30)
        return Analysis(duration=float(len(content)), sample_rate=44100, channels=2)

    with Watcher(root, analyzer=slow, isolation=None, debounce=QUIET) as watcher:
        watcher.start()
        assert begun.wait(30)
        path.write_bytes(b"22")
        go_on.set()
        assert until(lambda: watcher.storage.count_files() == {"done": 1})
        row = watcher.storage.get_file(os.fsencode(path))
        assert row is not None
        assert row.size == 2
        assert watcher.storage.count_analyses() == 1


async def test_batches_for_asyncio(root: Path) -> None:
    make(root, 25)
    seen: list[FileChange] = []
    async with asyncio.timeout(60):
        async for batch in Watcher(root, debounce=QUIET, batch_size=10):
            assert len(batch) <= 10
            seen += batch
            if len(seen) == 25:
                break
    assert len({change.path for change in seen}) == 25


def test_scan_once(root: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    ledger = Ledger()
    make(root / "a", 15)
    with Watcher(root, storage=url, handler=ledger, debounce=QUIET) as watcher:
        status = watcher.scan_once()
        assert (status.done, status.failed, status.known) == (15, 0, 15)
        assert watcher.scan_once().done == 0
        make(root / "b", 5)
        assert watcher.scan_once().done == 5
    assert len(ledger.changes) == 20


def test_scan_once_leaves_what_is_being_written(root: Path) -> None:
    ledger = Ledger()
    [ready] = make(root, 1)
    with Watcher(root, handler=ledger, debounce=QUIET) as watcher, (root / "open.mp3").open("wb") as file:
        file.write(b"half")
        watcher.scan_once()
    assert ledger.paths() == {str(ready)}


def test_files_that_another_process_wants_retried_are_tried(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "RECOVER_SECONDS", 0.1)
    url = f"sqlite:///{tmp_path / 'state.db'}"
    noise = root / "noise.mp3"
    noise.write_bytes(b"noise")
    with Watcher(root, storage=url, analyzer=pretend, debounce=QUIET) as watcher:
        watcher.start()
        assert until(lambda: watcher.status().failed == 1)
        with Watcher(root, storage=url, analyzer=pretend) as another:
            assert another.retry_failed() == 1
        assert until(lambda: watcher.status().failed == 2)


def test_large_folder_comes_to_the_journal_in_pieces(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is a transaction, and whoever else wants to write waits for its end."""
    ready, sizes = Journal.ready, []

    def noting(journal: Journal, found: Any) -> int:
        sizes.append(len(found))
        return ready(journal, found)

    monkeypatch.setattr(Journal, "ready", noting)
    make(root, 2100)
    with Watcher(root, handler=Ledger(), batch_size=500, debounce=0.0) as watcher:
        watcher.scan_once()
        assert watcher.status().done == 2100
    assert sum(sizes) == 2100
    assert max(sizes) <= 1000


def test_second_owner_of_an_sqlite_file_is_refused(root: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    with (
        Watcher(root, storage=url, handler=print) as first,
        Watcher(root, storage=url, handler=print, owner_timeout=0.3) as second,
    ):
        first.start()
        with pytest.raises(StorageBusyError, match="another watcher"):
            second.start()
        first.stop()
        second.start()


def test_publisher_gets_every_version_after_it_was_stored(root: Path) -> None:
    sent: list[dict[str, Any]] = []
    failures = [ConnectionError("down"), ConnectionError("down")]

    def publish(message: dict[str, Any]) -> None:
        if failures:
            raise failures.pop()
        sent.append(message)

    paths = make(root, 27)
    with Watcher(root, handler=lambda _: None, publisher=publish, debounce=QUIET) as watcher:
        watcher.start()
        assert until(lambda: sum(m["batch_size"] for m in sent) == 27)
        assert until(lambda: watcher.status().unpublished == 0)
    assert sorted(name for m in sent for name in m["files"]) == sorted(map(str, paths))
    assert all(m["priority"] == (5 if m["batch_size"] > 5 else 1) for m in sent)


def test_deletions_are_reported_on_request(root: Path) -> None:
    ledger = Ledger()
    paths = make(root, 3)
    with Watcher(root, handler=ledger, debounce=QUIET, report_deletions=True) as watcher:
        watcher.start()
        assert ledger.wait_for(paths) == set()
        assert until(lambda: watcher.storage.count_files() == {"done": 3})
        paths[0].unlink()
        assert until(lambda: ledger.paths("deleted") == {str(paths[0])})
        assert until(lambda: watcher.storage.count_files() == {"done": 2, "deleted": 1})
        assert watcher.purge_deleted() == 1


def test_storage_that_is_full_pauses_and_resumes(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger()
    storage = open_storage("memory:")
    full = threading.Event()
    full.set()
    for name in ("put_files", "claim_files", "update_file"):
        real = getattr(storage, name)

        def maybe(*args: Any, real: Any = real, **options: Any) -> Any:
            if full.is_set():
                raise StorageFullError("no space left")
            return real(*args, **options)

        monkeypatch.setattr(storage, name, maybe)
    paths = make(root, 10)
    with Watcher(root, storage=storage, handler=ledger, debounce=QUIET) as watcher:
        watcher.start()
        assert until(lambda: isinstance(watcher.last_error, StorageFullError))
        full.clear()
        assert ledger.wait_for(paths) == set()
        assert ledger.twice() == []


def test_what_nobody_expected_of_a_storage_ends_no_thread(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake of a driver or a foreign home, once in each call, before and after it took effect."""
    ledger = Ledger()
    storage = open_storage("memory:")
    monkeypatch.setattr(work, "BACKOFF_SECONDS", (0.05,))
    left = {(name, when) for name in ("put_files", "claim_files", "update_file", "find_files") for when in (0, 1)}
    for name in ("put_files", "claim_files", "update_file", "find_files"):
        real = getattr(storage, name)

        def maybe(*args: Any, real: Any = real, name: str = name, **options: Any) -> Any:
            if (name, 0) in left and ready.is_set():
                left.discard((name, 0))
                raise IndexError("a driver's mistake")
            answer = real(*args, **options)
            if (name, 1) in left and ready.is_set():
                left.discard((name, 1))
                raise IndexError("a driver's mistake")
            return answer

        monkeypatch.setattr(storage, name, maybe)
    ready = threading.Event()
    with Watcher(root, storage=storage, handler=ledger, debounce=QUIET) as watcher:
        watcher.start()
        assert until(lambda: watcher.scans > 0)
        ready.set()
        paths = make(root, 30)
        assert ledger.wait_for(paths) == set()
        assert until(lambda: storage.count_files() == {"done": 30}), storage.count_files()
        assert isinstance(watcher.last_error, IndexError)
        assert watcher.is_healthy()
    assert left == set()


def test_result_that_cannot_be_stored_fails_its_file_alone(root: Path) -> None:
    class Odd(Analysis):
        def to_dict(self) -> dict[str, Any]:
            raise ValueError("not for keeps")

    def analyse(source: Any) -> Analysis:
        kind = Odd if "odd" in str(source) else Analysis
        return kind(
            duration=1.0, sample_rate=44100, channels=2, source=str(source), identity=f"sha256:{Path(source).name}"
        )

    messages: list[dict[str, Any]] = []
    make(root, 12)
    make(root, 2, name="odd")
    with Watcher(
        root, analyzer=analyse, handler=lambda _: None, publisher=messages.append, isolation=None, debounce=QUIET
    ) as watcher:
        watcher.start()
        assert until(lambda: watcher.storage.count_files() == {"done": 12, "failed": 2}), watcher.storage.count_files()
        reasons = {row.reason for row in watcher.storage.find_files(states=["failed"])}
        assert reasons == {"Unwritable: ValueError: not for keeps"}
        assert watcher.storage.count_analyses() == 12
        assert watcher.is_healthy()
        assert until(lambda: sum(len(message["files"]) for message in messages) == 14)


def test_mistake_that_stays_ends_in_bad_health(
    root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    storage = open_storage("memory:")
    monkeypatch.setattr(work, "BACKOFF_SECONDS", (0.01,))
    monkeypatch.setattr(threading, "excepthook", lambda _: None)

    def broken(**_: Any) -> Any:
        raise IndexError("always")

    monkeypatch.setattr(storage, "claim_files", broken)
    make(root, 3)
    with Watcher(root, storage=storage, handler=lambda _: None, debounce=QUIET) as watcher:
        watcher.start()
        assert until(lambda: watcher.scans > 0 and not watcher.status().running)
    assert "always" in caplog.text


def test_status_loses_no_file_on_its_way(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that stood still, and whose row is not written yet, is not forgotten: the watcher is not idle."""
    storage = open_storage("memory:", timeout=0.5)
    reached, go_on = threading.Event(), threading.Event()
    real = storage.put_files

    def slow(*args: Any, **options: Any) -> Any:
        reached.set()
        assert go_on.wait(60)
        return real(*args, **options)

    monkeypatch.setattr(storage, "put_files", slow)
    make(root, 10)
    with Watcher(root, storage=storage, handler=lambda _: None, debounce=0.0) as watcher:
        watcher.start()
        assert reached.wait(60)
        status = watcher.status()
        go_on.set()
        assert status.settling + status.ready + status.working + status.done == 10
        assert until(lambda: watcher.status().done == 10)
        assert watcher.status().settling == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_a_run_cleanly(root: Path, tmp_path: Path, number: int) -> None:
    make(root, 300)
    code = (
        "import sys, time\n"
        "from tracktion.watcher import Watcher\n"
        "def slow(changes):\n"
        "    print(len(changes), flush=True); time.sleep(0.05)\n"
        "with Watcher(sys.argv[1], storage=sys.argv[2], handler=slow, debounce=0.0) as watcher:\n"
        "    watcher.run()\n"
        "print('clean', flush=True)\n"
    )
    url = f"sqlite:///{tmp_path / 'state.db'}"
    host = subprocess.Popen(
        [sys.executable, "-c", code, str(root), url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert host.stdout is not None
    host.stdout.readline()
    started = time.monotonic()
    host.send_signal(number)
    out, err = host.communicate(timeout=30)
    assert (host.returncode, err) == (0, "")
    assert time.monotonic() - started < 60
    assert out.splitlines()[-1] == "clean"
    with open_storage(url) as storage:
        assert "running" not in storage.count_files()
        assert all(row.attempts == 0 for row in storage.find_files(states=["ready"]))


def test_misuse(root: Path) -> None:
    with pytest.raises(UsageError):
        Watcher()
    with pytest.raises(UsageError):
        Watcher(root, debounce=-1)
    with pytest.raises(UsageError):
        Watcher(root, batch_size=0)
    with pytest.raises(UsageError):
        Watcher(root, handler=3)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="RabbitMQPublisher"):
        Watcher(root, publisher="amqp://localhost/")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="open_storage"):
        Watcher(root, storage=3)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="WorkerLimits"):
        Watcher(root, analyzer=Analyzer(), limits=Limits()).start()  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="auto"):
        Watcher(root, analyzer=Analyzer(), isolation="threads").start()  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="class"):
        Watcher(root, analyzer=Analyzer)
    with pytest.raises(UsageError, match="function"):
        Watcher(root, analyzer="essentia")


def test_nothing_is_left_behind(root: Path) -> None:
    import psutil

    process = psutil.Process()
    make(root, 20)

    def once() -> None:
        with Watcher(root, analyzer=pretend, isolation="process", debounce=0.0) as watcher:
            watcher.start()
            assert until(lambda: watcher.status().done == 20)

    once()
    descriptors, threads = process.num_fds(), threading.active_count()
    once()
    assert process.num_fds() <= descriptors
    assert threading.active_count() <= threads
    assert [c for c in process.children(recursive=True) if c.status() == psutil.STATUS_ZOMBIE] == []


@pytest.mark.parametrize("end", ["stop", "close"])
def test_handler_may_stop_its_watcher(root: Path, tmp_path: Path, end: str) -> None:
    """What it was given counts as done, also where the storage is closed with the watcher."""
    url = f"sqlite:///{tmp_path / 'state.db'}"
    make(root, 10)
    seen: list[FileChange] = []
    with Watcher(root, storage=url, debounce=QUIET) as watcher:

        def handler(changes: list[FileChange]) -> None:
            seen.extend(changes)
            getattr(watcher, end)()

        watcher._handler = handler
        watcher.run()
    assert len(seen) == 10
    with open_storage(url) as storage:
        assert storage.count_files() == {"done": 10}


def test_publisher_may_stop_its_watcher(root: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    make(root, 1)
    with Watcher(root, storage=url, handler=Ledger(), debounce=QUIET) as watcher:
        watcher._publisher = lambda _message: watcher.stop()
        watcher.run()
        assert watcher.errors == []
    with Watcher(root, storage=url, handler=Ledger(), owner_timeout=10.0) as another:
        another.start()


def test_publisher_that_cannot_be_closed_leaves_nothing_locked(root: Path, tmp_path: Path) -> None:
    class Stuck:
        def __call__(self, message: dict[str, Any]) -> None:
            pass

        def close(self) -> None:
            raise OSError("it does not end")

    url = f"sqlite:///{tmp_path / 'state.db'}"
    with Watcher(root, storage=url, handler=Ledger(), publisher=Stuck()) as watcher:
        watcher.start()
    assert "it does not end" in str(watcher.last_error)
    with Watcher(root, storage=url, handler=Ledger(), owner_timeout=0.0) as another:
        another.start()


@pytest.mark.parametrize("error", [SystemExit, asyncio.CancelledError])
@pytest.mark.parametrize("who", ["handler", "coroutine", "analyzer"])
def test_file_for_which_the_host_wants_to_end_fails_alone(root: Path, error: type[BaseException], who: str) -> None:
    """These are no errors to Python, and would end the thread unseen."""
    paths = make(root, 3)

    def analyse(source: Any) -> Analysis:
        if Path(source) == paths[1]:
            raise error
        return pretend(source)

    def handler(changes: list[FileChange]) -> None:
        for change in changes:
            analyse(change.path)

    async def coroutine(changes: list[FileChange]) -> None:
        handler(changes)

    how: dict[str, Any] = {"analyzer": analyse} if who == "analyzer" else {"handler": locals()[who]}
    with Watcher(root, debounce=QUIET, **how) as watcher:
        status = watcher.scan_once()
        assert (status.done, status.failed) == (2, 1)
        [row] = watcher.storage.find_files(states=["failed"])
        assert error.__name__ in (row.reason or "")


def test_worker_that_cannot_be_started_says_nothing_of_the_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many processes or open files for a moment: the file is taken when there are workers again."""
    fork, failures = IsolatedPool._fork, [TracktionError("cannot start a worker", stage="start")] * 3

    def failing(pool: IsolatedPool) -> Any:
        if failures:
            raise failures.pop()
        return fork(pool)

    monkeypatch.setattr(IsolatedPool, "_fork", failing)
    make(root, 2)
    with Watcher(root, analyzer=pretend, isolation="process", debounce=QUIET) as watcher:
        watcher.start()
        assert until(lambda: watcher.status().done == 2)
        assert watcher.status().failed == 0
        assert "cannot start" in str(watcher.last_error)


def test_stop_ends_the_analyses_in_threads(root: Path) -> None:
    """A program waits for threads when it exits: what nobody waits for any more must not go on."""
    began, ended = threading.Event(), []

    class Patient(Analyzer):
        def analyze(self, source: Any) -> Analysis:
            left = self._left
            began.set()
            ended.append(left is not None and left.wait(60))
            return pretend(source)

    make(root, 1)
    with Watcher(root, analyzer=Patient(), isolation=None, debounce=QUIET) as watcher:
        watcher.start()
        assert began.wait(60)
        watcher.stop()
        assert until(lambda: ended == [True])


async def test_watcher_of_a_task_that_is_cancelled_while_it_starts_is_stopped(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on, start = threading.Event(), threading.Event(), Machine.start

    def slow(machine: Machine) -> None:
        begun.set()
        go_on.wait(60)
        start(machine)

    monkeypatch.setattr(Machine, "start", slow)

    async def use() -> None:
        async for _ in watcher:
            pass

    with Watcher(root) as watcher:
        task = asyncio.create_task(use())
        await asyncio.to_thread(begun.wait, 60)
        task.cancel()
        asyncio.get_running_loop().call_later(0, go_on.set)
        with pytest.raises(asyncio.CancelledError):
            await task
        with watcher._lock:  # the start is over
            assert not watcher.running


async def test_batches_of_a_running_watcher_cannot_be_had(root: Path) -> None:
    """They go elsewhere: whoever waited for them would wait for ever."""
    make(root, 1)
    with Watcher(root, handler=Ledger(), debounce=QUIET) as watcher:
        watcher.start()
        with pytest.raises(UsageError, match="running"):
            await anext(aiter(watcher))
        assert watcher.running
        watcher.stop()
        async for batch in watcher:
            with pytest.raises(UsageError, match="running"):
                await anext(aiter(watcher))
            assert len(batch) == 1
            break


def test_handler_may_be_a_coroutine_function(root: Path) -> None:
    seen: list[FileChange] = []

    async def handler(changes: list[FileChange]) -> None:
        await asyncio.sleep(0)
        seen.extend(changes)

    make(root, 5)
    with Watcher(root, handler=handler, debounce=QUIET) as watcher:
        watcher.scan_once()
    assert len(seen) == 5


def test_forked_child_of_the_host_does_not_disturb_the_watcher(root: Path) -> None:
    """And may start its own: what runs is the parent's."""
    code = (
        "import os, sys, time\n"
        "from pathlib import Path\n"
        "from tests.watcher.ledger import Ledger, make, until\n"
        "from tracktion.watcher import Watcher\n"
        "root, ledger = Path(sys.argv[1]), Ledger()\n"
        "with Watcher(root, handler=ledger, debounce=0.2, rescan_interval=60.0) as watcher:\n"
        "    watcher.start()\n"
        "    assert until(lambda: watcher.scans >= 1)\n"
        "    pid = os.fork()\n"
        "    if pid == 0:\n"
        "        watcher.stop()\n"
        "        os._exit(0)\n"
        "    pid = pid and os.fork()\n"
        "    if pid == 0:\n"
        "        assert not watcher.running\n"
        "        watcher.start()\n"
        "        os._exit(0 if until(lambda: watcher.status().running, 20) else 1)\n"
        "    assert os.waitpid(pid, 0)[1] == 0\n"
        "    assert ledger.wait_for(make(root, 5), 20) == set()\n"
    )
    subprocess.run([sys.executable, "-c", code, str(root)], check=True, timeout=120, cwd=Path(__file__).parents[2])
