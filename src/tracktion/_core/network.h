#ifndef TK_NETWORK_H
#define TK_NETWORK_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "simd.h"

/* Everything is one operation on integers of 16 bits: channels of the output are weighted sums of rows (channels, bands
   or shifted copies of them), over a run of frames, a multiple of TK_SPAN. Two rows that are multiplied alike lie side by
   side, frame by frame, the first in the lower half: machines multiply such pairs and add the products in one
   instruction, twice as many as with floats. Weights: [channel / 4][pair of rows][4]. Integers, and products that are
   rounded once, come out the same on every machine. */
#define TK_SPAN 32
#define TK_MOST 32767.0f
/* Added to a float it leaves the nearest integer in the lower bits. */
#define TK_ROUND 12582912.0f
#define TK_ROUND_BITS 0x4b400000

/* What becomes of the sums, times `scale`: integers of 0 or more; integers added to those that are there; floats. */
enum tk_ending { TK_RECTIFIED, TK_ADDED, TK_VALUE };

#if defined(__GNUC__) || defined(__clang__)
typedef int32_t tk_pair __attribute__((may_alias));
#else
typedef int32_t tk_pair;
#endif

static inline int32_t tk_rounded(float v)
{
    int32_t bits;
    v = (v < -TK_MOST ? -TK_MOST : v > TK_MOST ? TK_MOST : v) + TK_ROUND;
    memcpy(&bits, &v, sizeof bits);
    return bits - TK_ROUND_BITS;
}

static inline int32_t tk_paired(int32_t even, int32_t odd)
{
    return (int32_t)(((uint32_t)even & 0xffff) | (uint32_t)odd << 16);
}

/* Compiled for each kind of machine with its own width: TK_CLONES would not do, for explicit vectors that the baseline does
   not have are taken apart into single numbers before clones are made. */
#if defined(__GNUC__) || defined(__clang__)
#ifdef __x86_64__
#include <immintrin.h>
/* Without it the compiler loads all weights first and runs out of registers. */
#define TK_KEEP(a, b) __asm__("" : "+x"(a), "+x"(b))
#define TK_NAME(name) name##_avx2
#define TK_TARGET __attribute__((target("avx2")))
#define TK_WIDTH 8
#define TK_MULTIPLY(x, w) ((lane)_mm256_madd_epi16((__m256i)(x), (__m256i)(w)))
#include "network_mix.h"
#undef TK_KEEP
#define TK_KEEP(a, b) __asm__("" : "+v"(a), "+v"(b))
#define TK_NAME(name) name##_avx512
#define TK_TARGET __attribute__((target("avx512f,avx512bw")))
#define TK_WIDTH 16
#define TK_MULTIPLY(x, w) ((lane)_mm512_madd_epi16((__m512i)(x), (__m512i)(w)))
#include "network_mix.h"
#undef TK_KEEP
#define TK_KEEP(a, b) (void)0
#define TK_MULTIPLY(x, w) ((lane)_mm_madd_epi16((__m128i)(x), (__m128i)(w)))
#else
#define TK_KEEP(a, b) (void)0
#define TK_EVEN(x) ((lane)((x) << 16) >> 16)
#define TK_MULTIPLY(x, w) (TK_EVEN(x) * TK_EVEN(w) + ((x) >> 16) * ((w) >> 16))
#endif
#define TK_NAME(name) name##_any
#define TK_TARGET
#define TK_WIDTH 4
#include "network_mix.h"
#undef TK_KEEP
#undef TK_EVEN

static void tk_mix(const tk_pair *const *rows, ptrdiff_t count, const tk_pair *weights, const int32_t *bias,
                   const float *scale, ptrdiff_t groups, tk_pair *const *out, ptrdiff_t frames, enum tk_ending ending)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512bw")) {
        tk_mix_avx512(rows, count, weights, bias, scale, groups, out, frames, ending);
        return;
    }
    if (__builtin_cpu_supports("avx2")) {
        tk_mix_avx2(rows, count, weights, bias, scale, groups, out, frames, ending);
        return;
    }
#endif
    tk_mix_any(rows, count, weights, bias, scale, groups, out, frames, ending);
}
#else
static void tk_mix(const tk_pair *const *rows, ptrdiff_t count, const tk_pair *weights, const int32_t *bias,
                   const float *scale, ptrdiff_t groups, tk_pair *const *out, ptrdiff_t frames, enum tk_ending ending)
{
    for (ptrdiff_t t = 0; t < frames; t += TK_SPAN) {
        const tk_pair *w = weights;
        for (ptrdiff_t g = 0; g < groups; g++) {
            int32_t sums[4][TK_SPAN];
            for (int c = 0; c < 4; c++)
                for (int i = 0; i < TK_SPAN; i++)
                    sums[c][i] = bias[4 * g + c];
            for (ptrdiff_t r = 0; r < count; r++, w += 4)
                for (int c = 0; c < 4; c++)
                    for (int i = 0; i < TK_SPAN; i++)
                        sums[c][i] += (int16_t)w[c] * (int16_t)rows[r][t + i] + (w[c] >> 16) * (rows[r][t + i] >> 16);
            for (int c = 0; c < 4 && ending == TK_VALUE; c++)
                for (int i = 0; i < TK_SPAN; i++) {
                    const float value = (float)sums[c][i] * scale[4 * g + c];
                    memcpy(out[4 * g + c] + t + i, &value, sizeof value);
                }
            for (int p = 0; p < 2 && ending != TK_VALUE; p++)
                for (int i = 0; i < TK_SPAN; i++) {
                    tk_pair *to = out[2 * g + p] + t + i;
                    int32_t v[2];
                    for (int c = 0; c < 2; c++) {
                        v[c] = tk_rounded((float)sums[2 * p + c][i] * scale[4 * g + 2 * p + c]);
                        if (ending == TK_ADDED)
                            v[c] += c ? *to >> 16 : (int16_t)*to;
                        else
                            v[c] = v[c] > 0 ? v[c] : 0;
                        v[c] = v[c] > (int)TK_MOST ? (int)TK_MOST : v[c] < -(int)TK_MOST ? -(int)TK_MOST : v[c];
                    }
                    *to = tk_paired(v[0], v[1]);
                }
        }
    }
}
#endif

/* Level-compressing table lookup and standardisation, transposed to [band][frame], each frame paired with the next; zeros
   outside the piece. */
TK_CLONES static void tk_lookup(const uint16_t *TK_RESTRICT halves, ptrdiff_t frames, ptrdiff_t bands, ptrdiff_t begin,
                                ptrdiff_t width, const float *TK_RESTRICT table, const float *TK_RESTRICT mean,
                                const float *TK_RESTRICT scale, tk_pair *TK_RESTRICT out)
{
    for (ptrdiff_t b = 0; b < bands; b++) {
        tk_pair *row = out + b * width;
        int32_t before = 0;
        for (ptrdiff_t i = 0; i <= width; i++) {
            const ptrdiff_t t = begin + i;
            const int inside = t >= 0 && t < frames;
            const int32_t now = inside ? tk_rounded((table[halves[t * bands + b] & 0x7fff] - mean[b]) * scale[b]) : 0;
            if (i)
                row[i - 1] = tk_paired(before, now);
            before = now;
        }
    }
}
#endif
