"""Mix a score to audio: samples of free sound fonts (bank.py) and synthesised patches, effects, mastering, damage."""

import io

import numpy as np
import soundfile
from scipy.fft import irfft, next_fast_len, rfft, rfftfreq
from scipy.signal import lfilter

from training.render.bank import DRUM_SECONDS, KEYS, KITS, NOTE_SECONDS, PITCHES, RATE

VOWELS = [
    (730, 1090, 2440),
    (270, 2290, 3010),
    (300, 870, 2240),
    (530, 1840, 2480),
    (570, 840, 2410),
    (440, 1020, 2240),
]


class Bank:
    """The sample files, memory-mapped."""

    def __init__(self, folder):
        from pathlib import Path

        self.notes = [np.load(p, mmap_mode="r") for p in sorted(Path(folder).glob("*.notes.npy"))]
        self.drums = [np.load(p, mmap_mode="r") for p in sorted(Path(folder).glob("*.drums.npy"))]


class Patch:
    """One instrument: pitch -> sample, either from a sound font or synthesised with habits drawn once."""

    def __init__(self, rng, bank, wish):
        self.rng, self.cache = rng, {}
        self.font = None
        if isinstance(wish, (int, np.integer)):
            self.font, self.kind = bank.notes[rng.integers(len(bank.notes))][wish], "font"
        else:
            self.kind = wish
            self.cut = float(np.exp(rng.uniform(np.log(300), np.log(6000))))
            self.decay = float(rng.choice([0.15, 0.4, 1.0, 5.0]))
            self.attack = float(rng.choice([0.002, 0.005, 0.02, 0.06], p=[0.5, 0.25, 0.15, 0.1]))
            self.detune = float(rng.uniform(0.002, 0.012))
            self.width = float(rng.choice([0.125, 0.25, 0.5, 0.35]))
            self.vibrato = float(rng.choice([0, 0.003, 0.01]))
            self.ratio, self.index = float(rng.choice([0.5, 1, 2, 3, 3.5, 7])), float(rng.uniform(0.5, 6))

    def sample(self, pitch):
        pitch = int(np.clip(pitch, 24, 103))
        if pitch not in self.cache:
            self.cache[pitch] = (self.from_font if self.font is not None else self.synthesise)(pitch)
        return self.cache[pitch]

    def from_font(self, pitch):
        i = int(np.argmin(np.abs(PITCHES - pitch)))
        source = self.font[i].astype(np.float32) / 32768
        ratio = 2 ** ((pitch - PITCHES[i]) / 12)
        if ratio == 1:
            return source
        return np.interp(np.arange(0, len(source) - 2, ratio), np.arange(len(source)), source).astype(np.float32)

    def synthesise(self, pitch):
        rng, size = self.rng, int((NOTE_SECONDS if self.kind != "pluck" else 1.0) * RATE)
        t = np.arange(size) / RATE
        hz = 440 * 2 ** ((pitch - 69) / 12)
        vibrato = 1 + self.vibrato * np.sin(2 * np.pi * 5.5 * t) * np.minimum(1, t * 3)
        phase = np.cumsum(hz / RATE * vibrato) + rng.random()
        kind = self.kind
        if kind == "saw":
            wave = 2 * (phase % 1) - 1
        elif kind == "supersaw":
            wave = sum(2 * ((phase * (1 + self.detune * k) + rng.random()) % 1) - 1 for k in (-1, -0.4, 0, 0.5, 1)) / 3
        elif kind in ("square", "pulse"):
            wave = np.where(phase % 1 < (0.5 if kind == "square" else self.width), 1.0, -1.0)
        elif kind == "triangle":
            wave = 4 * np.abs(phase % 1 - 0.5) - 1
        elif kind == "sub":
            wave = np.tanh(2 * np.sin(2 * np.pi * phase))
        elif kind == "fm":
            wave = np.sin(
                2 * np.pi * phase + self.index * np.exp(-t / self.decay) * np.sin(2 * np.pi * self.ratio * phase)
            )
        elif kind == "pluck":
            period = max(8, int(RATE / hz))
            excitation = np.zeros(size)
            excitation[:period] = rng.uniform(-1, 1, period)
            taps = np.zeros(period + 2)
            taps[0], taps[period], taps[period + 1] = 1, -0.497, -0.497
            wave = lfilter([1.0], taps, excitation)
        else:
            return self.sing(phase, t)
        if kind in ("saw", "supersaw", "pulse", "square") and self.cut < 5000:
            a = np.exp(-2 * np.pi * self.cut / RATE)
            wave = lfilter([1 - a], [1, -a], wave)
        if kind != "pluck":
            wave = wave * np.minimum(1, t / self.attack) * np.exp(-t / self.decay * 0.7)
        return (0.5 * wave / (np.abs(wave).max() + 1e-9)).astype(np.float32)

    def sing(self, phase, t):
        """A vowel with an unvoiced beginning, as sung notes have."""
        rng = self.rng
        wave = 2 * (phase % 1) - 1 + 0.05 * rng.normal(0, 1, len(t))
        out = np.zeros_like(wave)
        for formant, gain in zip(VOWELS[rng.integers(len(VOWELS))], (1, 0.6, 0.3)):
            r = np.exp(-np.pi * 90 / RATE)
            out += gain * lfilter([1 - r], [1, -2 * r * np.cos(2 * np.pi * formant / RATE), r * r], wave)
        attack = rng.uniform(0.02, 0.08)
        out *= np.minimum(1, t / attack)
        out /= np.abs(out).max() + 1e-9
        if rng.random() < 0.5:
            size = int(rng.uniform(0.02, 0.08) * RATE)
            out[:size] += rng.uniform(0.05, 0.4) * np.diff(rng.normal(0, 1, size + 1)) * np.hanning(size)
        return (0.5 * out).astype(np.float32)


