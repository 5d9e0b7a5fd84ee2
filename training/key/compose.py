"""Pieces with a known key: harmony (harmony.py) set in many textures, ready for `training.render.synth`."""

import numpy as np

from training.key.harmony import (
    SCALES,
    chord,
    classical_piece,
    jazz_piece,
    loop_song,
    minor_share,
    nearest,
    random_tonic,
    scale_over,
    step_in,
)
from training.render.score import Part, Score
from training.render.styles import FAMILIES, STYLES

FAMILY_OF = {
    "pop": ["any", "soft", "guitar", "synth", "piano"],
    "rock": ["guitar", "guitar", "any"],
    "folk": ["folk", "folk", "piano", "orch", "soft"],
    "electronic": ["synth", "synth", "chip", "any"],
    "classical": ["piano", "piano", "voices", "orch", "soft", "folk"],
    "jazz": ["jazz", "latin", "piano"],
    "riff": ["synth", "synth", "guitar", "chip", "any"],
}
SHARES = {
    "pop": 0.18, "rock": 0.12, "folk": 0.16, "electronic": 0.1, "classical": 0.2, "jazz": 0.07, "riff": 0.17,
}  # fmt: skip
DRUMS = {"pop": 0.65, "rock": 0.9, "folk": 0.12, "electronic": 0.85, "classical": 0.0, "jazz": 0.5, "riff": 0.9}
DRUM_STYLES = {
    "pop": ["pop", "ballad", "disco", "shuffle", "hiphop"],
    "rock": ["pop", "funk", "shuffle", "waltzrock"],
    "folk": ["country", "folk", "polka"],
    "electronic": ["synthpop", "disco", "chiptune", "hiphop", "trap"],
    "jazz": ["swing", "bossa", "jazzballad"],
    "riff": ["synthpop", "disco", "chiptune", "hiphop", "trap", "funk", "pop"],
    "classical": ["pop"],
}
HIT = {
    "kick": 36,
    "snare": 38,
    "hat": 42,
    "open": 46,
    "ride": 51,
    "foot": 44,
    "clap": 39,
    "perc": 70,
    "bell": 56,
    "clave": 75,
    "tom": 45,
    "cymbal": 49,
}


