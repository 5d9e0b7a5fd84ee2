"""Levels of bands of a spectrum."""

from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Malloc
from libc.stdint cimport int32_t, uint16_t

cdef extern from "onset.h" nogil:
    void tk_band_runs(const int32_t *first, const int32_t *count, const float *weights, Py_ssize_t bands, int32_t *at,
                      int32_t *runs, float *padded)
    void tk_bands(const float *magnitude, Py_ssize_t frames, Py_ssize_t bins, const int32_t *at, const int32_t *runs,
                  const float *weights, Py_ssize_t bands, Py_ssize_t reach, float share, float *work, uint16_t *out)


def bands(const float[:, ::1] magnitude not None, const int32_t[::1] first not None, const int32_t[::1] count not None,
          const float[::1] weights not None, Py_ssize_t reach, float share, uint16_t[:, ::1] out not None):
    """See _onset.pyi."""
    cdef Py_ssize_t frames = magnitude.shape[0], bins = magnitude.shape[1], size = first.shape[0]
    cdef Py_ssize_t b, total = 0, runs = 0
    if count.shape[0] != size or out.shape[1] != size or out.shape[0] != frames:
        raise ValueError("first, count and out must agree on the number of bands, out and magnitude on the frames")
    if reach < 0 or reach > 1024 or not 0 <= share <= 1:
        raise ValueError("reach must be 0 to 1024 bands, share 0 to 1")
    if bins < 4:
        raise ValueError("the spectrum must have four bins or more")
    for b in range(size):
        if first[b] < 0 or count[b] < 0 or first[b] > bins - count[b]:
            raise ValueError("a band reaches beyond the spectrum")
        total += count[b]
        runs += (count[b] + 3) // 4
    if weights.shape[0] != total:
        raise ValueError("weights must have one entry per bin of each band")
    if frames == 0 or size == 0 or total == 0:
        return
    cdef int32_t *places = <int32_t *>PyMem_Malloc((runs + size) * sizeof(int32_t))
    cdef float *padded = <float *>PyMem_Malloc(4 * runs * sizeof(float))
    cdef float *work = <float *>PyMem_Calloc(6 * (size + 2 * reach), sizeof(float))
    try:
        if places == NULL or padded == NULL or work == NULL:
            raise MemoryError
        with nogil:
            tk_band_runs(&first[0], &count[0], &weights[0], size, places, places + runs, padded)
            tk_bands(&magnitude[0, 0], frames, bins, places, places + runs, padded, size, reach, share, work,
                     &out[0, 0])
    finally:
        PyMem_Free(places)
        PyMem_Free(padded)
        PyMem_Free(work)
