"""Band powers and slot sums of magnitude frames; see timbre.h."""

import numpy as np


cdef extern from "timbre.h" nogil:
    int TIMBRE_LANES
    void timbre_frames(const float *magnitude, long frames, long bins, const int *first, const int *width,
                       const float *weights, long count, long offset, long per_slot, float *padded, float *bands,
                       float *slots)


def band_powers(const float[:, ::1] magnitude, const int[::1] first, const int[::1] width, const float[::1] weights,
                long offset, long per_slot, float[:, ::1] slots):
    cdef long frames = magnitude.shape[0], bins = magnitude.shape[1], count = first.shape[0], b, needed = 0
    if width.shape[0] != count or count == 0 or bins == 0 or slots.shape[1] != bins:
        raise ValueError("first, width, slots and magnitude do not fit each other")
    for b in range(count):
        if first[b] < 0 or width[b] < 1 or width[b] > bins - first[b]:
            raise ValueError("a band reaches beyond the bins")
        needed += (width[b] + TIMBRE_LANES - 1) // TIMBRE_LANES * TIMBRE_LANES
    if weights.shape[0] != needed:
        raise ValueError(f"weights must have {needed} values, each band padded to a multiple of {TIMBRE_LANES}")
    if offset < 0 or per_slot < 1 or (frames > 0 and (offset + frames - 1) // per_slot >= slots.shape[0]):
        raise ValueError("the frames do not fit the slots")
    bands_array = np.empty((frames, count), dtype=np.float32)
    if frames == 0:
        return bands_array
    cdef float[:, ::1] bands = bands_array
    cdef float[::1] padded = np.zeros(bins + TIMBRE_LANES, dtype=np.float32)
    with nogil:
        timbre_frames(&magnitude[0, 0], frames, bins, &first[0], &width[0], &weights[0], count, offset, per_slot,
                      &padded[0], &bands[0, 0], &slots[0, 0])
    return bands_array
