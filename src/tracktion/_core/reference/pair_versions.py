"""Part of the twin of ``_pairs``: whether a question and a row are of different versions."""

from __future__ import annotations

from itertools import pairwise

from tracktion._core.reference.pair_texts import BARE, NOISE, REMIX, STAGE, VERSION, Question, Row, Word
from tracktion._core.reference.pair_words import CLEAR, alike, kinds, one_word, share


def remixers(q: Question, r: Row) -> None:
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
            word.said |= one_word(asked.text, word.text, alike(asked.text, word.text))
        if asked.role == "V" and _is_remixer(asked):
            asked.said = any(one_word(asked.text, w.text, alike(asked.text, w.text)) for w in places)


def _is_remixer(word: Word) -> bool:
    return not word.kind & (VERSION | NOISE)


def other_version(q: Question, r: Row, *, titled: bool) -> tuple[float, float]:
    """Whether a mark of another recording is on one side alone, and how far both name what the other does not."""
    marks = [w for w in q.words if w.role == "V" and not w.kind & NOISE]
    others = [w for w in r.fields[1] if not w.kind & NOISE]
    asked = _unsaid(marks, [w for words in r.fields for w in words], q.words)
    stated = _unsaid(others, q.words, [w for words in r.fields for w in words])
    other = asked | stated
    named = [w for w in marks if not w.kind & VERSION]
    by_artist = share(sum(w.weight * w.performs for w in named), sum(w.weight for w in named))
    if not titled:
        other = (other if by_artist < 0.5 else stated) & REMIX
    lost = [share(sum(w.weight * (1 - w.mark) for w in side), sum(w.weight for w in side)) for side in (marks, others)]
    asked_called, row_called = _called(q.words), _called(r.fields[1])
    remixed = _remixed(marks, others, called=row_called) or _remixed(others, marks, called=asked_called)
    if not titled and by_artist >= 0.5:
        remixed = False
    return float(remixed or bool(other & (REMIX | STAGE | BARE))), min(lost)


def _unsaid(marks: list[Word], there: list[Word], here: list[Word]) -> int:
    """Kinds of marks of which the other side says nothing, not even misspelt; of a remix, nor who made it."""
    named = [w for w in marks if not w.kind & VERSION]
    said = kinds(there) | kinds([w for w in here if max(w.best, w.album) >= CLEAR])
    if named and sum(w.weight for w in named if not w.mark and not w.said) < 0.15:
        said |= REMIX
    return kinds(marks) & ~said


def _called(words: list[Word]) -> bool:
    """Whether there is a "single remix" or the like: a remix with a name of its own."""
    names = [a for a, b in pairwise(words) if a.role == b.role and a.role in {"V", "1"} and b.kind & REMIX]
    return any(word.kind & NOISE and not word.kind & REMIX for word in names)


def _remixed(one: list[Word], two: list[Word], *, called: bool) -> bool:
    """Whether one side has a remix by somebody of whom the other, if more than a plain ``remix``, says nothing."""
    if not kinds(one) & REMIX:
        return False
    other = bool(kinds(two) & REMIX)
    lost = [w for w in one if not w.kind & VERSION and not w.mark and (other or not w.said)]
    rest = called or any(not w.kind & VERSION or (not w.kind & REMIX and not w.mark) for w in two)
    return sum(w.weight for w in lost) >= 0.15 and (rest or not other)
