"""The outbox is emptied in order, at least once, however the receiver behaves."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.watcher.ledger import until
from tracktion.publish import Relay, batch_message
from tracktion.storage import Storage, open_storage


@pytest.fixture
def storage() -> Iterator[Storage]:
    with open_storage("memory:") as opened:
        yield opened


def fill(storage: Storage, count: int, paths: int = 7) -> list[str]:
    ids = [f"id{i}" for i in range(count)]
    for i, name in enumerate(ids):
        path = f"/music/{i % paths}.mp3"
        storage.add_outbox(name, {"id": name, "path": path, "number": i}, subject=path.encode())
    return ids


def test_message_of_a_batch() -> None:
    small = batch_message([{"id": f"i{n}", "path": f"/p{n}"} for n in range(5)])
    large = batch_message([{"id": f"i{n}", "path": f"/p{n}"} for n in range(6)])
    assert (small["priority"], large["priority"]) == (1, 5)
    assert small["files"] == ["/p0", "/p1", "/p2", "/p3", "/p4"]
    assert small["batch_size"] == 5
    assert small["batch_id"] == batch_message(small["items"])["batch_id"] != large["batch_id"]


def test_everything_goes_out_in_order(storage: Storage) -> None:
    ids = fill(storage, 95)
    sent: list[dict[str, Any]] = []
    relay = Relay(storage, sent.append, batch_size=10)
    assert relay.flush(10)
    assert [item["id"] for m in sent for item in m["items"]] == ids
    assert storage.pending_outbox() == []


def test_failures_lose_nothing_and_keep_the_order_per_path(storage: Storage) -> None:
    ids = fill(storage, 200)
    dice = random.Random(3)
    accepted: list[dict[str, Any]] = []

    def unreliable(message: dict[str, Any]) -> None:
        if dice.random() < 0.4:
            raise ConnectionError("before")
        accepted.extend(message["items"])
        if dice.random() < 0.2:
            raise ConnectionError("after")

    assert Relay(storage, unreliable, batch_size=5).flush(120)
    assert {item["id"] for item in accepted} == set(ids)
    for path in {item["path"] for item in accepted}:
        first_seen = list(dict.fromkeys(i["number"] for i in accepted if i["path"] == path))
        assert first_seen == sorted(first_seen)


def test_thread_wakes_and_stops(storage: Storage) -> None:
    sent: list[dict[str, Any]] = []
    relay = Relay(storage, sent.append)
    relay.start()
    fill(storage, 5)
    relay.wake()
    assert until(lambda: sum(m["batch_size"] for m in sent) == 5)
    relay.stop()
    assert not [t for t in threading.enumerate() if t.name == "tracktion-relay"]


def test_receiver_that_hangs_does_not_hang_the_stop(storage: Storage) -> None:
    release = threading.Event()
    fill(storage, 1)
    relay = Relay(storage, lambda _: release.wait(30))
    relay.start()
    assert until(lambda: relay.sent == 0)
    relay.stop(0.5)
    release.set()
    assert len(storage.pending_outbox()) <= 1


def test_two_threads_that_send_do_not_send_the_same(storage: Storage) -> None:
    """`flush` comes from another thread than the relay's own; a publisher is called from one at a time."""
    fill(storage, 3)
    sent: list[dict[str, Any]] = []
    begun, release = threading.Event(), threading.Event()

    def slow(message: dict[str, Any]) -> None:
        sent.append(message)
        begun.set()
        release.wait(30)

    relay = Relay(storage, slow)
    relay.start()
    assert begun.wait(30)
    threading.Timer(0.2, release.set).start()
    assert relay.flush(30)
    relay.stop()
    assert [m["batch_size"] for m in sent] == [3]
