"""Twin of ``_pairs``: how a question and a row of metadata compare."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tracktion._core.reference.words import common_letters, gram_terms, letters_hash, words_of

__all__ = ["FEATURES", "SLOTS", "compare", "word_hash"]

FEATURES = 70
SLOTS = 32768
UNITS = 64
TOKENS = 64
PARTS = 8
LETTERS = 256
NOISE, VERSION, DIGITS, COVER, NOBODY, REMIX, STAGE, BARE = 1, 2, 4, 8, 16, 32, 64, 128
CLEAR, NAMED, LONG, COMMON = 0.6, 0.7, 6, 0.6

Lexicon = tuple[NDArray[np.uint32], NDArray[np.uint8], NDArray[np.uint8]]


def word_hash(word: NDArray[np.uint8]) -> int:
    """Hash of a folded word of at most 64 letters."""
    return letters_hash(word.tobytes()[:TOKENS])


@dataclass(slots=True)
class _Word:
    text: bytes
    role: str
    part: int
    weight: float = 1.0
    kind: int = 0
    best: float = 0.0
    album: float = 0.0
    by: int = -1
    after_by: bool = False
    cover: bool = False
    credit: int = 0
    own: float = 0.0
    known: bool = False
    said: bool = False
    mark: float = 0.0
    performs: float = 0.0


@dataclass(slots=True)
class _Question:
    words: list[_Word] = field(default_factory=list)
    parts: list[tuple[str, bytes]] = field(default_factory=list)
    whole: bytes = b""
    grams: set[int] = field(default_factory=set)


@dataclass(slots=True)
class _Row:
    fields: list[list[_Word]]
    letters: list[bytes]
    names: list[bytes]


def _look_up(word: _Word, lexicon: Lexicon) -> None:
    hashes, weights, classes = lexicon
    key = letters_hash(word.text) or 1
    slot = key & (SLOTS - 1)
    for _ in range(SLOTS):
        if not hashes[slot]:
            break
        if hashes[slot] == key:
            word.weight, word.kind = float(np.float32(weights[slot]) / np.float32(200)), int(classes[slot])
            break
        slot = (slot + 1) & (SLOTS - 1)
    if word.text.isdigit():
        word.kind |= DIGITS
        if len(word.text) == 4 and word.text[:2] in {b"19", b"20"}:
            word.kind |= NOISE


def _ask(text: bytes, lexicon: Lexicon) -> _Question:
    q = _Question()
    at = credit = 0
    while at < len(text):
        end = text.find(b"|", at + 1)
        end = len(text) if end < 0 else end
        role, body = chr(text[at]), text[at + 1 : end]
        at = end + 1
        letters = b""
        first, after_by = len(q.words), False
        open_part = len(q.parts) < PARTS and role not in "NVFO"
        if role == "A" or (credit and role == "F"):
            credit += 1
        for token in _tokens(body, names=role == "A"):
            if token == b",":
                credit += 1
                continue
            if len(q.words) >= TOKENS:
                continue
            word = _Word(token, role, len(q.parts))
            word.credit = min(credit, PARTS) if role in "AF" else 0
            _look_up(word, lexicon)
            word.after_by = after_by
            after_by |= token == b"by"
            if role == "N":
                word.kind |= NOISE
            elif role != "O":
                q.grams.update(gram_terms(token))
            q.words.append(word)
            letters += token
            if role not in "NFLO":
                q.whole += token
        for word in q.words[first:]:
            word.cover = any(other.kind & COVER for other in q.words[first:])
        if open_part and letters:
            q.parts.append((role, letters[:LETTERS]))
    q.whole = q.whole[:LETTERS]
    return q


def _tokens(body: bytes, *, names: bool) -> list[bytes]:
    """Words, with the commas that part names."""
    if not names:
        return words_of(body)
    out: list[bytes] = []
    for place, name in enumerate(body.split(b",")):
        out += [b","] * (place > 0) + words_of(name)
    return out


def _read(text: bytes, lexicon: Lexicon) -> _Row:
    row = _Row([[], [], [], [], []], [b""] * 5, [])
    pieces = text.split(b"|")
    if len(pieces) > 5:
        pieces = [*pieces[:4], b" ".join(pieces[4:])]
    count = 0
    for number, piece in enumerate(pieces):
        names = piece.split(b",") if number == 2 else [piece]
        if len(names) > PARTS:
            names = [*names[: PARTS - 1], b" ".join(names[PARTS - 1 :])]
        for place, name in enumerate(names):
            letters = b""
            for token in words_of(name):
                if count >= TOKENS:
                    break
                count += 1
                word = _Word(token, str(number), place)
                _look_up(word, lexicon)
                row.fields[number].append(word)
                letters += token
            row.letters[number] = (row.letters[number] + letters)[:LETTERS]
            if number == 2:
                row.names.append(letters[:LETTERS])
    return row


def _ratio(a: bytes, b: bytes) -> float:
    return 2.0 * common_letters(a, b) / (len(a) + len(b)) if a and b else 0.0


def _alike(a: bytes, b: bytes) -> float:
    if a == b:
        return 1.0
    total = len(a) + len(b)
    shorter = min(len(a), len(b))
    if shorter < 2 or 10 * shorter < 3 * total:
        return 0.0
    common = common_letters(a, b)
    return 0.0 if 10 * common < 3 * total else 0.95 * (2.0 * common / total) ** 2


def _same(a: bytes, b: bytes, s: float) -> bool:
    """Whether two words, alike by `s`, are one word of a name: equal, or long and misspelt after the first letter."""
    return s == 1.0 or (s >= CLEAR and min(len(a), len(b)) >= LONG and a[0] == b[0])


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0


def _sums(words: list[_Word]) -> tuple[float, float, float]:
    """Mass of words, of what is alike, and of what is equal."""
    return (
        sum(w.weight for w in words),
        sum(w.weight * w.best for w in words),
        sum(w.weight for w in words if w.best == 1.0),
    )


def _align(q: _Question, r: _Row) -> None:
    for word in q.words:
        word.best = word.album = word.own = word.mark = word.performs = 0.0
        word.known = word.said = False
    for number, words in enumerate(r.fields):
        for word in words:
            word.best, word.by, word.own, word.mark, word.said = 0.0, -1, 0.0, 0.0, False
            for place, asked in enumerate(q.words):
                s = _alike(asked.text, word.text)
                if s > word.best:
                    word.best, word.by = s, place
                if number < 4:
                    asked.best = max(asked.best, s)
                else:
                    asked.album = max(asked.album, s)
                same = _same(asked.text, word.text, s)
                asked.known |= same
                if s >= NAMED and same and asked.credit and number in {2, 3}:
                    asked.own, word.own = max(asked.own, s), max(word.own, s)
                if s >= CLEAR and asked.role == "V" and number == 1:
                    asked.mark, word.mark = max(asked.mark, s), max(word.mark, s)
            if number == 2 and word.by >= 0 and word.best >= CLEAR:
                q.words[word.by].performs = max(q.words[word.by].performs, word.best)


def _remixers(q: _Question, r: _Row) -> None:
    """Mark the words of who made a remix that are said outside the marks: for an artist, a guest or the album.

    Words that only say the title, the only artist or a guest of both sides do not say it: they are on the original too.
    """
    title, versions, artists, guests, album = r.fields
    solo = bool(artists) and artists[-1].part == 0
    places = [*versions, *([] if solo else artists), *guests, *album]
    known = {w.text for w in (*title, *(artists if solo else ()))}
    known |= {w.text for w in guests} & {w.text for w in q.words if w.role == "F"}
    for asked in q.words:
        if asked.text in known:
            continue
        for word in filter(_is_remixer, versions):
            word.said |= _same(asked.text, word.text, _alike(asked.text, word.text))
        if asked.role == "V" and _is_remixer(asked):
            asked.said = any(_same(asked.text, w.text, _alike(asked.text, w.text)) for w in places)


def _is_remixer(word: _Word) -> bool:
    return not word.kind & (VERSION | NOISE)


def _names(q: _Question, r: _Row, f: list[float], title: list[_Word], artists: list[_Word]) -> float:
    """Features of the name that fits best; returns the mass of it that is lost."""
    lost = _sums(artists)[0]
    used = {w.by for w in title if w.by >= 0}
    for place in range(len(r.names)):
        words = [w for w in artists if w.part == place]
        mass, soft, exact = _sums(words)
        f[69] = max(f[69], _share(soft - sum(w.weight * w.best for w in words if w.by in used), mass))
        if _share(soft, mass) > f[3]:
            by = [(w, q.words[w.by]) for w in words if w.by >= 0]
            bracket = sum(w.weight * w.best for w, a in by if a.role in "BVF")
            first = sum(w.weight * w.best for w, a in by if a.role not in "BVFO" and a.part == 0)
            f[56] = _share(sum(w.weight * w.best for w, a in by if a.role == "O"), soft)
            aside = sum(w.weight * w.best for w, a in by if a.role in "VF" and not a.cover)
            reused = sum(w.weight * w.best for w, _ in by if w.by in used)
            f[68] = max(_share(aside, soft), _share(reused, soft))
            f[57] = _share(sum(w.weight * w.best for w, a in by if a.after_by), soft)
            f[58] = _share(sum(w.weight * w.best for w, a in by if a.cover), soft)
            f[3], f[4], lost = _share(soft, mass), _share(exact, mass), mass - soft
            f[52], f[53] = _share(bracket, soft), _share(first, soft)
    f[43] = _share(sum(w.weight for w in artists if w.by in used), _sums(artists)[0])
    return lost


def _asked(q: _Question, f: list[float]) -> tuple[float, float]:
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
    f[5], f[6], f[7] = _share(soft, mass), _share(exact, mass), _share(either, mass)
    f[21] = float(version > 0 or marks > 0)
    f[22] = 1.0 - version_soft / version if version > 0 else 0.0
    f[25], f[27] = min(lost_marks, 2.0), min(lost_digits, 2.0)
    f[29], f[30] = (guests_soft / guests if guests > 0 else 1.0), float(guests > 0)
    f[33] = _share(left_album, left)
    f[39], f[42] = min(mass - soft, 5.0), min(mass, 10.0)
    f[51] = min(noise, 4.0) / 4.0
    f[54] = float(any(word.kind & COVER for word in q.words))
    return noise, float(any(word.role == "L" for word in q.words))


def _letters(q: _Question, r: _Row, f: list[float], *, has_album: bool) -> None:
    title, versions, artists, _, album = r.letters
    f[11] = max(
        _ratio(q.whole, (title + versions + artists)[:LETTERS]), _ratio(q.whole, (artists + title + versions)[:LETTERS])
    )
    to_title, to_artist, spread = [], [], 0
    for role, letters in q.parts:
        one = two = 0.0
        if role != "L":
            one = _ratio(letters, title)
            two = max([_ratio(letters, artists), *(_ratio(letters, n) for n in r.names if len(r.names) > 1)])
            f[12], f[13] = max(f[12], one), max(f[13], two)
            spread += role == "X"
        to_title.append(one)
        to_artist.append(two)
        if role == "T":
            f[15], f[17] = one, 1.0
        if role == "A":
            f[16], f[18] = two, 1.0
        if role in "LXB":
            f[31] = max(f[31], _ratio(letters, album))
    pairs = [min(a, b) for i, a in enumerate(to_title) for k, b in enumerate(to_artist) if i != k]
    f[14] = max([0.0, *pairs])
    f[32] = float(bool(album) and (has_album or spread > 2))
    f[45] = min(spread / 4.0, 2.0)
    if q.whole:
        f[47] = common_letters(q.whole, title) / len(title) if title else 0.0
        f[48] = max([0.0, *(common_letters(q.whole, n) / len(n) for n in r.names if n)])


def _grams_in(q: _Question, words: list[_Word]) -> tuple[int, int]:
    grams = [gram for word in words for gram in gram_terms(word.text)]
    return sum(gram in q.grams for gram in grams), len(grams)


def _initials(word: _Word, name: list[_Word]) -> bool:
    """Whether the letters of a word, not a common one, begin the words of a name, three at least.

    "The", "and" and "a" may count.
    """
    at = 0
    if len(name) < 3 or len(word.text) < 3 or word.weight < COMMON:
        return False
    for letter in word.text:
        if at < len(name) and letter == name[at].text[0]:
            at += 1
        elif letter not in b"ta":
            return False
    return at == len(name)


def _grouped(words: list[_Word], number: str) -> list[list[_Word]]:
    groups: dict[int, list[_Word]] = {}
    for word in words:
        groups.setdefault(getattr(word, number), []).append(word)
    return list(groups.values())


def _credit(q: _Question, r: _Row, letters: float, *, plays: bool) -> tuple[float, float]:
    """How far the artists in the artist field are those of the row, and whether both sides name somebody."""
    asked, artists = [w for w in q.words if w.credit], r.fields[2]
    if not any(not w.kind & NOBODY for w in asked) or not any(not w.kind & NOBODY for w in artists):
        return 0.0, 0.0
    names = _grouped(asked, "credit")
    same = letters if letters >= 0.8 else 0.0
    if plays or any(_initials(w, name) for w in artists for name in names):
        same = 1.0
    for name in [*names, *_grouped(artists, "part")]:
        same = max(same, _share(sum(w.weight * w.own for w in name), sum(w.weight for w in name)))
    return same, 1.0


def _versions(q: _Question, r: _Row, *, titled: bool) -> tuple[float, float]:
    """Whether a mark of another recording is on one side alone, and how far both name what the other does not."""
    marks = [w for w in q.words if w.role == "V" and not w.kind & NOISE]
    others = [w for w in r.fields[1] if not w.kind & NOISE]
    asked = _unsaid(marks, [w for words in r.fields for w in words], q.words)
    stated = _unsaid(others, q.words, [w for words in r.fields for w in words])
    other = asked | stated
    named = [w for w in marks if not w.kind & VERSION]
    by_artist = _share(sum(w.weight * w.performs for w in named), sum(w.weight for w in named))
    if not titled:
        other = (other if by_artist < 0.5 else stated) & REMIX
    lost = [_share(sum(w.weight * (1 - w.mark) for w in side), sum(w.weight for w in side)) for side in (marks, others)]
    asked_called, row_called = _called(q.words), _called(r.fields[1])
    remixed = _remixed(marks, others, called=row_called) or _remixed(others, marks, called=asked_called)
    if not titled and by_artist >= 0.5:
        remixed = False
    return float(remixed or bool(other & (REMIX | STAGE | BARE))), min(lost)


def _unsaid(marks: list[_Word], there: list[_Word], here: list[_Word]) -> int:
    """Kinds of marks of which the other side says nothing, not even misspelt; of a remix, nor who made it."""
    named = [w for w in marks if not w.kind & VERSION]
    said = _kinds(there) | _kinds([w for w in here if max(w.best, w.album) >= CLEAR])
    if named and sum(w.weight for w in named if not w.mark and not w.said) < 0.15:
        said |= REMIX
    return _kinds(marks) & ~said


def _called(words: list[_Word]) -> bool:
    """Whether there is a "single remix" or the like: a remix with a name of its own."""
    names = [a for a, b in pairwise(words) if a.role == b.role and a.role in {"V", "1"} and b.kind & REMIX]
    return any(word.kind & NOISE and not word.kind & REMIX for word in names)


def _remixed(one: list[_Word], two: list[_Word], *, called: bool) -> bool:
    """Whether one side has a remix by somebody of whom the other, if more than a plain ``remix``, says nothing."""
    if not _kinds(one) & REMIX:
        return False
    other = bool(_kinds(two) & REMIX)
    lost = [w for w in one if not w.kind & VERSION and not w.mark and (other or not w.said)]
    rest = called or any(not w.kind & VERSION or (not w.kind & REMIX and not w.mark) for w in two)
    return sum(w.weight for w in lost) >= 0.15 and (rest or not other)


def _kinds(words: list[_Word]) -> int:
    out = 0
    for word in words:
        out |= word.kind
    return out


def _rest(q: _Question, r: _Row, f: list[float]) -> None:
    """Features of who is named, which version, and who covers whom."""
    artists = r.fields[2]
    askers = [w for w in q.words if (w.credit if f[18] > 0 else w.role != "L")]
    plays = any(_initials(w, name) for w in askers for name in _grouped(artists, "part"))
    f[59], f[60] = _credit(q, r, f[16], plays=plays)
    f[61] = float(plays)
    f[62], f[63] = _versions(q, r, titled=f[17] > 0)
    f[64] = float(f[12] > 0.999)
    covers = [w for w in q.words if w.cover and w.role != "O"]
    named = [w for w in covers if not w.kind & (VERSION | NOISE | COVER)]
    f[65] = _share(sum(w.weight * w.performs for w in named), sum(w.weight for w in named))
    f[66] = float(any(w.kind & VERSION and not w.kind & COVER for w in covers))
    if any(not w.kind & NOBODY for w in artists):
        lost = [w for w in q.words if w.role in "XT" and not w.kind & (NOISE | VERSION | DIGITS)]
        f[67] = min(sum(w.weight for w in lost if not w.known), 3.0)


def _features(q: _Question, r: _Row, asked: tuple[float, int], row: tuple[float, int]) -> list[float]:
    f = [0.0] * FEATURES
    _align(q, r)
    _remixers(q, r)
    title, versions, artists, guests, album = r.fields
    mass, soft, exact = _sums(title)
    f[0], f[1] = _share(soft, mass), _share(exact, mass)
    f[37], f[40] = min(mass - soft, 5.0), min(mass, 8.0)
    f[55] = _share(sum(w.weight * w.best for w in title if w.by >= 0 and q.words[w.by].part == 0), soft)
    mass, soft, _ = _sums(artists)
    f[2], f[41] = _share(soft, mass), min(mass, 8.0)
    f[38] = min(_names(q, r, f, title, artists), 5.0)
    _, has_album = _asked(q, f)
    found = [_grams_in(q, words) for words in (title, artists, versions, guests)]
    f[8], f[9] = (_share(*map(float, pair)) for pair in found[:2])
    f[10] = min(1.0, sum(hits for hits, _ in found) / len(q.grams)) if q.grams else 0.0
    _letters(q, r, f, has_album=bool(has_album))
    mass, soft, _ = _sums(versions)
    f[19] = float(bool(versions))
    f[20] = 1.0 - soft / mass if mass > 0 else 0.0
    f[23] = f[20] * f[22]
    heads = [*title, *versions]
    f[24] = min(float(sum(w.best < 0.8 and bool(w.kind & VERSION) for w in heads)), 2.0)
    f[26] = min(float(sum(w.best < 1.0 and w.kind & DIGITS and not w.kind & NOISE for w in heads)), 2.0)
    mass, soft, _ = _sums(guests)
    f[28] = 1.0 - soft / mass if mass > 0 else 0.0
    if asked[0] > 0 and row[0] > 0:
        apart = abs(asked[0] - row[0])
        f[34], f[35], f[36] = 1.0, math.exp(-apart / 3.0), math.exp(-apart / 15.0)
    f[44] = min(len(q.words) / 10.0, 3.0)
    f[46] = float(bool(artists))
    mass, soft, _ = _sums(album)
    f[49] = _share(soft, mass)
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
    q = _ask(question.tobytes(), lexicon)
    features = np.zeros((len(rows), FEATURES), dtype=np.float32)
    logits = np.zeros(len(rows), dtype=np.float32)
    for place, row in enumerate(rows.tolist()):
        r = _read(data[offsets[row] : offsets[row + 1]].tobytes(), lexicon)
        known = (float(durations[row]) if timed else -1.0, int(years[row]) if dated else 0)
        f = _features(q, r, (duration, year), known)
        features[place] = f
        inner = np.maximum(features[place] @ hidden + bias, 0)
        logit = float(inner @ out) + last
        logits[place] = _floors(f, logit, cap, titled=bool(r.letters[0]))
    return features, logits
