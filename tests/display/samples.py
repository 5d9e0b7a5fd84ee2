"""Results with every part filled in, for looking at and for testing displays, plots and exports."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from tracktion.results.analysis import Analysis
from tracktion.results.key import KEY_NAMES, Key, KeyCandidate, KeySegment
from tracktion.results.loudness import Loudness
from tracktion.results.mood import EMOTIONS, Mood
from tracktion.results.rhythm import BeatGrid, Beats, GridSegment, Tempo, TempoCandidate
from tracktion.results.structure import Segment, Structure
from tracktion.results.tags import Tags


def analysis(*, duration: float = 214.0, bpm: float = 123.98, **changes: Any) -> Analysis:
    """A whole analysis of a piece that modulates."""
    grid = BeatGrid((GridSegment(0.0, duration, bpm, 0.31, 4, 0),))
    times = np.arange(0.0, duration, 0.5)
    rng = np.random.default_rng(1)
    energy = np.clip(0.3 + 0.5 * np.sin(times / duration * np.pi) ** 0.5 + rng.normal(0, 0.08, len(times)), 0, 1)
    energy[: int(len(energy) * 0.1)] *= 0.4
    bounds = [0.0, *(duration * np.array([0.11, 0.34, 0.52, 0.78, 0.93])), duration]
    over_time = (
        KeySegment(0.0, duration * 0.7, "F# minor", 0.8),
        KeySegment(duration * 0.7, duration, "A major", 0.6),
    )
    values: dict[str, Any] = {
        "duration": duration,
        "sample_rate": 44100,
        "channels": 2,
        "source": "/music/Ann/First & Last/03 One <more> time.flac",
        "tempo": Tempo(
            bpm,
            0.93,
            (
                TempoCandidate(bpm, 0.8, "1"),
                TempoCandidate(bpm / 2, 0.12, "1/2"),
                TempoCandidate(bpm * 2 / 3, 0.03, "2/3"),
            ),
            0.97,
            times,
            bpm + np.sin(times / 17) * 0.8 + rng.normal(0, 0.1, len(times)),
        ),
        "beats": Beats(grid.beats(), 0.95),
        "downbeats": Beats(grid.beats()[::4], 0.9),
        "grid": grid,
        "key": Key(
            "F#",
            "minor",
            0.84,
            KeyCandidate("A major", 0.09),
            0.75,
            (KeyCandidate("F# minor", 0.84), KeyCandidate("A major", 0.09)),
            441.2,
            over_time,
        ),
        "mood": Mood(-0.21, 0.64, dict.fromkeys(EMOTIONS, 0.2), 0.7, 0.8, {"valence": 0.4, "arousal": 0.7}),
        "loudness": Loudness(-9.3, 6.1, -0.4, -0.6, -8.7, 0.93, -6.5, -7.9),
        "structure": Structure(
            0.1,
            1.2,
            bounds[1],
            bounds[-2],
            tuple(Segment(a, b, 0.5) for a, b in itertools.pairwise(bounds)),
            times,
            energy,
        ),
        "tags": Tags(artist="Ann & the Others", title="One <more> time", album="First & Last", year=1999),
        "format": "flac",
        "codec": "FLAC",
        "decoder": "libsndfile",
        "notes": {"truncated": "ends 0.3 s before its header says <b>"},
    }
    return Analysis(**(values | changes))


def every_key() -> list[Analysis]:
    """One analysis for each of the 24 keys."""
    keys = [Key.parse(name) for name in KEY_NAMES]
    return [analysis(key=key) for key in keys]
