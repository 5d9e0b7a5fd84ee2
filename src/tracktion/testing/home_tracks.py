"""Rules for tracks."""

from __future__ import annotations

import hashlib
import math
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tracktion.errors import StorageUnavailableError, UsageError
from tracktion.results.catalogue import FileRecord, Track
from tracktion.storage.normalised import normaliser
from tracktion.storage.protocol import Storage
from tracktion.testing.expect import Whole, equal, raises, true

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["HomeRules", "TrackRules"]

NAMES = ["Sigur Rós", "Юность", "椎名林檎", "🎵", "O'Hara; DROP TABLE tracks;--", "line\nbreak\ttab", "e\u0301", "%_\\"]


class HomeRules:
    """What the suites need to know about the home under test."""

    def make(self) -> Storage:
        """Return an empty storage, new for each test."""
        raise NotImplementedError

    def again(self, storage: Storage) -> Storage | None:
        """Return another object on the same data, or None where it dies with the object."""


class TrackRules(HomeRules):
    """`TrackStore`."""

    def test_is_a_storage(self) -> None:
        """It has all names of the protocol."""
        with self.make() as storage:
            true(isinstance(storage, Storage), "names of the protocol are missing")
            true(storage.home, "home is empty")
            true(storage.health().ok, "a new storage is healthy")
            equal(storage.check(), [])

    def test_ids_come_in_order(self) -> None:
        """add_tracks returns one id for each row, in order, also for generators and many chunks."""
        with self.make() as storage:
            ids = storage.add_tracks({"title": f"t{n}", "artist": "a"} for n in range(2500))
            equal(len(set(ids)), 2500)
            equal(storage.count_tracks(), 2500)
            found = storage.get_tracks(ids)
            equal([found[track_id].title for track_id in ids], [f"t{n}" for n in range(2500)])
            equal(storage.add_tracks([]), [])

    def test_own_ids_are_kept(self) -> None:
        """Ids of the caller are kept, zero and large ones too, and new ids never meet them."""
        with self.make() as storage:
            equal(
                storage.add_tracks([{"id": 0, "title": "z"}, {"id": "7", "title": "s"}, {"id": 2**62, "title": "l"}]),
                [0, 7, 2**62],
            )
            equal(storage.add_tracks([{"title": "n"}]), [2**62 + 1])
            equal([track.id for track in storage.iter_tracks()], [0, 7, 2**62, 2**62 + 1])

    def test_values_round_trip(self) -> None:
        """Every field comes back as it went in; names of any script too."""
        with self.make() as storage:
            full = Track(
                None, "T", "A", "L", 215.25, 1999, "USRC17607839", "a-b", "id:1", {"mood": ["x", 1, None], "π": 2.5}
            )
            (track_id,) = storage.add_tracks([full])
            stored = storage.get_track(track_id)
            true(stored is not None, "the track is there")
            equal(stored, Track(track_id, *(getattr(full, name) for name in Track.__slots__[1:])))
            ids = storage.add_tracks([{"title": name, "artist": name[::-1].strip()} for name in NAMES])
            equal([track.title for track in storage.get_tracks(ids).values()], NAMES)

    def test_unknown_values_are_none(self) -> None:
        """Empty text, NaN, zero durations and numbers as text are understood; other keys are kept."""
        with self.make() as storage:
            row = {
                "title": " x ",
                "artist": "",
                "album": math.nan,
                "duration": "215",
                "year": "1999-05-01",
                "isrc": "us-rc1-76-07839",
                "bpm": 120,
                "note": "",
            }
            (track_id,) = storage.add_tracks([row])
            equal(
                storage.get_track(track_id),
                Track(track_id, "x", None, None, 215.0, 1999, "USRC17607839", extra={"bpm": 120}),
            )
            (blank,) = storage.add_tracks([{"title": None, "duration": 0}])
            equal(storage.get_track(blank), Track(blank))

    def test_other_keys_that_say_nothing_are_left_out(self) -> None:
        """NaN, None and empty text under other names, as tables of pandas have them; false and 0 say something."""
        with self.make() as storage:
            row = {"title": "x", "genre": math.nan, "mood": None, "note": "", "live": False, "plays": 0}
            (track_id,) = storage.add_tracks([row])
            equal(storage.get_track(track_id), Track(track_id, "x", extra={"live": False, "plays": 0}))

    def test_long_identifiers_are_none(self) -> None:
        """A tag may hold anything: what is too long for an ISRC or mbid is left out, and the track is kept."""
        with self.make() as storage:
            code = "".join(hashlib.sha256(b"%d" % n).hexdigest() for n in range(300))
            ids = storage.add_tracks([{"title": "x", "isrc": code, "mbid": code}, {"title": "y", "isrc": code}])
            equal([storage.get_track(track_id) for track_id in ids], [Track(ids[0], "x"), Track(ids[1], "y")])
            equal(storage.find_by_identifier(isrc=code, mbid=code), [])

    def test_a_row_is_placed_by_what_tracks_are_called_then(self) -> None:
        """Row by row: an identifier that a row of the same call has taken away finds that track no more."""
        with self.make() as storage:
            (first,) = storage.add_tracks([{"title": "One", "isrc": "A"}])
            ids = storage.add_tracks(
                [{"id": first, "isrc": "B"}, {"title": "Two", "isrc": "A"}, {"isrc": "B", "year": 1}]
            )
            equal(ids, [first, first + 1, first])
            equal([(t.title, t.isrc, t.year) for t in storage.iter_tracks()], [("One", "B", 1), ("Two", "A", None)])

    def test_what_cannot_be_is_not_there(self) -> None:
        """Ids outside of 64 bits name no track; what is no number, and text that nobody can keep, is refused."""
        with self.make() as storage:
            (track_id,) = storage.add_tracks([{"title": "x"}])
            for number in (-1, 2**63, 2**70):
                equal(storage.get_track(number), None)
                equal(list(storage.get_tracks([number, track_id])), [track_id])
                true(not storage.delete_track(number) and not storage.update_track(number, title="y"), "no such track")
                equal(storage.get_playlist(number), None)
                with raises(UsageError):
                    storage.create_playlist("p", track_ids=[number])
            equal(storage.find_by_key("x", limit=0), [])
            equal(len(storage.candidates(normaliser()("x", None, None), limit=2**70)), 1)
            wrong: list[Any] = [
                lambda: storage.get_track("1"),  # type: ignore[arg-type]
                lambda: storage.find_by_key("a\0b"),
                lambda: storage.find_by_key("a\ud800b"),
                lambda: storage.find_by_key("x", limit=-1),
                lambda: storage.candidates(normaliser()("x", None, None), limit=-1),
                lambda: storage.find_analyses(limit=-1),
                lambda: storage.find_analyses(identities=["i\udcff"]),
                lambda: storage.put_analysis("i\udcff", "1", "p", {}),
                lambda: storage.put_analysis("i\0", "1", "p", {}),
                lambda: storage.put_analysis("i" * 9000, "1", "p", {}),
                lambda: storage.get_analysis("i", "1", "\udcff"),
                lambda: storage.delete_analyses("\udcff"),
                lambda: storage.put_fingerprint("\udcff", b"", duration=1.0),
                lambda: storage.get_fingerprint("\udcff"),
            ]
            for call in wrong:
                with raises(UsageError):
                    call()
            equal((storage.count_tracks(), storage.count_analyses(), storage.list_playlists()), (1, 0, []))

    def test_ids_end(self) -> None:
        """After the last id of 64 bits there is none: refused, and nothing is changed."""
        with self.make() as storage:
            equal(storage.add_tracks([{"id": 2**63 - 1, "title": "last"}]), [2**63 - 1])
            for row in ({"title": "next"}, {"title": "next", "isrc": "I"}):
                with raises(UsageError):
                    storage.add_tracks([row])
            equal(storage.count_tracks(), 1)

    def test_editions_name_the_tracks(self) -> None:
        """Another one after each change of tracks, by whomever; the same one otherwise; none for what may be lost."""
        storage = self.make()
        other = self.again(storage) or storage
        with storage, other:
            (track_id,) = other.add_tracks([{"title": "a"}])
            seen = [storage.edition()]
            for change in (
                lambda: other.update_track(track_id, title="b"),
                lambda: storage.add_tracks([{"title": "c"}]),
                lambda: other.delete_track(track_id),
            ):
                change()
                equal(storage.edition(), other.edition())
                seen.append(storage.edition())
            true(None not in seen, "there is one")
            equal(len(set(seen)), len(seen))
            with raises(ZeroDivisionError), storage.transaction():
                equal(storage.edition(), seen[-1])
                storage.add_tracks([{"title": "lost"}])
                equal(storage.edition(), None)
                raise ZeroDivisionError
            storage.set_value("a", "b")
            storage.put_analysis("i", "1", "p", {})
            equal((storage.edition(), other.edition()), (seen[-1], seen[-1]))

    def test_hostile_text_is_made_storable(self) -> None:
        """NUL and lone surrogates are replaced, endless text is cut; nothing raises."""
        with self.make() as storage:
            ids = storage.add_tracks([{"title": "a\x00b"}, {"title": "a\udc80b"}, {"title": "x" * 200_000}])
            titles = [track.title or "" for track in storage.get_tracks(ids).values()]
            equal(titles[:2], ["a\ufffdb", "a\ufffdb"])
            equal(len(titles[2]), 65_536)

    def test_nonsense_is_refused(self) -> None:
        """A value that cannot be meant raises UsageError and stores nothing of its chunk."""
        with self.make() as storage:
            wrong: list[Any] = [
                {"duration": "long"},
                {"duration": -1},
                {"id": -1},
                {"year": 10**6},
                {"title": object()},
                5,
                {"id": 1.5},
                {"x": object()},
                {"duration": 10**400},
                {"extra": "abc", "foo": 1},
                {"extra": [1], "foo": 1},
                {"audio_identity": "i" * 1000},
            ]
            for row in wrong:
                with raises(UsageError):
                    storage.add_tracks([{"title": "good"}, row])
            with raises(UsageError):
                storage.add_tracks([{"title": "x"}], upsert_by=("title",))
            equal(storage.count_tracks(), 0)

    def test_upsert_by_id_and_identifier(self) -> None:
        """A known id or identifier updates its track: what the row knows wins, what it does not know stays."""
        with self.make() as storage:
            (first,) = storage.add_tracks([{"title": "Old", "artist": "A", "isrc": "AAA", "a": 1}])
            equal(storage.add_tracks([{"title": "New", "isrc": "aa-a", "year": 2000, "b": 2}]), [first])
            equal(storage.get_track(first), Track(first, "New", "A", year=2000, isrc="AAA", extra={"a": 1, "b": 2}))
            equal(storage.add_tracks([{"id": first, "title": "Newer", "mbid": "M-1"}]), [first])
            equal(
                storage.add_tracks([{"mbid": "m-1", "album": "L"}, {"mbid": "m-2"}, {"mbid": "m-2", "title": "two"}]),
                [first, first + 1, first + 1],
            )
            equal(storage.count_tracks(), 2)
            equal(len(set(storage.add_tracks([{"isrc": "AAA"}, {"isrc": "AAA"}], upsert_by=()))), 2)
            equal(storage.count_tracks(), 4)

    def test_surer_identifiers_win(self) -> None:
        """The audio's identity is believed before an mbid, an mbid before an ISRC."""
        with self.make() as storage:
            ids = storage.add_tracks([{"audio_identity": "i"}, {"mbid": "m"}, {"isrc": "S"}])
            equal(storage.add_tracks([{"isrc": "S", "mbid": "m", "audio_identity": "i"}]), ids[:1])
            equal([t.id for t in storage.find_by_identifier(isrc="s")], [ids[0], ids[2]])
            equal([t.id for t in storage.find_by_identifier(mbid="M", audio_identity="i")], ids[:2])
            equal(storage.find_by_identifier(isrc="none"), [])
            equal(storage.find_by_identifier(), [])

    def test_update_and_delete(self) -> None:
        """update_track sets and clears fields, delete_track forgets; both say whether there was a track."""
        with self.make() as storage:
            (track_id,) = storage.add_tracks([{"title": "a", "artist": "b", "isrc": "I"}])
            before = storage.revision
            true(storage.update_track(track_id, title="c", artist=None, duration="3"), "it was there")
            true(storage.revision > before, "revision grows with changes")
            equal(storage.get_track(track_id), Track(track_id, "c", None, duration=3.0, isrc="I"))
            equal([c.track.id for c in storage.find_by_key(normaliser()("c", None, None).key)], [track_id])
            equal(storage.find_by_key(normaliser()("a", "b", None).key), [])
            with raises(UsageError):
                storage.update_track(track_id, colour="red")
            true(storage.delete_track(track_id), "it was there")
            true(not storage.delete_track(track_id), "it is gone")
            true(not storage.update_track(track_id, title="x"), "it is gone")
            equal(storage.get_track(track_id), None)
            equal(storage.find_by_identifier(isrc="I"), [])
            equal(storage.count_tracks(), 0)
            equal(storage.add_tracks([{"title": "new"}]), [track_id + 1])

    def test_normalised_forms(self) -> None:
        """Rows are found by their exact normalised key, and carry their searchable text."""
        with self.make() as storage:
            ids = storage.add_tracks(
                [
                    {"title": "Hoppípolla", "artist": "Sigur Rós"},
                    {"title": "hoppipolla", "artist": "SIGUR ROS"},
                    {"title": "Ágætis", "artist": "Sigur Rós"},
                ]
            )
            form = normaliser()("Hoppípolla", "Sigur Rós", None)
            found = storage.find_by_key(form.key)
            equal([candidate.track.id for candidate in found], ids[:2])
            equal(found[0].search, form.search)
            equal(len(storage.find_by_key(form.key, limit=1)), 1)
            equal(storage.find_by_key("no such key"), [])
            equal([row[0] for row in storage.iter_normalised()], ids)
            equal(next(iter(storage.iter_normalised())), (ids[0], form.key, form.search))

    def test_iteration_goes_on_from_anywhere(self) -> None:
        """iter_tracks goes by id, from any place, while rows come and go."""
        with self.make() as storage:
            storage.add_tracks({"id": n, "title": str(n)} for n in range(0, 3000, 2))
            equal([track.id for track in storage.iter_tracks(after=2990)], [2992, 2994, 2996, 2998])
            equal([track.id for track in storage.iter_tracks(after=Whole(2996))], [2998])  # type: ignore[arg-type]
            equal(list(storage.iter_normalised(after=2**70)), [])
            seen: list[int | None] = []
            walk: Iterator[Track] = storage.iter_tracks()
            for track in walk:
                seen.append(track.id)
                if track.id == 100:
                    storage.delete_track(2000)
                    storage.update_track(2002, title="changed")
            equal(seen, [n for n in range(0, 3000, 2) if n != 2000])

    def test_iteration_does_not_outlive_the_storage(self) -> None:
        """Closed in the middle, it is an error unless all had been read: an early end would look like the end."""
        storage = self.make()
        storage.add_tracks({"title": str(n)} for n in range(2500))
        storage.put_files(FileRecord(b"/%d" % n, b"/") for n in range(2500))
        walks: list[Iterator[Any]] = [storage.iter_tracks(), storage.iter_normalised(), storage.find_files()]
        for walk in walks:
            next(walk)
        storage.close()
        for walk in walks:
            with suppress(StorageUnavailableError):
                equal(len(list(walk)), 2499)

    def test_closed_means_closed(self) -> None:
        """After close every call raises StorageUnavailableError; closing again is harmless."""
        storage = self.make()
        storage.close()
        storage.close()
        for call in (
            storage.count_tracks,
            lambda: storage.add_tracks([{"title": "x"}]),
            lambda: storage.get_track(1),
            storage.list_playlists,
        ):
            with raises(StorageUnavailableError):
                call()
        true(not storage.health().ok, "a closed storage is not healthy")
