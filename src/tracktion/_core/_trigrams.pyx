"""Inverted index over trigrams and words; see trigrams.h."""

import numpy as np

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t


cdef extern from "trigrams.h" nogil:
    int TK_TERMS
    int TK_SEGMENT
    int TK_KEEP
    int TK_SCRATCH
    ctypedef struct tk_index:
        const uint8_t *data
        const int64_t *offsets
        const uint32_t *starts
        const int64_t *bases
        const uint16_t *postings
        const uint32_t *frequency
        const uint8_t *weights
        const uint16_t *masses
        const uint8_t *alive
        const int64_t *first
        long segments
    void tk_count(const uint8_t *data, const int64_t *offsets, long first, long last, uint32_t *stamp, uint32_t *counts)
    void tk_fill(const uint8_t *data, const int64_t *offsets, long first, long last, uint32_t *stamp, uint32_t *cursor,
                 uint16_t *postings)
    void tk_masses(const uint8_t *data, const int64_t *offsets, long rows, const uint8_t *weights, uint16_t *masses)
    int tk_search(const tk_index *index, const uint8_t *query, long size, long budget, int wide, int keep, int lean,
                  uint16_t *scratch, int32_t *rows, float *scores)

TERMS = TK_TERMS
SEGMENT = TK_SEGMENT
SCRATCH = TK_SCRATCH


def segment(const uint8_t[::1] data, const int64_t[::1] offsets, long first, long last):
    if first < 0 or last < first or last - first > TK_SEGMENT or last >= offsets.shape[0]:
        raise ValueError("rows must lie within the offsets, at most one segment of them")
    if offsets[first] < 0 or offsets[last] > data.shape[0]:
        raise ValueError("offsets must lie within the data")
    starts_array = np.zeros(TK_TERMS + 1, dtype=np.uint32)
    cdef uint32_t[::1] starts = starts_array
    cdef uint32_t[::1] stamp = np.zeros(TK_TERMS, dtype=np.uint32)
    cdef const uint8_t *text = &data[0] if data.shape[0] else NULL
    with nogil:
        tk_count(text, &offsets[0], first, last, &stamp[0], &starts[0])
    np.cumsum(starts_array, dtype=np.uint32, out=starts_array)
    postings_array = np.empty(starts_array[TK_TERMS], dtype=np.uint16)
    cdef uint16_t[::1] postings = postings_array
    cdef uint32_t[::1] cursor = starts_array.copy()
    if postings.shape[0]:
        with nogil:
            tk_fill(text, &offsets[0], first, last, &stamp[0], &cursor[0], &postings[0])
    return starts_array, postings_array


def masses(const uint8_t[::1] data, const int64_t[::1] offsets, const uint8_t[::1] weights):
    if weights.shape[0] != TK_TERMS or offsets.shape[0] < 1 or offsets[offsets.shape[0] - 1] > data.shape[0]:
        raise ValueError("weights or offsets do not fit")
    cdef long rows = offsets.shape[0] - 1
    out_array = np.empty(rows, dtype=np.uint16)
    cdef uint16_t[::1] out = out_array
    if rows and data.shape[0]:
        with nogil:
            tk_masses(&data[0], &offsets[0], rows, &weights[0], &out[0])
    else:
        out_array[:] = 0
    return out_array


def search(const uint8_t[::1] query, const uint8_t[::1] data, const int64_t[::1] offsets,
           const uint32_t[:, ::1] starts, const int64_t[::1] bases, const uint16_t[::1] postings,
           const uint32_t[::1] frequency, const uint8_t[::1] weights, const uint16_t[::1] masses,
           const uint8_t[::1] alive, const int64_t[::1] first, long budget, int wide, int keep,
           uint16_t[::1] scratch, bint lean=False):
    cdef long segments = starts.shape[0]
    if starts.shape[1] != TK_TERMS + 1 or frequency.shape[0] != TK_TERMS or weights.shape[0] != TK_TERMS:
        raise ValueError("tables must have one entry for each term")
    if bases.shape[0] < segments or first.shape[0] < segments + 1 or scratch.shape[0] < TK_SCRATCH:
        raise ValueError("segments or scratch do not fit")
    if first[segments] > masses.shape[0] or first[segments] > alive.shape[0] or first[segments] >= offsets.shape[0]:
        raise ValueError("rows do not fit")
    keep = max(0, min(keep, TK_KEEP))
    wide = max(keep, min(wide, TK_KEEP))
    rows_array = np.empty(keep, dtype=np.int32)
    scores_array = np.empty(keep, dtype=np.float32)
    if not keep or not segments or not postings.shape[0] or not query.shape[0]:
        return rows_array[:0], scores_array[:0]
    cdef int32_t[::1] rows = rows_array
    cdef float[::1] scores = scores_array
    cdef int found
    cdef tk_index index
    index.data = &data[0]
    index.offsets = &offsets[0]
    index.starts = &starts[0, 0]
    index.bases = &bases[0]
    index.postings = &postings[0]
    index.frequency = &frequency[0]
    index.weights = &weights[0]
    index.masses = &masses[0]
    index.alive = &alive[0]
    index.first = &first[0]
    index.segments = segments
    with nogil:
        found = tk_search(&index, &query[0], query.shape[0], budget, wide, keep, lean, &scratch[0], &rows[0],
                          &scores[0])
    return rows_array[:found], scores_array[:found]
