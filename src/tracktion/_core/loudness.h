/* K-weighted energies and true peaks of interleaved float samples.

   Recursion is the enemy of vectors: a filter's next output waits for the last one. So hops (10 ms) lie side by side
   in LANES lanes, each started from its right state: a first pass takes, for each hop, the state that its samples alone
   would leave behind (a dot product with the filter's impulse response, no recursion); these are chained by the
   hop's transition matrix; a second pass filters all lanes at once. */
#ifndef TK_LOUDNESS_H
#define TK_LOUDNESS_H
#include <math.h>
#include <stdint.h>
#include <string.h>
#include "simd.h"

#define LANES 16
#define ORDER 4
#define GROUP 16
#define PEAK_LANES 32

/* One sample through both biquads (transposed direct form II); c: b0 b1 b2 a1 a2 of each. */
static inline double kw_step(double x, const double *c, double *s) {
    double y = c[0] * x + s[0];
    s[0] = c[1] * x - c[3] * y + s[1];
    s[1] = c[2] * x - c[4] * y;
    double z = c[5] * y + s[2];
    s[2] = c[6] * y - c[8] * z + s[3];
    s[3] = c[7] * y - c[9] * z;
    return z;
}

/* states[m] = state m steps after a unit impulse went in (m = 0: just after it); transition = effect of `hop` steps. */
static void kw_tables(const double *c, long hop, double *states, double *transition) {
    double s[ORDER] = {0, 0, 0, 0};
    kw_step(1.0, c, s);
    for (long m = 0; m < hop; m++) {
        memcpy(states + m * ORDER, s, sizeof s);
        kw_step(0.0, c, s);
    }
    for (int j = 0; j < ORDER; j++) {
        double u[ORDER] = {0, 0, 0, 0};
        u[j] = 1.0;
        for (long m = 0; m < hop; m++) kw_step(0.0, c, u);
        for (int i = 0; i < ORDER; i++) transition[i * ORDER + j] = u[i];
    }
}

/* Denormal numbers are slow, and a state below 1e-30 is silence. */
static inline void kw_flush(double *s) {
    for (int i = 0; i < ORDER; i++)
        if (fabs(s[i]) < 1e-30) s[i] = 0.0;
}

/* Energy of fewer frames than a hop, one channel. */
static double kw_partial(const float *x, long frames, long channels, const double *c, double *s) {
    double energy = 0.0;
    for (long t = 0; t < frames; t++) {
        double y = kw_step(x[t * channels], c, s);
        energy += y * y;
    }
    kw_flush(s);
    return energy;
}

/* The two passes, compiled for each kind of machine. TK_CLONES would not do: explicit vectors are split up before clones
   are made, and without them the states do not stay in registers. */
#define KW_NAME(name) name##_any
#define KW_TARGET
#include "loudness_lanes.h"
#undef KW_NAME
#undef KW_TARGET
#if defined(__x86_64__) && defined(__GNUC__)
#define KW_NAME(name) name##_avx2
#define KW_TARGET __attribute__((target("avx2,fma")))
#include "loudness_lanes.h"
#undef KW_NAME
#undef KW_TARGET
#define KW_CALL(name, ...) (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? name##_avx2(__VA_ARGS__) : name##_any(__VA_ARGS__))
#else
#define KW_CALL(name, ...) name##_any(__VA_ARGS__)
#endif

/* `hops` whole hops of `width` neighbouring channels (hops * width <= LANES); x is at the first of these channels.
   state: width x ORDER, updated; energies[h * width + c]. */
static void kw_group(const float *x, long hops, long hop, long width, long channels, const double *c, const double *states,
                     const double *transition, float *planar, double *state, double *energies) {
    double lane_state[LANES * ORDER], forced[LANES * ORDER], energy[LANES];
    long used = hops * width;
    for (long t = 0; t < hop; t++) {
        float *row = planar + t * LANES;
        const float *from = x + t * channels;
        if (width == 2)
            for (long h = 0; h < hops; h++) memcpy(row + 2 * h, from + h * hop * channels, 2 * sizeof(float));
        else
            for (long h = 0; h < hops; h++) row[h] = from[h * hop * channels];
        for (long l = used; l < LANES; l++) row[l] = 0.0f;
    }
    KW_CALL(kw_forced, planar, hop, states, forced);
    memset(lane_state, 0, sizeof lane_state);
    for (long l = 0; l < used; l++) {
        double own[ORDER];
        for (int i = 0; i < ORDER; i++) {
            own[i] = l < width ? state[l * ORDER + i] : forced[i * LANES + l - width];
            for (int j = 0; l >= width && j < ORDER; j++) own[i] += transition[i * ORDER + j] * lane_state[j * LANES + l - width];
        }
        kw_flush(own);
        for (int i = 0; i < ORDER; i++) lane_state[i * LANES + l] = own[i];
    }
    KW_CALL(kw_lanes, planar, hop, c, lane_state, energy);
    for (long w = 0; w < width; w++) {
        for (int i = 0; i < ORDER; i++) state[w * ORDER + i] = lane_state[i * LANES + used - width + w];
        kw_flush(state + w * ORDER);
    }
    memcpy(energies, energy, (size_t)used * sizeof(double));
}

/* K-weighted energy (sum of squares, weighted by channel) of each hop that ends in this block.
   partial: energy of the unfinished hop, in and out; fill: its frames. Returns the number of hops written. */
