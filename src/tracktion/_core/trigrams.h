/* An inverted index over trigrams and words of folded texts, in segments of 65 536 rows. */
#ifndef TK_TRIGRAMS_H
#define TK_TRIGRAMS_H
#include "words.h"

#define TK_SEGMENT 65536
#define TK_QUERY_TERMS 512
#define TK_KEEP 768
#define TK_WORD_LIMIT 64
/* Scratch of a search, in 16-bit units: sums, rows touched (one more than there are, for the branchless append), bits of terms. */
#define TK_TOUCHED TK_SEGMENT
#define TK_PRESENT (2 * TK_SEGMENT + 2)
#define TK_SCRATCH (TK_PRESENT + (TK_TERMS + 15) / 16)

#define TK_FIELDS 4

/* Runs BODY for each word of text: for its trigrams, then for the word. Words longer than TK_WORD_LIMIT are cut, and the text
   ends after TK_FIELDS fields: what stands behind the last bar (the album) is compared, and not searched. */
#define TK_EACH_TERM(text, size, fields, TERM, BODY)                                      \
    do {                                                                           \
        uint8_t codes_[TK_WORD_LIMIT];                                             \
        int n_ = 0, bars_ = 0;                                                     \
        for (long at_ = 0; at_ <= (size); at_++) {                                 \
            int code_ = at_ < (size) ? tk_code((text)[at_]) : 0;                   \
            if (code_) {                                                           \
                if (n_ < TK_WORD_LIMIT) codes_[n_++] = (uint8_t)code_;             \
                continue;                                                          \
            }                                                                      \
            if (at_ < (size) && (text)[at_] == '|') bars_++;                       \
            if (!n_ && bars_ < (fields)) continue;                                 \
            for (int i_ = 0; i_ < n_; i_++) {                                      \
                int32_t TERM = tk_gram(codes_, n_, i_);                            \
                BODY                                                               \
            }                                                                      \
            if (n_) {                                                              \
                int32_t TERM = tk_word_term(tk_hash(codes_, n_));                  \
                BODY                                                               \
            }                                                                      \
            if (bars_ >= (fields)) break;                                          \
            n_ = 0;                                                                \
        }                                                                          \
    } while (0)

/* counts[term + 1] of the rows first..last-1 (at most TK_SEGMENT) of each term; stamp has TK_TERMS zeros. */
static void tk_count(const uint8_t *data, const int64_t *offsets, long first, long last, uint32_t *stamp, uint32_t *counts) {
    for (long row = first; row < last; row++) {
        uint32_t mark = (uint32_t)(row - first) + 1;
        const uint8_t *text = data + offsets[row];
        long size = (long)(offsets[row + 1] - offsets[row]);
        TK_EACH_TERM(text, size, TK_FIELDS, term, if (stamp[term] != mark) { stamp[term] = mark; counts[term + 1]++; });
    }
}

/* Fills postings; cursor starts as a copy of the starts. Marks continue above those of tk_count. */
static void tk_fill(const uint8_t *data, const int64_t *offsets, long first, long last, uint32_t *stamp, uint32_t *cursor,
                    uint16_t *postings) {
    for (long row = first; row < last; row++) {
        uint32_t mark = (uint32_t)(row - first) + 1 + TK_SEGMENT;
        const uint8_t *text = data + offsets[row];
        long size = (long)(offsets[row + 1] - offsets[row]);
        TK_EACH_TERM(text, size, TK_FIELDS, term, if (stamp[term] != mark) {
            stamp[term] = mark;
            postings[cursor[term]++] = (uint16_t)(row - first);
        });
    }
}

/* Sum of the weights of the terms of each row (a term counts as often as it stands there), capped. */
static void tk_masses(const uint8_t *data, const int64_t *offsets, long rows, const uint8_t *weights, uint16_t *masses) {
    for (long row = 0; row < rows; row++) {
        const uint8_t *text = data + offsets[row];
        long size = (long)(offsets[row + 1] - offsets[row]);
        uint32_t sum = 0;
        TK_EACH_TERM(text, size, TK_FIELDS, term, sum += weights[term];);
        masses[row] = (uint16_t)(sum < 65535 ? sum : 65535);
    }
}

typedef struct {
    float score;
    int32_t row;
} tk_hit;

/* A heap with the worst hit on top; of equal scores the higher row is worse. */
static inline int tk_worse(tk_hit a, tk_hit b) { return a.score < b.score || (a.score == b.score && a.row > b.row); }

