"""Decoding ahead: same blocks, same errors, no thread left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import tracktion as tk
from tests import synth
from tracktion.audio import AudioStream
from tracktion.audio.ahead import ahead
from tracktion.features.stream import FeatureExtractor


def threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name == "tracktion-decode"]


def test_blocks_come_in_order() -> None:
    assert list(ahead(range(1000), depth=2)) == list(range(1000))
    assert list(ahead([])) == []
    assert not threads()


def test_errors_come_in_their_place() -> None:
    def blocks() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    stream = ahead(blocks())
    assert next(stream) == 1
    with pytest.raises(OSError, match="gone"):
        next(stream)
    assert not threads()


def test_leaving_early_ends_the_thread() -> None:
    for block in ahead(iter(int, 1), depth=2):
        assert block == 0
        break
    assert not threads()


def test_an_interrupt_closes_no_decoder_under_the_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = synth.song(bpm=124, key="A minor", seconds=60)
    path = synth.write_wav(tmp_path / "song.wav", clip.samples, clip.sample_rate)
    alive: list[bool] = []
    close = AudioStream.close

    def interrupted(self: FeatureExtractor, block: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(FeatureExtractor, "push", interrupted)
    monkeypatch.setattr(AudioStream, "close", lambda self: (alive.append(bool(threads())), close(self))[1])
    monkeypatch.setattr(tk.Analyzer, "_threads", lambda self: 2)
    with pytest.raises(KeyboardInterrupt):
        tk.Analyzer(compute=["loudness"]).analyze(path)
    assert alive == [False]


def test_a_second_interrupt_waits_for_the_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    join, interrupts = threading.Thread.join, [KeyboardInterrupt(), KeyboardInterrupt()]

    def impatient(self: threading.Thread, timeout: float | None = None) -> None:
        if self.name == "tracktion-decode" and interrupts:
            raise interrupts.pop()
        join(self, timeout)

    monkeypatch.setattr(threading.Thread, "join", impatient)
    stream = ahead(iter(int, 1), depth=2)
    next(stream)
    with pytest.raises(KeyboardInterrupt):
        stream.close()
    assert not threads()
