/* Folded words as small codes, their hash, and longest common subsequences: shared by the trigram index and the scoring. */
#ifndef TK_WORDS_H
#define TK_WORDS_H
#include <stdint.h>
#include <string.h>

#define TK_SYMBOLS 37
#define TK_GRAMS (TK_SYMBOLS * TK_SYMBOLS * TK_SYMBOLS)
#define TK_WORD_TERMS 131072
#define TK_TERMS (TK_GRAMS + TK_WORD_TERMS)

/* 1-26 letters, 27-36 digits, 0 whatever parts words. */
static inline int tk_code(uint8_t c) {
    if (c >= 'a' && c <= 'z') return c - 'a' + 1;
    if (c >= '0' && c <= '9') return c - '0' + 27;
    return 0;
}

static inline uint32_t tk_hash(const uint8_t *codes, int n) {
    uint32_t h = 2166136261u;
    for (int i = 0; i < n; i++) h = (h ^ codes[i]) * 16777619u;
    return h;
}

static inline int32_t tk_word_term(uint32_t hash) {
    return TK_GRAMS + (int32_t)((hash ^ (hash >> 17)) & (TK_WORD_TERMS - 1));
}

/* Trigram that ends at position i of a word with blanks around it; i runs from 0 to max(n, 2) - 2 + 1. */
static inline int32_t tk_gram(const uint8_t *codes, int n, int i) {
    int a = i > 0 ? codes[i - 1] : 0, b = codes[i], c = i + 1 < n ? codes[i + 1] : 0;
    return (a * TK_SYMBOLS + b) * TK_SYMBOLS + c;
}

/* Bit i of peq[c] says that symbol c stands at place i; Hyyrö's bit-parallel longest common subsequence. */
#define TK_BLOCKS 4

static inline void tk_mask(uint64_t *peq, int blocks, const uint8_t *codes, int n) {
    memset(peq, 0, sizeof(uint64_t) * TK_SYMBOLS * (size_t)blocks);
    for (int i = 0; i < n; i++) peq[codes[i] * blocks + (i >> 6)] |= 1ULL << (i & 63);
}

static inline int tk_popcount(uint64_t x) {
#if defined(__GNUC__)
    return __builtin_popcountll(x);
#else
    x -= (x >> 1) & 0x5555555555555555ULL;
    x = (x & 0x3333333333333333ULL) + ((x >> 2) & 0x3333333333333333ULL);
    return (int)((((x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fULL) * 0x0101010101010101ULL) >> 56);
#endif
}

static inline int tk_lcs(const uint64_t *peq, int blocks, const uint8_t *codes, int n) {
    if (blocks == 1) {
        uint64_t v = ~0ULL;
        for (int i = 0; i < n; i++) {
            uint64_t u = v & peq[codes[i]];
            v = (v + u) | (v - u);
        }
        return tk_popcount(~v);
    }
    uint64_t v[TK_BLOCKS];
    for (int b = 0; b < blocks; b++) v[b] = ~0ULL;
    for (int i = 0; i < n; i++) {
        const uint64_t *m = peq + codes[i] * blocks;
        uint64_t carry = 0;
        for (int b = 0; b < blocks; b++) {
            uint64_t u = v[b] & m[b], sum = v[b] + u, full = sum + carry;
            carry = (uint64_t)(sum < u) | (uint64_t)(full < sum);
            v[b] = full | (v[b] - u);
        }
    }
    int common = 0;
    for (int b = 0; b < blocks; b++) common += tk_popcount(~v[b]);
    return common;
}
#endif
