"""Random byte flips in a closed catalogue: every answer is the right one, or an error; none is wrong in silence.

python -m tests.storage.flips --times 2000 --tracks 300
python -m tests.storage.flips --times 50 --tracks 60000          a file of some 30 MB
python -m tests.storage.flips --times 2000 --unsealed            as after a kill: the complete check decides
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.storage.stress import row
from tracktion.errors import StorageError
from tracktion.results.catalogue import FileRecord
from tracktion.storage import Storage, open_storage
from tracktion.storage.normalised import normaliser

FLIPS = (1, 1, 1, 4, 40)
"""Bits flipped at a time, in turn."""

Answer = Callable[[], Any]


def fill(storage: Storage, tracks: int) -> None:
    """Something in every table."""
    storage.add_tracks(
        {
            **row(n),
            "isrc": f"XX{n:010}",
            "audio_identity": f"{n:032x}",
            "album": f"Album {n % 13}",
            "year": 1950 + n % 70,
        }
        for n in range(tracks)
    )
    storage.put_files(
        FileRecord(
            b"/m/%d\xff.mp3" % n,
            b"/m",
            size=n * 1000,
            mtime_ns=10**18 + n,
            ctime_ns=10**18 + 2 * n,
            device=7,
            inode=2**64 - n - 1,
            state=("ready", "done", "failed")[n % 3],
            reason="Corrupt: no" if n % 3 == 2 else None,
            attempts=n % 3,
            owner=f"host {n % 5}",
            epoch=n % 11,
            audio_identity=f"{n:032x}",
            track_id=n,
        )
        for n in range(tracks // 2)
    )
    for n in range(40):
        storage.add_outbox(f"m{n}", {"n": n, "text": f"message {n}"}, subject=b"/m/%d" % n)
        tempo = {"tempo": {"bpm": 90.5 + n}, "key": {"name": "A minor"}, "mood": {"valence": n / 7, "arousal": n / 9}}
        storage.put_analysis(f"i{n}", "1", "p", tempo | {"beats": list(range(100))})
        storage.put_fingerprint(f"i{n}", bytes(range(200)), duration=n + 0.5)
        storage.set_value(f"name {n}", f"value {n}")
        storage.create_playlist(f"list {n}", track_ids=range(n))
    storage.mark_outbox([f"m{n}" for n in range(20)], published=True)


def answers(storage: Storage, tracks: int) -> Iterator[tuple[str, Answer]]:
    """Yield questions by name; each asks once and returns what can be compared."""
    step = max(1, tracks // 50)

    def files(**which: Any) -> list[FileRecord]:
        return [replace(record, changed_ns=0) for record in storage.find_files(**which)]

    def file(path: bytes) -> FileRecord | None:
        found = storage.get_file(path)
        return found and replace(found, changed_ns=0)

    yield "tracks", lambda: list(storage.iter_tracks())
    yield "forms", lambda: list(storage.iter_normalised())
    yield "files", files
    yield "counts", lambda: (storage.count_tracks(), storage.count_files(), storage.count_analyses())
    yield "outbox", storage.pending_outbox
    yield "summaries", storage.find_analyses
    yield "by tempo", lambda: storage.find_analyses(bpm_ranges=[(95.0, 105.0)], keys=[21])
    yield "fingerprints", lambda: list(storage.iter_fingerprints())
    yield "playlists", storage.list_playlists
    normalise = normaliser()
    for n in range(0, tracks + step, step):
        yield f"track {n}", lambda n=n: storage.get_track(n)
        yield f"file {n}", lambda n=n: file(b"/m/%d\xff.mp3" % n)
        yield f"inode {n}", lambda n=n: files(inode=2**64 - n - 1)
        yield f"isrc {n}", lambda n=n: storage.find_by_identifier(isrc=f"XX{n:010}")
        yield f"identity {n}", lambda n=n: storage.find_by_identifier(audio_identity=f"{n:032x}")
        form = normalise(f"Title {n}", f"Artist {n % 97}", f"Album {n % 13}")
        yield f"key {n}", lambda f=form: storage.find_by_key(f.key)
        if n % (10 * step) == 0:
            yield f"search {n}", lambda f=form: storage.candidates(f, limit=20)
    for n in range(41):
        yield f"analysis {n}", lambda n=n: storage.get_analysis(f"i{n}", "1", "p")
        yield f"fingerprint {n}", lambda n=n: storage.get_fingerprint(f"i{n}")
        yield f"value {n}", lambda n=n: storage.get_value(f"name {n}")
        yield f"playlist {n}", lambda n=n: storage.get_playlist(n)
        if 1 <= n <= 40:
            yield f"entries {n}", lambda n=n: storage.playlist_entries(n).track_ids
    yield "new ids", lambda: (storage.add_tracks([{"title": "new"}]), storage.create_playlist("new").id)


def flipped(original: bytes, chance: random.Random, flips: int) -> bytes:
    data = bytearray(original)
    for _ in range(flips):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(data)


def outcome(path: Path, tracks: int, right: dict[str, Any], check: str) -> str:
    """Open it and ask everything; return ``whole``, or the code of the first error. AssertionError: a wrong answer."""
    failed = ""
    try:
        with open_storage(path, durability="normal", check=check) as storage:
            for name, ask in answers(storage, tracks):
                try:
                    answer = ask()
                except StorageError as error:
                    failed = failed or f"{error.code}, later"
                else:
                    assert answer == right[name], f"{name}: {answer!r:.300} instead of {right[name]!r:.300}"
    except StorageError as error:
        return failed or error.code
    return failed or "whole"


def campaign(folder: Path, *, times: int, tracks: int, seed: int, sealed: bool, check: str = "full") -> Counter[str]:
    """Flip and ask, `times` times; return how often it ended how."""
    path, seal = folder / "music.db", folder / "music.db-seal"
    with open_storage(path, durability="normal") as storage:
        fill(storage, tracks)
    original, signed = path.read_bytes(), seal.read_bytes() if seal.exists() else b""
    assert signed.startswith(b"sealed") or not sealed, "the file is too small to have a seal"
    with open_storage(path) as storage:
        right = {name: ask() for name, ask in answers(storage, tracks)}
    chance = random.Random(seed)
    ends: Counter[str] = Counter()
    for turn in range(times):
        for rest in ("-wal", "-shm", "-seal"):
            Path(f"{path}{rest}").unlink(missing_ok=True)
        path.write_bytes(flipped(original, chance, FLIPS[turn % len(FLIPS)]))
        if sealed:
            seal.write_bytes(signed)
        ends[outcome(path, tracks, right, check)] += 1
    return ends


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=500)
    parser.add_argument("--tracks", type=int, default=5000, help="5000 and more make a file that is sealed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--unsealed", action="store_true", help="take the seal away, as a kill would")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ends = campaign(
            Path(folder), times=given.times, tracks=given.tracks, seed=given.seed, sealed=not given.unsealed
        )
    print(f"{given.times} times flipped: {dict(ends)}; no wrong answer, no crash")
    return 0


if __name__ == "__main__":
    sys.exit(main())
