"""Remote sources: an honest server is served, one that is slow, lies or drops is an error of ours in time."""

from __future__ import annotations

import gzip
import io
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Literal

import pytest
import soundfile

import tracktion as tk
from tests import synth
from tracktion.errors import TimeoutExceededError, TooBigError, TracktionError, UnreadableError, UsageError
from tracktion.remote import Remote, RemoteLimits, is_remote, public_name

fsspec = pytest.importorskip("fsspec")
pytest.importorskip("aiohttp")

CONTENT = bytes(range(256)) * 4096
LIMITS = RemoteLimits(max_bytes=2_000_000, connect_seconds=2.0, idle_seconds=0.5, total_seconds=3.0)


BOMB = gzip.compress(bytes(50_000_000), 9)
"""Made beforehand: the time that takes is not the client's to wait."""


def _song() -> bytes:
    clip = synth.song(bpm=124, key="A minor", seconds=15)
    file = io.BytesIO()
    soundfile.write(file, clip.samples, clip.sample_rate, format="WAV")
    return file.getvalue()


SONG = _song()
"""More than an isolated worker may write."""


class Hostile(BaseHTTPRequestHandler):
    """Each path is another way to misbehave."""

    running: ClassVar[int] = 0
    most: ClassVar[int] = 0
    lock: ClassVar[threading.Lock] = threading.Lock()
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Be silent."""

    def do_HEAD(self) -> None:
        """Same headers as GET."""
        self.send_error(405)

    def do_GET(self) -> None:
        name = self.path.strip("/").split("?")[0].split(".")[0]
        try:
            getattr(self, f"do_{name}", self.do_missing)()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def head(self, length: int | None = None, *, status: int = 200, **fields: str) -> None:
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        else:
            self.send_header("Connection", "close")
            self.close_connection = True
        for field, value in fields.items():
            self.send_header(field.replace("_", "-"), value)
        self.end_headers()

    def do_missing(self) -> None:
        self.send_error(404)

    def do_forbidden(self) -> None:
        self.send_error(403)

    def do_broken(self) -> None:
        self.send_error(500)

    def do_good(self) -> None:
        with self.lock:
            Hostile.running += 1
            Hostile.most = max(Hostile.most, Hostile.running)
        time.sleep(0.05)
        with self.lock:
            Hostile.running -= 1
        self.head(len(CONTENT))
        self.wfile.write(CONTENT)

    def do_song(self) -> None:
        self.head(len(SONG))
        self.wfile.write(SONG)

    def do_moved(self) -> None:
        self.head(0, status=302, Location="/good.wav")

    def do_unsized(self) -> None:
        self.head()
        self.wfile.write(CONTENT)

    def do_silent(self) -> None:
        time.sleep(1.5)
        self.close_connection = True

    def do_stalls(self) -> None:
        self.head(len(CONTENT))
        self.wfile.write(CONTENT[:1000])
        time.sleep(1.5)
        self.close_connection = True

    def do_drips(self) -> None:
        self.head(len(CONTENT))
        for byte in CONTENT:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            time.sleep(0.1)

    def do_drops(self) -> None:
        self.head(len(CONTENT))
        self.wfile.write(CONTENT[: len(CONTENT) // 2])
        self.close_connection = True

    def do_huge(self) -> None:
        self.head(10**12)

    def do_endless(self) -> None:
        self.head()
        while True:
            self.wfile.write(CONTENT)

    def do_bomb(self) -> None:
        self.head(len(BOMB), Content_Encoding="gzip")
        self.wfile.write(BOMB)

    def do_circle(self) -> None:
        self.head(0, status=302, Location="/circle")

    def do_rubbish(self) -> None:
        self.wfile.write(b"this is no HTTP\r\n\r\n")
        self.close_connection = True


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hostile)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def content(url: str, limits: RemoteLimits = LIMITS) -> bytes:
    with Remote(limits).fetch(url) as file:
        return file.read()


@pytest.mark.parametrize("path", ["good.wav", "moved", "unsized", "good?secret=1"])
def test_honest_answers_arrive_whole(server: str, path: str) -> None:
    """Sized or not, directly or by a redirect."""
    assert content(f"{server}/{path}") == CONTENT


@pytest.mark.parametrize("isolation", [None, "process"])
def test_urls_are_analysed_and_named_without_secrets(server: str, isolation: Literal["process"] | None) -> None:
    urls = [
        f"{server}/{path}?token=secret".replace("http://", "http://user:password@") for path in ("song.wav", "good")
    ]
    analyzer = tk.Analyzer(compute=["loudness"])
    song, noise = sorted(analyzer.analyze_many(urls, isolation=isolation), key=lambda item: item.index)
    assert song.unwrap().source == f"{server}/song.wav"
    assert song.unwrap().duration == pytest.approx(15, abs=0.01)
    assert noise.error is not None
    assert noise.error.file == f"{server}/good"


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("missing", UnreadableError),
        ("forbidden", UnreadableError),
        ("broken", UnreadableError),
        ("drops", UnreadableError),
        ("circle", UnreadableError),
        ("rubbish", UnreadableError),
        ("silent", TimeoutExceededError),
        ("stalls", TimeoutExceededError),
        ("drips", TimeoutExceededError),
        ("huge", TooBigError),
        ("endless", TooBigError),
        ("bomb", TooBigError),
    ],
)
def test_dishonest_answers_are_errors_of_ours(server: str, path: str, error: type[TracktionError]) -> None:
    """Each names the source without its secrets, within its limits."""
    began = time.monotonic()
    with pytest.raises(error) as caught:
        content(f"{server}/{path}?token=secret".replace("http://", "http://user:password@"))
    assert caught.value.file == f"{server}/{path}"
    assert caught.value.stage == "fetch"
    assert "secret" not in str(caught.value)
    assert "password" not in str(caught.value)
    assert time.monotonic() - began < 20  # far beyond every limit: a hang, not a slow machine


def test_nobody_there_is_an_error_too() -> None:
    """A closed port is unreadable."""
    with pytest.raises(UnreadableError):
        content("http://127.0.0.1:9/x.mp3")


def test_fetches_are_bounded(server: str) -> None:
    """No more at the same time than allowed; all arrive."""
    Hostile.most = 0
    remote = Remote(RemoteLimits(concurrency=2))

    def fetch(_: int) -> bytes:
        with remote.fetch(f"{server}/good.wav") as file:
            return file.read()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(fetch, range(12))) == {CONTENT}
    assert 1 <= Hostile.most <= 2


def test_other_file_systems_work_the_same() -> None:
    """What fsspec knows under an allowed protocol; sizes are checked there too."""
    fsspec.filesystem("memory").pipe("/song.wav", CONTENT)
    assert content("memory://song.wav") == CONTENT
    with pytest.raises(TooBigError):
        content("memory://song.wav", RemoteLimits(max_bytes=1000))
    with pytest.raises(UnreadableError):
        content("memory://gone.wav")


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "local://x", "zip://x::http://127.0.0.1/x", "simplecache::http://h/x", "x"]
)
def test_local_files_and_chains_are_refused(url: str) -> None:
    """A URL from a stranger must not open a local file."""
    with pytest.raises(UsageError):
        content(url)


def test_urls_are_told_from_paths() -> None:
    """Only text with a known protocol is remote."""
    assert is_remote("https://x/y.mp3")
    assert is_remote("S3://bucket/y.mp3")
    assert not any(map(is_remote, ["song.mp3", "C:\\x.mp3", "https", "file:///x", b"https://x", None, "x https://y"]))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:pw@h:81/a/b.mp3?sig=1#x", "https://h:81/a/b.mp3"),
        ("s3://bucket/key", "s3://bucket/key"),
        ("http://[::1]:80/x", "http://[::1]:80/x"),
        ("http://h:nonsense/x?secret", "http://…"),
    ],
)
def test_names_hold_no_secrets(url: str, shown: str) -> None:
    """User, password, query and fragment are left out of messages."""
    assert public_name(url) == shown


def test_concurrency_must_be_meant() -> None:
    """Zero would wait for ever."""
    with pytest.raises(UsageError):
        Remote(RemoteLimits(concurrency=0))
