#ifndef TK_SPECTRUM_H
#define TK_SPECTRUM_H
#include <math.h>
#include <stddef.h>
#include "simd.h"

typedef ptrdiff_t tk_index;

#define TK_RUN 256
#define TK_PARTS 32

/* Sum and sum of squares of one run; partial sums, so that the loop vectorises and the order is fixed. */
static inline void tk_run_stats(const float *TK_RESTRICT x, tk_index n, double *TK_RESTRICT sum, double *TK_RESTRICT squares)
{
    float total[TK_PARTS] = {0}, square[TK_PARTS] = {0};
    tk_index i = 0;
    for (; i + TK_PARTS <= n; i += TK_PARTS)
        for (int k = 0; k < TK_PARTS; k++) {
            total[k] += x[i + k];
            square[k] += x[i + k] * x[i + k];
        }
    for (; i < n; i++) {
        total[0] += x[i];
        square[0] += x[i] * x[i];
    }
    for (int k = 0; k < TK_PARTS; k++) {
        *sum += total[k];
        *squares += square[k];
    }
}

static inline void tk_mix(const float *TK_RESTRICT x, tk_index n, tk_index channels, float *TK_RESTRICT out)
{
    if (channels == 1) {
        for (tk_index i = 0; i < n; i++)
            out[i] = x[i];
    } else if (channels == 2) {
        for (tk_index i = 0; i < n; i++)
            out[i] = 0.5f * (x[2 * i] + x[2 * i + 1]);
    } else {
        const float scale = 1.0f / (float)channels;
        for (tk_index i = 0; i < n; i++) {
            float total = 0.0f;
            for (tk_index c = 0; c < channels; c++)
                total += x[i * channels + c];
            out[i] = total * scale;
        }
    }
}

TK_CLONES static void tk_downmix(const float *TK_RESTRICT x, tk_index n, tk_index channels, float *TK_RESTRICT out,
                                 double *TK_RESTRICT stats)
{
    double sum = 0.0, mono_squares = 0.0, unused = 0.0, squares = 0.0;
    for (tk_index i = 0; i < n; i += TK_RUN) {
        const tk_index now = n - i < TK_RUN ? n - i : TK_RUN;
        tk_mix(x + i * channels, now, channels, out + i);
        tk_run_stats(out + i, now, &sum, &mono_squares);
        tk_run_stats(x + i * channels, now * channels, &unused, &squares);
    }
    stats[0] += (double)n;
    stats[1] += sum;
    stats[2] += mono_squares;
    stats[3] += squares / (double)channels;
}
#endif
