"""Comparison of a question with rows of metadata; see pairs.h."""

import numpy as np

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.stdlib cimport free, malloc


cdef extern from "pairs.h" nogil:
    int TK_FEATURES
    int TK_SLOTS
    int TK_UNITS
    ctypedef struct tk_lexicon:
        const uint32_t *hashes
        const uint8_t *weights
        const uint8_t *classes
    ctypedef struct tk_question:
        pass
    ctypedef struct tk_row:
        pass
    uint32_t tk_hash(const uint8_t *codes, int n)
    int tk_code(uint8_t c)
    void tk_ask(tk_question *q, const tk_lexicon *lexicon, const uint8_t *text, long size, float duration, int year)
    void tk_read(tk_row *r, const tk_lexicon *lexicon, const uint8_t *text, long size)
    void tk_compare(const tk_question *q, const tk_row *r, float row_duration, int row_year, float *f)
    float tk_floors(const tk_row *r, const float *f, float logit, float cap)
    float tk_network(const float *f, const float *hidden, const float *bias, const float *out, float last, int units)

FEATURES = TK_FEATURES
SLOTS = TK_SLOTS


def word_hash(const uint8_t[::1] word):
    cdef uint8_t codes[64]
    cdef int n = <int> min(word.shape[0], 64)
    cdef int i
    for i in range(n):
        codes[i] = <uint8_t> tk_code(word[i])
    return int(tk_hash(codes, n))


def compare(const uint8_t[::1] question, float duration, int year, const uint8_t[::1] data, const int64_t[::1] offsets,
            const int32_t[::1] rows, const float[::1] durations, const int32_t[::1] years, const uint32_t[::1] hashes,
            const uint8_t[::1] weights, const uint8_t[::1] classes, const float[:, ::1] hidden, const float[::1] bias,
            const float[::1] out, float last, float cap):
    cdef long count = rows.shape[0], total = offsets.shape[0] - 1, i, row
    cdef float said
    cdef int units = <int> hidden.shape[1]
    if hashes.shape[0] != TK_SLOTS or weights.shape[0] != TK_SLOTS or classes.shape[0] != TK_SLOTS:
        raise ValueError("the lexicon has the wrong size")
    if hidden.shape[0] != TK_FEATURES or bias.shape[0] != units or out.shape[0] != units or not 1 <= units <= TK_UNITS:
        raise ValueError("the layers do not fit")
    cdef bint timed = durations.shape[0] > 0, dated = years.shape[0] > 0
    if (total < 0 or (timed and durations.shape[0] < total) or (dated and years.shape[0] < total)
            or offsets[total] > data.shape[0]):
        raise ValueError("rows do not fit")
    for i in range(count):
        if rows[i] < 0 or rows[i] >= total:
            raise ValueError("row out of range")
    features_array = np.empty((count, TK_FEATURES), dtype=np.float32)
    logits_array = np.empty(count, dtype=np.float32)
    if not count:
        return features_array, logits_array
    cdef float[:, ::1] features = features_array
    cdef float[::1] logits = logits_array
    cdef tk_lexicon lexicon
    lexicon.hashes = &hashes[0]
    lexicon.weights = &weights[0]
    lexicon.classes = &classes[0]
    cdef const uint8_t *asked = &question[0] if question.shape[0] else NULL
    cdef const uint8_t *texts = &data[0] if data.shape[0] else NULL
    cdef tk_question *q = <tk_question *> malloc(sizeof(tk_question) + sizeof(tk_row))
    if not q:
        raise MemoryError
    cdef tk_row *r = <tk_row *> (q + 1)
    with nogil:
        tk_ask(q, &lexicon, asked, question.shape[0], duration, year)
        for i in range(count):
            row = rows[i]
            tk_read(r, &lexicon, texts + offsets[row], <long> (offsets[row + 1] - offsets[row]))
            tk_compare(q, r, durations[row] if timed else -1.0, years[row] if dated else 0, &features[i, 0])
            said = tk_network(&features[i, 0], &hidden[0, 0], &bias[0], &out[0], last, units)
            logits[i] = tk_floors(r, &features[i, 0], said, cap)
        free(q)
    return features_array, logits_array
