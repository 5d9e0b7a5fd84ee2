"""A crash, hang or memory bomb costs one file."""

from __future__ import annotations

import errno
import gzip
import io
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.batch.tasks import Multiplier, measure
from tests.storage.servers import wait_for
from tracktion.batch import IsolatedPool, Task, WorkerLimits, isolated
from tracktion.errors import OutOfMemoryError, TimeoutExceededError, TracktionError, UsageError, WorkerCrashedError

MIB = 1 << 20


@pytest.fixture(scope="module")
def pool() -> Iterator[IsolatedPool]:
    with IsolatedPool(workers=2, limits=WorkerLimits(memory_bytes=256 * MIB, seconds=20)) as made:
        yield made


def test_results_come_back(pool: IsolatedPool) -> None:
    futures = [pool.submit(measure, "x" * n) for n in range(1, 50)]
    assert [f.result(30) for f in futures] == list(range(1, 50))


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("segfault", WorkerCrashedError),
        ("abort", WorkerCrashedError),
        ("exit", WorkerCrashedError),
        ("sigkill", WorkerCrashedError),
        ("eat", OutOfMemoryError),
        ("nibble", OutOfMemoryError),
        ("rubbish", TracktionError),
        ("raise", TracktionError),
        ("bulk", TracktionError),
    ],
)
def test_each_misdeed_is_a_typed_error_and_the_next_file_is_fine(
    pool: IsolatedPool, name: str, error: type[TracktionError]
) -> None:
    future = pool.submit(measure, f"/music/{name}.mp3")
    with pytest.raises(error) as caught:
        future.result(60)
    assert type(caught.value) is error
    assert caught.value.file == f"/music/{name}.mp3"
    assert pool.submit(measure, "/music/good").result(30) == 4


@pytest.mark.parametrize("name", ["hang", "sigstop", "spin"])
def test_time_limit_ends_what_does_not_want_to_end(pool: IsolatedPool, name: str) -> None:
    started = time.monotonic()
    with pytest.raises(TimeoutExceededError):
        pool.submit(measure, name, timeout=0.5).result(30)
    assert time.monotonic() - started < 60
    assert pool.submit(measure, "good").result(30) == 4


def test_processor_time_is_limited_apart_from_wall_time() -> None:
    with (
        IsolatedPool(workers=1, limits=WorkerLimits(seconds=60, cpu_seconds=1)) as pool,
        pytest.raises(TimeoutExceededError, match="processor time"),
    ):
        pool.submit(measure, "spin").result(60)


def test_one_poison_file_in_twenty_leaves_the_others_right(pool: IsolatedPool) -> None:
    names = [f"segfault{i}" if i % 20 == 0 else f"file{i}" for i in range(400)]
    futures = [pool.submit(measure, name) for name in names]
    seen = Counter(type(f.exception(60)).__name__ for f in futures)
    assert seen == {"NoneType": 380, "WorkerCrashedError": 20}
    assert all(f.result() == len(n) for f, n in zip(futures, names, strict=True) if f.exception() is None)


