"""Pre-render a bank of note and drum samples from free sound fonts, so that scores can be mixed hundreds of times faster than real time.

    python -m training.render.bank OUTPUT_FOLDER SOUNDFONT [SOUNDFONT ...]

Writes per sound font NAME.notes.npy (program, pitch step, sample) int16 and NAME.drums.npy (kit, key, velocity, sample) int16 at 22 050 Hz.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import mido
import numpy as np
import soundfile

RATE = 22050
PITCHES = np.arange(24, 104, 4)
NOTE_SECONDS, DRUM_SECONDS = 3.0, 1.2
KITS = (0, 8, 16, 24, 25, 32, 40, 48)
KEYS = np.arange(27, 88)
VELOCITIES = (45, 85, 120)
TICKS = 480


def render(font, events, seconds):
    """Play (time, message) events through fluidsynth; mono float32."""
    midi = mido.MidiFile(ticks_per_beat=TICKS)
    track = mido.MidiTrack()
    midi.tracks.append(track)
    last = 0
    for time, message in sorted(events, key=lambda e: e[0]):
        tick = round(time * TICKS * 2)
        track.append(message.copy(time=tick - last))
        last = tick
    with tempfile.TemporaryDirectory() as folder:
        path, wave = Path(folder) / "a.mid", Path(folder) / "a.wav"
        midi.save(path)
        command = [
            "fluidsynth",
            "-ni",
            "-q",
            "-R",
            "0",
            "-C",
            "0",
            "-g",
            "0.7",
            "-r",
            str(RATE),
            "-F",
            str(wave),
            str(font),
            str(path),
        ]
        subprocess.run(command, check=True, capture_output=True, timeout=600)
        audio = soundfile.read(wave, dtype="float32")[0].mean(axis=1)
    return np.pad(audio, (0, max(0, round(seconds * RATE) - len(audio))))[: round(seconds * RATE)]


def notes(font, program):
    events = [(0.0, mido.Message("program_change", channel=0, program=int(program)))]
    for i, pitch in enumerate(PITCHES):
        start = i * (NOTE_SECONDS + 0.5) + 0.1
        events.append((start, mido.Message("note_on", channel=0, note=int(pitch), velocity=100)))
        events.append((start + NOTE_SECONDS - 0.1, mido.Message("note_off", channel=0, note=int(pitch))))
    audio = render(font, events, len(PITCHES) * (NOTE_SECONDS + 0.5) + 0.5)
    return cut(audio, len(PITCHES), NOTE_SECONDS + 0.5, NOTE_SECONDS)


def drums(font, kit):
    events = [(0.0, mido.Message("program_change", channel=9, program=int(kit)))]
    count = len(KEYS) * len(VELOCITIES)
    for i in range(count):
        start = i * (DRUM_SECONDS + 0.3) + 0.1
        key, velocity = int(KEYS[i // len(VELOCITIES)]), VELOCITIES[i % len(VELOCITIES)]
        events.append((start, mido.Message("note_on", channel=9, note=key, velocity=velocity)))
        events.append((start + 0.3, mido.Message("note_off", channel=9, note=key)))
    audio = render(font, events, count * (DRUM_SECONDS + 0.3) + 0.5)
    return cut(audio, count, DRUM_SECONDS + 0.3, DRUM_SECONDS).reshape(len(KEYS), len(VELOCITIES), -1)


def cut(audio, count, step, keep):
    """Slots of `keep` seconds, each beginning at the first audible sample (the attack defines time zero)."""
    size = round(keep * RATE)
    out = np.zeros((count, size), np.int16)
    for i in range(count):
        begin = round((i * step + 0.1) * RATE)
        slot = audio[begin - 200 : begin + size + 400]
        peak = np.abs(slot).max(initial=0.0)
        if peak < 1e-4:
            continue
        first = min(int(np.argmax(np.abs(slot) > 0.02 * peak)), 600)
        piece = slot[first : first + size]
        out[i, : len(piece)] = np.clip(piece * 32767, -32767, 32767)
    return out


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for font in map(Path, sys.argv[2:]):
        name = font.stem.split("_")[0]
        np.save(folder / f"{name}.drums.npy", np.stack([drums(font, kit) for kit in KITS]))
        np.save(folder / f"{name}.notes.npy", np.stack([notes(font, program) for program in range(128)]))


if __name__ == "__main__":
    main()
