"""What listeners tend to feel: a small learned regressor over `tracktion.estimators.mood_features`.

Two parts share the prediction: Gaussian-process regression (likeness to excerpts that people have judged) and a ridge
fitted to differences within each corpus (direction: more onsets, more excited, wherever one starts). For valence, both
give major against minor, as the key network hears it, more weight than other numbers. They see windows of about 15 s;
a recording's answer is the mean over its windows. Trained by training/mood/train.py; the data and what the numbers mean
are in docs/explanation/mood.md.
"""

from __future__ import annotations

import functools
import importlib.resources
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from tracktion.estimators.mood_features import mood_numbers
from tracktion.results.mood import EMOTIONS, Mood

if TYPE_CHECKING:
    from tracktion.estimators.mood_features import Table
    from tracktion.features.stream import Features
    from tracktion.results.key import Key
    from tracktion.results.rhythm import Beats, Tempo

__all__ = ["estimate_mood"]

Array = NDArray[np.float64]
NODES, NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(15)

# Signed numbers whose standard scores are averaged; see docs/explanation/mood.md.
ENERGY = {
    "flux_mean": 1,
    "bursts": 1,
    "onset_strength": 1,
    "valley4": 1,
    "centroid_mean": 1,
    "level_low": 1,
    "tonal_share": -1,
}
DANCEABILITY = {
    "pulse_max": 1,
    "pulse_std": 1,
    "flux_band_std0": 1,
    "modulation_low2": 1,
    "modulation_middle3": 1,
    "gap_variation": -1,
    "level_slow_std": -1,
}
DANCE_BPM, DANCE_OCTAVES = 118.0, 0.3


class _Model(NamedTuple):
    names: tuple[str, ...]
    targets: tuple[str, ...]
    mean: Array
    scale: Array
    support: Array
    inverse: Array
    alpha: Array
    offset: Array
    linear: Array
    slope: Array
    residual: Array
    emphasis: Array
    emphasised: Array
    quantiles: Array
    width: float
    clip: float
    linear_share: float


@functools.cache
def _model() -> _Model:
    file = importlib.resources.files("tracktion.estimators") / "data" / "mood.npz"
    with file.open("rb") as stream, np.load(stream, allow_pickle=False) as data:
        fields: dict[str, Any] = {}
        for name in _Model._fields:
            value = data[name]
            if value.dtype.kind == "U":
                fields[name] = tuple(str(v) for v in value)
            else:
                fields[name] = float(value) if value.ndim == 0 else value.astype(np.float64)
        return _Model(**fields)


def estimate_mood(
    features: Features, *, tempo: Tempo | None = None, beats: Beats | None = None, key: Key | None = None
) -> tuple[Mood | None, dict[str, str]]:
    """Valence, arousal, felt emotions, energy and danceability.

    Parameters
    ----------
    features
        With `timbre` and `tonal`.
    tempo
        Danceability favours tempi near 118 BPM (or half or twice that) when it is known.
    beats
        How sure the beats are weighs in danceability.
    key
        Not used: mode is heard from the pitches themselves.

    Returns
    -------
    mood, notes
        None with the reason under ``mood`` when nothing sounds.
    """
    del key
    if features.timbre is None:
        return None, {"mood": "no timbre features were extracted"}
    table = mood_numbers(features)
    if table is None:
        return None, {"mood": features.unanswerable or "less than a second of sound"}
    notes = {} if features.tonal is not None else {"mood": "estimated without tonal features, hence less surely"}
    model = _model()
    latent, spread = _latent(model, np.stack([table[name] for name in model.names], axis=1))
    below = ndtr(latent / np.sqrt(1.0 + spread**2))
    # Probability that listeners would place it on this side of the middle.
    sure = ndtr(np.abs(latent) / spread)
    confidence = dict(zip(model.targets, (float(v) for v in sure), strict=True))
    axis = {name: float(2.0 * below[model.targets.index(name)] - 1.0) for name in ("valence", "arousal")}
    energy, energy_sure = _scale(model, table, ENERGY)
    dance, dance_sure = _scale(model, table, DANCEABILITY)
    return Mood(
        valence=axis["valence"],
        arousal=axis["arousal"],
        tags=_tags(model, latent, spread),
        energy=energy,
        danceability=dance * _tempo_fit(tempo, beats),
        confidence=confidence | {"energy": energy_sure, "danceability": dance_sure},
    ), notes


def _latent(model: _Model, x: Array) -> tuple[Array, Array]:
    """Expected normal score of each target, and its standard deviation [both (targets,)]."""
    z = np.clip((x - model.mean) / model.scale, -model.clip, model.clip)
    k = _likeness(model, z, model.support)
    stressed = _likeness(model, z * model.emphasis, model.support * model.emphasis)
    likeness = np.where(model.emphasised, stressed @ model.alpha, k @ model.alpha) + model.offset
    direction = z @ model.linear
    blended = (1.0 - model.linear_share) * likeness + model.linear_share * direction
    unfamiliar = np.clip(1.0 - np.einsum("ij,jk,ik->i", k, model.inverse, k), 0.0, 1.0).mean()
    return model.slope * blended.mean(axis=0), model.residual * np.sqrt(1.0 + unfamiliar)


def _likeness(model: _Model, a: Array, b: Array) -> Array:
    """Radial kernel of standardised numbers [shape (len(a), len(b))]."""
    squares = np.square(a).sum(axis=1)[:, None] + np.square(b).sum(axis=1) - 2.0 * a @ b.T
    return np.asarray(np.exp(-model.width / a.shape[1] * np.maximum(squares, 0.0)))


def _tags(model: _Model, latent: Array, spread: Array) -> dict[str, float]:
    """Expected share of listeners: the normal score's distribution through the quantiles of the judged excerpts."""
    steps = np.linspace(0.0, 1.0, model.quantiles.shape[1])
    tags = {}
    for i, emotion in enumerate(EMOTIONS):
        j = model.targets.index(emotion)
        shares = np.interp(ndtr(latent[j] + spread[j] * NODES), steps, model.quantiles[i])
        tags[emotion] = float(np.clip(shares @ NODE_WEIGHTS / NODE_WEIGHTS.sum(), 0.0, 1.0))
    return tags


def _scale(model: _Model, table: Table, signs: dict[str, int]) -> tuple[float, float]:
    """Place of the recording among the judged excerpts, 0 to 1, and how well its windows agree, 0 to 1."""
    place = {name: i for i, name in enumerate(model.names)}
    scores = [
        sign * np.clip((table[name] - model.mean[place[name]]) / model.scale[place[name]], -model.clip, model.clip)
        for name, sign in signs.items()
    ]
    windows = ndtr(np.mean(scores, axis=0) * np.sqrt(len(signs)) / 1.5)
    value = float(windows.mean())
    return value, float(np.clip(1.0 - 2.0 * windows.std(), 0.0, 1.0))


def _tempo_fit(tempo: Tempo | None, beats: Beats | None) -> float:
    """0.6 to 1: how near the tempo is to what people dance to, as far as it is known."""
    if tempo is None:
        return 0.8
    octaves = np.log2(tempo.bpm / DANCE_BPM)
    octaves = min(abs(octaves), abs(octaves - 1.0), abs(octaves + 1.0))
    near = float(np.exp(-0.5 * (octaves / DANCE_OCTAVES) ** 2))
    sure = beats.confidence if beats is not None else tempo.confidence
    return 0.8 + 0.2 * (2.0 * near - 1.0) * float(np.clip(sure, 0.0, 1.0))
