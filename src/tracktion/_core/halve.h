#ifndef TK_HALVE_H
#define TK_HALVE_H
#include <stddef.h>
#include "simd.h"

#define TK_HALVE_RUN 256

/* Half-band decimation: of a half-band filter every second tap is zero but the centre, which is 1/2. Odd samples are gathered
   first, so that the sums run over contiguous vectors; four pairs of taps at once, so that a sum is seldom put down. */
TK_CLONES static void tk_halve(const float *TK_RESTRICT x, ptrdiff_t n, const float *TK_RESTRICT taps, ptrdiff_t pairs,
                               float *TK_RESTRICT out)
{
    float odd[TK_HALVE_RUN + 128];
    for (ptrdiff_t start = 0; start < n; start += TK_HALVE_RUN) {
        const ptrdiff_t now = n - start < TK_HALVE_RUN ? n - start : TK_HALVE_RUN;
        const float *in = x + 2 * start;
        float *y = out + start;
        for (ptrdiff_t i = 0; i < now + 2 * pairs - 1; i++)
            odd[i] = in[2 * i];
        const float *centre = in + 2 * pairs - 1;
        for (ptrdiff_t i = 0; i < now; i++)
            y[i] = 0.5f * centre[2 * i];
        ptrdiff_t k = 0;
        for (; k + 4 <= pairs; k += 4) {
            const float *t = taps + k, *low = odd + pairs - 1 - k, *high = odd + pairs + k;
            for (ptrdiff_t i = 0; i < now; i++) {
                float sum = y[i];
                sum += t[0] * (low[i] + high[i]);
                sum += t[1] * (low[i - 1] + high[i + 1]);
                sum += t[2] * (low[i - 2] + high[i + 2]);
                sum += t[3] * (low[i - 3] + high[i + 3]);
                y[i] = sum;
            }
        }
        for (; k < pairs; k++) {
            const float t = taps[k], *low = odd + pairs - 1 - k, *high = odd + pairs + k;
            for (ptrdiff_t i = 0; i < now; i++)
                y[i] += t * (low[i] + high[i]);
        }
    }
}
#endif
