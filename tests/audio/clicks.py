"""One click track, whose encodings lie in tests/data/clicks; see make.py there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FOLDER = Path(__file__).parent.parent / "data" / "clicks"
SAMPLE_RATE = 44100
SECONDS = 2.0


def click_track() -> NDArray[np.float32]:
    """Mono [shape (n,)]: four bursts of 10 ms, no two at the same distance."""
    samples = np.zeros(round(SECONDS * SAMPLE_RATE), dtype=np.float32)
    burst = np.arange(441)
    sound = 0.8 * np.sin(2 * np.pi * 1500 * burst / SAMPLE_RATE) * np.exp(-burst / 70)
    for seconds in (0.31, 0.70, 1.13, 1.59):
        start = round(seconds * SAMPLE_RATE)
        samples[start : start + len(burst)] += sound.astype(np.float32)
    return samples


def lateness_ms(samples: NDArray[np.float32], sample_rate: int) -> float:
    """Milliseconds by which the click track in `samples` [shape (n,)] is late, by cross-correlation."""
    rate = 4 * SAMPLE_RATE
    given = _at(samples, sample_rate, rate)
    original = _at(click_track(), SAMPLE_RATE, rate)
    size = len(given) + len(original)
    product = np.fft.rfft(given, size) * np.conj(np.fft.rfft(original, size))
    peak = int(np.argmax(np.fft.irfft(product, size)))
    return 1000.0 * (peak - size if peak > size // 2 else peak) / rate


def _at(samples: NDArray[np.float32], sample_rate: int, rate: int) -> NDArray[np.float64]:
    times = np.arange(int(len(samples) * rate / sample_rate)) * sample_rate / rate
    return np.interp(times, np.arange(len(samples)), samples)
