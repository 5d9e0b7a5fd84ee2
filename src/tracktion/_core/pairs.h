/* How a question and a row of metadata compare: words, their weights, and what remains. See reference/pairs.py for the same in
   plain words. Texts are folded (lower-case ASCII words); a row is title|versions|artist,artist|guests|album, a question is
   segments joined by bars, each with a role letter before its words. */
#ifndef TK_PAIRS_H
#define TK_PAIRS_H
#include <math.h>
#include <stdlib.h>
#include "simd.h"
#include "words.h"

#define TK_TOKENS 64
#define TK_PARTS 8
#define TK_LETTERS (64 * TK_BLOCKS)
#define TK_FEATURES 70
#define TK_SLOTS 32768
#define TK_NOISE 1
#define TK_VERSION 2
#define TK_DIGITS 4
#define TK_COVER 8
#define TK_NOBODY 16
#define TK_REMIX 32
#define TK_STAGE 64
#define TK_BARE 128
#define TK_OTHER (TK_REMIX | TK_STAGE | TK_BARE)

typedef struct {
    const uint32_t *hashes; /* TK_SLOTS, 0 is empty */
    const uint8_t *weights; /* of the word in the slot, in 1/200 */
    const uint8_t *classes;
} tk_lexicon;

typedef struct {
    uint8_t codes[TK_TOKENS];
    int length;
    uint32_t hash;
    float weight;
    uint8_t kind; /* TK_NOISE, TK_VERSION, ... */
    char role;    /* of a question; the number of the field of a row */
    int part;     /* segment, or name among the artists */
    int by, cover; /* of a question: after "by" in its segment; in a segment about a cover */
    int credit;    /* of a question: number of the name among those of the artist field, from 1 */
} tk_word;

typedef struct {
    uint8_t codes[TK_LETTERS];
    int length;
    char role;
} tk_letters;

typedef struct {
    tk_word words[TK_TOKENS];
    uint64_t masks[TK_TOKENS][TK_SYMBOLS];
    int count;
    tk_letters parts[TK_PARTS];
    uint64_t part_masks[TK_PARTS][TK_SYMBOLS * TK_BLOCKS];
    int part_blocks[TK_PARTS];
    int part_count;
    tk_letters whole;
    uint64_t whole_masks[TK_SYMBOLS * TK_BLOCKS];
    int whole_blocks;
    uint8_t grams[TK_GRAMS / 8 + 1];
    int gram_count;
    float duration;
    int year;
} tk_question;

typedef struct {
    tk_word words[TK_TOKENS];
    int count;
    int ends[5]; /* where the words of each field end */
    tk_letters title, versions, artists, guests, album;
    tk_letters name[TK_PARTS];
    int names;
} tk_row;

static void tk_lookup(const tk_lexicon *lexicon, tk_word *word) {
    uint32_t key = word->hash ? word->hash : 1, slot = key & (TK_SLOTS - 1);
    word->weight = 1.0f;
    word->kind = 0;
    for (int i = 0; i < TK_SLOTS; i++, slot = (slot + 1) & (TK_SLOTS - 1)) {
        if (!lexicon->hashes[slot]) break;
        if (lexicon->hashes[slot] != key) continue;
        word->weight = (float)lexicon->weights[slot] / 200.0f;
        word->kind = lexicon->classes[slot];
        break;
    }
    int digits = 1;
    for (int i = 0; i < word->length; i++) digits &= word->codes[i] >= 27;
    if (digits) {
        word->kind |= TK_DIGITS;
        if (word->length == 4 && ((word->codes[0] == 28 && word->codes[1] == 36) || (word->codes[0] == 29 && word->codes[1] == 27)))
            word->kind |= TK_NOISE;
    }
}

static inline void tk_append(tk_letters *letters, const uint8_t *codes, int n) {
    for (int i = 0; i < n && letters->length < TK_LETTERS; i++) letters->codes[letters->length++] = codes[i];
}

static inline int tk_blocks(int length) { return length <= 64 ? 1 : (length + 63) / 64; }

