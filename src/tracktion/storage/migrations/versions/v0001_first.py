"""The first schema: tracks, files, outbox, analyses, fingerprints, playlists."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables."""
    _tracks()
    _files()
    _outbox()
    _analyses()
    _playlists()
    op.create_table("named_values", sa.Column("name", sa.Text, primary_key=True), _text("value"))
    counters = op.create_table("counters", sa.Column("name", sa.Text, primary_key=True), _number("value"))
    op.bulk_insert(counters, [{"name": name, "value": 0} for name in ("file", "playlist", "track")])


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, _NUMBER, nullable=nullable)


def _id() -> sa.Column[int]:
    return sa.Column("id", _NUMBER, primary_key=True, autoincrement=False)


def _partial_index(table: str, column: str) -> None:
    known = sa.text(f"{column} IS NOT NULL")
    op.create_index(f"{table}_{column}", table, [column], sqlite_where=known, postgresql_where=known)


def _tracks() -> None:
    op.create_table(
        "tracks",
        _id(),
        *(_text(name, nullable=True) for name in ("title", "artist", "album")),
        sa.Column("duration", sa.Double),
        sa.Column("year", sa.Integer),
        *(_text(name, nullable=True) for name in ("isrc", "mbid", "audio_identity", "extra")),
        _number("checksum", nullable=True),
        _text("norm_key"),
        _text("norm_search"),
    )
    op.create_index("tracks_norm_key", "tracks", ["norm_key"])
    for column in ("isrc", "mbid", "audio_identity"):
        _partial_index("tracks", column)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        op.create_index(
            "tracks_norm_search_trgm",
            "tracks",
            ["norm_search"],
            postgresql_using="gin",
            postgresql_ops={"norm_search": "gin_trgm_ops"},
        )
    else:
        op.execute(
            "CREATE VIRTUAL TABLE tracks_search USING fts5("
            "norm_search, content='tracks', content_rowid='id', tokenize='trigram', detail='none')"
        )


def _files() -> None:
    op.create_table(
        "files",
        _id(),
        sa.Column("path", sa.LargeBinary, nullable=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        *(_number(name) for name in ("size", "mtime_ns", "ctime_ns", "device", "inode")),
        _text("state"),
        _text("reason", nullable=True),
        sa.Column("attempts", sa.Integer, nullable=False),
        _text("owner", nullable=True),
        _number("epoch"),
        _text("audio_identity", nullable=True),
        _number("track_id", nullable=True),
        _number("changed_ns"),
    )
    op.create_index("files_path", "files", ["path", "root"], unique=True)
    op.create_index("files_state", "files", ["state", "id"])
    op.create_index("files_inode", "files", ["inode", "device"])
    for column in ("audio_identity", "track_id"):
        _partial_index("files", column)


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("sequence", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("subject", sa.LargeBinary, nullable=False),
        _text("payload"),
        sa.Column("published", sa.Boolean, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "outbox_pending",
        "outbox",
        ["sequence"],
        sqlite_where=sa.text("published = 0"),
        postgresql_where=sa.text("published = false"),
    )


def _analyses() -> None:
    op.create_table(
        "analyses",
        *(sa.Column(name, sa.Text, primary_key=True) for name in ("identity", "version", "parameters_key")),
        _text("data"),
        _number("checksum"),
        sa.Column("bpm", sa.Double),
        sa.Column("musical_key", sa.Integer),
        sa.Column("valence", sa.Double),
        sa.Column("arousal", sa.Double),
        _number("changed_ns"),
    )
    op.create_index("analyses_key_bpm", "analyses", ["musical_key", "bpm"])
    op.create_index("analyses_bpm", "analyses", ["bpm"])
    op.create_table(
        "fingerprints",
        sa.Column("identity", sa.Text, primary_key=True),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.Column("duration", sa.Double, nullable=False),
        _number("checksum"),
    )


def _playlists() -> None:
    op.create_table(
        "playlists",
        _id(),
        _text("name"),
        sa.Column("length", sa.Integer, nullable=False),
        _number("next_entry"),
        _text("entry_ids"),
        _text("track_ids"),
        _number("checksum"),
    )
