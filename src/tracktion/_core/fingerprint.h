/* Band energies for fingerprints, and the bit error of two code sequences at given offsets. */
#ifndef TK_FINGERPRINT_H
#define TK_FINGERPRINT_H
#include "words.h"

/* out[frame, band] = sum of squared magnitudes of the bins edges[band] .. edges[band + 1] - 1. */
static void fp_bands(const float *magnitude, long frames, long bins, const int32_t *edges, long bands, float *out) {
    for (long i = 0; i < frames; i++) {
        const float *row = magnitude + i * bins;
        for (long b = 0; b < bands; b++) {
            float a0 = 0, a1 = 0, a2 = 0, a3 = 0;
            long k = edges[b], end = edges[b + 1];
            for (; k + 4 <= end; k += 4) {
                a0 += row[k] * row[k];
                a1 += row[k + 1] * row[k + 1];
                a2 += row[k + 2] * row[k + 2];
                a3 += row[k + 3] * row[k + 3];
            }
            for (; k < end; k++) a0 += row[k] * row[k];
            out[i * bands + b] = (a0 + a1) + (a2 + a3);
        }
    }
}

/* errors[i] = differing bits of a[offset + k] and b[k] over all k where both exist; lengths[i] = how many k. */
static void fp_errors(const uint32_t *a, long n, const uint32_t *b, long m, const int64_t *offsets, long count, int64_t *errors,
                      int64_t *lengths) {
    for (long i = 0; i < count; i++) {
        int64_t offset = offsets[i], first = offset < 0 ? -offset : 0, last = n - offset < m ? n - offset : m, sum = 0;
        for (int64_t k = first; k < last; k++) sum += tk_popcount(a[offset + k] ^ b[k]);
        errors[i] = sum;
        lengths[i] = last > first ? last - first : 0;
    }
}
#endif
