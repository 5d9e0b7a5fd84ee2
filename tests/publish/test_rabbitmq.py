"""F11 against a real broker, through a proxy that cuts, refuses and freezes."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.faults.checks import Record
from tests.publish.hostile import BODIES
from tests.publish.proxy import Proxy
from tests.watcher.ledger import make, until
from tracktion.errors import PublishError, UnsupportedError
from tracktion.publish import ROUTING_KEY, RabbitMQConsumer, RabbitMQPublisher, Relay, batch_message
from tracktion.results.analysis import Analysis
from tracktion.storage import open_storage
from tracktion.watcher import Watcher

aio_pika = pytest.importorskip("aio_pika")

pytestmark = pytest.mark.rabbitmq


@pytest.fixture
def names(rabbitmq_url: str) -> Iterator[dict[str, str]]:
    own = f"tracktion-test-{uuid.uuid4().hex}"
    yield {"exchange": own, "queue": own}

    async def remove() -> None:
        async with await aio_pika.connect(rabbitmq_url) as connection, connection.channel() as channel:
            await channel.queue_delete(own)
            await channel.exchange_delete(own)

    asyncio.run(remove())


@pytest.fixture
def proxy(rabbitmq_url: str) -> Iterator[Proxy]:
    parts = urlsplit(rabbitmq_url)
    made = Proxy(parts.hostname or "127.0.0.1", parts.port or 5672)
    yield made
    made.close()


@pytest.fixture
def proxied(rabbitmq_url: str, proxy: Proxy) -> str:
    parts = urlsplit(rabbitmq_url)
    return parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{proxy.port}").geturl()


def drain(url: str, queue: str) -> list[Any]:
    """All messages of a queue, as (body, properties)."""

    async def get() -> list[Any]:
        found = []
        async with await aio_pika.connect(url) as connection, connection.channel() as channel:
            mine = await channel.get_queue(queue)
            while (message := await mine.get(fail=False, timeout=60)) is not None:
                found.append((json.loads(message.body), message))
                await message.ack()
        return found

    return asyncio.run(get())


def batch(number: int, size: int = 3) -> dict[str, Any]:
    items = [{"id": f"{number}-{i}", "path": f"/music/{number}-{i}.mp3"} for i in range(size)]
    return {
        "batch_id": str(number),
        "files": [i["path"] for i in items],
        "batch_size": size,
        "priority": 5 if size > 5 else 1,
        "items": items,
    }


def test_message_as_the_guide_describes_it(rabbitmq_url: str, names: dict[str, str]) -> None:
    with RabbitMQPublisher(rabbitmq_url, **names) as publish:
        publish(batch(1, 3))
        publish(batch(2, 6))
    found = drain(rabbitmq_url, names["queue"])
    assert [body["batch_id"] for body, _ in found] == ["2", "1"]
    body, message = found[0]
    assert {"batch_id", "files", "batch_size", "priority"} <= set(body)
    assert message.priority == body["priority"] == 5
    assert message.routing_key == "audio.analysis.batch"
    assert message.message_id == "2"
    assert message.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
    assert message.content_type == "application/json"


def test_what_no_queue_takes_is_an_error(rabbitmq_url: str, names: dict[str, str]) -> None:
    with (
        RabbitMQPublisher(rabbitmq_url, exchange=names["exchange"], queue=None) as publish,
        pytest.raises(PublishError),
    ):
        publish(batch(1))
    with RabbitMQPublisher(rabbitmq_url, **names) as publish:
        publish(batch(1))


def test_what_the_queue_refuses_is_an_error(rabbitmq_url: str, names: dict[str, str]) -> None:
    async def full_queue() -> None:
        async with await aio_pika.connect(rabbitmq_url) as connection, connection.channel() as channel:
            exchange = await channel.declare_exchange(names["exchange"], aio_pika.ExchangeType.TOPIC, durable=True)
            limits = {"x-max-length": 1, "x-overflow": "reject-publish"}
            queue = await channel.declare_queue(names["queue"], durable=True, arguments=limits)
            await queue.bind(exchange, "audio.analysis.batch")

    asyncio.run(full_queue())
    with RabbitMQPublisher(rabbitmq_url, exchange=names["exchange"], queue=None) as publish:
        publish(batch(1))
        with pytest.raises(PublishError):
            publish(batch(2))
        drain(rabbitmq_url, names["queue"])
        publish(batch(2))


def test_publisher_works_in_a_forked_child_and_after_it_in_the_parent(rabbitmq_url: str, names: dict[str, str]) -> None:
    code = (
        "import json, os, sys\n"
        "from tracktion.publish import RabbitMQPublisher, batch_message\n"
        "with RabbitMQPublisher(sys.argv[1], **json.loads(sys.argv[2])) as publish:\n"
        "    for number in range(2):\n"
        "        publish(batch_message([{'id': f'parent {number}', 'path': '/a.mp3'}]))\n"
        "        pid = os.fork()\n"
        "        if pid == 0:\n"
        "            if number == 0:\n"
        "                publish(batch_message([{'id': 'child', 'path': '/a.mp3'}]))\n"
        "            publish.close()\n"
        "            os._exit(0)\n"
        "        assert os.waitpid(pid, 0)[1] == 0\n"
    )
    subprocess.run([sys.executable, "-c", code, rabbitmq_url, json.dumps(names)], check=True, timeout=120)
    assert [message["items"][0]["id"] for message, _ in drain(rabbitmq_url, names["queue"])] == [
        "parent 0",
        "child",
        "parent 1",
    ]


def test_wrong_address_is_an_error_in_time() -> None:
    started = time.monotonic()
    with RabbitMQPublisher("amqp://guest:guest@127.0.0.1:1/", timeout=2) as publish, pytest.raises(PublishError):
        publish(batch(1))
    assert time.monotonic() - started < 60


def test_broker_that_comes_and_goes_gets_everything_in_order(
    rabbitmq_url: str, proxied: str, proxy: Proxy, names: dict[str, str], record_property: Record
) -> None:
    record_property("faults", 1 + 6)
    with open_storage("memory:") as storage:
        for i in range(120):
            path = f"/music/{i % 10}.mp3"
            storage.add_outbox(f"id{i:03}", {"id": f"id{i:03}", "path": path}, subject=path.encode())
        relay = Relay(storage, RabbitMQPublisher(proxied, timeout=1, **names), batch_size=4)
        proxy.refusing = True
        relay.start()
        time.sleep(0.5)
        proxy.refusing = False
        for fault in range(6):
            assert until(lambda n=fault: relay.sent > 3 * n)  # type: ignore[misc]
            if fault % 2:
                proxy.cut()
            else:
                proxy.frozen = True
                time.sleep(1.5)
                proxy.frozen = False
                proxy.cut()
        assert until(lambda: not storage.pending_outbox())
        relay.stop()
    found = [item["id"] for body, _ in drain(rabbitmq_url, names["queue"]) for item in body["items"]]
    assert set(found) == {f"id{i:03}" for i in range(120)}
    for path in range(10):
        mine = list(dict.fromkeys(name for name in found if int(name[2:]) % 10 == path))
        assert mine == sorted(mine)


def pretend(source: Any) -> Analysis:
    content = Path(source).read_bytes()
    if content == b"noise":
        raise UnsupportedError("not audio", file=str(source))
    time.sleep(0.002)
    return Analysis(duration=float(len(content)), sample_rate=44100, channels=2, source=str(source))


def test_from_the_folder_to_the_other_end(
    rabbitmq_url: str,
    proxied: str,
    proxy: Proxy,
    names: dict[str, str],
    tmp_path: Path,
    record_property: Record,
) -> None:
    """Watcher, broker, two consumers of which one loses its connection again and again: one result for each file."""
    record_property("faults", 4)
    paths = make(tmp_path / "music", 200)
    for number, path in enumerate(paths):
        path.write_bytes(b"%d" % number)
    odd = tmp_path / "music" / os.fsdecode(b"caf\xe9.mp3")
    odd.write_bytes(b"odd")
    (tmp_path / "music" / "noise.mp3").write_bytes(b"noise")
    results = open_storage(f"sqlite:///{tmp_path / 'results.db'}")
    publisher = RabbitMQPublisher(rabbitmq_url, **names)
    options: dict[str, Any] = {"storage": results, "analyzer": pretend, "isolation": None, **names}
    with (
        results,
        Watcher(tmp_path / "music", publisher=publisher, debounce=0.1) as watcher,
        RabbitMQConsumer(rabbitmq_url, **options) as steady,
        RabbitMQConsumer(proxied, **options) as shaky,
    ):
        steady.start()
        shaky.start()
        watcher.start()
        for _ in range(4):
            time.sleep(0.2)
            proxy.cut()
        assert until(lambda: results.count_files() == {"done": 201, "failed": 1})
        assert results.count_analyses() == 201
        assert results.get_file(os.fsencode(odd)) is not None
        assert steady.done + shaky.done >= 201
    assert drain(rabbitmq_url, names["queue"]) == []


def test_what_is_no_batch_holds_up_no_other(rabbitmq_url: str, names: dict[str, str], tmp_path: Path) -> None:
    """Each is rejected, without a new connection, and nothing of them stays in the queue."""
    [path] = make(tmp_path, 1)

    async def send() -> None:
        async with await aio_pika.connect(rabbitmq_url) as connection, connection.channel() as channel:
            exchange = await channel.get_exchange(names["exchange"])
            for body in BODIES.values():
                await exchange.publish(aio_pika.Message(body, priority=5), ROUTING_KEY)

    with (
        open_storage("memory:") as storage,
        RabbitMQPublisher(rabbitmq_url, **names) as publish,
        RabbitMQConsumer(rabbitmq_url, storage=storage, analyzer=pretend, isolation=None, **names) as consumer,
    ):
        publish({"batch_id": "y", "files": [str(path)], "batch_size": 1, "priority": 1})
        asyncio.run(send())
        consumer.start()
        assert until(lambda: storage.count_files() == {"done": 1})
        consumer.stop()
        assert consumer.last_error is None
    assert drain(rabbitmq_url, names["queue"]) == []


def test_consumer_goes_on_when_its_queue_was_deleted(rabbitmq_url: str, names: dict[str, str], tmp_path: Path) -> None:
    """The broker says so once, on a connection that stays: a consumer that does not listen waits for ever."""
    first, second = make(tmp_path, 2)

    async def delete() -> None:
        async with await aio_pika.connect(rabbitmq_url) as connection, connection.channel() as channel:
            await channel.queue_delete(names["queue"])

    with (
        open_storage("memory:") as storage,
        RabbitMQPublisher(rabbitmq_url, **names) as publish,
        RabbitMQConsumer(rabbitmq_url, storage=storage, analyzer=pretend, isolation=None, **names) as consumer,
    ):
        publish(batch_message([{"id": "1", "path": str(first)}]))
        consumer.start()
        assert until(lambda: consumer.done == 1)
        asyncio.run(delete())
        assert until(lambda: "declared again" in str(consumer.last_error))
        assert until(lambda: sent(publish, batch_message([{"id": "2", "path": str(second)}])))
        assert until(lambda: consumer.done == 2)


def sent(publish: RabbitMQPublisher, message: dict[str, Any]) -> bool:
    try:
        publish(message)
    except PublishError:
        return False
    return True


def test_a_batch_that_always_fails_holds_up_no_other(
    rabbitmq_url: str, names: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker marks it as delivered before; then it goes."""
    cursed, good = make(tmp_path, 2)
    tries: list[bytes] = []
    with (
        open_storage("memory:") as storage,
        RabbitMQPublisher(rabbitmq_url, **names) as publish,
        RabbitMQConsumer(rabbitmq_url, storage=storage, analyzer=pretend, isolation=None, **names) as consumer,
    ):
        put = storage.put_files

        def put_some(files: Any) -> list[int]:
            rows = list(files)
            tries.extend(row.path for row in rows)
            if rows[0].path == os.fsencode(cursed):
                raise ZeroDivisionError
            return put(rows)

        monkeypatch.setattr(storage, "put_files", put_some)
        publish({"batch_id": "x", "files": [str(cursed)], "batch_size": 1, "priority": 5})
        publish({"batch_id": "y", "files": [str(good)], "batch_size": 1, "priority": 1})
        consumer.start()
        assert until(lambda: storage.count_files() == {"done": 1} and tries.count(os.fsencode(cursed)) == 2)
        consumer.stop()
    assert drain(rabbitmq_url, names["queue"]) == []


def test_the_newest_version_stays_whatever_comes_first(
    rabbitmq_url: str, names: dict[str, str], tmp_path: Path
) -> None:
    """A large batch goes before the small one that was sent earlier, with an older version of the same file."""
    first, *others = make(tmp_path, 7)

    def told(path: Path) -> dict[str, Any]:
        found = path.lstat()
        numbers = {name: getattr(found, f"st_{name}") for name in ("size", "mtime_ns", "ctime_ns")}
        return {"id": f"{path}-{found.st_size}", "path": str(path), "inode": found.st_ino, **numbers}

    with (
        open_storage("memory:") as storage,
        RabbitMQPublisher(rabbitmq_url, **names) as publish,
        RabbitMQConsumer(
            rabbitmq_url, storage=storage, analyzer=pretend, isolation=None, prefetch=1, **names
        ) as consumer,
    ):
        publish(batch_message([told(first)]))
        first.write_bytes(b"second version")
        publish(batch_message([told(path) for path in (first, *others)]))
        consumer.start()
        assert until(lambda: consumer.repeated == 1)
        row = storage.get_file(os.fsencode(first))
        assert row is not None
        assert row.size == len(b"second version")
        assert consumer.done == 7
