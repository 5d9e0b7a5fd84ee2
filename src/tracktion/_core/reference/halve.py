"""Twin of ``_halve``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["halve"]


def halve(samples: NDArray[np.float32], taps: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    """Filter and decimate by two."""
    pairs, n = len(taps), len(out)
    if not 1 <= pairs <= 64:
        raise ValueError("a half-band filter has 1 to 64 pairs of taps")
    if n == 0:
        return
    if len(samples) < 2 * n + 4 * pairs - 3:
        raise ValueError("not enough samples for the output")
    centre = 2 * pairs - 1
    out[:] = np.float32(0.5) * samples[centre:][: 2 * n : 2]
    for k, tap in enumerate(taps):
        out += tap * (samples[centre - 1 - 2 * k :][: 2 * n : 2] + samples[centre + 1 + 2 * k :][: 2 * n : 2])
