"""Recognising content when only time stamps or the inode number changed: a hash over samples of the file."""

from __future__ import annotations

import hashlib
import os
import stat

from tracktion.storage.journal_versions import Signature
from tracktion.watching.known import signature_of

__all__ = ["content_mark", "same_content", "signature_at"]

WHOLE_BYTES = 256 * 1024
HEAD_BYTES = 64 * 1024
PIECES = 16
PIECE_BYTES = 4096


def signature_at(path: bytes) -> Signature | None:
    """Return the signature of the regular file at `path`; None when there is none.

    Raises
    ------
    OSError
        Nobody can tell: a disk or a server in trouble.
    """
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return signature_of(found) if stat.S_ISREG(found.st_mode) else None


def content_mark(path: bytes) -> str | None:
    """Return a hash of size, head, tail and pieces between (all of a small file); None when it cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | getattr(os, "O_NOFOLLOW", 0) | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            return None
        size = found.st_size
        digest = hashlib.blake2b(str(size).encode("ascii"), digest_size=16)
        for start, length in _pieces(size):
            digest.update(os.pread(descriptor, length, start))
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return "mark:" + digest.hexdigest()


def _pieces(size: int) -> list[tuple[int, int]]:
    if size <= WHOLE_BYTES:
        return [(0, size)]
    step = (size - 2 * HEAD_BYTES) // PIECES
    middle = [(HEAD_BYTES + i * step, PIECE_BYTES) for i in range(PIECES)]
    return [(0, HEAD_BYTES), *middle, (size - HEAD_BYTES, HEAD_BYTES)]


def same_content(path: bytes, mark: str) -> bool:
    """Whether the file still has the content that `mark` was made of."""
    return content_mark(path) == mark
