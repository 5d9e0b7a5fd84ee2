"""Files, outbox and named values in memory."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from tracktion.results.catalogue import FileRecord, OutboxMessage
from tracktion.storage.file_rows import checked_changes, checked_file, now_ns
from tracktion.storage.memory_base import MemoryBase
from tracktion.storage.rows import demand_limit, demand_name, demand_text, dump_json, known_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["MemoryFiles"]

PAGE = 1000


class MemoryFiles(MemoryBase):
    """`FileStore` on dictionaries."""

    def __init__(self, *, timeout: float = 30.0) -> None:
        super().__init__(timeout=timeout)
        self._files: dict[int, FileRecord] = {}
        self._places: dict[bytes, dict[bytes, int]] = {}
        self._states: dict[str, dict[int, None]] = {}
        self._outbox: dict[str, OutboxMessage] = {}
        self._values: dict[str, str] = {}
        self._counters: dict[str, int] = {"file": 0, "outbox": 0}

    def _next(self, name: str) -> int:
        self._put(self._counters, name, self._counters[name] + 1)
        return self._counters[name]

    def put_files(self, files: Iterable[FileRecord], /) -> list[int]:
        """See `FileStore.put_files`."""
        with self.transaction():
            return [self._put_file(checked_file(record)) for record in files]

    def _put_file(self, record: FileRecord) -> int:
        under = self._places.setdefault(record.root, {})
        file_id = under.get(record.path)
        if file_id is None:
            file_id = self._next("file")
            self._put(under, record.path, file_id)
        self._write(dataclasses.replace(record, id=file_id, changed_ns=now_ns()))
        return file_id

    def _write(self, record: FileRecord) -> None:
        file_id = record.id or 0
        old = self._files.get(file_id)
        if old is None or old.state != record.state:
            if old is not None:
                self._drop(self._states[old.state], file_id)
            self._put(self._states.setdefault(record.state, {}), file_id, None)
        self._put(self._files, file_id, record)

    def get_file(self, path: bytes, *, root: bytes | None = None) -> FileRecord | None:
        """See `FileStore.get_file`."""
        with self._lock:
            self._check_open()
            roots = [root] if root is not None else sorted(self._places)
            for under in roots:
                file_id = self._places.get(under, {}).get(path)
                if file_id is not None:
                    return self._files[file_id]
            return None

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
        asked = {
            "root": root,
            "audio_identity": audio_identity,
            "device": device,
            "inode": inode,
            "track_id": track_id,
        }
        wanted = [(name, value) for name, value in asked.items() if value is not None]
        most = None if limit is None else demand_limit(limit)
        with self._lock:
            self._check_open()
            if states is None:
                ids = sorted(self._files)
            else:
                ids = sorted(file_id for state in set(states) for file_id in self._states.get(state, ()))
        found = 0
        for start in range(0, len(ids), PAGE):
            with self._lock:
                records = [self._files[file_id] for file_id in ids[start : start + PAGE] if file_id in self._files]
            for record in records:
                if most is not None and found >= most:
                    return
                if states is not None and record.state not in states:
                    continue
                if all(getattr(record, name) == value for name, value in wanted):
                    found += 1
                    yield record

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
        checked = checked_changes(changes)
        with self.transaction():
            old = self._files.get(file_id)
            if (
                old is None
                or (expected_state is not None and old.state != expected_state)
                or (expected_epoch is not None and old.epoch != expected_epoch)
            ):
                return False
            record = dataclasses.replace(old, **checked, changed_ns=now_ns())
            if (record.root, record.path) != (old.root, old.path):
                self._move(old, record)
            self._write(record)
            return True

    def _move(self, old: FileRecord, record: FileRecord) -> None:
        there = self._places.setdefault(record.root, {})
        other = there.get(record.path)
        if other is not None:
            self._forget(other)
        self._drop(self._places[old.root], old.path)
        self._put(there, record.path, old.id)

    def _forget(self, file_id: int) -> bool:
        record = self._files.get(file_id)
        if record is None:
            return False
        self._drop(self._states[record.state], file_id)
        self._drop(self._places[record.root], record.path)
        return self._drop(self._files, file_id)

    def claim_files(
        self, *, owner: str, epoch: int, limit: int = 10, max_attempts: int = 3, root: bytes | None = None
    ) -> list[FileRecord]:
        """See `FileStore.claim_files`."""
        most = demand_limit(limit)
        with self.transaction():
            claimed: list[FileRecord] = []
            for file_id in self._states.get("ready", {}):
                if len(claimed) >= most:
                    break
                record = self._files[file_id]
                if record.attempts < max_attempts and root in (None, record.root):
                    claimed.append(record)
            taken = [
                dataclasses.replace(
                    record,
                    state="running",
                    attempts=record.attempts + 1,
                    owner=owner,
                    epoch=epoch,
                    changed_ns=now_ns(),
                )
                for record in claimed
            ]
            for record in taken:
                self._write(record)
            return taken

    def count_files(self, *, root: bytes | None = None) -> dict[str, int]:
        """See `FileStore.count_files`."""
        with self._lock:
            self._check_open()
            counts = {
                state: sum(1 for file_id in ids if root in (None, self._files[file_id].root))
                for state, ids in self._states.items()
            }
            return {state: count for state, count in counts.items() if count}

    def delete_files(self, file_ids: Iterable[int], /) -> int:
        """See `FileStore.delete_files`."""
        with self.transaction():
            return sum([self._forget(known_id(file_id)) for file_id in file_ids])

    def add_outbox(self, message_id: str, payload: Mapping[str, Any], *, subject: bytes = b"") -> bool:
        """See `FileStore.add_outbox`."""
        demand_name(message_id, "the id of a message")
        plain = json.loads(dump_json(dict(payload)))
        with self.transaction():
            if message_id in self._outbox:
                return False
            self._put(self._outbox, message_id, OutboxMessage(message_id, plain, subject, self._next("outbox")))
            return True

    def pending_outbox(self, *, limit: int = 100) -> list[OutboxMessage]:
        """See `FileStore.pending_outbox`."""
        most = demand_limit(limit)
        with self._lock:
            self._check_open()
            waiting = [message for message in self._outbox.values() if not message.published]
            return sorted(waiting, key=lambda message: message.sequence)[:most]

    def mark_outbox(self, message_ids: Iterable[str], *, published: bool) -> int:
        """See `FileStore.mark_outbox`."""
        with self.transaction():
            known = [self._outbox[message_id] for message_id in message_ids if message_id in self._outbox]
            for message in known:
                marked = dataclasses.replace(
                    message, published=message.published or published, attempts=message.attempts + 1
                )
                self._put(self._outbox, message.id, marked)
            return len(known)

    def purge_outbox(self, *, keep: int = 0) -> int:
        """See `FileStore.purge_outbox`."""
        kept = demand_limit(keep, "keep")
        with self.transaction():
            done = sorted((m.sequence, m.id) for m in self._outbox.values() if m.published)
            old = done[: max(0, len(done) - kept)]
            for _, message_id in old:
                self._drop(self._outbox, message_id)
            return len(old)

    def get_value(self, name: str, /) -> str | None:
        """See `FileStore.get_value`."""
        demand_name(name, "the name of a value")
        with self._lock:
            self._check_open()
            return self._values.get(name)

    def set_value(self, name: str, value: str | None, /) -> None:
        """See `FileStore.set_value`."""
        demand_name(name, "the name of a value")
        if value is not None:
            demand_text(value, "a value")
        with self.transaction():
            if value is None:
                self._drop(self._values, name)
            else:
                self._put(self._values, name, value)
