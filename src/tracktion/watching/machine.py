"""The running parts of a watcher, from start to stop, and the hand-over of batches to asyncio."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tracktion.errors import TracktionError
from tracktion.results.change import FileChange, WatcherStatus

if TYPE_CHECKING:
    from tracktion.publish.relay import Relay
    from tracktion.storage.journal import Journal
    from tracktion.watching.backlog import Backlog
    from tracktion.watching.scan import Scanner
    from tracktion.watching.work import Worker

__all__ = ["STOP_SECONDS", "Handoff", "Machine"]

STOP_SECONDS = 4.5
LOOK_SECONDS = 0.05


class Machine:
    """The running parts of a watcher, from start to stop."""

    def __init__(
        self,
        journal: Journal,
        scanner: Scanner,
        backlog: Backlog,
        worker: Worker,
        relay: Relay | None,
        owner_seconds: float,
    ) -> None:
        self.journal = journal
        self.scanner = scanner
        self.backlog = backlog
        self._worker: Any = worker
        self._relay = relay
        self._owner_seconds = owner_seconds
        self._threads: list[threading.Thread] = []
        self._stopped = threading.Event()

    def start(self) -> None:
        """Open the journal, and run in threads."""
        self._open()
        for name, run in (("scan", self.scanner.run), ("work", self._worker.run)):
            thread = threading.Thread(target=run, name=f"tracktion-{name}", daemon=True)
            self._threads.append(thread)
            thread.start()
        if self._relay is not None:
            self._relay.start()

    def _open(self) -> None:
        suspects = self.journal.open(self._owner_seconds)
        try:
            self._worker.suspect(suspects)
            self.backlog.add(self.journal.counts().get("ready", 0))
        except BaseException:
            self.journal.close()
            raise

    def once(self, patience_seconds: float) -> None:
        """Scan once and do all work that is ready."""
        self._open()
        self.scanner.load()
        if self._relay is not None:
            self._relay.start()
        thread = threading.Thread(target=self._worker.run, name="tracktion-work", daemon=True)
        self._threads.append(thread)
        thread.start()
        self.scanner.scan_all(patience_seconds)
        self.backlog.hurry()
        self._until_idle(thread)
        if self.scanner.look_again():  # once: a file may be in trouble for long
            self._until_idle(thread)
        if self._relay is not None:
            self._relay.flush(patience_seconds)

    def _until_idle(self, thread: threading.Thread) -> None:
        while not self._worker.idle and thread.is_alive():
            time.sleep(LOOK_SECONDS)

    def stop(self) -> None:
        """End everything within `STOP_SECONDS`; not from a thread of its own."""
        deadline = time.monotonic() + STOP_SECONDS
        self.scanner.stop()
        self.backlog.stop()
        for thread in self._threads:
            thread.join(max(0.1, deadline - time.monotonic()))
        if self._relay is not None:
            self._relay.stop(max(0.2, deadline - time.monotonic()))
        self.scanner.close()
        self.journal.close()
        self._stopped.set()

    def wait(self, seconds: float) -> None:
        """Wait until another thread has stopped it."""
        self._stopped.wait(seconds)

    def is_own_thread(self) -> bool:
        """Whether the caller is one of the running parts: a handler or a publisher that ends its watcher."""
        threads = [*self._threads, *([self._relay.thread] if self._relay is not None else [])]
        return threading.current_thread() in threads

    def status(self, errors: Sequence[tuple[float, BaseException]]) -> WatcherStatus:
        """See `Watcher.status`."""
        counts: dict[str, int] = {}
        unpublished, trouble = 0, False
        scans, unwritten = sum(root.scans for root in self.scanner.roots), self.scanner.unwritten
        try:  # in the order in which a file goes, so that none slips through between two counts
            counts = self.journal.counts()
            if self._relay is not None:
                unpublished = len(self.journal.unpublished(1000))
        except TracktionError:
            trouble = True
        roots = self.scanner.roots
        offline = tuple(os.fsdecode(root.path) for root in roots if not root.online)
        alive = bool(self._threads) and all(thread.is_alive() for thread in self._threads)
        last = errors[-1][1] if errors else None
        return WatcherStatus(
            healthy=alive and not offline and not trouble,
            running=alive,
            known=self.scanner.known_files,
            settling=unwritten,
            ready=sum(counts.get(state, 0) for state in ("ready", "seen", "offline")),
            working=counts.get("running", 0),
            done=self._worker.done,
            failed=self._worker.failed,
            unpublished=unpublished,
            offline=offline,
            polling=tuple(os.fsdecode(root.path) for root in roots if root.polling),
            scans=scans,
            last_scan_seconds=max((root.last_scan_seconds for root in roots), default=0.0),
            last_error=None if last is None else f"{type(last).__name__}: {last}",
        )


class Handoff:
    """Hands batches to an asyncio consumer, one at a time."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._batch: list[FileChange] | None = None
        self._taken = False
        self._acknowledged = False
        self._closed = False

    def offer(self, batch: list[FileChange]) -> bool:
        """Wait until the consumer is done with `batch`; False when it went away before."""
        with self._condition:
            self._batch, self._taken, self._acknowledged = batch, False, False
            self._condition.notify_all()
            while not (self._acknowledged or self._closed):
                self._condition.wait(1.0)
            self._batch = None
            return self._acknowledged

    def take(self, seconds: float) -> list[FileChange] | None:
        """Wait up to `seconds` for a batch."""
        with self._condition:
            if self._batch is None or self._taken:
                self._condition.wait(seconds)
            if self._batch is None or self._taken or self._closed:
                return None
            self._taken = True
            return self._batch

    def acknowledge(self) -> None:
        """The consumer is done with the batch."""
        with self._condition:
            self._acknowledged = True
            self._batch = None
            self._condition.notify_all()

    def close(self) -> None:
        """The consumer goes away."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
