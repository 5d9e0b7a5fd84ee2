#ifndef TK_ONSET_H
#define TK_ONSET_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "simd.h"

/* Upper half of a float32, rounded: 8 bits of precision over the whole range. */
static inline uint16_t tk_half(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (uint16_t)((bits + 0x8000u) >> 16);
}

/* Bands are cut into runs of four bins: at[run] is the first of them, `weights` are four a run, `runs` as many as each
   band has. The last run of a band begins where it ends with the band, with zeros for what was counted before. */
static void tk_band_runs(const int32_t *first, const int32_t *count, const float *weights, ptrdiff_t bands, int32_t *at,
                         int32_t *runs, float *padded)
{
    for (ptrdiff_t b = 0; b < bands; weights += count[b++]) {
        const int32_t n = count[b], end = first[b] + n;
        runs[b] = (n + 3) / 4;
        for (int32_t r = 0; r < runs[b]; r++, at++, padded += 4) {
            *at = r + 1 < runs[b] ? first[b] + 4 * r : end > 4 ? end - 4 : 0;
            for (int32_t k = 0; k < 4; k++) {
                const int32_t i = *at + k - first[b];
                padded[k] = i >= 4 * r && i < n ? weights[i] : 0.0f;
            }
        }
    }
}

#if defined(__GNUC__)
typedef float tk_quad __attribute__((vector_size(16), aligned(4), may_alias));
#define TK_SUM(v) ((v[0] + v[2]) + (v[1] + v[3]))
#else
typedef float tk_quad;
#define TK_SUM(v) (v)
#endif

static inline void tk_higher(const float *TK_RESTRICT x, ptrdiff_t apart, ptrdiff_t count, float *TK_RESTRICT out)
{
    for (ptrdiff_t i = 0; i < count; i++)
        out[i] = x[i] > x[i + apart] ? x[i] : x[i + apart];
}

/* To each of `bands` levels, `share` of the highest within `reach` bands is added. The levels begin at level[reach], with
   `reach` zeros on either side; spare: twice as much. */
static inline void tk_mask(float *level, ptrdiff_t bands, ptrdiff_t reach, float share, float *spare,
                           uint16_t *TK_RESTRICT out)
{
    const ptrdiff_t window = 2 * reach + 1, all = bands + 2 * reach;
    const float *highest = level;
    float *next = spare, *other = spare + all;
    ptrdiff_t have = 1;
    while (have < window) {
        const ptrdiff_t apart = 2 * have <= window ? have : window - have;
        tk_higher(highest, apart, all - have - apart + 1, next);
        float *written = next;
        next = other;
        other = written;
        highest = written;
        have += apart;
    }
    for (ptrdiff_t b = 0; b < bands; b++)
        out[b] = tk_half(level[reach + b] + share * highest[b]);
}

/* Four frames at once, so that their sums do not wait for each other. work: 6 * (bands + 2 * reach) zeros. */
TK_CLONES static void tk_bands(const float *TK_RESTRICT magnitude, ptrdiff_t frames, ptrdiff_t bins,
                               const int32_t *TK_RESTRICT at, const int32_t *TK_RESTRICT runs,
                               const float *TK_RESTRICT weights, ptrdiff_t bands, ptrdiff_t reach, float share,
                               float *TK_RESTRICT work, uint16_t *TK_RESTRICT out)
{
    const ptrdiff_t all = bands + 2 * reach;
    for (ptrdiff_t f = 0; f < frames; f += 4) {
        const ptrdiff_t left = frames - f;
        const float *row0 = magnitude + f * bins, *row1 = left > 1 ? row0 + bins : row0;
        const float *row2 = left > 2 ? row1 + bins : row0, *row3 = left > 3 ? row2 + bins : row0;
        const int32_t *place = at;
        const float *w = weights;
        for (ptrdiff_t b = 0; b < bands; b++) {
            tk_quad a0 = {0}, a1 = {0}, a2 = {0}, a3 = {0};
            for (int32_t r = 0; r < runs[b]; r++, place++, w += 4)
                for (size_t k = 0; k < 4; k += sizeof(tk_quad) / sizeof(float)) {
                    const tk_quad weight = *(const tk_quad *)(w + k);
                    a0 += weight * *(const tk_quad *)(row0 + *place + k);
                    a1 += weight * *(const tk_quad *)(row1 + *place + k);
                    a2 += weight * *(const tk_quad *)(row2 + *place + k);
                    a3 += weight * *(const tk_quad *)(row3 + *place + k);
                }
            float *level = work + reach + b;
            level[0] = TK_SUM(a0), level[all] = TK_SUM(a1), level[2 * all] = TK_SUM(a2), level[3 * all] = TK_SUM(a3);
        }
        for (ptrdiff_t j = 0; j < 4 && j < left; j++)
            tk_mask(work + j * all, bands, reach, share, work + 4 * all, out + (f + j) * bands);
    }
}
#undef TK_SUM

#endif
