"""Rules for transactions, threads and durability."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from tracktion.errors import UsageError
from tracktion.results.catalogue import FileRecord
from tracktion.testing.expect import equal, raises, true
from tracktion.testing.home_tracks import HomeRules

if TYPE_CHECKING:
    from tracktion.storage.protocol import Storage

__all__ = ["UnitRules"]


class StopError(Exception):
    """Leaves a transaction."""


class UnitRules(HomeRules):
    """`Storage.transaction`, and the promise that every method is one."""

    def test_a_transaction_is_all_or_nothing(self) -> None:
        """Everything inside is there afterwards, or nothing is."""
        with self.make() as storage:
            with storage.transaction() as unit:
                (track_id,) = unit.add_tracks([{"title": "kept", "isrc": "K"}])
                unit.set_value("cursor", "1")
            with raises(StopError), storage.transaction() as unit:
                unit.add_tracks([{"title": "lost", "isrc": "L"}])
                unit.update_track(track_id, title="changed", isrc="C")
                unit.put_files([FileRecord(b"/a", b"/", state="ready")])
                unit.claim_files(owner="o", epoch=1)
                unit.add_outbox("m", {"a": 1})
                unit.put_analysis("i", "v", "p", {"a": 1})
                unit.create_playlist("p", track_ids=[track_id])
                unit.set_value("cursor", "2")
                equal(unit.count_tracks(), 2)
                raise StopError
            equal(storage.count_tracks(), 1)
            track = storage.get_track(track_id)
            true(track is not None and track.title == "kept", "the update was taken back")
            equal([t.id for t in storage.find_by_identifier(isrc="K")], [track_id])
            equal(storage.find_by_identifier(isrc="L"), [])
            equal(list(storage.find_files()), [])
            equal(storage.count_files(), {})
            equal(storage.pending_outbox(), [])
            equal(storage.count_analyses(), 0)
            equal(storage.list_playlists(), [])
            equal(storage.get_value("cursor"), "1")
            equal([t.id for t in storage.iter_tracks()], [track_id])

    def test_inner_transactions_are_savepoints(self) -> None:
        """An inner unit that raises takes back its own part only."""
        with self.make() as storage:
            with storage.transaction():
                storage.add_tracks([{"title": "outer"}])
                with raises(StopError), storage.transaction():
                    storage.add_tracks([{"title": "inner"}])
                    raise StopError
                with storage.transaction():
                    storage.add_tracks([{"title": "second"}])
            equal([track.title for track in storage.iter_tracks()], ["outer", "second"])

    def test_run_is_a_transaction(self) -> None:
        """Run returns what its work returns, and takes all back when that raises."""
        with self.make() as storage:
            equal(storage.run(lambda unit: unit.add_tracks([{"title": "a"}]))[0] > 0, True)

            def broken(unit: Storage) -> None:
                unit.add_tracks([{"title": "b"}])
                raise StopError

            with raises(StopError):
                storage.run(broken)
            with storage.transaction():
                storage.run(lambda unit: unit.add_tracks([{"title": "c"}]))
            equal([track.title for track in storage.iter_tracks()], ["a", "c"])

    def test_a_unit_takes_in_nothing_of_other_coroutines(self) -> None:
        """They share its thread; what they read and write while it awaits is refused."""
        with self.make() as storage:

            async def first() -> None:
                with storage.transaction():
                    storage.add_tracks([{"title": "first"}])
                    await asyncio.sleep(0)
                    storage.add_tracks([{"title": "last"}])

            async def second() -> None:
                with raises(UsageError):
                    storage.add_tracks([{"title": "other"}])
                with raises(UsageError):
                    storage.count_tracks()
                with raises(UsageError), storage.transaction():
                    storage.add_tracks([{"title": "other"}])

            async def main() -> None:
                await asyncio.gather(first(), second())
                with storage.transaction():
                    storage.add_tracks([{"title": "after"}])

            asyncio.run(main())
            equal([track.title for track in storage.iter_tracks()], ["first", "last", "after"])

    def test_looking_after_it_does_not_end_a_unit(self) -> None:
        """`health` and `check` inside of one see what it has done, and leave it whole."""
        with self.make() as storage:
            with suppress(StopError), storage.transaction():
                storage.add_tracks([{"title": "x"}])
                true(storage.health().ok, "it is well")
                equal(storage.check(), [])
                storage.set_value("a", "1")
                equal(storage.count_tracks(), 1)
                raise StopError
            equal((storage.count_tracks(), storage.get_value("a")), (0, None))

    def test_others_do_not_see_the_unfinished(self) -> None:
        """What is taken back in the end was never seen by another thread, whether that waits or reads around it."""
        with self.make() as storage:
            inside, seen = threading.Event(), threading.Event()

            def writer() -> None:
                with raises(StopError), storage.transaction():
                    storage.add_tracks([{"title": "x"}])
                    inside.set()
                    seen.wait(0.3)
                    raise StopError

            thread = threading.Thread(target=writer)
            thread.start()
            true(inside.wait(60), "the writer began")
            equal(storage.count_tracks(), 0)
            seen.set()
            thread.join(60)
            equal(storage.count_tracks(), 0)

    def test_threads_lose_nothing(self) -> None:
        """Eight threads write and read at once: every row is there once, every answer is whole."""
        with self.make() as storage:

            def work(number: int) -> list[int]:
                ids = []
                for step in range(25):
                    ids += storage.add_tracks(
                        [
                            {"title": f"{number}-{step}", "mbid": f"{number}-{step}"},
                            {"mbid": "shared", "title": "shared"},
                        ]
                    )[:1]
                    track = storage.get_track(ids[-1])
                    true(track is not None and track.title == f"{number}-{step}", "a row that was acknowledged")
                return ids

            with ThreadPoolExecutor(8) as pool:
                ids = [track_id for part in pool.map(work, range(8)) for track_id in part]
            equal(len(set(ids)), 200)
            equal(storage.count_tracks(), 201)

    def test_another_object_sees_the_same(self) -> None:
        """What one object acknowledged, another on the same data has."""
        storage = self.make()
        other = self.again(storage)
        if other is None:
            storage.close()
            return
        with storage, other:
            (track_id,) = storage.add_tracks([{"title": "x"}])
            equal(other.count_tracks(), 1)
            equal(other.add_tracks([{"title": "y"}]), [track_id + 1])
            equal(storage.count_tracks(), 2)
