"""Makes the database file of the present schema version, once, before the next version comes:

python -m tests.data.make_schema
"""

from __future__ import annotations

from pathlib import Path

from tracktion.results.catalogue import FileRecord
from tracktion.storage import Storage, open_storage
from tracktion.storage.schema import HEAD

FOLDER = Path(__file__).parent


def fill(storage: Storage) -> None:
    """What every version must bring over."""
    storage.add_tracks(
        {"id": n, "title": f"Tïtle {n}", "artist": f"Artist {n % 7}", "duration": n + 0.5, "isrc": f"XX{n:010}", "n": n}
        for n in range(40)
    )
    storage.put_files(
        FileRecord(b"/m/%d\xff.mp3" % n, b"/m", size=n, inode=2**64 - n - 1, state=("ready", "done")[n % 2], track_id=n)
        for n in range(20)
    )
    storage.add_outbox("m1", {"a": [1]}, subject=b"/m/1\xff.mp3")
    storage.add_outbox("m2", {"b": None})
    storage.mark_outbox(["m1"], published=True)
    storage.put_analysis("i1", "1", "p", {"tempo": {"bpm": 120.5}, "key": {"name": "A minor"}})
    storage.put_fingerprint("i1", b"\x00\xff", duration=3.5)
    playlist = storage.create_playlist("Mïx", track_ids=range(10))
    storage.move_in_playlist(playlist.id, 1, 9)
    storage.set_value("epoch", "7")


def main() -> None:
    path = FOLDER / f"schema_v{HEAD}.db"
    if path.exists():
        raise SystemExit(f"{path.name} exists; files of earlier versions are never made again")
    with open_storage(path) as storage:
        fill(storage)


if __name__ == "__main__":
    main()
