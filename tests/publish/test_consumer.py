"""What a consumer makes of messages that are wrong, late, out of order or too much for it; without a broker."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.publish.hostile import BODIES
from tracktion.analyzer import Analyzer
from tracktion.errors import StorageBusyError, TracktionError, UsageError
from tracktion.publish import RabbitMQConsumer, consumer
from tracktion.results.analysis import Analysis
from tracktion.results.catalogue import FileRecord
from tracktion.storage import Storage, open_storage


@pytest.fixture(params=["memory", "sqlite"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    with open_storage("memory:" if request.param == "memory" else f"sqlite:///{tmp_path / 'music.db'}") as opened:
        yield opened


@pytest.fixture
def song(tmp_path: Path) -> Path:
    path = tmp_path / "song.mp3"
    path.write_bytes(b"first")
    return path


class Message:
    """A message of aio-pika, as far as it matters; `fate` is what was done with it."""

    def __init__(self, body: bytes, *, redelivered: bool = False) -> None:
        self.body = body
        self.redelivered = redelivered
        self.fate = ""

    async def ack(self) -> None:
        self.fate = "acknowledged"

    async def reject(self, *, requeue: bool) -> None:
        self.fate = "put back" if requeue else "rejected"


class Heard:
    """An analyzer that keeps what it was given, and may do something meanwhile."""

    def __init__(self) -> None:
        self.contents: list[bytes] = []
        self.meanwhile: Any = lambda: None

    def __call__(self, source: Any) -> Analysis:
        content = Path(source).read_bytes()
        self.contents.append(content)
        self.meanwhile()
        return Analysis(duration=float(len(content)), sample_rate=44100, channels=2, source=str(source))


def consuming(storage: Storage, analyzer: Any) -> RabbitMQConsumer:
    return RabbitMQConsumer("amqp://nowhere/", storage=storage, analyzer=analyzer, isolation=None)


def item(path: Path) -> dict[str, Any]:
    """What a message tells of the version that a file has now."""
    found = path.lstat()
    names = ("size", "mtime_ns", "ctime_ns")
    numbers = {name: getattr(found, f"st_{name}") for name in names}
    return {"path": str(path), "root": str(path.parent), "device": found.st_dev, "inode": found.st_ino, **numbers}


def row_of(storage: Storage, path: Path) -> FileRecord:
    row = storage.get_file(os.fsencode(path), root=os.fsencode(path.parent))
    assert row is not None
    return row


def version(told: dict[str, Any]) -> tuple[int, ...]:
    return tuple(told[name] for name in ("size", "mtime_ns", "ctime_ns", "device", "inode"))


# --- messages that are wrong ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BODIES)
async def test_what_is_no_batch_is_rejected_at_once(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is raised, or the connection would be torn down and the message delivered again, for ever."""
    with open_storage("memory:") as storage:
        message = Message(BODIES[name])
        await consuming(storage, Heard())._take(message)
        assert message.fate == "rejected"
        assert "no batch" in caplog.text
        assert storage.count_files() == {}


