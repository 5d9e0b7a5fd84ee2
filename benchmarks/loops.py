"""Is a plain loop heard at its tempo, and not at half or double of it?

``python -m benchmarks.loops``

Ten patterns of a drum machine, synthesised here (no training piece is made of these sounds), at 13 tempi each. Printed
is the ratio of the tempo that was heard to the tempo that was programmed. Slow patterns in sixteenths and fast ones
without anything between the beats are open to two readings; the others are not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import tracktion

RATE, SECONDS = 44_100, 20.0
TEMPI = (60, 70, 80, 90, 100, 110, 120, 128, 140, 150, 160, 174, 190)
STEPS = 16
EIGHTHS = tuple(range(0, STEPS, 2))
QUARTERS = (0, 4, 8, 12)
BACK = (4, 12)
PATTERNS: dict[str, dict[str, tuple[int, ...]]] = {
    "clicks": {"click": QUARTERS},
    "kick on four": {"kick": QUARTERS},
    "house": {"kick": QUARTERS, "hat": (2, 6, 10, 14), "clap": BACK},
    "techno": {"kick": QUARTERS, "hat": tuple(range(STEPS))},
    "rock, eighths": {"kick": (0, 8), "snare": BACK, "hat": EIGHTHS},
    "rock, quarters": {"kick": (0, 8, 10), "snare": BACK, "hat": QUARTERS},
    "break": {"kick": (0, 2, 10, 11), "snare": (*BACK, 7, 15), "hat": EIGHTHS},
    "drum and bass": {"kick": (0, 10), "snare": BACK, "hat": EIGHTHS},
    "trap": {"kick": (0, 7, 10), "snare": (8,), "hat": tuple(range(STEPS))},
    "funk": {"kick": (0, 3, 6, 10), "snare": BACK, "hat": tuple(range(STEPS))},
}
LOUDNESS = {"click": 1.0, "kick": 1.0, "snare": 0.8, "hat": 0.35, "clap": 0.7}
NEAR = 0.04
FloatArray = NDArray[np.float64]


def sounds(rng: np.random.Generator) -> dict[str, FloatArray]:
    """One hit of each instrument."""
    t = np.arange(int(0.25 * RATE)) / RATE
    noise = rng.normal(0, 0.5, len(t))
    return {
        "click": np.sin(2 * np.pi * 1000 * t) * np.exp(-120 * t),
        "kick": np.sin(2 * np.pi * (50 * t + 10 * (1 - np.exp(-30 * t)))) * np.exp(-14 * t),
        "snare": noise * np.exp(-22 * t) + 0.5 * np.sin(2 * np.pi * 190 * t) * np.exp(-18 * t),
        "hat": np.diff(noise, prepend=0.0) * np.exp(-70 * t),
        "clap": noise * np.exp(-30 * t),
    }


def loop(pattern: dict[str, tuple[int, ...]], bpm: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """The pattern, over and over [shape (SECONDS * RATE,)]."""
    hits = sounds(rng)
    step, size = 60 / bpm / 4, int(SECONDS * RATE)
    out = np.zeros(size + RATE)
    for bar in range(int(SECONDS / (STEPS * step)) + 1):
        for name, places in pattern.items():
            for place in places:
                at = int((bar * STEPS + place) * step * RATE)
                if at < size:
                    out[at : at + len(hits[name])] += LOUDNESS[name] * hits[name]
    return np.asarray(0.7 * out[:size] / np.abs(out).max(), np.float32)


def main() -> None:
    """Print the table."""
    analyzer = tracktion.Analyzer(compute=("rhythm",))
    rng = np.random.default_rng(0)
    right = 0
    print(f"| pattern | {' | '.join(map(str, TEMPI))} |\n|---|{'---:|' * len(TEMPI)}")
    for name, pattern in PATTERNS.items():
        ratios = []
        for bpm in TEMPI:
            tempo = analyzer.analyze((loop(pattern, bpm, rng), RATE)).tempo
            ratios.append(tempo.bpm / bpm if tempo else float("nan"))
        right += sum(abs(ratio - 1) < NEAR for ratio in ratios)
        cells = ("·" if abs(ratio - 1) < NEAR else f"{ratio:.2g}" for ratio in ratios)
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    print(f"\n{right} of {len(PATTERNS) * len(TEMPI)} at the programmed tempo")


if __name__ == "__main__":
    main()
