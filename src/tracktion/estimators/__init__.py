"""Features in, results out; `estimate_all` runs them in the order in which they build on each other."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from tracktion.results.analysis import Analysis
from tracktion.results.rhythm import Rhythm

if TYPE_CHECKING:
    from tracktion.features.stream import Features
    from tracktion.results.key import Key

__all__ = ["estimate_all"]

ANSWERS = {
    "rhythm": ("tempo", "beats", "downbeats", "grid"),
    "tonal": ("key",),
    "mood": ("mood",),
    "structure": ("structure",),
    "fingerprint": ("fingerprint",),
}


def estimate_all(
    features: Features,
    *,
    parts: Collection[str],
    bpm_range: tuple[float, float] | None = None,
    tempo_prior: Any = None,
    notes: dict[str, str] | None = None,
    workers: int = 1,
) -> Analysis:
    """Run the estimators of `parts` over `features`.

    Parameters
    ----------
    features
        From the streaming pass, with the kinds that `parts` need.
    parts
        Any of ``rhythm``, ``tonal``, ``mood``, ``loudness``, ``structure``, ``fingerprint``.
    bpm_range, tempo_prior
        See `tracktion.Analyzer`.
    notes
        Notes to begin with.
    workers
        Threads that the estimators may use.
    """
    said = dict(notes or {})
    reason = features.unanswerable
    if reason is None:
        found, reasons = _musical(features, parts, bpm_range, tempo_prior, workers)
        said |= reasons
    else:
        found = {}
        said |= {name: reason for part, names in ANSWERS.items() if part in parts for name in names}
    if "loudness" in parts:
        from tracktion.estimators.loudness import estimate_loudness

        found["loudness"], reasons = estimate_loudness(features)
        said |= reasons
    return Analysis(
        duration=features.duration,
        sample_rate=features.sample_rate,
        channels=features.channels,
        notes=said,
        versions=versions(),
        **found,
    )


def _musical(
    features: Features, parts: Collection[str], bpm_range: tuple[float, float] | None, tempo_prior: Any, workers: int
) -> tuple[dict[str, Any], dict[str, str]]:
    """Answers that need music: (name → result, notes)."""
    found: dict[str, Any] = {}
    said: dict[str, str] = {}
    rhythm, key, reasons = _rhythm_and_key(features, parts, bpm_range, tempo_prior, workers)
    said |= reasons if "tonal" in parts else {}
    if "rhythm" in parts:
        found |= {name: getattr(rhythm, name) for name in ANSWERS["rhythm"]}
        said |= rhythm.notes
    if "tonal" in parts:
        found["key"] = key
    if "mood" in parts:
        from tracktion.estimators.mood import estimate_mood

        found["mood"], reasons = estimate_mood(features, tempo=rhythm.tempo, beats=rhythm.beats, key=key)
        said |= reasons
    if "structure" in parts:
        from tracktion.estimators.structure import estimate_structure

        found["structure"], reasons = estimate_structure(features, beats=rhythm.beats)
        said |= reasons
    if "fingerprint" in parts:
        found["fingerprint"], reasons = _fingerprint(features)
        said |= reasons
    return found, said


def _fingerprint(features: Features) -> tuple[bytes | None, dict[str, str]]:
    if features.fingerprint is None:
        return None, {"fingerprint": "no fingerprint was extracted"}
    data: bytes = features.fingerprint.data
    return (data, {}) if data else (None, {"fingerprint": "too little sound to be recognised by"})


def _rhythm_and_key(
    features: Features, parts: Collection[str], bpm_range: tuple[float, float] | None, tempo_prior: Any, workers: int
) -> tuple[Rhythm, Key | None, dict[str, str]]:
    """What all else builds on: (rhythm, key, notes on the key), the key in a second thread while beats are searched."""
    from tracktion.estimators.divided import divided

    work: dict[str, Callable[[], Any]] = {}
    if features.rhythm is not None and not {"rhythm", "mood"}.isdisjoint(parts):
        from tracktion.estimators.rhythm import estimate_rhythm, listen

        heard = listen(features, workers=workers)
        work["rhythm"] = lambda: estimate_rhythm(features, bpm_range=bpm_range, prior=tempo_prior, heard=heard)
    if not {"tonal", "mood"}.isdisjoint(parts):
        from tracktion.estimators.tonal import estimate_key

        work["key"] = lambda: estimate_key(features)
    made = dict(zip(work, divided(lambda name: work[name](), tuple(work), workers), strict=True))
    unheard = Rhythm(notes=dict.fromkeys(ANSWERS["rhythm"], "no rhythm features were extracted"))
    return made.get("rhythm", unheard), *made.get("key", (None, {}))


def versions() -> dict[str, str]:
    """What made these numbers: library, algorithm, decoders."""
    import av
    import soundfile

    from tracktion.version import ALGORITHM, __version__

    return {
        "library": __version__,
        "algorithm": ALGORITHM,
        "libsndfile": soundfile.__libsndfile_version__,
        "pyav": av.__version__,
    }
