"""What only the operating system knows: is it a network disk, is somebody writing, did the clock jump."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import os
import signal
import stat
import sys
import time
from typing import Any

__all__ = ["SteadyClock", "has_writer", "is_network"]

NETWORK_TYPES = frozenset(
    (*("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ncpfs", "ceph", "glusterfs", "lustre", "davfs"), "drvfs")
)
FUSE_LOCAL = frozenset(("fuseblk", "fuse.ntfs-3g", "fuse.exfat"))
CLOCK_JUMP_SECONDS = 1.0


def is_network(path: bytes) -> bool:
    """Whether events of other machines would never reach us: NFS, SMB, 9p, FUSE."""
    if sys.platform != "linux":
        return False
    kind = _filesystem_type(path)
    return kind in NETWORK_TYPES or (kind.startswith("fuse") and kind not in FUSE_LOCAL)


def _filesystem_type(path: bytes) -> str:
    best, kind = b"", ""
    real = os.path.realpath(path)
    with contextlib.suppress(OSError), open("/proc/self/mounts", "rb") as mounts:  # noqa: PTH123 - bytes
        for line in mounts:
            _, where, name, *_ = line.split(b" ")
            place = where.replace(b"\\040", b" ").replace(b"\\011", b"\t").replace(b"\\012", b"\n")
            inside = real == place or real.startswith(place.rstrip(b"/") + b"/")
            if inside and len(place) >= len(best):
                best, kind = place, name.decode("ascii", "replace")
    return kind


def has_writer(path: bytes) -> bool:
    """Whether a process on this machine has the file open for writing (or mapped writable); False when unknown.

    A read lease is granted only when nobody does. It is held for a microsecond, without letting another thread run in
    between; should a writer open the file just then, it waits for that microsecond, and the signal that announces it is
    one that is ignored by default.
    """
    if sys.platform != "linux":
        return False
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return False
        return _lease_is_refused(descriptor)
    except OSError:
        return False
    finally:
        os.close(descriptor)


@functools.cache
def _fcntl() -> Any:
    """The system's ``fcntl``, called without letting go of the interpreter lock."""
    return ctypes.PyDLL(None, use_errno=True).fcntl


def _lease_is_refused(descriptor: int) -> bool:
    import fcntl

    call = _fcntl()
    if call(descriptor, fcntl.F_SETSIG, int(signal.SIGURG)) == -1:
        return False
    if call(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK) == -1:
        return ctypes.get_errno() == errno.EAGAIN
    call(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False


class SteadyClock:
    """Tells the age of a time stamp, and admits when it cannot.

    Files carry wall clock times. As long as the wall clock runs with the monotonic one, "changed an hour ago" is known
    from the stamp alone; after a jump it never is again, and the age is 0.
    """

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()
        self.trusted = True

    def age(self, stamp_ns: int) -> float:
        """Return seconds since `stamp_ns`; 0.0 when it lies in the future or the clock cannot be trusted."""
        if self.trusted and abs(time.time() - time.monotonic() - self._offset) > CLOCK_JUMP_SECONDS:
            self.trusted = False
        if not self.trusted:
            return 0.0
        return max(0.0, time.monotonic() + self._offset - stamp_ns / 1e9)
