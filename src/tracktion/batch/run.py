"""Many sources through one piece of work: bounded, as they finish, an error is an item."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Literal, cast

from tracktion.batch.isolated import IsolatedPool
from tracktion.batch.limits import WorkerLimits
from tracktion.batch.task import Analyzes, Task, callable_of, decode_outcome, encode_outcome, error_of, task_of
from tracktion.errors import TimeoutExceededError, UsageError
from tracktion.remote import name_of
from tracktion.results.change import BatchItem

if TYPE_CHECKING:
    from tracktion.monitor import MemoryMonitor

__all__ = ["default_workers", "remote", "run"]

LOOK_SECONDS = 0.1


def default_workers() -> int:
    """`min(4, cores)`, with the cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity is not None else os.cpu_count()
    return min(4, cores or 1)


def run(
    sources: Iterable[Any],
    analyze: Callable[[Any], Any] | Analyzes | Task,
    *,
    workers: int | None = None,
    executor: Executor | None = None,
    isolation: Literal["process"] | None = None,
    stop_event: threading.Event | None = None,
    timeout_seconds: float | None = None,
    limits: WorkerLimits | None = None,
    memory: MemoryMonitor | None = None,
) -> Iterator[BatchItem]:
    """Call `analyze` on each source and yield the outcomes as they finish.

    Sources are drawn as work proceeds, so they may be endless; at most two per worker are in flight. Drawing waits for
    the next source, so sources must not wait for outcomes. No outcome is raised: an error is an item.

    Parameters
    ----------
    sources
        Paths or whatever `analyze` takes.
    analyze
        An Analyzer, or a function of one source. For `isolation`, and for executors in other processes, what can be
        named is sent by name; its result comes back as plain data, see `Task`.
    workers
        Threads or processes; `min(4, cores)` by default. With `executor`, the size of the window.
    executor
        Any `concurrent.futures.Executor`, for example `distributed.Client.get_executor()`. It stays open. An
        `IsolatedPool` may be given too.
    isolation
        ``"process"`` for isolated workers with `limits`; None for threads.
    stop_event
        When set, nothing new is started and the iterator ends.
    timeout_seconds
        For one source, from when its work begins (with a foreign executor: from when it is handed over). Enforced on
        isolated workers; a thread or a foreign executor cannot be stopped, there an item that is not back in time is
        given up.
    limits
        Of isolated workers.
    memory
        While it reports pressure, fewer sources are in flight: half, a quarter, and so on, but at least one.

    Yields
    ------
    BatchItem
    """
    if executor is not None and isolation is not None:
        raise UsageError("give an executor or isolation, not both")
    if isolation not in {None, "process"}:
        raise UsageError(f"isolation is None or 'process', not {isolation!r}")
    count = workers if workers is not None else default_workers()
    if count < 1:
        raise UsageError("workers must be at least 1")
    return _run(sources, analyze, count, executor, isolation, stop_event, timeout_seconds, limits, memory)


def _run(
    sources: Iterable[Any],
    analyze: Callable[[Any], Any] | Analyzes | Task,
    workers: int,
    executor: Executor | None,
    isolation: str | None,
    stop_event: threading.Event | None,
    timeout: float | None,
    limits: WorkerLimits | None,
    memory: MemoryMonitor | None,
) -> Iterator[BatchItem]:
    with contextlib.ExitStack() as stack:
        pool = executor
        if pool is None and isolation == "process":
            pool = isolated = IsolatedPool(workers=workers, limits=limits)
            stack.callback(isolated.terminate)
        host = _host(analyze, pool, timeout)
        if pool is None or host is not None:
            threads = workers if pool is None or isinstance(pool, IsolatedPool) else 2 * workers
            pool = own = ThreadPoolExecutor(threads, thread_name_prefix="tracktion-batch")
            stack.callback(own.shutdown, wait=False, cancel_futures=True)
        flight = _Flight(pool, host or analyze, timeout)
        stack.callback(flight.abandon)
        yield from flight.items(sources, lambda: _window(workers, memory), stop_event or threading.Event())


def _host(analyze: Any, pool: Executor | None, timeout: float | None) -> Callable[[Any], Any] | None:
    """What a thread here does for an Analyzer that hears in another process: fetch, look up, wait, keep.

    None where there is no other process, or no need: a foreign executor alone needs no thread that waits.
    """
    hosted, keeps = getattr(analyze, "hosted", None), getattr(analyze, "keeps", False)
    isolated = isinstance(pool, IsolatedPool)
    if pool is None or isinstance(pool, ThreadPoolExecutor) or not callable(hosted) or not (isolated or keeps):
        return None
    task = task_of(analyze)
    return hosted(_elsewhere(pool, task, timeout), fetched=isolated) if task is not None else None


def _elsewhere(pool: Executor, task: Task, timeout: float | None) -> Callable[[Any], Any]:
    """`task` as a function of one source that waits for another process, one of `pool`."""

    def call(source: Any) -> Any:
        if isinstance(pool, IsolatedPool):
            return pool.submit(task, source, timeout=timeout).result()
        plain = os.fspath(source) if isinstance(source, os.PathLike) else source
        future = pool.submit(remote, task.target, task.to_dict()["options"], plain)
        return decode_outcome(future.result(), name_of(source))

    return call


def _window(workers: int, memory: MemoryMonitor | None) -> int:
    """How many sources may be in flight."""
    return max(1, int(2 * workers / memory.check().slowdown)) if memory is not None else 2 * workers