def test_worker_gives_up_privileges_and_inherits_nothing(pool: IsolatedPool, tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w"):
        state = pool.submit(measure, "state").result(30)
    assert state["no_new_privs"]
    assert state["threads"] == 1
    of_host = [path for path in state["open_files"] if "/libffi.so" not in path]  # libffi 3.5 keeps itself open
    assert of_host[:3] == [os.devnull] * 3
    assert [path.partition(":")[0] for path in of_host[3:]] == ["socket"]  # the channel


def test_bytes_and_file_objects_travel_as_descriptors(pool: IsolatedPool, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"abc")
    assert pool.submit(measure, io.BytesIO(b"12345")).result(30) == 5
    assert pool.submit(measure, b"RIFF\0" * 3000).result(30) == 15000
    assert pool.submit(measure, b"ID3").result(30) == 3, "few bytes are content too, never a path"
    with path.open("rb") as file:
        assert pool.submit(measure, file).result(30) == 3


def test_what_only_looks_like_a_file_travels_as_what_it_reads(pool: IsolatedPool, tmp_path: Path) -> None:
    content = bytes(3 * MIB)  # more than a worker may write
    with gzip.open(tmp_path / "x.gz", "wb") as file:
        file.write(content)
    with gzip.open(tmp_path / "x.gz", "rb") as file:
        assert pool.submit(measure, file).result(30) == len(content)
    ours, theirs = os.pipe()

    def write() -> None:
        with os.fdopen(theirs, "wb") as file:
            file.write(content)

    writer = threading.Thread(target=write)
    writer.start()
    with os.fdopen(ours, "rb") as pipe:
        assert pool.submit(measure, pipe).result(30) == len(content)
    writer.join()
    with tempfile.NamedTemporaryFile() as named:
        named.write(content)
        named.seek(0)
        assert pool.submit(measure, named).result(30) == len(content)


def test_methods_of_something_that_describes_itself(pool: IsolatedPool) -> None:
    assert pool.submit(Multiplier(3).analyze, "abcd").result(30) == 12


def test_factory_that_fails_is_an_error_of_the_file(pool: IsolatedPool) -> None:
    with pytest.raises(TracktionError, match="no such engine"):
        pool.submit(Task("tests.batch.tasks:broken_factory", {}), "a").result(30)


def test_what_cannot_be_named_is_refused(pool: IsolatedPool) -> None:
    with pytest.raises(UsageError):
        pool.submit(lambda source: source, "a")


def test_result_must_be_finite_json(pool: IsolatedPool) -> None:
    value = pool.submit(measure, "nan").exception(30)
    assert value is None or isinstance(value, TracktionError)


def test_pool_is_whole_again_and_no_process_or_descriptor_is_left() -> None:
    me = psutil.Process()
    before = me.num_fds()
    with IsolatedPool(workers=2) as pool:
        assert pool.submit(measure, "warm").result(60) == 4
        for _ in range(30):
            with pytest.raises(WorkerCrashedError):
                pool.submit(measure, "sigkill").result(30)
        assert sum(f.result(30) for f in [pool.submit(measure, "abc") for _ in range(10)]) == 30
        helper = _helper_of(pool)
        assert all(child.status() != psutil.STATUS_ZOMBIE for child in helper.children())
        assert len(helper.children()) <= 2
    assert not helper.is_running()
    assert me.num_fds() <= before


def test_death_of_the_helper_costs_nothing() -> None:
    with IsolatedPool(workers=1) as pool:
        assert pool.submit(measure, "a").result(60) == 1
        helper = _helper_of(pool)
        os.kill(helper.pid, signal.SIGKILL)
        assert pool.submit(measure, "ab").result(60) == 2


def _helper_of(pool: IsolatedPool) -> psutil.Process:
    """The process whose children the workers are; for a moment after deaths, a worker that is listed may be gone."""
    found: list[psutil.Process] = []

    def known() -> bool:
        found[:] = [c for c in psutil.Process().children() if "zygote" in " ".join(c.cmdline()) and _owns(c, pool)]
        return bool(found)

    wait_for(known)
    [helper] = found
    return helper


def _owns(process: psutil.Process, pool: IsolatedPool) -> bool:
    return bool(pool.worker_pids()) and {child.pid for child in process.children()} >= set(pool.worker_pids())


def test_killed_host_leaves_no_worker() -> None:
    code = (
        "import sys,time\n"
        "from tracktion.batch import IsolatedPool, Task\n"
        "pool = IsolatedPool(workers=2)\n"
        "task = Task('tests.batch.tasks:measure')\n"
        "pool.submit(task, 'a').result(60); pool.submit(task, 'hang'); pool.submit(task, 'hang')\n"
        "time.sleep(0.5); print(*pool.worker_pids(), flush=True); time.sleep(60)\n"
    )
    host = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=Path.cwd())
    assert host.stdout is not None
    with host.stdout:
        pids = [int(word) for word in host.stdout.readline().split()]
        assert pids
        host.kill()
        host.wait(10)
    deadline = time.monotonic() + 10
    while any(map(psutil.pid_exists, pids)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(map(psutil.pid_exists, pids))


def test_workers_are_replaced_after_their_number_of_tasks() -> None:
    with IsolatedPool(workers=1, limits=WorkerLimits(tasks=3)) as pool:
        pids = [pool.submit(measure, "state").result(60)["pid"] for _ in range(7)]
    assert len(set(pids)) == 3


def test_shutdown_cancels_or_finishes() -> None:
    pool = IsolatedPool(workers=1)
    futures = [pool.submit(measure, "x") for _ in range(20)]
    pool.shutdown(wait=True)
    assert all(f.result(0) == 1 for f in futures)
    with pytest.raises(RuntimeError):
        pool.submit(measure, "x")


def test_a_second_shutdown_may_cancel_what_the_first_left() -> None:
    pool = IsolatedPool(workers=2)
    pool.submit(measure, "x").result(60)
    futures = [pool.submit(measure, "hang") for _ in range(4)]
    while not futures[1].running():
        time.sleep(0.01)
    pool.shutdown(wait=False)
    pool.terminate()
    assert [f.cancelled() for f in futures] == [False, False, True, True]
    for thread in pool._threads:
        thread.join(30)
        assert not thread.is_alive()


def test_worker_that_dies_while_no_descriptor_is_left_is_replaced_later(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted() -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with IsolatedPool(workers=1) as pool:
        pool.submit(measure, "x").result(60)
        with monkeypatch.context() as patch:
            patch.setattr(isolated.socket, "socketpair", exhausted)
            with pytest.raises(WorkerCrashedError):
                pool.submit(measure, "exit").result(60)
            with pytest.raises(TracktionError, match="open files"):
                pool.submit(measure, "x").result(60)
        assert pool.submit(measure, "x").result(60) == 1


def test_terminate_does_not_wait_for_a_hanging_worker() -> None:
    pool = IsolatedPool(workers=1)
    pool.submit(measure, "x").result(60)
    future = pool.submit(measure, "hang")
    while not future.running():
        time.sleep(0.01)
    started = time.monotonic()
    pool.terminate()
    assert time.monotonic() - started < 60
    assert isinstance(future.exception(10), WorkerCrashedError)


def test_from_many_threads(pool: IsolatedPool) -> None:
    results: list[int] = []
    lock = threading.Lock()

    def ask() -> None:
        for _ in range(20):
            value = pool.submit(measure, "abcde").result(60)
            with lock:
                results.append(value)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [5] * 160
