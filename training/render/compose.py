"""Compose scores of many kinds of music (styles.py): endless, varied, and with exact beats."""

import numpy as np

from training.render.players import Players
from training.render.score import Part, Score
from training.render.styles import FAMILIES, PIANO, STYLES

MAJOR, MINOR = [0, 2, 4, 5, 7, 9, 11], [0, 2, 3, 5, 7, 8, 10]
HARMONIC = [0, 2, 3, 5, 7, 8, 11]
DRUM_KEYS = {
    "kick": [36, 36, 35],
    "snare": [38, 38, 40, 37],
    "hat": [42, 42, 44],
    "open": [46],
    "ride": [51, 51, 59, 53, 42],
    "foot": [44],
    "clap": [39, 39, 40, 38],
    "perc": [54, 69, 70, 82, 63, 60, 62],
    "bell": [56],
    "clave": [75, 76, 37],
    "tom": [64, 63, 45, 47, 41, 50],
    "cymbal": [49, 57],
    "crash": [49, 57, 55],
}
PROGRESSIONS = [
    [0, 4, 5, 3],
    [0, 5, 3, 4],
    [5, 3, 0, 4],
    [0, 3, 4, 3],
    [0, 3, 0, 4],
    [1, 4, 0, 0],
    [0, 6, 5, 4],
    [0, 0, 3, 4],
    [0, 5, 1, 4],
    [0, 2, 3, 4],
    [0, 6, 3, 0],
    [0, 0, 0, 0],
    [0, 3],
    [0, 4],
    [3, 4, 2, 5],
]


def hits(pattern):
    return {"x": 0.96, "o": 0.5, "-": 0.2}.get(pattern, 0.0)


