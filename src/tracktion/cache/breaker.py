"""A breaker: who failed is left alone for a while, and tried again by nobody's leave."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Breaker"]


class Breaker:
    """Closed while all is well; open after a failure, for a time that doubles while failures go on.

    Parameters
    ----------
    pause, longest
        Seconds of the first and of the longest rest.
    clock
        Monotonic seconds.
    """

    def __init__(
        self, *, pause: float = 1.0, longest: float = 60.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._first, self._longest, self._clock = pause, longest, clock
        self.after_fork()

    def after_fork(self) -> None:
        """Close, whatever was before: a probe of the parent is not this process's."""
        self._lock = threading.Lock()
        self._pause = self._first
        self._until = 0.0
        self._open = False
        self._probing = False

    @property
    def open(self) -> bool:
        """Whether to leave it alone."""
        return self._open

    def fail(self) -> bool:
        """Open, or rest longer; return whether it was closed before."""
        with self._lock:
            was_closed = not self._open
            if self._open:
                if not self._probing:
                    return False
                self._pause = min(2 * self._pause, self._longest)
            self._open, self._probing = True, False
            self._until = self._clock() + self._pause
            return was_closed

    def succeed(self) -> None:
        """Close."""
        with self._lock:
            self._open = self._probing = False
            self._pause = self._first

    def may_probe(self) -> bool:
        """Whether the rest is over and this caller is the one to try."""
        with self._lock:
            if not self._open or self._probing or self._clock() < self._until:
                return False
            self._probing = True
            return True
