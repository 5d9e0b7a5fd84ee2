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

TK_CLONES static void tk_bands(const float *TK_RESTRICT magnitude, ptrdiff_t frames, ptrdiff_t bins,
                               const int32_t *TK_RESTRICT first, const int32_t *TK_RESTRICT count,
                               const float *TK_RESTRICT weights, ptrdiff_t bands, uint16_t *TK_RESTRICT out)
{
    for (ptrdiff_t f = 0; f < frames; f++) {
        const float *row = magnitude + f * bins;
        const float *w = weights;
        for (ptrdiff_t b = 0; b < bands; b++) {
            const float *x = row + first[b];
            const int32_t n = count[b];
            float part[16] = {0}, sum = 0.0f;
            int32_t i = 0;
            for (; i + 16 <= n; i += 16)
                for (int k = 0; k < 16; k++)
                    part[k] += w[i + k] * x[i + k];
            for (; i < n; i++)
                sum += w[i] * x[i];
            for (int k = 0; k < 16; k++)
                sum += part[k];
            out[f * bands + b] = tk_half(sum);
            w += n;
        }
    }
}

#endif
