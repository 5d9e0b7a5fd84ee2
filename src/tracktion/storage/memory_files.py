"""Files, outbox and named values in memory."""

from __future__ import annotations

import dataclasses
import json
from heapq import heappop, heappush
from itertools import chain
from typing import TYPE_CHECKING, Any

from tracktion.results.catalogue import FileRecord, OutboxMessage
from tracktion.storage.file_rows import checked, checked_changes, checked_file, now_ns
from tracktion.storage.memory_base import MemoryBase, members
from tracktion.storage.rows import demand_bytes, demand_limit, demand_name, demand_text, dump_json, known_id

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
        self._of_tracks: dict[int, int | tuple[int, ...]] = {}
        self._queues: dict[bytes, list[int]] | None = None
        """Ready rows by root, each list a heap; None until they are needed."""
        self._outbox: dict[str, OutboxMessage] = {}
        self._values: dict[str, str] = {}
        self._counters: dict[str, int] = {"file": 0, "outbox": 0}

    def _forget_order(self) -> None:
        super()._forget_order()
        self._queues = None

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
        if old is None or (old.state, old.root) != (record.state, record.root):
            if old is not None:
                self._drop(self._states[old.state], file_id)
            self._put(self._states.setdefault(record.state, {}), file_id, None)
            if record.state == "ready" and self._queues is not None:
                heappush(self._queues.setdefault(record.root, []), file_id)
        self._relink(file_id, None if old is None else old.track_id, record.track_id)
        self._put(self._files, file_id, record)

    def _relink(self, file_id: int, old: int | None, new: int | None) -> None:
        if old != new:
            if old is not None:
                self._unlink(self._of_tracks, old, file_id)
            if new is not None:
                self._link(self._of_tracks, new, file_id)

    def get_file(self, path: bytes, *, root: bytes | None = None) -> FileRecord | None:
        """See `FileStore.get_file`."""
        path, root = checked("path", path), None if root is None else checked("root", root)
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
        track_id = None if track_id is None else known_id(track_id)
        asked = {
            "root": root,
            "audio_identity": audio_identity,
            "device": device,
            "inode": inode,
            "track_id": track_id,
        }
        wanted = [(name, checked(name, value)) for name, value in asked.items() if value is not None]
        wanted_states = None if states is None else {checked("state", state) for state in states}
        most = None if limit is None else demand_limit(limit)
        with self._lock:
            self._check_open()
            ids = self._ids(wanted_states, track_id)
        found = 0
        for start in range(0, len(ids), PAGE):
            with self._lock:
                self._check_open()
                records = [self._files[file_id] for file_id in ids[start : start + PAGE] if file_id in self._files]
            for record in records:
                if most is not None and found >= most:
                    return
                if wanted_states is not None and record.state not in wanted_states:
                    continue
                if all(getattr(record, name) == value for name, value in wanted):
                    found += 1
                    yield record

    def _ids(self, states: set[str] | None, track_id: int | None) -> list[int]:
        """Return the ids of rows that may be meant, by the index that says most, in order."""
        if track_id is not None:
            return sorted(members(self._of_tracks.get(track_id)))
        if states is not None:
            return sorted(chain.from_iterable(self._states.get(state, ()) for state in states))
        return sorted(self._files)

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
        new = checked_changes(changes)
        expected = {"state": expected_state, "epoch": expected_epoch}
        wanted = [(name, checked(name, value)) for name, value in expected.items() if value is not None]
        with self.transaction():
            old = self._files.get(file_id)
            if old is None or any(getattr(old, name) != value for name, value in wanted):
                return False
            record = dataclasses.replace(old, **new, changed_ns=now_ns())
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
        self._relink(file_id, record.track_id, None)
        self._drop(self._places[record.root], record.path)
        return self._drop(self._files, file_id)

    def claim_files(
        self, *, owner: str, epoch: int, limit: int = 10, max_attempts: int = 3, root: bytes | None = None
    ) -> list[FileRecord]:
        """See `FileStore.claim_files`."""
        most, tries = demand_limit(limit), demand_limit(max_attempts, "max_attempts")
        root = None if root is None else checked("root", root)
        claim = checked_changes({"state": "running", "owner": owner, "epoch": epoch})
        with self.transaction():
            taken = [
                dataclasses.replace(record, **claim, attempts=record.attempts + 1, changed_ns=now_ns())
                for record in self._next_ready(most, tries, root)
            ]
            for record in taken:
                self._write(record)
            return taken

    def _next_ready(self, most: int, tries: int, root: bytes | None) -> list[FileRecord]:
        """Take the first ready rows out of the queues, which may hold some that are ready no more there, or twice."""
        places = [(place, queue) for place, queue in self._ready_queues().items() if root in (None, place)]
        found: list[FileRecord] = []
        others: list[FileRecord] = []
        last = None
        while len(found) < most and (left := [(queue[0], place, queue) for place, queue in places if queue]):
            file_id, place, queue = min(left)
            heappop(queue)
            record = self._files.get(file_id)
            if record is None or record is last or (record.state, record.root) != ("ready", place):
                continue
            last = record
            (found if record.attempts < tries else others).append(record)
        for record in others:
            heappush(self._ready_queues()[record.root], record.id or 0)
        return found

    def _ready_queues(self) -> dict[bytes, list[int]]:
        if self._queues is None:
            self._queues = {}
            for file_id in sorted(self._states.get("ready", ())):
                self._queues.setdefault(self._files[file_id].root, []).append(file_id)
        return self._queues

    def count_files(self, *, root: bytes | None = None) -> dict[str, int]:
        """See `FileStore.count_files`."""
        root = None if root is None else checked("root", root)
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
        subject = demand_bytes(subject, "the subject of a message")
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
        wanted = dict.fromkeys(demand_name(message_id, "the id of a message") for message_id in message_ids)
        with self.transaction():
            known = [self._outbox[message_id] for message_id in wanted if message_id in self._outbox]
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
