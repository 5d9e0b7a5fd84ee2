"""Tracks in SQL."""

from __future__ import annotations

import logging
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from tracktion.errors import printable
from tracktion.results.catalogue import Candidate, Track
from tracktion.storage.file_sums import change_files
from tracktion.storage.identifiers import Resolver, check_identifiers
from tracktion.storage.normalised import normaliser, rules
from tracktion.storage.protocol import IDENTIFIERS
from tracktion.storage.rows import (
    TRACK_FIELDS,
    Row,
    chunked,
    demand_limit,
    demand_name,
    demand_search,
    existing_row,
    known_after,
    known_id,
    row_checksum,
    text_checksum,
    to_row,
    track_of,
    with_changes,
)
from tracktion.storage.schema import files, tracks
from tracktion.storage.sql_values import SqlValues

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from tracktion.matching.text import NormalisedTrack

__all__ = ["CANDIDATE_FIELDS", "STORED", "SqlTracks"]

logger = logging.getLogger("tracktion")

CHUNK = 1000
PAGE = 1000
ASK = 500
STORED = (*TRACK_FIELDS, "checksum", "norm_key", "norm_search", "search_checksum")
"""Columns of a stored track, in order."""

RULES = "tracktion.normaliser"

_FORMS = sa.select(*(tracks.c[name] for name in STORED))
_TRACK = sa.select(*(tracks.c[name] for name in (*TRACK_FIELDS, "checksum")))
CANDIDATE_FIELDS = (*TRACK_FIELDS, "checksum", "norm_search", "search_checksum")
_CANDIDATE = sa.select(*(tracks.c[name] for name in CANDIDATE_FIELDS))
_THIS = tracks.c.id == sa.bindparam("wanted")
_ONE = _TRACK.where(_THIS)
_ONE_LOCKED = _ONE.with_for_update(key_share=True)
_SOME = _CANDIDATE.where(tracks.c.id.in_(sa.bindparam("wanted", expanding=True)))
_BY_KEY = _CANDIDATE.where(tracks.c.norm_key == sa.bindparam("key")).order_by(tracks.c.id).limit(sa.bindparam("most"))
_BY = {name: _TRACK.where(tracks.c[name].in_(sa.bindparam("wanted", expanding=True))) for name in ("id", *IDENTIFIERS)}
_BY_LOCKED = {name: query.order_by(tracks.c.id).with_for_update(key_share=True) for name, query in _BY.items()}


def _row(values: Sequence[Any]) -> Row:
    return existing_row(values[:10], values[10], f"the row of track {values[0]}")


def _candidate(values: Sequence[Any]) -> Candidate:
    track = track_of(_row(values))
    demand_search(values[0], values[11], values[12])
    return Candidate(track, values[11])


