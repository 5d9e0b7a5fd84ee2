"""Stand-ins for the tests of programs that embed us."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from tracktion.errors import StorageError
    from tracktion.storage.protocol import Storage

__all__ = ["FailingStorage", "FakeClock"]


class FakeClock:
    """A monotonic clock that moves only when told; pass it as ``clock=``."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return the time, in seconds."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


class FailingStorage:
    """Passes everything on to a storage, and raises what it is told for the methods it is told.

    Parameters
    ----------
    storage
        Where calls go.

    Examples
    --------
    >>> from tracktion.errors import StorageFullError
    >>> from tracktion.storage import open_storage
    >>> storage = FailingStorage(open_storage("memory:"))
    >>> storage.fail("add_tracks", StorageFullError("full"), times=2)
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._lock = threading.Lock()
        self._faults: dict[str, tuple[StorageError, int]] = {}
        self.calls: dict[str, int] = {}

    def fail(self, method: str, error: StorageError, *, times: int = 1) -> None:
        """Let the next `times` calls of `method` raise `error`."""
        with self._lock:
            self._faults[method] = (error, times)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._storage, name)
        if not callable(value):
            return value

        def call(*args: Any, **options: Any) -> Any:
            with self._lock:
                self.calls[name] = self.calls.get(name, 0) + 1
                error, times = self._faults.get(name, (None, 0))
                if error is not None and times:
                    self._faults[name] = (error, times - 1)
                    raise error
            return value(*args, **options)

        return call

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._storage.close()
