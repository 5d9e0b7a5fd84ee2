#ifndef TK_STFT_H
#define TK_STFT_H
#include <math.h>
#include <stddef.h>
#include "simd.h"

/* Eight frames at a time, one per vector lane: every butterfly is a straight vector operation, whatever the width of the
   machine's vectors. The real transform of length 2m runs as a complex one of length m, a power of two. A first radix-4 step in
   place leaves four transforms of length m / 4 that fit the first-level cache; those are Stockham's (self-sorting), of
   radix 4 with a last step of radix 2 where m is no power of four.
   A point is TK_LANES real parts, then TK_LANES imaginary parts. */
#define TK_LANES 8
#define TK_POINT (2 * TK_LANES)

TK_CLONES static void tk_stft_load(const float *TK_RESTRICT x, ptrdiff_t hop, ptrdiff_t frames, ptrdiff_t m,
                                   const float *TK_RESTRICT window, float *TK_RESTRICT z)
{
    for (ptrdiff_t start = 0; start < m; start += 64) {
        const ptrdiff_t end = start + 64 < m ? start + 64 : m;
        for (ptrdiff_t f = 0; f < TK_LANES; f++) {
            const float *in = x + (f < frames ? f : 0) * hop;
            float *to = z + f;
            for (ptrdiff_t k = start; k < end; k++) {
                to[k * TK_POINT] = in[2 * k] * window[2 * k];
                to[k * TK_POINT + TK_LANES] = in[2 * k + 1] * window[2 * k + 1];
            }
        }
    }
}

/* One butterfly on the points a, b, c, d; `t` holds three turns (cosine, sine). */
static inline void tk_butterfly(const float *TK_RESTRICT a, const float *TK_RESTRICT b, const float *TK_RESTRICT c,
                                const float *TK_RESTRICT d, const float *TK_RESTRICT t, float *TK_RESTRICT e)
{
    for (int l = 0; l < TK_LANES; l++) {
        const int i = l + TK_LANES;
        const float sr = a[l] + c[l], si = a[i] + c[i], tr = a[l] - c[l], ti = a[i] - c[i];
        const float ur = b[l] + d[l], ui = b[i] + d[i], vr = d[i] - b[i], vi = b[l] - d[l];
        const float e1r = tr - vr, e1i = ti - vi, e2r = sr - ur, e2i = si - ui, e3r = tr + vr, e3i = ti + vi;
        e[l] = sr + ur;
        e[i] = si + ui;
        e[TK_POINT + l] = t[0] * e1r - t[1] * e1i;
        e[TK_POINT + i] = t[0] * e1i + t[1] * e1r;
        e[2 * TK_POINT + l] = t[2] * e2r - t[3] * e2i;
        e[2 * TK_POINT + i] = t[2] * e2i + t[3] * e2r;
        e[3 * TK_POINT + l] = t[4] * e3r - t[5] * e3i;
        e[3 * TK_POINT + i] = t[4] * e3i + t[5] * e3r;
    }
}

static inline void tk_copy(float *TK_RESTRICT to, const float *TK_RESTRICT from)
{
    for (int l = 0; l < TK_POINT; l++)
        to[l] = from[l];
}

TK_CLONES static void tk_stft_split(ptrdiff_t m, const float *TK_RESTRICT turn, float *z)
{
    const ptrdiff_t quarter = m / 4;
    float e[4 * TK_POINT];
    for (ptrdiff_t p = 0; p < quarter; p++) {
        const float t[6] = {turn[2 * p], turn[2 * p + 1], turn[4 * p], turn[4 * p + 1], turn[6 * p], turn[6 * p + 1]};
        float *a = z + p * TK_POINT, *b = a + quarter * TK_POINT, *c = b + quarter * TK_POINT, *d = c + quarter * TK_POINT;
        tk_butterfly(a, b, c, d, t, e);
        tk_copy(a, e);
        tk_copy(b, e + TK_POINT);
        tk_copy(c, e + 2 * TK_POINT);
        tk_copy(d, e + 3 * TK_POINT);
    }
}

TK_CLONES static void tk_stft_pass(ptrdiff_t n, ptrdiff_t s, ptrdiff_t step, const float *TK_RESTRICT turn,
                                   const float *TK_RESTRICT x, float *TK_RESTRICT y)
{
    const ptrdiff_t quarter = n / 4, run = s * TK_POINT;
    float e[4 * TK_POINT];
    for (ptrdiff_t p = 0; p < quarter; p++) {
        const float *w1 = turn + 2 * p * step, *w2 = turn + 4 * p * step, *w3 = turn + 6 * p * step;
        const float t[6] = {w1[0], w1[1], w2[0], w2[1], w3[0], w3[1]};
        for (ptrdiff_t q = 0; q < s; q++) {
            const float *a = x + run * p + q * TK_POINT;
            float *out = y + run * 4 * p + q * TK_POINT;
            tk_butterfly(a, a + run * quarter, a + 2 * run * quarter, a + 3 * run * quarter, t, e);
            tk_copy(out, e);
            tk_copy(out + run, e + TK_POINT);
            tk_copy(out + 2 * run, e + 2 * TK_POINT);
            tk_copy(out + 3 * run, e + 3 * TK_POINT);
        }
    }
}

