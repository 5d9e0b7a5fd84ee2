/* Included by beats.h once per kind of machine: TK_NAME names the function, TK_TARGET says for what it is compiled,
   TK_WIDTH how many floats its vectors hold. */
#if TK_WIDTH > 1
#define TK_PICK(type, where, a, b) ((type)(((where) & (mask)(a)) | (~(where) & (mask)(b))))
#else
#define TK_PICK(type, where, a, b) ((where) ? (a) : (b))
#endif

/* score[k + reach] of beats whose interval is `shortest + k`; best[k] the best predecessor for an interval, links[k] which.
   Each is a run of TK_TOGETHER frames. */
TK_TARGET static void TK_NAME(tk_successors)(const float *TK_RESTRICT score, ptrdiff_t count, ptrdiff_t reach,
                                             const float *TK_RESTRICT cost, float *TK_RESTRICT best,
                                             uint8_t *TK_RESTRICT links)
{
#if TK_WIDTH > 1
    typedef float lane __attribute__((vector_size(4 * TK_WIDTH), aligned(4), may_alias));
    typedef int32_t mask __attribute__((vector_size(4 * TK_WIDTH), aligned(4), may_alias));
#else
    typedef float lane;
    typedef int mask;
#endif
    for (ptrdiff_t k = 0; k < count; k++) {
        int32_t from[TK_TOGETHER];
        for (int l = 0; l < TK_TOGETHER; l += TK_WIDTH) {
            lane top = *(const lane *)(score + k * TK_TOGETHER + l) - cost[k];
            mask step = top < top, now = step;
            for (ptrdiff_t d = 1; d <= 2 * reach; d++) {
                const lane v = *(const lane *)(score + (k + d) * TK_TOGETHER + l) - cost[d * count + k];
                const mask better = v > top;
                now += 1;
                step = TK_PICK(mask, better, now, step);
                top = TK_PICK(lane, better, v, top);
            }
            *(lane *)(best + k * TK_TOGETHER + l) = top;
            *(mask *)(from + l) = step;
        }
        for (int l = 0; l < TK_TOGETHER; l++)
            links[k * TK_TOGETHER + l] = (uint8_t)(k + from[l] - reach);
    }
}
#undef TK_PICK
#undef TK_NAME
#undef TK_TARGET
#undef TK_WIDTH
