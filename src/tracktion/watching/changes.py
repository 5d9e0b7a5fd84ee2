"""Rows of the journal as others are told of them: changes for the handler, messages for the outbox."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracktion.results.change import FileChange
from tracktion.storage.journal_versions import MODIFIED, moved_from, version_id

if TYPE_CHECKING:
    from tracktion.results.catalogue import FileRecord
    from tracktion.results.change import ChangeKind

__all__ = ["change_of", "deletion_of", "message_of"]


def change_of(record: FileRecord) -> FileChange:
    """Describe the version that a row stands for."""
    former = moved_from(record)
    kind: ChangeKind = "moved" if former is not None else "modified" if record.reason == MODIFIED else "added"
    return FileChange(
        path=Path(os.fsdecode(record.path)),
        kind=kind,
        size=record.size,
        mtime_ns=record.mtime_ns,
        root=Path(os.fsdecode(record.root)),
        previous=None if former is None else Path(os.fsdecode(former)),
        attempt=record.attempts,
        id=version_id(record.root, record.path, record.signature),
    )


def deletion_of(record: FileRecord) -> FileChange:
    """Describe the end of a file, under the path by which the handler knows it."""
    return FileChange(
        path=Path(os.fsdecode(moved_from(record) or record.path)),
        kind="deleted",
        size=record.size,
        mtime_ns=record.mtime_ns,
        root=Path(os.fsdecode(record.root)),
    )


def message_of(record: FileRecord, change: FileChange, outcome: str, reason: str | None) -> dict[str, Any]:
    """Payload for the outbox: plain types; paths keep undecodable bytes as surrogates."""
    return {
        "id": change.id,
        "path": str(change.path),
        "root": os.fsdecode(record.root),
        "kind": change.kind,
        "previous": None if change.previous is None else str(change.previous),
        "size": record.size,
        "mtime_ns": record.mtime_ns,
        "ctime_ns": record.ctime_ns,
        "device": record.device,
        "inode": record.inode,
        "state": outcome,
        "reason": reason,
    }
