"""Rules for files, the outbox and named values."""

from __future__ import annotations

import dataclasses
import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tracktion.errors import UsageError
from tracktion.results.catalogue import FileRecord
from tracktion.testing.expect import Whole, equal, raises, true
from tracktion.testing.home_tracks import HomeRules

__all__ = ["FileRules"]

ODD_NAMES = [
    b"/m/\xff\xfe.mp3",
    "/m/🎵.mp3".encode(),
    b"/m/a\nb.mp3",
    b"/m/" + b"x" * 255,
    b"/m/" + b"/".join(hashlib.sha256(b"%d" % n).hexdigest().encode() for n in range(300)),
    b"/m/%_'\\.mp3",
    b"/m/e\xcc\x81",
    b"/m/\xc3\xa9",
]


def _plain(record: FileRecord) -> FileRecord:
    return dataclasses.replace(record, id=None, changed_ns=0)


class FileRules(HomeRules):
    """`FileStore`."""

    def test_any_name_round_trips(self) -> None:
        """Paths are bytes: what is no UTF-8, and names that differ by normal form only, stay what they are."""
        with self.make() as storage:
            records = [FileRecord(name, b"/m", size=n) for n, name in enumerate(ODD_NAMES)]
            ids = storage.put_files(records)
            equal(len(set(ids)), len(ODD_NAMES))
            equal([_plain(record) for record in storage.find_files()], records)
            for name in ODD_NAMES:
                found = storage.get_file(name)
                true(found is not None and found.path == name, f"{name!r} is found")
            equal(records[0].name.encode("utf-8", "surrogateescape"), ODD_NAMES[0])

    def test_signatures_round_trip(self) -> None:
        """Sizes, nanoseconds and 64-bit inodes keep their values, times after 2262 too."""
        with self.make() as storage:
            record = FileRecord(
                b"/a",
                b"/",
                size=2**40,
                mtime_ns=-1,
                ctime_ns=2**62,
                device=2**64 - 1,
                inode=2**63 + 5,
                attempts=2,
                owner="o",
                epoch=7,
                audio_identity="i",
                track_id=3,
                reason="Corrupt: x",
                state="failed",
            )
            (file_id,) = storage.put_files([record])
            found = storage.get_file(b"/a", root=b"/")
            true(found is not None and found.id == file_id and found.changed_ns > 0, "it is there")
            equal(found and _plain(found), record)
            equal([f.id for f in storage.find_files(inode=2**63 + 5, device=2**64 - 1)], [file_id])
            far = FileRecord(b"/far", b"/", mtime_ns=2**63 + 10**18, ctime_ns=-(2**61))
            storage.put_files([far])
            found = storage.get_file(b"/far")
            equal(found and _plain(found), far)

    def test_put_overwrites_by_place(self) -> None:
        """Root and path name a row; putting it again overwrites it under the same id."""
        with self.make() as storage:
            first, second, third = storage.put_files(
                [FileRecord(b"/r/a", b"/r"), FileRecord(b"/r/a", b"/"), FileRecord(b"/r/b", b"/r")]
            )
            equal(
                storage.put_files(
                    [FileRecord(b"/r/a", b"/r", state="ready"), FileRecord(b"/r/a", b"/r", state="done")]
                ),
                [first, first],
            )
            equal([(f.id, f.state) for f in storage.find_files()], [(first, "done"), (second, "seen"), (third, "seen")])
            found = storage.get_file(b"/r/a", root=b"/")
            equal(found and found.id, second)
            equal(storage.get_file(b"/r/none"), None)
            with raises(UsageError):
                storage.put_files([FileRecord(b"/x", b"/", state="lost")])

    def test_find_by_any_condition(self) -> None:
        """All conditions together, by ascending id, with a limit."""
        with self.make() as storage:
            ids = storage.put_files(
                FileRecord(
                    b"/r/%d" % n,
                    b"/r" if n % 2 else b"/q",
                    state=("ready", "done", "failed")[n % 3],
                    inode=n,
                    audio_identity=f"i{n % 5}",
                )
                for n in range(60)
            )
            equal(
                [f.id for f in storage.find_files(root=b"/r", states=["done", "failed"])],
                [i for n, i in enumerate(ids) if n % 2 and n % 3],
            )
            equal([f.id for f in storage.find_files(audio_identity="i2", limit=3)], [ids[2], ids[7], ids[12]])
            equal([f.id for f in storage.find_files(inode=59)], [ids[59]])
            equal(list(storage.find_files(states=[])), [])
            equal(storage.count_files(), {"ready": 20, "done": 20, "failed": 20})
            equal(storage.count_files(root=b"/none"), {})
            equal(storage.delete_files([*ids[:2], ids[0], 10**9]), 2)
            equal(sum(storage.count_files().values()), 58)

    def test_compare_and_set(self) -> None:
        """update_file changes a row only while it is as expected."""
        with self.make() as storage:
            a, b = storage.put_files([FileRecord(b"/a", b"/", state="running", epoch=3), FileRecord(b"/b", b"/")])
            true(not storage.update_file(a, expected_state="ready", state="done"), "another state")
            true(not storage.update_file(a, expected_epoch=2, state="done"), "another life")
            true(not storage.update_file(10**9, state="done"), "no such row")
            true(
                storage.update_file(a, expected_state="running", expected_epoch=3, state="done", audio_identity="i"),
                "as expected",
            )
            found = storage.get_file(b"/a")
            equal(found and (found.state, found.audio_identity, found.epoch), ("done", "i", 3))
            true(storage.update_file(a, path=b"/b"), "a move takes the place of what was there")
            equal([(f.id, f.path) for f in storage.find_files()], [(a, b"/b")])
            equal(storage.get_file(b"/a"), None)
            for wrong in ({"state": "lost"}, {"colour": 1}, {"path": "text"}):
                with raises(UsageError):
                    storage.update_file(a, **wrong)
            del b

    def test_claims_are_exclusive(self) -> None:
        """Many claimants share the ready rows, each row goes to one; attempts are counted and limited."""
        storage = self.make()
        other = self.again(storage) or storage
        with storage, other:
            storage.put_files(
                FileRecord(b"/%d" % n, b"/", state="ready", attempts=3 if n < 5 else 0) for n in range(105)
            )

            def work(number: int) -> list[int]:
                home = (storage, other)[number % 2]
                taken: list[int] = []
                while batch := home.claim_files(owner=str(number), epoch=number, limit=7):
                    taken += [record.id or 0 for record in batch]
                    true(
                        all(
                            (r.state, r.attempts, r.owner, r.epoch) == ("running", 1, str(number), number)
                            for r in batch
                        ),
                        "marked",
                    )
                return taken

            with ThreadPoolExecutor(6) as pool:
                taken = [file_id for part in pool.map(work, range(6)) for file_id in part]
            equal(len(taken), 100)
            equal(len(set(taken)), 100)
            equal(storage.count_files(), {"ready": 5, "running": 100})
            equal(len(storage.claim_files(owner="x", epoch=1, max_attempts=9, root=b"/other")), 0)
            equal(len(storage.claim_files(owner="x", epoch=1, max_attempts=9, limit=0)), 0)
            equal(len(storage.claim_files(owner="x", epoch=1, max_attempts=9, root=b"/")), 5)

    def test_claims_go_by_id(self) -> None:
        """Whenever a row became ready."""
        with self.make() as storage:
            ids = storage.put_files(FileRecord(b"/%d" % n, b"/", state="done" if n < 2 else "ready") for n in range(4))
            storage.update_file(ids[1], state="ready")
            storage.update_file(ids[0], state="ready")
            equal([file.id for file in storage.claim_files(owner="o", epoch=1, limit=3)], ids[:3])

    def test_claims_under_one_root_take_the_rows_of_that_root(self) -> None:
        """Also those that were moved there, became ready again, or were passed over for their attempts."""
        with self.make() as storage:
            ids = storage.put_files(FileRecord(b"/%d" % n, (b"/", b"a")[n % 2], state="ready") for n in range(6))
            tired, moved = ids[0], ids[1]
            storage.update_file(tired, attempts=5)

            def claim(root: bytes | None, max_attempts: int = 3) -> list[int | None]:
                rows = storage.claim_files(owner="o", epoch=1, limit=2, max_attempts=max_attempts, root=root)
                return [row.id for row in rows]

            equal(claim(b"/"), [ids[2], ids[4]])
            storage.update_file(moved, root=b"/")
            storage.update_file(ids[4], state="ready")
            equal(claim(b"/"), [moved, ids[4]])
            equal(claim(None), [ids[3], ids[5]])
            equal(claim(b"a"), [])
            equal(claim(b"/", max_attempts=9), [tired])

    def test_outbox_keeps_order_and_ids(self) -> None:
        """Messages stay until marked, in order; the same id is the same message."""
        with self.make() as storage:
            for n in range(5):
                true(storage.add_outbox(f"m{n}", {"n": n, "name": "é\udcff"}, subject=b"/\xff"), "new")
            true(not storage.add_outbox("m2", {"n": 99}), "known")
            found = storage.pending_outbox()
            equal([message.id for message in found], [f"m{n}" for n in range(5)])
            equal((found[2].payload, found[2].subject, found[2].attempts), ({"n": 2, "name": "é\udcff"}, b"/\xff", 0))
            equal([message.id for message in storage.pending_outbox(limit=2)], ["m0", "m1"])
            equal(storage.mark_outbox(["m0", "m3", "none", "m0"], published=True), 2)
            equal(storage.mark_outbox(["m1"], published=False), 1)
            equal([(m.id, m.attempts) for m in storage.pending_outbox()], [("m1", 1), ("m2", 0), ("m4", 0)])
            storage.mark_outbox(["m1"], published=True)
            equal(storage.purge_outbox(keep=7), 0)
            equal(storage.purge_outbox(keep=2), 1)
            equal(storage.purge_outbox(), 2)
            equal(len(storage.pending_outbox()), 2)

    def test_named_values(self) -> None:
        """Set, read, overwrite, delete."""
        with self.make() as storage:
            equal(storage.get_value("a"), None)
            storage.set_value("a", "1")
            storage.set_value("a", "")
            equal(storage.get_value("a"), "")
            storage.set_value("a", None)
            storage.set_value("a", None)
            equal(storage.get_value("a"), None)

    def test_numbers_of_rows_are_checked(self) -> None:
        """No rows, or more than there are, is fine; less than none is refused."""
        with self.make() as storage:
            storage.put_files([FileRecord(b"/a", b"/", state="ready")])
            storage.add_outbox("m", {})
            for most in (0, 2**70):
                equal(len(list(storage.find_files(limit=most))), min(most, 1))
                equal(len(storage.pending_outbox(limit=most)), min(most, 1))
                equal(len(storage.claim_files(owner="o", epoch=1, limit=most)), min(most, 1))
                equal(storage.purge_outbox(keep=most), 0)
            for wrong in (-1, 1.5, None):
                with raises(UsageError):
                    storage.claim_files(owner="o", epoch=1, limit=wrong)  # type: ignore[arg-type]
                with raises(UsageError):
                    storage.pending_outbox(limit=wrong)  # type: ignore[arg-type]
                with raises(UsageError):
                    storage.purge_outbox(keep=wrong)  # type: ignore[arg-type]
            with raises(UsageError):
                list(storage.find_files(limit=-1))
            true(not storage.update_file(2**63, state="done"), "no such row")
            equal(storage.delete_files([2**63, -1]), 0)

    def test_names_that_nobody_can_keep_are_refused(self) -> None:
        """NUL and lone surrogates in names of values and messages, and names without end."""
        with self.make() as storage:
            for name in ("a\0", "a\udcff", "é" * 500):
                for call in (
                    lambda name=name: storage.get_value(name),
                    lambda name=name: storage.set_value(name, "1"),
                    lambda name=name: storage.add_outbox(name, {}),
                ):
                    with raises(UsageError):
                        call()
            for value in ("a\0", "a\udcff"):
                with raises(UsageError):
                    storage.set_value("name", value)
            storage.set_value("name", "é" * 5000)
            equal(storage.get_value("name"), "é" * 5000)

    def test_values_that_no_file_can_have_are_refused(self) -> None:
        """Whichever field, and before anything is written: a row that is there stays as it is."""
        wrong: dict[str, Any] = {
            "path": "/a",
            "root": None,
            "size": "long",
            "mtime_ns": 2**64,
            "device": None,
            "state": "odd",
            "reason": ValueError("x"),
            "attempts": 1.5,
            "owner": "a\0",
            "epoch": 2**63,
            "audio_identity": "a\udcff",
            "track_id": "x",
        }
        with self.make() as storage:
            (file_id,) = storage.put_files([FileRecord(b"/a", b"/", state="ready")])
            (before,) = storage.find_files()
            for name, value in wrong.items():
                with raises(UsageError):
                    storage.update_file(file_id, **{name: value})
                with raises(UsageError):
                    storage.put_files([dataclasses.replace(before, **{name: value})])
            equal(list(storage.find_files()), [before])

    def test_files_are_asked_for_by_what_they_can_have(self) -> None:
        """Text for a path, one state for several, text that nobody can keep: refused, not merely not found."""
        with self.make() as storage:
            storage.put_files([FileRecord(b"/a", b"/", state="ready")])
            wrong: list[Any] = [
                lambda: storage.get_file("/a"),  # type: ignore[arg-type]
                lambda: storage.get_file(b"/a", root="/"),  # type: ignore[arg-type]
                lambda: list(storage.find_files(root="/")),  # type: ignore[arg-type]
                lambda: list(storage.find_files(states="ready")),
                lambda: list(storage.find_files(audio_identity="a\0")),
                lambda: storage.count_files(root="/"),  # type: ignore[arg-type]
                lambda: storage.claim_files(owner="a\udcff", epoch=1),
                lambda: storage.mark_outbox(["a\0"], published=True),
            ]
            for call in wrong:
                with raises(UsageError):
                    call()
            equal(list(storage.find_files(track_id=2**70)), [])
            equal(len(storage.claim_files(owner="o", epoch=1, max_attempts=2**63)), 1)

    def test_what_counts_as_a_number_is_one(self) -> None:
        """Those of NumPy, say; and text of an error is made storable."""
        with self.make() as storage:
            (file_id,) = storage.put_files([FileRecord(b"/a", b"/", size=Whole(1))])  # type: ignore[arg-type]
            storage.update_file(file_id, track_id=Whole(7), epoch=Whole(2), reason="a\0b")
            (found,) = storage.find_files(track_id=Whole(7))  # type: ignore[arg-type]
            equal((found.size, found.track_id, found.epoch, found.reason), (1, 7, 2, "a\ufffdb"))
            true(all(type(number) is int for number in (found.size, found.track_id, found.epoch)), "plain numbers")
            true(storage.update_file(Whole(file_id), expected_epoch=Whole(2), state="done"), "as expected")  # type: ignore[arg-type]

    def test_deleting_a_track_unlinks_its_files(self) -> None:
        """The file stays, and points to no track."""
        with self.make() as storage:
            (track_id,) = storage.add_tracks([{"title": "x"}])
            storage.put_files([FileRecord(b"/a", b"/", track_id=track_id)])
            equal(len(list(storage.find_files(track_id=track_id))), 1)
            storage.delete_track(track_id)
            found = storage.get_file(b"/a")
            true(found is not None and found.track_id is None, "the link is gone, the file is not")
