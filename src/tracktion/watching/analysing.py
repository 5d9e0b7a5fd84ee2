"""From a claimed row to a stored analysis: what runs in the worker, and what is written afterwards."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tracktion.batch.task import Task, callable_of, rebuild, task_of
from tracktion.errors import TracktionError, UsageError
from tracktion.matching.files import facts_of_name
from tracktion.results.analysis import Analysis

if TYPE_CHECKING:
    from tracktion.results.catalogue import FileRecord
    from tracktion.storage.protocol import Storage

__all__ = ["analysis_task", "identified", "store_all", "storing"]


def analysis_task(analyzer: Any, isolation: str | None) -> Task | None:
    """Return the work of `analyzer` as something that an isolated worker can be told; None for work in threads.

    ``"auto"`` sends our own Analyzer and nothing else: a function or a class of the host may count on its process.
    """
    if isolation is None:
        return None
    if isolation not in {"process", "auto"}:
        raise UsageError(f"isolation is None, 'process' or 'auto', not {isolation!r}")
    if isolation == "auto" and not type(analyzer).__module__.startswith("tracktion."):
        return None
    try:
        task = task_of(analyzer)
    except TracktionError:
        return None
    return None if task is None else Task(f"{__name__}:remote", task.to_dict())


def remote(target: str, options: Mapping[str, Any] | None) -> Callable[[Any], Any]:
    """Make, in the worker, the work that `analysis_task` described."""
    if options is not None and target == f"{rebuild.__module__}:{rebuild.__qualname__}":
        return identified(rebuild(**options))
    return identified(Task(target, options))


def identified(analyzer: Any) -> Callable[[Any], Any]:
    """Return `analyzer` as a function whose results carry the identity of the audio."""
    analyse = callable_of(analyzer)

    def work(source: Any) -> Any:
        analysis = analyse(source)
        if not isinstance(analysis, Analysis) or analysis.identity is not None:
            return analysis
        try:
            from tracktion.audio import audio_identity

            return replace(analysis, identity=audio_identity(source, trust_md5=not analysis.damaged))
        except (TracktionError, OSError, ImportError):
            return analysis

    return work


def storing(
    record: FileRecord, analysis: Any, mark: str | None, parameters: str
) -> tuple[str | None, Callable[[Storage], int | None]]:
    """Return the identity under which an analysis is kept, and the function that keeps it."""
    identity = (analysis.identity if isinstance(analysis, Analysis) else None) or mark

    def store(storage: Storage) -> int | None:
        return store_all(storage, [(record, analysis, identity)], parameters)[0]

    return identity, store


def store_all(
    storage: Storage, results: Sequence[tuple[FileRecord, Any, str | None]], parameters: str
) -> list[int | None]:
    """Store analyses, fingerprints and tracks of `(record, analysis, identity)`; return the ids of the tracks.

    New tracks go to the storage in one call: on a server far away, round trips are what takes time.
    """
    version = _algorithm()
    track_ids: list[int | None] = [None] * len(results)
    new: list[int] = []
    for position, (record, analysis, identity) in enumerate(results):
        if identity is None or not hasattr(analysis, "to_dict"):
            continue
        storage.put_analysis(identity, version, parameters, analysis)
        if not isinstance(analysis, Analysis):
            continue
        if analysis.fingerprint:
            storage.put_fingerprint(identity, analysis.fingerprint, duration=analysis.duration)
        if record.track_id is not None and _update_track(storage, record, analysis, identity):
            track_ids[position] = record.track_id
        else:
            new.append(position)
    added = _add_tracks(storage, [results[position] for position in new]) if new else []
    for position, track_id in zip(new, added, strict=True):
        track_ids[position] = track_id
    return track_ids


def _algorithm() -> str:
    from tracktion.version import ALGORITHM

    return str(ALGORITHM)


def _update_track(storage: Storage, record: FileRecord, analysis: Analysis, identity: str) -> bool:
    try:
        return _is_own_track(storage, record, identity) and storage.update_track(
            record.track_id or 0, **_facts(record, analysis, identity)
        )
    except UsageError:
        return False


def _is_own_track(storage: Storage, record: FileRecord, identity: str) -> bool:
    """Whether the track of a row may become the recording `identity`: no other file has it, no other track is that."""
    bearers = {track.id for track in storage.find_by_identifier(audio_identity=identity)}
    if bearers:
        return bearers == {record.track_id}
    place = (record.root, record.path)
    return all((row.root, row.path) == place for row in storage.find_files(track_id=record.track_id, limit=2))


def _add_tracks(storage: Storage, results: Sequence[tuple[FileRecord, Any, str | None]]) -> list[int]:
    try:
        with storage.transaction():
            return storage.add_tracks([_facts(record, analysis, identity) for record, analysis, identity in results])
    except UsageError:
        return storage.add_tracks([_facts_of_name(record.path) for record, _, _ in results])


def _facts(record: FileRecord, analysis: Analysis, identity: str | None) -> dict[str, Any]:
    """What makes the recording findable: its tags, or its name where they are silent."""
    facts: dict[str, Any] = {"duration": analysis.duration, "audio_identity": identity}
    for name in ("title", "artist", "album", "year", "isrc", "mbid"):
        value = getattr(analysis.tags, name, None)
        if value:
            facts[name] = value
    return facts if "title" in facts else facts | _facts_of_name(record.path)


def _facts_of_name(path: bytes) -> dict[str, Any]:
    stem = os.path.splitext(os.fsdecode(os.path.basename(path)))[0]  # noqa: PTH119, PTH122 - bytes
    return facts_of_name(stem.encode("utf-8", "replace").decode("utf-8"))