static void tk_ask(tk_question *q, const tk_lexicon *lexicon, const uint8_t *text, long size, float duration, int year) {
    q->count = q->part_count = q->gram_count = 0;
    q->whole.length = 0;
    q->duration = duration;
    q->year = year;
    int credit = 0; /* guests that follow the artists are theirs */
    memset(q->grams, 0, sizeof q->grams);
    long at = 0;
    while (at < size) {
        char role = (char)text[at++];
        tk_letters *part = NULL;
        if (q->part_count < TK_PARTS && role != 'N' && role != 'V' && role != 'F' && role != 'O') {
            part = &q->parts[q->part_count];
            part->length = 0;
            part->role = role;
        }
        uint8_t codes[TK_TOKENS];
        int n = 0, first = q->count, by = 0, cover = 0;
        if (role == 'A' || (credit && role == 'F')) credit++;
        int credited = role == 'A' || role == 'F';
        for (; at <= size; at++) {
            int c = at < size ? tk_code(text[at]) : 0;
            if (c) {
                if (n < TK_TOKENS) codes[n++] = (uint8_t)c;
                continue;
            }
            if (n && q->count < TK_TOKENS) {
                tk_word *word = &q->words[q->count];
                memcpy(word->codes, codes, (size_t)n);
                word->length = n;
                word->hash = tk_hash(codes, n);
                word->role = role;
                word->part = q->part_count;
                tk_lookup(lexicon, word);
                if (role == 'N') word->kind |= TK_NOISE;
                tk_mask(q->masks[q->count], 1, codes, n);
                word->by = by;
                word->credit = !credited ? 0 : credit < TK_PARTS ? credit : TK_PARTS;
                by |= n == 2 && codes[0] == 2 && codes[1] == 25;
                cover |= word->kind & TK_COVER;
                q->count++;
                if (part) tk_append(part, codes, n);
                if (role != 'N' && role != 'F' && role != 'L' && role != 'O') tk_append(&q->whole, codes, n);
                if (role != 'N' && role != 'O')
                    for (int i = 0; i < n; i++) {
                        int32_t gram = tk_gram(codes, n, i);
                        if (!(q->grams[gram >> 3] >> (gram & 7) & 1)) q->gram_count++;
                        q->grams[gram >> 3] |= (uint8_t)(1 << (gram & 7));
                    }
            }
            n = 0;
            if (at < size && text[at] == ',' && role == 'A') credit++;
            if (at < size && text[at] == '|') break;
        }
        at++;
        for (int i = first; i < q->count; i++) q->words[i].cover = cover != 0;
        if (part && part->length) {
            q->part_blocks[q->part_count] = tk_blocks(part->length);
            tk_mask(q->part_masks[q->part_count], q->part_blocks[q->part_count], part->codes, part->length);
            q->part_count++;
        }
    }
    q->whole_blocks = tk_blocks(q->whole.length);
    tk_mask(q->whole_masks, q->whole_blocks, q->whole.codes, q->whole.length);
}

static void tk_read(tk_row *r, const tk_lexicon *lexicon, const uint8_t *text, long size) {
    tk_letters *fields[5] = {&r->title, &r->versions, &r->artists, &r->guests, &r->album};
    int field = 0, n = 0;
    uint8_t codes[TK_TOKENS];
    r->count = 0;
    r->names = 0;
    r->name[0].length = 0;
    for (int i = 0; i < 5; i++) fields[i]->length = 0;
    for (long at = 0; at <= size; at++) {
        int c = at < size ? tk_code(text[at]) : 0;
        if (c) {
            if (n < TK_TOKENS) codes[n++] = (uint8_t)c;
            continue;
        }
        if (n && r->count < TK_TOKENS) {
            tk_word *word = &r->words[r->count++];
            memcpy(word->codes, codes, (size_t)n);
            word->length = n;
            word->hash = tk_hash(codes, n);
            word->role = (char)field;
            word->part = r->names;
            tk_lookup(lexicon, word);
            tk_append(fields[field], codes, n);
            if (field == 2 && r->names < TK_PARTS) tk_append(&r->name[r->names], codes, n);
        }
        n = 0;
        if (at < size && text[at] == ',' && field == 2 && r->names + 1 < TK_PARTS) {
            r->name[++r->names].length = 0;
        } else if (at == size || text[at] == '|') {
            if (field == 2) r->names++;
            r->ends[field] = r->count;
            if (at < size && field < 4) field++;
        }
    }
    for (int i = field + 1; i < 5; i++) r->ends[i] = r->count;
    if (field < 2) r->names = 0;
    if (r->names > TK_PARTS) r->names = TK_PARTS;
}

static inline float tk_ratio(int common, int a, int b) { return a + b ? 2.0f * (float)common / (float)(a + b) : 0.0f; }

static inline float tk_part_ratio(const tk_question *q, int part, const tk_letters *letters) {
    if (!letters->length) return 0.0f;
    int common = tk_lcs(q->part_masks[part], q->part_blocks[part], letters->codes, letters->length);
    return tk_ratio(common, q->parts[part].length, letters->length);
}

