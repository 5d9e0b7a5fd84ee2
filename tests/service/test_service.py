"""The example service does what its README says, over a real connection."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

import pytest

from tests import synth
from tests.service.conftest import PASSWORD, running
from tracktion.errors import StorageBusyError


def finished(client: Any, job: str) -> dict[str, Any]:
    """The job once it has ended."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        found = client.get(f"/jobs/{job}").json()
        if found["state"] in {"done", "failed"}:
            return found
        time.sleep(0.05)
    raise AssertionError(f"job {job} did not end: {found}")


def test_health_readiness_and_metrics_are_open(anonymous: Any) -> None:
    """Probes and scrapers need no token; requests are counted by route."""
    assert anonymous.get("/health").json()["status"] == "ok"
    assert anonymous.get("/ready").json()["home"] == "sqlite"
    page = anonymous.get("/metrics").text
    assert 'service_requests_total{method="GET",route="/health",status="200"}' in page
    assert 'service_request_seconds_bucket{route="/health",le="+Inf"}' in page
    assert "service_waiting_files 0" in page


async def test_methods_that_clients_make_up_are_counted_together() -> None:
    """Or anybody could fill the memory with them, where the server lets them through."""
    from tracktion_service.metrics import Metrics

    async def nothing(*_: Any) -> None:
        pass

    metrics = Metrics()
    metrics.app = nothing
    for method in ("GET", "MADEUP1", "MADEUP2"):
        await metrics({"type": "http", "method": method}, nothing, nothing)
    lines = [line for line in metrics.text().splitlines() if line.startswith("service_requests_total{")]
    assert lines == [
        'service_requests_total{method="GET",route="other",status="500"} 1',
        'service_requests_total{method="other",route="other",status="500"} 2',
    ]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/tracks?q=x"), ("GET", "/tracks/1"), ("POST", "/uploads"), ("GET", "/playlists"), ("GET", "/auth/me")],
)
@pytest.mark.parametrize("header", [None, "Bearer", "Bearer x", "Bearer a.b", "Basic eDp5", "Bearer " + "a" * 5000])
def test_everything_else_needs_a_token(anonymous: Any, method: str, path: str, header: str | None) -> None:
    """Without a good one the answer is 401, and says what is needed."""
    answer = anonymous.request(method, path, headers={"Authorization": header} if header else {})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


def test_tokens_are_issued_checked_and_revoked(anonymous: Any) -> None:
    """A password buys a token; what is stored is not the token; a revoked one is worthless."""
    assert anonymous.post("/auth/token", json={"user": "ann", "password": "wrong horse"}).status_code == 401
    assert anonymous.post("/auth/token", json={"user": "bob", "password": PASSWORD}).status_code == 401
    token = anonymous.post("/auth/token", json={"user": "ann", "password": PASSWORD}).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert anonymous.get("/auth/me", headers=headers).json() == {"user": "ann"}
    stored = anonymous.app.app.state.service.storage.get_value(f"service:token:{token.split('.')[0]}")
    assert token.split(".")[1] not in stored
    almost = {"Authorization": f"Bearer {token[:-1]}{'A' if token[-1] != 'A' else 'B'}"}
    assert anonymous.get("/auth/me", headers=almost).status_code == 401
    assert anonymous.delete("/auth/token", headers=headers).status_code == 204
    assert anonymous.get("/auth/me", headers=headers).status_code == 401


def test_a_good_token_is_remembered_for_a_second() -> None:
    """Revoked here it is worthless at once, revoked by another process a second later; wrong ones are never good."""
    from cachetools import TTLCache
    from tracktion_service.auth import Accounts

    import tracktion as tk

    now = 0.0
    with tk.open_storage("memory:") as storage:
        accounts, others = (Accounts(storage, token_seconds=60.0) for _ in range(2))
        accounts._fresh = TTLCache(10, accounts._fresh.ttl, timer=lambda: now)
        first, second = accounts.issue("ann"), accounts.issue("ann")
        assert accounts.remembered(first) is None
        assert [accounts.user_of(token) for token in (first, second, f"{first}x", "")] == ["ann", "ann", None, None]
        assert [accounts.remembered(token) for token in (first, f"{first}x", "")] == ["ann", None, None]
        assert accounts.revoke(first)
        assert (accounts.remembered(first), accounts.user_of(first)) == (None, None)
        assert others.revoke(second)
        assert accounts.remembered(second) == "ann"
        now = 1.01
        assert (accounts.remembered(second), accounts.user_of(second)) == (None, None)


