"""Processes and threads that write to one catalogue while it is killed, restarted or just busy.

    python -m tests.storage.stress kill URL --times 200          kill -9 at random moments
    python -m tests.storage.stress soak URL --seconds 60         8 processes x 8 threads
    python -m tests.storage.stress restart --seconds 60          the same on a PostgreSQL of its own that restarts

Each prints one line of figures and ends with status 1 when anything was lost, torn or there twice.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

from tests.storage.servers import PostgresServer
from tracktion.results.catalogue import FileRecord
from tracktion.storage import Storage, open_storage

SPACE = 1_000_000


def row(number: int) -> dict[str, Any]:
    """A row that can be told from its number."""
    artist = f"Artist {number % 97}"
    return {"id": number, "title": f"Title {number}", "artist": artist, "duration": number % 600 + 0.5, "n": number}


def whole(storage: Storage, numbers: list[int]) -> list[int]:
    """Return the numbers that are stored; complain about rows that are not what they should be."""
    found = storage.get_tracks(numbers)
    for number, track in found.items():
        got = {name: getattr(track, name) for name in ("id", "title", "artist", "duration")} | track.extra
        if got != row(number):
            raise AssertionError(f"torn: {got}")
    return list(found)


def forked(work: Callable[[], None]) -> int:
    """Run `work` in a child process; its status tells whether it raised."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        work()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


# --- kill -9 ----------------------------------------------------------------------------------------------------------


