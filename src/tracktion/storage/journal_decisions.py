"""What becomes of a row of the journal when its file is found again, is found elsewhere, or is gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tracktion.results.catalogue import FileRecord
from tracktion.storage.journal_versions import (
    FINISHED,
    GONE,
    MODIFIED,
    REPORTED,
    RETURNED,
    Found,
    moved_from,
    moved_reason,
    same_version,
)

__all__ = ["Decisions"]

NO_VERSION = {"size": 0, "mtime_ns": 0, "ctime_ns": 0, "device": 0, "inode": 0}
"""No file has this signature: whatever comes back under the path is worked on."""


class Decisions:
    """Decides about one row at a time, and writes nothing.

    Parameters
    ----------
    same_content
        ``same_content(path, mark) -> bool``: whether the file still has the content that `mark` was made of.
    report_moves
        Whether a moved version is handed out once more, to be reported.
    report_deletions
        Whether somebody is told of deletions.
    """

    def __init__(
        self, *, same_content: Callable[[bytes, str], bool], report_moves: bool, report_deletions: bool
    ) -> None:
        self._same_content = same_content
        self._report_moves = report_moves
        self._report_deletions = report_deletions

    def found(self, found: Found, row: FileRecord | None) -> FileRecord | None:
        """Return the row to write for a version under the path of `row`, or None to leave everything as it is."""
        if row is not None and same_version(row.signature, found.signature):
            if row.state == "offline":
                return replace(row, state="ready", device=found.signature[3])
            return self._restored(row, found) if row.state == "deleted" else None
        if row is not None and row.state in {*FINISHED, "deleted"} and self._only_stamps(row, found):
            return self._restored(row, found)
        fresh = _row(found)
        if row is None:
            return fresh
        return replace(fresh, id=row.id, reason=None if self._is_news(row) else MODIFIED, track_id=row.track_id)

    def moved(self, row: FileRecord, found: Found) -> FileRecord:
        """Return the row of a finished version that was found under another path."""
        restored = replace(self._restored(row, found), path=found.path, root=found.root)
        if self._report_moves and restored.state == "done":
            restored = replace(restored, state="ready", reason=moved_reason(row.path), attempts=0)
        elif moved_from(restored) == found.path:
            restored = replace(restored, state="done", reason=None)
        return restored

    def gone(self, row: FileRecord) -> dict[str, Any]:
        """What a row becomes when its file is gone: why, and no version where there is no result to come back to."""
        if row.reason == RETURNED:
            return {"reason": REPORTED}
        if moved_from(row) is not None:
            return {"reason": row.reason}
        if row.state == "done":
            return {"reason": GONE if self._report_deletions else None}
        if row.state == "failed" and not self._report_deletions:
            return {"reason": row.reason}
        return {"reason": GONE if self._report_deletions else None, **NO_VERSION}

    def _is_news(self, row: FileRecord) -> bool:
        """Whether nobody was told of an earlier version, or was told that it is gone.

        What is in the handler's hands counts as told when its end is to be told too: the two must not part.
        """
        if row.reason in {REPORTED, RETURNED}:
            return True
        in_hand = row.state == "running" and self._report_deletions
        return row.reason is None and row.state not in {*FINISHED, "deleted"} and not in_hand

    def _only_stamps(self, row: FileRecord, found: Found) -> bool:
        size, mtime_ns, *_ = found.signature
        if (row.size, row.mtime_ns) != (size, mtime_ns) or not row.owner:
            return False
        return self._same_content(found.path, row.owner)

    def _restored(self, row: FileRecord, found: Found) -> FileRecord:
        """The row with its result taken up again, under the signature that was found."""
        size, mtime_ns, ctime_ns, device, inode = found.signature
        row = replace(row, size=size, mtime_ns=mtime_ns, ctime_ns=ctime_ns, device=device, inode=inode)
        if row.state != "deleted":
            return row
        if row.reason == REPORTED and self._report_moves:
            return replace(row, state="ready", reason=RETURNED, attempts=0)
        if moved_from(row) is not None:
            return replace(row, state="ready", attempts=0)
        if row.reason in {None, GONE, REPORTED}:
            return replace(row, state="done", reason=None)
        return replace(row, state="failed")


def _row(found: Found) -> FileRecord:
    size, mtime_ns, ctime_ns, device, inode = found.signature
    return FileRecord(
        path=found.path,
        root=found.root,
        size=size,
        mtime_ns=mtime_ns,
        ctime_ns=ctime_ns,
        device=device,
        inode=inode,
        state="ready",
    )
