"""Candidates from PostgreSQL: the exact key, then rare words and pairs of words by the ``pg_trgm`` index."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from tracktion.errors import StorageError
from tracktion.storage.schema import tracks
from tracktion.storage.search_terms import PAGE, PAGES, plan, ranked, statistics_of

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

    from tracktion.matching.text import NormalisedTrack
    from tracktion.results.catalogue import Candidate
    from tracktion.storage.search_terms import Plan

__all__ = ["candidates", "condition", "sample"]

MOST = 3000
"""Rows that are looked at, at most."""

SURE = 1.5
"""Logit of the best row below which rows that are only alike are looked for."""

THRESHOLD = "0.35"
"""Share of common trigrams."""

_KEYED = sa.select(tracks.c.id, tracks.c.norm_search).where(tracks.c.norm_key == sa.bindparam("key")).limit(200)
_PAGE = (
    sa.select(tracks.c.norm_search)
    .where(tracks.c.id >= sa.bindparam("first"))
    .order_by(tracks.c.id)
    .limit(sa.bindparam("count"))
)


def candidates(storage: Any, query: NormalisedTrack, *, limit: int = 50) -> list[Candidate]:
    """Return tracks whose searchable text is like ``query.search``, likeliest first."""
    statistics = statistics_of(storage, lambda: _sampled(storage))
    lookups = plan(query.search, statistics)

    def work(connection: Connection) -> list[tuple[int, str]]:
        found = [(int(row[0]), str(row[1])) for row in connection.execute(_KEYED, {"key": query.key})]
        if lookups:
            _by_index(connection)
            wanted = sa.select(tracks.c.id, tracks.c.norm_search).where(condition(lookups)).limit(MOST)
            found += [(int(row[0]), str(row[1])) for row in connection.execute(wanted)]
        return found

    rows = storage.read(work)
    ids, logits = ranked(query, rows)
    if not ids or logits[0] < SURE:
        ids, _ = ranked(query, rows + storage.read(lambda connection: _alike(connection, query)))
    chosen: list[Candidate] = storage.get_candidates(ids[:limit])
    return chosen


def _sampled(storage: Any) -> tuple[list[str], int]:
    """A sample, after the index has taken in what bulk loading left pending: reading that list made searches slow."""
    with suppress(StorageError):
        storage.write(_care)
    return storage.read(sample)  # type: ignore[no-any-return]


def _care(connection: Connection) -> None:
    connection.execute(sa.select(sa.func.gin_clean_pending_list("tracks_norm_search_trgm")))
    connection.exec_driver_sql("ANALYZE tracks")


def _by_index(connection: Connection) -> None:
    """Forbid reading the whole table, for this transaction: the planner thinks many lookups dearer than they are."""
    connection.execute(sa.select(sa.func.set_config("enable_seqscan", "off", True)))


def _alike(connection: Connection, query: NormalisedTrack) -> list[tuple[int, str]]:
    """Rows that share many trigrams with the question, which may be misspelt everywhere; slower than lookups."""
    text = _core_of(query)
    if not text:
        return []
    _by_index(connection)
    connection.execute(sa.select(sa.func.set_config("pg_trgm.similarity_threshold", THRESHOLD, True)))
    column = tracks.c.norm_search
    likeness = sa.func.similarity(column, text)
    found = sa.select(tracks.c.id, column).where(column.bool_op("%")(text)).order_by(likeness.desc()).limit(300)
    return [(int(row[0]), str(row[1])) for row in connection.execute(found)]


def _core_of(query: NormalisedTrack) -> str:
    """The question without album, versions and guests: of three parts of a path the middle one is the album."""
    parts = [part for part in getattr(query, "record", "").split("|") if part[:1] in "XTA"]
    if len(parts) == 3 and all(part[:1] == "X" for part in parts):
        parts = [parts[0], parts[2]]
    text = " ".join(part[1:] for part in parts) or query.search.replace("|", " ")
    return " ".join(text.replace(",", " ").split()[:16])


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
    texts: list[str] = []
    for page in range(PAGES):
        found = connection.execute(_PAGE, {"first": low + (high - low) * page // PAGES, "count": PAGE})
        texts += [str(row[0]) for row in found]
    return texts, int(rows)
