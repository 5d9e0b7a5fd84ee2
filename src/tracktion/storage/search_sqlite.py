"""Candidates from SQLite: the exact key, then the rarest trigrams of the question, counted by weight.

The FTS5 index keeps no positions and no ranks; it gives the rows of one trigram as one text of numbers in well under a
microsecond each, so the counting is done here.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from tracktion.storage.rows import demand_search
from tracktion.storage.search_terms import PAGE, PAGES, grams_by_rarity, ranked, statistics_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from tracktion.matching.text import NormalisedTrack
    from tracktion.results.catalogue import Candidate

__all__ = ["candidates", "sample"]

BUDGET = 120_000
"""Numbers of rows that a question reads from the index, as estimated."""

LOOKED_AT = 400
"""Rows whose text is compared."""

DENSE = 4_000_000
"""Ids below which sums are kept in an array."""

_ROWS = "SELECT group_concat(rowid) FROM tracks_search WHERE tracks_search MATCH ?"
_TEXTS = "SELECT id, norm_search, search_checksum FROM tracks WHERE id IN (SELECT value FROM json_each(?))"
_KEYED = "SELECT id, norm_search, search_checksum FROM tracks WHERE norm_key = ? LIMIT 200"
_RANGE = "SELECT min(id), max(id), count(*) FROM tracks"
_PAGE = "SELECT norm_search FROM tracks WHERE id >= ? ORDER BY id LIMIT ?"


def candidates(storage: Any, query: NormalisedTrack, *, limit: int = 50) -> list[Candidate]:
    """Return tracks whose searchable text is like ``query.search``, likeliest first."""
    statistics = statistics_of(storage, lambda: storage.read(sample))
    grams = grams_by_rarity(query.search, statistics, BUDGET)

    def work(connection: Connection) -> list[tuple[int, str]]:
        found = list(connection.exec_driver_sql(_KEYED, (query.key,)))
        ids, weights = [], []
        for gram, weight in grams:
            text = connection.exec_driver_sql(_ROWS, (f'"{gram}"',)).scalar()
            if text:
                rows = np.array(text.split(","), dtype=np.int64) if len(text) < 64 else _numbers(text)
                ids.append(rows)
                weights.append(np.full(len(rows), weight))
        if ids:
            best = _heaviest(np.concatenate(ids), np.concatenate(weights))
            found += connection.exec_driver_sql(_TEXTS, (json.dumps(best),))
        for track_id, text, checksum in found:
            demand_search(track_id, text, checksum)
        return [(int(row[0]), str(row[1])) for row in found]

    best, _ = ranked(query, storage.read(work))
    chosen: list[Candidate] = storage.get_candidates(best[:limit])
    return chosen


def _numbers(text: str) -> NDArray[np.int64]:
    return np.fromstring(text, dtype=np.int64, sep=",")


def _heaviest(ids: NDArray[np.int64], weights: NDArray[np.float64]) -> list[int]:
    """Return the ids with the greatest sums of weights."""
    if int(ids.max()) < DENSE and int(ids.min()) >= 0:
        sums = np.bincount(ids, weights)
        met = np.flatnonzero(sums)
        sums = sums[met]
    else:
        met, places = np.unique(ids, return_inverse=True)
        sums = np.bincount(places, weights)
    if len(met) > LOOKED_AT:
        best = np.argpartition(-sums, LOOKED_AT)[:LOOKED_AT]
        return [int(row) for row in met[best]]
    return [int(row) for row in met]


def sample(connection: Connection) -> tuple[list[str], int]:
    """Texts of rows from all over the catalogue, and how many rows there are."""
    low, high, rows = connection.exec_driver_sql(_RANGE).one()
    if not rows:
        return [], 0
    if rows <= PAGE * PAGES:
        found = connection.exec_driver_sql(_PAGE, (low, PAGE * PAGES))
        return [str(row[0]) for row in found], int(rows)
    texts = []
    for page in range(PAGES):
        found = connection.exec_driver_sql(_PAGE, (low + (high - low) * page // PAGES, PAGE))
        texts += [str(row[0]) for row in found]
    return texts, int(rows)
