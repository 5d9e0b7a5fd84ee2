"""Files, outbox and named values in SQL."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from tracktion.results.catalogue import FileRecord, OutboxMessage
from tracktion.storage.file_rows import FILE_FIELDS, checked, checked_changes, checked_file, now_ns
from tracktion.storage.file_sums import STORED_FILE, change_files, file_checksum, record_of, stored_values
from tracktion.storage.rows import (
    chunked,
    demand_bytes,
    demand_limit,
    demand_name,
    demand_whole,
    dump_json,
    known_id,
)
from tracktion.storage.schema import files, outbox
from tracktion.storage.sql_values import SqlValues

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection

__all__ = ["SqlFiles"]

CHUNK = 500
PAGE = 1000

_MESSAGE = sa.select(
    outbox.c.id,
    outbox.c.payload,
    outbox.c.subject,
    outbox.c.published,
    outbox.c.attempts,
    outbox.c.checksum,
    outbox.c.sequence,
)


_SUMMED = ("id", "payload", "subject", "published", "attempts")


def _message(row: Sequence[Any]) -> OutboxMessage:
    demand_whole(row[:6], f"message {row[0]!r} of the outbox")
    return OutboxMessage(row[0], json.loads(row[1]), row[2], row[6], row[3], row[4])


class SqlFiles(SqlValues):
    """`FileStore` on tables."""

    def put_files(self, files: Iterable[FileRecord], /) -> list[int]:
        """See `FileStore.put_files`."""
        # All of them before the transaction, so that nobody waits for the iterator, and it may be run again.
        records = list(map(checked_file, files))

        def work(connection: Connection) -> list[int]:
            return [number for part in chunked(records, CHUNK) for number in self._put_files(connection, part)]

        return self.write(work)

    def _put_files(self, connection: Connection, records: list[FileRecord]) -> list[int]:
        last = before = self._locked_counter(connection, "file")
        paths = list({record.path for record in records})
        # Locked, or a row that another moves away meanwhile would be brought back.
        query = sa.select(files.c.root, files.c.path, files.c.id).where(files.c.path.in_(paths)).order_by(files.c.id)
        query = query.with_for_update(key_share=True)
        known = {(row.root, row.path): row.id for row in connection.execute(query)}
        ids: list[int] = []
        rows: dict[int, dict[str, Any]] = {}
        for record in records:
            place = (record.root, record.path)
            if place not in known:
                last += 1
                known[place] = last
            file_id = known[place]
            ids.append(file_id)
            values = {name: getattr(record, name) for name in FILE_FIELDS} | {"id": file_id, "changed_ns": now_ns()}
            row = rows[file_id] = stored_values(values)
            row["checksum"] = file_checksum(row) if self._checksums else None
        if last != before:
            self._set_counter(connection, "file", last)
        connection.execute(self._upserting(files), [rows[file_id] for file_id in sorted(rows)])
        return ids

    def get_file(self, path: bytes, *, root: bytes | None = None) -> FileRecord | None:
        """See `FileStore.get_file`."""
        query = STORED_FILE.where(files.c.path == checked("path", path)).order_by(files.c.root).limit(1)
        if root is not None:
            query = query.where(files.c.root == checked("root", root))
        found = self._first(query)
        return None if found is None else record_of(found)

    def find_files(
        self,
        *,
        root: bytes | None = None,
        states: Sequence[str] | None = None,
        audio_identity: str | None = None,
        device: int | None = None,
        inode: int | None = None,
        track_id: int | None = None,
        limit: int | None = None,
    ) -> Iterator[FileRecord]:
        """See `FileStore.find_files`."""
        query = STORED_FILE.order_by(files.c.id)
        if states is not None:
            query = query.where(files.c.state.in_([checked("state", state) for state in states]))
        asked = {
            "root": root,
            "audio_identity": audio_identity,
            "device": device,
            "inode": inode,
            "track_id": None if track_id is None else known_id(track_id),
        }
        known = {name: checked(name, value) for name, value in asked.items() if value is not None}
        for name, value in stored_values(known).items():
            query = query.where(files.c[name] == value)
        last, left = -1, None if limit is None else demand_limit(limit)
        while left is None or left > 0:
            size = PAGE if left is None else min(PAGE, left)
            page = query.where(files.c.id > last).limit(size)
            rows = self._all(page)
            yield from map(record_of, rows)
            if len(rows) < size:
                return
            last = rows[-1].id
            left = None if left is None else left - len(rows)

    def update_file(
        self,
        file_id: int,
        /,
        *,
        expected_state: str | None = None,
        expected_epoch: int | None = None,
        **changes: Any,
    ) -> bool:
        """See `FileStore.update_file`."""
        file_id = known_id(file_id)
        new = stored_values(checked_changes(changes))
        condition = files.c.id == file_id
        if expected_state is not None:
            condition &= files.c.state == checked("state", expected_state)
        if expected_epoch is not None:
            condition &= files.c.epoch == checked("epoch", expected_epoch)

        def work(connection: Connection) -> bool:
            if "path" in new or "root" in new:
                old = connection.execute(sa.select(files.c.path, files.c.root).where(condition)).one_or_none()
                if old is None:
                    return False
                path, root = new.get("path", old.path), new.get("root", old.root)
                there = (files.c.path == path) & (files.c.root == root) & (files.c.id != file_id)
                connection.execute(sa.delete(files).where(there))
            changed = new | {"changed_ns": now_ns()}
            return change_files(connection, condition, changed, checksums=self._checksums) > 0

        return self.write(work)

    def claim_files(
        self, *, owner: str, epoch: int, limit: int = 10, max_attempts: int = 3, root: bytes | None = None
    ) -> list[FileRecord]:
        """See `FileStore.claim_files`."""
        claim = checked_changes({"state": "running", "owner": owner, "epoch": epoch})
        tries = sa.literal(demand_limit(max_attempts, "max_attempts"), sa.BigInteger)
        query = STORED_FILE.where(files.c.state == "ready", files.c.attempts < tries)
        if root is not None:
            query = query.where(files.c.root == checked("root", root))
        query = query.order_by(files.c.id).limit(demand_limit(limit)).with_for_update(skip_locked=True)

        def work(connection: Connection) -> list[FileRecord]:
            found = [record_of(row) for row in connection.execute(query)]
            changes: dict[str, Any] = claim | {"changed_ns": now_ns()}
            attempts: dict[int, list[int]] = {}
            for record in found:
                attempts.setdefault(record.attempts + 1, []).append(record.id or 0)
            for count, ids in attempts.items():
                for part in chunked(ids, CHUNK):
                    now = changes | {"attempts": count}
                    change_files(connection, files.c.id.in_(part), now, checksums=self._checksums)
            return [dataclasses.replace(record, attempts=record.attempts + 1, **changes) for record in found]

        return self.write(work)

    def count_files(self, *, root: bytes | None = None) -> dict[str, int]:
        """See `FileStore.count_files`."""
        query = sa.select(files.c.state, sa.func.count()).group_by(files.c.state)
        if root is not None:
            query = query.where(files.c.root == checked("root", root))
        return {row[0]: row[1] for row in self._all(query)}

    def delete_files(self, file_ids: Iterable[int], /) -> int:
        """See `FileStore.delete_files`."""
        wanted = list(map(known_id, file_ids))

        def work(connection: Connection) -> int:
            return sum(
                connection.execute(sa.delete(files).where(files.c.id.in_(part))).rowcount
                for part in chunked(wanted, CHUNK)
            )

        return self.write(work)

    def add_outbox(self, message_id: str, payload: Mapping[str, Any], *, subject: bytes = b"") -> bool:
        """See `FileStore.add_outbox`."""
        values = {
            "id": demand_name(message_id, "the id of a message"),
            "subject": demand_bytes(subject, "the subject of a message"),
            "payload": dump_json(dict(payload)),
            "published": False,
            "attempts": 0,
        }
        values["checksum"] = self._sum(tuple(values[name] for name in _SUMMED))
        statement = self._insert(outbox).values(**values).on_conflict_do_nothing().returning(outbox.c.sequence)
        return self.write(lambda connection: connection.execute(statement).first()) is not None

    def pending_outbox(self, *, limit: int = 100) -> list[OutboxMessage]:
        """See `FileStore.pending_outbox`."""
        query = _MESSAGE.where(outbox.c.published == sa.false()).order_by(outbox.c.sequence)
        query = query.limit(demand_limit(limit))
        return [_message(row) for row in self._all(query)]

    def mark_outbox(self, message_ids: Iterable[str], *, published: bool) -> int:
        """See `FileStore.mark_outbox`."""
        wanted = list(dict.fromkeys(demand_name(message_id, "the id of a message") for message_id in message_ids))

        def work(connection: Connection) -> int:
            return sum(self._mark_outbox(connection, part, published=published) for part in chunked(wanted, CHUNK))

        return self.write(work)

    def _mark_outbox(self, connection: Connection, message_ids: list[str], *, published: bool) -> int:
        found = connection.execute(_MESSAGE.where(outbox.c.id.in_(message_ids)).with_for_update()).all()
        rows = []
        for row in found:
            _message(row)
            now = (*row[:3], published or row.published, row.attempts + 1)
            rows.append({"row_id": now[0], "published": now[3], "attempts": now[4], "checksum": self._sum(now)})
        if rows:
            connection.execute(sa.update(outbox).where(outbox.c.id == sa.bindparam("row_id")), rows)
        return len(rows)

    def purge_outbox(self, *, keep: int = 0) -> int:
        """See `FileStore.purge_outbox`."""
        done = sa.select(outbox.c.sequence).where(outbox.c.published == sa.true())
        newest = done.order_by(outbox.c.sequence.desc()).limit(demand_limit(keep, "keep")).subquery()
        old = sa.delete(outbox).where(
            outbox.c.published == sa.true(), outbox.c.sequence.not_in(sa.select(newest.c.sequence))
        )
        return self.write(lambda connection: connection.execute(old).rowcount)
