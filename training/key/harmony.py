"""Harmony of generated training pieces: numerals, loops, and a grammar that modulates and comes home."""

import re

import numpy as np

SCALES = {
    "major": [0, 2, 4, 5, 7, 9, 11],
    "minor": [0, 2, 3, 5, 7, 8, 10],
    "dorian": [0, 2, 3, 5, 7, 9, 10],
    "phrygian": [0, 1, 3, 5, 7, 8, 10],
    "locrian": [0, 1, 3, 5, 6, 8, 10],
    "mixolydian": [0, 2, 4, 5, 7, 9, 10],
    "harmonic": [0, 2, 3, 5, 7, 8, 11],
    "pentatonic": [0, 2, 4, 7, 9],
    "minor pentatonic": [0, 3, 5, 7, 10],
    "blues": [0, 3, 5, 6, 7, 10],
}
ROOTS = {"I": 0, "II": 2, "III": 4, "IV": 5, "V": 7, "VI": 9, "VII": 11}
QUALITIES = {
    "": None, "7": [0, 4, 7, 10], "^": [0, 4, 7, 11], "o": [0, 3, 6], "o7": [0, 3, 6, 9], "h": [0, 3, 6, 10],
    "5": [0, 7], "sus": [0, 5, 7], "6": [0, 4, 7, 9], "9": [0, 4, 7, 10, 14], "+": [0, 4, 8],
}  # fmt: skip
NUMERAL = re.compile(r"([b#]?)([IViv]+)(o7|o|7|\^|h|5|sus|6|9|\+)?(?:/([b#]?[IViv]+))?")

MAJOR_LOOPS = """I V vi IV|I vi IV V|I IV V I|I IV I V|I iii IV V|I ii7 V7 I|vi ii V I|IV V iii vi ii V I I
I V vi iii IV I ii V|I V vi iii IV I IV V|I bVII IV I|I IV V IV|I V IV I|I I IV V|I IV vi V|I V ii IV
IV I V vi|I vi ii V|I II IV I|I III vi IV|I I7 IV iv|I IV I I|I I V I|I V I V|I IV|I V|I bIII IV I
I bVII I bVII|I v IV I|I^ IV^|I^ vi7 ii7 V7|ii7 V7 I^ I^|iii7 vi7 ii7 V7
I7 I7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 V7|I7 IV7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 I7|I VI7 II7 V7
I I I I IV IV I I V V I I|I IV I V I IV V I|I V V I|I5 bVII5 IV5 I5|I5 IV5 V5 IV5|I5 bIII5 IV5 I5|I bVI bVII I
vi IV I V|IV I ii vi|I IV ii V|I vi iii V|IV V I I|IV V vi I|I ii iii IV|I iii vi IV|I Isus I Isus|I I I I
I V7/vi vi IV|I V7/ii ii V7|IV IV I I V V I I|I V/V V I|I iv I V|I V IV V"""
MINOR_LOOPS = """i bVI bIII bVII|i iv v i|i iv V i|i bVII bVI V|i bVII bVI bVII|i bIII bVII iv|i v bVI bIII iv i V V
i iv bVII bIII bVI iio V i|i bVI|i bIII bVI bVII|i IV|i bVII IV i|i i i i|i iv i V|iv i V i|i bVI iv V
i7 i7 i7 i7 iv7 iv7 i7 i7 bVI7 V7 i7 i7|i bII|i bVII i bVII|i v iv i|i bVI bVII i|i bVII bIII iv|i iv i i
i V i V|i v i v|i bIII iv bVI|i bVI bIII V|iih V7 i i|i7 iv7|i bVI iih V7|i5 bVI5 bVII5 i5|i5 bIII5 iv5 i5
i5 bII5 i5 bII5|i5 bVI5 bIII5 bVII5|i i bVI bVII|i iv bVI V|i bVI v i|i bIII i bVII|i bVII iv bVI
i V7/iv iv V7|bVI bVII i i|bVI V i i|iv bVII bIII bVI iio V i i|i i iv iv|i v bVI iv|i isus i isus
i bVI iv bVII|iv v i i|bVI bVII v i|bVI iv i V|i IV bVI V|i bII V i|i bVII bVI iv|i iv|i i v v|i bVII v bVI
i ii IV i"""
LOOPS = {
    "major": [line.split() for line in re.split(r"[|\n]", MAJOR_LOOPS)],
    "minor": [line.split() for line in re.split(r"[|\n]", MINOR_LOOPS)],
}
FLOW = {
    "major": {
        "I": "IV IV V V V7 vi ii ii V7/V V7/vi V7/IV iii I viio", "ii": "V V7 V7 viio V7/V",
        "iii": "vi IV", "IV": "V V7 I ii viio",
        "V": "I I I V7 V7 vi", "V7": "I I I I vi", "vi": "ii ii IV V V7/V iii", "viio": "I",
    },
    "minor": {
        "i": "iv iv V V V7 bVI iio bVII bIII V7/iv viio7 i", "iv": "V V7 i iio viio7 bVII",
        "iio": "V V7 V7", "bIII": "bVI iv bVII iio", "V": "i i i V7 V7 bVI", "V7": "i i i i bVI",
        "bVI": "iio iv V bII bIII", "bVII": "bIII bIII i bVI", "viio7": "i", "bII": "V V7 viio7",
    },
}  # fmt: skip
MOVES = {
    "major": (
        [(7, "major"), (9, "minor"), (5, "major"), (2, "minor"), (4, "minor"), (0, "minor")],
        [0.5, 0.2, 0.12, 0.08, 0.05, 0.05],
    ),
    "minor": (
        [(3, "major"), (7, "minor"), (5, "minor"), (8, "major"), (10, "major"), (0, "major")],
        [0.45, 0.25, 0.13, 0.07, 0.05, 0.05],
    ),
}  # fmt: skip


