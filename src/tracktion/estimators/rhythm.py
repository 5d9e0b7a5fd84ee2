"""Features → tempo, beats, downbeats and beat grid.

A small network (network.py) says how likely a beat and a downbeat are in each frame, and how likely each tempo; dynamic
programming (beats.py) finds the best sequence of beats under both; half and twice their tempo are weighed against it
(levels.py), and the beats found again where one of them wins; a straight line is fitted where the tempo is
constant (grid.py), which makes it exact.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tracktion.errors import UsageError
from tracktion.estimators.beats import decode_bars, decode_beats, interval_prior
from tracktion.estimators.grid import Line, evened, fit_line, loop_line, segments, subframe
from tracktion.estimators.levels import FACTORS, level_odds, reweighted
from tracktion.estimators.network import Activations, activations, weights
from tracktion.estimators.stretches import Stretch, common_bpm, on_stretches, stretches
from tracktion.estimators.tempo import (
    HIGHEST_BPM,
    LOWEST_BPM,
    candidates,
    evidence,
    fold,
    probability,
    readings,
    stability,
    tempo_curve,
)
from tracktion.features.rhythm import widen
from tracktion.features.tap import FRAME_RATE
from tracktion.results.base import frozen_array
from tracktion.results.rhythm import BeatGrid, Beats, Rhythm, Tempo

if TYPE_CHECKING:
    from tracktion.features.stream import Features

__all__ = ["estimate_rhythm", "listen", "plain_bpm", "tempo_prior"]

FloatArray = NDArray[np.float64]
Prior = Callable[[FloatArray], FloatArray]

SHORTEST_SECONDS = 1.5
LOOP_SECONDS, LOOP_ROUNDS, LOOP_FLOOR = 6.0, 4, 0.3
"""A bar or two are heard as a loop, several rounds of it: the network listens to 20 s. The beats of one sound alone,
round and round, have a mean probability below the floor."""
FEWEST = 4
SAME_TEMPO = 0.05
HEAD_WEIGHT = 0.02
HEAD_FLOOR = 1e-4
HEAD_SPREAD = np.ones(5)
"""Fast tempi have few intervals in whole frames: each takes in the neighbouring tempi."""
BEAT_FLOOR = 0.15
"""Mean probability at the beats below which there is no rhythm."""
LINE_SHARE = 0.8
EDGE_FLOOR = 10 ** (-60 / 20)
EDGE_FRAMES = 5
CLIFF, CLIFF_FRAMES = 10 ** (-25 / 20), 5
"""What an encoder smears behind the end of the music falls by so much within a tenth of a second."""
LAST_FRAMES = 3
"""Excerpts tend to end where the next beat would be; a beat needs some sound behind it."""
EARLY_SECONDS, EARLY_FRAMES = 0.03, 2
"""A beat at the very start may be heard so much before it."""
DOWNBEAT_SHIFT = 1.0


def listen(features: Features, *, workers: int = 1) -> Activations | None:
    """Run the network in so many threads; None where there is nothing to hear a rhythm in."""
    return activations(_rounds(features), workers=workers) if _mute(features) is None else None


def estimate_rhythm(
    features: Features,
    *,
    bpm_range: tuple[float, float] | None = None,
    prior: Prior | None = None,
    heard: Activations | None = None,
) -> Rhythm:
    """Estimate tempo, beats, downbeats and beat grid.

    Parameters
    ----------
    features
        With `rhythm`.
    bpm_range
        Fold the tempo into this range (BPM) by octaves, where that is possible.
    prior
        Weight of each tempo, given as BPM [shape (n,)]; replaces what the network holds likely.
    heard
        From `listen`, where that was done before.

    Returns
    -------
    Rhythm
        With None in place of what cannot be said, and the reason in its notes.

    Raises
    ------
    UsageError
        For an empty or reversed range, and for a prior that does not give one finite weight per tempo.
    """
    if bpm_range is not None and not 0 < bpm_range[0] < bpm_range[1]:
        raise UsageError(f"bpm_range must be two ascending positive tempi, not {bpm_range!r}")
    reason = _mute(features)
    if reason is not None:
        return _nothing(reason)
    bands = _rounds(features)
    heard = heard or activations(bands)
    audible = _audible(bands)
    frames = _within(decode_beats(heard.beat, tempo_prior(heard, prior)), audible)
    if len(frames) < FEWEST or _strength(heard.beat, frames) < BEAT_FLOOR:
        return _nothing("no beat stands out")
    bpm = wish = plain_bpm(frames / FRAME_RATE)
    if prior is None:
        odds = level_odds(bands, heard, subframe(frames, heard.beat, 1.0), bpm)
        heard, wish = reweighted(heard, bpm, odds), bpm * FACTORS[int(odds.argmax())]
    wish, notes = _in_range(wish, bpm_range)
    if abs(np.log(wish / bpm)) > SAME_TEMPO:
        moved = _within(decode_beats(heard.beat, _narrow_prior(wish)), audible)
        if len(moved) >= FEWEST * (LOOP_ROUNDS if bpm_range is not None and _is_loop(features.duration) else 1):
            frames = moved
        elif bpm_range is not None:
            notes = {"tempo": f"too short for beats of {wish:.0f} BPM, as bpm_range would have them"}
    if _is_loop(features.duration):
        heard, frames = _one_round(heard, frames, len(features.rhythm.bands))
        if len(frames) < FEWEST or _strength(heard.beat, frames) < LOOP_FLOOR:
            return _nothing(f"too short to hear a tempo in it: {features.duration:.1f} s")
    return _describe(features.duration, heard, frames, notes)


def _mute(features: Features) -> str | None:
    """Why there is nothing to hear a rhythm in, or None."""
    if features.rhythm is None:
        return "no rhythm features were made"
    if features.unanswerable is None and features.duration < SHORTEST_SECONDS:
        return f"too short to hear a tempo: {features.duration:.1f} s"
    return features.unanswerable


def _is_loop(duration: float) -> bool:
    return duration < LOOP_SECONDS


def _rounds(features: Features) -> NDArray[np.uint16]:
    """The levels, those of a loop several times in a row."""
    bands = features.rhythm.bands
    return np.tile(bands, (LOOP_ROUNDS, 1)) if _is_loop(features.duration) else bands


def _one_round(heard: Activations, frames: NDArray[np.int32], length: int) -> tuple[Activations, NDArray[np.int32]]:
    """The second round of a loop of `length` frames: what is before and after it is the loop too."""
    inside = slice(length, 2 * length)
    heard = replace(heard, beat=heard.beat[inside], downbeat=heard.downbeat[inside])
    first = inside.start - EARLY_FRAMES
    within = (frames >= first) & (frames < first + length)
    return heard, np.maximum(frames[within] - np.int32(length), 0)


def _in_range(bpm: float, bpm_range: tuple[float, float] | None) -> tuple[float, dict[str, str]]:
    """The tempo folded into the range, or as it is and a note that says why."""
    if bpm_range is None:
        return bpm, {}
    folded = fold(bpm, bpm_range)
    if folded is not None:
        return folded, {}
    return bpm, {"tempo": f"no octave of the tempo lies between {bpm_range[0]:g} and {bpm_range[1]:g} BPM"}


def _nothing(reason: str) -> Rhythm:
    return Rhythm(notes=dict.fromkeys(("tempo", "beats", "downbeats", "grid"), reason))


def _audible(bands: NDArray[np.uint16]) -> tuple[int, int]:
    """First and last frame above the floor; nobody taps to silence at either end."""
    loudest = widen(bands.max(axis=1))
    sounding = np.flatnonzero(loudest > EDGE_FLOOR * float(loudest.mean()))
    if len(sounding) == 0:
        return 0, -1
    first, last = int(sounding[0]), int(sounding[-1])
    while last - CLIFF_FRAMES > first and loudest[last] < CLIFF * loudest[last - CLIFF_FRAMES]:
        last -= 1
    return first, last


def _within(frames: NDArray[np.int32], audible: tuple[int, int]) -> NDArray[np.int32]:
    return frames[(frames >= audible[0] - EDGE_FRAMES) & (frames <= audible[1] - LAST_FRAMES)]


def tempo_prior(heard: Activations, prior: Prior | None) -> NDArray[np.float32]:
    """What the network, or the caller, holds likely, extended to all tempi."""
    bpm = np.concatenate([[LOWEST_BPM * 0.95], heard.bpm, [heard.bpm[-1] * 1.05]])
    if prior is None:
        weight = np.log(np.convolve(heard.tempo, HEAD_SPREAD, "same") + HEAD_FLOOR)
        weight = np.concatenate([[weight.min() - 1], weight, [weight.min() - 1]])
    else:
        given = np.asarray(prior(bpm), np.float64)
        if given.shape != bpm.shape or not np.all(np.isfinite(given)) or given.min() < 0 or given.max() <= 0:
            raise UsageError("a tempo prior must give one finite weight, 0 or more, for each tempo")
        weight = np.log(given / given.max() + HEAD_FLOOR)
    return interval_prior(bpm, HEAD_WEIGHT * (weight - weight.max()))


def _narrow_prior(bpm: float) -> NDArray[np.float32]:
    """Nothing but tempi near `bpm`."""
    tempi = np.geomspace(LOWEST_BPM * 0.95, HIGHEST_BPM * 1.05, 200)
    distance = np.abs(np.log(tempi / bpm))
    return interval_prior(tempi, -np.maximum(0.0, distance - 0.06) * 20.0)


def plain_bpm(times: FloatArray) -> float:
    """Tempo over stretches of eight beats: the mean of the middle half, which moves less than the median does."""
    span = min(8, len(times) - 1)
    lengths = np.sort(times[span:] - times[:-span])
    quarter = (len(lengths) - 1) // 4
    return float(60.0 * span / lengths[quarter : len(lengths) - quarter].mean())


def _strength(odds: NDArray[np.float32], frames: NDArray[np.int32]) -> float:
    """Mean probability at the beats."""
    return float(np.mean(_sureness(odds, frames)))


def _sureness(odds: NDArray[np.float32], frames: NDArray[np.int32]) -> FloatArray:
    """Probability at each beat."""
    return np.asarray(1.0 / (1.0 + np.exp(-_around(odds, frames))), np.float64)


def _around(odds: NDArray[np.float32], frames: NDArray[np.int32]) -> FloatArray:
    """Highest log odds within a frame of each beat."""
    padded = np.pad(odds, 1, constant_values=-30.0)
    return np.maximum(np.maximum(padded[frames], padded[frames + 1]), padded[frames + 2]).astype(np.float64)


def _describe(duration: float, heard: Activations, frames: NDArray[np.int32], notes: dict[str, str]) -> Rhythm:
    times = subframe(frames, heard.beat, FRAME_RATE)
    sure = _sureness(heard.beat, frames)
    line = (loop_line(times, sure, duration) if _is_loop(duration) else None) or fit_line(times, sure)
    position, metre = decode_bars(_around(heard.downbeat, frames) + DOWNBEAT_SHIFT)
    if line is not None and line.share >= LINE_SHARE:
        times, position = _on_line(line, times, position, metre, duration)
        held: tuple[Stretch, ...] = (Stretch(0, len(times), float(times[0]), line.period),)
    else:
        times = evened(times, sure)
        held = stretches(times)
        times = on_stretches(times, held)
    times = np.clip(times, 0.0, duration)
    bpm = float(np.clip(common_bpm(held, len(times)) or plain_bpm(times), LOWEST_BPM, HIGHEST_BPM))
    strength = float(np.mean(sure))
    found = readings(bpm, heard)
    hints = evidence(found, strength, line.share if line is not None else 0.0)
    curve_times, curve_bpm = tempo_curve(times)
    tempo = Tempo(
        bpm=bpm,
        confidence=probability(weights()["calibration_tempo"], hints),
        candidates=candidates(found),
        stability=stability(times),
        curve_times=frozen_array(curve_times),
        curve_bpm=frozen_array(curve_bpm),
    )
    return Rhythm(
        tempo=tempo,
        beats=Beats(frozen_array(times), confidence=probability(weights()["calibration_beats"], hints)),
        downbeats=Beats(frozen_array(times[position == 0]), confidence=_downbeat_confidence(heard, frames)),
        grid=BeatGrid(segments(times, position, metre, duration, held)),
        notes=notes,
    )


def _downbeat_confidence(heard: Activations, frames: NDArray[np.int32]) -> float:
    """Mean probability of the quarter of the beats that are most likely downbeats."""
    down = np.sort(_sureness(heard.downbeat, frames))
    return float(down[-max(1, len(down) // 4) :].mean())


def _on_line(
    line: Line, times: FloatArray, position: NDArray[np.int32], metre: int, duration: float
) -> tuple[FloatArray, NDArray[np.int32]]:
    """Beats at every step of the line between the first and last beat; bars by the majority of the decoded phases."""
    number = np.round((times - line.offset) / line.period).astype(int)
    first = max(int(number[0]), int(np.ceil((-EARLY_SECONDS - line.offset) / line.period)))
    last = min(int(number[-1]), int((duration - line.offset) // line.period))
    steps = np.arange(first, last + 1)
    downs = number[position == 0]
    phase = int(np.bincount(downs % metre, minlength=metre).argmax()) if len(downs) and metre else 0
    on_line = np.asarray(line.offset + steps * line.period, np.float64)
    return on_line, ((steps - phase) % max(metre, 1)).astype(np.int32)
