#ifndef TK_NETWORK_H
#define TK_NETWORK_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "simd.h"

/* Everything is one operation: channels of the output are weighted sums of rows (channels, bands or shifted copies of
   them), over a run of frames, a multiple of TK_SPAN. Weights: [channel / 4][row][4]. Compiled for each kind of machine
   with its own width: TK_CLONES would not do, for explicit vectors that the baseline does not have are taken apart into
   single numbers before clones are made, and on machines without AVX-512 nothing puts them together again. */
#define TK_SPAN 32

#if defined(__GNUC__) || defined(__clang__)
#define TK_NAME(name) name##_any
#define TK_TARGET
#define TK_WIDTH 4
#include "network_mix.h"
#ifdef __x86_64__
#define TK_NAME(name) name##_avx2
#define TK_TARGET __attribute__((target("avx2,fma")))
#define TK_WIDTH 8
#include "network_mix.h"
#define TK_NAME(name) name##_avx512
#define TK_TARGET __attribute__((target("avx512f")))
#define TK_WIDTH 16
#include "network_mix.h"
#endif

static void tk_mix(const float *const *rows, ptrdiff_t count, const float *weights, const float *bias, ptrdiff_t groups,
                   float *const *out, ptrdiff_t frames, int rectify, int add)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f")) {
        tk_mix_avx512(rows, count, weights, bias, groups, out, frames, rectify, add);
        return;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        tk_mix_avx2(rows, count, weights, bias, groups, out, frames, rectify, add);
        return;
    }
#endif
    tk_mix_any(rows, count, weights, bias, groups, out, frames, rectify, add);
}
#else
static void tk_mix(const float *const *rows, ptrdiff_t count, const float *weights, const float *bias, ptrdiff_t groups,
                   float *const *out, ptrdiff_t frames, int rectify, int add)
{
    for (ptrdiff_t t = 0; t < frames; t += TK_SPAN) {
        const float *w = weights;
        for (ptrdiff_t g = 0; g < groups; g++) {
            float sums[4][TK_SPAN];
            for (int c = 0; c < 4; c++)
                for (int i = 0; i < TK_SPAN; i++)
                    sums[c][i] = bias[4 * g + c];
            for (ptrdiff_t r = 0; r < count; r++, w += 4)
                for (int c = 0; c < 4; c++)
                    for (int i = 0; i < TK_SPAN; i++)
                        sums[c][i] += w[c] * rows[r][t + i];
            for (int c = 0; c < 4; c++)
                for (int i = 0; i < TK_SPAN; i++) {
                    const float v = rectify && sums[c][i] < 0.0f ? 0.0f : sums[c][i];
                    out[4 * g + c][t + i] = add ? out[4 * g + c][t + i] + v : v;
                }
        }
    }
}
#endif

/* Level-compressing table lookup and standardisation, transposed to [band][frame]; zeros outside the piece. */
TK_CLONES static void tk_lookup(const uint16_t *TK_RESTRICT halves, ptrdiff_t frames, ptrdiff_t bands, ptrdiff_t begin,
                                ptrdiff_t width, const float *TK_RESTRICT table, const float *TK_RESTRICT mean,
                                const float *TK_RESTRICT scale, float *TK_RESTRICT out)
{
    for (ptrdiff_t b = 0; b < bands; b++) {
        float *row = out + b * width;
        for (ptrdiff_t i = 0; i < width; i++) {
            const ptrdiff_t t = begin + i;
            row[i] = t >= 0 && t < frames ? (table[halves[t * bands + b] & 0x7fff] - mean[b]) * scale[b] : 0.0f;
        }
    }
}
#endif
