"""Twin of ``_pairs``: how a question and a row of metadata compare."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tracktion._core.reference.pair_texts import (
    COVER,
    DIGITS,
    FEATURES,
    LETTERS,
    NOBODY,
    NOISE,
    SLOTS,
    VERSION,
    Question,
    Row,
    Word,
    ask,
    read,
    word_hash,
)
from tracktion._core.reference.pair_versions import other_version, remixers
from tracktion._core.reference.pair_words import align, grouped, initials, ratio, share, sums
from tracktion._core.reference.words import common_letters, gram_terms

__all__ = ["FEATURES", "SLOTS", "compare", "word_hash"]

UNITS = 64


def _names(q: Question, r: Row, f: list[float], title: list[Word], artists: list[Word]) -> float:
    """Features of the name that fits best; returns the mass of it that is lost."""
    lost = sums(artists)[0]
    used = {w.by for w in title if w.by >= 0}
    for place in range(len(r.names)):
        words = [w for w in artists if w.part == place]
        mass, soft, exact = sums(words)
        f[69] = max(f[69], share(soft - sum(w.weight * w.best for w in words if w.by in used), mass))
        if share(soft, mass) > f[3]:
            by = [(w, q.words[w.by]) for w in words if w.by >= 0]
            bracket = sum(w.weight * w.best for w, a in by if a.role in "BVF")
            first = sum(w.weight * w.best for w, a in by if a.role not in "BVFO" and a.part == 0)
            f[56] = share(sum(w.weight * w.best for w, a in by if a.role == "O"), soft)
            aside = sum(w.weight * w.best for w, a in by if a.role in "VF" and not a.cover)
            reused = sum(w.weight * w.best for w, _ in by if w.by in used)
            f[68] = max(share(aside, soft), share(reused, soft))
            f[57] = share(sum(w.weight * w.best for w, a in by if a.after_by), soft)
            f[58] = share(sum(w.weight * w.best for w, a in by if a.cover), soft)
            f[3], f[4], lost = share(soft, mass), share(exact, mass), mass - soft
            f[52], f[53] = share(bracket, soft), share(first, soft)
    f[43] = share(sum(w.weight for w in artists if w.by in used), sums(artists)[0])
    return lost


def _asked(q: Question, f: list[float]) -> tuple[float, float]:
    """Features of how much of the question is explained; returns noise words, and whether an album is named."""
    mass = soft = exact = either = guests = guests_soft = version = version_soft = left = left_album = 0.0
    marks = lost_marks = lost_digits = noise = 0.0
    for word in q.words:
        w, s = word.weight, word.best
        if word.role == "N" or (word.kind & NOISE and s < 0.8):
            noise += 1
        elif word.role == "O":
            continue
        elif word.role == "F":
            guests, guests_soft = guests + w, guests_soft + w * s
        elif word.role == "L":
            left, left_album = left + w, left_album + w * word.album
        else:
            mass, soft, exact = mass + w, soft + w * s, exact + (w if s == 1.0 else 0.0)
            either += w * max(s, word.album)
            if s < 0.8:
                left, left_album = left + w, left_album + w * word.album
            marks += bool(word.kind & VERSION)
            lost_marks += bool(word.kind & VERSION and s < 0.8)
            lost_digits += bool(word.kind & DIGITS and s < 1.0)
            if word.role == "V":
                version, version_soft = version + w, version_soft + w * s
    f[5], f[6], f[7] = share(soft, mass), share(exact, mass), share(either, mass)
    f[21] = float(version > 0 or marks > 0)
    f[22] = 1.0 - version_soft / version if version > 0 else 0.0
    f[25], f[27] = min(lost_marks, 2.0), min(lost_digits, 2.0)
    f[29], f[30] = (guests_soft / guests if guests > 0 else 1.0), float(guests > 0)
    f[33] = share(left_album, left)
    f[39], f[42] = min(mass - soft, 5.0), min(mass, 10.0)
    f[51] = min(noise, 4.0) / 4.0
    f[54] = float(any(word.kind & COVER for word in q.words))
    return noise, float(any(word.role == "L" for word in q.words))


def _letters(q: Question, r: Row, f: list[float], *, has_album: bool) -> None:
    title, versions, artists, _, album = r.letters
    f[11] = max(
        ratio(q.whole, (title + versions + artists)[:LETTERS]), ratio(q.whole, (artists + title + versions)[:LETTERS])
    )
    to_title, to_artist, spread = [], [], 0
    for role, letters in q.parts:
        one = two = 0.0
        if role != "L":
            one = ratio(letters, title)
            two = max([ratio(letters, artists), *(ratio(letters, n) for n in r.names if len(r.names) > 1)])
            f[12], f[13] = max(f[12], one), max(f[13], two)
            spread += role == "X"
        to_title.append(one)
        to_artist.append(two)
        if role == "T":
            f[15], f[17] = one, 1.0
        if role == "A":
            f[16], f[18] = two, 1.0
        if role in "LXB":
            f[31] = max(f[31], ratio(letters, album))
    pairs = [min(a, b) for i, a in enumerate(to_title) for k, b in enumerate(to_artist) if i != k]
    f[14] = max([0.0, *pairs])
    f[32] = float(bool(album) and (has_album or spread > 2))
    f[45] = min(spread / 4.0, 2.0)
    if q.whole:
        f[47] = common_letters(q.whole, title) / len(title) if title else 0.0
        f[48] = max([0.0, *(common_letters(q.whole, n) / len(n) for n in r.names if n)])


def _grams_in(q: Question, words: list[Word]) -> tuple[int, int]:
    grams = [gram for word in words for gram in gram_terms(word.text)]
    return sum(gram in q.grams for gram in grams), len(grams)


def _credit(q: Question, r: Row, letters: float, *, plays: bool) -> tuple[float, float]:
    """How far the artists in the artist field are those of the row, and whether both sides name somebody."""
    asked, artists = [w for w in q.words if w.credit], r.fields[2]
    if not any(not w.kind & NOBODY for w in asked) or not any(not w.kind & NOBODY for w in artists):
        return 0.0, 0.0
    names = grouped(asked, "credit")
    same = letters if letters >= 0.8 else 0.0
    if plays or any(initials(w, name) for w in artists for name in names):
        same = 1.0
    for name in [*names, *grouped(artists, "part")]:
        same = max(same, share(sum(w.weight * w.own for w in name), sum(w.weight for w in name)))
    return same, 1.0


def _rest(q: Question, r: Row, f: list[float]) -> None:
    """Features of who is named, which version, and who covers whom."""
    artists = r.fields[2]
    askers = [w for w in q.words if (w.credit if f[18] > 0 else w.role != "L")]
    plays = any(initials(w, name) for w in askers for name in grouped(artists, "part"))
    f[59], f[60] = _credit(q, r, f[16], plays=plays)
    f[61] = float(plays)
    f[62], f[63] = other_version(q, r, titled=f[17] > 0)
    f[64] = float(f[12] > 0.999)
    covers = [w for w in q.words if w.cover and w.role != "O"]
    named = [w for w in covers if not w.kind & (VERSION | NOISE | COVER)]
    f[65] = share(sum(w.weight * w.performs for w in named), sum(w.weight for w in named))
    f[66] = float(any(w.kind & VERSION and not w.kind & COVER for w in covers))
    if any(not w.kind & NOBODY for w in artists):
        lost = [w for w in q.words if w.role in "XT" and not w.kind & (NOISE | VERSION | DIGITS)]
        f[67] = min(sum(w.weight for w in lost if not w.known), 3.0)


def _features(q: Question, r: Row, asked: tuple[float, int], row: tuple[float, int]) -> list[float]:
    f = [0.0] * FEATURES
    align(q, r)
    remixers(q, r)
    title, versions, artists, guests, album = r.fields
    mass, soft, exact = sums(title)
    f[0], f[1] = share(soft, mass), share(exact, mass)
    f[37], f[40] = min(mass - soft, 5.0), min(mass, 8.0)
    f[55] = share(sum(w.weight * w.best for w in title if w.by >= 0 and q.words[w.by].part == 0), soft)
    mass, soft, _ = sums(artists)
    f[2], f[41] = share(soft, mass), min(mass, 8.0)
    f[38] = min(_names(q, r, f, title, artists), 5.0)
    _, has_album = _asked(q, f)
    found = [_grams_in(q, words) for words in (title, artists, versions, guests)]
    f[8], f[9] = (share(*map(float, pair)) for pair in found[:2])
    f[10] = min(1.0, sum(hits for hits, _ in found) / len(q.grams)) if q.grams else 0.0
    _letters(q, r, f, has_album=bool(has_album))
    mass, soft, _ = sums(versions)
    f[19] = float(bool(versions))
    f[20] = 1.0 - soft / mass if mass > 0 else 0.0
    f[23] = f[20] * f[22]
    heads = [*title, *versions]
    f[24] = min(float(sum(w.best < 0.8 and bool(w.kind & VERSION) for w in heads)), 2.0)
    f[26] = min(float(sum(w.best < 1.0 and w.kind & DIGITS and not w.kind & NOISE for w in heads)), 2.0)
    mass, soft, _ = sums(guests)
    f[28] = 1.0 - soft / mass if mass > 0 else 0.0
    if asked[0] > 0 and row[0] > 0:
        apart = abs(asked[0] - row[0])
        f[34], f[35], f[36] = 1.0, math.exp(-apart / 3.0), math.exp(-apart / 15.0)
    f[44] = min(len(q.words) / 10.0, 3.0)
    f[46] = float(bool(artists))
    mass, soft, _ = sums(album)
    f[49] = share(soft, mass)
    if asked[1] > 0 and row[1] > 0:
        f[50] = 1.0 if abs(asked[1] - row[1]) <= 1 else -1.0
    _rest(q, r, f)
    return f


def _floors(f: list[float], logit: float, cap: float, *, titled: bool) -> float:
    artist = max(f[3], f[13] if f[13] >= 0.75 else 0.0, f[9], f[61])
    wrong = f[60] > 0 and f[59] < 0.5 and f[14] < 0.75
    parted, lone = f[45] >= 0.5 or f[17] > 0, artist < 0.6 or f[43] > 0.5 or f[68] > 0.5
    wrong |= f[18] == 0 and parted and f[67] >= 0.3 and lone
    wrong |= titled and max(f[0], f[12], f[8]) < 0.4
    wrong |= f[62] > 0 or f[63] > 0.3
    return cap - 0.1 / (1.0 + logit - cap) if wrong and logit > cap else logit


def compare(
    question: NDArray[np.uint8],
    duration: float,
    year: int,
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    rows: NDArray[np.int32],
    durations: NDArray[np.float32],
    years: NDArray[np.int32],
    hashes: NDArray[np.uint32],
    weights: NDArray[np.uint8],
    classes: NDArray[np.uint8],
    hidden: NDArray[np.float32],
    bias: NDArray[np.float32],
    out: NDArray[np.float32],
    last: float,
    cap: float,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Features and logits of some rows; see the stub of the kernel."""
    total, units = len(offsets) - 1, hidden.shape[1]
    if any(len(table) != SLOTS for table in (hashes, weights, classes)):
        raise ValueError("the lexicon has the wrong size")
    if hidden.shape[0] != FEATURES or len(bias) != units or len(out) != units or not 1 <= units <= UNITS:
        raise ValueError("the layers do not fit")
    timed, dated = len(durations) > 0, len(years) > 0
    if total < 0 or (timed and len(durations) < total) or (dated and len(years) < total) or offsets[total] > len(data):
        raise ValueError("rows do not fit")
    if any(not 0 <= row < total for row in rows.tolist()):
        raise ValueError("row out of range")
    lexicon = (hashes, weights, classes)
    q = ask(question.tobytes(), lexicon)
    features = np.zeros((len(rows), FEATURES), dtype=np.float32)
    logits = np.zeros(len(rows), dtype=np.float32)
    for place, row in enumerate(rows.tolist()):
        r = read(data[offsets[row] : offsets[row + 1]].tobytes(), lexicon)
        known = (float(durations[row]) if timed else -1.0, int(years[row]) if dated else 0)
        f = _features(q, r, (duration, year), known)
        features[place] = f
        inner = np.maximum(features[place] @ hidden + bias, 0)
        logit = float(inner @ out) + last
        logits[place] = _floors(f, logit, cap, titled=bool(r.letters[0]))
    return features, logits
