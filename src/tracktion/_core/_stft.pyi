"""Magnitudes of short-time Fourier transforms, eight frames at a time."""

import numpy as np
from numpy.typing import NDArray

def stft_magnitude(
    samples: NDArray[np.float32],
    hop: int,
    window: NDArray[np.float32],
    turn: NDArray[np.float32],
    half: NDArray[np.float32],
    work: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """Write ``|rfft(frame * window)|`` of frames, `hop` samples apart, to `out` [shape (frames, width / 2 + 1)].

    `window` is a power of two long; `turn`, `half` and `work` come from ``stft_tables(width)``; `work` is
    scratch that one thread at a time may use. Stockham's self-sorting transform, one frame per vector lane.
    """
