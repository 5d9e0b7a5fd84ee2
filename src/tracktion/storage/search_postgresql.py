"""Candidates from PostgreSQL: the exact key, then pairs of rare trigrams by the ``pg_trgm`` index.

A word that is misspelt still has some of its trigrams; ``%`` (similarity) would read the lists of all of them. When no
row fits well, rare words and pairs of words are looked up, too. Each lookup is a probe of its own with a limit of its
own, and all of a question travel as arrays of one statement, which the server therefore plans once.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from tracktion.errors import StorageError
from tracktion.storage.schema import tracks
from tracktion.storage.search_terms import PAGE, PAGES, grams_plan, plan, ranked, statistics_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tracktion.matching.text import NormalisedTrack
    from tracktion.results.catalogue import Candidate
    from tracktion.storage.search_terms import Plan

__all__ = ["candidates", "sample"]

MOST = 3000
"""Rows that are looked at, at most."""

SURE = 3.0
"""Logit of the best row below which words are looked up, too."""

EACH = 250
"""Rows of one lookup, at most: the estimate of a rare one can be far off."""

_PROBES = sa.text(
    """
    SELECT found.id, found.norm_search
    FROM unnest(CAST(:first AS text[]), CAST(:second AS text[]), CAST(:third AS text[]))
        AS probe (first, second, third),
    LATERAL (
        SELECT id, norm_search FROM tracks
        WHERE norm_search LIKE probe.first AND norm_search LIKE probe.second AND norm_search LIKE probe.third
        LIMIT :each
    ) AS found
    LIMIT :most
    """
)
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

    def work(connection: Connection) -> list[int]:
        rows = [(int(row[0]), str(row[1])) for row in connection.execute(_KEYED, {"key": query.key})]
        _by_index(connection)
        rows += _probed(connection, grams_plan(_core_of(query), statistics))
        ids, logits = ranked(query, rows)
        if not ids or logits[0] < SURE:
            ids, _ = ranked(query, rows + _probed(connection, plan(query.search, statistics)))
        return ids[:limit]

    chosen: list[Candidate] = storage.get_candidates(storage.read(work))
    return chosen


def _probed(connection: Connection, lookups: Plan) -> list[tuple[int, str]]:
    """Rows that hold all substrings of any lookup; substrings hold letters and digits only."""
    if not lookups:
        return []
    columns = [[f"%{lookup[min(place, len(lookup) - 1)]}%" for lookup in lookups] for place in range(3)]
    asked = dict(zip(("first", "second", "third"), columns, strict=True))
    found = connection.execute(_PROBES, {**asked, "each": EACH, "most": MOST})
    return [(int(row[0]), str(row[1])) for row in found]


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


def _core_of(query: NormalisedTrack) -> str:
    """The question without album, versions and guests: of three parts of a path the middle one is the album."""
    parts = [part for part in getattr(query, "record", "").split("|") if part[:1] in "XTA"]
    if len(parts) == 3 and all(part[:1] == "X" for part in parts):
        parts = [parts[0], parts[2]]
    text = " ".join(part[1:] for part in parts) or query.search.replace("|", " ")
    return " ".join(text.replace(",", " ").split()[:16])


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