def test_a_token_revoked_while_it_is_looked_up_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read before the revocation does not outlive it."""
    from tracktion_service.auth import Accounts

    import tracktion as tk

    with tk.open_storage("memory:") as storage:
        accounts = Accounts(storage, token_seconds=60.0)
        token = accounts.issue("ann")
        find = accounts._find

        def revoked_meanwhile(text: str) -> Any:
            found = find(text)
            monkeypatch.undo()
            accounts.revoke(token)
            return found

        monkeypatch.setattr(accounts, "_find", revoked_meanwhile)
        accounts.user_of(token)
        assert accounts.remembered(token) is None


def test_a_remembered_token_ends_with_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second does not prolong it."""
    from tracktion_service.auth import Accounts

    import tracktion as tk

    with tk.open_storage("memory:") as storage:
        accounts = Accounts(storage, token_seconds=60.0)
        token = accounts.issue("ann")
        assert accounts.user_of(token) == "ann"
        later = time.time() + 61
        monkeypatch.setattr(time, "time", lambda: later)
        assert (accounts.remembered(token), accounts.user_of(token)) == (None, None)


def test_tokens_expire(tmp_path: Path) -> None:
    """A token that is over is refused and forgotten."""
    from tracktion_service.auth import Accounts

    import tracktion as tk

    with tk.open_storage("memory:") as storage:
        accounts = Accounts(storage, token_seconds=-1.0)
        token = accounts.issue("ann")
        assert accounts.user_of(token) is None
        assert storage.get_value(f"service:token:{token.split('.')[0]}") is None
        with pytest.raises(ValueError, match="8 characters"):
            accounts.set_password("ann", "short")
        with pytest.raises(ValueError, match="letters"):
            accounts.set_password("../ann", PASSWORD)


def test_search_finds_a_misspelt_track(client: Any) -> None:
    """Through the Matcher, best first."""
    matches = client.get("/tracks", params={"q": "arctic mnkeys do i wana know"}).json()["matches"]
    assert matches[0]["track"]["title"] == "Do I Wanna Know?"
    found = client.get(f"/tracks/{matches[0]['track']['id']}").json()
    assert found["track"]["artist"] == "Arctic Monkeys"
    assert found["analysis"] is None


@pytest.mark.parametrize(
    "path",
    [
        "/tracks",
        "/tracks?q=",
        "/tracks?q=x&limit=1000",
        "/tracks?q=x&limit=-1",
        "/tracks?q=x&limit=a",
        "/tracks?q=x&limit=" + "1" * 5000,
        "/tracks?q=x&limit=%C2%B2",
        "/tracks?q=" + "a" * 301,
    ],
)
def test_bad_questions_are_refused(client: Any, path: str) -> None:
    """With 400 and a sentence."""
    answer = client.get(path)
    assert answer.status_code == 400
    assert answer.json()["error"]


@pytest.mark.parametrize(
    "path",
    ["/tracks/999", "/playlists/999", "/jobs/x", "/jobs/..%2f..%2fetc", "/nowhere", "/tracks/99999999999999999999"],
)
def test_what_is_not_there_is_404(client: Any, path: str) -> None:
    """Nothing is made up, and no path leaves its folder."""
    assert client.get(path).status_code in {400, 404}


def test_playlists_are_made_edited_and_dropped(client: Any) -> None:
    """All operations of a playlist, in order."""
    ids = [
        m["track"]["id"]
        for q in ("blue monday", "clair de lune")
        for m in client.get("/tracks", params={"q": q}).json()["matches"][:1]
    ]
    made = client.post("/playlists", json={"name": "Evening", "tracks": ids})
    assert made.status_code == 201
    where = made.headers["location"]
    added = client.post(f"{where}/entries", json={"tracks": [ids[0]], "position": 0}).json()["entries"]
    assert [e["track_id"] for e in client.get(where).json()["entries"]] == [ids[0], *ids]
    assert client.patch(f"{where}/entries/{added[0]}", json={"position": 2}).status_code == 204
    assert [e["track_id"] for e in client.get(where).json()["entries"]] == [*ids, ids[0]]
    assert client.delete(f"{where}/entries/{added[0]}").status_code == 204
    assert client.get(where, params={"offset": 1, "limit": 1}).json()["entries"][0]["track_id"] == ids[1]
    assert "Evening" in [p["name"] for p in client.get("/playlists").json()["playlists"]]
    assert client.post(f"{where}/entries", json={"tracks": [10**9]}).status_code == 400
    assert client.delete(where).status_code == 204
    assert client.delete(where).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"name": 1}',
        b'{"name": ""}',
        b'{"name": "x", "tracks": "1"}',
        b'{"name": "x", "tracks": [true]}',
        b"[" * 100_000,
    ],
)
def test_bad_bodies_are_refused(client: Any, body: bytes) -> None:
    """Malformed, wrong and oversized JSON is 400 or 413, never 500."""
    assert client.post("/playlists", content=body).status_code in {400, 413}


