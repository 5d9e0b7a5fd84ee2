"""The Watcher: a folder tree and a catalogue, kept in step."""

from __future__ import annotations

import asyncio
import atexit
import inspect
import logging
import math
import os
import signal
import threading
import time
import weakref
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracktion.batch.task import check_work
from tracktion.errors import UsageError
from tracktion.options import demand_helper
from tracktion.results.change import FileChange, WatcherStatus
from tracktion.storage.journal import Journal
from tracktion.watching.analysis_work import AnalysisWorker
from tracktion.watching.backlog import Backlog
from tracktion.watching.content import same_content
from tracktion.watching.departures import Departures
from tracktion.watching.filters import FileFilter
from tracktion.watching.machine import STOP_SECONDS, Handoff, Machine
from tracktion.watching.scan import Scanner
from tracktion.watching.settling import Settling
from tracktion.watching.work import HandlerWorker, Worker

if TYPE_CHECKING:
    from types import FrameType
    from typing import Self

    from tracktion.batch import WorkerLimits
    from tracktion.publish.relay import Publisher, Relay
    from tracktion.storage.protocol import Storage
    from tracktion.watching.analysis_work import Isolation

__all__ = ["Watcher"]

logger = logging.getLogger("tracktion")

LOOK_SECONDS = 0.2
SCAN_ONCE_PATIENCE = 4.0
ERRORS_KEPT = 100


