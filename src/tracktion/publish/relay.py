"""Empties the outbox, in order, at least once, however long the receiver is away."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from tracktion.errors import TracktionError
from tracktion.publish.message import batch_message
from tracktion.storage.journal_failpoints import failpoint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracktion.results.catalogue import OutboxMessage

__all__ = ["Outbox", "Publisher", "Relay"]

LOOK_SECONDS = 1.0
BACKOFF_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0)
KEEP_PUBLISHED = 1000
PURGE_EVERY = 100


class Publisher(Protocol):
    """Takes one message; returns when the receiver has confirmed it, raises when it has not."""

    def __call__(self, message: dict[str, Any], /) -> Any:
        """Send `message`; see `batch_message`."""
        ...


class Outbox(Protocol):
    """Where messages wait: the four methods of a `Storage`."""

    def pending_outbox(self, *, limit: int = 100) -> list[OutboxMessage]:
        """See `tracktion.storage.protocol.FileStore`."""
        ...

    def mark_outbox(self, message_ids: Any, *, published: bool) -> int:
        """See `tracktion.storage.protocol.FileStore`."""
        ...

    def purge_outbox(self, *, keep: int = 0) -> int:
        """See `tracktion.storage.protocol.FileStore`."""
        ...


class Relay:
    """A thread that hands the outbox to a publisher.

    Messages go out in the order in which they were decided, so the order per path is kept; a message that is not
    confirmed blocks those behind it and is sent again, with the same id. What was sent and not yet marked when the
    process died is sent twice, never not at all.

    Parameters
    ----------
    outbox
        A `Storage`.
    publisher
        A callable, or something with ``close()`` that is called when the relay stops.
    batch_size
        Files per message.
    trouble
        Called with errors to report.
    """

    def __init__(
        self,
        outbox: Outbox,
        publisher: Publisher,
        *,
        batch_size: int = 10,
        trouble: Callable[[BaseException], None] | None = None,
    ) -> None:
        self._outbox = outbox
        self._publisher = publisher
        self._batch_size = batch_size
        self._trouble = trouble or (lambda _: None)
        self._condition = threading.Condition()
        self._awake = False
        self._stopping = False
        self._sending = threading.Lock()
        self.thread: threading.Thread | None = None
        self.sent = 0

    def start(self) -> None:
        """Begin, in a thread."""
        self._stopping = False
        self.thread = threading.Thread(target=self.run, name="tracktion-relay", daemon=True)
        self.thread.start()

    def wake(self) -> None:
        """There is something in the outbox."""
        with self._condition:
            self._awake = True
            self._condition.notify_all()

    def stop(self, seconds: float = 5.0) -> None:
        """Finish the message in hand, or give it up after `seconds`; it stays in the outbox."""
        with self._condition:
            self._stopping = True
            self._condition.notify_all()
        close = getattr(self._publisher, "close", None)
        if self.thread is not None:
            self.thread.join(seconds / 2)
        if callable(close):
            try:
                close()
            except Exception as error:  # noqa: BLE001 - the receiver is the host's; whoever stops has more to end than this
                self._trouble(error)
        if self.thread is not None:
            self.thread.join(seconds / 2)

    def run(self) -> None:
        """Send until stopped."""
        failures = 0
        while not self._stopping:
            try:
                busy = self.send_some()
            except Exception as error:  # noqa: BLE001 - the receiver is the host's or far away; everything is kept
                self._trouble(error)
                self._pause(BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)])
                failures += 1
            else:
                failures = 0
                if not busy:
                    self._wait()

    def send_some(self, patience_seconds: float = -1) -> bool:
        """Send the oldest messages of the outbox; whether there were any, or another thread is at it for so long."""
        if not self._sending.acquire(timeout=patience_seconds):
            return True
        try:
            waiting = self._outbox.pending_outbox(limit=10 * self._batch_size)
            for start in range(0, len(waiting), self._batch_size):
                if self._stopping:
                    return True
                self._send(waiting[start : start + self._batch_size])
            return bool(waiting)
        finally:
            self._sending.release()

    def flush(self, seconds: float) -> bool:
        """Send everything from this thread, for at most `seconds`; whether the outbox is empty."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                if not self.send_some(left):
                    return True
            except Exception as error:  # noqa: BLE001 - see run
                self._trouble(error)
                time.sleep(min(0.2, max(0.0, deadline - time.monotonic())))
        return False

    def _send(self, batch: Sequence[OutboxMessage]) -> None:
        ids = [message.id for message in batch]
        failpoint("publish.begin")
        try:
            self._publisher(batch_message([message.payload for message in batch]))
        except BaseException:
            with contextlib.suppress(TracktionError):
                self._outbox.mark_outbox(ids, published=False)
            raise
        failpoint("publish.sent")
        self._outbox.mark_outbox(ids, published=True)
        failpoint("publish.marked")
        self.sent += 1
        if self.sent % PURGE_EVERY == 0:
            self._outbox.purge_outbox(keep=KEEP_PUBLISHED)

    def _wait(self) -> None:
        with self._condition:
            if not (self._awake or self._stopping):
                self._condition.wait(LOOK_SECONDS)
            self._awake = False

    def _pause(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        with self._condition:
            while not self._stopping and (left := deadline - time.monotonic()) > 0:
                self._condition.wait(left)