class DrumSet:
    """A kit from a sound font, or a synthesised machine; some sounds exchanged between the two."""

    def __init__(self, rng, bank, machine):
        self.rng, self.cache = rng, {}
        self.kit = bank.drums[rng.integers(len(bank.drums))][
            rng.choice(len(KITS), p=[0.4, 0.1, 0.1, 0.1, 0.12, 0.08, 0.08, 0.02])
        ]
        self.machine = {name for name in ("kick", "snare", "hat", "clap", "tom", "perc") if rng.random() < machine}
        self.noise = rng.random() < 0.15

    def sample(self, key, velocity):
        layer = int(np.searchsorted([65, 105], velocity))
        if (key, layer) not in self.cache:
            name = {
                35: "kick",
                36: "kick",
                38: "snare",
                40: "snare",
                42: "hat",
                44: "hat",
                46: "open",
                39: "clap",
                37: "perc",
                41: "tom",
                43: "tom",
                45: "tom",
                47: "tom",
                48: "tom",
                50: "tom",
            }.get(key, "other")
            if name in self.machine or (name == "open" and "hat" in self.machine):
                self.cache[key, layer] = self.synthesise(name, key)
            else:
                index = int(np.clip(key - KEYS[0], 0, len(KEYS) - 1))
                self.cache[key, layer] = self.kit[index, layer].astype(np.float32) / 32768
        return self.cache[key, layer]

    def synthesise(self, name, key):
        rng = self.rng
        size = int(DRUM_SECONDS * RATE)
        t = np.arange(size) / RATE
        noise = rng.normal(0, 1, size)
        if name in ("kick", "tom"):
            low = rng.uniform(40, 70) if name == "kick" else 60 + 8 * (key - 40)
            sweep = low * (1 + rng.uniform(1, 8) * np.exp(-t / rng.uniform(0.01, 0.04)))
            wave = np.sin(2 * np.pi * np.cumsum(sweep) / RATE) * np.exp(-t / rng.uniform(0.06, 0.3))
            wave[:60] += rng.uniform(0, 0.5) * noise[:60] * np.linspace(1, 0, 60)
            wave = np.tanh(wave * rng.uniform(1, 4))
        elif name in ("hat", "open", "perc"):
            decay = rng.uniform(0.015, 0.06) if name != "open" else rng.uniform(0.12, 0.35)
            wave = np.diff(np.diff(noise, prepend=0), prepend=0) * np.exp(-t / decay) * 0.25
        elif name == "clap":
            gate = sum(np.exp(-np.abs(t - d) / 0.004) * (t >= d) for d in (0, 0.011, 0.022)) + np.exp(
                -np.maximum(t - 0.03, 0) / rng.uniform(0.05, 0.15)
            ) * (t > 0.03)
            wave = np.diff(noise, prepend=0) * gate * 0.3
        else:
            tone = np.sin(2 * np.pi * rng.uniform(150, 240) * t * (1 + 0.3 * np.exp(-t / 0.02))) * np.exp(
                -t / rng.uniform(0.04, 0.12)
            )
            wave = rng.uniform(0.2, 1) * tone + np.diff(noise, prepend=0) * np.exp(
                -t / rng.uniform(0.05, 0.22)
            ) * rng.uniform(0.2, 0.6)
        if self.noise:
            wave = np.round(wave * 6) / 6
        return (0.6 * wave / (np.abs(wave).max() + 1e-9)).astype(np.float32)


