"""Analyses and fingerprints in SQL."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from tracktion.errors import StorageCorruptError
from tracktion.results.catalogue import AnalysisSummary
from tracktion.storage.file_rows import now_ns
from tracktion.storage.rows import (
    analysis_key,
    chunked,
    demand_limit,
    demand_name,
    demand_whole,
    dump_json,
    fingerprint_row,
    known_id,
    load_json,
    plain_analysis,
    row_checksum,
    summary_of,
)
from tracktion.storage.schema import analyses, fingerprints
from tracktion.storage.sql_values import SqlValues

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["SqlAnalyses", "print_checksum"]

PAGE = 500
ASK = 500

_SUMMARY = sa.select(
    analyses.c.identity,
    analyses.c.version,
    analyses.c.parameters_key,
    analyses.c.bpm,
    analyses.c.musical_key,
    analyses.c.valence,
    analyses.c.arousal,
    analyses.c.summary_checksum,
).order_by(analyses.c.identity, analyses.c.version, analyses.c.parameters_key)
_PRINT = sa.select(
    fingerprints.c.identity, fingerprints.c.data, fingerprints.c.duration, fingerprints.c.checksum
).order_by(fingerprints.c.identity)


def print_checksum(identity: str, data: bytes, duration: float) -> int:
    """CRC-32 of a fingerprint and what belongs to it."""
    return zlib.crc32(data, row_checksum((identity, duration)))


def _summary_of(row: Sequence[Any]) -> AnalysisSummary:
    demand_whole(row, f"the summary of the analysis of {row[0]}")
    return AnalysisSummary(*row[:-1])


def _print_of(row: Sequence[Any]) -> tuple[str, bytes, float]:
    identity, data, duration, checksum = row
    if print_checksum(identity, data, duration) != checksum:
        raise StorageCorruptError(f"the fingerprint of {identity} is damaged; analyse that file again")
    return identity, data, duration


class SqlAnalyses(SqlValues):
    """`AnalysisStore` on tables."""

    def put_analysis(self, identity: str, version: str, parameters_key: str, analysis: Any) -> None:
        """See `AnalysisStore.put_analysis`."""
        analysis_key(identity, version, parameters_key)
        plain = plain_analysis(analysis)
        data = dump_json(plain)
        bpm, key, valence, arousal = summary_of(plain)
        values = {
            "identity": identity,
            "version": version,
            "parameters_key": parameters_key,
            "data": data,
            "checksum": zlib.crc32(data.encode()),
            "bpm": bpm,
            "musical_key": key,
            "valence": valence,
            "arousal": arousal,
            "changed_ns": now_ns(),
            "summary_checksum": self._sum((identity, version, parameters_key, bpm, key, valence, arousal)),
        }
        self.write(lambda connection: connection.execute(self._upserting(analyses), values))

    def get_analysis(self, identity: str, version: str, parameters_key: str) -> dict[str, Any] | None:
        """See `AnalysisStore.get_analysis`."""
        analysis_key(identity, version, parameters_key)
        query = sa.select(analyses.c.data, analyses.c.checksum).where(
            analyses.c.identity == identity,
            analyses.c.version == version,
            analyses.c.parameters_key == parameters_key,
        )
        found = self._first(query)
        if found is None:
            return None
        analysis: dict[str, Any] = load_json(found[0], found[1], f"the analysis of {identity}")
        return analysis

    def delete_analyses(self, identity: str, /) -> int:
        """See `AnalysisStore.delete_analyses`."""
        statement = sa.delete(analyses).where(analyses.c.identity == demand_name(identity, "identity"))
        return self.write(lambda connection: connection.execute(statement).rowcount)

    def count_analyses(self) -> int:
        """See `AnalysisStore.count_analyses`."""
        query = sa.select(sa.func.count()).select_from(analyses)
        return int(self.read(lambda connection: connection.execute(query).scalar_one()))

    def find_analyses(
        self,
        *,
        bpm_ranges: Sequence[tuple[float, float]] | None = None,
        keys: Sequence[int] | None = None,
        identities: Sequence[str] | None = None,
        limit: int | None = None,
    ) -> list[AnalysisSummary]:
        """See `AnalysisStore.find_analyses`."""
        query, most = _SUMMARY, None if limit is None else demand_limit(limit)
        if bpm_ranges is not None:
            between = [analyses.c.bpm.between(float(low), float(high)) for low, high in bpm_ranges]
            query = query.where(sa.or_(sa.false(), *between))
        if keys is not None:
            query = query.where(analyses.c.musical_key.in_(list(map(known_id, keys))))
        parts: list[list[str] | None] = [None]
        if identities is not None:
            parts = list(chunked(sorted({demand_name(identity, "identity") for identity in identities}), ASK))
        found: list[AnalysisSummary] = []
        for part in parts:
            if most is not None and len(found) >= most:
                break
            asked = query if part is None else query.where(analyses.c.identity.in_(part))
            if most is not None:
                asked = asked.limit(most - len(found))
            rows = self._all(asked)
            found.extend(map(_summary_of, rows))
        return found

    def put_fingerprint(self, identity: str, fingerprint: bytes, *, duration: float) -> None:
        """See `AnalysisStore.put_fingerprint`."""
        identity, data, seconds = fingerprint_row(identity, fingerprint, duration)
        checksum = print_checksum(identity, data, seconds)
        values = {"identity": identity, "data": data, "duration": seconds, "checksum": checksum}
        self.write(lambda connection: connection.execute(self._upserting(fingerprints), values))

    def get_fingerprint(self, identity: str, /) -> tuple[bytes, float] | None:
        """See `AnalysisStore.get_fingerprint`."""
        query = _PRINT.where(fingerprints.c.identity == demand_name(identity, "identity"))
        found = self._first(query)
        if found is None:
            return None
        _, data, seconds = _print_of(found)
        return data, seconds

    def count_fingerprints(self) -> int:
        """See `AnalysisStore.count_fingerprints`."""
        count = sa.select(sa.func.count()).select_from(fingerprints)
        return self.read(lambda connection: int(connection.execute(count).scalar_one()))

    def iter_fingerprints(self) -> Iterator[tuple[str, bytes, float]]:
        """See `AnalysisStore.iter_fingerprints`."""
        query = _PRINT.limit(PAGE)
        while True:
            rows = self._all(query)
            yield from map(_print_of, rows)
            if len(rows) < PAGE:
                return
            query = _PRINT.where(fingerprints.c.identity > rows[-1][0]).limit(PAGE)