static inline float tk_whole_ratio(const tk_question *q, const tk_letters *a, const tk_letters *b, const tk_letters *c) {
    tk_letters all;
    all.length = 0;
    tk_append(&all, a->codes, a->length);
    tk_append(&all, b->codes, b->length);
    tk_append(&all, c->codes, c->length);
    if (!all.length || !q->whole.length) return 0.0f;
    return tk_ratio(tk_lcs(q->whole_masks, q->whole_blocks, all.codes, all.length), q->whole.length, all.length);
}

/* How alike two words are: 1 when equal, else by common letters; 0 when less than three fifths are common. */
static inline float tk_alike(const uint64_t *mask, const tk_word *a, const tk_word *b) {
    if (a->hash == b->hash && a->length == b->length) return 1.0f;
    int shorter = a->length < b->length ? a->length : b->length, sum = a->length + b->length;
    if (shorter < 2 || 10 * shorter < 3 * sum) return 0.0f;
    int common = tk_lcs(mask, 1, b->codes, b->length);
    if (10 * common < 3 * sum) return 0.0f;
    float ratio = tk_ratio(common, a->length, b->length);
    return 0.95f * ratio * ratio;
}

static float tk_grams_in(const tk_question *q, const tk_row *r, int begin, int end, int *hits, int *total) {
    int found = 0, all = 0;
    for (int w = begin; w < end; w++)
        for (int i = 0; i < r->words[w].length; i++) {
            int32_t gram = tk_gram(r->words[w].codes, r->words[w].length, i);
            found += q->grams[gram >> 3] >> (gram & 7) & 1;
            all++;
        }
    *hits += found;
    *total += all;
    return all ? (float)found / (float)all : 0.0f;
}

static inline float tk_share(float part, float whole) { return whole > 0.0f ? part / whole : 0.0f; }

#define TK_COMMON 0.6f /* below, a word like "with" or "who" means itself */

/* Whether the letters of a word, not a common one, begin the words of a name, three at least; "the", "and" and "a" may
   count. */
static int tk_initials(const tk_word *word, const tk_word *name, int count) {
    int at = 0;
    if (count < 3 || word->length < 3 || word->weight < TK_COMMON) return 0;
    for (int i = 0; i < word->length; i++) {
        if (at < count && word->codes[i] == name[at].codes[0]) at++;
        else if (word->codes[i] != 20 && word->codes[i] != 1) return 0;
    }
    return at == count;
}

#define TK_CLEAR 0.6f /* below, two words are alike by chance */
#define TK_NAMED 0.7f /* below, two words are not one name */
#define TK_LONG 6     /* shorter words that differ are different names */

/* Whether two words, alike by `s`, are one word of a name: equal, or long and misspelt after the first letter. */
static inline int tk_same(const tk_word *a, const tk_word *b, float s) {
    int shorter = a->length < b->length ? a->length : b->length;
    return s == 1.0f || (s >= TK_CLEAR && shorter >= TK_LONG && a->codes[0] == b->codes[0]);
}

/* How far the artists named in the artist field are those of the row: 1 when one name of either side is explained by
   the other, whatever else the question says. Returns whether both sides name somebody. */
static int tk_credit(const tk_question *q, const tk_row *r, const float *found_q, const float *found_r, float letters, float *same) {
    float mass_q[TK_PARTS + 1] = {0}, soft_q[TK_PARTS + 1] = {0}, mass_r[TK_PARTS] = {0}, soft_r[TK_PARTS] = {0};
    int asked = 0, stated = 0, begin = 0, length = 0;
    *same = letters >= 0.8f ? letters : 0.0f;
    for (int i = 0; i < q->count; i++) {
        const tk_word *word = &q->words[i];
        if (!word->credit) continue;
        asked |= !(word->kind & TK_NOBODY);
        mass_q[word->credit] += word->weight;
        soft_q[word->credit] += word->weight * found_q[i];
        if (!length || q->words[begin].credit != word->credit) {
            begin = i;
            length = 0;
        }
        length++;
        int ends = i + 1 == q->count || q->words[i + 1].credit != word->credit;
        for (int j = r->ends[1]; ends && j < r->ends[2]; j++)
            if (tk_initials(&r->words[j], &q->words[begin], length)) *same = 1.0f;
    }
    for (int j = r->ends[1]; j < r->ends[2]; j++) {
        const tk_word *word = &r->words[j];
        int name = word->part < TK_PARTS ? word->part : TK_PARTS - 1;
        stated |= !(word->kind & TK_NOBODY);
        mass_r[name] += word->weight;
        soft_r[name] += word->weight * found_r[j];
    }
    for (int k = 0; k < TK_PARTS; k++) {
        *same = fmaxf(*same, tk_share(soft_r[k], mass_r[k]));
        *same = fmaxf(*same, tk_share(soft_q[k + 1], mass_q[k + 1]));
    }
    return asked && stated;
}

