"""Dynamic programmes over beats and bars."""

import numpy as np
from numpy.typing import NDArray

def beat_path(
    odds: NDArray[np.float32], prior: NDArray[np.float32], shortest: int, cost: NDArray[np.float32]
) -> NDArray[np.int32]:
    """Frames of the best sequence of beats, ascending.

    A bar-pointer model (Krebs, Böck and Widmer, ISMIR 2015) reduced to its beats: each beat at frame t gains
    ``odds[t]`` and, for an interval of ``shortest + k`` frames, ``prior[k]``; from an interval k + d - reach to k it
    pays ``cost[d, k]`` [shape (2 * reach + 1, intervals)]. Before the first and after the last beat less than an
    interval may pass.
    """

def bar_path(
    odds: NDArray[np.float32], metres: NDArray[np.int32], prior: NDArray[np.float32], slip: float, change: float
) -> NDArray[np.int32]:
    """State of each beat, where states count through the positions of each metre in turn.

    A downbeat (position 0) gains its `odds`, each beat the `prior` of its metre. Positions follow each other; a jump
    within the metre pays `slip`, one to another metre `change`.
    """
