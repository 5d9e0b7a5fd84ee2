#ifndef TK_CHROMA_H
#define TK_CHROMA_H
#include <math.h>
#include <stddef.h>
#include "simd.h"

typedef ptrdiff_t tk_place;

/* Sixteen partial sums in a fixed order: vectorised, and the same for each way of cutting the input. */
TK_CLONES static void tk_decimate(const float *TK_RESTRICT x, const float *TK_RESTRICT taps, tk_place width,
                                  tk_place factor, float *TK_RESTRICT out, tk_place n)
{
    for (tk_place i = 0; i < n; i++) {
        const float *in = x + i * factor;
        float part[16] = {0};
        tk_place k = 0;
        for (; k + 16 <= width; k += 16)
            for (int j = 0; j < 16; j++)
                part[j] += in[k + j] * taps[k + j];
        for (; k < width; k++)
            part[0] += in[k] * taps[k];
        for (int j = 0; j < 8; j++)
            part[j] += part[j + 8];
        for (int j = 0; j < 4; j++)
            part[j] += part[j + 4];
        out[i] = (part[0] + part[2]) + (part[1] + part[3]);
    }
}

TK_CLONES static void tk_chroma_magnitude(const float *TK_RESTRICT z, tk_place n, float *TK_RESTRICT out)
{
    for (tk_place i = 0; i < n; i++)
        out[i] = sqrtf(z[2 * i] * z[2 * i] + z[2 * i + 1] * z[2 * i + 1]);
}

/* One frame: peaks of the magnitude that stand out of their neighbourhood, laid into pitch bins.
   work holds bins magnitudes and bins + 1 running sums. */
TK_CLONES static void tk_pitch_peaks(const float *TK_RESTRICT z, tk_place bins, const int *TK_RESTRICT low,
                                     const int *TK_RESTRICT high, tk_place first, tk_place last, float gate,
                                     float contrast, double origin, double per_octave, float *TK_RESTRICT work,
                                     double *TK_RESTRICT sums, float *TK_RESTRICT out, tk_place width)
{
    tk_chroma_magnitude(z, bins, work);
    sums[0] = 0.0;
    for (tk_place k = 0; k < bins; k++)
        sums[k + 1] = sums[k] + work[k];
    for (tk_place j = 0; j < width; j++)
        out[j] = 0.0f;
    for (tk_place k = first; k < last; k++) {
        const float b = work[k];
        if (!(b > work[k - 1] && b >= work[k + 1] && b > gate))
            continue;
        const float mean = (float)((sums[high[k]] - sums[low[k]]) / (double)(high[k] - low[k]));
        const float ratio = b / mean;
        if (!(ratio > contrast))
            continue;
        const float la = logf(work[k - 1] + 1e-20f), lb = logf(b), lc = logf(work[k + 1] + 1e-20f);
        const float bend = la - 2.0f * lb + lc;
        const float shift = bend < -1e-6f ? 0.5f * (la - lc) / bend : 0.0f;
        const double place = per_octave * log2((double)k + (double)shift) - origin;
        const tk_place j = (tk_place)floor(place);
        if (j < 0 || j + 1 >= width)
            continue;
        const float part = (float)(place - (double)j), value = logf(ratio / contrast);
        out[j] += (1.0f - part) * value;
        out[j + 1] += part * value;
    }
}
#endif