def test_an_upload_is_analysed_and_found(client: Any, tmp_path: Path) -> None:
    """From bytes to a track with its analysis; the same bytes again are the same job."""
    content = synth.song(124, "A minor", 8, sample_rate=22050).write(tmp_path / "x.wav").read_bytes()
    answer = client.post("/uploads", params={"name": "../../My Song.wav"}, content=content)
    assert answer.status_code == 202
    assert answer.json()["bytes"] == len(content)
    job = finished(client, answer.json()["job"])
    assert job["state"] == "done", job
    found = client.get(f"/tracks/{job['track']}").json()
    assert found["analysis"]["tempo"]["bpm"] == pytest.approx(124, rel=0.02)
    assert client.get(f"/tracks/{job['track']}/similar").status_code == 200
    assert client.post("/uploads", params={"name": "again.wav"}, content=content).json()["job"] == answer.json()["job"]


def test_a_file_that_is_no_music_fails_its_job_alone(client: Any) -> None:
    """The reason is told; the service goes on."""
    answer = client.post("/uploads", params={"name": "x.mp3"}, content=b"no music" * 1000)
    job = finished(client, answer.json()["job"])
    assert job["state"] == "failed"
    assert job["reason"]
    assert client.get("/health").status_code == 200


def test_uploads_are_limited(client: Any) -> None:
    """By the declared length at once, by the counted one on the way; nothing stays on disk."""
    uploads = client.app.app.state.service.settings.uploads

    def stream() -> Any:
        for _ in range(40):
            yield b"x" * 100_000

    assert client.post("/uploads", content=b"x" * 2_000_001).status_code == 413
    assert client.post("/uploads", content=stream()).status_code == 413
    assert not list(uploads.glob(".upload-*"))


def test_a_client_that_stalls_or_leaves_costs_nothing(client: Any) -> None:
    """Half an upload ends with 408, or with nothing at all; no piece of it stays."""
    uploads = client.app.app.state.service.settings.uploads
    host, port = client.base_url.host, client.base_url.port
    fields = f"Host: x\r\nAuthorization: {client.headers['authorization']}\r\nContent-Length: 1000"
    head = f"POST /uploads HTTP/1.1\r\n{fields}\r\n\r\n"
    with socket.create_connection((host, port), timeout=20) as slow:
        slow.sendall(head.encode() + b"abc")
        assert b" 408 " in slow.recv(1000)
    with socket.create_connection((host, port), timeout=20) as gone:
        gone.sendall(head.encode() + b"abc")
    end = time.monotonic() + 20
    while list(uploads.glob(".upload-*")) and time.monotonic() < end:
        time.sleep(0.05)
    assert not list(uploads.glob(".upload-*"))


def test_waiting_files_survive_a_restart(tmp_path: Path) -> None:
    """What was in the line, or in work, when the service ended is done by the next start."""
    import tracktion as tk
    from tracktion.results.catalogue import FileRecord

    uploads = tmp_path / "uploads"
    uploads.mkdir()
    path = synth.song(100, "C major", 6, sample_rate=22050).write(uploads / "left.wav")
    with tk.open_storage(f"sqlite:///{tmp_path / 'music.db'}") as storage:
        storage.put_files([FileRecord(path=str(path).encode(), root=str(uploads).encode(), state="running")])
    with running(tmp_path) as client:
        token = client.post("/auth/token", json={"user": "ann", "password": PASSWORD}).json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        assert finished(client, "left.wav")["state"] == "done"


def logged_in(client: Any) -> Any:
    token = client.post("/auth/token", json={"user": "ann", "password": PASSWORD}).json()["token"]
    client.headers["Authorization"] = f"Bearer {token}"
    return client


def failing(real: Any, times: int, error: Exception) -> Any:
    """`real`, that raises `error` so many times first."""
    left = [error] * times

    def work(*arguments: Any, **options: Any) -> Any:
        if left:
            raise left.pop()
        return real(*arguments, **options)

    return work


