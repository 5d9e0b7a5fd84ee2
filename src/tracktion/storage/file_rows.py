"""Checks of file rows that all homes share."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any

from tracktion.errors import UsageError
from tracktion.results.catalogue import FILE_STATES, FileRecord
from tracktion.storage.rows import clean_text, demand_name, demand_text, whole_number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["EARLIEST", "FILE_FIELDS", "checked", "checked_changes", "checked_file", "now_ns", "signed", "unsigned"]

FILE_FIELDS = tuple(field.name for field in dataclasses.fields(FileRecord))
EARLIEST = -(2**62)
"""Nanoseconds of a file's time, in 1823; what is stored below stands for 2262 to 2407."""


def _place(value: Any, name: str) -> bytes:
    if not isinstance(value, bytes):
        raise UsageError(f"{name} of a file must be bytes (os.fsencode), so that every name round trips: {value!r:.60}")
    return value


def _state(value: Any, _: str) -> str:
    if value not in FILE_STATES:
        raise UsageError(f"state {value!r:.60} is none of {', '.join(FILE_STATES)}")
    return str.__str__(value)


def _number(value: Any, name: str, end: int = 2**63) -> int:
    if type(value) is int and 0 <= value < end:
        return value
    number = whole_number(value, name)
    if number is None or not -(2**63) <= number < end:
        raise UsageError(f"{name} of a file must be a whole number of 64 bits, not {value!r:.60}")
    return number


def _folded(value: Any, name: str) -> int:
    return _number(value, name, 2**64)


def _link(value: Any, name: str) -> int | None:
    return None if value is None else _number(value, name)


def _owner(value: Any, name: str) -> str | None:
    return None if value is None else demand_text(value, name)


def _identity(value: Any, name: str) -> str | None:
    return None if value is None else demand_name(value, name)


_CHECKS: dict[str, Callable[[Any, str], Any]] = {
    "path": _place,
    "root": _place,
    "size": _number,
    "mtime_ns": _folded,
    "ctime_ns": _folded,
    "device": _folded,
    "inode": _folded,
    "state": _state,
    "reason": clean_text,
    "attempts": _number,
    "owner": _owner,
    "epoch": _number,
    "audio_identity": _identity,
    "track_id": _link,
}
"""Fields that a caller gives, each with what makes of its value the one that every home keeps, or raises."""


def now_ns() -> int:
    """Return the wall clock; for people to read, never for decisions."""
    return time.time_ns()


def checked(name: str, value: Any) -> Any:
    """Return a value of a field as every home keeps it, or raise `UsageError`."""
    return _CHECKS[name](value, name)


def checked_file(record: FileRecord) -> FileRecord:
    """Return `record` as every home keeps it, or raise `UsageError`."""
    if not isinstance(record, FileRecord):
        raise UsageError(f"a file must be a FileRecord, not {type(record).__name__}")
    others = {}
    for name, check in _CHECKS.items():
        value = getattr(record, name)
        kept = check(value, name)
        if kept is not value:
            others[name] = kept
    return dataclasses.replace(record, **others) if others else record


def checked_changes(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return `changes` as every home keeps them, or raise `UsageError`, also for a field that a file does not have."""
    unknown = [name for name in changes if name not in _CHECKS]
    if unknown:
        raise UsageError(f"a file has no field {unknown[0]!r} that can be changed")
    return {name: checked(name, value) for name, value in changes.items()}


def signed(number: int) -> int:
    """Fold an unsigned 64-bit number (device, inode, a time after 2262) into the signed range of databases."""
    return number - 2**64 if number >= 2**63 else number


def unsigned(number: int, least: int = 0) -> int:
    """Inverse of `signed`, for numbers from `least` on."""
    return number + 2**64 if number < least else number
