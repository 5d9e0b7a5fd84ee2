#ifndef TK_SPECTRUM_H
#define TK_SPECTRUM_H
#include <math.h>
#include <stddef.h>
#include "simd.h"

typedef ptrdiff_t tk_index;

/* Sums run over fixed runs of 256 samples in double, so that the result depends on the block borders alone. */
TK_CLONES static void tk_downmix(const float *TK_RESTRICT x, tk_index n, tk_index channels, float *TK_RESTRICT out,
                                 double *TK_RESTRICT stats)
{
    const float scale = 1.0f / (float)channels;
    float peak = (float)stats[0];
    double sum = 0.0, mono_squares = 0.0, squares = 0.0;
    if (channels == 1) {
        for (tk_index i = 0; i < n; i++)
            out[i] = x[i];
    } else if (channels == 2) {
        for (tk_index i = 0; i < n; i++)
            out[i] = 0.5f * (x[2 * i] + x[2 * i + 1]);
    } else {
        for (tk_index i = 0; i < n; i++) {
            float total = 0.0f;
            for (tk_index c = 0; c < channels; c++)
                total += x[i * channels + c];
            out[i] = total * scale;
        }
    }
    for (tk_index i = 0; i < n; i += 256) {
        const tk_index end = i + 256 < n ? i + 256 : n;
        float part[16] = {0}, part_sum[16] = {0};
        tk_index j = i;
        for (; j + 16 <= end; j += 16)
            for (int k = 0; k < 16; k++) {
                part[k] += out[j + k] * out[j + k];
                part_sum[k] += out[j + k];
            }
        for (; j < end; j++) {
            part[0] += out[j] * out[j];
            part_sum[0] += out[j];
        }
        for (int k = 0; k < 16; k++) {
            mono_squares += part[k];
            sum += part_sum[k];
        }
    }
    const tk_index total = n * channels;
    for (tk_index i = 0; i < total; i += 256) {
        const tk_index end = i + 256 < total ? i + 256 : total;
        float part[16] = {0}, top[16] = {0};
        tk_index j = i;
        for (; j + 16 <= end; j += 16)
            for (int k = 0; k < 16; k++) {
                const float v = x[j + k], a = fabsf(v);
                part[k] += v * v;
                top[k] = a > top[k] ? a : top[k];
            }
        for (; j < end; j++) {
            const float a = fabsf(x[j]);
            part[0] += x[j] * x[j];
            top[0] = a > top[0] ? a : top[0];
        }
        for (int k = 0; k < 16; k++) {
            squares += part[k];
            peak = top[k] > peak ? top[k] : peak;
        }
    }
    stats[0] = peak;
    stats[1] += (double)n;
    stats[2] += sum;
    stats[3] += mono_squares;
    stats[4] += squares / (double)channels;
}

TK_CLONES static void tk_frame(const float *TK_RESTRICT x, tk_index frames, tk_index hop, tk_index width,
                               const float *TK_RESTRICT window, float *TK_RESTRICT out)
{
    for (tk_index f = 0; f < frames; f++) {
        const float *in = x + f * hop;
        float *row = out + f * width;
        for (tk_index i = 0; i < width; i++)
            row[i] = in[i] * window[i];
    }
}

TK_CLONES static void tk_magnitude(const float *TK_RESTRICT z, tk_index n, float *TK_RESTRICT out)
{
    for (tk_index i = 0; i < n; i++)
        out[i] = sqrtf(z[2 * i] * z[2 * i] + z[2 * i + 1] * z[2 * i + 1]);
}
#endif