static inline int tk_remixer(const tk_word *word) { return !(word->kind & (TK_VERSION | TK_NOISE)); }

/* Whether a word and the next are "single remix" or the like: a remix with a name of its own. */
static inline int tk_called(const tk_word *word) { return word->kind & TK_NOISE && !(word->kind & TK_REMIX) && word[1].kind & TK_REMIX; }

/* Whether both sides name a word as a guest: he is on the original too. */
static int tk_guest_of_both(const tk_question *q, const tk_row *r, uint32_t hash) {
    int asked = 0, stated = 0;
    for (int i = 0; i < q->count; i++) asked |= q->words[i].role == 'F' && q->words[i].hash == hash;
    for (int j = r->ends[2]; asked && j < r->ends[3]; j++) stated |= r->words[j].hash == hash;
    return stated;
}

/* Whose remix it is may be said outside the marks too: by a word for an artist, a guest or the album. Words that only say
   the title, the only artist or a guest of both sides do not say it: they are on the original too. */
static void tk_remixers(const tk_question *q, const tk_row *r, char *said_q, char *said_r) {
    const int *e = r->ends;
    int solo = e[2] > e[1] && r->words[e[2] - 1].part == 0, stated = 0;
    for (int j = e[0]; j < e[1]; j++) stated |= tk_remixer(&r->words[j]);
    for (int i = 0; i < q->count; i++) {
        const tk_word *word = &q->words[i];
        int asked = word->role == 'V' && tk_remixer(word), spent = 0;
        if (!asked && !stated) continue;
        for (int j = 0; j < e[2] && !spent; j++)
            spent = (j < e[0] || (solo && j >= e[1])) && word->hash == r->words[j].hash;
        if (spent || tk_guest_of_both(q, r, word->hash)) continue;
        for (int j = e[0]; j < e[1]; j++)
            if (tk_remixer(&r->words[j]) && tk_same(word, &r->words[j], tk_alike(q->masks[i], word, &r->words[j]))) said_r[j] = 1;
        for (int j = e[0]; asked && j < r->count && !said_q[i]; j++)
            if (!(solo && j >= e[1] && j < e[2])) said_q[i] = (char)tk_same(word, &r->words[j], tk_alike(q->masks[i], word, &r->words[j]));
    }
}

/* Whether one side has a remix by somebody of whom the other, which is more than a plain "remix", says nothing. */
static inline int tk_remixed(int marks, int other, float lost, float rest) {
    return marks & TK_REMIX && lost >= 0.15f && (rest > 0.0f || !(other & TK_REMIX));
}

