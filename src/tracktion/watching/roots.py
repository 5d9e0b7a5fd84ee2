"""Watched roots: what is known of each, whether it is there, and whether an empty folder has lost its disk."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tracktion.errors import StorageError, printable
from tracktion.storage.journal import Journal
from tracktion.watching.hints import Hints
from tracktion.watching.known import KnownTree

if TYPE_CHECKING:
    from tracktion.watching.filters import FileFilter

__all__ = ["RootState", "is_online", "is_unmounted", "set_offline", "status_of"]

logger = logging.getLogger("tracktion")


@dataclass(slots=True)
class RootState:
    """One watched root."""

    path: bytes
    known: KnownTree = field(default_factory=KnownTree)
    identity: tuple[int, int] | None = None
    online: bool = True
    network: bool = False
    polling: bool = False
    next_scan: float = 0.0
    last_scan_seconds: float = 0.0
    scanned_from: float = 0.0
    scans: int = 0


def status_of(path: bytes) -> os.stat_result:
    """``stat`` of a path that may be no text."""
    return Path(os.fsdecode(path)).stat()


def is_online(root: RootState, journal: Journal, names: FileFilter, hints: Hints) -> bool:
    """Whether the root is there, and is the one that it was."""
    try:
        status = status_of(root.path)
        os.scandir(root.path).close()
    except OSError as error:
        set_offline(root, hints, error)
        return False
    identity = (status.st_dev, status.st_ino)
    if root.identity is not None and identity != root.identity:
        _forget_hints(root, hints)
        root.next_scan = 0.0
        if root.known.files and _is_empty(root.path):
            set_offline(root, hints)
            return False
    moved = root.identity is None or status.st_dev != root.identity[0]
    if moved and _is_foreign(journal, root, names):
        set_offline(root, hints)
        return False
    if not root.online:
        logger.info("%s is back", printable(os.fsdecode(root.path)))
    root.identity = identity
    root.online = True
    return True


def set_offline(root: RootState, hints: Hints, error: OSError | None = None) -> None:
    """The root is not there, or cannot be read: keep what is known of it."""
    if root.online:
        root.online = False
        name, why = printable(os.fsdecode(root.path)), f" ({error.strerror})" if error is not None else ""
        logger.warning("%s is not there%s; what is known of it is kept", name, why)
        _forget_hints(root, hints)


def _forget_hints(root: RootState, hints: Hints) -> None:
    for folder in list(root.known.walk(root.path)):
        hints.forget(folder)


def _is_empty(path: bytes) -> bool:
    """Whether nothing lies in a folder, or it cannot be read."""
    try:
        with os.scandir(path) as entries:
            return next(entries, None) is None
    except OSError:
        return True


def _is_foreign(journal: Journal, root: RootState, names: FileFilter) -> bool:
    """Whether what lies at a root is what is under a mount point: another device, no known name, and no audio at all.

    Another library on another disk does count: nobody could bring it in otherwise.
    """
    files = root.known.names(root.path)
    known = [*files, *(child.rpartition(b"/")[2] for child in root.known.children(root.path))]
    if not known or any(os.path.lexists(root.path + b"/" + name) for name in known):
        return False
    return is_unmounted(journal, root, root.path, files) and not _holds_audio(root.path, names)


def _holds_audio(path: bytes, names: FileFilter) -> bool:
    return any(names.wants(file) for _, _, files in os.walk(path) for file in files)


def is_unmounted(journal: Journal, root: RootState, path: bytes, gone: list[bytes]) -> bool:
    """Whether a folder lies on another device than what was in it: when it is empty, a mount point without its disk.

    Parameters
    ----------
    journal
        Knows the device of each file.
    root, path
        The folder.
    gone
        Names of the files that were in it; without any, files below it tell.
    """
    if gone:
        return _device_differs(journal, root, path, path + b"/" + gone[0])
    for folder in root.known.walk(path):
        name = next(iter(root.known.names(folder)), None)
        if name is not None:
            return _device_differs(journal, root, path, folder + b"/" + name)
    return False


def _device_differs(journal: Journal, root: RootState, folder: bytes, file: bytes) -> bool:
    try:
        device = status_of(folder).st_dev
        row = journal.storage.get_file(file, root=root.path)
    except (OSError, StorageError):
        return True
    return row is not None and row.device != device
