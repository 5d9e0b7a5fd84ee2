"""The journal of the watcher: which file versions there are, and how far the work on each is.

A row goes ``ready → running → done | failed``; ``seen`` holds back a version whose earlier attempt ended without an
answer (a killed host, a handler that raised), so that it is tried again alone; ``offline`` lays one aside whose file
was not to be had when its turn came, until the scan has looked again. The attempt is counted in the transaction that
hands the row out, before any work starts; the result, the new state and the message to publish are one transaction
after it. Whatever dies in between, every row is in exactly one of these states when the journal is opened again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tracktion.results.catalogue import FileRecord
from tracktion.storage.journal_decisions import Decisions
from tracktion.storage.journal_failpoints import failpoint
from tracktion.storage.journal_lookup import lookup_for
from tracktion.storage.journal_owner import owner_of
from tracktion.storage.journal_versions import FINISHED, MODIFIED, REPORTED, Found, Signature, is_untold, version_id

if TYPE_CHECKING:
    from tracktion.results.catalogue import OutboxMessage
    from tracktion.storage.protocol import Storage

__all__ = ["Journal", "Outcome"]

PRESENT = ("ready", "running", "seen", "done", "failed")
EPOCH = "watcher.epoch"
CLAIMS_PER_EPOCH = 1 << 24


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the work on a claimed row ended.

    Attributes
    ----------
    record
        The row as it was claimed.
    state, reason
        ``done``; ``failed`` with why; ``seen`` to try again alone.
    mark
        Hash of samples of the content: recognises it when only time stamps or the inode changed.
    identity
        Audio identity, where it is known.
    store
        Called inside the transaction with the storage; stores the result and returns a track id or None.
    message
        Payload for the outbox, or None.
    """

    record: FileRecord
    state: str
    reason: str | None = None
    mark: str | None = None
    identity: str | None = None
    store: Callable[[Storage], int | None] | None = None
    message: Mapping[str, Any] | None = None