class SqlTracks(SqlValues):
    """`TrackStore` on tables."""

    def add_tracks(
        self, tracks: Iterable[Track | Mapping[str, Any]], *, upsert_by: Sequence[str] = IDENTIFIERS
    ) -> list[int]:
        """See `TrackStore.add_tracks`."""
        check_identifiers(upsert_by)
        normalise = normaliser()
        ids: list[int] = []
        for chunk in chunked(tracks, CHUNK):
            rows = [to_row(track, len(ids) + number) for number, track in enumerate(chunk)]
            # Normalised before the transaction, so that other writers do not wait for it.
            forms = [normalise(row[1], row[2], row[3]) for row in rows]
            ids.extend(self.write(partial(self._upsert, rows=rows, forms=forms, upsert_by=upsert_by)))
        return ids

    def _upsert(
        self, connection: Connection, rows: list[Row], forms: list[NormalisedTrack], upsert_by: Sequence[str]
    ) -> list[int]:
        resolver = Resolver(self._locked_counter(connection, "track"), upsert_by)
        before = resolver.last_id
        asked = {row[0] for row in rows if row[0] is not None}
        # Locked, since what others change between this look and our writing would be overwritten.
        for row in self._rows_where(connection, _BY_LOCKED["id"], asked):
            resolver.know(row)
        for name, values in resolver.identifiers_of(rows).items():
            for row in self._rows_where(connection, _BY_LOCKED[name], values):
                resolver.know(row)
        ids = [resolver.place(row, form) for row, form in zip(rows, forms, strict=True)]
        if resolver.last_id != before:
            self._set_counter(connection, "track", resolver.last_id)
        new, changed = resolver.outcome()
        self._write_tracks(connection, new, changed)
        return ids

    def _rows_where(self, connection: Connection, query: sa.Select[Any], values: Iterable[Any]) -> Iterator[Row]:
        for part in chunked(sorted(values), ASK):
            for found in connection.execute(query, {"wanted": part}):
                yield _row(found)

    def _write_tracks(
        self,
        connection: Connection,
        new: Sequence[tuple[Row, NormalisedTrack]],
        changed: Sequence[tuple[Row, NormalisedTrack]],
    ) -> None:
        if new or changed:
            self.note_change(row[0] for row, _ in (*new, *changed))
            self._store_tracks(connection, self._stored(new), self._stored(changed))

    def _stored(self, rows: Sequence[tuple[Row, NormalisedTrack]]) -> list[Row]:
        if not self._checksums:
            return [(*row, None, form.key, form.search, None) for row, form in rows]
        return [(*row, row_checksum(row), form.key, form.search, text_checksum(form.search)) for row, form in rows]

    def _search_sum(self, form: NormalisedTrack) -> int | None:
        return text_checksum(form.search) if self._checksums else None

    def _store_tracks(self, connection: Connection, new: list[Row], changed: list[Row]) -> None:
        """Insert or overwrite rows of `STORED` columns, search index included."""
        raise NotImplementedError

    def _unindex_track(self, connection: Connection, track_id: int) -> None:
        """Take a track that is about to be deleted out of the search index."""

    def _open(self, *, migrate: bool | None) -> None:
        super()._open(migrate=migrate)
        mark = self.get_value(RULES)
        if mark is None or mark == rules():
            return
        if migrate or self.count_tracks() == 0:
            self.renormalise()
        else:
            logger.warning(
                "%s: the searchable forms were made by other rules than today's, so searches may miss tracks; open it "
                "once with migrate=True, or call renormalise()",
                printable(self._place),
            )

    def renormalise(self) -> int:
        """Make the searchable forms of all tracks anew; return how many were not as today's rules make them."""
        changed = 0
        last = -1
        while True:
            count, last, size = self.write(partial(self._renormalise_page, last=last))
            changed += count
            if size < PAGE:
                break
        self.set_value(RULES, rules())
        return changed

    def _renormalise_page(self, connection: Connection, last: int) -> tuple[int, int, int]:
        query = _FORMS.where(tracks.c.id > last).order_by(tracks.c.id).limit(PAGE).with_for_update()
        found = connection.execute(query).all()
        normalise = normaliser()
        changed = []
        for values in found:
            row = _row(values)
            form = normalise(row[1], row[2], row[3])
            if (form.key, form.search) != (values[11], values[12]) or self._search_sum(form) != values[13]:
                changed.append((row, form))
        self._write_tracks(connection, [], changed)
        return len(changed), found[-1][0] if found else last, len(found)

    def get_track(self, track_id: int, /) -> Track | None:
        """See `TrackStore.get_track`."""
        found = self._first(_ONE, {"wanted": known_id(track_id)})
        return None if found is None else track_of(_row(found))

    def get_tracks(self, track_ids: Iterable[int], /) -> dict[int, Track]:
        """See `TrackStore.get_tracks`."""
        wanted = list(dict.fromkeys(map(known_id, track_ids)))
        found = self.read(lambda connection: list(self._rows_where(connection, _BY["id"], wanted)))
        by_id = {row[0]: row for row in found}
        return {track_id: track_of(by_id[track_id]) for track_id in wanted if track_id in by_id}

    def get_candidates(self, track_ids: Iterable[int]) -> list[Candidate]:
        """Return those that exist as `Candidate`, in the order asked for."""
        wanted = list(track_ids)
        by_id: dict[int, Candidate] = {}
        for part in chunked(wanted, ASK):
            for found in self._candidate_rows(part):
                by_id[found[0]] = _candidate(found)
        return [by_id[track_id] for track_id in wanted if track_id in by_id]

    def _candidate_rows(self, track_ids: list[int]) -> Sequence[Sequence[Any]]:
        return self._all(_SOME, {"wanted": track_ids})

    def iter_tracks(self, *, after: int | None = None) -> Iterator[Track]:
        """See `TrackStore.iter_tracks`."""
        for found in self._pages(_TRACK, after):
            yield track_of(_row(found))

    def iter_normalised(self, *, after: int | None = None) -> Iterator[tuple[int, str, str]]:
        """See `TrackStore.iter_normalised`."""
        query = sa.select(tracks.c.id, tracks.c.norm_key, tracks.c.norm_search, tracks.c.search_checksum)
        for track_id, key, search, checksum in self._pages(query, after):
            demand_search(track_id, search, checksum)
            yield track_id, key, search

    def _pages(self, query: sa.Select[Any], after: int | None) -> Iterator[Sequence[Any]]:
        last = -1 if after is None else known_after(after)
        while True:
            page = query.where(tracks.c.id > last).order_by(tracks.c.id).limit(PAGE)
            rows = self._all(page)
            yield from rows
            if len(rows) < PAGE:
                return
            last = rows[-1][0]

    def count_tracks(self) -> int:
        """See `TrackStore.count_tracks`."""
        query = sa.select(sa.func.count()).select_from(tracks)
        return int(self.read(lambda connection: connection.execute(query).scalar_one()))

    def update_track(self, track_id: int, /, **changes: Any) -> bool:
        """See `TrackStore.update_track`."""
        track_id = known_id(track_id)

        def work(connection: Connection) -> bool:
            found = connection.execute(_ONE_LOCKED, {"wanted": track_id}).one_or_none()
            if found is None:
                return False
            old = _row(found)
            row = with_changes(old, changes)
            if row == old:
                return True
            self._write_tracks(connection, [], [(row, normaliser()(row[1], row[2], row[3]))])
            return True

        return self.write(work)

    def delete_track(self, track_id: int, /) -> bool:
        """See `TrackStore.delete_track`."""
        track_id = known_id(track_id)

        def work(connection: Connection) -> bool:
            self._unindex_track(connection, track_id)
            if not connection.execute(sa.delete(tracks).where(tracks.c.id == track_id)).rowcount:
                return False
            self.note_change([track_id])
            change_files(connection, files.c.track_id == track_id, {"track_id": None}, checksums=self._checksums)
            self._track_deleted(connection, track_id)
            return True

        return self.write(work)

    def _track_deleted(self, connection: Connection, track_id: int) -> None:
        """Let playlists forget it."""

    def find_by_identifier(
        self, *, isrc: str | None = None, mbid: str | None = None, audio_identity: str | None = None
    ) -> list[Track]:
        """See `TrackStore.find_by_identifier`."""
        asked = to_row({"isrc": isrc, "mbid": mbid, "audio_identity": audio_identity}, 0)
        given = [tracks.c[name] == value for name, value in zip(TRACK_FIELDS, asked, strict=True) if value is not None]
        if not given:
            return []
        query = _TRACK.where(sa.or_(*given)).order_by(tracks.c.id)
        return [track_of(_row(found)) for found in self._all(query)]

    def find_by_key(self, key: str, /, *, limit: int = 50) -> list[Candidate]:
        """See `TrackStore.find_by_key`."""
        found = self._all(_BY_KEY, {"key": demand_name(key, "key"), "most": demand_limit(limit)})
        return [_candidate(values) for values in found]

    def candidates(self, query: NormalisedTrack, /, *, limit: int = 50) -> list[Candidate]:
        """See `TrackStore.candidates`."""
        search = import_module(f"tracktion.storage.search_{self.home}")
        found: list[Candidate] = search.candidates(self, query, limit=demand_limit(limit))
        return found
