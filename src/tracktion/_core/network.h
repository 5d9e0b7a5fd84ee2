#ifndef TK_NETWORK_H
#define TK_NETWORK_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "simd.h"

/* Everything is one operation: channels of the output are weighted sums of rows (channels, bands or shifted copies of
   them), over a run of frames. Four channels by 32 frames stay in registers. Weights: [channel / 4][row][4]. */
#define TK_SPAN 32

#if defined(__GNUC__) || defined(__clang__)
typedef float tk_lane __attribute__((vector_size(64), aligned(4)));
typedef int32_t tk_mask __attribute__((vector_size(64), aligned(4)));
#define TK_RECTIFY(v) ((tk_lane)((tk_mask)(v) & ((v) > zero)))

TK_CLONES static void tk_mix(const float *const *rows, ptrdiff_t count, const float *TK_RESTRICT weights,
                             const float *TK_RESTRICT bias, ptrdiff_t groups, float *const *out, ptrdiff_t frames,
                             int rectify, int add)
{
    const tk_lane zero = {0};
    for (ptrdiff_t t = 0; t < frames; t += TK_SPAN) {
        const float *w = weights;
        for (ptrdiff_t g = 0; g < groups; g++) {
            tk_lane a0 = zero + bias[4 * g], b0 = a0;
            tk_lane a1 = zero + bias[4 * g + 1], b1 = a1;
            tk_lane a2 = zero + bias[4 * g + 2], b2 = a2;
            tk_lane a3 = zero + bias[4 * g + 3], b3 = a3;
            for (ptrdiff_t r = 0; r < count; r++, w += 4) {
                const tk_lane x = *(const tk_lane *)(rows[r] + t), y = *(const tk_lane *)(rows[r] + t + 16);
                a0 += x * w[0], b0 += y * w[0];
                a1 += x * w[1], b1 += y * w[1];
                a2 += x * w[2], b2 += y * w[2];
                a3 += x * w[3], b3 += y * w[3];
            }
            tk_lane *const o0 = (tk_lane *)(out[4 * g] + t), *const o1 = (tk_lane *)(out[4 * g + 1] + t);
            tk_lane *const o2 = (tk_lane *)(out[4 * g + 2] + t), *const o3 = (tk_lane *)(out[4 * g + 3] + t);
            if (rectify) {
                a0 = TK_RECTIFY(a0), b0 = TK_RECTIFY(b0);
                a1 = TK_RECTIFY(a1), b1 = TK_RECTIFY(b1);
                a2 = TK_RECTIFY(a2), b2 = TK_RECTIFY(b2);
                a3 = TK_RECTIFY(a3), b3 = TK_RECTIFY(b3);
            }
            if (add) {
                a0 += o0[0], b0 += o0[1], a1 += o1[0], b1 += o1[1];
                a2 += o2[0], b2 += o2[1], a3 += o3[0], b3 += o3[1];
            }
            o0[0] = a0, o0[1] = b0, o1[0] = a1, o1[1] = b1;
            o2[0] = a2, o2[1] = b2, o3[0] = a3, o3[1] = b3;
        }
    }
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
