"""How fast the homes of the catalogue are, at size.

    python -m benchmarks.storage sqlite:///bench.db --tracks 1000000
    python -m benchmarks.storage postgresql+psycopg://postgres@127.0.0.1/bench --tracks 1000000
    python -m benchmarks.storage memory: --tracks 100000
    python -m benchmarks.storage cache --redis redis://127.0.0.1:6379/0

The catalogue must be new; it is left for a look. Times are wall-clock. Processor time of this process is printed beside
them, since it depends less on what else the machine does.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import psutil
import sqlalchemy as sa

from tracktion.storage import Storage, open_storage, schema

WORD_TEXT = """
love night day heart dance fire rain blue girl baby time world dream light summer road river moon star home city soul
angel devil sweet little crazy lonely golden silver broken wild young gone away never always only again back down up
over under inside outside without tonight tomorrow yesterday morning sunday highway ocean mountain shadow
"""
NAME_TEXT = """
Miller Jones Silva García Kowalski Nakamura Rossi Müller Dubois Smith Lindström Petrov Öztürk Nguyen Kaya Eriksson
Santos Schmidt O'Brien Björk Novák Ferrari Haddad Okafor Mensah Kim Park Chen Wang Singh
"""
WORDS, NAMES = WORD_TEXT.split(), NAME_TEXT.split()
VERSIONS = (" (Live)", " - 2011 Remaster", " (feat. Someone)", " (Radio Edit)")


def catalogue(rows: int) -> Iterator[dict[str, Any]]:
    """Rows like those of a real catalogue: some versions, some guests, most without identifiers."""
    chance = random.Random(1)
    for number in range(rows):
        title = " ".join(chance.choices(WORDS, k=chance.randint(1, 4))).title()
        if number % 9 == 0:
            title += chance.choice(VERSIONS)
        artist = f"{chance.choice(WORDS).title()} {chance.choice(NAMES)}"
        row: dict[str, Any] = {
            "title": title,
            "artist": artist,
            "album": title[:12],
            "duration": chance.randint(90, 400),
        }
        if number % 4 == 0:
            row["isrc"] = f"XX{number:010}"
        yield row


def quantiles(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    places = [ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000 for share in (0.5, 0.95, 0.99)]
    return "p50 {:.3f}, p95 {:.3f}, p99 {:.3f} ms".format(*places)


def timed(call: Callable[[int], object], count: int) -> str:
    times, processor = [], []
    for number in range(count):
        begin, used = time.perf_counter(), time.process_time()
        call(number)
        times.append(time.perf_counter() - begin)
        processor.append(time.process_time() - used)
    return f"{quantiles(times)}; processor {quantiles(processor)}"


def say(what: str, figures: str) -> None:
    print(f"{what:<44} {figures}", flush=True)


def rate(storage: Storage, rows: Iterator[dict[str, Any]], what: str) -> list[int]:
    wall, processor = time.perf_counter(), time.process_time()
    ids = storage.add_tracks(rows)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    say(what, f"{len(ids) / wall:,.0f}/s wall, {len(ids) / processor:,.0f}/s of processor time ({len(ids):,} rows)")
    return ids


def copied(storage: Any, rows: int, copies: int) -> None:
    """Let the database copy rows by itself, without its search index: size for look-ups in little time."""
    columns = [column for column in schema.tracks.columns if column.name not in {"id", "checksum"}]
    names = ["id", *(column.name for column in columns)]
    if storage.home == "postgresql":
        storage.write(lambda c: c.execute(sa.text("DROP INDEX tracks_norm_search_trgm")))
    for copy in range(1, copies + 1):
        source = sa.select(schema.tracks.c.id + copy * rows, *columns).where(schema.tracks.c.id <= rows)
        storage.write(lambda c, s=source: c.execute(sa.insert(schema.tracks).from_select(names, s)))
    here = schema.counters.c.name == "track"
    last = sa.update(schema.counters).where(here).values(value=rows * (copies + 1), checksum=None)
    storage.write(lambda c: c.execute(last))


def tracks(storage: Storage, rows: int, copies: int) -> list[int]:
    ids = rate(storage, catalogue(rows), "upserts, new rows, batches of 1000")
    if copies:
        copied(storage, rows, copies)
        ids = list(range(1, rows * (copies + 1) + 1))
    some = min(rows, 20_000)
    known = [{"id": track_id, **row} for track_id, row in zip(ids[:some], catalogue(some), strict=True)]
    rate(storage, iter(known), "upserts, the same rows again")
    for row in known:
        row["title"] += " II"
    rate(storage, iter(known), "upserts, every title changed")
    chance = random.Random(2)
    say(f"get one of {len(ids):,}", timed(lambda _: storage.get_track(chance.choice(ids)), 3000))
    say(f"find by ISRC among {len(ids):,}", timed(lambda n: storage.find_by_identifier(isrc=f"XX{n * 4:010}"), 2000))
    say("add one", timed(lambda n: storage.add_tracks([{"title": f"one {n}"}]), 300))
    return ids


def playlists(storage: Storage, ids: list[int], length: int = 10_000, turns: int = 200) -> None:
    chance = random.Random(3)
    pool = [chance.choice(ids) for _ in range(length)]
    playlist = storage.create_playlist("long", track_ids=pool).id
    entries = list(storage.playlist_entries(playlist).ids)

    def shuffled(_: int) -> None:
        order = list(storage.playlist_entries(playlist).ids)
        chance.shuffle(order)
        begin = time.perf_counter()
        storage.reorder_playlist(playlist, order)
        reorder.append(time.perf_counter() - begin)

    reorder: list[float] = []
    operations: dict[str, Callable[[int], object]] = {
        "create": lambda n: storage.create_playlist(f"p{n}"),
        "rename": lambda n: storage.rename_playlist(playlist, f"long {n}"),
        "list entries": lambda _: storage.playlist_entries(playlist),
        "list a page of 100": lambda _: list(storage.playlist_entries(playlist, offset=5000, limit=100)),
        "add": lambda _: storage.add_to_playlist(playlist, [chance.choice(ids)]),
        "insert in the middle": lambda _: storage.insert_into_playlist(playlist, 5000, [chance.choice(ids)]),
        "move": lambda _: storage.move_in_playlist(playlist, chance.choice(entries), chance.randrange(10_000)),
        "remove": lambda n: storage.remove_from_playlist(playlist, [entries[-1 - n]]),
        "list playlists": lambda _: storage.list_playlists(),
    }
    for name, operation in operations.items():
        say(f"playlist of {length:,}: {name}", timed(operation, turns))
    timed(shuffled, turns // 4)
    say(f"playlist of {length:,}: reorder all", quantiles(reorder))


def analyses(storage: Storage, count: int = 2000) -> None:
    analysis = {"tempo": {"bpm": 120.0}, "key": {"name": "A minor"}, "beats": {"times": [n * 0.5 for n in range(480)]}}
    say("put analysis (480 beats)", timed(lambda n: storage.put_analysis(f"i{n}", "1", "p", analysis), count))
    say("get analysis", timed(lambda n: storage.get_analysis(f"i{n}", "1", "p"), count))


def home(url: str, rows: int, copies: int) -> None:
    begin = time.perf_counter()
    with open_storage(url) as storage:
        say(f"{storage.home}: open a new one", f"{(time.perf_counter() - begin) * 1000:.0f} ms")
        if storage.count_tracks():
            raise SystemExit("the catalogue is not new")
        before = psutil.Process().memory_info().rss
        ids = tracks(storage, rows, copies)
        say("growth of resident memory", f"{(psutil.Process().memory_info().rss - before) / 2**20:,.0f} MiB")
        analyses(storage)
        playlists(storage, ids)
        begin = time.perf_counter()
        count = sum(1 for _ in islice(storage.iter_tracks(), 200_000))
        say("iterate", f"{count / (time.perf_counter() - begin):,.0f} tracks/s")
        say("health", json.dumps(storage.health().to_dict()))


def cache(url: str) -> None:
    from tracktion.cache import LRUCache, RedisCache, TieredCache, cache_key

    near = LRUCache(10_000)
    value = [{"id": n, "score": 0.5} for n in range(10)]
    for number in range(10_000):
        near.set(f"k{number}", value)
    say("LRU hit", timed(lambda n: near.get(f"k{n % 10_000}"), 20_000))
    say("LRU set", timed(lambda n: near.set(f"k{n}", value), 20_000))
    say("key of a search", timed(lambda n: cache_key("match", {"text": f"some words {n}", "limit": 10}), 20_000))
    with RedisCache(url, prefix=f"tracktion-bench-{os.getpid()}:") as far:
        say("Redis set", timed(lambda n: far.set(f"k{n}", value), 2000))
        say("Redis hit", timed(lambda n: far.get(f"k{n}"), 2000))
        far.clear()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for name, port in (("silent", silent.getsockname()[1]), ("down", 1)):
            with TieredCache(LRUCache(), RedisCache(f"redis://127.0.0.1:{port}/0", pause=60)) as tiers:
                times = []
                for number in range(1000):
                    begin = time.perf_counter()
                    tiers.get_or_compute(f"k{number}", lambda: value)
                    times.append((time.perf_counter() - begin) * 1000)
                say(f"Redis {name}: first call, worst of the rest", f"{times[0]:.1f} ms, {max(times[1:]):.3f} ms")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", nargs="?", help="a home, or 'cache'; by default an SQLite file in a temporary folder")
    parser.add_argument("--tracks", type=int, default=100_000)
    parser.add_argument("--copies", type=int, default=0, help="copies of all rows, made inside the database")
    parser.add_argument("--redis", default="redis://127.0.0.1:6379/0")
    given = parser.parse_args()
    if given.url == "cache":
        cache(given.redis)
    elif given.url:
        home(given.url, given.tracks, given.copies)
    else:
        with tempfile.TemporaryDirectory() as folder:
            home(f"sqlite:///{folder}/bench.db", given.tracks, given.copies)
    return 0


if __name__ == "__main__":
    sys.exit(main())
