"""File versions in the journal: what tells one from another, and what the reason of a row says of it."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from tracktion.results.catalogue import FileRecord

__all__ = [
    "FINISHED",
    "GONE",
    "MODIFIED",
    "REPORTED",
    "RETURNED",
    "Found",
    "Signature",
    "is_known_version",
    "is_untold",
    "moved_from",
    "moved_reason",
    "same_version",
    "version_id",
]

Signature = tuple[int, int, int, int, int]
"""``(size, mtime_ns, ctime_ns, device, inode)``"""

FINISHED = ("done", "failed")
"""States of a version that has its result."""

MODIFIED = "Modified"
MOVED = "Moved:"
GONE = "Gone"
"""A deletion that is still to be told."""
REPORTED = "Reported"
"""A deletion that was told: what comes back is new to the handler."""
RETURNED = "Returned"
"""A known version that waits to be told of once more, for its deletion was."""


@dataclass(frozen=True, slots=True)
class Found:
    """A settled file version."""

    root: bytes
    path: bytes
    signature: Signature


def version_id(root: bytes, path: bytes, signature: Signature) -> str:
    """Return the stable name of a file version: hash of root, path and signature without the device."""
    size, mtime_ns, ctime_ns, _, inode = signature
    text = b"\0".join((root, path, b"%d %d %d %d" % (size, mtime_ns, ctime_ns, inode)))
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def same_version(one: Signature | None, other: Signature | None) -> bool:
    """Whether two signatures are of one version; the device may change when a disk is plugged in again."""
    if one is None or other is None:
        return False
    return (one[0], one[1], one[2], one[4]) == (other[0], other[1], other[2], other[4])


def moved_reason(path: bytes) -> str:
    """Return the reason of a row that waits to be reported as moved from `path`."""
    return MOVED + base64.urlsafe_b64encode(path).decode("ascii")


def moved_from(record: FileRecord) -> bytes | None:
    """Return the former path of a row that waits to be reported as moved."""
    reason = record.reason or ""
    return base64.urlsafe_b64decode(reason[len(MOVED) :]) if reason.startswith(MOVED) else None


def is_known_version(record: FileRecord) -> bool:
    """Whether a ready row has its result already, and only waits to be told of: it was moved, or it came back."""
    return record.reason == RETURNED or moved_from(record) is not None


def is_untold(record: FileRecord) -> bool:
    """Whether the deletion that a row stands for is still to be told."""
    return record.reason == GONE or moved_from(record) is not None