static long kw_block(const float *x, long frames, long channels, const double *c, const double *weights, long hop, long fill,
                     double *state, double *partial, double *states, float *planar, double *out) {
    double transition[ORDER * ORDER], energies[LANES];
    long hops = (fill + frames) / hop, head = 0;
    kw_tables(c, hop, states, transition);
    for (long h = 0; h < hops; h++) out[h] = 0.0;
    if (fill > 0) head = hop - fill < frames ? hop - fill : frames;
    long whole = (frames - head) / hop, tail = frames - head - whole * hop;
    double rest = 0.0, first = *partial;
    for (long at = 0; at < channels;) {
        long width = channels == 2 ? 2 : 1, step = LANES / width, done = 0;
        for (long w = 0; w < width; w++)
            first += weights[at + w] * kw_partial(x + at + w, head, channels, c, state + (at + w) * ORDER);
        const float *body = x + head * channels + at;
        double *target = out + (head > 0 && fill + head == hop ? 1 : 0);
        for (; done < whole; done += step) {
            long n = whole - done < step ? whole - done : step;
            kw_group(body + done * hop * channels, n, hop, width, channels, c, states, transition, planar, state + at * ORDER, energies);
            for (long h = 0; h < n; h++)
                for (long w = 0; w < width; w++) target[done + h] += weights[at + w] * energies[h * width + w];
        }
        for (long w = 0; w < width; w++)
            rest += weights[at + w] * kw_partial(x + (head + whole * hop) * channels + at + w, tail, channels, c, state + (at + w) * ORDER);
        at += width;
    }
    if (head > 0 && fill + head == hop) {
        out[0] += first;
        *partial = rest;
    } else
        *partial = first + rest;
    return hops;
}

static inline int32_t magnitude_bits(float v) {
    int32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits & 0x7fffffff;
}

static inline float from_bits(int32_t bits) {
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* Largest |x| and largest |second difference| of each group of GROUP frames. Positive floats order as their bits do. */
TK_CLONES
static void peak_scan(const float *x, long frames, long channels, float *level, float *bend) {
    long groups = (frames + GROUP - 1) / GROUP, total = frames * channels;
    for (long g = 0; g < groups; g++) {
        long from = g * GROUP * channels, to = from + GROUP * channels;
        int32_t m = 0, d = 0;
        if (to > total) to = total;
        for (long i = from; i < to; i++) {
            int32_t a = magnitude_bits(x[i]);
            m = a > m ? a : m;
        }
        long curved = to < total - 2 * channels ? to : total - 2 * channels;
        for (long i = from; i < curved; i++) {
            int32_t a = magnitude_bits(x[i] - 2.0f * x[i + channels] + x[i + 2 * channels]);
            d = a > d ? a : d;
        }
        level[g] = from_bits(m);
        bend[g] = from_bits(d);
    }
}

/* Largest interpolated magnitude at the intervals that start at frames [first, last). */
TK_CLONES
static float peak_interpolate(const float *x, long first, long last, long channels, const float *taps, long phases, long length) {
    float best = 0.0f;
    long from = first * channels, to = last * channels, before = (length / 2 - 1) * channels;
    for (long i = from; i < to; i += PEAK_LANES) {
        long n = to - i < PEAK_LANES ? to - i : PEAK_LANES;
        for (long p = 0; p < phases; p++) {
            const float *h = taps + p * length, *z = x + i - before;
            float sum[PEAK_LANES] = {0};
            if (n == PEAK_LANES)
                for (long k = 0; k < length; k++, z += channels)
                    for (long j = 0; j < PEAK_LANES; j++) sum[j] += h[k] * z[j];
            else
                for (long k = 0; k < length; k++, z += channels)
                    for (long j = 0; j < n; j++) sum[j] += h[k] * z[j];
            int32_t m = 0;
            for (long j = 0; j < PEAK_LANES; j++) {
                int32_t a = magnitude_bits(sum[j]);
                m = a > m ? a : m;
            }
            best = from_bits(m) > best ? from_bits(m) : best;
        }
    }
    return best;
}

/* Sample peak and true peak over all intervals with full filter support. An interpolated value exceeds its two
   neighbours by at most gain * (largest second difference in reach); groups for which that is below `peak` are skipped. */
static void true_peaks(const float *x, long frames, long channels, const float *taps, long phases, long length, float gain,
                       float *level, float *bend, float *sample, float *peak) {
    long groups = (frames + GROUP - 1) / GROUP, loudest = 0;
    long begin = length / 2 - 1, end = frames - length / 2;
    peak_scan(x, frames, channels, level, bend);
    for (long g = 0; g < groups; g++)
        if (level[g] > level[loudest]) loudest = g;
    if (groups > 0 && level[loudest] > *sample) *sample = level[loudest];
    if (*sample > *peak) *peak = *sample;
    for (long k = -1; k < groups; k++) {
        long g = k < 0 ? loudest : k;
        if (g >= groups) break;
        float m = level[g], d = bend[g];
        if (g + 1 < groups) {
            m = level[g + 1] > m ? level[g + 1] : m;
            d = bend[g + 1] > d ? bend[g + 1] : d;
        }
        if (g > 0) d = bend[g - 1] > d ? bend[g - 1] : d;
        if (m + gain * d <= *peak) continue;
        long first = g * GROUP > begin ? g * GROUP : begin, last = (g + 1) * GROUP < end ? (g + 1) * GROUP : end;
        if (first < last) {
            float v = peak_interpolate(x, first, last, channels, taps, phases, length);
            if (v > *peak) *peak = v;
        }
    }
}
#endif