static inline void tk_stft_pair(const float *TK_RESTRICT a, const float *TK_RESTRICT b, float *TK_RESTRICT e)
{
    for (int l = 0; l < TK_POINT; l++) {
        e[l] = a[l] + b[l];
        e[TK_POINT + l] = a[l] - b[l];
    }
}

TK_CLONES static void tk_stft_last(ptrdiff_t s, const float *TK_RESTRICT x, float *TK_RESTRICT y)
{
    float e[2 * TK_POINT];
    for (ptrdiff_t q = 0; q < s; q++) {
        tk_stft_pair(x + q * TK_POINT, x + (s + q) * TK_POINT, e);
        tk_copy(y + q * TK_POINT, e);
        tk_copy(y + (s + q) * TK_POINT, e + TK_POINT);
    }
}

/* Where bin k of the whole transform lies after the split: quarter k mod 4, place k / 4. */
static inline const float *tk_stft_bin(const float *z, ptrdiff_t m, ptrdiff_t k)
{
    return m < 4 ? z + k * TK_POINT : z + ((k & 3) * (m / 4) + (k >> 2)) * TK_POINT;
}

TK_CLONES static void tk_stft_fold(ptrdiff_t m, const float *TK_RESTRICT half, const float *TK_RESTRICT z, float *TK_RESTRICT out)
{
    for (int l = 0; l < TK_LANES; l++) {
        out[l] = fabsf(z[l] + z[l + TK_LANES]);
        out[m * TK_LANES + l] = fabsf(z[l] - z[l + TK_LANES]);
    }
    for (ptrdiff_t k = 1; k <= m / 2; k++) {
        const float c = half[2 * k], s = half[2 * k + 1];
        const float *a = tk_stft_bin(z, m, k), *b = tk_stft_bin(z, m, m - k);
        float *low = out + k * TK_LANES, *high = out + (m - k) * TK_LANES;
        float up[TK_LANES], down[TK_LANES];
        for (int l = 0; l < TK_LANES; l++) {
            const int i = l + TK_LANES;
            const float er = 0.5f * (a[l] + b[l]), ei = 0.5f * (a[i] - b[i]);
            const float odd_r = 0.5f * (a[i] + b[i]), odd_i = 0.5f * (b[l] - a[l]);
            const float wr = c * odd_r - s * odd_i, wi = c * odd_i + s * odd_r;
            up[l] = sqrtf((er + wr) * (er + wr) + (ei + wi) * (ei + wi));
            down[l] = sqrtf((er - wr) * (er - wr) + (ei - wi) * (ei - wi));
        }
        for (int l = 0; l < TK_LANES; l++)
            low[l] = up[l];
        if (k < m - k)
            for (int l = 0; l < TK_LANES; l++)
                high[l] = down[l];
    }
}

TK_CLONES static void tk_stft_store(const float *TK_RESTRICT columns, ptrdiff_t bins, ptrdiff_t frames, float *TK_RESTRICT out)
{
    for (ptrdiff_t start = 0; start < bins; start += 64) {
        const ptrdiff_t end = start + 64 < bins ? start + 64 : bins;
        for (ptrdiff_t f = 0; f < frames; f++)
            for (ptrdiff_t k = start; k < end; k++)
                out[f * bins + k] = columns[k * TK_LANES + f];
    }
}

static void tk_stft_transform(ptrdiff_t m, const float *turn, float *z, float *scratch)
{
    const ptrdiff_t quarter = m / 4;
    if (m == 2) {
        float e[2 * TK_POINT];
        tk_stft_pair(z, z + TK_POINT, e);
        tk_copy(z, e);
        tk_copy(z + TK_POINT, e + TK_POINT);
    }
    if (m < 4)
        return;
    tk_stft_split(m, turn, z);
    for (ptrdiff_t j = 0; j < 4; j++) {
        float *x = z + j * quarter * TK_POINT, *y = scratch;
        for (ptrdiff_t n = quarter, s = 1; n > 1; n /= 4, s *= 4) {
            float *t = x;
            if (n == 2)
                tk_stft_last(s, x, y);
            else
                tk_stft_pass(n, s, m / n, turn, x, y);
            x = y;
            y = t;
        }
        if (x == scratch)
            for (ptrdiff_t k = 0; k < quarter; k++)
                tk_copy(z + (j * quarter + k) * TK_POINT, scratch + k * TK_POINT);
    }
}

/* work: m points, m / 4 points, and (m + 1) * TK_LANES floats. */
static void tk_stft_magnitude(const float *x, ptrdiff_t hop, ptrdiff_t frames, ptrdiff_t m, const float *window, const float *turn,
                              const float *half, float *work, float *out)
{
    float *scratch = work + m * TK_POINT, *columns = scratch + (m / 4 + 1) * TK_POINT;
    for (ptrdiff_t f = 0; f < frames; f += TK_LANES) {
        const ptrdiff_t now = frames - f < TK_LANES ? frames - f : TK_LANES;
        tk_stft_load(x + f * hop, hop, now, m, window, work);
        tk_stft_transform(m, turn, work, scratch);
        tk_stft_fold(m, half, work, columns);
        tk_stft_store(columns, m + 1, now, out + f * (m + 1));
    }
}
#endif
