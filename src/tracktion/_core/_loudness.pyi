from numpy import float32, float64
from numpy.typing import NDArray

def weighted_energy(
    block: NDArray[float32],
    coefficients: NDArray[float64],
    weights: NDArray[float64],
    hop: int,
    fill: int,
    partial: float,
    state: NDArray[float64],
) -> tuple[NDArray[float64], float, NDArray[float64]]:
    """Energy of each hop after two biquads per channel, summed over channels.

    Parameters
    ----------
    block
        Samples [shape (frames, channels), C-contiguous].
    coefficients
        ``b0 b1 b2 a1 a2`` of the first and of the second biquad [shape (10,)].
    weights
        Weight of each channel [shape (channels,)].
    hop
        Frames per hop.
    fill
        Frames of the hop that an earlier block began, less than `hop`.
    partial
        Weighted energy of those frames; 0 when `fill` is 0.
    state
        Filter state after them [shape (channels, 4)]: two delays of each biquad, transposed direct form II.

    Returns
    -------
    energies, partial, state
        Weighted sum of squares of each hop that ends in this block [shape ((fill + frames) // hop,)]; energy of the
        unfinished hop; the state after the block.

    Raises
    ------
    ValueError
        The shapes do not fit.
    """

def peaks(samples: NDArray[float32], taps: NDArray[float32], gain: float, floor: float) -> tuple[float, float]:
    """Sample peak and true peak.

    Parameters
    ----------
    samples
        Samples [shape (frames, channels), C-contiguous].
    taps
        Interpolators, one row for each point between two samples [shape (points, length), length even, at most 32]:
        the value between frames n and n + 1 is ``sum(taps[p, k] * samples[n - length / 2 + 1 + k])``. Intervals
        without full support are left out.
    gain
        An interpolated value exceeds the larger of its two neighbours by at most `gain` times the largest second
        difference within the filter; stretches which by this stay below the peak found so far are skipped.
    floor
        Peak found so far.

    Returns
    -------
    sample_peak, true_peak
        Largest magnitude of these samples; the largest of `floor`, samples and interpolated values.
    """