def lay(out, sample, start, length, gain):
    """Add a sample with a short release."""
    begin = round(start * RATE)
    if begin >= len(out) or begin < 0:
        return
    release = int(0.05 * RATE)
    keep = min(len(sample), round(length * RATE) + release, len(out) - begin)
    piece = sample[:keep] * gain
    if keep > release and keep < len(sample):
        piece[-release:] *= np.linspace(1, 0, release, dtype=np.float32)
    out[begin : begin + keep] += piece


GAINS = {
    "drums": (0.45, 1.0),
    "bass": (0.3, 0.9),
    "chords": (0.12, 0.4),
    "lead": (0.2, 0.6),
    "melody": (0.3, 0.8),
    "counter": (0.1, 0.5),
    "piano": (0.25, 0.7),
}
POP_PATCHES = {
    "melody": ["voice", "voice", 73, 71, 40, 80, 0, 56, "saw", 65],
    "counter": [48, 50, 11, 88, 0, 25],
    "piano": [0, 0, 1, 2, 4, 5, 24, 25, 26, 46, 48, 6],
}


def mix(rng, bank, score):
    """Audio of the score, float32 at RATE, before mastering."""
    size = round(score.seconds * RATE)
    total, kicks = np.zeros(size, np.float32), []
    electronic = any(
        s in score.style
        for s in (
            "house",
            "techno",
            "trance",
            "dnb",
            "edm",
            "hard",
            "trap",
            "dub",
            "synth",
            "chip",
            "jungle",
            "reggaeton",
            "break",
        )
    )
    solo_piano = score.style == "pop909" and rng.random() < 0.4
    shared = Patch(rng, bank, int(rng.choice([0, 0, 1, 4, 5, 24, 6])))
    for part in score.parts:
        if not part.notes:
            continue
        stem = np.zeros(size, np.float32)
        if part.role == "drums":
            kit = DrumSet(rng, bank, 0.75 if electronic else 0.15)
            for start, _, pitch, velocity in part.notes:
                lay(stem, kit.sample(int(pitch), velocity), start, 2.0, (velocity / 127) ** 1.5)
                if pitch in (35, 36):
                    kicks.append(start)
        else:
            wish = part.options.get("patch")
            if wish is None:
                options = POP_PATCHES.get(part.role, [0])
                wish = options[rng.integers(len(options))]
            patch = shared if solo_piano else Patch(rng, bank, wish)
            shift = int(rng.choice([0, 0, 0, 12, -12])) if part.role == "lead" and not solo_piano else 0
            for start, length, pitch, velocity in part.notes:
                lay(stem, patch.sample(pitch + shift), start, length, (velocity / 127) ** 1.3)
        level = np.sqrt(np.mean(stem**2)) + 1e-6
        if part.options.get("distort") or (part.role in ("chords", "lead") and rng.random() < 0.05):
            stem = np.tanh(stem / level * rng.uniform(1, 6)).astype(np.float32)
            level = np.sqrt(np.mean(stem**2)) + 1e-6
        if part.role != "drums" and kicks and electronic and rng.random() < 0.5:
            stem *= pump(kicks, size, rng.uniform(0.3, 1), rng.uniform(0.08, 0.3))
        if part.role == "lead" and rng.random() < 0.2:
            delay = int(
                RATE
                * (
                    rng.choice([0.5, 0.75, 1.0])
                    * 60
                    / max(40, 60 / np.median(np.diff(score.beats)) if len(score.beats) > 2 else 120)
                )
            )
            stem[delay:] += rng.uniform(0.2, 0.5) * stem[: size - delay]
        low, high = GAINS.get(part.role, (0.2, 0.6))
        total += stem * (np.exp(rng.uniform(np.log(low), np.log(high))) * 0.1 / level)
    return total


