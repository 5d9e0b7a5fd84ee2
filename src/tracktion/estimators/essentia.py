"""Another way to the same `Analysis`: Essentia (extra ``essentia``).

Essentia's loader crashes processes on files that it does not like, and its algorithms hold the interpreter's lock. So
the audio is decoded by us, and the algorithms run on arrays in an isolated worker: what dies there is one typed error.

Tempo and beats come from RhythmExtractor2013 with the Percival estimator as second opinion, the key from KeyExtractor
(profile ``bgate``), danceability from Danceability (Streich and Herrera 2005), loudness from LoudnessEBUR128. Essentia
has no counterpart to our downbeats, grid, mood, structure and fingerprint: these stay as they are.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import soxr
from numpy.typing import NDArray

from tracktion.batch import IsolatedPool, Task
from tracktion.estimators.tempo import HIGHEST_BPM, LOWEST_BPM, fold
from tracktion.extras import missing
from tracktion.results.key import Key
from tracktion.results.rhythm import Beats, Tempo, TempoCandidate

if TYPE_CHECKING:
    from tracktion.analyzer import Analyzer
    from tracktion.audio import AudioStream
    from tracktion.results.analysis import Analysis
    from tracktion.results.loudness import Loudness

__all__ = ["analyze_arrays", "analyze_with_essentia", "listener"]

RATE = 44_100
SHORTEST_SECONDS = 3.0
SECONDS_PER_MINUTE = 20.0
LEAST_SECONDS = 120.0
TARGET = "tracktion.estimators.essentia:listener"
RELATIONS = {"1": 1.0, "2": 2.0, "1/2": 0.5, "3/2": 1.5, "2/3": 2 / 3, "3": 3.0, "1/3": 1 / 3}
NEAR = 0.04
# Essentia's own words for its confidence: below 1 very low, to 1.5 low, to 3.5 good, to 5.32 excellent.
CONFIDENCE = ((0.0, 1.0, 1.5, 3.5, 5.32), (0.1, 0.35, 0.5, 0.75, 0.9))
DANCEABILITY_TOP = 3.0
BEAT_WINDOW_SECONDS = 0.07
ALIKE = 0.25

_pool: tuple[int, IsolatedPool] | None = None
_pool_lock = threading.Lock()


def analyze_with_essentia(analyzer: Analyzer, source: Any, *, both: bool) -> Analysis:
    """Analyse one source with Essentia in place of, or beside, our own estimators.

    Parameters
    ----------
    analyzer
        Says what to compute and within which limits.
    source
        As for `Analyzer.analyze`.
    both
        Keep our own answers, and let agreement raise and disagreement lower their confidence.

    Raises
    ------
    UsageError
        Essentia is not installed.
    WorkerCrashedError, TimeoutExceededError, OutOfMemoryError
        Essentia died of this file, or took too long or too much.
    FileError
        As for `Analyzer.analyze`.
    """
    from tracktion.audio import open_audio
    from tracktion.remote import name_of

    if importlib.util.find_spec("essentia") is None:
        raise missing("essentia", "essentia", what=f"engine={analyzer.engine!r}")
    options: dict[str, Any] = {} if analyzer.limits is None else {"limits": analyzer.limits}
    with open_audio(source, **options) as audio:
        own, samples, silent = _decode(analyzer, audio)
        facts: dict[str, Any] = {"format": audio.format, "codec": audio.codec, "decoder": audio.decoder}
        own = replace(own, source=name_of(source), notes={**audio.notes, **own.notes}, **facts)
    if silent:
        return own
    if len(samples) < SHORTEST_SECONDS * RATE:
        return replace(own, notes=own.notes | {"essentia": f"shorter than {SHORTEST_SECONDS:g} s: own engine alone"})
    heard = _folded(_in_worker(samples, name_of(source)), analyzer.bpm_range)
    return _merged(own, heard, analyzer.compute, both=both)


def _decode(analyzer: Analyzer, audio: AudioStream) -> tuple[Analysis, NDArray[np.float32], bool]:
    """Our own analysis, mono or stereo at 44.1 kHz [shape (n, 1 or 2)], and whether nothing can be said of it."""
    from tracktion.features.stream import FeatureExtractor

    kinds = tuple(dict.fromkeys((*analyzer.kinds, "level")))
    extractor = FeatureExtractor(sample_rate=audio.sample_rate, channels=audio.channels, kinds=kinds)
    blocks = []
    width = 2 if audio.channels == 2 else 1
    resampler = None
    if audio.sample_rate != RATE:
        resampler = soxr.ResampleStream(audio.sample_rate, RATE, width, dtype="float32")
    for block in audio.blocks():
        extractor.push(block)
        kept = block.copy() if block.shape[1] == width else block.mean(axis=1, keepdims=True)
        blocks.append(kept if resampler is None else resampler.resample_chunk(kept))
    if resampler is not None:
        blocks.append(resampler.resample_chunk(np.empty((0, width), np.float32), last=True))
    samples = np.concatenate([np.empty((0, width), np.float32), *blocks])
    features = extractor.finish()
    return analyzer.estimate(features), samples, features.unanswerable is not None


def _in_worker(samples: NDArray[np.float32], name: str | None) -> dict[str, Any]:
    if "tracktion.batch.worker" in sys.modules:
        # This process is an isolated worker already.
        return analyze_arrays(samples)
    seconds = max(LEAST_SECONDS, len(samples) / RATE / 60.0 * SECONDS_PER_MINUTE)
    payload = np.ascontiguousarray(samples, dtype="<f4").tobytes()
    future = _workers().submit(Task(TARGET, {"channels": samples.shape[1]}), io.BytesIO(payload), timeout=seconds)
    try:
        result: dict[str, Any] = future.result()
    except Exception as error:
        with contextlib.suppress(AttributeError):
            error.file = name  # type: ignore[attr-defined]
        raise
    return result


def _workers() -> IsolatedPool:
    global _pool  # noqa: PLW0603 - one pool for the process, made on first use, renewed after a fork
    with _pool_lock:
        if _pool is None or _pool[0] != os.getpid():
            _pool = (os.getpid(), IsolatedPool())
        return _pool[1]


def listener(channels: int) -> Callable[[Any], dict[str, Any]]:
    """`analyze_arrays` for an isolated worker: of an open file of little-endian float32 at 44.1 kHz, interleaved."""

    def hear(source: Any) -> dict[str, Any]:
        return analyze_arrays(np.frombuffer(source.read(), dtype="<f4").reshape(-1, channels))

    return hear


def analyze_arrays(samples: NDArray[np.float32]) -> dict[str, Any]:
    """Run Essentia on samples at 44.1 kHz, in this process.

    Parameters
    ----------
    samples
        Mono [shape (n,) or (n, 1)] or stereo [shape (n, 2)], finite.

    Returns
    -------
    dict
        Plain numbers: ``bpm``, ``confidence`` (0 to 5.32), ``beats``, ``percival``, ``tonic``, ``mode``, ``strength``,
        ``danceability`` (0 to about 3), ``integrated``, ``range``, ``momentary_max``, ``short_term_max``, ``version``.
    """
    import essentia
    import essentia.standard as es

    essentia.log.infoActive = False
    essentia.log.warningActive = False
    channels = samples.reshape(len(samples), -1).astype(np.float32)
    mono = np.ascontiguousarray(channels.mean(axis=1))
    # One channel must not count twice in the loudness.
    stereo = channels if channels.shape[1] == 2 else np.stack([mono, np.zeros_like(mono)], axis=1)
    bpm, beats, confidence, _, _ = es.RhythmExtractor2013(method="multifeature")(mono)
    tonic, mode, strength = es.KeyExtractor(profileType="bgate")(mono)
    danceability, _ = es.Danceability()(mono)
    momentary, short_term, integrated, spread = es.LoudnessEBUR128(sampleRate=RATE)(np.ascontiguousarray(stereo))
    return {
        "bpm": float(bpm),
        "confidence": float(confidence),
        "beats": [float(t) for t in beats],
        "percival": float(es.PercivalBpmEstimator()(mono)),
        "tonic": str(tonic),
        "mode": str(mode),
        "strength": float(strength),
        "danceability": float(danceability),
        "integrated": float(integrated),
        "range": float(spread),
        "momentary_max": float(np.max(momentary, initial=-np.inf)),
        "short_term_max": float(np.max(short_term, initial=-np.inf)),
        "version": str(essentia.__version__),
    }


def _folded(heard: dict[str, Any], bpm_range: tuple[float, float] | None) -> dict[str, Any]:
    """Tempo, its second opinion and beats moved by octaves into a range, where they have one in it, as ours are."""
    if bpm_range is None or not LOWEST_BPM <= heard["bpm"] <= HIGHEST_BPM:
        return heard
    bpm = fold(heard["bpm"], bpm_range)
    if bpm is None:
        return heard
    last, step = len(heard["beats"]) - 1, heard["bpm"] / bpm
    beats = np.interp(np.arange(0.0, last + 1e-9, step), np.arange(last + 1), heard["beats"]) if last > 0 else []
    return heard | {"bpm": bpm, "beats": list(beats), "percival": fold(heard["percival"], bpm_range) or 0.0}


def _merged(own: Analysis, heard: dict[str, Any], compute: tuple[str, ...], *, both: bool) -> Analysis:
    versions = own.versions | {"essentia": heard["version"]}
    if both:
        return replace(_weighed(own, heard), versions=versions)
    changes: dict[str, Any] = {"versions": versions, "notes": dict(own.notes)}
    if "rhythm" in compute:
        tempo, beats = _rhythm(heard)
        changes |= {"tempo": tempo, "beats": beats}
        if tempo is None:
            changes["notes"]["tempo"] = changes["notes"]["beats"] = "Essentia found no beat"
        else:
            changes["notes"] = {k: v for k, v in changes["notes"].items() if k not in {"tempo", "beats"}}
    if "tonal" in compute:
        changes["key"] = _key(heard, own.key)
        changes["notes"].pop("key", None)
    if own.mood is not None:
        share = min(1.0, max(0.0, heard["danceability"] / DANCEABILITY_TOP))
        changes["mood"] = replace(own.mood, danceability=share)
    if own.loudness is not None and own.channels <= 2 and np.isfinite(heard["integrated"]):
        changes["loudness"] = _loudness(own.loudness, heard)
    return replace(own, **changes)


def _rhythm(heard: dict[str, Any]) -> tuple[Tempo | None, Beats | None]:
    bpm, beats = heard["bpm"], np.asarray(heard["beats"], np.float64)
    if not LOWEST_BPM <= bpm <= HIGHEST_BPM or len(beats) < 2:
        return None, None
    confidence = float(np.interp(heard["confidence"], *CONFIDENCE))
    candidates = [TempoCandidate(bpm=bpm, weight=confidence, relation="1")]
    other = heard["percival"]
    if LOWEST_BPM <= other <= HIGHEST_BPM and abs(other / bpm - 1.0) > NEAR:
        weight = min(1.0 - confidence, 0.5 * confidence)
        candidates.append(TempoCandidate(bpm=other, weight=weight, relation=_relation(other / bpm)))
    gaps = np.diff(beats)
    stability = float(np.clip(1.0 - 4.0 * gaps.std() / gaps.mean(), 0.0, 1.0))
    tempo = Tempo(bpm=bpm, confidence=confidence, candidates=tuple(candidates), stability=stability)
    return tempo, Beats(beats, confidence)


def _relation(ratio: float) -> str:
    return next((name for name, value in RELATIONS.items() if abs(ratio / value - 1.0) <= NEAR), "other")


def _key(heard: dict[str, Any], own: Key | None = None) -> Key:
    """Her key; she tells no tuning, which we have measured with our own key."""
    mode: Literal["major", "minor"] = "minor" if heard["mode"].startswith("min") else "major"
    tuning_hz = 440.0 if own is None else own.tuning_hz
    strength = float(np.clip(heard["strength"], 0.0, 1.0))
    return Key(heard["tonic"], mode, confidence=strength, margin=0.0, tuning_hz=tuning_hz)


def _loudness(own: Loudness, heard: dict[str, Any]) -> Loudness:
    maxima = {k: heard[k] if np.isfinite(heard[k]) else None for k in ("momentary_max", "short_term_max")}
    return replace(
        own,
        integrated=heard["integrated"],
        range=heard["range"],
        replaygain_gain=-18.0 - heard["integrated"],
        momentary_max=maxima["momentary_max"],
        short_term_max=maxima["short_term_max"],
    )


def _weighed(own: Analysis, heard: dict[str, Any]) -> Analysis:
    """Our answers, surer where Essentia agrees and less sure where it does not."""
    changes: dict[str, Any] = {}
    notes = dict(own.notes)
    tempo, beats = _rhythm(heard)
    if own.tempo is not None and tempo is not None:
        said = tempo.bpm / own.tempo.bpm
        agrees = abs(said - 1.0) <= NEAR
        changes["tempo"] = replace(own.tempo, confidence=_revised(own.tempo.confidence, tempo.confidence, agrees))
        if not agrees:
            notes["essentia_tempo"] = f"Essentia hears {tempo.bpm:.2f} BPM (relation {_relation(said)})"
    if own.beats is not None and beats is not None:
        share = _shared(own.beats.times, beats.times)
        revised = _revised(own.beats.confidence, beats.confidence * abs(2.0 * share - 1.0), share >= 0.5)
        changes["beats"] = replace(own.beats, confidence=revised)
    if own.key is not None:
        key = _key(heard)
        agrees = (key.tonic, key.mode) == (own.key.tonic, own.key.mode)
        changes["key"] = replace(own.key, confidence=_revised(own.key.confidence, key.confidence, agrees))
        if not agrees:
            notes["essentia_key"] = f"Essentia hears {key.name}"
    return replace(own, notes=notes, **changes)


def _revised(own: float, other: float, agrees: bool) -> float:
    """Chance that an answer is right, after a second opinion that is right with chance `other`; Bayes' rule.

    An engine agrees with a wrong answer in a quarter of the cases, because both hear the same onsets and pitches.
    """
    p, q = (min(max(v, 0.02), 0.98) for v in (own, other))
    odds = p / (1.0 - p) * (q / ALIKE if agrees else (1.0 - q) / (1.0 - ALIKE))
    return float(odds / (1.0 + odds))


def _shared(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """F-measure of two beat lists within 70 ms."""
    if len(a) < 2 or len(b) < 2:
        return 0.0
    hits = _near(a, b), _near(b, a)
    return float(2.0 * hits[0] * hits[1] / max(sum(hits), 1e-9))


def _near(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Share of `a` within 70 ms of one of `b`."""
    after = np.clip(np.searchsorted(b, a), 1, len(b) - 1)
    distance = np.minimum(np.abs(b[after] - a), np.abs(b[after - 1] - a))
    return float((distance <= BEAT_WINDOW_SECONDS).mean())
