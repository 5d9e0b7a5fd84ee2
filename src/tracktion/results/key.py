"""The musical key: its spellings, its neighbours, and how sure we are of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from tracktion.errors import UsageError
from tracktion.results.base import Result

__all__ = ["KEY_NAMES", "Key", "KeyCandidate", "KeySegment", "Mode", "Rule"]

Mode = Literal["major", "minor"]
Rule = Literal["strict", "camelot", "energy", "diagonal", "fuzzy"]

MAJOR_TONICS = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
MINOR_TONICS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B")
KEY_NAMES = tuple(f"{t} major" for t in MAJOR_TONICS) + tuple(f"{t} minor" for t in MINOR_TONICS)
"""The 24 names that we use, major keys upward from C, then minor: as key signatures, of at most six accidentals."""

_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ACCIDENTALS = {"#": 1, "♯": 1, "x": 2, "𝄪": 2, "b": -1, "♭": -1, "𝄫": -2}
_MINOR = {"m", "min", "minor", "mi", "-", "moll", "aeolian"}
_MAJOR = {"", "maj", "major", "ma", "dur", "ionian"}
_SPELLING = re.compile(r"([A-Ga-g])((?:[#♯bB♭x𝄪𝄫]|[ -]?sharp|[ -]?flat)*)[\s:_]*(.*)", re.DOTALL)
_WHEEL = re.compile(r"0?(1[0-2]|[1-9])\s*([ABabmdMD])")

_STEPS: dict[str, tuple[tuple[int, bool], ...]] = {
    "strict": ((0, False),),
    "camelot": ((0, False), (1, False), (-1, False), (0, True)),
    "energy": ((0, False), (1, False), (-1, False), (0, True), (2, False), (7, False)),
    "diagonal": ((0, False), (1, False), (-1, False), (0, True), (1, True), (-1, True)),
}
"""Rule → steps around the wheel of fifths and whether the mode changes at the same place of the wheel."""


@dataclass(frozen=True, slots=True, eq=False)
class KeyCandidate(Result):
    """One reading of the key.

    Attributes
    ----------
    name
        One of `KEY_NAMES`.
    probability
        0 to 1; those of all 24 keys add up to 1.
    """

    name: str
    probability: float


@dataclass(frozen=True, slots=True, eq=False)
class KeySegment(Result):
    """A stretch of music in one key.

    Attributes
    ----------
    start, end
        Seconds; segments follow each other without gap.
    name
        One of `KEY_NAMES`.
    confidence
        How sure that key is in the stretch, 0 to 1; fitted to nothing, unlike that of the piece.
    """

    start: float
    end: float
    name: str
    confidence: float


@dataclass(frozen=True, slots=True, eq=False)
class Key(Result):
    """The key of a piece.

    Attributes
    ----------
    tonic
        As in `KEY_NAMES`: ``C Db D Eb E F F# G Ab A Bb B`` in major, ``C C# D Eb E F F# G G# A Bb B`` in minor. Any
        enharmonic spelling is taken and changed to these.
    mode
        ``"major"`` or ``"minor"``.
    confidence
        Probability, 0 to 1, that tonic and mode are both right.
    second
        The next best key; None for a key that was not estimated.
    margin
        Probability of this key minus that of the second, 0 to 1.
    candidates
        Ranked readings, the first of which is this key.
    tuning_hz
        Frequency of the A above middle C to which the music is tuned, Hz.
    over_time
        Keys through the piece; one segment where it does not modulate.

    Raises
    ------
    UsageError
        For a tonic or mode that does not exist.
    """

    tonic: str
    mode: Mode
    confidence: float = 1.0
    second: KeyCandidate | None = None
    margin: float = 1.0
    candidates: tuple[KeyCandidate, ...] = ()
    tuning_hz: float = 440.0
    over_time: tuple[KeySegment, ...] = ()

    def __post_init__(self) -> None:
        if self.mode not in {"major", "minor"}:
            raise UsageError(f"mode must be 'major' or 'minor', not {self.mode!r}")
        match = _SPELLING.fullmatch(self.tonic)
        if match is None or match[3]:
            raise UsageError(f"no such tonic: {self.tonic!r}")
        names = MAJOR_TONICS if self.mode == "major" else MINOR_TONICS
        object.__setattr__(self, "tonic", names[_pitch_class(match[1], match[2])])

    @classmethod
    def parse(cls, text: str) -> Key:
        """Read any usual spelling.

        Parameters
        ----------
        text
            A letter, accidentals (``#``, ``b``, ``♯``, ``♭``, ``sharp``, ``flat``, doubled ones too) and a mode: none,
            ``maj``, ``major``, ``M``, ``dur`` or ``m``, ``min``, ``minor``, ``moll``, ``-``; a lower-case letter says
            nothing about the mode. Camelot (``8A``) and Open Key (``1m``) codes are read too.

        Raises
        ------
        UsageError
            When it is no key.
        """
        stripped = text.strip()
        if wheel := _WHEEL.fullmatch(stripped):
            letter = wheel[2].upper()
            return cls.from_camelot(stripped) if letter in "AB" else cls.from_open_key(stripped)
        match = _SPELLING.fullmatch(stripped)
        if match:
            suffix = match[3].strip()
            word = suffix.casefold().rstrip(".")
            mode: Mode | None = "major" if suffix == "M" or word in _MAJOR else "minor" if word in _MINOR else None
            if mode is not None:
                return cls.from_index(_pitch_class(match[1], match[2]) + 12 * (mode == "minor"))
        raise UsageError(f"no key: {text!r}")

    @classmethod
    def from_index(cls, index: int) -> Key:
        """The key at a place of `KEY_NAMES`, 0 to 23."""
        if not 0 <= index < 24:
            raise UsageError(f"a key has an index from 0 to 23, not {index}")
        tonic, mode = KEY_NAMES[index].split()
        return cls(tonic, "major" if mode == "major" else "minor")

    @classmethod
    def from_camelot(cls, code: str) -> Key:
        """The key of a Camelot code, ``1A`` to ``12B``."""
        match = _WHEEL.fullmatch(code.strip())
        if match is None or match[2].upper() not in "AB":
            raise UsageError(f"no Camelot code: {code!r}")
        return _at(int(match[1]), minor=match[2].upper() == "A")

    @classmethod
    def from_open_key(cls, code: str) -> Key:
        """The key of an Open Key code, ``1d`` to ``12m``."""
        match = _WHEEL.fullmatch(code.strip())
        if match is None or match[2].upper() not in "DM":
            raise UsageError(f"no Open Key code: {code!r}")
        return _at(int(match[1]) + 7, minor=match[2].upper() == "M")

    @property
    def name(self) -> str:
        """Tonic and mode, ``F# minor``."""
        return f"{self.tonic} {self.mode}"

    @property
    def index(self) -> int:
        """Place in `KEY_NAMES`: pitch class of the tonic, plus 12 in minor."""
        return self.pitch_class + 12 * (self.mode == "minor")

    @property
    def pitch_class(self) -> int:
        """Semitones of the tonic above C, 0 to 11."""
        return (MAJOR_TONICS if self.mode == "major" else MINOR_TONICS).index(self.tonic)

    @property
    def camelot(self) -> str:
        """Camelot code, ``11A``."""
        return f"{self._place}{'A' if self.mode == 'minor' else 'B'}"

    @property
    def open_key(self) -> str:
        """Open Key code, ``4m``."""
        return f"{(self._place - 8) % 12 + 1}{'m' if self.mode == 'minor' else 'd'}"

    @property
    def id3(self) -> str:
        """As ID3 wants it in TKEY, ``F#m``."""
        return self.tonic + ("m" if self.mode == "minor" else "")

    @property
    def relative(self) -> Key:
        """The key of the other mode with the same notes."""
        return _at(self._place, minor=self.mode == "major")

    @property
    def parallel(self) -> Key:
        """The key of the other mode with the same tonic."""
        return Key.from_index((self.index + 12) % 24)

    def compatible(self, rule: Rule = "camelot") -> tuple[Key, ...]:
        """Keys that mix well with this one, itself first.

        Parameters
        ----------
        rule
            ``strict``: the same key. ``camelot``: also one step either way on the wheel (a fifth up or down) and the
            relative key. ``energy``: these and a rise of a whole tone or a semitone (two or seven steps up).
            ``diagonal``: camelot's and one step with a change of mode. ``fuzzy``: all of these and the parallel key.

        Raises
        ------
        UsageError
            For another rule.
        """
        if rule == "fuzzy":
            steps = dict.fromkeys((*_STEPS["energy"], *_STEPS["diagonal"]))
        elif rule in _STEPS:
            steps = dict.fromkeys(_STEPS[rule])
        else:
            raise UsageError(f"no such rule: {rule!r}; there are {', '.join(_STEPS)}, fuzzy")
        minor = self.mode == "minor"
        keys = tuple(_at(self._place + step, minor=minor != change) for step, change in steps)
        return (*keys, self.parallel) if rule == "fuzzy" else keys

    @property
    def modulates(self) -> bool:
        """True when `over_time` holds more than one key."""
        return len({segment.name for segment in self.over_time}) > 1

    @property
    def _place(self) -> int:
        """Place on the Camelot wheel, 1 to 12."""
        major = self.pitch_class + (3 if self.mode == "minor" else 0)
        return (7 * major + 7) % 12 + 1

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        other = f", or {self.second.name} ({self.second.probability:.2f})" if self.second else ""
        return f"Key({self.name}, {self.camelot}, confidence {self.confidence:.2f}{other})"


def _pitch_class(letter: str, accidentals: str) -> int:
    marks = accidentals.casefold().replace("sharp", "#").replace("flat", "b").replace(" ", "").replace("-", "")
    return (_LETTERS[letter.upper()] + sum(_ACCIDENTALS[mark] for mark in marks)) % 12


def _at(place: int, *, minor: bool) -> Key:
    """The key at a place of the Camelot wheel."""
    major = (7 * (place - 8)) % 12
    return Key.from_index((major - 3) % 12 + 12 if minor else major)
