"""Half the sample rate."""

import numpy as np
from numpy.typing import NDArray

def halve(samples: NDArray[np.float32], taps: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    """Filter and decimate by two.

    Writes ``out[i] = samples[2i + 2p - 1] / 2 + Σ taps[k] (samples[2i + 2p - 2 - 2k] + samples[2i + 2p + 2k])`` for
    `p` pairs of `taps`, nearest to the centre first. `samples` needs ``2 len(out) + 4 p - 3`` entries.
    """
