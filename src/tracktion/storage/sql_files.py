"""Files, outbox and named values in SQL."""

from __future__ import annotations

import dataclasses
import json
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from tracktion.errors import StorageCorruptError
from tracktion.results.catalogue import FILE_STATES, FileRecord, OutboxMessage
from tracktion.storage.file_rows import FILE_FIELDS, checked_changes, checked_file, now_ns, signed, unsigned
from tracktion.storage.rows import chunked, dump_json
from tracktion.storage.schema import files, named_values, outbox
from tracktion.storage.sql_base import SqlBase

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection

__all__ = ["SqlFiles"]

CHUNK = 500
PAGE = 1000

_FILE = sa.select(*(files.c[name] for name in FILE_FIELDS))
_DEVICE, _INODE, _STATE, _ID = (FILE_FIELDS.index(name) for name in ("device", "inode", "state", "id"))
_OUTBOX = sa.select(
    outbox.c.id, outbox.c.payload, outbox.c.subject, outbox.c.sequence, outbox.c.published, outbox.c.attempts
)


def _record(values: Sequence[Any]) -> FileRecord:
    row = list(values)
    if row[_STATE] not in FILE_STATES:
        raise StorageCorruptError(f"the row of file {row[_ID]} is damaged; delete it, and the next scan makes it anew")
    row[_DEVICE], row[_INODE] = unsigned(row[_DEVICE]), unsigned(row[_INODE])
    return FileRecord(*row)


def _stored(changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: signed(value) if name in {"device", "inode"} else value for name, value in changes.items()}


