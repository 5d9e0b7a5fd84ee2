"""Numbers of harmony and register for the mood estimator, from `TonalFeatures`."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tracktion.estimators.tonal_network import load_model

if TYPE_CHECKING:
    from tracktion.features.tonal import TonalFeatures

__all__ = ["harmony_numbers"]

Row = dict[str, float]
CONTEXT = 9
TRIADS = {"major": (0, 4, 7), "minor": (0, 3, 7), "diminished": (0, 3, 6), "augmented": (0, 4, 8)}
# Krumhansl and Kessler (1982); Temperley (1999).
PROFILES = {
    "krumhansl": (
        (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
        (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
    ),
    "temperley": (
        (5.0, 2.0, 3.5, 2.0, 4.5, 4.0, 2.0, 4.5, 2.0, 3.5, 1.5, 4.0),
        (5.0, 2.0, 3.5, 4.5, 2.0, 4.0, 2.0, 4.5, 3.5, 2.0, 1.5, 4.0),
    ),
}


def harmony_numbers(tonal: TonalFeatures | None, start_seconds: float, end_seconds: float) -> Row:
    """Name → value of the stretch between two times.

    Parameters
    ----------
    tonal
        None counts as nothing tonal.
    start_seconds, end_seconds
        Stretch of the recording.
    """
    pitches = np.zeros((1, 72))
    if tonal is not None and len(tonal.pitches):
        times = np.arange(len(tonal.pitches)) * tonal.hop_seconds
        inside = tonal.pitches[(times >= start_seconds) & (times < end_seconds)]
        pitches = inside.astype(np.float64) if len(inside) else pitches
    if pitches.sum() <= 0:
        pitches = np.full_like(pitches, 1e-6)
    chroma = pitches.reshape(len(pitches), -1, 12).sum(axis=1)
    row: Row = {}
    _register(row, pitches)
    tonic = _keys(row, chroma)
    _mode(row, pitches)
    _intervals(row, chroma, pitches, tonic)
    _chords(row, chroma / (chroma.sum(axis=1, keepdims=True) + 0.5))
    return row


def _register(row: Row, pitches: NDArray[np.float64]) -> None:
    total, place = pitches.sum(axis=1), np.arange(pitches.shape[1])
    mean = pitches.mean(axis=0)
    whole = mean.sum()
    row["salience"] = float(np.log(total.mean() + 0.1))
    row["salience_variation"] = float(total.std() / (total.mean() + 0.1))
    row["polyphony"] = float((pitches > 0.5).sum(axis=1).mean())
    row["empty"] = float((total < 1.0).mean())
    centre = float(mean @ place / whole)
    row["pitch_mean"] = centre
    row["pitch_spread"] = float(np.sqrt(max(mean @ place**2 / whole - centre**2, 0.0)))
    weight = total + 1e-6
    moving = pitches @ place / weight
    row["pitch_motion"] = float(np.sqrt(np.average((moving - np.average(moving, weights=weight)) ** 2, weights=weight)))
    for octave in range(6):
        row[f"pitch_octave{octave}"] = float(mean[12 * octave : 12 * octave + 12].sum() / whole)
    strong = pitches > np.maximum(0.5 * pitches.max(axis=1, keepdims=True), 0.3)
    heard = strong.any(axis=1)
    row["pitch_lowest"] = float(strong.argmax(axis=1)[heard].mean()) if heard.any() else 30.0
    row["pitch_highest"] = float(71 - strong[:, ::-1].argmax(axis=1)[heard].mean()) if heard.any() else 40.0
    new = np.clip(np.diff(pitches, axis=0), 0.0, None).sum(axis=1).mean() if len(pitches) > 1 else 0.0
    row["new_pitches"] = float(new / (total.mean() + 0.1))


@functools.cache
def _templates(name: str) -> NDArray[np.float64]:
    rows = []
    for profile in PROFILES[name]:
        p = np.array(profile)
        rows += [np.roll((p - p.mean()) / p.std(), k) for k in range(12)]
    return np.array(rows) / 12.0


def _standard(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((x - x.mean(axis=-1, keepdims=True)) / (x.std(axis=-1, keepdims=True) + 1e-6))


def _keys(row: Row, chroma: NDArray[np.float64]) -> int:
    """Correlations with the 24 keys, over all and in running windows; returns the tonic."""
    reach = min(CONTEXT, len(chroma))
    total = np.cumsum(np.pad(chroma, ((reach // 2 + 1, reach - 1 - reach // 2), (0, 0)), mode="edge"), axis=0)
    local = _standard(total[reach:] - total[:-reach])
    tonic = 0
    for name in PROFILES:
        match = _templates(name) @ _standard(chroma.mean(axis=0))
        major, minor = match[:12].max(), match[12:].max()
        tonic = int(match[:12].argmax() if major > minor else match[12:].argmax())
        odds = np.exp(12.0 * match)
        ranked = np.sort(match)
        row[f"{name}_major"], row[f"{name}_minor"], row[f"{name}_mode"] = (
            float(major),
            float(minor),
            float(major - minor),
        )
        row[f"{name}_clarity"] = float(ranked[-1] - ranked[-2])
        row[f"{name}_major_odds"] = float(odds[:12].sum() / odds.sum())
        matches = local @ _templates(name).T
        chance = np.exp(8.0 * matches)
        chance /= chance.sum(axis=1, keepdims=True)
        whole = chance.mean(axis=0)
        row[f"{name}_local_major"] = float(chance[:, :12].sum(axis=1).mean())
        row[f"{name}_local_clarity"] = float(matches.max(axis=1).mean())
        row[f"{name}_local_entropy"] = float(-(chance * np.log(chance + 1e-9)).sum(axis=1).mean())
        row[f"{name}_entropy"] = float(-(whole * np.log(whole + 1e-9)).sum())
    return tonic


def _mode(row: Row, pitches: NDArray[np.float64]) -> None:
    """Major against minor, as a key network hears it: over all, at best, on the same tonic, and moment by moment."""
    piece, moments = load_model("mode").log_chances(np.ascontiguousarray(pitches, np.float32))
    major, minor = piece[:12], piece[12:]
    tonic = int(piece.argmax()) % 12
    row["mode_odds"] = float(np.log(np.exp(major).sum() + 1e-3) - np.log(np.exp(minor).sum() + 1e-3))
    row["mode_best"] = float(major.max() - minor.max())
    row["mode_parallel"] = float(major[tonic] - minor[tonic])
    row["mode_moments"] = float(np.exp(moments[:, :12]).sum(axis=1).mean())


def _intervals(row: Row, chroma: NDArray[np.float64], pitches: NDArray[np.float64], tonic: int) -> None:
    shares = chroma / (chroma.sum(axis=1, keepdims=True) + 0.5)
    whole = chroma.mean(axis=0) / (chroma.mean(axis=0).sum() + 1e-12)
    degrees = np.roll(whole, -tonic)
    for name, value in {
        "third": degrees[4] - degrees[3],
        "sixth": degrees[9] - degrees[8],
        "seventh": degrees[11] - degrees[10],
        "flat_second": degrees[1],
        "tritone": degrees[6],
        "fifth": degrees[7],
        "tonic": degrees[0],
    }.items():
        row[f"degree_{name}"] = float(value)
    row["chroma_entropy"] = float(-(whole * np.log(whole + 1e-9)).sum())
    row["chroma_local_entropy"] = float(-(shares * np.log(shares + 1e-9)).sum(axis=1).mean())
    change = np.abs(np.diff(shares, axis=0)).sum(axis=1) if len(shares) > 1 else np.zeros(1)
    row["harmonic_change"], row["harmonic_change_std"] = float(change.mean()), float(change.std())
    power = np.square(shares).sum(axis=1) + 1e-3
    for i in range(1, 7):
        row[f"interval{i}"] = float(((shares * np.roll(shares, -i, axis=1)).sum(axis=1) / power).mean())
        row[f"interval_overall{i}"] = float((whole * np.roll(whole, -i)).sum() / (np.square(whole).sum() + 1e-12))
    root = np.sqrt(pitches)
    norm = np.square(root).sum() + 1e-12
    for name, i in {"semitone": 1, "tone": 2, "fifth": 7, "octave": 12}.items():
        row[f"clash_{name}"] = float(np.log((root[:, i:] * root[:, :-i]).sum() / norm + 1e-3))


def _chords(row: Row, shares: NDArray[np.float64]) -> None:
    score = {}
    for name, triad in TRIADS.items():
        members = np.stack([np.roll(shares, -i, axis=1) for i in triad])
        score[name] = np.log(members.min(axis=0).max(axis=1) + 0.01)
    best = np.maximum(score["major"], score["minor"])
    row["chord_mode"] = float((score["major"] - score["minor"]).mean())
    row["chord_major_share"] = float((score["major"] > score["minor"]).mean())
    row["chord_clarity"] = float(best.mean())
    row["chord_diminished"] = float((score["diminished"] - best).mean())
    row["chord_augmented"] = float((score["augmented"] - best).mean())
