/* Included by loudness.h once per kind of machine: KW_NAME names the functions, KW_TARGET says for what they are compiled. */
#ifndef KW_QUAD
#if defined(__GNUC__)
typedef double kw_quad __attribute__((vector_size(32), aligned(8), may_alias));
typedef float kw_quad_float __attribute__((vector_size(16), aligned(4), may_alias));
#define KW_QUAD 4
#define KW_WIDEN(x) __builtin_convertvector(*(const kw_quad_float *)(x), kw_quad)
#else
typedef double kw_quad;
#define KW_QUAD 1
#define KW_WIDEN(x) ((double)*(x))
#endif
#define KW_AT(x, row) (*(kw_quad *)((x) + (row) * LANES))
#endif

/* Filters the lanes at once. planar: hop x LANES samples; state: ORDER x LANES, right start states in, end states out;
   energy: LANES. */
KW_TARGET static void KW_NAME(kw_lanes)(const float *planar, long hop, const double *c, double *state, double *energy) {
    const double b0 = c[0], b1 = c[1], b2 = c[2], a1 = c[3], a2 = c[4], d0 = c[5], d1 = c[6], d2 = c[7], f1 = c[8], f2 = c[9];
    for (int l = 0; l < LANES; l += 2 * KW_QUAD) {
        double *sp = state + l, *sq = sp + KW_QUAD;
        kw_quad p0 = KW_AT(sp, 0), p1 = KW_AT(sp, 1), p2 = KW_AT(sp, 2), p3 = KW_AT(sp, 3), pe = p0 - p0;
        kw_quad q0 = KW_AT(sq, 0), q1 = KW_AT(sq, 1), q2 = KW_AT(sq, 2), q3 = KW_AT(sq, 3), qe = q0 - q0;
        const float *x = planar + l;
        for (long t = 0; t < hop; t++, x += LANES) {
            kw_quad pv = KW_WIDEN(x), qv = KW_WIDEN(x + KW_QUAD);
            kw_quad py = b0 * pv + p0, qy = b0 * qv + q0;
            p0 = b1 * pv + p1 - a1 * py;
            q0 = b1 * qv + q1 - a1 * qy;
            p1 = b2 * pv - a2 * py;
            q1 = b2 * qv - a2 * qy;
            kw_quad pz = d0 * py + p2, qz = d0 * qy + q2;
            p2 = d1 * py + p3 - f1 * pz;
            q2 = d1 * qy + q3 - f1 * qz;
            p3 = d2 * py - f2 * pz;
            q3 = d2 * qy - f2 * qz;
            pe += pz * pz;
            qe += qz * qz;
        }
        KW_AT(sp, 0) = p0, KW_AT(sp, 1) = p1, KW_AT(sp, 2) = p2, KW_AT(sp, 3) = p3;
        KW_AT(sq, 0) = q0, KW_AT(sq, 1) = q1, KW_AT(sq, 2) = q2, KW_AT(sq, 3) = q3;
        KW_AT(energy + l, 0) = pe, KW_AT(energy + l + KW_QUAD, 0) = qe;
    }
}

/* State (ORDER x LANES) that each lane's hop leaves behind when it starts from rest. */
KW_TARGET static void KW_NAME(kw_forced)(const float *planar, long hop, const double *states, double *out) {
    for (int l = 0; l < LANES; l += 2 * KW_QUAD) {
        kw_quad zero = KW_WIDEN(planar) * 0.0;
        kw_quad p0 = zero, p1 = zero, p2 = zero, p3 = zero, q0 = zero, q1 = zero, q2 = zero, q3 = zero;
        const double *h = states + (hop - 1) * ORDER;
        const float *x = planar + l;
        for (long t = 0; t < hop; t++, x += LANES, h -= ORDER) {
            kw_quad p = KW_WIDEN(x), q = KW_WIDEN(x + KW_QUAD);
            p0 += h[0] * p, p1 += h[1] * p, p2 += h[2] * p, p3 += h[3] * p;
            q0 += h[0] * q, q1 += h[1] * q, q2 += h[2] * q, q3 += h[3] * q;
        }
        double *to = out + l;
        KW_AT(to, 0) = p0, KW_AT(to, 1) = p1, KW_AT(to, 2) = p2, KW_AT(to, 3) = p3;
        to += KW_QUAD;
        KW_AT(to, 0) = q0, KW_AT(to, 1) = q1, KW_AT(to, 2) = q2, KW_AT(to, 3) = q3;
    }
}
