"""One tree of errors, so that callers can tell whose fault a failure was.

``TracktionError`` is the root. Below it stand five families: the *file* is at fault (`FileError`), a *limit* was
reached (`LimitError`), the *storage* failed (`StorageError`), the message did not go out (`PublishError`), or the
*caller* misused the library (`UsageError`, also a `ValueError`).
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "CorruptError",
    "EmptyError",
    "FileError",
    "LimitError",
    "OutOfMemoryError",
    "ProtectedError",
    "PublishError",
    "StorageBusyError",
    "StorageCorruptError",
    "StorageError",
    "StorageFullError",
    "StorageUnavailableError",
    "StorageVersionError",
    "TimeoutExceededError",
    "TooBigError",
    "TooLongError",
    "TracktionError",
    "UnreadableError",
    "UnsupportedError",
    "UsageError",
    "WorkerCrashedError",
    "error_from_dict",
]


def printable(text: str, limit: int = 1000) -> str:
    """Return `text` with control, bidi and surrogate characters escaped, cut to `limit` characters.

    File names and tags are hostile: what reaches a terminal or a log must not move the cursor or forge a line.
    """
    cut = text if len(text) <= limit else text[:limit] + "…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii") for c in cut)


class TracktionError(Exception):
    """Root of every error that tracktion raises on purpose.

    Parameters
    ----------
    reason
        What went wrong and, where it helps, what to do.
    file
        The file or source concerned, as text; None when no file is involved.
    stage
        Where it happened: ``open``, ``decode``, ``analyse``, ``store``, ...
    """

    def __init__(self, reason: str = "", *, file: str | None = None, stage: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.file = file
        self.stage = stage

    @property
    def code(self) -> str:
        """Stable short name of the kind of error, e.g. ``Corrupt``; what journals and tables store."""
        return type(self).__name__.removesuffix("Error")

    def __str__(self) -> str:
        where = f"{printable(self.file)}: " if self.file else ""
        stage = f" (while: {self.stage})" if self.stage else ""
        return f"{where}{printable(self.reason)}{stage}"

    def to_dict(self) -> dict[str, Any]:
        """Plain form for JSON; `error_from_dict` is its inverse."""
        return {"code": self.code, "reason": self.reason, "file": self.file, "stage": self.stage}

    def __reduce__(self) -> tuple[Any, ...]:
        return error_from_dict, (self.to_dict(),)


class UsageError(TracktionError, ValueError):
    """The caller passed something that cannot be meant."""


class FileError(TracktionError):
    """The file is at fault."""


class UnreadableError(FileError):
    """No regular file that we may read: missing, no permission, a folder, FIFO, socket or device, an I/O error."""


class UnsupportedError(FileError):
    """Not audio, or audio in a form that no decoder here knows."""


class CorruptError(FileError):
    """It claims to be audio, and is too damaged to decode."""


class EmptyError(FileError):
    """A well-formed file without a single audio sample."""


class ProtectedError(FileError):
    """Encrypted (DRM)."""


class LimitError(TracktionError):
    """A limit was reached; limits are parameters."""


class TooBigError(LimitError):
    """More bytes, channels or samples per second than `Limits` allow."""


class TooLongError(LimitError):
    """More decoded seconds than `Limits` allow."""


class TimeoutExceededError(LimitError):
    """The work took longer than its time limit."""


class OutOfMemoryError(LimitError):
    """The worker reached its memory limit."""


class WorkerCrashedError(LimitError):
    """The isolated worker died (signal or exit) while it held this file."""


class StorageError(TracktionError):
    """The catalogue's home failed."""


class StorageBusyError(StorageError):
    """Locked by others for longer than the time limit."""


class StorageFullError(StorageError):
    """No space left; nothing that was committed is lost."""


class StorageCorruptError(StorageError):
    """The stored data is damaged; the message says how to rebuild."""


class StorageUnavailableError(StorageError):
    """The server cannot be reached, or the file cannot be opened."""


class StorageVersionError(StorageError):
    """The stored schema is older (migrate) or newer (update tracktion) than this library."""


class PublishError(TracktionError):
    """The broker or callable did not accept a message; it is kept and sent again."""


def _family(root: type[TracktionError]) -> dict[str, type[TracktionError]]:
    found = {root.__name__.removesuffix("Error"): root}
    for child in root.__subclasses__():
        found |= _family(child)
    return found


def error_from_dict(data: dict[str, Any]) -> TracktionError:
    """Rebuild an error from `TracktionError.to_dict`; an unknown code becomes a plain `TracktionError`."""
    kind = _family(TracktionError).get(str(data.get("code")), TracktionError)
    return kind(str(data.get("reason", "")), file=data.get("file"), stage=data.get("stage"))