class SqlFiles(SqlBase):
    """`FileStore` on tables."""

    def put_files(self, files: Iterable[FileRecord], /) -> list[int]:
        """See `FileStore.put_files`."""
        ids: list[int] = []
        with self.transaction():
            for chunk in chunked(files, CHUNK):
                records = [checked_file(record) for record in chunk]
                ids.extend(self.write(partial(self._put_files, records=records)))
        return ids

    def _put_files(self, connection: Connection, records: list[FileRecord]) -> list[int]:
        last = before = self._locked_counter(connection, "file")
        paths = list({record.path for record in records})
        query = sa.select(files.c.root, files.c.path, files.c.id).where(files.c.path.in_(paths))
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
            values = {name: getattr(record, name) for name in FILE_FIELDS}
            rows[file_id] = _stored(values | {"id": file_id, "changed_ns": now_ns()})
        if last != before:
            self._set_counter(connection, "file", last)
        connection.execute(self._upserting(files), [rows[file_id] for file_id in sorted(rows)])
        return ids

    def get_file(self, path: bytes, *, root: bytes | None = None) -> FileRecord | None:
        """See `FileStore.get_file`."""
        query = _FILE.where(files.c.path == path).order_by(files.c.root).limit(1)
        if root is not None:
            query = query.where(files.c.root == root)
        found = self._first(query)
        return None if found is None else _record(found)

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
        query = _FILE.order_by(files.c.id)
        if states is not None:
            query = query.where(files.c.state.in_(list(states)))
        for name, value in _stored(
            {
                name: value
                for name, value in (
                    ("root", root),
                    ("audio_identity", audio_identity),
                    ("device", device),
                    ("inode", inode),
                    ("track_id", track_id),
                )
                if value is not None
            }
        ).items():
            query = query.where(files.c[name] == value)
        last, left = -1, limit
        while left is None or left > 0:
            size = PAGE if left is None else min(PAGE, left)
            page = query.where(files.c.id > last).limit(size)
            rows = self._all(page)
            yield from map(_record, rows)
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
        checked = _stored(checked_changes(changes))
        condition = files.c.id == file_id
        if expected_state is not None:
            condition &= files.c.state == expected_state
        if expected_epoch is not None:
            condition &= files.c.epoch == expected_epoch

        def work(connection: Connection) -> bool:
            if "path" in checked or "root" in checked:
                old = connection.execute(sa.select(files.c.path, files.c.root).where(condition)).one_or_none()
                if old is None:
                    return False
                path, root = checked.get("path", old.path), checked.get("root", old.root)
                there = (files.c.path == path) & (files.c.root == root) & (files.c.id != file_id)
                connection.execute(sa.delete(files).where(there))
            change = sa.update(files).where(condition).values(**checked, changed_ns=now_ns())
            return bool(connection.execute(change).rowcount)

        return self.write(work)

    def claim_files(
        self, *, owner: str, epoch: int, limit: int = 10, max_attempts: int = 3, root: bytes | None = None
    ) -> list[FileRecord]:
        """See `FileStore.claim_files`."""
        query = _FILE.where(files.c.state == "ready", files.c.attempts < max_attempts).order_by(files.c.id).limit(limit)
        if root is not None:
            query = query.where(files.c.root == root)
        query = query.with_for_update(skip_locked=True)

        def work(connection: Connection) -> list[FileRecord]:
            found = [_record(row) for row in connection.execute(query)]
            moment = now_ns()
            if found:
                change = sa.update(files).where(files.c.id.in_([record.id for record in found]))
                connection.execute(
                    change.values(
                        state="running",
                        attempts=files.c.attempts + 1,
                        owner=owner,
                        epoch=epoch,
                        changed_ns=moment,
                    )
                )
            return [
                dataclasses.replace(
                    record,
                    state="running",
                    attempts=record.attempts + 1,
                    owner=owner,
                    epoch=epoch,
                    changed_ns=moment,
                )
                for record in found
            ]

        return self.write(work)

    def count_files(self, *, root: bytes | None = None) -> dict[str, int]:
        """See `FileStore.count_files`."""
        query = sa.select(files.c.state, sa.func.count()).group_by(files.c.state)
        if root is not None:
            query = query.where(files.c.root == root)
        return {row[0]: row[1] for row in self._all(query)}

    def delete_files(self, file_ids: Iterable[int], /) -> int:
        """See `FileStore.delete_files`."""
        wanted = list(file_ids)

        def work(connection: Connection) -> int:
            return sum(
                connection.execute(sa.delete(files).where(files.c.id.in_(part))).rowcount
                for part in chunked(wanted, CHUNK)
            )

        return self.write(work)

    def add_outbox(self, message_id: str, payload: Mapping[str, Any], *, subject: bytes = b"") -> bool:
        """See `FileStore.add_outbox`."""
        values = {
            "id": message_id,
            "subject": subject,
            "payload": dump_json(dict(payload)),
            "published": False,
            "attempts": 0,
        }
        statement = self._insert(outbox).values(**values).on_conflict_do_nothing().returning(outbox.c.sequence)
        return self.write(lambda connection: connection.execute(statement).first()) is not None

    def pending_outbox(self, *, limit: int = 100) -> list[OutboxMessage]:
        """See `FileStore.pending_outbox`."""
        query = _OUTBOX.where(outbox.c.published == sa.false()).order_by(outbox.c.sequence).limit(limit)
        found = self._all(query)
        return [OutboxMessage(row[0], json.loads(row[1]), *row[2:]) for row in found]

    def mark_outbox(self, message_ids: Iterable[str], *, published: bool) -> int:
        """See `FileStore.mark_outbox`."""
        wanted = list(message_ids)
        values: dict[str, Any] = {"attempts": outbox.c.attempts + 1}
        if published:
            values["published"] = True

        def work(connection: Connection) -> int:
            return sum(
                connection.execute(sa.update(outbox).where(outbox.c.id.in_(part)).values(**values)).rowcount
                for part in chunked(wanted, CHUNK)
            )

        return self.write(work)

    def purge_outbox(self, *, keep: int = 0) -> int:
        """See `FileStore.purge_outbox`."""
        done = sa.select(outbox.c.sequence).where(outbox.c.published == sa.true())
        newest = done.order_by(outbox.c.sequence.desc()).limit(keep).subquery()
        old = sa.delete(outbox).where(
            outbox.c.published == sa.true(), outbox.c.sequence.not_in(sa.select(newest.c.sequence))
        )
        return self.write(lambda connection: connection.execute(old).rowcount)

    def get_value(self, name: str, /) -> str | None:
        """See `FileStore.get_value`."""
        query = sa.select(named_values.c.value).where(named_values.c.name == name)
        return self.read(lambda connection: connection.execute(query).scalar_one_or_none())

    def set_value(self, name: str, value: str | None, /) -> None:
        """See `FileStore.set_value`."""

        def work(connection: Connection) -> None:
            if value is None:
                connection.execute(sa.delete(named_values).where(named_values.c.name == name))
            else:
                connection.execute(self._upserting(named_values), {"name": name, "value": value})

        self.write(work)
