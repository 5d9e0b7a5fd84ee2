"""The tables of both SQL homes, as they are after all migrations."""

from __future__ import annotations

import sqlalchemy as sa

__all__ = [
    "HEAD",
    "REVISIONS",
    "VERSION_TABLE",
    "analyses",
    "counters",
    "files",
    "fingerprints",
    "metadata",
    "named_values",
    "outbox",
    "playlists",
    "tracks",
]

REVISIONS = ("0001", "0002", "0003", "0004", "0005")
"""Every schema version in order; tests/data keeps a file of each."""

HEAD = REVISIONS[-1]
VERSION_TABLE = "tracktion_version"

metadata = sa.MetaData()

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""SQLite's rowid alias must be spelled INTEGER; its integers have 64 bits anyway."""

tracks = sa.Table(
    "tracks",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=False),
    sa.Column("title", sa.Text),
    sa.Column("artist", sa.Text),
    sa.Column("album", sa.Text),
    sa.Column("duration", sa.Double),
    sa.Column("year", sa.Integer),
    sa.Column("isrc", sa.Text),
    sa.Column("mbid", sa.Text),
    sa.Column("audio_identity", sa.Text),
    sa.Column("extra", sa.Text),
    sa.Column("checksum", Number),
    sa.Column("norm_key", sa.Text, nullable=False),
    sa.Column("norm_search", sa.Text, nullable=False),
    sa.Column("search_checksum", Number),
)
sa.Index("tracks_norm_key", tracks.c.norm_key)
for _name in ("isrc", "mbid", "audio_identity"):
    _known = tracks.c[_name].is_not(None)
    sa.Index(f"tracks_{_name}", tracks.c[_name], sqlite_where=_known, postgresql_where=_known)
sa.Index(
    "tracks_norm_search_trgm",
    tracks.c.norm_search,
    postgresql_using="gin",
    postgresql_ops={"norm_search": "gin_trgm_ops"},
).ddl_if(dialect="postgresql")

files = sa.Table(
    "files",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=False),
    sa.Column("path", sa.LargeBinary, nullable=False),
    sa.Column("root", sa.LargeBinary, nullable=False),
    sa.Column("size", Number, nullable=False),
    sa.Column("mtime_ns", Number, nullable=False),
    sa.Column("ctime_ns", Number, nullable=False),
    sa.Column("device", Number, nullable=False),
    sa.Column("inode", Number, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("owner", sa.Text),
    sa.Column("epoch", Number, nullable=False),
    sa.Column("audio_identity", sa.Text),
    sa.Column("track_id", Number),
    sa.Column("changed_ns", Number, nullable=False),
    sa.Column("checksum", Number),
)
sa.Index("files_path", files.c.path, files.c.root, unique=True).ddl_if(dialect="sqlite")
# An index of PostgreSQL takes 2704 bytes at most, and a path may be longer: equal paths are found by their hashes.
sa.Index("files_path_once", sa.func.sha256(files.c.path), sa.func.sha256(files.c.root), unique=True).ddl_if(
    dialect="postgresql"
)
sa.Index("files_path_hash", files.c.path, postgresql_using="hash").ddl_if(dialect="postgresql")
sa.Index("files_state", files.c.state, files.c.id)
sa.Index("files_inode", files.c.inode, files.c.device)
for _name in ("audio_identity", "track_id"):
    _known = files.c[_name].is_not(None)
    sa.Index(f"files_{_name}", files.c[_name], sqlite_where=_known, postgresql_where=_known)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("sequence", Number, primary_key=True, autoincrement=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("subject", sa.LargeBinary, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("published", sa.Boolean, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("checksum", Number),
    sqlite_autoincrement=True,
)
sa.Index(
    "outbox_pending",
    outbox.c.sequence,
    sqlite_where=outbox.c.published == sa.false(),
    postgresql_where=outbox.c.published == sa.false(),
)

analyses = sa.Table(
    "analyses",
    metadata,
    sa.Column("identity", sa.Text, primary_key=True),
    sa.Column("version", sa.Text, primary_key=True),
    sa.Column("parameters_key", sa.Text, primary_key=True),
    sa.Column("data", sa.Text, nullable=False),
    sa.Column("checksum", Number, nullable=False),
    sa.Column("bpm", sa.Double),
    sa.Column("musical_key", sa.Integer),
    sa.Column("valence", sa.Double),
    sa.Column("arousal", sa.Double),
    sa.Column("changed_ns", Number, nullable=False),
    sa.Column("summary_checksum", Number),
)
sa.Index("analyses_key_bpm", analyses.c.musical_key, analyses.c.bpm)
sa.Index("analyses_bpm", analyses.c.bpm)

fingerprints = sa.Table(
    "fingerprints",
    metadata,
    sa.Column("identity", sa.Text, primary_key=True),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sa.Column("duration", sa.Double, nullable=False),
    sa.Column("checksum", Number, nullable=False),
)

playlists = sa.Table(
    "playlists",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("length", sa.Integer, nullable=False),
    sa.Column("next_entry", Number, nullable=False),
    sa.Column("entry_ids", sa.LargeBinary, nullable=False),
    sa.Column("track_ids", sa.LargeBinary, nullable=False),
    sa.Column("checksum", Number, nullable=False),
    sa.Column("summary_checksum", Number),
)

named_values = sa.Table(
    "named_values",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("checksum", Number),
)

counters = sa.Table(
    "counters",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", Number, nullable=False),
    sa.Column("checksum", Number),
)