class Composer(Players):
    """One piece: draws its habits once, then writes bars until the time is filled."""

    def __init__(self, rng, style=None, seconds=42.0, tempo_scale=None):
        self.rng = rng
        names = list(STYLES)
        weights = np.array([STYLES[n][2] for n in names], float)
        self.style = style or str(rng.choice(names, p=weights / weights.sum()))
        low, high, _, self.steps, self.meter, self.swing, self.drums, bass, chords, self.density, family, curve = (
            STYLES[self.style]
        )
        self.family = FAMILIES[family]
        self.bass, self.chords = (str(rng.choice(text.split())) for text in (bass, chords))
        tempo_scale = np.exp(rng.normal(0, 0.07)) if tempo_scale is None else tempo_scale
        self.bpm = float(np.exp(rng.uniform(np.log(low), np.log(high))) * tempo_scale)
        if curve == "c" and rng.random() < 0.5:
            self.bpm = float(round(self.bpm))
        self.curve = str(rng.choice(list(curve)))
        self.seconds = seconds
        self.tonic = int(rng.integers(12))
        self.minor = bool(rng.random() < 0.5)
        self.scale = (HARMONIC if rng.random() < 0.4 else MINOR) if self.minor else MAJOR
        self.progressions = [PROGRESSIONS[rng.integers(len(PROGRESSIONS))] for _ in range(3)]
        self.chord_beats = (
            self.meter if rng.random() < 0.75 else (max(1, self.meter // 2) if rng.random() < 0.6 else self.meter * 2)
        )
        self.loose = (
            float(rng.choice([0.0, 0.003, 0.008, 0.015], p=[0.45, 0.25, 0.2, 0.1]))
            if curve == "c"
            else float(rng.uniform(0.003, 0.014))
        )
        if self.swing and rng.random() < 0.5:
            self.swing = 0.0
        elif not self.swing and self.steps == 4 and rng.random() < 0.08:
            self.swing = float(rng.uniform(0.1, 0.33))
        self.parts = {}
        self.rubato_piano = family == "piano" and self.curve != "c"
        self.runs = 4 if rng.random() < 0.35 else 2
        self.plain = rng.random() < (0.6 if self.style.startswith("simple") else 0.12)
        self.pedal = float(rng.choice([0.0, 0.8, 1.6]))
        self.grid = self.clock()

    def clock(self):
        """Times of the beats, with lead-in of up to two beats of silence or upbeat."""
        rng, beat = self.rng, 60.0 / self.bpm
        count = int(self.seconds / beat * 1.6) + 12
        lengths = np.full(count, beat)
        if self.curve == "d":
            drift = np.cumsum(rng.normal(0, 1, count))
            drift -= np.linspace(0, drift[-1], count)
            lengths *= 1 + rng.uniform(0.002, 0.02) * drift / max(1.0, np.abs(drift).max())
            lengths *= 1 + rng.normal(0, 0.006, count)
        elif self.curve == "r":
            depth = rng.uniform(0.04, 0.24)
            phrase = self.meter * int(rng.choice([2, 4]))
            x = np.arange(count) % phrase / phrase
            walk = np.convolve(rng.normal(0, 1, count + 8), np.hanning(9) / 2, "valid")
            lengths *= np.exp(depth * (0.6 * (2 * x - 1) ** 2 * (x > 0.5) + 0.5 * walk * rng.uniform(0.3, 1)))
            stops = rng.random(count) < 0.1 * (x > 0.98 - 1.0 / phrase)
            lengths[stops] *= rng.uniform(1.2, 1.8, stops.sum())
        if rng.random() < 0.04:
            lengths[count // 3 :] *= rng.uniform(0.8, 1.25)
        start = float(rng.uniform(0, 0.6)) if rng.random() < 0.6 else 0.0
        return start + np.concatenate([[0.0], np.cumsum(lengths)])

    def at(self, beat):
        """Seconds of a position in beats."""
        if self.swing:
            whole, part = divmod(beat * 2, 1)
            beat = (
                (
                    whole
                    + (
                        part * (1 + self.swing)
                        if part <= 0.5
                        else (0.5 * (1 + self.swing) + (part - 0.5) * (1 - self.swing))
                    )
                )
                / 2
                if self.steps >= 4
                else beat
            )
        return float(np.interp(beat, np.arange(len(self.grid)), self.grid))

    def add(self, role, beat, length, pitch, velocity, loose=1.0):
        begin, end = self.at(beat), self.at(beat + length)
        begin += self.rng.normal(0, self.loose * loose) if self.loose else 0.0
        if self.rubato_piano and role == "lead":
            begin = max(0.0, begin - 0.02 * self.rng.random())
            if self.rng.random() < 0.04:
                grace = (max(0.0, begin - 0.09), 0.08, int(pitch) + 1, float(velocity) * 0.8)
                self.parts.setdefault(role, []).append(grace)
        if self.rubato_piano and role == "chords" and self.pedal:
            end = max(end, begin + self.pedal)
        if begin < self.seconds:
            self.parts.setdefault(role, []).append(
                (begin, max(0.03, end - begin), int(pitch), float(np.clip(velocity, 8, 127)))
            )

    def chord(self, beat, section):
        """Pitch classes of the chord at a beat, root first."""
        progression = self.progressions[section % len(self.progressions)]
        degree = progression[int(beat // self.chord_beats) % len(progression)]
        third = [self.scale[(degree + 2 * i) % 7] for i in range(4 if self.family is FAMILIES["jazz"] else 3)]
        return [(self.tonic + t) % 12 for t in third]

    def write(self):
        rng, meter = self.rng, self.meter
        bars = int(np.searchsorted(self.grid, self.seconds) // meter) + 1
        self.kits = {}
        section, playing = 0, self.layers(first=True)
        phrase = int(rng.choice([4, 8]))
        for bar in range(bars):
            if bar and bar % phrase == 0:
                if rng.random() < 0.6:
                    section += 1
                    self.kits.clear()
                playing = self.layers()
                if "drums" in playing and rng.random() < 0.5:
                    self.add("drums", bar * meter, 1, rng.choice(DRUM_KEYS["crash"]), 110)
            if bar < 4 and "drums" in playing and rng.random() < 0.06 and bar == 0:
                for beat in range(meter):
                    self.add("drums", beat, 0.2, 37, 100)
                continue
            fill = bar % phrase == phrase - 1 and rng.random() < 0.5
            if "drums" in playing:
                self.drum_bar(bar, fill)
            if "bass" in playing:
                self.bass_bar(bar, section)
            if "chords" in playing:
                self.chord_bar(bar, section)
            if "lead" in playing:
                self.lead_bar(bar, section)
            if "voices" in playing:
                self.voices_bar(bar, section)
        return self.finish(bars)

    def layers(self, first=False):
        """Which instruments play in the coming phrase."""
        rng = self.rng
        if self.family is FAMILIES["voices"]:
            return {"voices"} if self.chords == "none" else {"chords"}
        out = set()
        drum_share = 0.97 if self.bass == "none" else 0.86
        if self.drums and rng.random() < (drum_share if not first else drum_share - 0.08):
            out.add("drums")
        if self.bass != "none" and rng.random() < 0.88:
            out.add("bass")
        if self.chords != "none" and rng.random() < 0.85:
            out.add("chords")
        if self.density and rng.random() < 0.3 + 0.7 * min(1, self.density):
            out.add("lead")
        if self.family is FAMILIES["piano"]:
            out |= {"chords", "lead"}
        return out or ({"drums"} if self.drums else {"chords", "lead"} if self.chords != "none" else {"lead"})

    def pattern(self, name):
        """The habit of one instrument in this section: chances per step, with a few private mutations."""
        if name not in self.kits:
            rng = self.rng
            text = str(rng.choice(self.drums[name]))
            chances = np.array([hits(c) for c in text])
            if rng.random() < 0.35:
                chances = np.clip(
                    chances + (rng.random(len(chances)) < 0.06) * rng.uniform(-0.9, 0.9, len(chances)), 0, 1
                )
            fixed = np.where(
                rng.random(len(chances)) < 0.7, (rng.random(len(chances)) < chances).astype(float), chances
            )
            accent = rng.uniform(0.35, 1.0)
            self.kits[name] = fixed, int(rng.choice(DRUM_KEYS[name])), accent, rng.uniform(75, 120)
        return self.kits[name]

    def drum_bar(self, bar, fill):
        rng, meter = self.rng, self.meter
        total = meter * self.steps
        absent = rng.random() < 0.03
        for name in self.drums:
            chances, key, accent, velocity = self.pattern(name)
            for step in np.flatnonzero(rng.random(len(chances)) < chances):
                if (
                    step >= total
                    or (fill and step >= total * 0.6 and name not in ("hat", "foot"))
                    or (absent and name in ("kick", "hat"))
                ):
                    continue
                on_beat = step % self.steps == 0
                strength = (
                    velocity
                    * (1 if on_beat or name in ("snare", "kick", "clap") else 0.6 + 0.4 * accent)
                    * rng.uniform(0.85, 1.05)
                )
                self.add("drums", bar * meter + step / self.steps, 0.2, key, strength)
        if fill:
            steps = int(total * 0.4)
            for step in range(total - steps, total):
                if rng.random() < 0.65:
                    self.add(
                        "drums",
                        bar * meter + step / self.steps,
                        0.2,
                        rng.choice([38, 45, 47, 50, 41, 43, 36]),
                        rng.uniform(70, 120),
                    )

    def finish(self, bars):
        rng = self.rng
        parts = []
        patch = {}
        for role in self.parts:
            wish = self.family.get(role, [0])
            patch[role] = wish[rng.integers(len(wish))]
        if "lead" in patch and self.voice_like:
            patch["lead"] = "voice"
        if self.family in (FAMILIES["piano"], FAMILIES["voices"]):
            patch["chords"] = patch["lead"] = patch["bass"] = patch.get("chords", patch.get("lead", PIANO[0]))
        for role, notes in self.parts.items():
            parts.append(
                Part(
                    role,
                    notes,
                    {
                        "patch": patch.get(role),
                        "distort": self.style in ("hardrock", "metal", "punk") and role == "chords",
                        "family": self.style,
                    },
                )
            )
        beats = self.grid[: bars * self.meter]
        beats = beats[beats < self.seconds]
        return Score(
            parts,
            beats,
            self.grid[: bars * self.meter : self.meter][: len(beats)],
            self.meter,
            self.style,
            (self.tonic, "minor" if self.minor else "major"),
            self.seconds,
            self.curve == "c",
        )
