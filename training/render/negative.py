"""Sound without a beat, so that the network learns to say nothing: noises, drones, scattered hits, babble."""

import numpy as np
from scipy.signal import lfilter

from training.render.bank import RATE
from training.render.score import Score
from training.render.synth import DrumSet, Patch, lay


def negative(rng, bank, seconds):
    """(audio, score without beats)."""
    size = round(seconds * RATE)
    out = np.zeros(size, np.float32)
    kind = rng.choice(["noise", "drone", "scatter", "babble"], p=[0.35, 0.2, 0.25, 0.2])
    if kind == "noise":
        colour = rng.uniform(0, 0.999)
        out = lfilter([1], [1, -colour], rng.normal(0, 1, size))
        if rng.random() < 0.5:
            knots = np.exp(rng.normal(0, 1, max(3, int(seconds * rng.uniform(0.05, 1.5)))))
            out = out * np.interp(np.arange(size), np.linspace(0, size, len(knots)), knots)
    elif kind == "drone":
        for _ in range(int(rng.integers(1, 6))):
            hz = np.exp(rng.uniform(np.log(50), np.log(2000)))
            wave = np.sin(2 * np.pi * hz * np.arange(size) / RATE + rng.uniform(0, 6))
            out = out + np.tanh(wave * rng.uniform(0.5, 4)) * rng.uniform(0.1, 1)
        out = out + rng.normal(0, 10 ** rng.uniform(-4, -1), size)
    elif kind == "scatter":
        kit = DrumSet(rng, bank, 0.5)
        for start in np.cumsum(rng.exponential(1 / np.exp(rng.uniform(np.log(0.3), np.log(8))), 400)):
            if start < seconds:
                lay(
                    out, kit.sample(int(rng.choice([36, 38, 42, 45, 49, 56, 76])), 100), start, 1.0, rng.uniform(0.2, 1)
                )
    else:
        patch, now = Patch(rng, bank, "voice"), 0.0
        while now < seconds:
            length = float(rng.uniform(0.06, 0.35))
            lay(out, patch.sample(int(rng.integers(42, 66))), now, length, rng.uniform(0.3, 1))
            now += length + (float(rng.exponential(0.6)) if rng.random() < 0.2 else float(rng.uniform(0.0, 0.08)))
    audio = np.asarray(out, np.float32)
    audio = 0.5 * audio / (np.abs(audio).max() + 1e-9) + rng.normal(0, 1e-4, size).astype(np.float32)
    return audio.astype(np.float32), Score([], np.empty(0), np.empty(0), 4, f"no beat: {kind}", None, seconds)
