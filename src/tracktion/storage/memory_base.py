"""The ground of the memory home: one lock, an undo log, savepoints."""

from __future__ import annotations

import threading
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self, TypeVar

from tracktion.errors import StorageBusyError, StorageUnavailableError
from tracktion.storage.tasks import demand_task, running_task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, MutableMapping

__all__ = ["MemoryBase", "members"]

T = TypeVar("T")

_MISSING: Any = object()


class _Lock:
    """A re-entrant lock that is waited for with a limit."""

    __slots__ = ("_lock", "_timeout")

    def __init__(self, timeout: float) -> None:
        self._lock = threading.RLock()
        self._timeout = timeout

    def __enter__(self) -> None:
        if not self._lock.acquire(timeout=self._timeout):
            raise StorageBusyError(f"another thread kept a transaction open for {self._timeout:g} s; keep them short")

    def __exit__(self, *exc_info: object) -> None:
        self._lock.release()


class MemoryBase:
    """Mappings that change together or not at all.

    Every change of state goes through `_put` and `_drop` inside `transaction`, which keep what was there before.
    """

    def __init__(self, *, timeout: float = 30.0) -> None:
        self._lock = _Lock(timeout)
        self._undo: list[tuple[MutableMapping[Any, Any], Any, Any]] = []
        self._depth = 0
        self._owner = 0
        self._task: Any = None
        self._closed = False
        self._revision = 0
        self._edition = uuid.uuid4().hex
        self._changed: dict[int, None] = {}
        self._listeners: list[Callable[[list[tuple[int, str | None]]], None]] = []

    @property
    def revision(self) -> int:
        """See `Storage.revision`."""
        return self._revision

    def edition(self) -> str | None:
        """See `Storage.edition`."""
        self._check_open()
        return None if self._changed and self._owner == threading.get_ident() else self._edition

    def listen(self, listener: Callable[[list[tuple[int, str | None]]], None]) -> None:
        """Call `listener` after each commit with ``(track id, searchable text or None when deleted)`` of what changed.

        It is called with the storage locked, so it sees every change once and in order; it must be quick.
        """
        with self._lock:
            self._listeners.append(listener)

    @contextmanager
    def transaction(self) -> Iterator[Self]:
        """See `Storage.transaction`."""
        with self._lock:
            self._check_open()
            if not self._depth:
                self._task = running_task()
            mark, self._depth, self._owner = len(self._undo), self._depth + 1, threading.get_ident()
            try:
                yield self
            except BaseException:
                self._roll_back(mark)
                raise
            finally:
                self._depth -= 1
                if not self._depth:
                    self._task = None
                    self._finish()

    def run(self, work: Callable[[Self], T], /) -> T:
        """See `Storage.run`."""
        with self.transaction():
            return work(self)

    def _check_open(self) -> None:
        """Refuse what comes after `close`, or into the unit of work of another coroutine of this thread."""
        if self._closed:
            raise StorageUnavailableError("the storage is closed")
        if self._depth and self._owner == threading.get_ident():
            demand_task(self._task)

    def _roll_back(self, mark: int) -> None:
        while len(self._undo) > mark:
            mapping, key, value = self._undo.pop()
            if value is _MISSING:
                mapping.pop(key, None)
            else:
                mapping[key] = value
        self._forget_order()

    def _forget_order(self) -> None:
        """Drop what was derived from the mappings."""

    def _searchable(self, track_id: int) -> str | None:
        """Return the searchable text of a track, None when there is no such track."""
        raise NotImplementedError

    def _finish(self) -> None:
        committed = bool(self._undo)
        self._undo.clear()
        changed, self._changed = self._changed, {}
        if committed and changed:
            self._revision += 1
            if self._listeners:
                news = [(track_id, self._searchable(track_id)) for track_id in changed]
                for listener in self._listeners:
                    listener(news)
            # Last: who reads the new name without the lock must find what listeners are told.
            self._edition = uuid.uuid4().hex

    def _put(self, mapping: MutableMapping[Any, Any], key: Any, value: Any) -> None:
        self._undo.append((mapping, key, mapping.get(key, _MISSING)))
        mapping[key] = value

    def _drop(self, mapping: MutableMapping[Any, Any], key: Any) -> bool:
        old = mapping.get(key, _MISSING)
        if old is _MISSING:
            return False
        self._undo.append((mapping, key, old))
        del mapping[key]
        return True

    def _link(self, index: MutableMapping[Any, Any], key: Any, member: int) -> None:
        """Add `member` to the members under `key`: one is kept as it is, several as a tuple."""
        old = index.get(key)
        if old is None:
            self._put(index, key, member)
        else:
            self._put(index, key, (*members(old), member))

    def _unlink(self, index: MutableMapping[Any, Any], key: Any, member: int) -> None:
        left = tuple(m for m in members(index.get(key)) if m != member)
        if not left:
            self._drop(index, key)
        else:
            self._put(index, key, left[0] if len(left) == 1 else left)


def members(entry: int | tuple[int, ...] | None) -> tuple[int, ...]:
    """Return what `MemoryBase._link` keeps under a key, as a tuple."""
    if entry is None:
        return ()
    return entry if isinstance(entry, tuple) else (entry,)
