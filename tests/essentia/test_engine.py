from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mutagen.id3 import TIT2
from mutagen.wave import WAVE

from tests import synth
from tracktion.analyzer import Analyzer
from tracktion.errors import UsageError, WorkerCrashedError
from tracktion.estimators import essentia as engine
from tracktion.results.analysis import Analysis
from tracktion.results.key import Key
from tracktion.results.rhythm import Beats, Tempo

HEARD = {
    "bpm": 120.0,
    "confidence": 3.5,
    "beats": list(np.arange(0.5, 20.0, 0.5)),
    "percival": 60.0,
    "tonic": "Eb",
    "mode": "minor",
    "strength": 0.8,
    "danceability": 1.5,
    "integrated": -14.0,
    "range": 5.0,
    "momentary_max": -10.0,
    "short_term_max": -np.inf,
    "version": "2.1",
}
needs_essentia = pytest.mark.skipif(importlib.util.find_spec("essentia") is None, reason="needs essentia")
OWN = Analysis(
    duration=20.0,
    sample_rate=44_100,
    channels=2,
    tempo=Tempo(120.5, 0.7),
    beats=Beats(np.arange(0.52, 20.0, 0.5), 0.7),
    key=Key("Eb", "minor", confidence=0.6, tuning_hz=432.0),
)


def test_essentia_in_place_of_ours() -> None:
    merged = engine._merged(OWN, HEARD, ("rhythm", "tonal"), both=False)
    assert merged.tempo is not None
    assert merged.tempo.bpm == 120.0
    assert [c.relation for c in merged.tempo.candidates] == ["1", "1/2"]
    assert sum(c.weight for c in merged.tempo.candidates) <= 1
    assert merged.beats is not None
    assert len(merged.beats) == 39
    assert merged.key is not None
    assert merged.key.name == "Eb minor"
    assert merged.key.tuning_hz == 432.0
    assert merged.versions["essentia"] == "2.1"


def test_agreement_raises_confidence() -> None:
    both = engine._merged(OWN, HEARD, ("rhythm", "tonal"), both=True)
    assert both.tempo.bpm == 120.5
    assert both.tempo.confidence > 0.7
    assert both.beats.confidence > 0.7
    assert both.key.confidence > 0.6
    assert not both.notes


def test_disagreement_lowers_confidence_and_says_so() -> None:
    other = HEARD | {"bpm": 80.0, "beats": list(np.arange(0.77, 20.0, 0.75)), "tonic": "F#", "mode": "major"}
    both = engine._merged(OWN, other, ("rhythm", "tonal"), both=True)
    assert both.tempo.confidence < 0.7
    assert both.key.confidence < 0.6
    assert "80.00" in both.notes["essentia_tempo"]
    assert "F# major" in both.notes["essentia_key"]


@pytest.mark.parametrize("bpm", [0.0, 738.3, 5168.0])
def test_impossible_tempo_is_none_with_a_reason(bpm: float) -> None:
    heard = engine._folded(HEARD | {"bpm": bpm}, (50, 200))
    merged = engine._merged(OWN, heard, ("rhythm",), both=False)
    assert merged.tempo is None
    assert merged.beats is None
    assert merged.notes["tempo"]


@pytest.mark.parametrize(
    ("bpm_range", "bpm", "count"), [((50, 100), 60, 20), ((150, 300), 240, 77), ((30, 35), 30, 10)]
)
def test_the_range_of_tempi_holds_for_every_engine(bpm_range: tuple[float, float], bpm: float, count: int) -> None:
    heard = engine._folded(HEARD, bpm_range)
    tempo, beats = engine._rhythm(heard)
    assert tempo is not None
    assert beats is not None
    assert tempo.bpm == bpm
    assert len(beats) == count
    np.testing.assert_allclose(np.diff(beats.times), 60 / bpm)
    agreed = engine._merged(replace(OWN, tempo=Tempo(bpm * 1.01, 0.7)), heard, ("rhythm",), both=True)
    assert agreed.tempo is not None
    assert agreed.tempo.confidence > 0.7


@pytest.mark.parametrize("bpm_range", [None, (61, 119)])
def test_a_tempo_without_octave_in_the_range_stays(bpm_range: tuple[float, float] | None) -> None:
    assert engine._folded(HEARD, bpm_range) == HEARD


@pytest.mark.parametrize("own", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("other", [0.0, 0.25, 0.6, 1.0])
def test_revised_confidence_stays_a_probability(own: float, other: float) -> None:
    agree, differ = (engine._revised(own, other, agrees) for agrees in (True, False))
    assert 0 <= agree <= 1
    assert 0 <= differ <= 1
    assert (agree >= differ) == (other >= 0.25)


def test_shared_beats() -> None:
    beats = np.arange(0, 10, 0.5)
    assert engine._shared(beats, beats + 0.05) == 1.0
    assert engine._shared(beats, beats + 0.25) == 0.0
    assert engine._shared(beats, beats[:1]) == 0.0


@pytest.mark.parametrize("kind", ["essentia", "both"])
def test_tags_are_read_with_any_engine(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(engine, "_in_worker", lambda samples, name: HEARD)
    path = synth.song(seconds=4).write(tmp_path / "song.wav")
    file = WAVE(str(path))
    file.add_tags()
    file.tags.add(TIT2(encoding=3, text="Hello"))
    file.save()
    tags = Analyzer(engine=kind, compute=["loudness"]).analyze(path).tags
    assert tags is not None
    assert tags.title == "Hello"


def test_missing_essentia_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="pip install"):
        Analyzer(engine="essentia").analyze((np.zeros(1000, np.float32), 44_100))


@needs_essentia
def test_silence_gets_no_invented_tempo() -> None:
    analysis = Analyzer(engine="essentia", compute=["rhythm", "tonal"]).analyze(
        (np.zeros(44_100 * 5, np.float32), 44_100)
    )
    assert analysis.tempo is None
    assert analysis.key is None
    assert analysis.notes["tempo"]


@needs_essentia
@pytest.mark.essentia
def test_essentia_hears_a_song() -> None:
    song = synth.song(bpm=120, seconds=20)
    analysis = Analyzer(engine="essentia", compute=["rhythm", "tonal", "loudness"]).analyze(song.source)
    own = Analyzer(compute=["loudness"]).analyze(song.source)
    assert analysis.tempo is not None
    assert min(abs(analysis.tempo.bpm / song.bpm - f) for f in (0.5, 1, 2)) < 0.04
    assert analysis.key is not None
    assert analysis.loudness.integrated == pytest.approx(own.loudness.integrated, abs=0.2)
    direct = engine.analyze_arrays(song.samples)
    assert analysis.tempo.bpm == pytest.approx(direct["bpm"], rel=0.01)
    assert (analysis.key.tonic, analysis.key.mode) == (Key(direct["tonic"], direct["mode"]).tonic, direct["mode"])


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="isolation needs POSIX")
def test_a_file_that_kills_the_worker_is_one_typed_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(engine, "TARGET", "tests.essentia.killer:listener")
    quiet, loud = (synth.song(bpm=120, seconds=6).samples * g for g in (0.3, 0.9))
    sources = [(quiet, 44_100), (loud, 44_100), (quiet, 44_100)]
    analyzer = Analyzer(engine="essentia", compute=["rhythm"])
    items = sorted(analyzer.analyze_many(sources, workers=1), key=lambda i: i.index)
    assert [item.error is None for item in items] == [True, False, True]
    assert isinstance(items[1].error, WorkerCrashedError)
    assert items[0].analysis.tempo.bpm == 100.0