def write_and_tell(url: str, base: int, rows: int, pipe: int) -> None:
    """Write rows in batches; tell the end of each batch that was acknowledged."""
    with open_storage(url) as storage:
        os.write(pipe, (0).to_bytes(8, "little"))
        done = 0
        while done < rows:
            size = (1, 7, 50, 200)[(base // SPACE + done) % 4]
            numbers = range(base + done, base + min(done + size, rows))
            with storage.transaction():
                storage.add_tracks(row(number) for number in numbers)
                storage.put_files([FileRecord(b"/%d" % numbers[-1], b"/", size=len(numbers), state="done")])
                storage.add_outbox(f"m{numbers[-1]}", {"rows": len(numbers)})
            done += len(numbers)
            os.write(pipe, done.to_bytes(8, "little"))


def kill(url: str, *, times: int, rows: int, seed: int) -> str:
    chance = random.Random(seed)
    acknowledged = unacknowledged = interrupted = 0
    for turn in range(times):
        base = turn * SPACE
        reading, writing = os.pipe()
        child = forked(lambda b=base, w=writing: write_and_tell(url, b, rows, w))
        os.close(writing)
        os.read(reading, 8)
        time.sleep(chance.uniform(0.0, 0.4))
        os.kill(child, signal.SIGKILL)
        interrupted += os.waitpid(child, 0)[1] == signal.SIGKILL
        told = b""
        while part := os.read(reading, 1 << 16):
            told += part
        os.close(reading)
        done = int.from_bytes(told[-8:], "little") if told else 0
        with open_storage(url) as storage:
            found = whole(storage, list(range(base, base + rows)))
            if found[:done] != list(range(base, base + done)):
                raise AssertionError(f"turn {turn}: of {done} acknowledged rows {len(found)} are there")
            beyond = found[done:]
            if beyond and storage.get_file(b"/%d" % beyond[-1]) is None:
                raise AssertionError(f"turn {turn}: a transaction was torn")
        acknowledged += done
        unacknowledged += len(beyond)
    with open_storage(url) as storage:
        problems = storage.check()
        batches = sum(storage.count_files().values())
        messages = len(storage.pending_outbox(limit=10**9))
        if problems or batches != messages or storage.count_tracks() != acknowledged + unacknowledged:
            raise AssertionError(f"{problems}, {batches} batches, {messages} messages, {storage.count_tracks()} tracks")
    return (
        f"kill: {interrupted} of {times} killed while writing, {acknowledged} rows acknowledged and all there, "
        f"{unacknowledged} more committed and whole, nothing torn"
    )


# --- many at once -----------------------------------------------------------------------------------------------------


def add_and_tell(storage: Storage, key: str, name: str) -> int:
    (track_id,) = storage.add_tracks([{"title": key, "artist": name, "mbid": key}])
    storage.add_outbox(key, {"track": track_id})
    return track_id


def client(storage: Storage, name: str, deadline: float, counts: dict[str, int]) -> None:
    """One thread: write, read back, edit, until the time is over."""
    step = 0
    while time.monotonic() < deadline:
        key = f"{name}-{step}"
        if step % 3 == 0:
            track_id = storage.run(lambda unit, k=key: add_and_tell(unit, k, name))
        else:
            (track_id,) = storage.add_tracks([{"title": key, "artist": name}])
        counts[name] = step + 1
        track = storage.get_track(track_id)
        if track is None or track.title != key:
            raise AssertionError(f"{key}: {track}")
        if step % 5 == 0:
            storage.add_to_playlist(1, [track_id])
        if step % 7 == 0:
            storage.update_track(track_id, year=2000)
        step += 1


def process(url: str, number: int, threads: int, seconds: float, pipe: int, options: dict[str, Any]) -> None:
    counts: dict[str, int] = {}
    faults: list[BaseException] = []
    with open_storage(url, **options) as storage:
        deadline = time.monotonic() + seconds

        def work(name: str) -> None:
            try:
                client(storage, name, deadline, counts)
            except BaseException as error:
                faults.append(error)

        workers = [threading.Thread(target=work, args=(f"p{number}t{thread}",)) for thread in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    if faults:
        raise faults[0]
    os.write(pipe, f"{sum(counts.values())}\n".encode())


def soak(
    url: str,
    *,
    processes: int,
    threads: int,
    seconds: float,
    meanwhile: Callable[[], None] | None = None,
    **options: Any,
) -> str:
    with open_storage(url) as storage:
        start = storage.count_tracks()
        playlist = storage.create_playlist("all")
        assert playlist.id == 1
    reading, writing = os.pipe()
    children = [forked(lambda n=n: process(url, n, threads, seconds, writing, options)) for n in range(processes)]
    os.close(writing)
    if meanwhile is not None:
        meanwhile()
    failed = sum(os.waitpid(child, 0)[1] != 0 for child in children)
    told = b""
    while part := os.read(reading, 1 << 16):
        told += part
    os.close(reading)
    if failed:
        raise AssertionError(f"{failed} of {processes} processes failed")
    written = sum(map(int, told.split()))
    with open_storage(url) as storage:
        titles = [track.title for track in storage.iter_tracks()]
        problems = storage.check()
        entries = storage.playlist_entries(1)
        if len(titles) != start + written or len(set(titles)) != len(titles) or problems:
            raise AssertionError(f"{written} acknowledged, {len(titles) - start} stored, {problems}")
        if len(set(entries.ids)) != len(entries) or set(entries.track_ids) - {t.id for t in storage.iter_tracks()}:
            raise AssertionError("the playlist is not whole")
        messages = storage.pending_outbox(limit=10**9)
    return (
        f"soak: {processes} processes x {threads} threads, {seconds:g} s: {written} rows acknowledged "
        f"({written / seconds:.0f}/s), all there once; {len(messages)} messages, {len(entries)} playlist entries; "
        "no error, check clean"
    )


def restart(*, processes: int, threads: int, seconds: float, within: float) -> str:
    server = PostgresServer()
    gaps: list[float] = []

    def meanwhile() -> None:
        for mode in ("fast", "immediate"):
            time.sleep(seconds / 3)
            begin = time.monotonic()
            server.stop(mode)
            server.start()
            up = time.monotonic()
            with open_storage(server.url, reconnect_seconds=within) as storage:
                storage.set_value("probe", mode)
            gaps.append(time.monotonic() - up)
            print(f"restart ({mode}): down {up - begin:.2f} s, writing again {gaps[-1]:.2f} s after its return")

    try:
        line = soak(
            server.url,
            processes=processes,
            threads=threads,
            seconds=seconds,
            meanwhile=meanwhile,
            pool_size=threads,
            max_overflow=2,
            reconnect_seconds=max(20.0, within),
        )
    finally:
        server.close()
    if max(gaps) > within:
        raise AssertionError(f"came back after {max(gaps):.1f} s")
    return line


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["kill", "soak", "restart"])
    parser.add_argument("url", nargs="?", default="")
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--within", type=float, default=10.0, help="seconds to be back after a restart")
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--threads", type=int, default=8)
    given = parser.parse_args()
    options = {"processes": given.processes, "threads": given.threads, "seconds": given.seconds}
    if given.what == "kill":
        line = kill(given.url, times=given.times, rows=given.rows, seed=given.seed)
    elif given.what == "soak":
        line = soak(given.url, **options)
    else:
        line = restart(**options, within=given.within)
    print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
