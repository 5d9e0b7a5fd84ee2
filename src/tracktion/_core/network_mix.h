/* Included by network.h once per kind of machine: TK_NAME names the function, TK_TARGET says for what it is compiled,
   TK_WIDTH how many pairs its vectors hold, TK_MULTIPLY multiplies pairs and adds the two products. Four channels by two
   vectors of frames stay in registers. */
#define TK_PICK(where, a, b) (((where) & (a)) | (~(where) & (b)))
#define TK_CLAMP(v, low, high) TK_PICK((v) < (low), zero + (low), TK_PICK((v) > (high), zero + (high), (v)))

TK_TARGET static void TK_NAME(tk_mix)(const tk_pair *const *rows, ptrdiff_t count, const tk_pair *TK_RESTRICT weights,
                                      const int32_t *TK_RESTRICT bias, const float *TK_RESTRICT scale, ptrdiff_t groups,
                                      tk_pair *const *out, ptrdiff_t frames, enum tk_ending ending)
{
    typedef int32_t lane __attribute__((vector_size(4 * TK_WIDTH), aligned(4), may_alias));
    typedef float real __attribute__((vector_size(4 * TK_WIDTH), aligned(4), may_alias));
    const lane zero = {0};
    for (ptrdiff_t t = 0; t < frames; t += 2 * TK_WIDTH) {
        const tk_pair *w = weights;
        for (ptrdiff_t g = 0; g < groups; g++) {
            lane sums[4][2];
            lane a0 = zero + bias[4 * g], b0 = a0, a1 = zero + bias[4 * g + 1], b1 = a1;
            lane a2 = zero + bias[4 * g + 2], b2 = a2, a3 = zero + bias[4 * g + 3], b3 = a3;
            for (ptrdiff_t r = 0; r < count; r++, w += 4) {
                const lane x = *(const lane *)(rows[r] + t), y = *(const lane *)(rows[r] + t + TK_WIDTH);
                lane v = zero + w[0];
                a0 += TK_MULTIPLY(x, v), b0 += TK_MULTIPLY(y, v);
                TK_KEEP(a0, b0);
                v = zero + w[1];
                a1 += TK_MULTIPLY(x, v), b1 += TK_MULTIPLY(y, v);
                TK_KEEP(a1, b1);
                v = zero + w[2];
                a2 += TK_MULTIPLY(x, v), b2 += TK_MULTIPLY(y, v);
                TK_KEEP(a2, b2);
                v = zero + w[3];
                a3 += TK_MULTIPLY(x, v), b3 += TK_MULTIPLY(y, v);
                TK_KEEP(a3, b3);
            }
            sums[0][0] = a0, sums[0][1] = b0, sums[1][0] = a1, sums[1][1] = b1;
            sums[2][0] = a2, sums[2][1] = b2, sums[3][0] = a3, sums[3][1] = b3;
            for (int half = 0; half < 2; half++) {
                const ptrdiff_t at = t + half * TK_WIDTH;
                lane v[4];
                for (int c = 0; c < 4; c++) {
                    const real value = __builtin_convertvector(sums[c][half], real) * scale[4 * g + c];
                    if (ending == TK_VALUE) {
                        *(lane *)(out[4 * g + c] + at) = (lane)value;
                        continue;
                    }
                    /* Clamped before it is rounded, so that no machine makes one operation of the product and the sum. */
                    const lane high = value > TK_MOST, low = value < -TK_MOST;
                    const real most = (real)zero + TK_MOST;
                    const real inside = (real)TK_PICK(high, (lane)most, TK_PICK(low, (lane)-most, (lane)value));
                    v[c] = (lane)(inside + TK_ROUND) - TK_ROUND_BITS;
                }
                if (ending == TK_VALUE)
                    continue;
                for (int p = 0; p < 2; p++) {
                    lane *to = (lane *)(out[2 * g + p] + at), even = v[2 * p], odd = v[2 * p + 1];
                    if (ending == TK_ADDED) {
                        even += (lane)((lane)((*to) << 16) >> 16), odd += *to >> 16;
                        even = TK_CLAMP(even, -(int)TK_MOST, (int)TK_MOST);
                        odd = TK_CLAMP(odd, -(int)TK_MOST, (int)TK_MOST);
                    } else {
                        even &= even > 0, odd &= odd > 0;
                    }
                    *to = (even & 0xffff) | (odd << 16);
                }
            }
        }
    }
}
#undef TK_CLAMP
#undef TK_PICK
#undef TK_MULTIPLY
#undef TK_NAME
#undef TK_TARGET
#undef TK_WIDTH
