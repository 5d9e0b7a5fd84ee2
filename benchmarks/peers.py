"""Peers that happen to be installed, each behind one plain function, and small helpers of the benchmark scripts."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["estimators", "installed", "speed_runs"]

Prediction = dict[str, Any]


def installed(module: str) -> bool:
    """Whether `module` can be imported."""
    return importlib.util.find_spec(module) is not None


def estimators() -> dict[str, Callable[[Path], Prediction]]:
    """Name of peer → function from a path to its prediction."""
    found = {
        "essentia": ("essentia", _essentia),
        "mixxx-analyzer": ("mixxx_analyzer", _mixxx),
        "sonara": ("sonara", _sonara),
        "librosa": ("librosa", _librosa),
        "madmom": ("madmom", _madmom),
    }
    return {name: run for name, (module, run) in found.items() if installed(module)}


def speed_runs() -> dict[str, Callable[[str], Any]]:
    """Name of peer → a complete run (decode, tempo, beats, key) on a path."""
    return {name: (lambda path, run=run: run(Path(path))) for name, run in estimators().items() if name != "madmom"}


def _essentia(path: Path) -> Prediction:
    import essentia.standard as es

    audio = es.MonoLoader(filename=str(path), sampleRate=44100)()
    bpm, beats, confidence, _, _ = es.RhythmExtractor2013(method="multifeature")(audio)
    key, scale, strength = es.KeyExtractor(profileType="bgate")(audio)
    return {
        "bpm": float(bpm),
        "beats": beats.tolist(),
        "conf": float(confidence) / 5.32,
        "key": f"{key} {scale}",
        "keyconf": float(strength),
    }


def _mixxx(path: Path) -> Prediction:
    import mixxx_analyzer

    result = mixxx_analyzer.analyze(str(path))
    return {"bpm": result.bpm, "key": str(result.key) if result.key else None}


def _sonara(path: Path) -> Prediction:
    import sonara

    result = sonara.analyze_file(str(path), mode="full")
    prediction = {
        "bpm": result.get("bpm"),
        "key": result.get("key"),
        "energy": result.get("energy"),
        "valence": result.get("valence"),
    }
    if (beats := result.get("beat_times", result.get("beats"))) is not None:
        prediction["beats"] = [float(b) for b in beats]
    return prediction


def _librosa(path: Path) -> Prediction:
    import librosa

    samples, rate = librosa.load(path)
    tempo, beats = librosa.beat.beat_track(y=samples, sr=rate, units="time")
    return {"bpm": float(tempo.item()), "beats": beats.tolist()}


def _madmom(path: Path) -> Prediction:
    from madmom.features.beats import DBNBeatTrackingProcessor, RNNBeatProcessor
    from madmom.features.tempo import TempoEstimationProcessor

    activation = RNNBeatProcessor()(str(path))
    tempi = TempoEstimationProcessor(fps=100)(activation)
    return {"bpm": float(tempi[0][0]), "beats": DBNBeatTrackingProcessor(fps=100)(activation).tolist()}