class Writer:
    """One piece."""

    def __init__(self, rng, kind=None, seconds=28.0):
        self.rng, self.seconds = rng, seconds
        self.kind = kind or str(rng.choice(list(SHARES), p=np.array(list(SHARES.values()))))
        self.meter = (
            int(rng.choice([4, 4, 4, 3, 2])) if self.kind in {"folk", "classical"} else int(rng.choice([4] * 9 + [3]))
        )
        self.bpm = float(np.exp(rng.uniform(np.log(60), np.log(165))))
        self.tonic = random_tonic(rng)
        self.mode = minor_share(rng, {"electronic": 0.75, "folk": 0.4, "rock": 0.45, "riff": 0.65}.get(self.kind, 0.48))
        self.scale = self.choose_scale()
        self.parts, self.events = {}, self.harmony()
        self.loose = float(rng.choice([0.0, 0.006, 0.012]))

    def choose_scale(self):
        """Intervals that the melody draws from; modes count as the mode of their third."""
        rng = self.rng
        odds = {
            ("folk", "major"): ["major"] * 6 + ["mixolydian"] * 2 + ["pentatonic"],
            ("folk", "minor"): ["minor"] * 4 + ["dorian"] * 4 + ["harmonic"] * 2 + ["minor pentatonic"],
            ("rock", "major"): ["major"] * 3 + ["mixolydian"] * 2 + ["blues", "pentatonic", "minor pentatonic"],
            ("rock", "minor"): ["minor"] * 4
            + ["dorian"]
            + ["minor pentatonic"] * 3
            + ["blues", "harmonic", "phrygian"],
            ("electronic", "minor"): ["minor"] * 6 + ["dorian", "phrygian", "phrygian", "harmonic", "minor pentatonic"],
            ("riff", "major"): [
                "major",
                "major",
                "mixolydian",
                "mixolydian",
                "pentatonic",
                "minor pentatonic",
                "blues",
            ],
            ("riff", "minor"): ["minor"] * 3
            + ["phrygian"] * 3
            + ["dorian", "dorian", "harmonic", "minor pentatonic", "blues", "locrian"],
            ("pop", "major"): ["major"] * 6 + ["pentatonic", "mixolydian"],
            ("pop", "minor"): ["minor"] * 6 + ["harmonic", "dorian", "minor pentatonic"],
        }.get((self.kind, self.mode), [self.mode])
        name = str(rng.choice(odds))
        self.flavour = name
        return SCALES[name]

    def harmony(self):
        """(beat, beats, root, intervals, scale pitch classes, tonic, mode) through the piece."""
        rng = self.rng
        need = self.seconds * self.bpm / 60 + 8
        length = (
            self.meter * float(rng.choice([0.5, 1, 1, 2]))
            if self.kind == "classical"
            else self.meter * float(rng.choice([0.5, 1, 1, 1, 2]))
        )
        if self.kind == "classical":
            plan = classical_piece(rng, self.tonic, self.mode, max(2, int(need / length / 6)))
        elif self.kind == "jazz":
            plan = jazz_piece(rng, self.tonic, self.mode)
        elif self.kind == "riff":
            home = ["I", "I5", "Isus"] if self.mode == "major" else ["i", "i", "i5"]
            plan = [(home[rng.integers(3)], self.tonic, self.mode)]
            if rng.random() < 0.4:
                other = {"major": "bVII IV V bIII", "minor": "bVII bVI iv bII bIII v"}[self.mode].split()
                plan = plan * int(rng.integers(1, 4)) + [(other[rng.integers(len(other))], self.tonic, self.mode)]
        else:
            plan = [(n, self.tonic, self.mode) for loop in loop_song(rng, self.mode) for _ in range(2) for n in loop]
            if self.flavour in {"dorian", "mixolydian", "phrygian"} and rng.random() < 0.8:
                vamp = {
                    "dorian": ["i IV", "i bVII", "i ii", "i bVII IV i", "i i bVII i"],
                    "mixolydian": ["I bVII", "I bVII IV I", "I v", "I I bVII I"],
                    "phrygian": ["i bII", "i bII bVII i", "i i bII bIII"],
                }[self.flavour]
                plan = [(n, self.tonic, self.mode) for n in str(rng.choice(vamp)).split()]
        out, beat, index = [], 0.0, 0
        while beat < need:
            numeral, tonic, mode = plan[index % len(plan)]
            root, intervals = chord(numeral, tonic)
            base = self.scale if (tonic, mode) == (self.tonic, self.mode) else SCALES[mode]
            scale = scale_over(root, intervals, [(tonic + s) % 12 for s in base])
            span = length if not (self.kind == "classical" and rng.random() < 0.2) else length / 2
            out.append((beat, span, root, intervals, scale, tonic, mode))
            beat, index = beat + span, index + 1
        return out

    def add(self, role, beat, length, pitch, velocity):
        """One note."""
        start = max(0.0, beat * 60 / self.bpm + self.rng.normal(0, self.loose))
        if start < self.seconds:
            row = (
                start,
                max(0.05, length * 60 / self.bpm),
                int(np.clip(pitch, 24, 103)),
                float(np.clip(velocity, 20, 127)),
            )
            self.parts.setdefault(role, []).append(row)

    def write(self):
        """The score."""
        rng = self.rng
        layers = {"bass": rng.random() < 0.85, "chords": rng.random() < 0.9, "lead": rng.random() < 0.75}
        if self.kind == "riff":
            self.riff()
            layers = {"bass": False, "chords": rng.random() < 0.45, "lead": rng.random() < 0.5}
        if self.kind == "folk" and rng.random() < 0.15:
            layers = {"bass": False, "chords": False, "lead": True}
        counterpoint = self.kind == "classical" and rng.random() < 0.4
        if counterpoint:
            for voice, (role, centre) in enumerate(
                [("bass", 43), ("chords", 60), ("lead", 72)][: 1 + int(rng.integers(1, 3)) + 0][::-1]
            ):
                self.melody(
                    role,
                    centre + int(rng.integers(-4, 5)),
                    busy=float(rng.choice([0.5, 1, 2, 4])),
                    chromatic=0.04,
                    steps=0.75,
                    start=voice * self.meter * 2,
                )
            if rng.random() < 0.6:
                self.bass(40)
        else:
            if layers["chords"] or not (self.parts or any(layers.values())):
                self.chords(str(rng.choice(["block", "pad", "arp", "arp", "strum", "offbeat", "alberti", "chorale"])))
            if layers["bass"]:
                self.bass(int(rng.integers(33, 42)))
            if layers["lead"]:
                self.melody(
                    "lead",
                    int(rng.integers(62, 80)),
                    busy=float(rng.choice([0.5, 1, 1, 2, 2, 4])),
                    chromatic=float(rng.choice([0, 0.02, 0.06])),
                    steps=0.6,
                )
        if rng.random() < DRUMS[self.kind]:
            self.drums()
        return self.finish()

    def percussion(self):
        """Drums alone."""
        self.kind = str(self.rng.choice([kind for kind in DRUM_STYLES if kind != "classical"]))
        self.drums()
        return self.finish()

    def finish(self):
        """Choose timbres."""
        rng = self.rng
        family = FAMILIES[str(rng.choice(FAMILY_OF[self.kind]))]
        style = "house" if self.kind in {"electronic", "riff"} else self.kind
        parts = []
        for role, notes in self.parts.items():
            options = {}
            if role != "drums":
                pool = family[role]
                options["patch"] = pool[rng.integers(len(pool))]
                if family is FAMILIES["piano"] and rng.random() < 0.8:
                    options["patch"] = 0
                if self.kind == "rock" and role == "chords" and rng.random() < 0.4:
                    options["distort"] = True
            parts.append(Part(role, notes, options))
        beats = np.arange(0, self.seconds, 60 / self.bpm)
        score = Score(parts, beats, beats[:: self.meter], self.meter, style, (self.tonic, self.mode), self.seconds)
        scale = 60 / self.bpm
        score.local = [
            (b * scale, (b + n) * scale, t, m) for b, n, _, _, _, t, m in self.events if b * scale < self.seconds
        ]
        return score

    def bass(self, centre):
        """Roots, fifths, walking lines, pedals, inversions."""
        rng = self.rng
        kind = str(rng.choice(["root", "root", "fifth", "pulse", "walk", "pedal", "invert", "octave"]))
        previous = centre
        for beat, span, root, intervals, scale, tonic, _ in self.events:
            low = nearest(root, centre)
            fifth = low + (7 if 7 in intervals else 6)
            if kind == "pedal" and rng.random() < 0.7:
                low = nearest(tonic, centre)
            if kind == "invert" and rng.random() < 0.4:
                low = nearest(root + intervals[1 if len(intervals) < 3 or rng.random() < 0.7 else 2], previous)
            loud = rng.uniform(75, 110)
            if kind in {"root", "pedal", "invert"}:
                self.add("bass", beat, span * 0.95, low, loud)
            elif kind == "fifth":
                half = span / 2
                self.add("bass", beat, half * 0.9, low, loud)
                self.add("bass", beat + half, half * 0.9, fifth if rng.random() < 0.8 else low, loud * 0.9)
            elif kind in {"pulse", "octave"}:
                for i in range(max(1, int(span * 2))):
                    self.add("bass", beat + i / 2, 0.45, low + (12 * (i % 2) if kind == "octave" else 0), loud)
            else:
                now = low
                for i in range(max(1, int(span))):
                    self.add("bass", beat + i, 0.9, now, loud)
                    now = (
                        step_in(scale, now, int(rng.choice([-2, -1, 1, 2])))
                        if rng.random() < 0.7
                        else nearest(root + intervals[rng.integers(len(intervals))], now)
                    )
            previous = low

    def riff(self):
        """A bass figure of a bar or two that circles round the tonic, often doubled above."""
        rng = self.rng
        steps = int(rng.choice([8, 16, 16, 32]))
        low = 28 + (self.tonic - 28) % 12
        others = [low + s + 12 * int(rng.integers(-1, 2)) for s in self.scale if s]
        share, figure = rng.uniform(0.35, 0.8), []
        for step in range(steps):
            if step == 0 or rng.random() < 0.7:
                home = step == 0 or rng.random() < share
                pitch = low + (12 if home and rng.random() < 0.25 else 0) if home else others[rng.integers(len(others))]
                if not home and rng.random() < 0.08:
                    pitch = low + int(rng.integers(12))
                figure.append((step, pitch))
        unit, doubled = float(rng.choice([0.25, 0.5, 0.5])), rng.random() < 0.4
        power = rng.random() < 0.4
        for beat in np.arange(0.0, self.events[-1][0], steps * unit):
            for step, pitch in figure:
                loud = rng.uniform(80, 115)
                self.add("bass", beat + step * unit, unit * 0.9, pitch, loud)
                for above in ((12, 19) if power else (12,)) if doubled else ():
                    self.add("chords", beat + step * unit, unit * 0.9, pitch + above, loud * 0.8)

    def chords(self, kind):
        """The accompaniment in one texture."""
        rng = self.rng
        centre, power = int(rng.integers(52, 66)), self.kind == "rock" and rng.random() < 0.35
        quick = [0.25, 0.5, 0.5, 1 / 3] if self.bpm < 120 else [0.5, 0.5, 1 / 3, 1.0]
        rate = float(rng.choice(quick))
        strum = rng.random(8) < 0.55
        strum[0] = True
        for beat, span, root, intervals, *_ in self.events:
            low = nearest(root, 45)
            voices = [low, low + 7, low + 12] if power else sorted({nearest(root + i, centre) for i in intervals})
            if len(voices) > 2 and not power and rng.random() < 0.3:
                voices.append(voices[0] + 12)
            loud = rng.uniform(55, 90)
            if kind in {"block", "chorale", "offbeat"}:
                inner = root + (0 if rng.random() < 0.75 else intervals[1])
                extra = [nearest(inner, 43)] if kind == "chorale" else []
                self.struck(beat, span, [*voices, *extra], loud, late=0.5 * (kind == "offbeat"))
            elif kind == "pad":
                for v in voices:
                    self.add("chords", beat, span, v, loud)
            elif kind == "strum":
                for i in range(max(1, int(span * 2))):
                    for j, v in enumerate(voices if strum[i % 8] else ()):
                        self.add("chords", beat + i / 2 + 0.02 * j, 0.5, v, loud)
            else:
                up = [voices[0], voices[-1], voices[len(voices) // 2], voices[-1]]
                order = voices + voices[-2:0:-1] if kind == "arp" else up
                for i in range(max(1, int(span / rate))):
                    self.add("chords", beat + i * rate, rate * (1 + (kind == "arp")), order[i % len(order)], loud)

    def struck(self, beat, span, voices, loud, *, late):
        """A chord on each beat, or after it."""
        for i in range(max(1, round(span))):
            for v in voices:
                self.add("chords", beat + i + late, 0.4 if late else 0.92, v, loud)

    def melody(self, role, centre, *, busy, chromatic, steps, start=0):
        """A line that moves mostly by step, rests on chord notes, and closes on the tonic of its phrase."""
        rng, pitch = self.rng, centre
        for index, (beat, span, root, intervals, scale, tonic, _) in enumerate(self.events):
            if beat < start:
                continue
            time, last = beat, index % 8 == 7
            while time < beat + span - 1e-6:
                length = float(rng.choice([2.0, 1.0, 1.0, 0.5] if busy <= 1 else [1.0, 0.5, 0.5, 0.25])) / (
                    1 if busy < 4 else 2
                )
                length = min(length, beat + span - time)
                strong = abs(time - round(time)) < 1e-6
                if strong and rng.random() < 0.75:
                    tones = [nearest(root + i, pitch) for i in intervals]
                    if last and rng.random() < 0.5 and tonic % 12 in {(root + i) % 12 for i in intervals}:
                        tones = [nearest(tonic, pitch)]
                    pitch = tones[rng.integers(len(tones))]
                elif rng.random() < chromatic:
                    pitch += int(rng.choice([-1, 1]))
                elif rng.random() < steps:
                    pitch = step_in(scale, pitch, int(rng.choice([-1, 1])))
                else:
                    pitch = step_in(scale, pitch, int(rng.choice([-4, -3, -2, 0, 2, 3, 4])))
                if abs(pitch - centre) > 11:
                    pitch = nearest(pitch % 12, centre)
                if rng.random() > 0.08:
                    self.add(role, time, length * 0.95, pitch, rng.uniform(70, 115))
                time += length

    def drums(self):
        """A pattern of the rhythm room's, repeated."""
        rng = self.rng
        style = STYLES[str(rng.choice(DRUM_STYLES[self.kind]))]
        steps, meter, patterns = style[3], style[4], style[6]
        bars = int(self.seconds * self.bpm / 60 / meter) + 1
        for name, options in patterns.items():
            pattern = str(rng.choice(options))
            for bar in range(bars):
                for i, mark in enumerate(pattern):
                    if rng.random() < {"x": 0.96, "o": 0.5, "-": 0.2}.get(mark, 0.0):
                        self.add("drums", bar * meter + i / steps, 0.2, HIT[name], rng.uniform(70, 120))
