"""Candidates from PostgreSQL: the exact key, then rare words and pairs of words by the ``pg_trgm`` index."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from tracktion.storage.schema import tracks
from tracktion.storage.search_terms import PAGE, PAGES, best_rows, plan, statistics_of

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

    from tracktion.matching.text import NormalisedTrack
    from tracktion.results.catalogue import Candidate
    from tracktion.storage.search_terms import Plan

__all__ = ["candidates", "condition", "sample"]

MOST = 3000
"""Rows that are looked at, at most."""

_KEYED = sa.select(tracks.c.id, tracks.c.norm_search).where(tracks.c.norm_key == sa.bindparam("key")).limit(200)
_PAGE = (
    sa.select(tracks.c.norm_search)
    .where(tracks.c.id >= sa.bindparam("first"))
    .order_by(tracks.c.id)
    .limit(sa.bindparam("count"))
)


def candidates(storage: Any, query: NormalisedTrack, *, limit: int = 50) -> list[Candidate]:
    """Return tracks whose searchable text is like ``query.search``, likeliest first."""
    statistics = statistics_of(storage, lambda: storage.read(sample))
    lookups = plan(query.search, statistics)

    def work(connection: Connection) -> list[tuple[int, str]]:
        found = [tuple(row) for row in connection.execute(_KEYED, {"key": query.key})]
        if lookups:
            wanted = sa.select(tracks.c.id, tracks.c.norm_search).where(condition(lookups)).limit(MOST)
            found += [tuple(row) for row in connection.execute(wanted)]
        return found  # type: ignore[return-value]

    ids = best_rows(query, storage.read(work), limit)
    found: list[Candidate] = storage.get_candidates(ids)
    return found


def condition(lookups: Plan) -> ColumnElement[bool]:
    """Rows that hold all substrings of any lookup; substrings are bound, and hold letters and digits only."""
    column = tracks.c.norm_search
    return sa.or_(*(sa.and_(*(column.contains(text, autoescape=True) for text in lookup)) for lookup in lookups))


def sample(connection: Connection) -> tuple[list[str], int]:
    """Texts of rows from all over the catalogue, and how many rows there are, about."""
    low, high, rows = connection.execute(
        sa.select(sa.func.min(tracks.c.id), sa.func.max(tracks.c.id), sa.func.count())
    ).one()
    if not rows:
        return [], 0
    if rows <= PAGE * PAGES:
        found = connection.execute(_PAGE, {"first": low, "count": PAGE * PAGES})
        return [str(row[0]) for row in found], int(rows)
    places = random.Random(0)
    texts: list[str] = []
    for _ in range(PAGES):
        found = connection.execute(_PAGE, {"first": places.randint(low, high), "count": PAGE})
        texts += [str(row[0]) for row in found]
    return texts, int(rows)
