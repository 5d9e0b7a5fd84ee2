"""Whether an SQLite file still is what it was when it was closed, at the speed of reading it.

A complete check has SQLite look up every row in every index, and read the search index against the rows. A checksum
of the bytes takes a fortieth of that. So who closes a file last leaves its checksum in a small file beside it, the
seal, and who opens it first compares. Where they differ, after a kill or a change by other hands, the complete check
decides. The seal holds nothing else and may be deleted at any time.

While somebody has the file open, its bytes change; who comes then relies on those who are there, since they have
checked it. They are known by a shared lock on the seal, which ends with their process.
"""

from __future__ import annotations

import os
import time
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING

try:
    import fcntl
except ImportError:  # Windows: everybody checks for himself
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Seal"]

SEAL_FROM = 2**20
"""Smaller files are checked completely each time, in less than 50 ms, and get no second file beside them."""

BLOCK = 2**20
_OPEN, _CHECKING = b"open\n", b"checking\n"


class Seal:
    """The seal of one file, for one storage that uses it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._log = path.with_name(f"{path.name}-wal")
        self._seal = path.with_name(f"{path.name}-seal")
        self._handle: int | None = None
        self._verified = False
        self._closed_as: bytes | None = None
        self._stamp: tuple[int, int] | None = None

    def open(self, check: Callable[[], None], patience: float) -> None:
        """Make sure that the file is whole: by its seal, by those who have it open, or by ``check()``, which raises."""
        if self._size() < SEAL_FROM or not self._take():
            check()
        elif not self._share(check, patience):
            # Somebody takes very long to check it: do the same, and leave the seal to them.
            self.leave()
            check()
        self._verified = True

    def trust(self) -> None:
        """Say that the file is new, and therefore whole."""
        self._verified = True

    def close(self) -> None:
        """Leave a seal when nobody else has the file open; call it when all connections are closed."""
        verified, self._verified = self._verified, False
        # An interrupted or impossible seal costs a complete check later, and nothing else.
        with suppress(OSError):
            if verified and self._size() >= SEAL_FROM and self._take() and self._alone() and not self._log.exists():
                self._write(self._sealed_again() or self._sealed())
        self.leave()

    def leave(self) -> None:
        """Give up the share in the seal; in a forked child, without touching that of the parent."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def disown(self) -> None:
        """Be no part of it any more: in a forked child."""
        self._verified = False
        self.leave()

    # --- opening ----------------------------------------------------------------------------------------------------

    def _take(self) -> bool:
        if self._handle is None:
            with suppress(OSError):
                self._handle = os.open(self._seal, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
        return self._handle is not None

    def _share(self, check: Callable[[], None], patience: float) -> bool:
        """Become one of those who have checked the file; False when others go on checking it."""
        deadline = time.monotonic() + patience
        while not self._lock(shared=False):
            if self._lock(shared=True) and self._read() == _OPEN:
                return True
            self._unlock()
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        try:
            self._first(check)
        except BaseException:
            self.leave()
            raise
        return True

    def _first(self, check: Callable[[], None]) -> None:
        left = self._read()
        self._write(_CHECKING)
        stamp = self._status()
        if left.startswith(b"sealed ") and not self._log_bytes() and left == self._sealed():
            self._closed_as, self._stamp = left, stamp
        else:
            check()
        self._write(_OPEN)
        self._lock(shared=True)

    # --- closing ----------------------------------------------------------------------------------------------------

    def _alone(self) -> bool:
        """Take the lock for ourselves; of several who leave at the same time, the last one gets it."""
        if self._lock(shared=False):
            return True
        self._unlock()
        return self._lock(shared=False)

    def _sealed_again(self) -> bytes | None:
        """Return the seal that was there, when nothing was written: damage since then must not be sealed."""
        return self._closed_as if self._stamp is not None and self._stamp == self._status() else None

    # --- the file and the seal --------------------------------------------------------------------------------------

    def _size(self) -> int:
        try:
            return self._path.stat().st_size
        except OSError:
            return 0

    def _status(self) -> tuple[int, int]:
        status = self._path.stat()
        return status.st_size, status.st_mtime_ns

    def _log_bytes(self) -> int:
        try:
            return self._log.stat().st_size
        except OSError:
            return 0

    def _sealed(self) -> bytes:
        size = checksum = 0
        with self._path.open("rb", buffering=0) as file:
            while block := file.read(BLOCK):
                size += len(block)
                checksum = zlib.crc32(block, checksum)
        return b"sealed %d %08x\n" % (size, checksum)

    def _read(self) -> bytes:
        if self._handle is None:
            return b""
        os.lseek(self._handle, 0, os.SEEK_SET)
        return os.read(self._handle, 100)

    def _write(self, content: bytes) -> None:
        if self._handle is not None:
            os.lseek(self._handle, 0, os.SEEK_SET)
            os.ftruncate(self._handle, 0)
            os.write(self._handle, content)

    def _lock(self, *, shared: bool) -> bool:
        if fcntl is None or self._handle is None:
            return not shared
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(self._handle, kind | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def _unlock(self) -> None:
        if fcntl is not None and self._handle is not None:
            fcntl.flock(self._handle, fcntl.LOCK_UN)
