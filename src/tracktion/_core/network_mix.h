/* Included by network.h once per kind of machine: TK_NAME names the function, TK_TARGET says for what it is compiled,
   TK_WIDTH how many floats its vectors hold. Four channels by two vectors of frames stay in registers. */
#define TK_RECTIFY(v) ((lane)((mask)(v) & ((v) > zero)))

TK_TARGET static void TK_NAME(tk_mix)(const float *const *rows, ptrdiff_t count, const float *TK_RESTRICT weights,
                                      const float *TK_RESTRICT bias, ptrdiff_t groups, float *const *out,
                                      ptrdiff_t frames, int rectify, int add)
{
    typedef float lane __attribute__((vector_size(4 * TK_WIDTH), aligned(4), may_alias));
    typedef int32_t mask __attribute__((vector_size(4 * TK_WIDTH), aligned(4), may_alias));
    const lane zero = {0};
    for (ptrdiff_t t = 0; t < frames; t += 2 * TK_WIDTH) {
        const float *w = weights;
        for (ptrdiff_t g = 0; g < groups; g++) {
            lane a0 = zero + bias[4 * g], b0 = a0;
            lane a1 = zero + bias[4 * g + 1], b1 = a1;
            lane a2 = zero + bias[4 * g + 2], b2 = a2;
            lane a3 = zero + bias[4 * g + 3], b3 = a3;
            for (ptrdiff_t r = 0; r < count; r++, w += 4) {
                const lane x = *(const lane *)(rows[r] + t), y = *(const lane *)(rows[r] + t + TK_WIDTH);
                a0 += x * w[0], b0 += y * w[0];
                a1 += x * w[1], b1 += y * w[1];
                a2 += x * w[2], b2 += y * w[2];
                a3 += x * w[3], b3 += y * w[3];
            }
            lane *const o0 = (lane *)(out[4 * g] + t), *const o1 = (lane *)(out[4 * g + 1] + t);
            lane *const o2 = (lane *)(out[4 * g + 2] + t), *const o3 = (lane *)(out[4 * g + 3] + t);
            if (rectify) {
                a0 = TK_RECTIFY(a0), b0 = TK_RECTIFY(b0);
                a1 = TK_RECTIFY(a1), b1 = TK_RECTIFY(b1);
                a2 = TK_RECTIFY(a2), b2 = TK_RECTIFY(b2);
                a3 = TK_RECTIFY(a3), b3 = TK_RECTIFY(b3);
            }
            if (add) {
                a0 += o0[0], b0 += o0[1], a1 += o1[0], b1 += o1[1];
                a2 += o2[0], b2 += o2[1], a3 += o3[0], b3 += o3[1];
            }
            o0[0] = a0, o0[1] = b0, o1[0] = a1, o1[1] = b1;
            o2[0] = a2, o2[1] = b2, o3[0] = a3, o3[1] = b3;
        }
    }
}
#undef TK_RECTIFY
#undef TK_NAME
#undef TK_TARGET
#undef TK_WIDTH
