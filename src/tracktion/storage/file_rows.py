"""Checks of file rows that all homes share."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any

from tracktion.errors import UsageError
from tracktion.results.catalogue import FILE_STATES, FileRecord

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["EARLIEST", "FILE_FIELDS", "checked_changes", "checked_file", "now_ns", "signed", "unsigned"]

FILE_FIELDS = tuple(field.name for field in dataclasses.fields(FileRecord))
EARLIEST = -(2**62)
"""Nanoseconds of a file's time, in 1823; what is stored below stands for 2262 to 2407."""

_CHANGEABLE = frozenset(FILE_FIELDS) - {"id", "changed_ns"}


def now_ns() -> int:
    """Return the wall clock; for people to read, never for decisions."""
    return time.time_ns()


def checked_file(record: FileRecord) -> FileRecord:
    """Return `record`, or raise `UsageError`."""
    if not isinstance(record.path, bytes) or not isinstance(record.root, bytes):
        raise UsageError("path and root of a file are bytes (os.fsencode), so that every name round trips")
    if record.state not in FILE_STATES:
        raise UsageError(f"state {record.state!r} is none of {', '.join(FILE_STATES)}")
    return record


def checked_changes(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return `changes`, or raise `UsageError` for a field that a file does not have or a state that does not exist."""
    for name, value in changes.items():
        if name not in _CHANGEABLE:
            raise UsageError(f"a file has no field {name!r} that can be changed")
        if name == "state" and value not in FILE_STATES:
            raise UsageError(f"state {value!r} is none of {', '.join(FILE_STATES)}")
        if name in {"path", "root"} and not isinstance(value, bytes):
            raise UsageError(f"{name} of a file is bytes (os.fsencode)")
    return dict(changes)


def signed(number: int) -> int:
    """Fold an unsigned 64-bit number (device, inode, a time after 2262) into the signed range of databases."""
    return number - 2**64 if number >= 2**63 else number


def unsigned(number: int, least: int = 0) -> int:
    """Inverse of `signed`, for numbers from `least` on."""
    return number + 2**64 if number < least else number
