"""Twin of ``_stft``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfft

__all__ = ["stft_magnitude", "stft_tables"]

LANES = 8


def stft_tables(width: int) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return `turn`, `half` and `work` for windows of `width` samples: roots of unity (real, imaginary) and scratch."""
    m = width // 2
    turn = np.exp(-2j * np.pi * np.arange(m) / max(m, 1)).astype(np.complex64).view(np.float32)
    half = np.exp(-1j * np.pi * np.arange(m // 2 + 1) / max(m, 1)).astype(np.complex64).view(np.float32)
    raw = np.zeros((4 * m + 4) * LANES + 16, np.float32)
    offset = (-raw.ctypes.data % 64) // 4
    return turn, half, raw[offset : offset + (4 * m + 4) * LANES]


def stft_magnitude(
    samples: NDArray[np.float32],
    hop: int,
    window: NDArray[np.float32],
    turn: NDArray[np.float32],
    half: NDArray[np.float32],
    work: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """Write ``|rfft(frame * window)|`` of frames that start `hop` samples apart to `out`."""
    frames, width = len(out), len(window)
    m = width // 2
    if width != 2 * m or m < 1 or m & (m - 1):
        raise ValueError("the window must be a power of two long, at least 2")
    if hop < 1:
        raise ValueError("hop must be positive")
    if out.shape[1] != m + 1:
        raise ValueError("out must have one column per bin")
    if len(turn) != 2 * m or len(half) != 2 * (m // 2) + 2 or len(work) < (4 * m + 4) * LANES:
        raise ValueError("tables or work of the wrong size: use stft_tables of the same window")
    if frames == 0:
        return
    if (frames - 1) * hop + width > len(samples):
        raise ValueError("not enough samples for the frames")
    cut = np.lib.stride_tricks.sliding_window_view(samples, width)[::hop][:frames]
    np.abs(rfft(cut * window, axis=1), out=out)
