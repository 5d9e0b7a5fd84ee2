"""What each player of an ensemble does in a bar: bass, chords, lead, and voices that answer each other."""

import numpy as np

from training.render.styles import FAMILIES


class Players:
    """Bars of the pitched parts, for a `Composer` that knows metre, harmony and habits of the piece."""

    def bass_bar(self, bar, section):
        rng, meter, kind = self.rng, self.meter, self.bass
        start = bar * meter
        eighth, sixteenth = (1 / 2, 1 / 4) if self.steps != 3 else (1 / 3, 1 / 3)

        def low(beat, index=0):
            chord = self.chord(start + beat, section)
            return 28 + (chord[index % len(chord)] - 28) % 12 + 12 * (kind in ("arp", "tumbao"))

        if kind == "root":
            rows = [(0, meter if rng.random() < 0.7 else meter / 2)] + (
                [(meter / 2, meter / 2)] if meter % 2 == 0 and rng.random() < 0.5 else []
            )
            events = [(b, n, 0) for b, n in rows]
        elif kind == "q":
            events = [(b, 0.6, 0 if b % 2 == 0 else 2) for b in range(meter)]
        elif kind == "walk":
            events = [(b, 0.9, int(rng.integers(4))) for b in range(meter)]
        elif kind in ("e8", "octave"):
            events = [(b * eighth, eighth * 0.85, 0) for b in range(int(meter / eighth))]
        elif kind == "e16":
            events = [(b * sixteenth, sixteenth * 0.8, 0) for b in range(int(meter / sixteenth))]
        elif kind == "roll":
            events = [(b + k / 4, 0.2, 0) for b in range(meter) for k in (1, 2, 3)]
        elif kind == "off":
            events = [(b + 0.5, 0.4, 0) for b in range(meter)]
        elif kind == "habanera":
            events = [(b + k, 0.4, i) for b in range(0, meter, 2) for i, k in enumerate((0, 0.75, 1, 1.5))]
        elif kind == "tumbao":
            events = [(1.5, 1.4, 0), (3, 0.9, 2)] if meter == 4 else [(0, 1, 0)]
        elif kind == "kick" and "kick" in self.drums:
            chances = self.pattern("kick")[0]
            events = [
                (s / self.steps, 0.5, 0)
                for s in np.flatnonzero(rng.random(len(chances)) < chances)
                if s < meter * self.steps
            ] or [(0, meter, 0)]
        else:
            if "sync" not in self.kits:
                grid = meter * self.steps
                self.kits["sync"] = np.where(rng.random(grid) < 0.4, 1.0, 0.05)
                self.kits["sync"][0] = 0.9
            events = [
                (s / self.steps, 0.4, 0 if rng.random() < 0.8 else 2)
                for s in np.flatnonzero(rng.random(len(self.kits["sync"])) < self.kits["sync"])
            ]
        for i, (beat, length, index) in enumerate(events):
            pitch = low(beat, index) + (12 * (i % 2) if kind == "octave" else 0)
            self.add("bass", start + beat, length, pitch, rng.uniform(80, 105))

    def chord_bar(self, bar, section):
        rng, meter, kind, steps = self.rng, self.meter, self.chords, self.steps
        start, loud = bar * meter, rng.uniform(60, 85)

        def play(beat, length, spread=0.0, voices=None, base=52):
            chord = self.chord(start + beat, section)
            for i, pc in enumerate(
                chord if voices is None else [chord[v % len(chord)] + 12 * (v // len(chord)) for v in voices]
            ):
                pitch = base + (pc - base) % 12 + (12 * (voices[i] // len(chord)) if voices is not None else 0)
                self.add("chords", start + beat + spread * i, length, pitch, loud * rng.uniform(0.85, 1.1), 0.6)

        if kind == "pad":
            step = self.chord_beats
            for beat in range(0, meter, max(1, min(step, meter))):
                if step <= meter or (start + beat) % step == 0:
                    play(beat, step)
        elif kind in ("strum", "power"):
            if "strum" not in self.kits:
                grid = 2 * meter if steps != 3 else 3 * meter
                busy = rng.uniform(0.3, 1.0)
                self.kits["strum"] = np.where(
                    np.arange(grid) % (2 if steps != 3 else 3) == 0, 0.9, busy * rng.random(grid)
                )
            grid = len(self.kits["strum"])
            for s in np.flatnonzero(rng.random(grid) < self.kits["strum"]):
                play(
                    s * meter / grid,
                    meter / grid * 0.9,
                    spread=0.015 if kind == "strum" else 0,
                    voices=[0, 2, 3] if kind == "power" else None,
                    base=40 if kind == "power" else 52,
                )
        elif kind in ("off", "stab", "sync", "comp"):
            if kind == "off":
                rows = (
                    [b + (0.5 if steps != 3 else 2 / 3) for b in range(meter)]
                    if self.style not in ("jive", "quickstep", "foxtrot", "march", "polka") or rng.random() < 0.3
                    else list(range(1, meter, 2))
                )
            else:
                if "stab" not in self.kits:
                    grid = meter * steps
                    self.kits["stab"] = np.where(
                        rng.random(grid) < {"stab": 0.25, "sync": 0.4, "comp": 0.2}[kind], 0.95, 0.0
                    )
                rows = [s / steps for s in np.flatnonzero(rng.random(len(self.kits["stab"])) < self.kits["stab"])]
            for beat in rows:
                play(beat, 0.3 if kind != "comp" else rng.uniform(0.2, 0.8))
        elif kind in ("block", "march", "chorale", "habanera"):
            for beat in [0, 0.75, 1, 1.5] if kind == "habanera" else range(meter):
                play(beat, 0.45 if kind == "march" else 0.95, voices=[0, 1, 2, 3] if kind == "chorale" else None)
                if kind == "chorale":
                    self.add("chords", start + beat, 0.95, 40 + (self.chord(start + beat, section)[0] - 40) % 12, loud)
                    if rng.random() < 0.35:
                        self.add("chords", start + beat + 0.5, 0.45, 64 + rng.integers(8), loud * 0.9)
        elif kind == "waltz":
            for beat in range(1, meter):
                play(beat, 0.5)
        elif kind == "jig":
            for beat in range(meter):
                play(beat, 0.3)
                play(beat + 2 / 3, 0.25)
        else:
            self.broken_chord(start, section, loud)

    def broken_chord(self, start, section, loud):
        rng, meter, kind = self.rng, self.meter, self.chords
        rate = {
            "arp": self.steps if self.steps != 8 else 4,
            "arp8": 2 if self.steps != 3 else 3,
            "alberti": 2 if self.bpm > 115 else 4,
            "alberti3": 2,
            "prelude": 4,
            "fastarp": 8,
        }.get(kind, 2)
        if self.family is FAMILIES["piano"] and kind in ("arp", "arp8", "prelude") and self.steps == 4:
            if "rate" not in self.kits:
                self.kits["rate"] = int(rng.choice([rate, rate, 2, 3, 4, 6]))
            rate = self.kits["rate"]
        if "order" not in self.kits:
            order = {"alberti": [0, 2, 1, 2], "alberti3": [0, 1, 2, 1, 2, 1]}.get(
                kind,
                list(
                    rng.permutation([0, 1, 2, 3, 4, 5])[: int(rng.choice([3, 4, 6, 8]))]
                    if rng.random() < 0.5
                    else [0, 1, 2, 3, 4, 3, 2, 1][: int(rng.choice([4, 6, 8]))]
                ),
            )
            rests = rng.random(len(order)) < (0.12 if kind in ("arp", "arp8") else 0.0)
            self.kits["order"] = order, rests, 44 if self.family is FAMILIES["piano"] else 56
        order, rests, base = self.kits["order"]
        for i in range(meter * rate):
            slot = i % len(order)
            if rests[slot]:
                continue
            beat, voice = start + i / rate, order[slot]
            chord = self.chord(beat, section)
            pitch = (
                base + (chord[0] - base) % 12 + (chord[voice % len(chord)] - chord[0]) % 12 + 12 * (voice // len(chord))
            )
            hold = 1.0 / rate if kind != "prelude" else min(2.0, 3 / rate)
            self.add("chords", beat, hold, pitch, loud * (1.12 if slot == 0 else 0.95) * rng.uniform(0.92, 1.08), 0.7)

    def lead_bar(self, bar, section):
        """Melody: a rhythmic motif of one or two bars that repeats with changes; pitches walk, chord tones on strong beats."""
        rng, meter = self.rng, self.meter
        unit = 2 if self.steps != 3 else 3
        if "unit" not in self.kits:
            self.kits["unit"] = rng.random() < 0.25
        if self.kits["unit"] and self.steps == 4:
            unit = 4
        if self.density > 0.9 and self.steps != 3:
            unit = self.runs
        if self.plain:
            unit = 1 if self.steps != 3 else unit
        name = f"motif{bar % 2}"
        if name not in self.kits or rng.random() < 0.15:
            grid = meter * unit
            strong = np.where(np.arange(grid) % unit == 0, 0.75, 0.45)
            if rng.random() < 0.3:
                strong = np.roll(strong, 1)
            self.kits[name] = rng.random(grid) < strong * min(1.1, 0.55 + 0.5 * self.density)
        onsets = np.flatnonzero(self.kits[name])
        if rng.random() < 0.1:
            return
        pitch = getattr(self, "melody", 67 + int(rng.integers(8)))
        for i, s in enumerate(onsets):
            beat = bar * meter + s / unit
            following = onsets[i + 1] if i + 1 < len(onsets) else meter * unit
            pitch = self.step(pitch, beat, section, s % unit == 0)
            late = rng.uniform(-0.02, 0.06) if self.voice_like else 0
            self.add(
                "lead",
                beat + late,
                (following - s) / unit * rng.uniform(0.6, 1.0),
                pitch,
                rng.uniform(75, 110),
                1.5 if self.voice_like else 1,
            )
            if rng.random() < 0.05:
                self.add("lead", beat + 0.5 / unit, 0.4 / unit, pitch + 2, 80)
        self.melody = pitch

    @property
    def voice_like(self):
        if not hasattr(self, "singer"):
            self.singer = self.rng.random() < 0.3 and self.family not in (
                FAMILIES["piano"],
                FAMILIES["voices"],
                FAMILIES["chip"],
            )
        return self.singer

    def step(self, pitch, beat, section, strong):
        """The next melody pitch within an octave and a half."""
        rng = self.rng
        scale = [(self.tonic + s) % 12 for s in self.scale]
        allowed = self.chord(beat, section) if strong and rng.random() < 0.7 else scale
        wish = pitch + rng.choice(
            [-4, -3, -2, -1, 0, 1, 2, 3, 4, 7, -7], p=[0.06, 0.08, 0.18, 0.12, 0.08, 0.12, 0.18, 0.08, 0.06, 0.02, 0.02]
        )
        wish = min(max(wish, 60), 84)
        return min(
            range(int(wish) - 6, int(wish) + 7), key=lambda p: abs(p - wish) + (100 if p % 12 not in allowed else 0)
        )

    def voices_bar(self, bar, section):
        """Three or four independent voices (fugue-like): each goes on in its own note values, entering one after another."""
        rng, meter = self.rng, self.meter
        if not hasattr(self, "lines"):
            self.lines = [
                {"low": low, "pitch": low + 6, "enter": i * 2}
                for i, low in enumerate(rng.permutation([41, 53, 62, 69])[: int(rng.choice([2, 3, 4]))])
            ]
        for line in self.lines:
            if bar < line["enter"] and rng.random() < 0.9:
                continue
            if rng.random() < 0.12:
                continue
            position = 0.0
            while position < meter - 1e-6:
                fine = position % 1 > 1e-6
                value = float(
                    rng.choice(
                        [0.25, 0.5, 1.0, 1.5, 2.0], p=[0.45, 0.35, 0.2, 0, 0] if fine else [0.3, 0.35, 0.25, 0.05, 0.05]
                    )
                )
                if fine and value == 1.0 and position % 0.5 > 1e-6:
                    value = 0.25
                count = int(rng.choice([2, 4])) if value == 0.25 else 1
                for _ in range(count):
                    pitch = (
                        self.step(line["pitch"] + 62 - line["low"], bar * meter + position, section, not fine)
                        - 62
                        + line["low"]
                    )
                    line["pitch"] = min(max(pitch, line["low"]), line["low"] + 17)
                    self.add("lead", bar * meter + position, value * 0.95, line["pitch"], rng.uniform(70, 95))
                    position += value
