"""The other end of the broker: a worker that analyses announced batches and keeps the results."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from tracktion.batch import IsolatedPool, run
from tracktion.batch.isolated import START
from tracktion.batch.limits import checked_limits
from tracktion.batch.task import check_work
from tracktion.errors import StorageError, UsageError, printable
from tracktion.options import demand_helper
from tracktion.publish.message import ROUTING_KEY
from tracktion.publish.topology import Topology, checked_url
from tracktion.results.analysis import Analysis
from tracktion.results.catalogue import FileRecord
from tracktion.storage.journal_lookup import lookup_for
from tracktion.watching.analysing import analysis_task, identified, store_all
from tracktion.watching.content import content_mark, signature_at

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    from tracktion.batch import BatchItem, WorkerLimits
    from tracktion.storage.protocol import Storage

__all__ = ["RabbitMQConsumer"]

logger = logging.getLogger("tracktion")

BACKOFF_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)
RETRY_SECONDS = 1.0
CLOSE_SECONDS = 5.0
NO_BATCH = (ValueError, TypeError, OverflowError, RecursionError)
"""What reading a message raises when it is none of ours."""
Place = tuple[bytes, bytes]
"""``(root, path)``"""
SIGNATURE = ("size", "mtime_ns", "ctime_ns", "device", "inode")


class RabbitMQConsumer:
    """Analyses batches from a queue; each message is acknowledged after its results are stored (extra ``rabbitmq``).

    Any number of these may take from one queue, on any machine that sees the files under the same paths and reaches the
    same storage. A consumer that dies gives its messages back; files that were finished before are recognised by their
    stored version and not analysed again, and storing a result again changes nothing. A result is stored under the
    version that the file has, whatever older one a late message tells of. A batch that cannot be worked on for a reason
    that nobody expected is tried once more and then rejected, so that it holds up no others.

    Parameters
    ----------
    url
        ``amqp://user:password@host:port/vhost``
    storage
        A `Storage`.
    analyzer
        An `Analyzer`, or a function of one path.
    exchange, queue, routing_key
        As at the publisher.
    prefetch
        Batches that the broker hands out ahead.
    workers, isolation, limits
        As for `tracktion.Watcher`.
    timeout
        Seconds for the connection.
    """

    def __init__(
        self,
        url: str,
        *,
        storage: Storage,
        analyzer: Any,
        exchange: str = "tracktion",
        queue: str = ROUTING_KEY,
        routing_key: str = ROUTING_KEY,
        prefetch: int = 2,
        workers: int | None = None,
        isolation: str | None = "auto",
        limits: WorkerLimits | None = None,
        timeout: float = 10.0,
    ) -> None:
        self.done = 0
        self.failed = 0
        self.repeated = 0
        self.last_error: BaseException | None = None
        check_work(analyzer)
        demand_helper("storage", storage, "put_files", "what tracktion.open_storage(...) gives")
        if workers is not None and workers < 1:
            raise UsageError("workers must be at least 1")
        self._url = checked_url(url)
        self._storage = storage
        self._lookup = lookup_for(storage)
        self._analyzer = analyzer
        self._parameters = str(getattr(analyzer, "parameters", ""))
        self._topology = Topology(exchange, queue, routing_key)
        self._prefetch, self._workers, self._timeout = prefetch, workers, timeout
        self._limits = checked_limits(limits)
        self._task = analysis_task(analyzer, isolation)
        self._pool: IsolatedPool | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def start(self) -> None:
        """Consume in a background thread; calling it again does nothing."""
        if self._thread is not None and self._thread.is_alive():
            return
        self._stopping.clear()
        self._thread = threading.Thread(target=self.run, name="tracktion-consumer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish nothing more; batches in hand go back to the queue."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(CLOSE_SECONDS)
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.terminate()

    def run(self) -> None:
        """Consume until `stop`, through any number of lost connections."""
        failures = 0
        while not self._stopping.is_set():
            try:
                asyncio.run(self._session())
            except Exception as error:  # noqa: BLE001 - the broker is far away; it is tried again for ever
                self.last_error = error
                logger.warning("RabbitMQ: %s: %s", type(error).__name__, printable(str(error)))
                self._stopping.wait(BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)])
                failures += 1
            else:
                failures = 0

    async def _session(self) -> None:
        """Stay connected until stopped or cut off."""
        import aio_pika

        connection = await aio_pika.connect(self._url, timeout=self._timeout)
        try:
            channel = await connection.channel()
            await channel.set_qos(prefetch_count=self._prefetch)
            _, queue = await self._topology.declare(channel)
            arrived: asyncio.Queue[Any] = asyncio.Queue()
            tag = await queue.consume(arrived.put)
            underlay: Any = await channel.get_underlay_channel()
            while not (self._stopping.is_set() or connection.is_closed or channel.is_closed):
                if tag not in underlay.consumers:
                    raise ConnectionError(f"the broker took {self._topology.queue} away; it is declared again")
                with contextlib.suppress(TimeoutError):
                    message = await asyncio.wait_for(arrived.get(), 0.2)
                    await self._take(message)
        finally:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(connection.close(), CLOSE_SECONDS)

    async def _take(self, message: Any) -> None:
        try:
            records = _records(message.body)
        except NO_BATCH as error:
            logger.warning("RabbitMQ: a message that is no batch is rejected: %s", printable(str(error)))
            await message.reject(requeue=False)
            return
        outcome = await asyncio.to_thread(self._outcome, records, bool(message.redelivered))
        if outcome == "stored":
            await message.ack()
        else:
            await message.reject(requeue=outcome == "again")

    def _outcome(self, records: Sequence[FileRecord], redelivered: bool) -> Literal["stored", "again", "rejected"]:
        """Work on a batch, and say what becomes of its message."""
        try:
            return "stored" if self._process(records) else "again"
        except StorageError as error:
            self.last_error = error
            logger.warning("storage: %s", error)
            self._stopping.wait(RETRY_SECONDS)
            return "again"
        except Exception as error:  # noqa: BLE001 - ours or the analyzer's; one batch must not block the queue for ever
            self.last_error = error
            return self._second_chance(len(records), redelivered, error)

    def _second_chance(self, size: int, redelivered: bool, error: Exception) -> Literal["again", "rejected"]:
        last = redelivered and not self._stopping.is_set()  # what a stop pulls down says nothing of the batch
        fate = "rejected" if last else "put back into the queue"
        reason = printable(f"{type(error).__name__}: {error}")
        logger.warning("RabbitMQ: a batch of %d files could not be worked on and is %s: %s", size, fate, reason)
        if last:
            return "rejected"
        self._stopping.wait(RETRY_SECONDS)
        return "again"

    def process(self, items: Sequence[dict[str, Any]]) -> bool:
        """Analyse the files of one batch and store the results.

        Returns
        -------
        bool
            False when a stop, or others with the same files, came first: the batch is to be processed again.
        """
        return self._process([_record(item) for item in items])

    def _process(self, told: Sequence[FileRecord]) -> bool:
        rows = self._rows(told)
        records = [_present(record, rows.get(_place(record))) for record in told]
        waiting = {r.name: r for r in records if not _is_known(r, rows.get(_place(r)))}
        self.repeated += len(records) - len(waiting)
        if not waiting:
            return True
        marks = {name: content_mark(record.path) for name, record in waiting.items()}
        results: list[BatchItem] = list(self._results(list(waiting)))
        if len(results) < len(waiting) or self._not_begun(results):
            return False
        return self._keep([(waiting[result.source], result, marks[result.source]) for result in results], rows)

    def _not_begun(self, results: Sequence[BatchItem]) -> bool:
        """Whether no worker could be started for some file, which says nothing of it; waits a little then."""
        for error in (result.error for result in results):
            if error is not None and error.stage == START:
                self.last_error = error
                logger.warning("RabbitMQ: a batch is put back into the queue: %s", printable(error.reason))
                self._stopping.wait(RETRY_SECONDS)
                return True
        return False

    def _results(self, names: list[str]) -> Any:
        if self._task is None:
            work: Callable[[Any], Any] = identified(self._analyzer)
            return run(names, work, workers=self._workers, stop_event=self._stopping)
        if self._pool is None:
            self._pool = IsolatedPool(workers=self._workers, limits=self._limits)
        return run(names, self._task, executor=self._pool, workers=self._pool.workers, stop_event=self._stopping)

    def _keep(
        self, finished: Sequence[tuple[FileRecord, BatchItem, str | None]], before: Mapping[Place, FileRecord]
    ) -> bool:
        """Store the results of a batch in one transaction; False when a row is no longer what it was before the work.

        Such a row is left alone: which of the two versions is the newer one shows when the batch is processed again.
        """
        done = failed = 0
        with self._storage.transaction():
            rows = self._rows([record for record, _, _ in finished])
            ours = [entry for entry in finished if rows.get(_place(entry[0])) == before.get(_place(entry[0]))]
            good: list[tuple[FileRecord, Any, str | None]] = []
            put: list[FileRecord] = []
            for record, item, mark in ours:
                row = rows.get(_place(record))
                kept = replace(record, owner=mark, attempts=1, track_id=row.track_id if row is not None else None)
                if item.error is None:
                    identity = (item.analysis.identity if isinstance(item.analysis, Analysis) else None) or mark
                    good.append((replace(kept, state="done", audio_identity=identity), item.analysis, identity))
                else:
                    reason = printable(f"{item.error.code}: {item.error.reason}")
                    put.append(replace(kept, state="failed", reason=reason))
            track_ids = store_all(self._storage, good, self._parameters)
            put += [replace(record, track_id=number) for (record, _, _), number in zip(good, track_ids, strict=True)]
            self._storage.put_files(put)
            done, failed = len(good), len(put) - len(good)
        self.done += done
        self.failed += failed
        return len(ours) == len(finished)

    def _rows(self, records: Sequence[FileRecord]) -> dict[Place, FileRecord]:
        found: dict[Place, FileRecord] = {}
        for root in {record.root for record in records}:
            rows = self._lookup.by_path(root, [record.path for record in records if record.root == root])
            found |= {(root, path): row for path, row in rows.items()}
        return found


def _records(body: bytes) -> list[FileRecord]:
    """Read a message: with ``items`` as our publisher sends them, or with ``files`` alone."""
    message = json.loads(body)
    if not isinstance(message, dict):
        raise TypeError("no object")
    items = message.get("items")
    if items is None and isinstance(files := message.get("files"), list):
        items = [{"path": path} for path in files]
    if not isinstance(items, list) or not all(isinstance(i, dict) and isinstance(i.get("path"), str) for i in items):
        raise ValueError("no list of files")
    return [_record(item) for item in items]


def _record(item: dict[str, Any]) -> FileRecord:
    numbers: dict[str, Any] = {name: int(item.get(name) or 0) for name in SIGNATURE}
    path = os.fsencode(item["path"])
    root = os.fsencode(str(item.get("root") or ""))
    if b"\0" in path:
        raise ValueError("a path with NUL in it")
    return FileRecord(path=path, root=root, state="done", **numbers)


def _present(told: FileRecord, row: FileRecord | None) -> FileRecord:
    """Return `told` with the version that its file has now: messages come late, and not in order.

    A row of the very version that was told of keeps it. It may be a Watcher's on the same storage, which has yet to
    find the newer version, and would not announce one that it finds stored.
    """
    if row is not None and any(_version(told)) and _version(told) == _version(row):
        return told
    try:
        now = signature_at(told.path)
    except OSError:
        now = None
    if now is None:  # this host does not see the file: the analyzer will say so
        return told
    numbers: dict[str, Any] = dict(zip(SIGNATURE, now, strict=True))
    return replace(told, **numbers)


def _is_known(record: FileRecord, row: FileRecord | None) -> bool:
    """Whether the result is there, or a Watcher on the same storage has the version in work and will announce it."""
    if row is None or _version(row) != _version(record):
        return False
    return row.audio_identity is not None or row.state != "done"


def _place(record: FileRecord) -> Place:
    return record.root, record.path


def _version(row: FileRecord) -> tuple[int, int, int, int]:
    return row.size, row.mtime_ns, row.ctime_ns, row.inode
