"""Candidates of a question from any home, narrowed to the few that are scored in full."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tracktion.matching.index import KEEP
from tracktion.matching.text import NormalisedTrack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracktion.matching.index import TextIndex
    from tracktion.matching.query import Query
    from tracktion.matching.resident import ResidentIndex
    from tracktion.matching.scoring import Scorer
    from tracktion.results.catalogue import Candidate
    from tracktion.storage import Storage

__all__ = ["as_track", "find"]


@dataclass(frozen=True, slots=True)
class Asked(NormalisedTrack):
    """A question in the form of a row, with its segments for homes that compare by them."""

    record: str = ""


CLOSE = 4.0
"""Log odds below the best at which a row cannot become the best by album, duration or spelling."""

SPARE, MORE = 3, 10


def find(
    storage: Storage, scorer: Scorer, query: Query, limit: int, index: ResidentIndex | None = None
) -> Sequence[Candidate]:
    """Return the candidates that are worth a full comparison, at least `limit` where there are as many."""
    wanted = searched(query)
    if not wanted:
        return []
    keep = max(KEEP, 2 * limit)
    if storage.home == "memory":
        from tracktion.storage.search_memory import index_of

        return _from_index(index_of(storage), storage, scorer, query, wanted, limit, keep)  # type: ignore[arg-type]
    if index is not None:
        return _from_index(index, storage, scorer, query, wanted, limit, keep)
    return storage.candidates(as_track(query, wanted), limit=limit + MORE)


def searched(query: Query) -> str:
    """The segments of a question that a row may contain: all but noise, unless there is nothing else."""
    record = query.record
    if "N" in record:
        kept = "|".join(part for part in record.split("|") if part[:1] != "N")
        return kept or record
    return record


def as_track(query: Query, wanted: str) -> NormalisedTrack:
    """The question in the form of a stored row, for `TrackStore.candidates`."""
    words = " ".join(part[1:] for part in wanted.split("|")).replace(",", " ")
    return Asked(
        key=query.key,
        search=f"{words}|||",
        title=words,
        versions="",
        artist="",
        featured="",
        album="",
        record=query.record,
    )


def _from_index(
    index: TextIndex | ResidentIndex, storage: Any, scorer: Scorer, query: Query, wanted: str, limit: int, keep: int
) -> Sequence[Candidate]:
    snapshot, rows = index.search(wanted, keep=keep)
    if not len(rows):
        return []
    _, logits = scorer.logits(query, snapshot.data, snapshot.offsets, rows)
    order = np.argsort(-logits, kind="stable")
    close = int((logits >= logits[order[0]] - CLOSE).sum())
    best = order[: min(max(limit + SPARE, close), limit + MORE)]
    found: Sequence[Candidate] = storage.get_candidates(snapshot.ids[rows[best]].tolist())
    return found
