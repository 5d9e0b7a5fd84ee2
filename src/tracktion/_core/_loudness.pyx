"""K-weighted energies and true peaks; see loudness.h."""

import numpy as np


cdef extern from "loudness.h" nogil:
    int LANES
    int GROUP
    long kw_block(const float *x, long frames, long channels, const double *c, const double *weights, long hop,
                  long fill, double *state, double *partial, double *states, float *planar, double *out)
    void true_peaks(const float *x, long frames, long channels, const float *taps, long phases, long length, float gain,
                    float *level, float *bend, float *sample, float *peak)


def weighted_energy(const float[:, ::1] block, const double[::1] coefficients, const double[::1] weights, long hop,
                    long fill, double partial, const double[:, ::1] state):
    cdef long frames = block.shape[0], channels = block.shape[1]
    if channels < 1:
        raise ValueError("block must have at least one channel")
    if coefficients.shape[0] != 10 or weights.shape[0] != channels or state.shape[0] != channels or state.shape[1] != 4:
        raise ValueError("coefficients, weights or state do not fit the block")
    if hop < 1 or fill < 0 or fill >= hop:
        raise ValueError("hop must be positive and fill less than hop")
    after_array = np.array(state)
    energies_array = np.empty((fill + frames) // hop)
    cdef double[:, ::1] after = after_array
    cdef double[::1] energies = energies_array
    cdef double[:, ::1] states = np.empty((hop, 4))
    cdef float[:, ::1] planar = np.empty((hop, LANES), dtype=np.float32)
    cdef double *target = &energies[0] if energies.shape[0] else NULL
    cdef const float *source = &block[0, 0] if frames else NULL
    if frames == 0:
        return energies_array, partial, after_array
    with nogil:
        kw_block(source, frames, channels, &coefficients[0], &weights[0], hop, fill, &after[0, 0], &partial,
                 &states[0, 0], &planar[0, 0], target)
    return energies_array, partial, after_array


def peaks(const float[:, ::1] samples, const float[:, ::1] taps, float gain, float floor):
    cdef long frames = samples.shape[0], channels = samples.shape[1], phases = taps.shape[0], length = taps.shape[1]
    if length % 2 or length > 2 * GROUP or length < 2:
        raise ValueError(f"taps must have an even length of at most {2 * GROUP}")
    if gain < 0:
        raise ValueError("gain must not be negative")
    if frames == 0 or channels == 0:
        return 0.0, floor
    cdef float sample = 0.0, peak = floor
    cdef float[::1] level = np.empty(frames // GROUP + 1, dtype=np.float32)
    cdef float[::1] bend = np.empty(frames // GROUP + 1, dtype=np.float32)
    with nogil:
        true_peaks(&samples[0, 0], frames, channels, &taps[0, 0] if phases else NULL, phases, length, gain, &level[0],
                   &bend[0], &sample, &peak)
    return sample, peak
