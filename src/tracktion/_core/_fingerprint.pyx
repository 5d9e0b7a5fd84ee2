"""Fingerprint kernels; see fingerprint.h."""

import numpy as np

from libc.stdint cimport int32_t, int64_t, uint32_t


cdef extern from "fingerprint.h" nogil:
    void fp_bands(const float *magnitude, long frames, long bins, const int32_t *edges, long bands, float *out)
    void fp_errors(const uint32_t *a, long n, const uint32_t *b, long m, const int64_t *offsets, long count,
                   int64_t *errors, int64_t *lengths)


def band_energies(const float[:, ::1] magnitude, const int32_t[::1] edges):
    cdef long bands = edges.shape[0] - 1, b
    if bands < 1 or edges[0] < 0 or edges[bands] > magnitude.shape[1]:
        raise ValueError("edges must lie within the bins")
    for b in range(bands):
        if edges[b + 1] < edges[b]:
            raise ValueError("edges must not fall")
    out_array = np.empty((magnitude.shape[0], bands), dtype=np.float32)
    cdef float[:, ::1] out = out_array
    if magnitude.shape[0]:
        with nogil:
            fp_bands(&magnitude[0, 0], magnitude.shape[0], magnitude.shape[1], &edges[0], bands, &out[0, 0])
    return out_array


def bit_errors(const uint32_t[::1] a, const uint32_t[::1] b, const int64_t[::1] offsets):
    cdef long count = offsets.shape[0]
    errors_array = np.zeros(count, dtype=np.int64)
    lengths_array = np.zeros(count, dtype=np.int64)
    cdef int64_t[::1] errors = errors_array
    cdef int64_t[::1] lengths = lengths_array
    if count and a.shape[0] and b.shape[0]:
        with nogil:
            fp_errors(&a[0], a.shape[0], &b[0], b.shape[0], &offsets[0], count, &errors[0], &lengths[0])
    return errors_array, lengths_array
