"""Threads of one process that write to an SQLite file: one after the other, and several to one transaction.

SQLite lets one connection write at a time, and each commit waits for the disk, which takes milliseconds where the
work itself takes a fraction of one. So a thread whose turn has come also does the work of those that wait behind it,
each in a savepoint of its own, and one flush serves all of them. Nobody hears of success before that flush.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tracktion.errors import StorageBusyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Ticket", "WriterQueue"]

GROUP = 64
GROUP_SECONDS = 0.01
"""Work of others that one transaction takes up, at most, and the time after which it takes up no more."""

_WAITING, _TURN, _TAKEN, _DONE, _GONE = range(5)


class Ticket:
    """A thread's place in the queue, with the work that another thread may do for it."""

    __slots__ = ("_error", "_result", "_wake", "state", "work")

    def __init__(self, work: Callable[[Any], Any] | None) -> None:
        self.work = work
        self.state = _WAITING
        self._wake = threading.Lock()
        self._wake.acquire()
        self._result: Any = None
        self._error: Exception | None = None

    @property
    def done(self) -> bool:
        """Whether another thread did the work, and committed it."""
        return self.state == _DONE

    def attempt(self, write: Callable[[Callable[[Any], Any]], Any]) -> None:
        """Do the work by ``write(work)``; what comes of it is kept for the thread that waits."""
        self._result = self._error = None
        try:
            self._result = write(self.work)  # type: ignore[arg-type]
        except Exception as error:  # noqa: BLE001 - belongs to the thread that waits
            self._error = error

    def outcome(self) -> Any:
        """Return what the work returned, or raise what it raised."""
        if self._error is not None:
            raise self._error
        return self._result

    def wake(self) -> None:
        """Let the thread go on."""
        self._wake.release()

    def wait(self, seconds: float) -> bool:
        """Wait for `wake`."""
        return self._wake.acquire(timeout=seconds)


class WriterQueue:
    """Who may write, in the order in which they came.

    Waiting here is fair and wakes at once, waiting in SQLite is neither.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._busy = False
        self._waiting: deque[Ticket] = deque()

    @contextmanager
    def turn(self, timeout: float, work: Callable[[Any], Any] | None = None) -> Iterator[Ticket]:
        """Wait for this thread's turn, or until another thread has done `work`: see `Ticket.done`.

        Raises
        ------
        StorageBusyError
            Others kept writing for longer than `timeout` seconds.
        """
        ticket = Ticket(work)
        with self._lock:
            if self._busy:
                self._waiting.append(ticket)
            else:
                ticket.state = _TURN
            self._busy = True
        if ticket.state != _TURN:
            self._wait(ticket, timeout)
        try:
            yield ticket
        finally:
            if ticket.state == _TURN:
                self._next()

    def _wait(self, ticket: Ticket, timeout: float) -> None:
        try:
            while not ticket.wait(timeout):
                if self._leave(ticket):
                    raise StorageBusyError(f"other threads of this process kept writing for {timeout:g} s; try again")
        except StorageBusyError:
            raise
        except BaseException:
            # Interrupted: who leaves the queue must not keep a turn that has just come.
            if not self._leave(ticket, interrupted=True) and ticket.state == _TURN:
                self._next()
            raise

    def _leave(self, ticket: Ticket, *, interrupted: bool = False) -> bool:
        """Leave the queue; False when the turn has come meanwhile, or another thread is doing the work."""
        with self._lock:
            if ticket.state == _WAITING:
                self._waiting.remove(ticket)
                ticket.state = _GONE
            elif ticket.state == _TAKEN and interrupted:
                ticket.state = _GONE
            return ticket.state == _GONE

    def _next(self) -> None:
        with self._lock:
            if not self._waiting:
                self._busy = False
                return
            ticket = self._waiting.popleft()
            ticket.state = _TURN
        ticket.wake()

    # --- for the thread whose turn it is ------------------------------------------------------------------------------

    def others(self) -> Iterator[Ticket]:
        """Take over the work of those next in line, as long as they have work that can be taken over."""
        end = time.monotonic() + GROUP_SECONDS
        for _ in range(GROUP):
            with self._lock:
                if not self._waiting or self._waiting[0].work is None or time.monotonic() > end:
                    return
                ticket = self._waiting.popleft()
                ticket.state = _TAKEN
            yield ticket

    def finish(self, tickets: list[Ticket]) -> None:
        """Their work is committed."""
        for ticket in tickets:
            with self._lock:
                waits = ticket.state == _TAKEN
                ticket.state = _DONE
            if waits:
                ticket.wake()

    def put_back(self, tickets: list[Ticket]) -> None:
        """Their work came to nothing, by no fault of theirs: they are next in line, each to do it alone."""
        with self._lock:
            for ticket in reversed(tickets):
                if ticket.state == _TAKEN:
                    ticket.state, ticket.work = _WAITING, None
                    self._waiting.appendleft(ticket)
