"""Events as hints: "something happened in this folder". No more is taken from them, so nothing is lost with them.

On Linux each folder is watched by itself, armed for one event, just before it is listed. A storm of fifty thousand
files therefore costs one event per look, the kernel's queue does not fill, names never matter, and what happens after
the listing always rings again. Elsewhere a recursive observer of the operating system gives the same hints.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import threading
from collections.abc import Callable
from typing import Any, Protocol

__all__ = ["Hints", "NoHints", "open_hints"]

logger = logging.getLogger("tracktion")


class Hints(Protocol):
    """Where hints come from."""

    def arm(self, path: bytes, inode: int) -> bool:
        """Ask for a hint at the next change in this folder; False when the system has no more watches to give."""
        ...

    def forget(self, path: bytes) -> None:
        """No longer ask for hints about this folder."""
        ...

    def close(self) -> None:
        """Give everything back."""
        ...


class NoHints:
    """For network file systems and systems without events: scans alone."""

    def arm(self, path: bytes, inode: int) -> bool:
        """There is nothing to ask."""
        del path, inode
        return False

    def forget(self, path: bytes) -> None:
        """Nothing was asked for."""

    def close(self) -> None:
        """There is nothing to give back."""


def open_hints(roots: list[bytes], changed: Callable[[bytes], None], overflow: Callable[[], None]) -> Hints:
    """Return the best source of hints that this system has.

    Parameters
    ----------
    roots
        Absolute paths.
    changed
        Called from another thread with the path of a folder (or of something in it) where something happened.
    overflow
        Called when hints were lost.
    """
    try:
        return FolderHints(changed, overflow)
    except (ImportError, AttributeError, OSError) as error:
        if isinstance(error, OSError):
            logger.warning("no file system events (%s): the folders are scanned instead", error.strerror)
            return NoHints()
    try:
        return TreeHints(roots, changed)
    except (ImportError, OSError) as error:
        logger.warning("no file system events (%s): the folders are scanned instead", error)
        return NoHints()


class FolderHints:
    """One inotify watch per folder, armed for one event (watchdog's ``InotifyFD``, Linux)."""

    def __init__(self, changed: Callable[[bytes], None], overflow: Callable[[], None]) -> None:
        from watchdog.observers.inotify_c import InotifyConstants as In
        from watchdog.observers.inotify_c import InotifyFD

        self._changed = changed
        self._overflow = overflow
        self._lock = threading.Lock()
        self._paths: dict[int, bytes] = {}
        self._watches: dict[bytes, tuple[int, int, int]] = {}
        self._count = 0
        self._closed = False
        self._mask: Any = (
            In.IN_CREATE
            | In.IN_CLOSE_WRITE
            | In.IN_MOVED_FROM
            | In.IN_MOVED_TO
            | In.IN_DELETE
            | In.IN_DELETE_SELF
            | In.IN_MOVE_SELF
            | In.IN_ATTRIB
            | In.IN_ONLYDIR
            | In.IN_ONESHOT
        )
        self._source: Any = InotifyFD()
        self._source.start()

    def arm(self, path: bytes, inode: int) -> bool:
        """See `Hints`; the inode tells whether the folder that is armed is still this one."""
        with self._lock:
            armed = self._watches.get(path)
            if armed is not None and armed[2] == inode:
                return True
            if armed is not None:
                self._remove(path)
            self._count += 1
            try:
                watch = self._source.add_callback(path, self._mask, self, self._count)
            except OSError as error:
                return error.errno not in {errno.ENOSPC, errno.EMFILE, errno.ENOMEM}
            before = self._paths.get(watch)
            if before is not None:
                _, number, _ = self._watches.pop(before)
                self._source.remove_callbacks([(watch, number)])
            self._paths[watch] = path
            self._watches[path] = (watch, self._count, inode)
            return True

    def forget(self, path: bytes) -> None:
        """See `Hints`."""
        with self._lock:
            self._remove(path)

    def _remove(self, path: bytes) -> None:
        armed = self._watches.pop(path, None)
        if armed is not None:
            self._paths.pop(armed[0], None)
            with contextlib.suppress(OSError):
                self._source.remove_callbacks([(armed[0], armed[1])])

    def close(self) -> None:
        """See `Hints`."""
        self._closed = True
        self._source.stop()
        self._source.join(5)

    # What the source calls, from its own thread.

    def on_event(self, event: Any) -> None:
        """Something happened in a folder."""
        self._fire(event.wd)

    def on_watch_deleted(self, watch: int) -> None:
        """A folder is gone, or its one event was spent."""
        self._fire(watch)

    def on_queue_overflow(self) -> None:
        """The kernel had more to say than fits its queue."""
        self._overflow()

    def _fire(self, watch: int) -> None:
        with self._lock:
            path = self._paths.pop(watch, None)
            if path is not None:
                self._watches.pop(path, None)
        if path is not None and not self._closed:
            self._changed(path)


class TreeHints:
    """watchdog's public observer: recursive events of macOS and Windows, or inotify of older versions."""

    def __init__(self, roots: list[bytes], changed: Callable[[bytes], None]) -> None:
        from watchdog.events import FileSystemEvent, FileSystemEventHandler
        from watchdog.observers import Observer

        class Handler(FileSystemEventHandler):
            """Passes on where something happened."""

            def on_any_event(self, event: FileSystemEvent) -> None:
                """Reduce it to the folder."""
                if event.event_type in {"opened", "closed_no_write"}:
                    return
                for path in (event.src_path, event.dest_path):
                    if path:
                        changed(os.path.dirname(os.fsencode(path)))  # noqa: PTH120 - bytes, which Path refuses

        self._observer: Any = Observer()
        for root in roots:
            if os.path.isdir(root):  # noqa: PTH112 - bytes
                self._observer.schedule(Handler(), os.fsdecode(root), recursive=True)
        self._observer.start()

    def arm(self, path: bytes, inode: int) -> bool:
        """The tree is armed as a whole."""
        del path, inode
        return True

    def forget(self, path: bytes) -> None:
        """The tree is armed as a whole."""

    def close(self) -> None:
        """End the observer."""
        self._observer.stop()
        self._observer.join(5)
