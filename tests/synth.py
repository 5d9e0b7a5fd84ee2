"""Synthetic music with known answers, for tests in every room: NumPy only, the same samples on every run.

``song`` is the one to reach for (drums, bass, chords, melody); ``click_track``, ``drum_loop``, ``chords`` and the
degenerate signals below are its parts and its opposites. Each maker returns a :class:`Clip` that carries the truth.
"""

from __future__ import annotations

import wave
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Audio = NDArray[np.float32]
Times = NDArray[np.float64]
SAMPLE_RATE = 44_100
MAJOR_TONICS = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
MINOR_TONICS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B")
KEYS = tuple(f"{tonic} major" for tonic in MAJOR_TONICS) + tuple(f"{tonic} minor" for tonic in MINOR_TONICS)
_PITCH = {name: i for tonics in (MAJOR_TONICS, MINOR_TONICS) for i, name in enumerate(tonics)}
_PITCH |= {"D#": 3, "Gb": 6, "A#": 10}
_SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}


@dataclass(frozen=True, slots=True)
class Clip:
    """Audio and the truth about it.

    ``samples`` is float32 of shape ``(n,)`` or ``(n, channels)``; ``beats`` and ``downbeats`` are seconds; ``bpm`` is
    None where the tempo changes, ``key`` (such as ``"F# minor"``) is None where there is none.
    """

    samples: Audio
    sample_rate: int
    bpm: float | None = None
    beats: NDArray[np.float64] | None = None
    downbeats: NDArray[np.float64] | None = None
    key: str | None = None
    tuning_hz: float = 440.0

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate

    @property
    def source(self) -> tuple[Audio, int]:
        """What ``Analyzer.analyze`` takes."""
        return self.samples, self.sample_rate

    def stereo(self, *, width: float = 0.3, seed: int = 0) -> Clip:
        """Two channels: the same music with a little different noise floor and level left and right."""
        mono = self.samples if self.samples.ndim == 1 else self.samples.mean(axis=1)
        hiss = np.random.default_rng(seed).standard_normal((len(mono), 2)).astype(np.float32) * 1e-4
        sides = np.stack([mono, mono * np.float32(1 - width)], axis=1)
        return replace(self, samples=(sides + hiss).astype(np.float32))

    def write(self, path: str | Path) -> Path:
        """Write a 16-bit WAV and return its path."""
        return write_wav(path, self.samples, self.sample_rate)


def write_wav(path: str | Path, samples: Audio, sample_rate: int = SAMPLE_RATE) -> Path:
    """Write float samples as a 16-bit WAV with the standard library alone."""
    path = Path(path)
    pcm = np.clip(np.rint(np.nan_to_num(samples) * 32767), -32768, 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1 if pcm.ndim == 1 else pcm.shape[1])
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(pcm.tobytes())
    return path


# --- when: beats ----------------------------------------------------------------------------------


def beat_times(
    tempi: float | Sequence[tuple[float, int]], *, seconds: float, first_beat: float = 0.5
) -> NDArray[np.float64]:
    """Beat times in seconds, of one tempo or of ``(bpm, number of beats)`` segments; the last goes on to the end."""
    segments = [(float(tempi), 10**9)] if isinstance(tempi, (int, float)) else list(tempi)
    times, t = [], first_beat
    for i, (bpm, count) in enumerate(segments):
        period, n = 60.0 / bpm, count if i + 1 < len(segments) else 10**9
        n = min(n, max(0, int(np.ceil((seconds - t) / period))))
        times.append(t + period * np.arange(n))
        t += period * n
    beats = np.concatenate(times)
    return beats[beats < seconds - 1e-9]


def ramp_beats(start_bpm: float, end_bpm: float, *, seconds: float, first_beat: float = 0.5) -> NDArray[np.float64]:
    """Beat times of a tempo that moves linearly in time from one value to another."""
    t = np.linspace(0.0, seconds - first_beat, 20_001)
    phase = (start_bpm * t + (end_bpm - start_bpm) * t**2 / (2 * t[-1])) / 60.0
    return first_beat + np.interp(np.arange(int(phase[-1]) + 1), phase, t)


