"""Levels of bands of a spectrum."""

from libc.stdint cimport int32_t, uint16_t

cdef extern from "onset.h" nogil:
    void tk_bands(const float *magnitude, Py_ssize_t frames, Py_ssize_t bins, const int32_t *first,
                  const int32_t *count, const float *weights, Py_ssize_t bands, uint16_t *out)


def bands(const float[:, ::1] magnitude not None, const int32_t[::1] first not None, const int32_t[::1] count not None,
          const float[::1] weights not None, uint16_t[:, ::1] out not None):
    """See _onset.pyi."""
    cdef Py_ssize_t frames = magnitude.shape[0], bins = magnitude.shape[1], size = first.shape[0], b, total = 0
    if count.shape[0] != size or out.shape[1] != size or out.shape[0] != frames:
        raise ValueError("first, count and out must agree on the number of bands, out and magnitude on the frames")
    for b in range(size):
        if first[b] < 0 or count[b] < 0 or first[b] + count[b] > bins:
            raise ValueError("a band reaches beyond the spectrum")
        total += count[b]
    if weights.shape[0] != total:
        raise ValueError("weights must have one entry per bin of each band")
    if frames == 0 or size == 0 or total == 0:
        return
    with nogil:
        tk_bands(&magnitude[0, 0], frames, bins, &first[0], &count[0], &weights[0], size, &out[0, 0])
