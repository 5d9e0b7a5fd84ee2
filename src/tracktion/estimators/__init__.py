"""Features in, results out; `estimate_all` runs them in the order in which they build on each other."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from tracktion.results.analysis import Analysis
from tracktion.results.rhythm import Rhythm

if TYPE_CHECKING:
    from tracktion.features.stream import Features

__all__ = ["estimate_all"]

ANSWERS = {
    "rhythm": ("tempo", "beats", "downbeats", "grid"),
    "tonal": ("key",),
    "mood": ("mood",),
    "structure": ("structure",),
}


def estimate_all(
    features: Features,
    *,
    parts: Collection[str],
    bpm_range: tuple[float, float] | None = None,
    tempo_prior: Any = None,
    notes: dict[str, str] | None = None,
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
    """
    said = dict(notes or {})
    found: dict[str, Any] = {}
    reason = features.unanswerable
    if reason is None:
        rhythm = Rhythm()
        if features.rhythm is not None:
            from tracktion.estimators.rhythm import estimate_rhythm

            rhythm = estimate_rhythm(features, bpm_range=bpm_range, prior=tempo_prior)
        key, key_notes = None, {}
        if features.tonal is not None:
            from tracktion.estimators.tonal import estimate_key

            key, key_notes = estimate_key(features)
        if "rhythm" in parts:
            found |= {"tempo": rhythm.tempo, "beats": rhythm.beats, "downbeats": rhythm.downbeats, "grid": rhythm.grid}
            said |= rhythm.notes
        if "tonal" in parts:
            found["key"] = key
            said |= key_notes
        if "mood" in parts:
            from tracktion.estimators.mood import estimate_mood

            found["mood"], mood_notes = estimate_mood(features, tempo=rhythm.tempo, beats=rhythm.beats, key=key)
            said |= mood_notes
        if "structure" in parts:
            from tracktion.estimators.structure import estimate_structure

            found["structure"], structure_notes = estimate_structure(features, beats=rhythm.beats)
            said |= structure_notes
        if "fingerprint" in parts and features.fingerprint is not None:
            found["fingerprint"] = features.fingerprint.encode()
    else:
        said |= {name: reason for part, names in ANSWERS.items() if part in parts for name in names}
    if "loudness" in parts and features.level is not None:
        from tracktion.estimators.loudness import estimate_loudness

        found["loudness"], loudness_notes = estimate_loudness(features)
        said |= loudness_notes
    return Analysis(
        duration=features.duration,
        sample_rate=features.sample_rate,
        channels=features.channels,
        notes=said,
        versions=versions(),
        **found,
    )


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
