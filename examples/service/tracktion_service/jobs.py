"""Analyses in the background: a journal in the storage, isolated workers, results in the catalogue."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
from pathlib import Path
from typing import Any

import tracktion as tk
from tracktion.audio import audio_identity  # now, not in the middle of the first request's analysis
from tracktion.batch import IsolatedPool, WorkerLimits
from tracktion.errors import printable
from tracktion.results.catalogue import FileRecord
from tracktion.storage import Storage
from tracktion.version import ALGORITHM

logger = logging.getLogger("tracktion.service")
_OWNER = "service"
_EPOCH = 1
_NICENESS = 10
_ATTEMPTS = 3
_PAUSE_SECONDS = 1.0


class Analyses:
    """Turns uploaded files into tracks of the catalogue.

    Waiting files are rows of the storage, so that nothing is lost when the process dies: the next start takes them up.
    Work that does not come to an end goes back into the line, three times in all; then its job has failed.

    Parameters
    ----------
    storage
        Catalogue.
    folder
        Of the uploads.
    workers
        Isolated processes.
    timeout_seconds
        For one file.
    """

    def __init__(self, storage: Storage, folder: Path, *, workers: int, timeout_seconds: float) -> None:
        self._storage = storage
        self._root = os.fsencode(folder)
        self._timeout = timeout_seconds
        self._analyzer = tk.Analyzer()
        self._pool = IsolatedPool(workers=workers, limits=WorkerLimits(seconds=timeout_seconds))
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._workers = workers
        self._line = threading.Lock()
        self._in_hand: set[int | None] = set()
        self._reasons: dict[int | None, str] = {}
        self._astray = False
        self.waiting = 0

    async def start(self) -> None:
        """Begin, with what an earlier life left."""
        await asyncio.to_thread(self._free)
        counts = await asyncio.to_thread(self._storage.count_files, root=self._root)
        self.waiting = counts.get("ready", 0)
        self._tasks = [asyncio.create_task(self._work()) for _ in range(self._workers)]

    @property
    def alive(self) -> bool:
        """Whether everybody who should be at work is."""
        return bool(self._tasks) and not any(task.done() for task in self._tasks)

    async def stop(self) -> None:
        """End; what runs is given up and taken up again by the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self._pool.terminate)

    async def submit(self, path: Path, size: int) -> str:
        """Put a file into the line; return the name of its job."""
        record = FileRecord(path=os.fsencode(path), root=self._root, size=size, state="ready")

        def put() -> bool:
            known = self._storage.get_file(record.path, root=self._root)
            if known is not None and known.state in {"ready", "running", "done"}:
                return False
            self._storage.put_files([record])
            return True

        is_new = await asyncio.to_thread(put)
        self.waiting += is_new  # not around the await: others count meanwhile
        self._wake.set()
        return path.name

    def find(self, job: str) -> dict[str, Any] | None:
        """State of a job: ``ready``, ``running``, ``done`` with its track, or ``failed`` with the reason."""
        row = self._storage.get_file(os.path.join(self._root, os.fsencode(job)), root=self._root)  # noqa: PTH118 - bytes
        return {"job": job, "state": row.state, "track": row.track_id, "reason": row.reason} if row else None

    async def _work(self) -> None:
        while True:
            try:
                await self._work_on_one()
            except Exception:  # whatever it is: without this task, no file would be analysed any more
                logger.exception("a job could not be begun or finished")
                self._astray = True
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _work_on_one(self) -> None:
        self._wake.clear()  # before the look at the line: a file that comes after it wakes
        if self._astray:
            self._astray = False  # before: another may find something while this one looks
            ended = await asyncio.to_thread(self._free)
            self.waiting = max(0, self.waiting - ended)
        row = await asyncio.to_thread(self._claim)
        if row is None:
            await self._wake.wait()
            return
        try:
            await asyncio.to_thread(self._analyse, row)
        except Exception as error:
            self._reasons[row.id] = _reason(error)
            raise
        finally:
            self._in_hand.discard(row.id)
        self.waiting = max(0, self.waiting - 1)

    def _claim(self) -> FileRecord | None:
        with self._line:
            rows = self._storage.claim_files(
                owner=_OWNER, epoch=_EPOCH, limit=1, max_attempts=_ATTEMPTS, root=self._root
            )
            self._in_hand |= {row.id for row in rows}
        return rows[0] if rows else None

    def _free(self) -> int:
        """Put what is ``running`` and in nobody's hand back into the line; after its last attempt it has failed.

        Such rows come from an earlier life, from work that raised, and from claims that were made although the storage
        said that they were not. Returns how many failed.
        """
        failed = 0
        with self._line:
            for row in list(self._storage.find_files(root=self._root, states=["running"])):
                if row.id is None or row.id in self._in_hand:
                    continue
                last = row.attempts >= _ATTEMPTS
                reason = self._reasons.get(row.id, "Interrupted: the service ended before the analysis did")
                changes: dict[str, Any] = {"state": "failed", "reason": reason} if last else {"state": "ready"}
                failed += self._storage.update_file(row.id, expected_state="running", **changes) and last
                self._reasons.pop(row.id, None)
        return failed

    def _analyse(self, row: FileRecord) -> None:
        if row.id is None:
            return
        self._step_back()
        (item,) = self._analyzer.analyze_many([row.name], executor=self._pool, workers=1, timeout_seconds=self._timeout)
        if item.analysis is None:
            self._storage.update_file(row.id, state="failed", reason=_reason(item.error))
            return
        identity = self._pool.submit(audio_identity, row.name).result()
        tags = item.analysis.tags
        track = {
            "title": (tags and tags.title) or Path(row.name).stem,
            "artist": tags.artist if tags else None,
            "album": tags.album if tags else None,
            "duration": item.analysis.duration,
            "audio_identity": identity,
        }
        with self._storage.transaction():
            track_id = self._storage.add_tracks([track])[0]
            self._storage.put_analysis(identity, ALGORITHM, self._analyzer.parameters, item.analysis)
            self._storage.update_file(row.id, state="done", audio_identity=identity, track_id=track_id)

    def _step_back(self) -> None:
        """Let requests go before analyses: a lower priority for the workers that there are."""
        if hasattr(os, "setpriority"):
            for pid in self._pool.worker_pids():
                with contextlib.suppress(OSError):
                    os.setpriority(os.PRIO_PROCESS, pid, _NICENESS)

    def analysis_of(self, track: tk.Track) -> dict[str, Any] | None:
        """The stored analysis of a track."""
        if track.audio_identity is None:
            return None
        return self._storage.get_analysis(track.audio_identity, ALGORITHM, self._analyzer.parameters)


def _reason(error: BaseException | None) -> str:
    return printable(f"{getattr(error, 'code', type(error).__name__)}: {getattr(error, 'reason', error)}")
