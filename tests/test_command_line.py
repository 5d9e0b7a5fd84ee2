"""The command line: tables for people, JSON and CSV for programs, exit codes."""

from __future__ import annotations

import csv
import io
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests import synth
from tracktion.__main__ import _files, main


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    clip = synth.song(bpm=118, key="C major", seconds=8)
    for name in ("one.wav", "two.wav"):
        synth.write_wav(folder / name, clip.samples, clip.sample_rate)
    (folder / "notes.txt").write_text("not music")
    return folder


def test_a_folder_as_a_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "one.wav" in out
    assert "two.wav" in out
    assert "notes.txt" not in out


def test_json_lines(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", str(folder), "--json", "--isolate"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {Path(row["file"]).name for row in rows} == {"one.wav", "two.wav"}
    assert all(row["duration"] == pytest.approx(8, abs=0.01) for row in rows)


def test_csv_and_a_failure(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", str(folder / "one.wav"), str(folder / "gone.mp3"), "--csv", "--threads"]) == 1
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == 2
    assert any("gone.mp3" in row["file"] and row["notes"] for row in rows)


def test_an_empty_folder_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", str(tmp_path)]) == 1
    assert "no audio file" in capsys.readouterr().err


@pytest.mark.parametrize("options", [[], ["--isolate"], ["--threads"]])
def test_analyses_are_kept_however_many_files(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    import tracktion as tk

    clip = synth.song(bpm=118, key="C major", seconds=8)
    for i in range(4):
        synth.write_wav(tmp_path / f"{i}.wav", clip.samples[: -1 - i], clip.sample_rate)
    url = f"sqlite:///{tmp_path / 'music.db'}"
    assert main(["analyze", str(tmp_path), "--json", "--storage", url, *options]) == 0
    first = capsys.readouterr().out
    with tk.open_storage(url) as storage:
        assert storage.count_analyses() == 4
    assert main(["analyze", str(tmp_path), "--json", "--storage", url, *options]) == 0
    assert sorted(capsys.readouterr().out.splitlines()) == sorted(first.splitlines())


@pytest.mark.parametrize(
    "wrong",
    [
        ["analyze", "x.wav", "--workers", "0"],
        ["analyze", "x.wav", "--bpm-range", "200", "100"],
        ["analyze", "x.wav", "--storage", "nothing://here"],
        ["match", "x", "--storage", "nothing://here"],
    ],
)
def test_wrong_usage_ends_with_2(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(wrong) == 2
    assert capsys.readouterr().err.startswith("tracktion: ")


def test_folders_that_are_no_music_are_left_out_and_files_come_once(tmp_path: Path) -> None:
    clip = synth.song(bpm=118, key="C major", seconds=1)
    for name in ("a.wav", "sub/b.wav", "@eaDir/c.wav", ".Trash-1000/files/d.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        synth.write_wav(tmp_path / name, clip.samples, clip.sample_rate)
    given = [str(tmp_path), str(tmp_path / "a.wav"), str(tmp_path / "sub" / ".." / "sub"), str(tmp_path)]
    assert [Path(name).name for name in _files(given, [])] == ["a.wav", "b.wav"]


def test_a_folder_that_cannot_be_read_is_said(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What can be read is analysed all the same."""
    (folder / "closed").mkdir()
    scandir = os.scandir

    def refusing(path: str) -> object:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    assert main(["analyze", str(folder), "--threads"]) == 1
    out, err = capsys.readouterr()
    assert "one.wav" in out
    assert "closed cannot be read (Permission denied)" in err
    (folder / "closed").rmdir()


def run(arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """In a shell, as people do."""
    return subprocess.run(
        ["bash", "-c", f"{shlex.quote(sys.executable)} -m tracktion {arguments}"],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
        check=False,
    )


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("odd")
    clip = synth.song(bpm=118, key="C major", seconds=3)
    synth.write_wav(folder / "日本語 ñ.wav", clip.samples, clip.sample_rate)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(("form", "end"), [("", ""), ("--csv", ""), ("--json", ""), ("", "2>&-"), ("--csv", ">&-")])
def test_names_are_written_whatever_the_terminal(odd: Path, form: str, end: str) -> None:
    done = run(f"analyze {odd} {form} {end}", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    if end != ">&-":
        assert "\\u65e5" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("end", ["", "| true", "2>&-", ">&-"])
def test_what_cannot_be_shown_fails_no_file(odd: Path, tmp_path: Path, end: str) -> None:
    import tracktion as tk

    url = f"sqlite:///{tmp_path / 'music.db'}"
    done = run(f"watch --once --debounce 0.1 --storage {url} {odd} {end}", PYTHONIOENCODING="ascii")
    assert "Traceback" not in done.stderr
    run(f"watch --once --debounce 0.1 --storage {url} {odd}")
    with tk.open_storage(url) as storage:
        assert [record.state for record in storage.find_files()] == ["done"]


@pytest.mark.slow
def test_watch_says_what_it_did_not_do(odd: Path, tmp_path: Path) -> None:
    assert run(f"watch --once {tmp_path / 'gone'}").returncode == 1
    for wrong in ("--workers 0", "--debounce nan"):
        assert run(f"watch --once {wrong} {odd}").returncode == 2


@pytest.mark.slow
@pytest.mark.rabbitmq
def test_watch_says_what_was_not_announced(odd: Path) -> None:
    unheard = run(f"watch --once --debounce 0.1 --publish amqp://127.0.0.1:1/ {odd}")
    assert unheard.returncode == 1
    assert "1 not announced" in unheard.stderr
    assert run(f"watch --once --publish broker {odd}").returncode == 2


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A catalogue of three tracks."""
    import tracktion as tk

    url = f"sqlite:///{tmp_path / 'music.db'}"
    titles = ["Clair de Lune", "Clair de Lune (Live)"]
    with tk.open_storage(url) as storage:
        storage.add_tracks([{"title": "Do I Wanna Know?", "artist": "Arctic Monkeys"}, *({"title": t} for t in titles)])
    return url


def test_text_too_long_for_a_path_is_no_path(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", "x" * 5000]) == 1
    assert "File name too long" in capsys.readouterr().out
    assert main(["match", "x" * 5000, "--storage", url]) == 1
    assert "no track is like xxx" in capsys.readouterr().err


def test_match_and_versions(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["match", "arctic mnkeys do i wana know", "--storage", url]) == 0
    assert capsys.readouterr().out.endswith("  Arctic Monkeys - Do I Wanna Know?\n")
    assert main(["match", "clair de lune", "--storage", url, "--limit", "1"]) == 0
    assert capsys.readouterr().out.endswith("  Clair de Lune\n")
    assert main(["versions"]) == 0
    assert "tracktion" in capsys.readouterr().out


def test_each_of_several_questions_has_its_answer(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that cannot be read is said, and the others are answered."""
    (tmp_path / "empty.wav").touch()
    questions = [str(tmp_path / "empty.wav"), "clair de lune", "arctic monkeys do i wanna know"]
    assert main(["match", *questions, "--storage", url, "--limit", "2"]) == 1
    out, err = capsys.readouterr()
    first, *answers = out.splitlines()
    assert first == "clair de lune:"
    assert answers.index("arctic monkeys do i wanna know:") == 2
    assert err.startswith("tracktion: ")
    assert "empty.wav" in err


def test_match_takes_as_many_for_a_file_as_for_text(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import tracktion as tk

    path = f"{tmp_path / 'music.db'}"
    with tk.open_storage(path) as storage:
        storage.add_tracks([{"title": f"one {i}"} for i in range(15)])
    assert main(["match", str(folder / "one.wav"), "--storage", path, "--limit", "12"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 12
    assert main(["match", str(folder / "one.wav"), "--storage", path, "--limit", "0"]) == 2


@pytest.mark.parametrize("form", ["{}", "sqlite:///{}", "sqlite+pysqlite:///{}"])
def test_match_makes_no_catalogue(form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A mistyped path is said; an empty catalogue is not an answer."""
    assert main(["match", "x", "--storage", form.format(tmp_path / "musci.db")]) == 2
    assert "there is no catalogue" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_an_empty_catalogue_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["match", "x", "--storage", "memory:"]) == 1
    assert "no tracks yet" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("buffered", ["", "1"])
@pytest.mark.parametrize(("end", "said"), [("| true; exit ${PIPESTATUS[0]}", ""), ("> /dev/full", "No space left")])
def test_output_that_cannot_be_written(url: str, buffered: str, end: str, said: str) -> None:
    done = run(f"match clair --storage {url} {end}", PYTHONUNBUFFERED=buffered)
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stderr.count("\n") == bool(said)