def jittered(beats: NDArray[np.float64], *, ms: float, seed: int = 0) -> NDArray[np.float64]:
    """Beats as people play them: normally distributed deviations of ``ms`` milliseconds."""
    moved = beats + np.random.default_rng(seed).normal(0.0, ms / 1000.0, len(beats))
    return np.sort(np.maximum(moved, 0.0))


# --- what: single sounds --------------------------------------------------------------------------


def _decay(n: int, sample_rate: int, tau: float) -> NDArray[np.float64]:
    return np.exp(-np.arange(n) / (tau * sample_rate))


def kick(sample_rate: int = SAMPLE_RATE) -> Audio:
    """A bass drum: a sine that falls from 150 to 50 Hz, with a click."""
    n = int(0.18 * sample_rate)
    t = np.arange(n) / sample_rate
    body = np.sin(2 * np.pi * (50 * t + 100 * 0.025 * (1 - np.exp(-t / 0.025)))) * _decay(n, sample_rate, 0.06)
    body[: sample_rate // 1000] += 0.4 * np.linspace(1, 0, sample_rate // 1000)
    return body.astype(np.float32)


def snare(sample_rate: int = SAMPLE_RATE) -> Audio:
    """A snare drum: noise and a 190 Hz body."""
    n = int(0.16 * sample_rate)
    noise_ = np.random.default_rng(7).standard_normal(n) * _decay(n, sample_rate, 0.04)
    body = np.sin(2 * np.pi * 190 * np.arange(n) / sample_rate) * _decay(n, sample_rate, 0.03)
    return (0.28 * noise_ + 0.4 * body).astype(np.float32)


def hat(sample_rate: int = SAMPLE_RATE) -> Audio:
    """A closed hi-hat: short bright noise."""
    n = int(0.05 * sample_rate)
    noise_ = np.diff(np.random.default_rng(11).standard_normal(n + 2), n=2)
    return (0.12 * noise_ * _decay(n, sample_rate, 0.012)).astype(np.float32)


def click(sample_rate: int = SAMPLE_RATE, *, hz: float = 1000.0) -> Audio:
    """A metronome tick."""
    n = int(0.03 * sample_rate)
    return (np.sin(2 * np.pi * hz * np.arange(n) / sample_rate) * _decay(n, sample_rate, 0.006)).astype(np.float32)


def note(
    midi: float,
    seconds: float,
    *,
    sample_rate: int = SAMPLE_RATE,
    tuning_hz: float = 440.0,
    harmonics: int = 6,
    tau: float = 0.5,
) -> Audio:
    """A plucked tone with harmonics that fall as 1/k and an attack of 5 ms."""
    n = max(1, int(seconds * sample_rate))
    t = np.arange(n) / sample_rate
    f0 = tuning_hz * 2.0 ** ((midi - 69) / 12)
    tone = sum(np.sin(2 * np.pi * f0 * k * t) / k for k in range(1, harmonics + 1) if f0 * k < 0.45 * sample_rate)
    shape = np.minimum(1.0, t / 0.005) * np.exp(-t / tau) * np.minimum(1.0, (n - np.arange(n)) / (0.005 * sample_rate))
    return np.asarray(0.5 * tone * shape, dtype=np.float32)


def mix_at(length: int, sample_rate: int, events: Sequence[tuple[float, Audio, float]]) -> Audio:
    """Lay ``(seconds, sound, gain)`` into ``length`` samples; the end is cut; placement is to the sample."""
    out = np.zeros(length, dtype=np.float64)
    for seconds, sound, gain in events:
        start = round(seconds * sample_rate)
        if 0 <= start < length:
            part = sound[: length - start]
            out[start : start + len(part)] += gain * part
    return out.astype(np.float32)


def _normalised(samples: Audio, peak: float = 0.7) -> Audio:
    top = float(np.abs(samples).max(initial=0.0))
    return samples if top == 0 else (samples * np.float32(peak / top)).astype(np.float32)


# --- music ----------------------------------------------------------------------------------------


def click_track(
    bpm: float = 120.0,
    seconds: float = 10.0,
    *,
    beats: NDArray[np.float64] | None = None,
    first_beat: float = 0.5,
    beats_per_bar: int = 4,
    sample_rate: int = SAMPLE_RATE,
) -> Clip:
    """A metronome whose first beat of a bar is higher and louder; pass ``beats`` for any other time course."""
    given = beats is not None
    beats = beat_times(bpm, seconds=seconds, first_beat=first_beat) if beats is None else beats
    low, high = click(sample_rate), click(sample_rate, hz=1500.0)
    events = [(t, low, 0.6) if i % beats_per_bar else (t, high, 1.0) for i, t in enumerate(beats)]
    samples = mix_at(round(seconds * sample_rate), sample_rate, events)
    return Clip(_normalised(samples), sample_rate, None if given else bpm, beats, beats[::beats_per_bar])


def drum_events(
    beats: NDArray[np.float64],
    *,
    sample_rate: int = SAMPLE_RATE,
    beats_per_bar: int = 4,
    swing: float = 0.5,
    pattern: str = "rock",
) -> list[tuple[float, Audio, float]]:
    """Drum hits on given beats. ``swing`` is where the off-beat eighth lies (0.5 straight, 0.667 triplet).

    Patterns: ``rock`` (kick on odd, snare on even beats), ``house`` (kick on all), ``halftime`` (snare on the third);
    a waltz is rock with ``beats_per_bar=3``.
    """
    bass, side, top = kick(sample_rate), snare(sample_rate), hat(sample_rate)
    events: list[tuple[float, Audio, float]] = []
    periods = np.append(np.diff(beats), beats[-1] - beats[-2] if len(beats) > 1 else 0.5)
    for i, (t, period) in enumerate(zip(beats.tolist(), periods.tolist(), strict=True)):
        place = i % beats_per_bar
        if pattern == "house":
            kicks, snares = True, place % 2 == 1
        elif pattern == "halftime":
            kicks, snares = place == 0, place == 2
        elif beats_per_bar == 3:
            kicks, snares = place == 0, place > 0
        else:
            kicks, snares = place % 2 == 0, place % 2 == 1
        if kicks:
            events.append((t, bass, 1.0 if place == 0 else 0.85))
        if snares:
            events.append((t, side, 0.8))
        events += [(t, top, 0.6), (t + swing * period, top, 0.4)]
    return events


def drum_loop(
    bpm: float = 120.0,
    seconds: float = 10.0,
    *,
    beats: NDArray[np.float64] | None = None,
    first_beat: float = 0.5,
    beats_per_bar: int = 4,
    swing: float = 0.5,
    pattern: str = "rock",
    sample_rate: int = SAMPLE_RATE,
) -> Clip:
    """Drums alone, of known tempo, metre, swing and pattern (see :func:`drum_events`)."""
    given = beats is not None
    beats = beat_times(bpm, seconds=seconds, first_beat=first_beat) if beats is None else beats
    events = drum_events(beats, sample_rate=sample_rate, beats_per_bar=beats_per_bar, swing=swing, pattern=pattern)
    samples = mix_at(round(seconds * sample_rate), sample_rate, events)
    return Clip(_normalised(samples), sample_rate, None if given else bpm, beats, beats[::beats_per_bar])


def chord_notes(key: str, degree: int, *, octave: int = 4) -> list[int]:
    """MIDI notes of the triad on a scale degree (0 = tonic) of a key; V is major in minor keys too."""
    tonic, mode = key.split()
    scale, root = _SCALES[mode], 12 * (octave + 1) + _PITCH[tonic]
    notes = [root + scale[(degree + step) % 7] + 12 * ((degree + step) // 7) for step in (0, 2, 4)]
    if mode == "minor" and degree % 7 == 4:
        notes[1] += 1
    return notes


_PROGRESSIONS = {"major": (0, 5, 3, 4), "minor": (0, 5, 3, 4)}


def chord_events(
    key: str,
    bars: NDArray[np.float64],
    *,
    bar_seconds: float,
    progression: Sequence[int] | None = None,
    sample_rate: int = SAMPLE_RATE,
    tuning_hz: float = 440.0,
    bass: bool = True,
) -> list[tuple[float, Audio, float]]:
    """One chord per bar (I vi IV V unless told otherwise) with a bass note under it."""
    degrees = progression or _PROGRESSIONS[key.split()[1]]
    sounds: dict[tuple[float, int], Audio] = {}

    def sound(midi: int, tau: float) -> Audio:
        if (tau, midi) not in sounds:
            sounds[tau, midi] = note(midi, bar_seconds, sample_rate=sample_rate, tuning_hz=tuning_hz, tau=tau)
        return sounds[tau, midi]

    events = []
    for i, t in enumerate(bars.tolist()):
        notes = chord_notes(key, degrees[i % len(degrees)])
        events += [(t, sound(midi, 1.2), 0.35) for midi in notes]
        if bass:
            events.append((t, sound(notes[0] - 24, 0.8), 0.6))
    return events


def chords(
    key: str = "C major",
    seconds: float = 10.0,
    *,
    bpm: float = 100.0,
    progression: Sequence[int] | None = None,
    tuning_hz: float = 440.0,
    first_beat: float = 0.0,
    sample_rate: int = SAMPLE_RATE,
) -> Clip:
    """Chords and bass without drums, in any of :data:`KEYS`, four beats to each chord; detune it with ``tuning_hz``."""
    beats = beat_times(bpm, seconds=seconds, first_beat=first_beat)
    events = chord_events(
        key, beats[::4], bar_seconds=240.0 / bpm, progression=progression, sample_rate=sample_rate, tuning_hz=tuning_hz
    )
    samples = mix_at(round(seconds * sample_rate), sample_rate, events)
    return Clip(_normalised(samples), sample_rate, bpm, beats, beats[::4], key, tuning_hz)


def song(
    bpm: float = 120.0,
    key: str = "A minor",
    seconds: float = 20.0,
    *,
    beats: NDArray[np.float64] | None = None,
    first_beat: float = 0.5,
    beats_per_bar: int = 4,
    swing: float = 0.5,
    pattern: str = "rock",
    progression: Sequence[int] | None = None,
    tuning_hz: float = 440.0,
    sample_rate: int = SAMPLE_RATE,
    seed: int = 0,
) -> Clip:
    """Drums, bass, chords and a wandering melody: what an analyser should get right in full.

    Parameters
    ----------
    bpm, key, seconds
        The truth; ``key`` is one of :data:`KEYS`.
    beats
        Other beat times (s), e.g. from :func:`ramp_beats`; ``bpm`` then only sets the length of notes.
    seed
        Chooses the melody.
    """
    given = beats is not None
    beats = beat_times(bpm, seconds=seconds, first_beat=first_beat) if beats is None else beats
    bars, beat = beats[::beats_per_bar], 60.0 / bpm
    events = drum_events(beats, sample_rate=sample_rate, beats_per_bar=beats_per_bar, swing=swing, pattern=pattern)
    events += chord_events(
        key,
        bars,
        bar_seconds=beat * beats_per_bar,
        progression=progression,
        sample_rate=sample_rate,
        tuning_hz=tuning_hz,
    )
    rng = np.random.default_rng(seed)
    tonic, mode = key.split()
    degrees = progression or _PROGRESSIONS[mode]
    for i, t in enumerate(beats.tolist()):
        triad = chord_notes(key, degrees[(i // beats_per_bar) % len(degrees)], octave=5)
        step = 60 + 12 + _PITCH[tonic] + _SCALES[mode][int(rng.integers(7))]
        midi = triad[int(rng.integers(3))] if i % 2 == 0 or rng.random() < 0.5 else step
        if rng.random() < 0.8:
            sound = note(midi, beat, sample_rate=sample_rate, tuning_hz=tuning_hz, harmonics=4, tau=0.25)
            events.append((t, sound, 0.3))
    samples = mix_at(round(seconds * sample_rate), sample_rate, events)
    return Clip(
        _normalised(samples), sample_rate, None if given else bpm, beats, beats[::beats_per_bar], key, tuning_hz
    )


def joined(*clips: Clip) -> Clip:
    """Clips one after another (a modulation, a medley); beats move along, ``bpm`` and ``key`` stay only if shared."""
    rate, offset = clips[0].sample_rate, 0.0
    beats, downbeats = [], []
    for clip in clips:
        if clip.sample_rate != rate:
            raise ValueError("clips of one sample rate only")
        beats.append((clip.beats if clip.beats is not None else np.empty(0)) + offset)
        downbeats.append((clip.downbeats if clip.downbeats is not None else np.empty(0)) + offset)
        offset += clip.seconds
    return Clip(
        np.concatenate([clip.samples for clip in clips]),
        rate,
        clips[0].bpm if len({clip.bpm for clip in clips}) == 1 else None,
        np.concatenate(beats),
        np.concatenate(downbeats),
        clips[0].key if len({clip.key for clip in clips}) == 1 else None,
        clips[0].tuning_hz,
    )


def with_noise(clip: Clip, *, snr_db: float, seed: int = 0) -> Clip:
    """The clip under white noise at a signal-to-noise ratio in dB."""
    rng = np.random.default_rng(seed)
    power = float(np.mean(clip.samples.astype(np.float64) ** 2))
    hiss = rng.standard_normal(clip.samples.shape) * np.sqrt(power / 10 ** (snr_db / 10))
    return replace(clip, samples=(clip.samples + hiss).astype(np.float32))


# --- what is no music -----------------------------------------------------------------------------


def silence(seconds: float = 5.0, *, sample_rate: int = SAMPLE_RATE, channels: int = 1) -> Clip:
    """Digital silence."""
    n = round(seconds * sample_rate)
    return Clip(np.zeros(n if channels == 1 else (n, channels), dtype=np.float32), sample_rate)


def noise(
    seconds: float = 5.0, *, level: float = 0.1, colour: str = "white", seed: int = 0, sample_rate: int = SAMPLE_RATE
) -> Clip:
    """White or pink noise of a given RMS level (full scale = 1)."""
    n = round(seconds * sample_rate)
    white = np.random.default_rng(seed).standard_normal(n)
    if colour == "pink":
        spectrum = np.fft.rfft(white)
        spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 1.0))
        white = np.fft.irfft(spectrum, n)
        white /= np.sqrt(np.mean(white**2))
    return Clip((level * white).astype(np.float32), sample_rate)


def sine(hz: float = 440.0, seconds: float = 5.0, *, level: float = 0.5, sample_rate: int = SAMPLE_RATE) -> Clip:
    """One steady tone of a peak level."""
    t = np.arange(round(seconds * sample_rate)) / sample_rate
    return Clip((level * np.sin(2 * np.pi * hz * t)).astype(np.float32), sample_rate)


def dc(seconds: float = 5.0, *, level: float = 0.5, sample_rate: int = SAMPLE_RATE) -> Clip:
    """A constant."""
    return Clip(np.full(round(seconds * sample_rate), level, dtype=np.float32), sample_rate)


def impulse(seconds: float = 5.0, *, at: float = 1.0, sample_rate: int = SAMPLE_RATE) -> Clip:
    """One sample of full scale in silence."""
    samples = np.zeros(round(seconds * sample_rate), dtype=np.float32)
    samples[round(at * sample_rate)] = 1.0
    return Clip(samples, sample_rate)


def antiphase(clip: Clip) -> Clip:
    """Stereo whose sum is nothing: left and right are each other's negative."""
    return replace(clip, samples=np.stack([clip.samples, -clip.samples], axis=1))


def with_nonfinite(clip: Clip, *, every: int = 10_000, value: float = float("nan")) -> Clip:
    """The clip with a NaN or infinity at regular places."""
    samples = clip.samples.copy()
    samples[::every] = value
    return replace(clip, samples=samples)
