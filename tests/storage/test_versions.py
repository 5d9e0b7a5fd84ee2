"""Every schema version that was ever written can be opened, and the migrations end where the tables say."""

from __future__ import annotations

import logging
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from tests.data.make_schema import FOLDER, fill
from tests.storage.databases import database
from tracktion.errors import StorageVersionError
from tracktion.results.catalogue import FileRecord
from tracktion.storage import Storage, normalised, open_storage
from tracktion.storage.migrations import upgrade
from tracktion.storage.schema import HEAD, REVISIONS, VERSION_TABLE, metadata

SEARCH = {f"tracks_search{part}" for part in ("", "_config", "_data", "_docsize", "_idx")}
OTHERS = {
    "sqlite": SEARCH | {"tracks_norm_search_trgm", "files_path_once", "files_path_hash"},
    "postgresql": {"files_path"},
}
"""What not to look at: FTS5 makes tables that SQLAlchemy does not know, and some indexes are the other home's."""


def told(storage: Storage) -> dict[str, object]:
    """All that a catalogue holds, as far as it does not depend on the time of writing."""
    playlists = storage.list_playlists()
    return {
        "tracks": list(storage.iter_tracks()),
        "forms": list(storage.iter_normalised()),
        "files": [(f.path, f.root, f.size, f.inode, f.state, f.track_id) for f in storage.find_files()],
        "outbox": storage.pending_outbox(),
        "analysis": storage.get_analysis("i1", "1", "p"),
        "summaries": storage.find_analyses(),
        "fingerprints": list(storage.iter_fingerprints()),
        "playlists": playlists,
        "entries": [list(storage.playlist_entries(playlist.id)) for playlist in playlists],
        "value": storage.get_value("epoch"),
    }


def expected() -> dict[str, object]:
    with open_storage("memory:") as storage:
        fill(storage)
        return told(storage)


def test_a_file_of_every_version_is_kept() -> None:
    """Before a new migration is written, make_schema keeps a file of the old one."""
    kept = sorted(path.stem.removeprefix("schema_v") for path in FOLDER.glob("schema_v*.db"))
    assert kept == list(REVISIONS)


@pytest.mark.parametrize("version", REVISIONS)
def test_earlier_versions_are_brought_over(version: str, tmp_path: Path) -> None:
    """Refused unless asked; then everything is there, the search index is right, and new rows go in."""
    path = tmp_path / "old.db"
    shutil.copy(FOLDER / f"schema_v{version}.db", path)
    if version != HEAD:
        with pytest.raises(StorageVersionError, match="migrate=True"):
            open_storage(path)
    with open_storage(path, migrate=True) as storage:
        assert storage.health().version == HEAD
        assert told(storage) == expected()
        assert storage.check() == []
        assert storage.add_tracks([{"title": "new"}]) == [40]
        assert storage.put_files([FileRecord(b"/new", b"/m")]) == [21]
    with open_storage(path) as storage:
        assert storage.count_tracks() == 41


def differences(engine: sa.Engine) -> list[object]:
    """What Alembic would change to make the tables as they are declared."""
    others = OTHERS[engine.dialect.name]
    with engine.connect() as connection:
        options = {
            "version_table": VERSION_TABLE,
            "compare_type": True,
            "include_object": lambda _thing, name, *_: name not in others,
        }
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index")
def test_migrations_and_tables_agree(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    open_storage(path).close()
    engine = sa.create_engine(f"sqlite:///{path}")
    assert differences(engine) == []
    engine.dispose()


@pytest.mark.postgres
def test_migrations_and_tables_agree_on_postgresql(postgres_url: str) -> None:
    """From the first version, step by step."""
    with database(postgres_url) as url:
        engine = sa.create_engine(url)
        for revision in REVISIONS:
            with engine.begin() as connection:
                upgrade(connection, revision)
        assert differences(engine) == []
        engine.dispose()
        with open_storage(url) as storage:
            fill(storage)
            assert told(storage) == expected()


@pytest.mark.postgres
def test_postgresql_of_an_earlier_version_is_refused_unless_asked(postgres_url: str) -> None:
    with database(postgres_url) as url:
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            upgrade(connection, REVISIONS[0])
        engine.dispose()
        with pytest.raises(StorageVersionError, match="migrate=True"):
            open_storage(url)
        with open_storage(url, migrate=True) as storage:
            assert storage.health().version == HEAD


def test_many_openers_make_one_catalogue(tmp_path: Path) -> None:
    """Threads that open a new file at the same time: one makes it, all use it."""
    path = tmp_path / "new.db"

    def work(number: int) -> int:
        with open_storage(path) as storage:
            return storage.add_tracks([{"title": str(number)}])[0]

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(work, range(8))) == list(range(1, 9))


def test_forms_made_by_other_rules_are_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """After a change of the normaliser: a warning, and migrate=True puts it right."""
    path = tmp_path / "music.db"
    normalise = normalised.normaliser()
    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING, logger="tracktion"):
        patch.setattr("tracktion.storage.sql_tracks.rules", lambda: "old")
        patch.setattr("tracktion.storage.sql_tracks.normaliser", lambda: lambda *_: normalise("old form", "x", None))
        with open_storage(path) as storage:
            storage.add_tracks({"title": f"t{n}"} for n in range(1500))
            assert len(storage.find_by_key(normalise("old form", "x", None).key, limit=9999)) == 1500
    assert caplog.text == ""
    with open_storage(path) as storage:
        assert storage.find_by_key(normalise("t7", None, None).key) == []
    assert "made by other rules" in caplog.text
    caplog.clear()
    for migrate in (True, None):
        with open_storage(path, migrate=migrate) as storage:
            assert [c.track.title for c in storage.find_by_key(normalise("t7", None, None).key)] == ["t7"]
            assert storage.check() == []
    assert caplog.text == ""
