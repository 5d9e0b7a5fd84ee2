"""Rules for analyses and playlists."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tracktion.errors import UsageError
from tracktion.results.catalogue import AnalysisSummary, Playlist
from tracktion.testing.expect import Whole, equal, raises, true
from tracktion.testing.home_tracks import HomeRules

if TYPE_CHECKING:
    from tracktion.storage.protocol import Storage

__all__ = ["AnalysisRules", "PlaylistRules"]


class AnalysisRules(HomeRules):
    """`AnalysisStore`."""

    def test_analyses_round_trip(self) -> None:
        """By identity, version and parameters; the last one wins."""
        with self.make() as storage:
            analysis = {
                "tempo": {"bpm": 120.5},
                "key": {"name": "F# minor"},
                "mood": {"valence": -0.5, "arousal": 1},
                "beats": [0.1, 0.2],
                "source": "/\udcff",
                "nothing": None,
            }
            storage.put_analysis("id", "1", "p", {"tempo": {"bpm": 1}})
            storage.put_analysis("id", "1", "p", analysis)
            storage.put_analysis("id", "2", "p", {})
            equal(storage.get_analysis("id", "1", "p"), analysis)
            equal(storage.get_analysis("id", "2", "p"), {})
            equal(storage.get_analysis("id", "1", "q"), None)
            equal(storage.count_analyses(), 2)
            equal(
                storage.find_analyses(),
                [AnalysisSummary("id", "1", "p", 120.5, 18, -0.5, 1.0), AnalysisSummary("id", "2", "p")],
            )
            with raises(UsageError):
                storage.put_analysis("id", "1", "p", {"x": float("nan")})
            with raises(UsageError):
                storage.put_analysis("id", "1", "p", [1])
            equal(storage.delete_analyses("id"), 2)
            equal(storage.count_analyses(), 0)

    def test_analyses_are_found_by_tempo_and_key(self) -> None:
        """Ranges include their ends; conditions go together."""
        with self.make() as storage:
            for n in range(24):
                name = f"{('C', 'C#', 'D', 'Eb')[n % 4]} {('major', 'minor')[n % 2]}"
                storage.put_analysis(f"i{n:02}", "1", "p", {"tempo": {"bpm": 100 + n}, "key": {"name": name}})
            equal(
                [s.identity for s in storage.find_analyses(bpm_ranges=[(100, 101), (123, 200)])], ["i00", "i01", "i23"]
            )
            equal(
                [s.bpm for s in storage.find_analyses(keys=[2, 15], bpm_ranges=[(100, 107)])],
                [102.0, 103.0, 106.0, 107.0],
            )
            equal(storage.find_analyses(bpm_ranges=[]), [])
            equal([s.identity for s in storage.find_analyses(identities=["i05", "none", "i03"])], ["i03", "i05"])
            equal(len(storage.find_analyses(limit=5)), 5)
            equal([s.bpm for s in storage.find_analyses(keys=[Whole(2)])], [102.0 + 4 * n for n in range(6)])  # type: ignore[list-item]

    def test_fingerprints_round_trip(self) -> None:
        """Bytes and seconds by identity, in order."""
        with self.make() as storage:
            for n in (3, 1, 2):
                storage.put_fingerprint(f"i{n}", bytes(range(256)), duration=n)
            storage.put_fingerprint("i1", b"", duration=1.5)
            equal(storage.get_fingerprint("i1"), (b"", 1.5))
            for data, seconds in ((5, 1.0), ("x", 1.0), (b"", math.inf), (b"", -1.0)):
                with raises(UsageError):
                    storage.put_fingerprint("i1", data, duration=seconds)  # type: ignore[arg-type]
            storage.put_fingerprint("i4", b"x", duration=math.nan)
            equal(storage.get_fingerprint("i4"), (b"x", 0.0))
            equal(storage.get_fingerprint("none"), None)
            equal([row[0] for row in storage.iter_fingerprints()], ["i1", "i2", "i3", "i4"])
            equal(storage.count_fingerprints(), 4)
            equal(list(storage.iter_fingerprints())[1], ("i2", bytes(range(256)), 2.0))


def _filled(storage: Storage, length: int) -> tuple[int, list[int]]:
    ids = storage.add_tracks({"title": f"t{n}"} for n in range(length))
    return storage.create_playlist("mix", track_ids=ids).id, ids


class PlaylistRules(HomeRules):
    """`PlaylistStore`."""

    def test_playlists_come_and_go(self) -> None:
        """Create, list, rename, delete."""
        with self.make() as storage:
            (track_id,) = storage.add_tracks([{"title": "x"}])
            first = storage.create_playlist("one")
            second = storage.create_playlist("one", track_ids=[track_id, track_id])
            equal(storage.list_playlists(), [Playlist(first.id, "one", 0), Playlist(second.id, "one", 2)])
            storage.rename_playlist(first.id, "ünö")
            equal(storage.get_playlist(first.id), Playlist(first.id, "ünö", 0))
            true(storage.delete_playlist(first.id), "it was there")
            true(not storage.delete_playlist(first.id), "it is gone")
            equal(storage.get_playlist(first.id), None)
            true(storage.create_playlist("new").id > second.id, "ids are not used again")
            for call in (
                lambda: storage.rename_playlist(first.id, "x"),
                lambda: storage.playlist_entries(first.id),
                lambda: storage.create_playlist("y", track_ids=[10**9]),
            ):
                with raises(UsageError):
                    call()

    def test_edits(self) -> None:
        """Add, insert, move, remove, reorder: positions are dense, entries keep their ids."""
        with self.make() as storage:
            playlist, ids = _filled(storage, 4)
            start = storage.playlist_entries(playlist).ids
            (added,) = storage.add_to_playlist(playlist, [ids[0]])
            inserted = storage.insert_into_playlist(playlist, 1, [ids[2], ids[3]])
            order = [start[0], *inserted, *start[1:], added]
            entries = storage.playlist_entries(playlist)
            equal(list(entries.ids), order)
            equal([entry.position for entry in entries], list(range(7)))
            equal([entry.track_id for entry in entries], [ids[0], ids[2], ids[3], ids[1], ids[2], ids[3], ids[0]])
            storage.move_in_playlist(playlist, added, 0)
            equal(list(storage.playlist_entries(playlist).ids), [added, *order[:-1]])
            storage.move_in_playlist(playlist, added, 6)
            equal(list(storage.playlist_entries(playlist).ids), order)
            equal(storage.remove_from_playlist(playlist, [inserted[0], inserted[0], 10**9]), 1)
            order.remove(inserted[0])
            storage.reorder_playlist(playlist, order[::-1])
            equal(list(storage.playlist_entries(playlist).ids), order[::-1])
            part = storage.playlist_entries(playlist, offset=2, limit=2)
            equal([(entry.id, entry.position) for entry in part], [(order[3], 2), (order[2], 3)])
            equal(list(storage.playlist_entries(playlist, offset=99)), [])
            equal(storage.get_playlist(playlist), Playlist(playlist, "mix", 6))

    def test_tracks_may_be_named_by_any_kind_of_whole_number(self) -> None:
        """Those of NumPy, say."""
        with self.make() as storage:
            playlist_id, ids = _filled(storage, 2)
            storage.add_to_playlist(playlist_id, [Whole(ids[0])])  # type: ignore[list-item]
            equal([entry.track_id for entry in storage.playlist_entries(playlist_id)], [*ids, ids[0]])
            equal(storage.create_playlist("p", track_ids=[Whole(ids[1])]).length, 1)  # type: ignore[list-item]

    def test_wrong_edits_change_nothing(self) -> None:
        """Positions outside, unknown entries and tracks, an order that is not exactly the entries."""
        with self.make() as storage:
            playlist, ids = _filled(storage, 3)
            entries = storage.playlist_entries(playlist)
            wrong = (
                lambda: storage.insert_into_playlist(playlist, 4, ids[:1]),
                lambda: storage.insert_into_playlist(playlist, -1, ids[:1]),
                lambda: storage.move_in_playlist(playlist, entries.ids[0], 3),
                lambda: storage.move_in_playlist(playlist, 10**9, 0),
                lambda: storage.add_to_playlist(playlist, [ids[0], 10**9]),
                lambda: storage.reorder_playlist(playlist, entries.ids[:2]),
                lambda: storage.reorder_playlist(playlist, (*entries.ids, entries.ids[0])),
                lambda: storage.add_to_playlist(10**9, ids),
                lambda: storage.playlist_entries(playlist, offset=-1),
            )
            for call in wrong:
                with raises(UsageError):
                    call()
            equal(storage.playlist_entries(playlist), entries)

    def test_deleting_a_track_closes_the_gap(self) -> None:
        """Its entries go, in every playlist, and positions stay dense."""
        with self.make() as storage:
            playlist, ids = _filled(storage, 12)
            other = storage.create_playlist("other", track_ids=[ids[0], ids[1], ids[0]]).id
            storage.delete_track(ids[0])
            equal([entry.track_id for entry in storage.playlist_entries(playlist)], ids[1:])
            equal([(entry.position, entry.track_id) for entry in storage.playlist_entries(other)], [(0, ids[1])])

    def test_concurrent_edits_stay_dense(self) -> None:
        """Threads edit one playlist at once: nothing is lost, nothing is there twice, positions have no gap."""
        storage = self.make()
        other = self.again(storage) or storage
        with storage, other:
            playlist, ids = _filled(storage, 20)

            def work(number: int) -> int:
                home = (storage, other)[number % 2]
                balance = 0
                for step in range(15):
                    entries = home.playlist_entries(playlist)
                    action = (step * 7 + number) % 4
                    entry, track = entries.ids[step * 11 % len(entries)], ids[(step * 3 + number) % len(ids)]
                    if action == 0:
                        balance += len(home.insert_into_playlist(playlist, 0, [track]))
                    elif action == 1:
                        balance += len(home.add_to_playlist(playlist, [track] * 2))
                    elif action == 2:
                        balance -= home.remove_from_playlist(playlist, [entry])
                    else:
                        try:
                            home.move_in_playlist(playlist, entry, 5)
                        except UsageError:
                            continue
                return balance

            with ThreadPoolExecutor(4) as pool:
                balance = sum(pool.map(work, range(4)))
            entries = storage.playlist_entries(playlist)
            equal(len(entries), 20 + balance)
            equal(len(set(entries.ids)), len(entries))
            equal([entry.position for entry in entries], list(range(len(entries))))
            equal(storage.get_playlist(playlist), Playlist(playlist, "mix", len(entries)))