def chord(numeral, tonic):
    """Root pitch class and intervals above it of a numeral in a key; lower case is minor, ``V7/ii`` is applied."""
    flat, roman, quality, target = NUMERAL.fullmatch(numeral).groups()
    if target:
        tonic = chord(target, tonic)[0]
    root = tonic + ROOTS[roman.upper()] + {"": 0, "b": -1, "#": 1}[flat]
    minor = roman.islower()
    intervals = QUALITIES[quality or ""] or [0, 3 if minor else 4, 7]
    if minor and quality in {"7", "9"}:
        intervals = [0, 3, *intervals[2:]]
    return root % 12, list(intervals)


def scale_over(root, intervals, scale):
    """Pitch classes to move through over a chord: the scale, bent towards the chord's own notes."""
    notes = set(scale)
    for pc in ((root + i) % 12 for i in intervals):
        if pc not in notes:
            for other in ((pc - 1) % 12, (pc + 1) % 12):
                if other in notes and other not in {(root + i) % 12 for i in intervals}:
                    notes.discard(other)
                    break
            notes.add(pc)
    return sorted(notes)


def loop_song(rng, mode):
    """Numerals of a pop, rock, folk or electronic song, a list of sections that share a key."""
    pool = LOOPS[mode]
    first = pool[rng.integers(len(pool))]
    second = pool[rng.integers(len(pool))] if rng.random() < 0.4 else first
    return [first, first, second, second] if rng.random() < 0.7 else [first, second]


def classical_phrase(rng, mode, count, *, close):
    """`count` numerals of one phrase; ``close`` is ``full``, ``half`` or ``open``."""
    flow, home = FLOW[mode], "I" if mode == "major" else "i"
    now, out = home, [home]
    while len(out) < count:
        options = flow.get(now.split("/", maxsplit=1)[0] if "/" not in now else now)
        now = now.split("/")[1] if options is None else str(rng.choice(options.split()))
        out.append(now)
    if close == "full":
        out[-2:] = [str(rng.choice(["V", "V7", "V7", "viio"])), home]
    elif close == "half":
        out[-1] = "V"
    return out


def classical_piece(rng, tonic, mode, phrases):
    """(numeral, tonic, mode) of a piece that leaves its key and comes back, phrase by phrase."""
    key, out = (tonic, mode), []
    for index in range(phrases):
        count = int(rng.choice([4, 6, 8]))
        if index and rng.random() < (0.6 if index == 1 else 0.45):
            if key == (tonic, mode):
                keys, odds = MOVES[mode]
                step, other = keys[rng.choice(len(keys), p=odds)]
                key = ((tonic + step) % 12, other)
            else:
                key = (tonic, mode)
        if index == phrases - 1 and rng.random() < 0.7:
            key = (tonic, mode)
        close = str(rng.choice(["full", "half", "open"], p=[0.5, 0.3, 0.2])) if index < phrases - 1 else "full"
        out += [(numeral, *key) for numeral in classical_phrase(rng, key[1], count, close=close)]
    return out


def jazz_piece(rng, tonic, mode):
    """ii-V-I chains with turnarounds and visits to other keys."""
    home = (
        "ii7 V7 I^ I^|I^ vi7 ii7 V7|iii7 VI7 ii7 V7|I^ V7/IV IV^ iv7"
        if mode == "major"
        else "iih V7 i7 i7|i7 iv7 iih V7|i7 bVI7 V7 i7|i7 iv7 i7 V7"
    )
    home = [line.split() for line in home.split("|")]
    out = []
    for _ in range(int(rng.integers(3, 7))):
        out += [(n, tonic, mode) for n in home[rng.integers(len(home))]]
        if rng.random() < 0.25:
            keys, odds = MOVES[mode]
            step, other = keys[rng.choice(len(keys), p=odds)]
            pair = ["ii7", "V7", "I^"] if other == "major" else ["iih", "V7", "i7"]
            out += [(n, (tonic + step) % 12, other) for n in pair]
    return out


def minor_share(rng, share):
    """A mode, minor with this chance."""
    return "minor" if rng.random() < share else "major"


def random_tonic(rng):
    """A pitch class."""
    return int(rng.integers(12))


def nearest(pitch_class, around):
    """The MIDI pitch of a pitch class nearest to another pitch."""
    return int(around + (pitch_class - around + 6) % 12 - 6)


def step_in(scale, pitch, steps):
    """Move `steps` scale steps from a pitch."""
    ladder = np.array([12 * octave + pc for octave in range(11) for pc in sorted(scale)])
    index = int(np.argmin(np.abs(ladder - pitch)))
    return int(ladder[np.clip(index + steps, 0, len(ladder) - 1)])