async def test_a_batch_that_cannot_be_worked_on_goes_back_once(
    storage: Storage, song: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever is wrong with it, of which nobody has thought: the others behind it get their turn."""
    monkeypatch.setattr(consumer, "RETRY_SECONDS", 0.0)

    def broken(_files: Any) -> Any:
        raise ZeroDivisionError("nobody thought of it")

    monkeypatch.setattr(storage, "put_files", broken)
    working = consuming(storage, Heard())
    first, second = (Message(json.dumps({"items": [item(song)]}).encode(), redelivered=r) for r in (False, True))
    await working._take(first)
    assert first.fate == "put back"
    assert "put back into the queue: ZeroDivisionError: nobody thought of it" in caplog.text
    assert isinstance(working.last_error, ZeroDivisionError)
    await working._take(second)
    assert second.fate == "rejected"
    assert "is rejected: ZeroDivisionError: nobody thought of it" in caplog.text
    monkeypatch.undo()
    third = Message(first.body)
    await working._take(third)
    assert third.fate == "acknowledged"


async def test_a_batch_waits_for_the_storage_however_long(
    storage: Storage, song: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its messages go back, also those that were there before."""
    monkeypatch.setattr(consumer, "RETRY_SECONDS", 0.0)

    def busy(_files: Any) -> Any:
        raise StorageBusyError("locked")

    monkeypatch.setattr(storage, "put_files", busy)
    message = Message(json.dumps({"items": [item(song)]}).encode(), redelivered=True)
    await consuming(storage, Heard())._take(message)
    assert message.fate == "put back"


async def test_a_batch_pulled_down_by_a_stop_is_not_rejected(
    storage: Storage, song: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What goes wrong while the consumer stops says nothing of the batch."""
    working = consuming(storage, Heard())

    def stopped(_files: Any) -> Any:
        working.stop()
        raise RuntimeError("the pool was closed")

    monkeypatch.setattr(storage, "put_files", stopped)
    message = Message(json.dumps({"items": [item(song)]}).encode(), redelivered=True)
    await working._take(message)
    assert message.fate == "put back"


# --- messages that are late -------------------------------------------------------------------------------------------


def test_an_older_message_does_not_undo_a_newer_one(storage: Storage, song: Path) -> None:
    """A queue with priorities hands out the large batch with the newer version first."""
    heard = Heard()
    working = consuming(storage, heard)
    older = item(song)
    song.write_bytes(b"second version")
    newer = item(song)
    assert working.process([newer])
    assert working.process([older])
    assert row_of(storage, song).signature == version(newer)
    assert heard.contents == [b"second version"]
    assert (working.done, working.repeated) == (1, 1)


def test_a_late_message_stores_the_version_that_was_analysed(storage: Storage, song: Path) -> None:
    """So the message of that version, when it comes, is known."""
    heard = Heard()
    working = consuming(storage, heard)
    older = item(song)
    song.write_bytes(b"second version")
    newer = item(song)
    assert working.process([older])
    assert row_of(storage, song).signature == version(newer)
    assert working.process([newer])
    assert heard.contents == [b"second version"]
    assert working.repeated == 1


def test_names_alone_tell_of_the_version_that_is_there(storage: Storage, song: Path) -> None:
    """A message with only ``files`` is known when the file did not change, and not when it did."""
    heard = Heard()
    working = consuming(storage, heard)
    for content in (b"first", b"first", b"second version"):
        if song.read_bytes() != content:
            song.write_bytes(content)
        assert working.process([{"path": str(song)}])
    assert heard.contents == [b"first", b"second version"]
    assert working.repeated == 1


def test_a_host_that_does_not_see_the_file_goes_by_the_message(storage: Storage, song: Path) -> None:
    """The file fails as unreadable, once for each version that was told of."""
    told = item(song)
    song.unlink()
    working = consuming(storage, Analyzer())
    assert working.process([told])
    row = row_of(storage, song)
    assert (row.state, row.signature) == ("failed", version(told))
    assert (row.reason or "").startswith("Unreadable: ")
    assert working.process([told])
    assert (working.failed, working.repeated) == (1, 1)


def test_a_version_that_the_watcher_has_yet_to_find_is_left_to_it(storage: Storage, song: Path) -> None:
    """On a storage of both, a Watcher announces nothing that is stored already: the row stays at what it knows."""
    working = consuming(storage, Heard())
    told = item(song)
    numbers = {name: told[name] for name in ("size", "mtime_ns", "ctime_ns", "device", "inode")}
    place = {"path": os.fsencode(song), "root": os.fsencode(song.parent)}
    storage.put_files([FileRecord(**place, **numbers, state="done")])
    song.write_bytes(b"second version")
    assert working.process([told])
    row = row_of(storage, song)
    assert row.signature == version(told)
    assert row.audio_identity is not None
    newer = item(song)
    assert working.process([newer])
    assert row_of(storage, song).signature == version(newer)


@pytest.mark.parametrize("state", ["ready", "running", "seen", "offline", "deleted"])
def test_a_version_that_the_watcher_has_in_work_is_left_to_it(storage: Storage, song: Path, state: str) -> None:
    """On a storage of both, the Watcher would neither deliver nor announce what is done already."""
    heard = Heard()
    late = item(song)
    song.write_bytes(b"second version")
    found = item(song)
    numbers = {name: found[name] for name in ("size", "mtime_ns", "ctime_ns", "device", "inode")}
    row = FileRecord(path=os.fsencode(song), root=os.fsencode(song.parent), **numbers, state=state)
    storage.put_files([row])
    assert consuming(storage, heard).process([late])
    assert row_of(storage, song).state == state
    assert heard.contents == []


def test_a_slow_consumer_does_not_undo_what_another_stored_meanwhile(storage: Storage, song: Path) -> None:
    """The batch comes again, and then the newer version is known."""
    slow, quick = Heard(), Heard()
    working, other = consuming(storage, slow), consuming(storage, quick)
    older = item(song)

    def overtaken() -> None:
        song.write_bytes(b"second version")
        assert other.process([item(song)])

    slow.meanwhile = overtaken
    assert not working.process([older])
    assert row_of(storage, song).signature == version(item(song))
    assert working.process([older])
    assert (slow.contents, quick.contents) == ([b"first"], [b"second version"])
    assert (working.done, other.done) == (0, 1)


def test_a_batch_for_which_no_worker_can_be_started_waits(
    storage: Storage, song: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "RETRY_SECONDS", 0.0)

    def unable(_source: Any) -> Any:
        raise TracktionError("cannot start a worker", stage="start")

    working = consuming(storage, unable)
    assert not working.process([item(song)])
    assert storage.count_files() == {}
    assert "cannot start" in str(working.last_error)


# --- life -------------------------------------------------------------------------------------------------------------


def test_starting_twice_starts_once(storage: Storage) -> None:
    with consuming(storage, Heard()) as working:
        working.start()
        first = working._thread
        working.start()
        assert working._thread is first


def test_misuse_is_told_before_a_message_is_taken(storage: Storage) -> None:
    """Later, each batch would fail and be rejected."""
    with pytest.raises(UsageError, match="class"):
        consuming(storage, Analyzer)
    with pytest.raises(UsageError, match="open_storage"):
        consuming("sqlite:///music.db", Heard())  # type: ignore[arg-type]
    for wrong in ({"workers": 0}, {"isolation": "threads"}, {"limits": 3}):
        with pytest.raises(UsageError):
            RabbitMQConsumer("amqp://nowhere/", storage=storage, analyzer=Heard(), **wrong)  # type: ignore[arg-type]