@pytest.mark.parametrize("method", ["claim_files", "put_analysis", "update_file", "find_files"])
@pytest.mark.parametrize("error", [StorageBusyError("locked"), ZeroDivisionError()], ids=["busy", "unforeseen"])
def test_trouble_with_the_storage_costs_an_attempt_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, error: Exception
) -> None:
    """Whatever fails, also while that is put right: the job comes to its end, and so does the next one."""
    monkeypatch.setattr("tracktion_service.jobs._PAUSE_SECONDS", 0.01)
    content = synth.song(100, "C major", 6, sample_rate=22050).write(tmp_path / "x.wav").read_bytes()
    with running(tmp_path) as client:
        logged_in(client)
        storage = client.app.app.state.service.storage
        monkeypatch.setattr(storage, method, failing(getattr(storage, method), 1, error))
        if method != "put_analysis":  # what is put right after it fails at first
            monkeypatch.setattr(storage, "put_analysis", failing(storage.put_analysis, 1, error))
        job = client.post("/uploads", params={"name": "x.wav"}, content=content).json()["job"]
        assert finished(client, job)["state"] == "done"
        other = client.post("/uploads", params={"name": "y.mp3"}, content=b"no music" * 1000).json()["job"]
        assert finished(client, other)["state"] == "failed"
        assert client.get("/ready").json()["ok"]
        assert client.get("/health").json()["waiting"] == 0


def test_a_claim_that_was_made_but_failed_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection may be lost between the commit and the answer."""
    monkeypatch.setattr("tracktion_service.jobs._PAUSE_SECONDS", 0.01)
    with running(tmp_path) as client:
        logged_in(client)
        storage = client.app.app.state.service.storage
        claim, lost = storage.claim_files, []

        def claim_and_lose(**options: Any) -> Any:
            rows = claim(**options)
            if rows and not lost:
                lost.extend(rows)
                raise StorageBusyError("who knows")
            return rows

        monkeypatch.setattr(storage, "claim_files", claim_and_lose)
        job = client.post("/uploads", params={"name": "x.mp3"}, content=b"no music" * 1000).json()["job"]
        assert finished(client, job)["state"] == "failed"
        assert len(lost) == 1


def test_a_job_that_never_ends_well_fails_and_may_be_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After three attempts, with the reason; the same file then begins anew."""
    monkeypatch.setattr("tracktion_service.jobs._PAUSE_SECONDS", 0.01)
    content = synth.song(100, "C major", 6, sample_rate=22050).write(tmp_path / "x.wav").read_bytes()
    with running(tmp_path) as client:
        logged_in(client)
        storage = client.app.app.state.service.storage
        monkeypatch.setattr(storage, "put_analysis", failing(storage.put_analysis, 3, StorageBusyError("locked")))
        job = client.post("/uploads", params={"name": "x.wav"}, content=content).json()["job"]
        assert finished(client, job) == {"job": job, "state": "failed", "track": None, "reason": "StorageBusy: locked"}
        assert client.get("/health").json()["waiting"] == 0
        assert client.post("/uploads", params={"name": "x.wav"}, content=content).json()["job"] == job
        assert finished(client, job)["state"] == "done"


def test_a_job_that_ends_the_service_each_time_fails(tmp_path: Path) -> None:
    """What was in work at three ends is not tried a fourth time, and does not wait for ever either."""
    import tracktion as tk
    from tracktion.results.catalogue import FileRecord

    uploads = tmp_path / "uploads"
    path, root = str(uploads / "left.wav").encode(), str(uploads).encode()
    with tk.open_storage(f"sqlite:///{tmp_path / 'music.db'}") as storage:
        storage.put_files([FileRecord(path=path, root=root, state="running", attempts=3)])
    with running(tmp_path) as client:
        found = finished(logged_in(client), "left.wav")
        assert (found["state"], found["reason"].split(":")[0]) == ("failed", "Interrupted")


def test_it_is_not_ready_when_nobody_analyses(tmp_path: Path) -> None:
    """The process is alive; what sends it work must know."""
    with running(tmp_path) as client:
        assert client.get("/ready").json()["analysing"] is True
        [task] = client.app.app.state.service.analyses._tasks
        task.get_loop().call_soon_threadsafe(task.cancel)
        end = time.monotonic() + 20
        while not task.done() and time.monotonic() < end:
            time.sleep(0.02)
        answer = client.get("/ready")
        assert (answer.status_code, answer.json()["ok"], answer.json()["analysing"]) == (503, False, False)
        assert client.get("/health").status_code == 200


def test_a_full_line_refuses_politely(tmp_path: Path) -> None:
    """503 with a hint when to come back."""
    with running(tmp_path, queue=0) as client:
        token = client.post("/auth/token", json={"user": "ann", "password": PASSWORD}).json()["token"]
        answer = client.post("/uploads", content=b"x", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 503
        assert answer.headers["retry-after"]


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each by its name, with the type of its default."""
    from tracktion_service.settings import Settings

    monkeypatch.setenv("TRACKTION_SERVICE_PORT", "9000")
    monkeypatch.setenv("TRACKTION_SERVICE_UPLOADS", "/data/x")
    found = Settings.from_environment()
    assert (found.port, found.uploads, found.workers) == (9000, Path("/data/x"), 1)
