/* Band powers of magnitude frames, and sums of frames over slots of half a second. */
#ifndef TK_TIMBRE_H
#define TK_TIMBRE_H
#include "simd.h"

#define TIMBRE_LANES 16

/* bands[f, b] = sum over the band's bins of weight * magnitude squared; slots[(offset + f) / per_slot] += magnitude.
   padded: scratch of at least bins + TIMBRE_LANES. weights: per band, padded with zeros to a multiple of TIMBRE_LANES. */
TK_CLONES
static void timbre_frames(const float *TK_RESTRICT magnitude, long frames, long bins, const int *TK_RESTRICT first,
                          const int *TK_RESTRICT width, const float *TK_RESTRICT weights, long count, long offset, long per_slot,
                          float *TK_RESTRICT padded, float *TK_RESTRICT bands, float *TK_RESTRICT slots) {
    for (long f = 0; f < frames; f++) {
        const float *TK_RESTRICT x = magnitude + f * bins;
        float *TK_RESTRICT slot = slots + (offset + f) / per_slot * bins;
        const float *TK_RESTRICT w = weights;
        for (long i = 0; i < bins; i++) {
            padded[i] = x[i] * x[i];
            slot[i] += x[i];
        }
        for (long b = 0; b < count; b++) {
            float lanes[TIMBRE_LANES] = {0};
            const float *TK_RESTRICT p = padded + first[b];
            for (long i = 0; i < width[b]; i += TIMBRE_LANES, w += TIMBRE_LANES)
                for (long l = 0; l < TIMBRE_LANES; l++) lanes[l] += w[l] * p[i + l];
            for (long half = TIMBRE_LANES / 2; half > 0; half /= 2)
                for (long l = 0; l < half; l++) lanes[l] += lanes[l + half];
            bands[f * count + b] = lanes[0];
        }
    }
}
#endif