static inline int tk_push(tk_hit *heap, int size, int capacity, tk_hit hit) {
    int at;
    if (size < capacity) {
        at = size++;
        while (at > 0 && tk_worse(hit, heap[(at - 1) / 2])) {
            heap[at] = heap[(at - 1) / 2];
            at = (at - 1) / 2;
        }
        heap[at] = hit;
        return size;
    }
    if (!tk_worse(heap[0], hit)) return size;
    at = 0;
    for (;;) {
        int child = 2 * at + 1;
        if (child >= size) break;
        if (child + 1 < size && tk_worse(heap[child + 1], heap[child])) child++;
        if (!tk_worse(heap[child], hit)) break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = hit;
    return size;
}

/* At least 1, so that a row that was met has a sum; at most 127, so that TK_QUERY_TERMS of them fit in 16 bits. */
static inline uint16_t tk_weight(uint8_t weight) { return weight < 1 ? 1 : weight > 127 ? 127 : weight; }

typedef struct {
    const uint8_t *data;
    const int64_t *offsets;
    const uint32_t *starts; /* segments x (TK_TERMS + 1) */
    const int64_t *bases;   /* first posting of each segment */
    const uint16_t *postings;
    const uint32_t *frequency; /* rows with each term */
    const uint8_t *weights;    /* inverse document frequency of each term */
    const uint16_t *masses;
    const uint8_t *alive;
    const int64_t *first; /* first row of each segment, and the end */
    long segments;
} tk_index;

/* Terms of the query, each once, exact words first, then trigrams of words that no row has, then the rest; rare ones first. */
static int tk_query_terms(const tk_index *index, const uint8_t *query, long size, int32_t *terms, uint8_t *present) {
    int count = 0;
    uint8_t unknown[TK_QUERY_TERMS];
    int begun = 0;
    TK_EACH_TERM(query, size, 1 << 30, term, {
        if (term >= TK_GRAMS) {
            uint8_t missing = index->frequency[term] == 0;
            for (int k = begun; k < count; k++) unknown[k] = missing;
        }
        if (!(present[term >> 3] >> (term & 7) & 1) && count < TK_QUERY_TERMS) {
            present[term >> 3] |= (uint8_t)(1 << (term & 7));
            unknown[count] = 0;
            terms[count++] = term;
        }
        if (term >= TK_GRAMS) begun = count;
    });
    for (int i = 1; i < count; i++) {
        int32_t term = terms[i];
        uint8_t mark = unknown[i];
        uint64_t rank = ((uint64_t)(term >= TK_GRAMS ? 0 : mark ? 1 : 2) << 32) | index->frequency[term];
        int k = i;
        while (k > 0) {
            uint64_t other = ((uint64_t)(terms[k - 1] >= TK_GRAMS ? 0 : unknown[k - 1] ? 1 : 2) << 32) | index->frequency[terms[k - 1]];
            if (other <= rank) break;
            terms[k] = terms[k - 1];
            unknown[k] = unknown[k - 1];
            k--;
        }
        terms[k] = term;
        unknown[k] = mark;
    }
    return count;
}

#if defined(__GNUC__)
#define TK_PREFETCH(address) __builtin_prefetch(address)
#else
#define TK_PREFETCH(address) ((void)0)
#endif

/* As TK_EACH_TERM over a row, with the work of each letter done once and without branches. */
static float tk_overlap(const tk_index *index, long row, const uint8_t *codes, const uint8_t *present, float query_mass) {
    const uint8_t *text = index->data + index->offsets[row];
    long size = (long)(index->offsets[row + 1] - index->offsets[row]);
    uint32_t sum = 0, hash = 2166136261u;
    int before = 0, last = 0, n = 0, bars = 0;
    for (long at = 0; at <= size; at++) {
        uint8_t letter = at < size ? text[at] : ' ';
        int code = codes[letter];
        if (code && n == TK_WORD_LIMIT) continue;
        if (last) {
            int32_t gram = (before * TK_SYMBOLS + last) * TK_SYMBOLS + code;
            sum += (uint32_t)-(present[gram >> 3] >> (gram & 7) & 1) & index->weights[gram];
        }
        if (code) {
            before = last;
            last = code;
            hash = (hash ^ (uint32_t)code) * 16777619u;
            n++;
            continue;
        }
        if (n) {
            int32_t term = tk_word_term(hash);
            if (present[term >> 3] >> (term & 7) & 1) sum += index->weights[term];
        }
        if (at < size && letter == '|' && ++bars >= TK_FIELDS) break;
        before = last = n = 0;
        hash = 2166136261u;
    }
    return 2.0f * (float)sum / (query_mass + (float)index->masses[row]);
}

/* A sum below which no row's score can be above the limit, when no row has a sum greater than its mass (lean): from
   sum / (mass + sum) <= limit, with room for rounding. */
static inline int32_t tk_least(float limit, float mass, int lean) {
    if (!lean || limit <= 0.0f || limit >= 0.99f) return 0;
    return (int32_t)(0.999f * limit * mass / (1.0f - limit));
}

/* Best rows by weighted overlap of terms (Dice), likeliest first. scratch is all zeros; sums and bits are given back so.
   Lists are read until `budget` postings are spent: rare terms say most. When some were left out, the best `wide` rows are
   compared in full. Returns how many of `keep` were found. */
static int tk_search(const tk_index *index, const uint8_t *query, long size, long budget, int wide, int keep, int lean,
                     uint16_t *scratch, int32_t *rows, float *scores) {
    uint16_t *sums = scratch, *touched = scratch + TK_TOUCHED;
    uint8_t *present = (uint8_t *)(scratch + TK_PRESENT);
    int32_t terms[TK_QUERY_TERMS];
    tk_hit heap[TK_KEEP];
    int found = 0, count = tk_query_terms(index, query, size, terms, present), used = 0;
    float mass = 0.0f;
    long spent = 0;
    if (keep > TK_KEEP) keep = TK_KEEP;
    if (wide > TK_KEEP) wide = TK_KEEP;
    for (int i = 0; i < count; i++) mass += index->weights[terms[i]];
    int32_t chosen[TK_QUERY_TERMS];
    int skipped = 0;
    for (int i = 0; i < count; i++) {
        long rows_of = index->frequency[terms[i]];
        if (!rows_of) continue;
        if (used && spent + rows_of > budget) {
            skipped++;
            continue;
        }
        spent += rows_of;
        chosen[used++] = terms[i];
    }
    if (!skipped) wide = keep;
    for (long segment = 0; segment < index->segments; segment++) {
        const uint32_t *starts = index->starts + segment * (TK_TERMS + 1);
        const uint16_t *postings = index->postings + index->bases[segment];
        const uint8_t *alive = index->alive + index->first[segment];
        const uint16_t *masses = index->masses + index->first[segment];
        long base = (long)index->first[segment];
        int marked = 0;
        for (int i = 0; i < used; i++) {
            TK_PREFETCH(postings + starts[chosen[i]]);
            if (segment + 1 < index->segments) TK_PREFETCH(starts + TK_TERMS + 1 + chosen[i]);
        }
        for (int i = 0; i < used; i++) {
            uint16_t weight = tk_weight(index->weights[chosen[i]]);
            uint32_t end = starts[chosen[i] + 1];
            for (uint32_t p = starts[chosen[i]]; p < end; p++) {
                uint16_t row = postings[p];
                touched[marked] = row;
                marked += sums[row] == 0;
                sums[row] = (uint16_t)(sums[row] + weight);
            }
        }
        float limit = found == wide ? heap[0].score : -1.0f;
        int32_t least = tk_least(limit, mass, lean);
        for (int i = 0; i < marked; i++) {
            uint16_t local = touched[i];
            int32_t sum = sums[local];
            sums[local] = 0;
            if (sum < least) continue;
            float score = (float)sum / (mass + (float)masses[local]);
            if (score > limit && alive[local]) {
                tk_hit hit = {score, (int32_t)(base + local)};
                found = tk_push(heap, found, wide, hit);
                if (found == wide) {
                    limit = heap[0].score;
                    least = tk_least(limit, mass, lean);
                }
            }
        }
    }
    tk_hit best[TK_KEEP];
    uint8_t codes[256];
    int kept = 0;
    for (int c = 0; skipped && c < 256; c++) codes[c] = (uint8_t)tk_code((uint8_t)c);
    for (int i = 0; skipped && i < found; i++) TK_PREFETCH(index->offsets + heap[i].row);
    for (int i = 0; i < found; i++) {
        if (skipped && i + 8 < found) {
            const uint8_t *text = index->data + index->offsets[heap[i + 8].row];
            TK_PREFETCH(text);
            TK_PREFETCH(text + 64);
        }
        tk_hit hit = {skipped ? tk_overlap(index, heap[i].row, codes, present, mass) : 2.0f * heap[i].score, heap[i].row};
        kept = tk_push(best, kept, keep, hit);
    }
    for (int i = kept - 1; i >= 0; i--) {
        rows[i] = best[0].row;
        scores[i] = best[0].score;
        tk_hit last = best[i];
        int at = 0;
        for (;;) {
            int child = 2 * at + 1;
            if (child >= i) break;
            if (child + 1 < i && tk_worse(best[child + 1], best[child])) child++;
            if (!tk_worse(best[child], last)) break;
            best[at] = best[child];
            at = child;
        }
        best[at] = last;
    }
    for (int i = 0; i < count; i++) present[terms[i] >> 3] = 0;
    return kept;
}
#endif
