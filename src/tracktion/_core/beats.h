#ifndef TK_BEATS_H
#define TK_BEATS_H
#include <stddef.h>
#include <stdint.h>
#include "simd.h"

#define TK_NEVER (-1e30f)

/* score[k + reach] of a beat whose interval is `shortest + k`; best[k] the best predecessor for an interval, from[k] which. */
TK_CLONES static void tk_successors(const float *TK_RESTRICT score, ptrdiff_t count, ptrdiff_t reach,
                                    const float *TK_RESTRICT cost, float *TK_RESTRICT best, int32_t *TK_RESTRICT from)
{
    for (ptrdiff_t k = 0; k < count; k++) {
        best[k] = TK_NEVER;
        from[k] = (int32_t)k;
    }
    for (ptrdiff_t d = 0; d <= 2 * reach; d++) {
        const float *in = score + d, *c = cost + d * count;
        for (ptrdiff_t k = 0; k < count; k++) {
            const float v = in[k] - c[k];
            const int better = v > best[k];
            best[k] = better ? v : best[k];
            from[k] = better ? (int32_t)(k + d - reach) : from[k];
        }
    }
}

/* Returns the number of beats written to `out`, last one first. `ring`, `row` and `links` are work space. */
static ptrdiff_t tk_beat_path(const float *odds, ptrdiff_t frames, const float *prior, ptrdiff_t shortest,
                              ptrdiff_t count, ptrdiff_t reach, const float *cost, float *ring, float *row,
                              int32_t *from, uint8_t *links, int32_t *out)
{
    const ptrdiff_t span = shortest + count;
    float top = TK_NEVER;
    ptrdiff_t top_t = -1, top_k = 0;
    for (ptrdiff_t k = 0; k < count + 2 * reach; k++)
        row[k] = TK_NEVER;
    for (ptrdiff_t t = 0; t < frames; t++) {
        float *score = row + reach;
        const ptrdiff_t now = t % span;
        if (t >= span && t + span < frames) {
            for (ptrdiff_t k = 0; k < count; k++) {
                const ptrdiff_t then = now - shortest - k;
                score[k] = ring[(then < 0 ? then + span : then) * count + k] + odds[t] + prior[k];
            }
        } else {
            for (ptrdiff_t k = 0; k < count; k++) {
                const ptrdiff_t interval = shortest + k;
                float before = 0.0f;
                if (t >= interval)
                    before = ring[((t - interval) % span) * count + k];
                else
                    before = prior[k] * (float)(t - interval) / (float)interval;
                score[k] = before + odds[t] + prior[k];
                if (t + interval >= frames) {
                    const float end = score[k] + prior[k] * (float)(frames - t) / (float)interval;
                    if (end > top) {
                        top = end;
                        top_t = t;
                        top_k = k;
                    }
                }
            }
        }
        tk_successors(row, count, reach, cost, ring + now * count, from);
        for (ptrdiff_t k = 0; k < count; k++)
            links[t * count + k] = (uint8_t)from[k];
    }
    ptrdiff_t n = 0, t = top_t, k = top_k;
    while (t >= 0) {
        out[n++] = (int32_t)t;
        const ptrdiff_t before = t - (shortest + k);
        if (before < 0)
            break;
        k = links[before * count + k];
        t = before;
    }
    return n;
}

/* Positions in the bar for each beat: states are (metre, position); `odds` that a beat is a downbeat. */
static void tk_bar_path(const float *odds, ptrdiff_t beats, const int32_t *metres, const float *prior, ptrdiff_t count,
                        float slip, float change, float *score, float *next, int32_t *links, int32_t *out)
{
    ptrdiff_t states = 0;
    for (ptrdiff_t m = 0; m < count; m++)
        states += metres[m];
    for (ptrdiff_t i = 0; i < beats; i++) {
        ptrdiff_t any = 0;
        for (ptrdiff_t s = 1; s < states; s++)
            if (i && score[s] > score[any])
                any = s;
        ptrdiff_t base = 0;
        for (ptrdiff_t m = 0; m < count; m++) {
            ptrdiff_t same = base;
            for (ptrdiff_t p = 1; p < metres[m]; p++)
                if (i && score[base + p] > score[same])
                    same = base + p;
            for (ptrdiff_t p = 0; p < metres[m]; p++) {
                const ptrdiff_t s = base + p, step = base + (p + metres[m] - 1) % metres[m];
                float best = 0.0f;
                ptrdiff_t from = step;
                if (i) {
                    best = score[step];
                    if (score[same] - slip > best)
                        best = score[same] - slip, from = same;
                    if (score[any] - change > best)
                        best = score[any] - change, from = any;
                }
                next[s] = best + (p == 0 ? odds[i] : 0.0f) + prior[m];
                links[i * states + s] = (int32_t)from;
            }
            base += metres[m];
        }
        for (ptrdiff_t s = 0; s < states; s++)
            score[s] = next[s];
    }
    ptrdiff_t state = 0;
    for (ptrdiff_t s = 1; s < states; s++)
        if (score[s] > score[state])
            state = s;
    for (ptrdiff_t i = beats - 1; i >= 0; i--) {
        out[i] = (int32_t)state;
        state = links[i * states + state];
    }
}
#endif