class Journal:
    """The rows of some roots in a storage.

    Parameters
    ----------
    storage
        Any `Storage`.
    roots
        Absolute paths.
    same_content, report_moves, report_deletions
        See `tracktion.storage.journal_decisions.Decisions`.
    max_attempts
        How often work on a version is started.
    """

    def __init__(
        self,
        storage: Storage,
        roots: Sequence[bytes],
        *,
        same_content: Callable[[bytes, str], bool],
        report_moves: bool,
        report_deletions: bool = False,
        max_attempts: int = 3,
    ) -> None:
        self.storage = storage
        self.roots = tuple(roots)
        self.max_attempts = max_attempts
        self.owner = owner_of(storage)
        self._lookup = lookup_for(storage)
        self._decisions = Decisions(
            same_content=same_content, report_moves=report_moves, report_deletions=report_deletions
        )
        self.report_deletions = report_deletions
        self._epoch = 0
        self._claims = 0
        self._in_hand: set[tuple[int | None, int]] = set()

    @property
    def shared(self) -> bool:
        """Whether other watchers may work on the same rows."""
        return self.owner.shared

    def open(self, wait_seconds: float = 10.0) -> list[FileRecord]:
        """Become owner, begin a new epoch, and return rows to be tried again alone."""
        self.owner.acquire(wait_seconds)
        self._epoch = self.storage.run(self._begin_epoch)
        return self.recover()

    def _begin_epoch(self, storage: Storage) -> int:
        self._lookup.lock()
        epoch = int(storage.get_value(EPOCH) or 0) + 1
        storage.set_value(EPOCH, str(epoch))
        return epoch

    def close(self) -> None:
        """Let go of the ownership."""
        self.owner.release()

    def recover(self) -> list[FileRecord]:
        """Free rows that dead owners were working on; a version that ended too many lives is failed.

        Returns
        -------
        list of FileRecord
            Rows in state ``seen``: to be tried again, alone.
        """
        failpoint("recover.begin")
        for root in self.roots:
            left = [r for r in self.storage.find_files(root=root, states=["running"]) if not self._works(r)]
            left += self._orphans(root)
            for start in range(0, len(left), 500):
                with self.storage.transaction():
                    for record in left[start : start + 500]:
                        self._free(record)
        failpoint("recover.committed")
        return self.suspects()

    def _works(self, record: FileRecord) -> bool:
        """Whether the row is in somebody's hand. One of ours that is not in hand was claimed by a call that failed."""
        if record.owner == self.owner.name:
            return (record.id, record.epoch) in self._in_hand
        return self.owner.shared and self.owner.alive(record.owner)

    def _orphans(self, root: bytes) -> list[FileRecord]:
        """Rows laid aside by owners that are dead: nobody is about to look again."""
        aside = list(self.storage.find_files(root=root, states=["offline"]))
        alive = {name for name in {record.owner for record in aside} if self.owner.alive(name)}
        return [record for record in aside if record.owner not in alive]

    def _free(self, record: FileRecord) -> None:
        changes: dict[str, Any] = {"state": "ready" if record.state == "offline" else "seen"}
        if record.attempts >= self.max_attempts:
            reason = f"WorkerCrashed: the process died {record.attempts} times while it worked on this file"
            changes = {"state": "failed", "reason": reason, "owner": None}
        self.storage.update_file(record.id or 0, expected_state=record.state, expected_epoch=record.epoch, **changes)

    def suspects(self) -> list[FileRecord]:
        """Return the rows that wait to be tried alone."""
        return [r for root in self.roots for r in self.storage.find_files(root=root, states=["seen"])]

    def entries(self, root: bytes) -> Iterator[tuple[bytes, Signature]]:
        """Yield path and signature of every version that is in the journal."""
        for record in self.storage.find_files(root=root, states=list(PRESENT)):
            self._lookup.note((record,))
            yield record.path, record.signature

    # --- discovery --------------------------------------------------------------------------------------------------

    def ready(self, found: Sequence[Found]) -> int:
        """Take settled versions in; return how many of them need work.

        Versions that are in the journal already change nothing. A version that was moved, or whose content is what it
        was, keeps its result.
        """
        failpoint("ready.begin")
        work = 0
        with self.storage.transaction():
            self._lookup.lock()
            failpoint("ready.locked")
            for root in {f.root for f in found}:
                here = [f for f in found if f.root == root]
                rows = self._lookup.by_path(root, [f.path for f in here])
                strangers = [f for f in here if f.path not in rows]
                moves = self._moves(strangers)
                moved = {row.id for row in moves.values()}
                rows = {path: row for path, row in rows.items() if row.id not in moved}  # they take their rows along
                put = [row for f in here if (row := self._take(f, rows.get(f.path), moves.get(f.path))) is not None]
                self.storage.put_files([row for row in put if row.id is None or row.path in rows])
                self._lookup.note(put)
                work += sum(row.state == "ready" for row in put)
            failpoint("ready.put")
        failpoint("ready.committed")
        return work

    def _take(self, found: Found, row: FileRecord | None, moved: FileRecord | None) -> FileRecord | None:
        """Return the row to write, or None to leave everything as it is."""
        return self._decisions.found(found, row) if moved is None else self._move(moved, found)

    def _moves(self, strangers: Sequence[Found]) -> dict[bytes, FileRecord]:
        """Find for each unknown path the finished row of the same file under a path where it no longer is."""
        pairs = [(f.signature[3], f.signature[4]) for f in strangers]
        rows = self._lookup.by_inode(pairs) if pairs else {}
        moves: dict[bytes, FileRecord] = {}
        taken: set[int | None] = set()
        for found in strangers:
            size, mtime_ns, _, device, inode = found.signature
            for row in rows.get((device, inode), ()):
                fits = (row.size, row.mtime_ns) == (size, mtime_ns) and row.root in self.roots and row.id not in taken
                finished = row.state in FINISHED or row.state == "deleted"
                if fits and finished and row.path != found.path and not _is_there(row):
                    moves[found.path] = row
                    taken.add(row.id)
                    break
        return moves

    def _move(self, row: FileRecord, found: Found) -> FileRecord:
        """Write the new path into the row at once; the returned copy is for counting alone."""
        moved = self._decisions.moved(row, found)
        names = ("path", "root", "size", "mtime_ns", "ctime_ns", "device", "inode", "state", "reason", "attempts")
        self.storage.update_file(row.id or 0, **{name: getattr(moved, name) for name in names})
        return moved

    def gone(self, root: bytes, paths: Sequence[bytes]) -> list[FileRecord]:
        """Mark files that are no longer there; what nobody was told of is forgotten. Return the rows to be told of."""
        failpoint("gone.begin")
        marked: list[FileRecord] = []
        with self.storage.transaction():
            rows = self._lookup.by_path(root, paths)
            for row in rows.values():
                if row.state in {"running", "deleted"}:
                    continue
                if row.state not in FINISHED and row.reason is None:
                    self.storage.delete_files([row.id or 0])
                    continue
                changes = self._decisions.gone(row)
                if self.storage.update_file(row.id or 0, expected_state=row.state, state="deleted", **changes):
                    marked += [row] if changes["reason"] != REPORTED else []
        failpoint("gone.committed")
        return marked

    def untold(self) -> list[FileRecord]:
        """Return rows of deletions that are still to be told."""
        return [
            r for root in self.roots for r in self.storage.find_files(root=root, states=["deleted"]) if is_untold(r)
        ]

    def tell_gone(self, records: Sequence[FileRecord]) -> list[FileRecord]:
        """Return which of these deletions still stand, and count them as told: none is told twice."""
        told: list[FileRecord] = []
        with self.storage.transaction():
            self._lookup.lock()
            for record in records:
                row = self.storage.get_file(record.path, root=record.root)
                if row is not None and row.id == record.id and row.state == "deleted" and is_untold(row):
                    self.storage.update_file(row.id or 0, expected_state="deleted", reason=REPORTED)
                    told.append(record)
        return told

    def purge(self, root: bytes) -> int:
        """Remove the rows of files that are gone; return how many."""
        ids = [row.id or 0 for row in self.storage.find_files(root=root, states=["deleted"])]
        return self.storage.delete_files(ids)

    # --- work -------------------------------------------------------------------------------------------------------

    def claim(self, limit: int, roots: Iterable[bytes] | None = None) -> list[FileRecord]:
        """Hand out up to `limit` ready rows of `roots` (of all by default); their attempt is counted now."""
        failpoint("claim.begin")
        rows: list[FileRecord] = []
        for root in self.roots if roots is None else roots:
            if len(rows) < limit:
                rows += self.storage.claim_files(
                    owner=self.owner.name,
                    epoch=self._next_epoch(),
                    limit=limit - len(rows),
                    max_attempts=self.max_attempts,
                    root=root,
                )
        self._in_hand.update((row.id, row.epoch) for row in rows)
        failpoint("claim.committed")
        return rows

    def claim_suspect(self, record: FileRecord) -> FileRecord | None:
        """Hand out one row that waits to be tried alone; None when it is no longer there to be had."""
        failpoint("claim.begin")
        epoch = self._next_epoch()
        changes: dict[str, Any] = {
            "state": "running",
            "attempts": record.attempts + 1,
            "owner": self.owner.name,
            "epoch": epoch,
        }
        with self.storage.transaction():
            current = self.storage.get_file(record.path, root=record.root)
            if current is None or current.attempts != record.attempts or current.signature != record.signature:
                return None
            if not self.storage.update_file(record.id or 0, expected_state="seen", **changes):
                return None
        self._in_hand.add((record.id, epoch))
        failpoint("claim.committed")
        return replace(record, **changes)

    def _next_epoch(self) -> int:
        """Every claim has a number of its own, so that a row that was taken over is never mistaken for ours."""
        self._claims += 1
        return self._epoch * CLAIMS_PER_EPOCH + self._claims

    def finish(self, outcomes: Sequence[Outcome]) -> list[bool]:
        """Write results, states and messages in one transaction.

        Returns
        -------
        list of bool
            Whether each row was still ours; where not (the file changed meanwhile), nothing of its outcome is kept.
        """
        failpoint("finish.begin")
        kept: list[bool] = []
        with self.storage.transaction():
            kept += [self._finish(outcome) for outcome in outcomes]
        self._lay_down([outcome.record for outcome in outcomes])
        failpoint("finish.committed")
        return kept

    def hold(self, records: Iterable[FileRecord]) -> None:
        """Nothing but these rows is in hand; `recover` frees the others that are ours."""
        self._in_hand = {(record.id, record.epoch) for record in records}

    def _lay_down(self, records: Iterable[FileRecord]) -> None:
        self._in_hand.difference_update((record.id, record.epoch) for record in records)

    def _finish(self, outcome: Outcome) -> bool:
        record = outcome.record
        changes: dict[str, Any] = {"state": outcome.state}
        if outcome.state in FINISHED:
            changes |= {"reason": outcome.reason, "owner": outcome.mark}
            if outcome.identity is not None:
                changes["audio_identity"] = outcome.identity
        ours = self.storage.update_file(
            record.id or 0, expected_state="running", expected_epoch=record.epoch, **changes
        )
        failpoint("finish.updated")
        if not ours:
            return False
        if outcome.store is not None:
            track_id = outcome.store(self.storage)
            failpoint("finish.analysed")
            if track_id is not None:
                self.storage.update_file(record.id or 0, track_id=track_id)
            failpoint("finish.tracked")
        if outcome.message is not None:
            self.storage.add_outbox(
                version_id(record.root, record.path, record.signature), outcome.message, subject=record.path
            )
            failpoint("finish.outboxed")
        return True

    def lay_aside(self, records: Sequence[FileRecord], *, told: bool = False) -> None:
        """Lay claimed rows aside whose files are not what they were, or not to be had; the attempt does not count.

        The scan looks again and decides: what is there goes its way, and what is gone is marked or forgotten.

        Parameters
        ----------
        records
            As they were claimed.
        told
            Whether the handler was given these versions.
        """
        self._give_back(records, {"state": "offline"} | ({"reason": MODIFIED} if told else {}))

    def release(self, records: Sequence[FileRecord]) -> None:
        """Give claimed rows back unworked, as a clean stop does; the attempt does not count."""
        failpoint("stop.begin")
        self._give_back(records, {"state": "ready"})
        failpoint("stop.released")

    def _give_back(self, records: Sequence[FileRecord], changes: Mapping[str, Any]) -> None:
        with self.storage.transaction():
            for record in records:
                self.storage.update_file(
                    record.id or 0,
                    expected_state="running",
                    expected_epoch=record.epoch,
                    attempts=max(0, record.attempts - 1),
                    **changes,
                )
        self._lay_down(records)

    def counts(self) -> dict[str, int]:
        """Return the number of rows in each state, over all roots."""
        total: dict[str, int] = {}
        for root in self.roots:
            for state, count in self.storage.count_files(root=root).items():
                total[state] = total.get(state, 0) + count
        return total

    def retry_failed(self) -> int:
        """Make failed rows ready again, with new attempts; return how many."""
        count = 0
        for root in self.roots:
            for row in list(self.storage.find_files(root=root, states=["failed"])):
                changes: dict[str, Any] = {"state": "ready", "attempts": 0, "reason": MODIFIED, "owner": None}
                count += self.storage.update_file(row.id or 0, expected_state="failed", **changes)
        return count

    # --- outbox -----------------------------------------------------------------------------------------------------

    def unpublished(self, limit: int) -> list[OutboxMessage]:
        """Return the oldest messages that wait."""
        return self.storage.pending_outbox(limit=limit)

    def published(self, messages: Sequence[OutboxMessage], *, ok: bool) -> None:
        """Mark messages as sent, or count a failed try."""
        self.storage.mark_outbox([m.id for m in messages], published=ok)
        failpoint("publish.marked")


def _is_there(row: FileRecord) -> bool:
    """Whether the file is still under the row's path; what nobody can tell counts as there: it was not moved."""
    try:
        stat = os.lstat(row.path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return (stat.st_ino, stat.st_size, stat.st_mtime_ns) == (row.inode, row.size, row.mtime_ns)
