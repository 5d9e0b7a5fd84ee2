#ifndef TK_CHROMA_H
#define TK_CHROMA_H
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "simd.h"

typedef ptrdiff_t tk_place;

enum { TK_LANES = 32, TK_GROUP = 8 };

/* Writes the outputs in runs of TK_LANES, the last run padded, so that each output is summed in the same order by the
   same instructions however the signal is cut. phases holds factor rows of TK_LANES + width / factor + 1 samples. */
TK_CLONES static void tk_decimate(const float *TK_RESTRICT x, tk_place samples, const float *TK_RESTRICT taps,
                                  tk_place width, tk_place factor, float *TK_RESTRICT phases, float *TK_RESTRICT out,
                                  tk_place n)
{
    const tk_place row = TK_LANES + width / factor + 1;
    for (tk_place i = 0; i < n; i += TK_LANES) {
        const float *in = x + i * factor;
        const tk_place left = samples - i * factor;
        for (tk_place p = 0; p < factor; p++) {
            float *phase = phases + p * row;
            const tk_place have = left > p ? (left - p - 1) / factor + 1 : 0, keep = have < row ? have : row;
            for (tk_place j = 0; j < keep; j++)
                phase[j] = in[j * factor + p];
            for (tk_place j = keep; j < row; j++)
                phase[j] = 0.0f;
        }
        float sum[TK_LANES] = {0};
        for (tk_place p = 0; p < factor; p++) {
            const float *phase = phases + p * row;
            for (tk_place k = p; k < width; k += factor, phase++) {
                const float tap = taps[k];
                for (int j = 0; j < TK_LANES; j++)
                    sum[j] += tap * phase[j];
            }
        }
        memcpy(out + i, sum, (size_t)(n - i < TK_LANES ? n - i : TK_LANES) * sizeof(float));
    }
}

/* Base-2 logarithm of a positive normal number, to about 2e-7: vectorises, unlike log2f. */
static inline float tk_log2(float x)
{
    union { float f; uint32_t u; } v = {x};
    const int32_t shifted = (int32_t)(v.u - 0x3f3504f3u) >> 23;
    v.u -= (uint32_t)shifted << 23;
    const float s = (v.f - 1.0f) / (v.f + 1.0f), q = s * s;
    return (float)shifted + 2.88539008f * s * (1.0f + q * (0.33333333f + q * (0.2f + q * 0.14285714f)));
}

/* Space for one frame. */
typedef struct {
    float *floor, *parts;
    double *sums;
    int32_t *peak, *found;
} tk_frame_space;

/* One frame: peaks of the magnitude that stand out of their neighbourhood, laid into pitch bins. */
TK_CLONES static void tk_pitch_peaks(const float *TK_RESTRICT size, tk_place bins, const int *TK_RESTRICT low,
                                     const int *TK_RESTRICT high, tk_place first, tk_place last, float gate,
                                     float contrast, float origin, float per_octave, tk_frame_space space,
                                     float *TK_RESTRICT out, tk_place width)
{
    float *TK_RESTRICT floors = space.floor;
    int32_t *TK_RESTRICT peak = space.peak, *TK_RESTRICT found = space.found;
    const tk_place groups = bins / TK_GROUP;
    space.sums[0] = 0.0;
    for (tk_place g = 0; g < groups; g++) {
        const float *in = size + g * TK_GROUP;
        const float sum = ((in[0] + in[1]) + (in[2] + in[3])) + ((in[4] + in[5]) + (in[6] + in[7]));
        space.sums[g + 1] = space.sums[g] + sum;
    }
    for (tk_place g = 0; g < groups; g++) {
        const float level = contrast * (float)((space.sums[high[g]] - space.sums[low[g]]) / (double)(TK_GROUP * (high[g] - low[g])));
        for (int j = 0; j < TK_GROUP; j++)
            floors[g * TK_GROUP + j] = level;
    }
    for (tk_place k = first; k < last; k++)
        peak[k] = (size[k] > size[k - 1]) & (size[k] >= size[k + 1]) & (size[k] > floors[k]) & (size[k] > gate);
    tk_place n = 0;
    for (tk_place k = first; k < last; k++) {
        found[n] = (int32_t)k;
        n += peak[k];
    }
    float *TK_RESTRICT before = space.parts, *TK_RESTRICT middle = before + bins, *TK_RESTRICT after = middle + bins;
    float *TK_RESTRICT ground = after + bins;
    for (tk_place i = 0; i < n; i++) {
        const int32_t k = found[i];
        before[i] = size[k - 1];
        middle[i] = size[k];
        after[i] = size[k + 1];
        ground[i] = floors[k];
    }
    for (tk_place i = 0; i < n; i++) {
        const float la = tk_log2(before[i] + 1e-20f), lb = tk_log2(middle[i]), lc = tk_log2(after[i] + 1e-20f);
        const float bend = la - 2.0f * lb + lc;
        const float shift = bend < -1e-6f ? 0.5f * (la - lc) / bend : 0.0f;
        ground[i] = 0.69314718f * tk_log2(middle[i] / ground[i]);
        middle[i] = per_octave * tk_log2((float)found[i] + shift) - origin;
    }
    memset(out, 0, (size_t)width * sizeof(float));
    for (tk_place i = 0; i < n; i++) {
        const float whole = floorf(middle[i]);
        if (!(whole >= 0.0f && whole + 1.0f < (float)width))
            continue;
        const tk_place j = (tk_place)whole;
        const float part = middle[i] - whole;
        out[j] += (1.0f - part) * ground[i];
        out[j + 1] += part * ground[i];
    }
}

enum { TK_ROWS = 4, TK_COLUMNS = 32 };

/* rows x columns outputs of x @ w + b; each output is summed over k in order. Weights are zero-padded to whole runs of
   TK_COLUMNS columns; x rows are `stride` floats apart and may overlap. */
TK_CLONES static void tk_affine(const float *TK_RESTRICT x, tk_place stride, tk_place rows, tk_place inputs,
                                const float *TK_RESTRICT w, const float *TK_RESTRICT b, tk_place padded,
                                tk_place outputs, int add, int rectify, float *TK_RESTRICT out)
{
    for (tk_place c = 0; c < padded; c += TK_COLUMNS) {
        const tk_place keep = outputs - c < TK_COLUMNS ? outputs - c : TK_COLUMNS;
        for (tk_place r = 0; r < rows; r += TK_ROWS) {
            const float *in[TK_ROWS];
            float sum[TK_ROWS][TK_COLUMNS];
            for (int i = 0; i < TK_ROWS; i++)
                in[i] = x + (r + i < rows ? r + i : rows - 1) * stride;
            for (int i = 0; i < TK_ROWS; i++)
                for (int j = 0; j < TK_COLUMNS; j++)
                    sum[i][j] = b[c + j];
            for (tk_place k = 0; k < inputs; k++) {
                const float *row = w + k * padded + c;
                for (int i = 0; i < TK_ROWS; i++) {
                    const float v = in[i][k];
                    for (int j = 0; j < TK_COLUMNS; j++)
                        sum[i][j] += v * row[j];
                }
            }
            for (int i = 0; i < TK_ROWS && r + i < rows; i++) {
                float *to = out + (r + i) * outputs + c;
                for (tk_place j = 0; j < keep; j++) {
                    const float v = sum[i][j] + (add ? to[j] : 0.0f);
                    to[j] = rectify && !(v > 0.0f) ? 0.0f : v;
                }
            }
        }
    }
}
#endif
