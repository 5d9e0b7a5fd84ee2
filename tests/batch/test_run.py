"""Batches: bounded, as they finish, an error is an item."""

from __future__ import annotations

import itertools
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest

from tests.batch.tasks import Multiplier, measure
from tracktion.batch import Task, run
from tracktion.errors import TimeoutExceededError, UsageError, WorkerCrashedError
from tracktion.monitor import MemoryMonitor


def test_every_source_once_with_its_index() -> None:
    items = list(run([f"{'x' * n}" for n in range(100)], measure, workers=3))
    assert sorted(item.index for item in items) == list(range(100))
    assert all(item.ok and item.analysis == item.index for item in items)


@pytest.mark.parametrize("isolation", [None, "process"])
def test_an_error_is_an_item(isolation: Any) -> None:
    items = {item.source: item for item in run(["a", "raise", "bb"], measure, workers=2, isolation=isolation)}
    assert items["a"].analysis == 1
    assert items["bb"].analysis == 2
    assert "ZeroDivisionError" in str(items["raise"].error)
    with pytest.raises(type(items["raise"].error)):
        items["raise"].unwrap()


def test_a_function_that_wants_to_end_the_program_is_an_item_too() -> None:
    def leave(source: str) -> str:
        return source if source == "a" else sys.exit("no more")

    items = {item.source: item for item in run(["a", "b"], leave, workers=1)}
    assert items["a"].analysis == "a"
    assert "SystemExit: no more" in str(items["b"].error)


def test_a_crash_is_an_item() -> None:
    items = {i.source: i for i in run(["a", "segfault", "bb"], measure, workers=1, isolation="process")}
    assert isinstance(items["segfault"].error, WorkerCrashedError)
    assert items["bb"].ok


def test_sources_are_drawn_as_needed() -> None:
    drawn = 0

    def endless() -> Any:
        nonlocal drawn
        for number in itertools.count():
            drawn += 1
            yield "x" * (number % 9)

    with_window = run(endless(), measure, workers=2)
    assert len([next(with_window) for _ in range(10)]) == 10
    with_window.close()
    assert drawn <= 15


def test_stop_event_ends_the_iteration() -> None:
    stop = threading.Event()
    count = 0
    for _ in run(itertools.repeat("abc"), measure, workers=2, stop_event=stop):
        count += 1
        if count == 5:
            stop.set()
    assert 5 <= count <= 10


def test_any_executor() -> None:
    with ThreadPoolExecutor(2) as threads:
        assert sorted(i.analysis for i in run(["a", "bb"], measure, executor=threads)) == [1, 2]
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        assert sorted(i.analysis for i in run(["a", "bb"], Multiplier(2), executor=processes)) == [2, 4]
        [item] = run(["raise"], measure, executor=processes)
        assert "by design" in str(item.error)


def test_timeout_without_isolation_gives_the_item_up() -> None:
    release = threading.Event()

    def wait(source: str) -> str:
        if source == "slow":
            release.wait(20)
        return source

    items = {}
    for item in run(["slow", "quick"], wait, workers=2, timeout_seconds=0.3):
        items[item.source] = item
    release.set()
    assert items["quick"].ok
    assert isinstance(items["slow"].error, TimeoutExceededError)


def test_timeout_with_isolation_kills() -> None:
    started = time.monotonic()
    items = {i.source: i for i in run(["hang", "ok"], measure, workers=1, isolation="process", timeout_seconds=0.5)}
    assert isinstance(items["hang"].error, TimeoutExceededError)
    assert items["ok"].ok
    assert time.monotonic() - started < 60


def test_task_runs_in_threads_too() -> None:
    task = Task("tests.batch.tasks:make_multiplier", {"factor": 5})
    assert [i.analysis for i in run(["ab"], task)] == [10]


def test_misuse() -> None:
    with pytest.raises(UsageError):
        run([], measure, workers=0)
    with pytest.raises(UsageError):
        run([], measure, isolation="fork")  # type: ignore[arg-type]
    with pytest.raises(UsageError), ThreadPoolExecutor(1) as pool:
        run([], measure, executor=pool, isolation="process")
    with pytest.raises(UsageError):
        list(run(["a"], lambda s: s, isolation="process"))
    with pytest.raises(UsageError, match="class"):
        list(run(["a"], Multiplier))


def test_short_memory_narrows_the_window() -> None:
    pressure = MemoryMonitor(limit_mb=1, interval=0.0, resident=lambda: 2 * 1024 * 1024)
    active, most, lock = 0, 0, threading.Lock()

    def work(source: int) -> int:
        nonlocal active, most
        with lock:
            active += 1
            most = max(most, active)
        time.sleep(0.002)
        with lock:
            active -= 1
        return source

    items = list(run(range(20), work, workers=4, memory=pressure))
    assert len(items) == 20
    assert pressure.slowdown == 8
    assert most < 4


def test_what_is_finished_does_not_wait_for_the_next_source() -> None:
    finished = threading.Event()

    def sources() -> Iterator[int]:
        yield 1
        finished.wait(5)  # the outcome is there before the next source is
        time.sleep(0.2)
        yield 2
        yield 3

    def work(source: int) -> int:
        if source == 1:
            finished.set()
        return source

    drawn: list[int] = []

    def noted() -> Iterator[int]:
        for source in sources():
            drawn.append(source)
            yield source

    drawn_before = {item.source: len(drawn) for item in run(noted(), work, workers=4)}
    assert drawn_before[1] < 3


def test_waiting_in_line_is_no_overtime() -> None:
    def work(source: int) -> int:
        time.sleep(0.5)
        return source

    items = list(run(range(4), work, workers=1, timeout_seconds=1.2))
    assert [item.error for item in items] == [None] * 4
