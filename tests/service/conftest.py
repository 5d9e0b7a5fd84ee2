"""The example service over real HTTP: uvicorn in a thread, a client on loopback."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette")
uvicorn = pytest.importorskip("uvicorn")
httpx = pytest.importorskip("httpx")

FOLDER = Path(__file__).parents[2] / "examples" / "service"
PASSWORD = "correct horse"


@pytest.fixture(scope="session", autouse=True)
def service_package() -> Iterator[None]:
    sys.path.insert(0, str(FOLDER))
    yield
    sys.path.remove(str(FOLDER))


@contextlib.contextmanager
def running(folder: Path, **changes: Any) -> Iterator[Any]:
    """A started service; yields a client without a token."""
    from tracktion_service.app import create_app
    from tracktion_service.settings import Settings

    settings = Settings(**({"storage": f"sqlite:///{folder / 'music.db'}", "uploads": folder / "uploads"} | changes))
    app = create_app(settings)
    app.app.state.service.accounts.set_password("ann", PASSWORD)
    config = uvicorn.Config(app, port=0, log_level="warning", lifespan="on", ws="none", timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    end = time.monotonic() + 60
    while not server.started and thread.is_alive() and time.monotonic() < end:
        time.sleep(0.01)
    assert server.started
    port = server.servers[0].sockets[0].getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        client.app = app
        yield client
    server.should_exit = True
    thread.join(30)
    assert not thread.is_alive()


@pytest.fixture(scope="module")
def anonymous(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with running(tmp_path_factory.mktemp("service"), max_upload_bytes=2_000_000, idle_seconds=1.0) as client:
        yield client


@pytest.fixture(scope="module")
def client(anonymous: Any) -> Iterator[Any]:
    """A client with a token, on a catalogue of a few tracks."""
    token = anonymous.post("/auth/token", json={"user": "ann", "password": PASSWORD}).json()["token"]
    storage = anonymous.app.app.state.service.storage
    storage.add_tracks(
        [
            {"title": "Do I Wanna Know?", "artist": "Arctic Monkeys", "album": "AM", "duration": 272},
            {"title": "Clair de Lune", "artist": "Claude Debussy"},
            {"title": "Blue Monday", "artist": "New Order", "year": 1983},
        ]
    )
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=anonymous.base_url, headers=headers, timeout=60) as found:
        found.app = anonymous.app
        yield found