static void tk_compare(const tk_question *q, const tk_row *r, float row_duration, int row_year, float *f) {
    float best_r[TK_TOKENS] = {0}, best_q[TK_TOKENS] = {0}, album_q[TK_TOKENS] = {0};
    float credit_q[TK_TOKENS] = {0}, credit_r[TK_TOKENS] = {0}, mark_q[TK_TOKENS] = {0}, mark_r[TK_TOKENS] = {0};
    char known_q[TK_TOKENS] = {0}, said_q[TK_TOKENS] = {0}, said_r[TK_TOKENS] = {0}; /* who made a remix */
    int match_r[TK_TOKENS], e0 = r->ends[0], e1 = r->ends[1], e2 = r->ends[2], e3 = r->ends[3];
    for (int j = 0; j < r->count; j++) match_r[j] = -1;
    for (int i = 0; i < q->count; i++)
        for (int j = 0; j < r->count; j++) {
            float s = tk_alike(q->masks[i], &q->words[i], &r->words[j]);
            if (s == 0.0f) continue;
            if (s > best_r[j]) {
                best_r[j] = s;
                match_r[j] = i;
            }
            if (j < e3) {
                if (s > best_q[i]) best_q[i] = s;
            } else if (s > album_q[i]) {
                album_q[i] = s;
            }
            if (s < TK_CLEAR) continue;
            int same = tk_same(&q->words[i], &r->words[j], s);
            known_q[i] |= same;
            if (s >= TK_NAMED && same && q->words[i].credit && j >= e1 && j < e3) {
                credit_q[i] = fmaxf(credit_q[i], s);
                credit_r[j] = fmaxf(credit_r[j], s);
            }
            if (q->words[i].role == 'V' && j >= e0 && j < e1) {
                mark_q[i] = fmaxf(mark_q[i], s);
                mark_r[j] = fmaxf(mark_r[j], s);
            }
        }
    tk_remixers(q, r, said_q, said_r);
    memset(f, 0, sizeof(float) * TK_FEATURES);
    int kinds_q = 0, kinds_r = 0, near_q = 0, near_r = 0, marks_q = 0, marks_r = 0, nobody = 1, styled = 0, called = 0, row_called = 0;
    float strict_q = 0, strict_q_lost = 0, strict_r = 0, strict_r_lost = 0, covering = 0, covering_soft = 0, lost_words = 0, remixer = 0, remixer_soft = 0;
    float remixer_unsaid = 0, row_remixer_unsaid = 0, remixer_lost = 0, row_remixer = 0, row_remixer_lost = 0, bare_lost = 0, row_bare_lost = 0;
    float by_artist[TK_TOKENS] = {0};
    float title = 0, title_soft = 0, title_exact = 0, artist = 0, artist_soft = 0, version = 0, version_soft = 0, guest = 0, guest_soft = 0;
    float lost_marks = 0, lost_digits = 0, reused = 0, album = 0, album_soft = 0;
    float name_bracket[TK_PARTS] = {0}, name_first[TK_PARTS] = {0}, title_first = 0;
    float name_aside[TK_PARTS] = {0}, name_reused[TK_PARTS] = {0}, name_other[TK_PARTS] = {0}, name_by[TK_PARTS] = {0}, name_cover[TK_PARTS] = {0};
    float name_mass[TK_PARTS] = {0}, name_soft[TK_PARTS] = {0}, name_exact[TK_PARTS] = {0};
    for (int i = 0; i < q->count; i++)
        if (q->words[i].role == 'V' && !(q->words[i].kind & TK_NOISE)) marks_q |= q->words[i].kind;
    for (int i = 0; i + 1 < q->count; i++) called |= q->words[i].role == 'V' && q->words[i + 1].role == 'V' && tk_called(&q->words[i]);
    for (int j = e0; j + 1 < e1; j++) row_called |= tk_called(&r->words[j]);
    for (int j = 0; j < r->count; j++) {
        const tk_word *word = &r->words[j];
        float w = word->weight, s = best_r[j];
        kinds_r |= word->kind;
        if (s >= TK_CLEAR) near_q |= word->kind; /* said in the question, maybe misspelt */
        if (j >= e0 && j < e1 && !(word->kind & TK_NOISE)) {
            marks_r |= word->kind;
            strict_r += w;
            strict_r_lost += w * (1.0f - mark_r[j]);
            row_remixer += word->kind & TK_VERSION ? 0.0f : w;
            row_remixer_unsaid += word->kind & TK_VERSION || mark_r[j] > 0 || said_r[j] ? 0.0f : w;
            row_remixer_lost += word->kind & TK_VERSION || mark_r[j] > 0 || (!(marks_q & TK_REMIX) && said_r[j]) ? 0.0f : w;
            row_bare_lost += !(word->kind & TK_VERSION) || word->kind & TK_REMIX || mark_r[j] > 0 ? 0.0f : w;
        }
        if (j >= e1 && j < e2) {
            nobody &= (word->kind & TK_NOBODY) != 0;
            if (match_r[j] >= 0 && s >= TK_CLEAR) by_artist[match_r[j]] = fmaxf(by_artist[match_r[j]], s);
        }
        if (j < e0) {
            title += w;
            title_soft += w * s;
            title_exact += s == 1.0f ? w : 0.0f;
            if (match_r[j] >= 0 && q->words[match_r[j]].part == 0) title_first += w * s;
        } else if (j < e1) {
            version += w;
            version_soft += w * s;
        } else if (j < e2) {
            int name = word->part < TK_PARTS ? word->part : TK_PARTS - 1;
            artist += w;
            artist_soft += w * s;
            name_mass[name] += w;
            name_soft[name] += w * s;
            name_exact[name] += s == 1.0f ? w : 0.0f;
            if (match_r[j] >= 0) {
                const tk_word *by = &q->words[match_r[j]];
                if (by->role == 'B' || by->role == 'V' || by->role == 'F') name_bracket[name] += w * s;
                else if (by->role != 'O' && by->part == 0) name_first[name] += w * s;
                name_aside[name] += (by->role == 'V' || by->role == 'F') && !by->cover ? w * s : 0.0f;
                name_other[name] += by->role == 'O' ? w * s : 0.0f;
                name_by[name] += by->by ? w * s : 0.0f;
                name_cover[name] += by->cover ? w * s : 0.0f;
            }
            for (int k = 0; k < e0; k++)
                if (match_r[j] >= 0 && match_r[k] == match_r[j]) {
                    reused += w;
                    name_reused[name] += w * s;
                    break;
                }
        } else if (j < e3) {
            guest += w;
            guest_soft += w * s;
        } else {
            album += w;
            album_soft += w * s;
        }
        if (j < e1 && s < 0.8f && word->kind & TK_VERSION) lost_marks += 1.0f;
        if (j < e1 && s < 1.0f && word->kind & TK_DIGITS && !(word->kind & TK_NOISE)) lost_digits += 1.0f;
    }
    float asked = 0, asked_soft = 0, asked_exact = 0, asked_album = 0, q_guest = 0, q_guest_soft = 0, q_version = 0, q_version_soft = 0;
    float q_lost_marks = 0, q_lost_digits = 0, left = 0, left_album = 0, noise = 0, marks = 0;
    int has_album = 0, spread = 0, cover = 0;
    for (int i = 0; i < q->count; i++) {
        const tk_word *word = &q->words[i];
        float w = word->weight, s = best_q[i], either = s > album_q[i] ? s : album_q[i];
        if (word->role == 'L') has_album = 1;
        if (word->kind & TK_COVER) cover = 1;
        kinds_q |= word->kind;
        if (either >= TK_CLEAR) near_r |= word->kind;
        if (word->role == 'V' && !(word->kind & TK_NOISE)) {
            strict_q += w;
            strict_q_lost += w * (1.0f - mark_q[i]);
            if (!(word->kind & TK_VERSION)) {
                remixer += w;
                remixer_soft += w * by_artist[i];
                remixer_unsaid += mark_q[i] > 0 || said_q[i] ? 0.0f : w;
                remixer_lost += mark_q[i] > 0 || (!(marks_r & TK_REMIX) && said_q[i]) ? 0.0f : w;
            } else if (!(word->kind & TK_REMIX)) {
                bare_lost += mark_q[i] > 0 ? 0.0f : w;
            }
        }
        if (word->cover && word->role != 'O') {
            styled |= word->kind & TK_VERSION && !(word->kind & TK_COVER);
            if (!(word->kind & (TK_VERSION | TK_NOISE | TK_COVER))) {
                covering += w;
                covering_soft += w * by_artist[i];
            }
        }
        if ((word->role == 'X' || word->role == 'T') && !(word->kind & (TK_NOISE | TK_VERSION | TK_DIGITS)) && !known_q[i]) lost_words += w;
        if (word->role == 'N' || (word->kind & TK_NOISE && s < 0.8f)) {
            noise += 1.0f;
            continue;
        }
        if (word->role == 'O') continue;
        if (word->role == 'F') {
            q_guest += w;
            q_guest_soft += w * s;
            continue;
        }
        if (word->role == 'L') {
            left += w;
            left_album += w * album_q[i];
            continue;
        }
        asked += w;
        asked_soft += w * s;
        asked_exact += s == 1.0f ? w : 0.0f;
        asked_album += w * either;
        if (s < 0.8f) {
            left += w;
            left_album += w * album_q[i];
        }
        if (word->kind & TK_VERSION) marks += 1.0f;
        if (word->kind & TK_VERSION && s < 0.8f) q_lost_marks += 1.0f;
        if (word->kind & TK_DIGITS && s < 1.0f) q_lost_digits += 1.0f;
        if (word->role == 'V') {
            q_version += w;
            q_version_soft += w * s;
        }
    }
    int hits = 0, total = 0;
    f[0] = tk_share(title_soft, title);
    f[1] = tk_share(title_exact, title);
    f[2] = tk_share(artist_soft, artist);
    float lost_name = artist;
    for (int k = 0; k < r->names; k++) {
        float share = tk_share(name_soft[k], name_mass[k]);
        if (share > f[3]) {
            f[3] = share;
            f[4] = tk_share(name_exact[k], name_mass[k]);
            lost_name = name_mass[k] - name_soft[k];
            f[52] = tk_share(name_bracket[k], name_soft[k]);
            f[53] = tk_share(name_first[k], name_soft[k]);
            f[56] = tk_share(name_other[k], name_soft[k]);
            f[68] = fmaxf(tk_share(name_aside[k], name_soft[k]), tk_share(name_reused[k], name_soft[k]));
            f[57] = tk_share(name_by[k], name_soft[k]);
            f[58] = tk_share(name_cover[k], name_soft[k]);
        }
        f[69] = fmaxf(f[69], tk_share(name_soft[k] - name_reused[k], name_mass[k]));
    }
    f[5] = tk_share(asked_soft, asked);
    f[6] = tk_share(asked_exact, asked);
    f[7] = tk_share(asked_album, asked);
    f[8] = tk_grams_in(q, r, 0, e0, &hits, &total);
    int artist_hits = 0, artist_total = 0;
    tk_grams_in(q, r, e0, e1, &hits, &total);
    f[9] = tk_grams_in(q, r, e1, e2, &artist_hits, &artist_total);
    tk_grams_in(q, r, e2, e3, &hits, &total);
    hits += artist_hits;
    total += artist_total;
    f[10] = q->gram_count ? fminf(1.0f, (float)hits / (float)q->gram_count) : 0.0f;
    float one = tk_whole_ratio(q, &r->title, &r->versions, &r->artists), two = tk_whole_ratio(q, &r->artists, &r->title, &r->versions);
    f[11] = one > two ? one : two;
    float to_title[TK_PARTS], to_artist[TK_PARTS];
    for (int p = 0; p < q->part_count; p++) {
        char role = q->parts[p].role;
        to_title[p] = to_artist[p] = 0.0f;
        if (role != 'L') {
            to_title[p] = tk_part_ratio(q, p, &r->title);
            to_artist[p] = tk_part_ratio(q, p, &r->artists);
            for (int k = 0; k < r->names && r->names > 1; k++) {
                float ratio = tk_part_ratio(q, p, &r->name[k]);
                if (ratio > to_artist[p]) to_artist[p] = ratio;
            }
            if (to_title[p] > f[12]) f[12] = to_title[p];
            if (to_artist[p] > f[13]) f[13] = to_artist[p];
            spread += role == 'X';
        }
        if (role == 'T') f[15] = to_title[p];
        if (role == 'A') f[16] = to_artist[p];
        if (role == 'T') f[17] = 1.0f;
        if (role == 'A') f[18] = 1.0f;
        if (role == 'L' || role == 'X' || role == 'B') {
            float ratio = tk_part_ratio(q, p, &r->album);
            if (ratio > f[31]) f[31] = ratio;
        }
    }
    for (int p = 0; p < q->part_count; p++)
        for (int k = 0; k < q->part_count; k++) {
            float pair = to_title[p] < to_artist[k] ? to_title[p] : to_artist[k];
            if (p != k && pair > f[14]) f[14] = pair;
        }
    f[19] = e1 > e0 ? 1.0f : 0.0f;
    f[20] = version > 0 ? 1.0f - version_soft / version : 0.0f;
    f[21] = q_version > 0 || marks > 0 ? 1.0f : 0.0f;
    f[22] = q_version > 0 ? 1.0f - q_version_soft / q_version : 0.0f;
    f[23] = f[20] * f[22];
    f[24] = fminf(lost_marks, 2.0f);
    f[25] = fminf(q_lost_marks, 2.0f);
    f[26] = fminf(lost_digits, 2.0f);
    f[27] = fminf(q_lost_digits, 2.0f);
    f[28] = guest > 0 ? 1.0f - guest_soft / guest : 0.0f;
    f[29] = q_guest > 0 ? q_guest_soft / q_guest : 1.0f;
    f[30] = q_guest > 0 ? 1.0f : 0.0f;
    f[32] = r->album.length && (has_album || spread > 2) ? 1.0f : 0.0f;
    f[33] = tk_share(left_album, left);
    f[34] = q->duration > 0 && row_duration > 0 ? 1.0f : 0.0f;
    float apart = fabsf(q->duration - row_duration);
    f[35] = f[34] > 0 ? expf(-apart / 3.0f) : 0.0f;
    f[36] = f[34] > 0 ? expf(-apart / 15.0f) : 0.0f;
    f[37] = fminf(title - title_soft, 5.0f);
    f[38] = fminf(lost_name, 5.0f);
    f[39] = fminf(asked - asked_soft, 5.0f);
    f[40] = fminf(title, 8.0f);
    f[41] = fminf(artist, 8.0f);
    f[42] = fminf(asked, 10.0f);
    f[43] = tk_share(reused, artist);
    f[44] = fminf((float)q->count / 10.0f, 3.0f);
    f[45] = fminf((float)spread / 4.0f, 2.0f);
    f[46] = e2 > e1 ? 1.0f : 0.0f;
    if (q->whole.length) {
        if (r->title.length)
            f[47] = (float)tk_lcs(q->whole_masks, q->whole_blocks, r->title.codes, r->title.length) / (float)r->title.length;
        for (int k = 0; k < r->names; k++)
            if (r->name[k].length) {
                float share = (float)tk_lcs(q->whole_masks, q->whole_blocks, r->name[k].codes, r->name[k].length) / (float)r->name[k].length;
                if (share > f[48]) f[48] = share;
            }
    }
    f[49] = tk_share(album_soft, album);
    f[50] = q->year > 0 && row_year > 0 ? (abs(q->year - row_year) <= 1 ? 1.0f : -1.0f) : 0.0f;
    f[51] = fminf(noise, 4.0f) / 4.0f;
    f[54] = (float)cover;
    f[55] = tk_share(title_first, title_soft);
    int plays = 0;
    for (int j = e1, begin = e1; j < e2; j++) {
        if (r->words[j].part != r->words[begin].part) begin = j;
        if (j + 1 < e2 && r->words[j + 1].part == r->words[begin].part) continue;
        for (int i = 0; i < q->count; i++)
            if (f[18] > 0 ? q->words[i].credit : q->words[i].role != 'L') plays |= tk_initials(&q->words[i], &r->words[begin], j + 1 - begin);
    }
    f[60] = (float)tk_credit(q, r, credit_q, credit_r, f[16], &f[59]);
    if (f[60] > 0 && plays) f[59] = 1.0f;
    if (f[60] == 0.0f) f[59] = 0.0f;
    f[61] = (float)plays;
    int asked_other = marks_q & ~kinds_r & ~near_r, row_other = marks_r & ~kinds_q & ~near_q;
    if (remixer > 0.0f && remixer_unsaid < 0.15f) asked_other &= ~TK_REMIX; /* who made it is named all the same */
    if (row_remixer > 0.0f && row_remixer_unsaid < 0.15f) row_other &= ~TK_REMIX;
    int other = asked_other | row_other;
    int remixed = tk_remixed(marks_q, marks_r, remixer_lost, row_remixer + row_bare_lost + (float)row_called);
    remixed |= tk_remixed(marks_r, marks_q, row_remixer_lost, remixer + bare_lost + (float)called);
    if (f[17] == 0.0f && tk_share(remixer_soft, remixer) >= 0.5f) remixed = 0; /* the remixer is the artist */
    if (f[17] == 0.0f) other = tk_share(remixer_soft, remixer) < 0.5f ? other & TK_REMIX : row_other & TK_REMIX;
    f[62] = other & TK_OTHER || remixed ? 1.0f : 0.0f;
    f[63] = fminf(tk_share(strict_q_lost, strict_q), tk_share(strict_r_lost, strict_r));
    f[64] = f[12] > 0.999f ? 1.0f : 0.0f;
    f[65] = tk_share(covering_soft, covering);
    f[66] = styled ? 1.0f : 0.0f;
    f[67] = nobody ? 0.0f : fminf(lost_words, 3.0f);
}

