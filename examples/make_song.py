"""Make ``song.ogg``: eighteen seconds of our own music, D minor at 122 BPM, free for any use (CC0-1.0).

Everything is synthesised here with NumPy: drums, bass, pad, plucked arpeggio, room: ``python examples/make_song.py``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

RATE = 44_100
BPM = 122.0
BEAT = 60.0 / BPM
BARS = 9
FIRST_BEAT = 0.12
CHORDS = ((50, 53, 57), (55, 58, 62), (46, 50, 53), (45, 49, 52))  # Dm Gm Bb A
rng = np.random.default_rng(2024)


def hz(midi: float) -> float:
    """Frequency of a MIDI note."""
    return float(440.0 * 2.0 ** ((midi - 69) / 12))


def decay(seconds: float, tau: float) -> np.ndarray:
    """Exponential fall with time constant ``tau``."""
    return np.exp(-np.arange(int(seconds * RATE)) / (tau * RATE))


def low_pass(x: np.ndarray, cutoff: float) -> np.ndarray:
    """Gentle low-pass in the frequency domain (6 dB at ``cutoff``, 24 dB per octave)."""
    spectrum = np.fft.rfft(x)
    f = np.fft.rfftfreq(len(x), 1 / RATE)
    return np.fft.irfft(spectrum / (1 + (f / cutoff) ** 4), len(x))


def saw(f: float, seconds: float, phase: float = 0.0) -> np.ndarray:
    """Band-limited sawtooth."""
    t = np.arange(int(seconds * RATE)) / RATE
    count = max(1, min(40, int(0.4 * RATE / f)))
    return sum(np.sin(2 * np.pi * k * (f * t + phase)) / k for k in range(1, count + 1)) * 0.6


def kick() -> np.ndarray:
    """Bass drum."""
    t = np.arange(int(0.3 * RATE)) / RATE
    body = np.sin(2 * np.pi * (46 * t + 4.2 * (1 - np.exp(-t / 0.03)))) * decay(0.3, 0.1)
    body[:120] += rng.standard_normal(120) * np.linspace(0.5, 0, 120)
    return body


def snare() -> np.ndarray:
    """Snare drum: two skin modes and wires."""
    t = np.arange(int(0.25 * RATE)) / RATE
    skin = (np.sin(2 * np.pi * 186 * t) + 0.6 * np.sin(2 * np.pi * 331 * t)) * decay(0.25, 0.035)
    wires = np.diff(rng.standard_normal(len(t) + 1)) * decay(0.25, 0.07)
    return 0.5 * skin + 0.35 * wires


def hat(*, is_open: bool = False) -> np.ndarray:
    """Hi-hat."""
    seconds, tau = (0.3, 0.08) if is_open else (0.08, 0.018)
    return 0.2 * np.diff(rng.standard_normal(int(seconds * RATE) + 2), n=2) * decay(seconds, tau)


def pluck(midi: float, seconds: float) -> np.ndarray:
    """String by Karplus and Strong: a noise burst that goes round a damped delay line."""
    period = round(RATE / hz(midi))
    line, out = rng.uniform(-1, 1, period), []
    for _ in range(int(seconds * RATE) // period + 1):
        out.append(line)
        line = 0.995 * 0.5 * (line + np.roll(line, 1))
    return np.concatenate(out)[: int(seconds * RATE)]


def bass(midi: float, seconds: float) -> np.ndarray:
    """Round electric bass."""
    tone = low_pass(saw(hz(midi), seconds), 500.0)
    fade = np.minimum(1.0, np.arange(len(tone))[::-1] / (0.01 * RATE))
    return tone * decay(seconds, 0.5)[: len(tone)] * fade * np.minimum(1.0, np.arange(len(tone)) / 90)


def pad(chord: tuple[int, ...], seconds: float, side: int) -> np.ndarray:
    """Slow strings: three detuned saws a voice, different left and right."""
    voices = [saw(hz(m + 12 + cents / 100), seconds, rng.random()) for m in chord for cents in (-7 + side, 0, 6 - side)]
    tone = low_pass(np.sum(voices, axis=0), 1800.0)
    ramp = np.minimum(1.0, np.arange(len(tone)) / (0.25 * RATE))
    return tone * ramp * ramp[::-1]


class Mixer:
    """A stereo tape: lay sounds at a time, with level and place."""

    def __init__(self, seconds: float) -> None:
        self.tape = np.zeros((int(seconds * RATE), 2))

    def add(self, seconds: float, sound: np.ndarray, gain: float, pan: float = 0.0) -> None:
        """Add ``sound`` at a time; ``pan`` from -1 (left) to 1 (right)."""
        start = round(seconds * RATE)
        part = sound[: len(self.tape) - start]
        self.tape[start : start + len(part), 0] += gain * np.sqrt((1 - pan) / 2) * part
        self.tape[start : start + len(part), 1] += gain * np.sqrt((1 + pan) / 2) * part


def room(dry: np.ndarray, *, seconds: float = 1.1, level: float = 0.035) -> np.ndarray:
    """A small hall: convolution with decaying noise that differs left and right."""
    n = len(dry) + int(seconds * RATE)
    out = dry.copy()
    for channel in (0, 1):
        echo = low_pass(rng.standard_normal(int(seconds * RATE)) * decay(seconds, 0.22), 5000.0)
        wet = np.fft.irfft(np.fft.rfft(dry[:, channel], n) * np.fft.rfft(echo, n), n)
        out[:, channel] += level * wet[: len(dry)]
    return out


def drums(mixer: Mixer, bar: int, start: float) -> None:
    """One bar of drums; the first two bars have hats only, every fourth ends with a fill."""
    sounds = {"kick": kick(), "snare": snare(), "hat": hat(), "open": hat(is_open=True)}
    for eighth in range(8):
        time = start + eighth * BEAT / 2 + rng.normal(0, 0.0015)
        mixer.add(time, sounds["open" if eighth == 7 and bar % 2 else "hat"], 0.5 if eighth % 2 else 0.8, 0.3)
        if bar >= 2 and eighth in ({0, 3, 4} if bar % 2 else {0, 4, 5}):
            mixer.add(time, sounds["kick"], 1.0)
        if bar >= 2 and eighth in {2, 6}:
            mixer.add(time, sounds["snare"], 0.7, -0.05)
    if bar % 4 == 1:
        for sixteenth in (13, 14, 15):
            mixer.add(start + sixteenth * BEAT / 4, sounds["snare"], 0.25 + 0.1 * (sixteenth - 13), 0.2)


def music(mixer: Mixer, bar: int, start: float) -> None:
    """One bar of harmony: pad, bass, arpeggio."""
    chord = CHORDS[bar % len(CHORDS)]
    for side, pan in ((0, -0.8), (2, 0.8)):
        mixer.add(start, pad(chord, 4.3 * BEAT, side), 0.05, pan)
    root = chord[0] - 12
    if bar >= 2:
        for eighth, octave in ((0, 0), (3, 0), (4, 12), (6, 0), (7, 7)):
            mixer.add(start + eighth * BEAT / 2, bass(root + octave, 0.55 * BEAT), 0.45)
    steps = (0, 1, 2, 3, 2, 1, 2, 1) if bar % 2 else (0, 2, 1, 2, 3, 2, 1, 0)
    notes = (*chord, chord[0] + 12)
    for eighth, step in enumerate(steps):
        mixer.add(start + eighth * BEAT / 2, pluck(notes[step] + 24, 0.9), 0.35, 0.5 if eighth % 2 else -0.5)


def main() -> None:
    """Write song.ogg beside this file."""
    mixer = Mixer(FIRST_BEAT + (4 * BARS + 1.5) * BEAT)
    for bar in range(BARS - 1):
        start = FIRST_BEAT + 4 * BEAT * bar
        drums(mixer, bar, start)
        music(mixer, bar, start)
    end = FIRST_BEAT + 4 * BEAT * (BARS - 1)
    for side, pan in ((0, -0.8), (2, 0.8)):
        mixer.add(end, pad((50, 53, 57), 4 * BEAT, side), 0.06, pan)
    mixer.add(end, kick(), 1.0)
    mixer.add(end, bass(38, 3 * BEAT), 0.45)
    mixer.add(end, pluck(74, 2.0), 0.4)
    tape = np.tanh(0.5 * room(mixer.tape))
    tape *= 0.6 / np.abs(tape).max()
    fade = int(0.6 * RATE)
    tape[-fade:] *= np.linspace(1, 0, fade)[:, None]
    path = Path(__file__).with_name("song.ogg")
    with soundfile.SoundFile(
        path, "w", samplerate=RATE, channels=2, format="OGG", subtype="VORBIS", compression_level=0.85
    ) as file:
        file.title, file.artist, file.comment = "Demonstration in D minor", "tracktion", "CC0-1.0"
        for block in np.array_split(tape.astype(np.float32), 64):
            file.write(block)


if __name__ == "__main__":
    main()
