from numpy import float32, int32
from numpy.typing import NDArray

def band_powers(
    magnitude: NDArray[float32],
    first: NDArray[int32],
    width: NDArray[int32],
    weights: NDArray[float32],
    offset: int,
    per_slot: int,
    slots: NDArray[float32],
) -> NDArray[float32]:
    """Weighted power of each band of each frame; adds the magnitudes to the slots in which the frames lie.

    Parameters
    ----------
    magnitude
        Frames [shape (frames, bins), C-contiguous].
    first, width
        First bin and number of bins of each band [shape (bands,)].
    weights
        Weights of the bins of all bands, one band after the other, each padded with zeros to a multiple of 16.
    offset
        Frames that already lie in the first slot.
    per_slot
        Frames per slot.
    slots
        Sums of magnitudes [shape (n, bins)], changed in place: frame f is added to slot ``(offset + f) // per_slot``.

    Returns
    -------
    powers
        Sum of weight times squared magnitude [shape (frames, bands)].

    Raises
    ------
    ValueError
        The shapes do not fit.
    """