class Watcher:
    """Takes every settled audio file under some folders through analysis (or a handler) once, whatever happens.

    Parameters
    ----------
    *roots
        Folders to watch, with all below them.
    storage
        Where the state of every file is kept: a `Storage`, or a URL or path for `open_storage`. ``memory:`` by default,
        which forgets at the end of the process.
    analyzer
        An `Analyzer`, or a function of one path. Its results are stored. Without analyzer, handler and publisher, a
        default `Analyzer` is used, unless batches are taken with ``async for``.
    handler
        A function or coroutine function, called with lists of `FileChange`; with an analyzer these carry the analysis
        or the error. When it raises, each file is tried alone, at most three times.
    publisher
        A callable that takes a message (see `tracktion.publish.batch_message`), or `RabbitMQPublisher`. Messages go
        through an outbox that is written together with the result.
    debounce
        Seconds that a file must stand still before it is taken.
    batch_size, batch_timeout
        A batch goes out when it has so many files, when nothing more is on its way, or after so many seconds.
    workers, isolation, limits
        How the analyzer runs: processes or threads (`min(4, cores)` by default), ``"process"``, None for threads, or
        ``"auto"`` for processes with an `Analyzer` and threads with anything else; `WorkerLimits`.
    extensions
        Which files are audio; see `tracktion.watching.filters`.
    rescan_interval
        Least seconds between two full scans; it grows to twenty times the length of a scan.
    report_deletions
        Whether the handler also gets files that are gone, as ``deleted``: at most once each, and only when a scan has
        not found them elsewhere. What comes back after that is ``added``.
    events
        False to scan only.
    owner_timeout
        Seconds to wait for an SQLite file that another watcher owns.

    Raises
    ------
    UsageError
        Parameters that cannot be meant.

    Notes
    -----
    The scan of the folders against the stored state is the truth; file system events only tell it where to look first.
    What is promised, and what not, is in the documentation under "How the Watcher keeps its promise".

    Examples
    --------
    >>> with Watcher("~/Music", storage="sqlite:///music.db", analyzer=Analyzer()) as watcher:  # doctest: +SKIP
    ...     watcher.run()
    """

    def __init__(
        self,
        *roots: str | bytes | os.PathLike[str] | os.PathLike[bytes],
        storage: Storage | str | os.PathLike[str] = "memory:",
        analyzer: Any = None,
        handler: Callable[[list[FileChange]], Any] | None = None,
        publisher: Publisher | None = None,
        debounce: float = 2.0,
        batch_size: int = 10,
        batch_timeout: float = 30.0,
        workers: int | None = None,
        isolation: Isolation = "auto",
        limits: WorkerLimits | None = None,
        extensions: Iterable[str] | None = None,
        rescan_interval: float = 5.0,
        report_deletions: bool = False,
        events: bool = True,
        owner_timeout: float = 10.0,
    ) -> None:
        self.roots = _outermost(roots)
        _check_seconds(debounce=debounce, batch_timeout=batch_timeout, owner_timeout=owner_timeout)
        if not 0 < rescan_interval < math.inf:
            raise UsageError(f"rescan_interval is a positive number of seconds, not {rescan_interval!r}")
        _check_counts(batch_size=batch_size, workers=1 if workers is None else workers)
        if handler is not None and not callable(handler):
            raise UsageError("handler is called with a list of FileChange")
        if publisher is not None and not callable(publisher):
            raise UsageError("publisher is called with a message; of an address, make a RabbitMQPublisher")
        if analyzer is not None:
            check_work(analyzer)
        self._own_storage = isinstance(storage, (str, os.PathLike))
        if not self._own_storage:
            demand_helper("storage", storage, "claim_files", "a URL, a path, or what tracktion.open_storage(...) gives")
        self._given_storage = storage
        self._analyzer, self._handler, self._publisher = analyzer, handler, publisher
        self._debounce, self._batch_size, self._batch_timeout = debounce, batch_size, batch_timeout
        self._workers, self._isolation, self._limits = workers, isolation, limits
        self._names = FileFilter(extensions)
        self._rescan_interval, self._events, self._owner_timeout = rescan_interval, events, owner_timeout
        self._report_deletions = report_deletions
        self._storage: Storage | None = None
        self._errors: deque[tuple[float, BaseException]] = deque(maxlen=ERRORS_KEPT)
        self._machine: Machine | None = None
        self._ending: Machine | None = None
        self._iterated = False
        self._process = os.getpid()
        self._last = WatcherStatus(healthy=False, running=False)
        self._lock = threading.RLock()
        self._stop = threading.Event()

    # --- life ---------------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def storage(self) -> Storage:
        """The opened storage."""
        with self._lock:
            if self._storage is None:
                if isinstance(self._given_storage, (str, os.PathLike)):
                    from tracktion.storage import open_storage

                    self._storage = open_storage(self._given_storage)
                else:
                    self._storage = self._given_storage
            return self._storage

    @property
    def running(self) -> bool:
        """Between start and stop."""
        return self._machine is not None and self._process == os.getpid()

    def start(self) -> None:
        """Watch from background threads. What is there is found whether it came before or after this call.

        Raises
        ------
        StorageError
            The storage cannot be used; ``StorageBusyError`` when another watcher owns this SQLite file.
        """
        self._start(None)

    def _start(self, handoff: Handoff | None) -> None:
        with self._lock:
            self._forget_parents()
            if self._machine is not None:
                return
            self._stop.clear()
            machine = self._build(handoff)
            machine.start()
            self._machine = machine
            _RUNNING.add(self)

    def _forget_parents(self) -> None:
        """In a forked child, threads, watches and workers are the parent's."""
        if self._process != os.getpid():
            self._machine = self._ending = None
            self._process = os.getpid()

    def stop(self) -> None:
        """Stop within five seconds; what is in hand is given back. Calling it again does nothing.

        From a handler or a publisher it returns at once, and the watcher stops when that has returned.
        """
        self._stop.set()
        if self._left_to_another_thread(self.stop):
            return
        with self._lock:
            self._forget_parents()
            machine, self._machine = self._machine, None
            if machine is not None:
                self._last = machine.status(self._errors)
                self._ending = machine
            ending = self._ending
        if machine is not None:
            machine.stop()
        elif ending is not None:
            ending.wait(STOP_SECONDS)

    def close(self) -> None:
        """Stop, and close the storage if it was opened here."""
        if self._left_to_another_thread(self.close):
            return
        self.stop()
        with self._lock:
            if self._own_storage and self._storage is not None:
                self._storage.close()
                self._storage = None

    def _left_to_another_thread(self, end: Callable[[], None]) -> bool:
        """In a thread of the watcher itself, which cannot wait for its own end, let another thread do it."""
        machine = self._machine or self._ending
        if machine is None or not machine.is_own_thread():
            return False
        threading.Thread(target=end, name="tracktion-stop").start()
        return True

    def run(self) -> None:
        """Watch until `stop` is called, or until SIGINT or SIGTERM when called from the main thread."""
        restore = self._catch_signals()
        try:
            self.start()
            while not self._stop.wait(LOOK_SECONDS):
                pass
        finally:
            self.stop()
            restore()

    def _catch_signals(self) -> Callable[[], None]:
        if threading.current_thread() is not threading.main_thread():
            return lambda: None
        self._stop.clear()

        def caught(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - as signals are handled
            self._stop.set()

        before = {number: signal.signal(number, caught) for number in (signal.SIGINT, signal.SIGTERM)}

        def restore() -> None:
            for number, handler in before.items():
                signal.signal(number, handler)

        return restore

    def scan_once(self) -> WatcherStatus:
        """Take in all changes since the last time, do all work that is ready, and return; for cron and scripts.

        Files that changed just now are given a few seconds (twice `debounce` and four more) to settle; what is still
        being written then is left for the next time.
        """
        self._forget_parents()
        if self._machine is not None:
            raise UsageError("this watcher is running; it scans by itself")
        self._stop.clear()
        machine = self._build(None, events=False)
        with self._lock:
            self._machine = machine
        try:
            machine.once(2 * self._debounce + SCAN_ONCE_PATIENCE)
            self._last = machine.status(self._errors)
        finally:
            with self._lock:
                self._machine = None
            machine.stop()
        return self._last

    def rescan(self) -> None:
        """Scan all folders as soon as possible."""
        machine = self._machine
        if machine is not None:
            machine.scanner.rescan()

    def retry_failed(self) -> int:
        """Give failed files new attempts; return how many."""
        machine = self._machine
        journal = machine.journal if machine is not None else self._journal()
        count = journal.retry_failed()
        if machine is not None:
            machine.backlog.add(count)
        return count

    def purge_deleted(self) -> int:
        """Remove the rows of files that are gone; return how many. Nothing else ever removes them."""
        journal = self._journal()
        return sum(journal.purge(root) for root in journal.roots)

    # --- batches for asyncio ------------------------------------------------------------------------------------------

    async def __aiter__(self) -> AsyncIterator[list[FileChange]]:
        """Watch, and yield batches; a batch counts as done when the next one is asked for."""
        self._forget_parents()
        if self._machine is not None or self._iterated:
            raise UsageError("this watcher is running; `async for` starts it itself, and one loop takes all files")
        self._iterated, handoff = True, Handoff()
        try:
            await asyncio.to_thread(self._start, handoff)  # it starts also when this task is cancelled meanwhile
            while not self._stop.is_set():
                batch = await asyncio.to_thread(handoff.take, LOOK_SECONDS)
                if batch is not None:
                    yield batch
                    handoff.acknowledge()
        finally:
            handoff.close()
            self._stop.set()
            self._iterated = False
            await asyncio.shield(asyncio.to_thread(self.stop))

    # --- how it is ----------------------------------------------------------------------------------------------------

    def status(self) -> WatcherStatus:
        """Return health and counts; never raises."""
        machine = self._machine
        return self._last if machine is None else machine.status(self._errors)

    @property
    def scans(self) -> int:
        """Complete scans since the start, over all roots; costs nothing."""
        machine = self._machine
        return self._last.scans if machine is None else sum(root.scans for root in machine.scanner.roots)

    def is_healthy(self) -> bool:
        """Whether everything runs, every root is there, and the storage answers."""
        return self.status().healthy

    @property
    def last_error(self) -> BaseException | None:
        """The latest trouble, or None."""
        return self._errors[-1][1] if self._errors else None

    @property
    def errors(self) -> list[BaseException]:
        """The latest troubles, oldest first."""
        return [error for _, error in self._errors]

    def _trouble(self, error: BaseException) -> None:
        self._errors.append((time.monotonic(), error))
        logger.warning("watcher: %s: %s", type(error).__name__, error)

    # --- parts --------------------------------------------------------------------------------------------------------

    def _journal(self, *, report_moves: bool = False, report_deletions: bool = False) -> Journal:
        return Journal(
            self.storage,
            self.roots,
            same_content=same_content,
            report_moves=report_moves,
            report_deletions=report_deletions,
        )

    def _build(self, handoff: Handoff | None, *, events: bool = True) -> Machine:
        analyzer, deliver = self._analyzer, self._handler_of(handoff)
        if analyzer is None and deliver is None and self._publisher is None:
            from tracktion.analyzer import Analyzer

            analyzer = Analyzer()
        journal = self._journal(
            report_moves=deliver is not None or self._publisher is not None,
            report_deletions=self._report_deletions and self._handler is not None,
        )
        settling = Settling(self._debounce)
        backlog = Backlog(
            settling=lambda: settling.soon, batch_size=self._batch_size, batch_seconds=self._batch_timeout
        )
        relay = self._relay()
        scanner = Scanner(
            self.roots,
            journal,
            names=self._names,
            settling=settling,
            rescan_seconds=self._rescan_interval,
            ready=backlog.add,
            departures=Departures(backlog.add_deletions, self._debounce) if journal.report_deletions else None,
            trouble=self._trouble,
            events=self._events and events,
        )
        common: dict[str, Any] = {
            "deliver": deliver,
            "publish": relay is not None,
            "batch_size": self._batch_size,
            "trouble": self._trouble,
            "announced": relay.wake if relay is not None else lambda: None,
            "is_there": scanner.is_there,
            "doubt": scanner.doubt,
        }
        worker: Worker
        if analyzer is None:
            worker = HandlerWorker(journal, backlog, **common)
        else:
            worker = AnalysisWorker(
                journal,
                backlog,
                analyzer=analyzer,
                workers=self._workers,
                isolation=self._isolation,
                limits=self._limits,
                batch_seconds=self._batch_timeout,
                **common,
            )
        return Machine(journal, scanner, backlog, worker, relay, self._owner_timeout)

    def _handler_of(self, handoff: Handoff | None) -> Callable[[list[FileChange]], bool] | None:
        handler = self._handler
        if handoff is None and handler is None:
            return None

        def deliver(changes: list[FileChange]) -> bool:
            if handler is not None:
                answer = handler(changes)
                if inspect.iscoroutine(answer):
                    asyncio.run(answer)
            return handoff.offer(changes) if handoff is not None else True

        return deliver

    def _relay(self) -> Relay | None:
        if self._publisher is None:
            return None
        from tracktion.publish.relay import Relay

        return Relay(self.storage, self._publisher, batch_size=self._batch_size, trouble=self._trouble)


_RUNNING: weakref.WeakSet[Watcher] = weakref.WeakSet()


def _stop_all() -> None:
    """A host that ends without stopping gives its work back all the same."""
    for watcher in list(_RUNNING):
        watcher.stop()


atexit.register(_stop_all)


def _check_seconds(**given: float) -> None:
    for name, seconds in given.items():
        if not 0 <= seconds < math.inf:
            raise UsageError(f"{name} is a number of seconds, 0 or more, not {seconds!r}")


def _check_counts(**given: int) -> None:
    for name, count in given.items():
        if not isinstance(count, int) or count < 1:
            raise UsageError(f"{name} is a whole number, 1 or more, not {count!r}")


def _outermost(roots: Iterable[Any]) -> tuple[bytes, ...]:
    """Absolute paths without ``..``, so that one folder has one name, without those that lie inside others."""
    paths = sorted({os.fsencode(os.path.abspath(Path(os.fsdecode(root)).expanduser())) for root in roots})  # noqa: PTH100
    if not paths:
        raise UsageError("a watcher needs a folder to watch")
    kept: list[bytes] = []
    for path in paths:
        place = path.replace(os.fsencode(os.sep), b"/")
        if not any(place == other or place.startswith(other.rstrip(b"/") + b"/") for other in kept):
            kept.append(place)
    return tuple(kept)
