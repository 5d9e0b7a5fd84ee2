"""Analyses in the background: a journal in the storage, isolated workers, results in the catalogue."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from pathlib import Path
from typing import Any

import tracktion as tk
from tracktion.audio import audio_identity  # now, not in the middle of the first request's analysis
from tracktion.batch import IsolatedPool, WorkerLimits
from tracktion.results.catalogue import FileRecord
from tracktion.storage import Storage
from tracktion.version import ALGORITHM

logger = logging.getLogger("tracktion.service")
_OWNER = "service"
_EPOCH = 1
_NICENESS = 10


class Analyses:
    """Turns uploaded files into tracks of the catalogue.

    Waiting files are rows of the storage, so that nothing is lost when the process dies: the next start takes them up.

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
        self.waiting = 0

    async def start(self) -> None:
        """Begin, with what an earlier life left."""
        left = await asyncio.to_thread(self._take_over)
        self.waiting = left
        self._tasks = [asyncio.create_task(self._work()) for _ in range(self._workers)]
        self._wake.set()

    async def stop(self) -> None:
        """End; what runs is given up and taken up again by the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self._pool.terminate)

    def _take_over(self) -> int:
        for row in list(self._storage.find_files(root=self._root, states=["running"])):
            if row.id is not None:
                self._storage.update_file(row.id, state="ready")
        return self._storage.count_files(root=self._root).get("ready", 0)

    async def submit(self, path: Path, size: int) -> str:
        """Put a file into the line; return the name of its job."""
        record = FileRecord(path=os.fsencode(path), root=self._root, size=size, state="ready")

        def put() -> bool:
            known = self._storage.get_file(record.path, root=self._root)
            if known is not None and known.state in {"ready", "running", "done"}:
                return False
            self._storage.put_files([record])
            return True

        self.waiting += await asyncio.to_thread(put)
        self._wake.set()
        return path.name

    def find(self, job: str) -> dict[str, Any] | None:
        """State of a job: ``ready``, ``running``, ``done`` with its track, or ``failed`` with the reason."""
        row = self._storage.get_file(os.path.join(self._root, os.fsencode(job)), root=self._root)  # noqa: PTH118 - bytes
        return {"job": job, "state": row.state, "track": row.track_id, "reason": row.reason} if row else None

    async def _work(self) -> None:
        while True:
            rows = await asyncio.to_thread(
                self._storage.claim_files, owner=_OWNER, epoch=_EPOCH, limit=1, root=self._root
            )
            if not rows:
                self._wake.clear()
                await self._wake.wait()
                continue
            try:
                await asyncio.to_thread(self._analyse, rows[0])
            except tk.TracktionError:
                logger.exception("job %s could not be finished", rows[0].id)
                await asyncio.sleep(1.0)
            self.waiting = max(0, self.waiting - 1)

    def _analyse(self, row: FileRecord) -> None:
        if row.id is None:
            return
        self._step_back()
        items = self._analyzer.analyze_many([row.name], executor=self._pool, workers=1, timeout_seconds=self._timeout)
        item = next(iter(items))
        if item.analysis is None:
            code = getattr(item.error, "code", "Error")
            reason = f"{code}: {getattr(item.error, 'reason', item.error)}"
            self._storage.update_file(row.id, state="failed", reason=reason)
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