def pump(kicks, size, depth, recovery):
    """Gain curve of a sidechain compressor keyed by the kick drum."""
    gain = np.ones(size, np.float32)
    span = int(recovery * RATE * 2)
    dip = (1 - depth * np.exp(-np.arange(span) / (recovery * RATE * 0.6))).astype(np.float32)
    for kick in kicks:
        begin = round(kick * RATE)
        if 0 <= begin < size:
            keep = min(span, size - begin)
            np.minimum(gain[begin : begin + keep], dip[:keep], out=gain[begin : begin + keep])
    return gain


def master(rng, audio):
    """Room, equaliser, compressor, limiter, noise, band limit, codec: what happens to music on its way to a file."""
    size = len(audio)
    length = next_fast_len(size + RATE)
    spectrum, hz = rfft(audio, length), rfftfreq(length, 1 / RATE)
    if rng.random() < 0.6:
        seconds = rng.uniform(0.15, 1.6)
        tail = rng.normal(0, 1, int(seconds * RATE)) * np.exp(-np.arange(int(seconds * RATE)) / RATE * 6.9 / seconds)
        tail[: int(rng.uniform(0, 0.03) * RATE)] = 0
        a = rng.uniform(0.1, 0.7)
        tail = lfilter([1 - a], [1, -a], tail)
        tail *= rng.uniform(0.1, 0.7) / np.sqrt(np.sum(tail**2) + 1e-9)
        spectrum = spectrum * (1 + rfft(tail, length))
    points = np.array([20, 60, 120, 250, 500, 1000, 2000, 4000, 8000, 11025])
    curve = rng.normal(0, 3, len(points)) + rng.normal(0, 3) * np.linspace(-1, 1, len(points))
    if rng.random() < 0.12:
        curve -= 60.0 * (points > rng.choice([3000, 5000, 8000]))
    if rng.random() < 0.1:
        curve -= 30.0 * (points < rng.choice([70, 130, 300]))
    spectrum = spectrum * 10 ** (np.interp(np.log(hz + 20), np.log(points), curve) / 20)
    audio = irfft(spectrum, length)[:size]
    audio /= np.sqrt(np.mean(audio**2)) + 1e-9
    if rng.random() < 0.6:
        block = 220
        padded = np.pad(audio, (0, -size % block)).reshape(-1, block)
        level = np.sqrt((padded**2).mean(axis=1)) + 1e-3
        a = np.exp(-block / RATE / rng.uniform(0.03, 0.4))
        level = np.maximum(level * 0.7, lfilter([1 - a], [1, -a], level))
        gain = (1 + (level / rng.uniform(0.5, 1.2)) ** 2) ** (-0.5 * rng.uniform(0.2, 0.9))
        audio = audio * np.interp(np.arange(size), np.arange(len(gain)) * block + block / 2, gain)
    drive = rng.uniform(0.1, 0.25) if rng.random() < 0.5 else rng.uniform(0.25, 1.2)
    audio = np.tanh(audio * drive)
    if rng.random() < 0.3:
        noise = rng.normal(0, 1, size)
        if rng.random() < 0.6:
            noise = lfilter([1], [1, -0.95], noise)
        noise /= np.std(noise)
        audio = audio + noise * np.std(audio) * 10 ** (-rng.uniform(15, 50) / 20)
    audio = (0.9 * audio / (np.abs(audio).max() + 1e-9)).astype(np.float32)
    return codec(rng, audio) if rng.random() < 0.06 else audio


def codec(rng, audio):
    """Through Ogg Vorbis at a low quality."""
    buffer = io.BytesIO()
    soundfile.write(buffer, audio, RATE, format="OGG", subtype="VORBIS", compression_level=float(rng.uniform(0.5, 1.0)))
    buffer.seek(0)
    return soundfile.read(buffer, dtype="float32")[0][: len(audio)]
