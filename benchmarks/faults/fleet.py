"""Files through watcher, broker and two consumers into PostgreSQL; the broker restarts, a consumer is killed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


class Broker:
    """A RabbitMQ node of our own, in a temporary folder, which may be stopped and started."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="tracktion-rabbit-"))
        self.port, distribution = _free_port(), _free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}/"
        self._environment = os.environ | {
            "HOME": str(self._folder),
            "RABBITMQ_NODENAME": f"tracktion{self.port}@localhost",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_MNESIA_BASE": str(self._folder / "data"),
            "RABBITMQ_LOG_BASE": str(self._folder / "log"),
            "RABBITMQ_PID_FILE": str(self._folder / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._folder / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(self._folder / "none"),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }
        (self._folder / "plugins").write_text("[].\n")
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        server = next(
            (str(p) for p in sorted(Path("/usr/lib/rabbitmq").glob("lib/rabbitmq_server-*/sbin/rabbitmq-server"))),
            shutil.which("rabbitmq-server") or "rabbitmq-server",
        )
        with (self._folder / "out").open("ab") as out:
            self._process = subprocess.Popen(
                [server], env=self._environment, stdout=out, stderr=out, start_new_session=True
            )
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.2)
        raise TimeoutError((self._folder / "out").read_text()[-2000:])

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, number)
            self._process.wait(60)
            self._process = None

    def close(self) -> None:
        self.stop(signal.SIGKILL)
        shutil.rmtree(self._folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def consume(broker: str, url: str) -> None:
    """A consumer process, until it is ended."""
    from tests.faults.hosts import pretend
    from tracktion.publish import RabbitMQConsumer
    from tracktion.storage import open_storage

    with (
        open_storage(url) as storage,
        RabbitMQConsumer(broker, storage=storage, analyzer=pretend, isolation=None) as one,
    ):
        one.run()


def fleet(files: int, server: str | None = None) -> dict[str, Any]:
    """Watcher → broker → two consumers → PostgreSQL; the broker is restarted and one consumer killed."""
    from tests.storage.databases import database

    with database(server or os.environ["TRACKTION_TEST_POSTGRES"]) as url, tempfile.TemporaryDirectory() as folder:
        broker = Broker()
        try:
            return _fleet(files, url, Path(folder), broker)
        finally:
            broker.close()


def _fleet(files: int, url: str, folder: Path, broker: Broker) -> dict[str, Any]:
    from tracktion.publish import RabbitMQPublisher
    from tracktion.storage import open_storage
    from tracktion.watcher import Watcher

    root = folder / "music"
    for i in range(files):
        path = root / f"{i // 100}" / f"{i}.mp3"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"%d" % i)
    command = [sys.executable, "-m", "benchmarks.faults", "consumer", "--broker", broker.url, "--url", url]
    storage = open_storage(url)

    def stored() -> int:
        return int(storage.count_analyses())

    started = time.monotonic()
    consumers = [subprocess.Popen(command, cwd=ROOT) for _ in range(2)]
    state = f"sqlite:///{folder / 'state.db'}"
    publisher = RabbitMQPublisher(broker.url, timeout=5)
    try:
        with Watcher(root, storage=state, publisher=publisher, debounce=0.1) as watcher:
            watcher.start()
            _until(lambda: stored() > files // 4)
            broker.stop()
            broker.start()
            _until(lambda: stored() > files // 2)
            consumers[0].kill()
            consumers[0].wait()
            consumers.append(subprocess.Popen(command, cwd=ROOT))
            _until(lambda: stored() >= files)
            seconds = time.monotonic() - started
            _until(lambda: watcher.status().unpublished == 0)
    finally:
        for process in consumers:
            process.kill()
            process.wait()
    rows = list(storage.find_files(root=os.fsencode(root)))
    result = {
        "files": files,
        "seconds": round(seconds, 1),
        "rows": len(rows),
        "done": sum(row.state == "done" and row.audio_identity is not None for row in rows),
        "analyses": stored(),
        "tracks": storage.count_tracks(),
    }
    storage.close()
    return result


def _until(condition: Any, seconds: float = 900.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.1)
