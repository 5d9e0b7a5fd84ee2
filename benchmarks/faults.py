"""Fault tests in numbers.

``python -m benchmarks.faults`` runs them as CI does; ``--nightly`` with the numbers of the nightly column (hours), on
the servers named by TRACKTION_TEST_POSTGRES and TRACKTION_TEST_RABBITMQ. ``fleet`` sends files through watcher, broker
and two consumer processes into PostgreSQL, restarts the broker and kills a consumer in the middle. ``host`` measures
what poison files cost the embedding process.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[1]
NIGHTLY = {
    "TRACKTION_FAULT_KILLS": "1000",
    "TRACKTION_FAULT_FILES": "2000",
    "TRACKTION_FAULT_REPEATS": "20",
    "TRACKTION_FAULT_WORKERS": "20000",
    "TRACKTION_FAULT_STUCK": "200",
    "TRACKTION_FAULT_STORM": "20000",
    "TRACKTION_FAULT_PENDING": "1000000",
    "TRACKTION_FAULT_RESTARTS": "20",
}
ROUNDS = 10


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", nargs="?", choices=["tests", "fleet", "consumer", "host"], default="tests")
    parser.add_argument("--nightly", action="store_true", help="numbers and rounds of the nightly column")
    parser.add_argument("--rounds", type=int, help="times that the tests without a number of their own are repeated")
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--url", help="PostgreSQL for fleet; default TRACKTION_TEST_POSTGRES")
    parser.add_argument("--broker", help="AMQP for a consumer")
    options = parser.parse_args()
    if options.command == "tests":
        return run_tests(nightly=options.nightly, rounds=options.rounds)
    if options.command == "consumer":
        consume(options.broker, options.url)
    else:
        result = fleet(options.files, options.url) if options.command == "fleet" else host(options.files)
        print(json.dumps(result), flush=True)
    return 0


def run_tests(*, nightly: bool, rounds: int | None) -> int:
    """Run the suites of faults, watcher, batch and publishing; print a line per suite and round."""
    environment = os.environ | (NIGHTLY if nightly else {})
    suites = ["tests/faults", "tests/watcher", "tests/batch", "tests/publish"]
    failed = 0
    for number in range(rounds or (ROUNDS if nightly else 1)):
        for suite in suites:
            started = time.monotonic()
            if suite == "tests/faults" and number:
                environment = environment | dict.fromkeys(("TRACKTION_FAULT_KILLS",), "50")
                environment |= {"TRACKTION_FAULT_REPEATS": "1", "TRACKTION_FAULT_PENDING": "10000"}
            command = [sys.executable, "-m", "pytest", "-q", "--no-header", "--timeout", "36000", suite]
            done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
            last = (done.stdout.strip().splitlines() or [done.stderr.strip()])[-1]
            print(f"round {number + 1} {suite:15} {time.monotonic() - started:7.0f} s  {last}", flush=True)
            if done.returncode:
                failed += 1
                print(done.stdout, flush=True)
    return int(failed > 0)


# --- a fleet --------------------------------------------------------------------------------------------------------


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


# --- what the host feels --------------------------------------------------------------------------------------------


def host(files: int) -> dict[str, Any]:
    """One file in twenty is poison: growth of the host's memory, zombies, descriptors, lateness of a 10 ms timer."""
    from tests.batch.tasks import measure
    from tracktion.batch import run

    kinds = ("segfault", "abort", "exit", "sigkill")
    dice = random.Random(4)
    names = (f"{dice.choice(kinds)}{i}" if i % 20 == 0 else f"file{i}" for i in range(files))
    process = psutil.Process()
    list(run(["warm"] * 100, measure, workers=2, isolation="process"))
    late: list[float] = []
    stop = threading.Event()

    def timer() -> None:
        due = time.monotonic()
        while not stop.is_set():
            due = max(due + 0.01, time.monotonic())
            stop.wait(max(0.0, due - time.monotonic()))
            late.append(time.monotonic() - due)

    before, descriptors = process.memory_info().rss, process.num_fds()
    threading.Thread(target=timer, daemon=True).start()
    started, good, bad = time.monotonic(), 0, 0
    for item in run(names, measure, workers=2, isolation="process"):
        good += item.ok
        bad += not item.ok
    seconds = time.monotonic() - started
    stop.set()
    time.sleep(0.5)
    late.sort()
    return {
        "files": files,
        "good": good,
        "failed": bad,
        "seconds": round(seconds, 1),
        "ms_per_file": round(1000 * seconds / files, 2),
        "host_rss_growth_mb": round((process.memory_info().rss - before) / 1e6, 1),
        "descriptors_more": process.num_fds() - descriptors,
        "zombies": sum(child.status() == psutil.STATUS_ZOMBIE for child in process.children(recursive=True)),
        "timer_late_ms_p99": round(1000 * late[int(0.99 * len(late))], 1),
    }


if __name__ == "__main__":
    raise SystemExit(main())