/* A wrong artist, a wrong title or another version holds the logit below the cap; the order below it stays. Who is named in the
   artist field must be the row's own, whatever the rest of the question explains, unless title and artist have changed
   places. Without that field, but in a question that falls into parts, a row whose artists nothing explains, or only words
   of its title, guests and remixers, is wrong when the question has words to spare. */
static inline float tk_floors(const tk_row *r, const float *f, float logit, float cap) {
    float artist = fmaxf(fmaxf(f[3], f[13] >= 0.75f ? f[13] : 0.0f), fmaxf(f[9], f[61])), title = fmaxf(fmaxf(f[0], f[12]), f[8]);
    int wrong = f[60] > 0.0f && f[59] < 0.5f && f[14] < 0.75f, parted = f[45] >= 0.5f || f[17] > 0.0f;
    wrong |= f[18] == 0.0f && parted && f[67] >= 0.3f && (artist < 0.6f || f[43] > 0.5f || f[68] > 0.5f);
    wrong |= title < 0.4f && r->title.length > 0;
    wrong |= f[62] > 0.0f || f[63] > 0.3f;
    return wrong && logit > cap ? cap - 0.1f / (1.0f + logit - cap) : logit;
}

/* One hidden layer of rectified sums, hidden is features x units; the layers already hold the scaling of the features. */
#define TK_UNITS 64
TK_CLONES
static float tk_network(const float *f, const float *TK_RESTRICT hidden, const float *bias, const float *out, float last, int units) {
    float sums[TK_UNITS], sum = last;
    for (int u = 0; u < units; u++) sums[u] = bias[u];
    for (int i = 0; i < TK_FEATURES; i++)
        for (int u = 0; u < units; u++) sums[u] += f[i] * hidden[i * units + u];
    for (int u = 0; u < units; u++) sum += sums[u] > 0.0f ? sums[u] * out[u] : 0.0f;
    return sum;
}
#endif
