"""Analyses that are looked up and kept: under the right name, with what this file says, wherever it was heard."""

from __future__ import annotations

import functools
import shutil
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import mutagen.flac
import numpy as np
import pytest
import soundfile

import tracktion as tk
from tests import synth
from tracktion.analyzer import Analyzer
from tracktion.audio import audio_identity
from tracktion.cache import LRUCache


@pytest.fixture(scope="module")
def clip() -> synth.Clip:
    return synth.song(bpm=124, key="A minor", seconds=12).stereo()


@pytest.fixture
def flac(clip: synth.Clip, tmp_path: Path) -> Path:
    path = tmp_path / "song.flac"
    soundfile.write(path, clip.samples, clip.sample_rate, format="FLAC")
    return retag(path, "Old")


def retag(path: Path, title: str) -> Path:
    file = mutagen.flac.FLAC(path)
    file["title"] = title
    file.save()
    return path


def count(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was heard, and not looked up."""
    heard: list[Any] = []
    hear = Analyzer._hear
    monkeypatch.setattr(Analyzer, "_hear", lambda self, source: heard.append(source) or hear(self, source))
    return heard


@pytest.mark.parametrize("how", ["isolation", "executor"])
def test_other_processes_hear_and_this_one_keeps(tmp_path: Path, clip: synth.Clip, how: str) -> None:
    files = [synth.write_wav(tmp_path / f"{i}.wav", clip.samples[: -1 - i * 1000], clip.sample_rate) for i in range(5)]
    storage = tk.open_storage("memory:")
    analyzer = Analyzer(compute=["loudness"], storage=storage)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        where: dict[str, Any] = {"isolation": "process"} if how == "isolation" else {"executor": executor}
        first = {item.index: item.unwrap() for item in analyzer.analyze_many(files, workers=2, **where)}
        assert storage.count_analyses() == 5
        again = {item.index: item.unwrap() for item in analyzer.analyze_many(files, workers=2, **where)}
        (content,) = analyzer.analyze_many([files[0].read_bytes()[:-400]], **where)
    assert first == again
    assert [first[i].source for i in range(5)] == [str(path) for path in files]
    assert len({analysis.identity for analysis in first.values()}) == 5
    assert content.unwrap().identity is not None
    assert storage.count_analyses() == 6


def test_what_is_kept_is_not_sent_to_another_process(flac: Path, tmp_path: Path) -> None:
    analyzer = Analyzer(compute=["loudness"], cache=LRUCache())
    known = analyzer.analyze(flac)
    (item,) = analyzer.analyze_many([flac], isolation="process", timeout_seconds=1e-9)  # no process is so fast
    assert item.unwrap() == known
    (late,) = Analyzer(compute=["loudness"]).analyze_many([flac], isolation="process", timeout_seconds=1e-9)
    assert late.error is not None
    assert late.error.code == "TimeoutExceeded"


def test_tags_are_of_the_file_and_not_of_the_kept_analysis(
    flac: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = count(monkeypatch)
    analyzer = Analyzer(compute=["loudness"], storage=tk.open_storage("memory:"))

    def title(path: Path) -> str | None:
        tags = analyzer.analyze(path).tags
        return tags.title if tags else None

    assert title(flac) == "Old"
    assert title(retag(flac, "New")) == "New"
    assert title(retag(Path(shutil.copy(flac, tmp_path / "copy.flac")), "Other copy")) == "Other copy"
    analyzer.read_tags = False
    assert title(flac) is None
    analyzer.read_tags = True
    assert title(flac) == "New"
    assert len(heard) == 1


@pytest.mark.parametrize("first", ["whole", "cut"])
def test_a_file_that_is_cut_off_is_not_the_whole_one(flac: Path, tmp_path: Path, first: str) -> None:
    cut = tmp_path / "cut.flac"
    cut.write_bytes(flac.read_bytes()[: flac.stat().st_size // 3])
    assert audio_identity(cut) != audio_identity(flac)
    analyzer = Analyzer(compute=["loudness"], storage=tk.open_storage("memory:"))
    order = [flac, cut] if first == "whole" else [cut, flac]
    lengths = {path: analyzer.analyze(path).duration for path in order * 2}
    assert lengths[flac] == pytest.approx(12, abs=0.01)
    assert lengths[cut] < 6


def test_a_damaged_file_does_not_stand_in_for_the_sound_one(flac: Path, tmp_path: Path) -> None:
    data = bytearray(flac.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 20_000] = bytes(20_000)
    damaged = tmp_path / "damaged.flac"
    damaged.write_bytes(data)
    analyzer = Analyzer(compute=["loudness"], storage=tk.open_storage("memory:"))
    heard = analyzer.analyze(damaged)
    assert heard.damaged
    sound = analyzer.analyze(flac)
    assert not sound.damaged
    assert sound.identity != heard.identity


def test_each_prior_has_its_own_answers(flac: Path) -> None:
    def likes(bpm: float, tempi: np.ndarray) -> np.ndarray:
        return np.exp(-0.5 * (np.log2(tempi / bpm) / 0.2) ** 2)

    cache = LRUCache()
    slow, same = (
        Analyzer(compute=["rhythm"], cache=cache, tempo_prior=functools.partial(likes, bpm)).analyze(flac).tempo
        for bpm in (62, 124)
    )
    plain = Analyzer(compute=["rhythm"], cache=cache).analyze(flac).tempo
    assert slow is not None
    assert same is not None
    assert plain is not None
    assert [slow.bpm, same.bpm, plain.bpm] == pytest.approx([62, 124, 124], rel=0.01)


def test_what_cannot_be_read_any_more_is_made_again(flac: Path) -> None:
    cache = LRUCache()
    analyzer = Analyzer(compute=["loudness"], cache=cache)
    known = analyzer.analyze(flac)
    assert known.identity is not None
    cache.set(analyzer._cache_key(known.identity), {"duration": "long"}, ttl=60)
    assert analyzer.analyze(flac) == known
