"""Scores: notes with exact beats, read from MIDI collections or composed (see compose.py)."""

import csv
from dataclasses import dataclass, field
from pathlib import Path

import mido
import numpy as np

NAMES = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"]


@dataclass
class Part:
    """One instrument: rows of (start s, duration s, pitch, velocity 0-127); `role` chooses timbres."""

    role: str
    notes: list = field(default_factory=list)
    options: dict = field(default_factory=dict)


@dataclass
class Score:
    """Parts with the truth about them: beats and downbeats in seconds, beats per bar, key as (tonic 0-11, 'major'|'minor')."""

    parts: list
    beats: np.ndarray
    downbeats: np.ndarray
    meter: int
    style: str
    key: tuple | None = None
    seconds: float = 0.0
    constant: bool = True


def midi_notes(path):
    """name, program, is_drum -> (start, duration, pitch, velocity) rows; seconds."""
    midi = mido.MidiFile(path)
    ticks, tempo = midi.ticks_per_beat, []
    for track in midi.tracks:
        now = 0
        for message in track:
            now += message.time
            if message.type == "set_tempo":
                tempo.append((now, message.tempo))
    tempo = sorted(tempo) or [(0, 500000)]
    if tempo[0][0] > 0:
        tempo.insert(0, (0, 500000))
    at = np.array([t for t, _ in tempo], float)
    rate = np.array([u for _, u in tempo], float) / 1e6 / ticks
    seconds = np.concatenate([[0.0], np.cumsum(np.diff(at) * rate[:-1])])

    def clock(tick):
        i = np.searchsorted(at, tick, side="right") - 1
        return seconds[i] + (tick - at[i]) * rate[i]

    parts = {}
    for index, track in enumerate(midi.tracks):
        now, held, name = 0, {}, ""
        for message in track:
            now += message.time
            if message.type == "track_name":
                name = message.name
            elif message.type == "note_on" and message.velocity:
                held.setdefault((message.channel, message.note), []).append((now, message.velocity))
            elif message.type in ("note_on", "note_off") and held.get((message.channel, message.note)):
                start, velocity = held[message.channel, message.note].pop(0)
                begin = clock(start)
                rows = parts.setdefault((index, name, message.channel == 9), [])
                rows.append((begin, clock(now) - begin, message.note, velocity))
    return parts


def scale_time(score, factor):
    """The same music `factor` times as slow."""
    for part in score.parts:
        part.notes = [(a * factor, d * factor, p, v) for a, d, p, v in part.notes]
    score.beats, score.downbeats, score.seconds = score.beats * factor, score.downbeats * factor, score.seconds * factor
    return score


def excerpt(score, begin, seconds):
    """A window of the score, with time zero at its begin."""
    for part in score.parts:
        part.notes = [(a - begin, d, p, v) for a, d, p, v in part.notes if a + d > begin and a < begin + seconds]
        part.notes = [(max(a, -0.0), d, p, v) for a, d, p, v in part.notes if a >= -0.02]
    for name in ("beats", "downbeats"):
        times = getattr(score, name) - begin
        setattr(score, name, times[(times >= 0) & (times < seconds)])
    score.seconds = seconds
    return score


def excluded(corpora):
    """Origins of the development excerpts, which training must not see."""
    with open(Path(corpora) / "annotations.csv", newline="") as file:
        origins = [row["origin"] for row in csv.DictReader(file)]
    songs = {origin.split("POP909/")[1][:3] for origin in origins if "POP909/" in origin}
    drums = [
        origin.split("Groove MIDI Dataset ")[1].split(" (")[0] for origin in origins if "Groove MIDI Dataset" in origin
    ]
    return songs, drums


def pop909_songs(scores, corpora):
    songs, _ = excluded(corpora)
    return [p for p in sorted((Path(scores) / "pop909").iterdir()) if p.is_dir() and p.name not in songs]


def groove_items(scores, corpora):
    _, drums = excluded(corpora)
    with open(Path(scores) / "groove" / "info.csv", newline="") as file:
        rows = [r for r in csv.DictReader(file) if (Path(scores) / "groove" / r["midi_filename"]).exists()]
    return [
        r
        for r in rows
        if not any(r["midi_filename"].startswith(d.rstrip(".")) or d.startswith(r["midi_filename"]) for d in drums)
    ]


def read_pop909(folder):
    """A POP909 song (MIT): melody, bridge, piano with human timing; chords; key."""
    folder = Path(folder)
    rows = np.loadtxt(folder / "beat_midi.txt")
    beats = rows[:, 0]
    strong = rows[:, 2] > 0 if rows.shape[1] > 2 and rows[:, 2].sum() > 3 else rows[:, 1] > 0
    downs = beats[strong]
    meter = int(np.median(np.diff(np.flatnonzero(strong)))) if strong.sum() > 2 else 4
    parts = []
    for (_, name, _), notes in midi_notes(folder / f"{folder.name}.mid").items():
        role = {"MELODY": "melody", "BRIDGE": "counter", "PIANO": "piano"}.get(name.strip().upper(), "piano")
        parts.append(Part(role, notes))
    chords = []
    for line in (folder / "chord_midi.txt").read_text().splitlines():
        a, b, name = line.split("\t")[:3] if "\t" in line else line.split()[:3]
        chords.append((float(a), float(b), name))
    lines = [line.split("\t") for line in (folder / "key_audio.txt").read_text().splitlines() if line.strip()]
    key = None
    if len(lines) == 1:
        tonic, _, mode = lines[0][2].partition(":")
        flat = {"Cb": 11, "Db": 1, "Eb": 3, "Fb": 4, "Gb": 6, "Ab": 8, "Bb": 10}
        key = (flat[tonic] if tonic in flat else NAMES.index(tonic), "minor" if mode.startswith("min") else "major")
    score = Score(parts, beats, downs, meter, "pop909", key, float(beats[-1] + 1), constant=False)
    return score, chords


def read_groove(row, scores):
    """A drum performance to a click (CC BY 4.0)."""
    notes = [n for rows in midi_notes(Path(scores) / "groove" / row["midi_filename"]).values() for n in rows]
    bpm = float(row["bpm"])
    top, bottom = map(int, row["time_signature"].split("-"))
    beat, meter = 60.0 / bpm, top
    if bottom == 8:
        # 6/8: the felt beat is the dotted quarter note
        beat, meter = (beat * 1.5, top // 3) if top % 3 == 0 else (beat / 2, top)
    end = max(a for a, *_ in notes)
    beats = np.arange(0, end + beat / 2, beat)
    return Score([Part("drums", notes)], beats, beats[::meter], meter, "groove", None, end + 1.0)
