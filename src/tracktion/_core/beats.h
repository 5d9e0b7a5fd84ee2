#ifndef TK_BEATS_H
#define TK_BEATS_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "simd.h"

#define TK_NEVER (-1e30f)

/* Frames that are searched together, one per vector lane. No interval may be shorter, so that none waits for another. */
#define TK_TOGETHER 8

#define TK_NAME(name) name##_any
#define TK_TARGET
#if defined(__GNUC__)
#define TK_WIDTH 4
#else
#define TK_WIDTH 1
#endif
#include "beats_lanes.h"
#if defined(__x86_64__) && defined(__GNUC__)
#define TK_NAME(name) name##_avx2
#define TK_TARGET __attribute__((target("avx2")))
#define TK_WIDTH 8
#include "beats_lanes.h"
#endif

static void tk_successors(const float *score, ptrdiff_t count, ptrdiff_t reach, const float *cost, float *best,
                          uint8_t *links)
{
#if defined(__x86_64__) && defined(__GNUC__)
    if (__builtin_cpu_supports("avx2")) {
        tk_successors_avx2(score, count, reach, cost, best, links);
        return;
    }
#endif
    tk_successors_any(score, count, reach, cost, best, links);
}

/* A sequence may end with a beat at t whose next would fall behind the piece: keeps the best such (score, t, k). */
static void tk_last_beat(const float *score, ptrdiff_t t, ptrdiff_t frames, const float *prior, ptrdiff_t shortest,
                         ptrdiff_t count, float *top, ptrdiff_t *top_t, ptrdiff_t *top_k)
{
    for (ptrdiff_t k = 0; k < count; k++) {
        const ptrdiff_t interval = shortest + k;
        const float end = score[k * TK_TOGETHER] + prior[k] * (float)(frames - t) / (float)interval;
        if (t + interval >= frames && end > *top) {
            *top = end;
            *top_t = t;
            *top_k = k;
        }
    }
}

/* Returns the number of beats written to `out`, last one first. Work space: `ring` holds, for each interval, what the beats
   of the last `size` frames (a multiple of `together`, which is at most TK_TOGETHER and at most `shortest`) leave to
   their successors, and the first run of them once more behind it, so that no run wraps. */
static ptrdiff_t tk_beat_path(const float *odds, ptrdiff_t frames, const float *prior, ptrdiff_t shortest,
                              ptrdiff_t count, ptrdiff_t reach, const float *cost, ptrdiff_t together, ptrdiff_t size,
                              float *ring, float *scores, float *best, uint8_t *links, int32_t *out)
{
    const ptrdiff_t wide = size + TK_TOGETHER;
    float *score = scores + reach * TK_TOGETHER, top = TK_NEVER;
    ptrdiff_t top_t = -1, top_k = 0;
    for (ptrdiff_t i = 0; i < (count + 2 * reach) * TK_TOGETHER; i++)
        scores[i] = TK_NEVER;
    for (ptrdiff_t k = 0; k < count; k++)
        for (ptrdiff_t i = 0; i < wide; i++)
            ring[k * wide + i] = prior[k] * (float)(i % size - size) / (float)(shortest + k);
    for (ptrdiff_t t = 0, now = 0; t < frames; t += together, now = (now + together) % size) {
        const ptrdiff_t run = frames - t < together ? frames - t : together;
        for (ptrdiff_t k = 0; k < count; k++) {
            const ptrdiff_t then = now - shortest - k;
            const float *before = ring + k * wide + (then < 0 ? then + size : then);
            for (ptrdiff_t l = 0; l < run; l++)
                score[k * TK_TOGETHER + l] = before[l] + odds[t + l] + prior[k];
        }
        for (ptrdiff_t l = 0; l < run; l++)
            if (t + l + shortest + count > frames)
                tk_last_beat(score + l, t + l, frames, prior, shortest, count, &top, &top_t, &top_k);
        tk_successors(scores, count, reach, cost, best, links + t / together * count * TK_TOGETHER);
        for (ptrdiff_t k = 0; k < count; k++) {
            memcpy(ring + k * wide + now, best + k * TK_TOGETHER, (size_t)run * sizeof(float));
            if (now == 0)
                memcpy(ring + k * wide + size, best + k * TK_TOGETHER, (size_t)run * sizeof(float));
        }
    }
    ptrdiff_t n = 0, t = top_t, k = top_k;
    while (t >= 0) {
        out[n++] = (int32_t)t;
        const ptrdiff_t before = t - (shortest + k);
        if (before < 0)
            break;
        k = links[(before / together * count + k) * TK_TOGETHER + before % together];
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