class _Flight:
    """What is on its way."""

    def __init__(self, pool: Any, analyze: Callable[[Any], Any] | Analyzes | Task, timeout: float | None) -> None:
        self._pool = pool
        self._timeout = timeout
        self._finished: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._flying: dict[int, tuple[Future[Any], Any, float]] = {}
        self._waiting: set[int] = set()
        self._isolated = isinstance(pool, IsolatedPool)
        self._task = None if isinstance(pool, ThreadPoolExecutor) else task_of(analyze)
        if self._isolated and self._task is None:
            raise UsageError("isolated work is an Analyzer, a Task or a module-level function")
        self._call: Callable[[Any], Any] = callable_of(analyze)

    def items(self, sources: Iterable[Any], window: Callable[[], int], stop: threading.Event) -> Iterator[BatchItem]:
        coming = enumerate(sources)
        more = True
        while (more or self._flying) and not stop.is_set():
            room = more and len(self._flying) < window()
            yield from self._landed(0.0 if room else LOOK_SECONDS)  # before the next source, which may take its time
            entry = next(coming, None) if room else None
            if entry is not None:
                yield from self._launch(*entry)
            elif room:
                more = False
            else:
                yield from self._overdue()
        while stop.is_set() and self._flying and not self._finished.empty():
            yield from self._landed(0.0)

    def _landed(self, seconds: float) -> Iterator[BatchItem]:
        """One that has come back, if there is one within so many seconds."""
        with contextlib.suppress(queue.Empty):
            item = self._land(self._finished.get(timeout=seconds) if seconds else self._finished.get_nowait())
            if item is not None:
                yield item

    def _launch(self, index: int, source: Any) -> Iterator[BatchItem]:
        started = time.monotonic()
        try:
            future = self._submit(source)
        except Exception as error:  # noqa: BLE001 - a source that cannot be scheduled is an item like the others
            yield BatchItem(source, error=error_of(error, name_of(source), "schedule"), index=index)
            return
        self._flying[index] = (future, source, started)
        if isinstance(self._pool, ThreadPoolExecutor):
            self._waiting.add(index)
        future.add_done_callback(lambda _: self._finished.put(index))

    def _submit(self, source: Any) -> Future[Any]:
        if self._isolated:
            return cast("Future[Any]", self._pool.submit(self._task, source, timeout=self._timeout))
        if self._task is not None:
            plain = os.fspath(source) if isinstance(source, os.PathLike) else source
            return cast("Future[Any]", self._pool.submit(remote, self._task.target, self._task.options, plain))
        return cast("Future[Any]", self._pool.submit(_timed, self._call, source))

    def _land(self, index: int) -> BatchItem | None:
        if index not in self._flying:
            return None
        future, source, started = self._flying.pop(index)
        self._waiting.discard(index)
        seconds = time.monotonic() - started
        name = name_of(source)
        try:
            outcome = future.result(timeout=0)
            if isinstance(outcome, _Timed):
                seconds, outcome = outcome.seconds, outcome.unwrap()
            elif self._task is not None and not self._isolated:
                seconds = float(outcome.get("seconds", seconds))
                outcome = decode_outcome(outcome, name)
        except KeyboardInterrupt:  # of an executor that works in this thread
            raise
        except BaseException as error:  # noqa: BLE001 - errors are values in batches, SystemExit and CancelledError too
            return BatchItem(source, error=error_of(error, name), seconds=seconds, index=index)
        return BatchItem(source, analysis=outcome, seconds=seconds, index=index)

    def _overdue(self) -> Iterator[BatchItem]:
        if self._timeout is None or self._isolated:
            return
        now = time.monotonic()
        for index, (future, source, started) in list(self._flying.items()):
            if index in self._waiting:
                if future.running():  # its time begins now
                    self._waiting.discard(index)
                    self._flying[index] = (future, source, now)
            elif now - started > self._timeout and not future.done():
                del self._flying[index]
                future.cancel()
                reason = f"took longer than {self._timeout:g} s"
                error = TimeoutExceededError(reason, file=name_of(source), stage="analyse")
                yield BatchItem(source, error=error, seconds=now - started, index=index)

    def abandon(self) -> None:
        for future, _, _ in self._flying.values():
            future.cancel()
        self._flying.clear()


class _Timed:
    """An outcome with the time that it took, without the waiting in line."""

    __slots__ = ("error", "seconds", "value")

    def __init__(self, value: Any, error: Exception | None, seconds: float) -> None:
        self.value = value
        self.error = error
        self.seconds = seconds

    def unwrap(self) -> Any:
        if self.error is not None:
            raise self.error
        return self.value


def _timed(call: Callable[[Any], Any], source: Any) -> _Timed:
    started = time.monotonic()
    try:
        return _Timed(call(source), None, time.monotonic() - started)
    except Exception as error:  # noqa: BLE001 - carried home as a value
        return _Timed(None, error, time.monotonic() - started)


_RESOLVED: dict[str, Callable[[Any], Any]] = {}


def remote(target: str, options: dict[str, Any] | None, source: Any) -> dict[str, Any]:
    """What a foreign executor runs: plain data in, plain data out."""
    started = time.monotonic()
    task = Task(target, options)
    try:
        if task.key not in _RESOLVED:
            _RESOLVED[task.key] = task.resolve()
        outcome = {"ok": True, **encode_outcome(_RESOLVED[task.key](source))}
    except Exception as error:  # noqa: BLE001 - carried home as a value
        outcome = {"ok": False, "error": error_of(error, name_of(source)).to_dict()}
    return outcome | {"seconds": time.monotonic() - started}
