"""Render pieces with known keys to int16 samples for training.

python -m training.key.make BANK SCORES CORPORA OUTPUT COUNT [SEED]

OUTPUT/SEED_NNNNN.npz: audio (int16, 22 050 Hz), key (0-23, -1 for none), kind, cents, local (rows of start, end, key).
A third is POP909 (MIT; the songs behind the development excerpts are left out), the rest is composed (compose.py);
some pieces are drums alone and have no key.
"""

import sys
from pathlib import Path

import numpy as np
from scipy.signal import fftconvolve, lfilter

from training.key.compose import Writer
from training.render.arrange import accompany
from training.render.bank import RATE
from training.render.score import NAMES, Part, excerpt, pop909_songs, read_pop909
from training.render.synth import Bank, master, mix

FLATS = {"Cb": 11, "Db": 1, "Eb": 3, "Fb": 4, "Gb": 6, "Ab": 8, "Bb": 10}


def keys_of(folder):
    """(start, end, key 0-23) from a POP909 song."""
    rows = []
    for line in (Path(folder) / "key_audio.txt").read_text().splitlines():
        if line.strip():
            start, end, name = line.split("\t")
            tonic, _, mode = name.partition(":")
            pitch = FLATS[tonic] if tonic in FLATS else NAMES.index(tonic)
            rows.append((float(start), float(end), pitch + 12 * mode.startswith("min")))
    return rows


def bass_line(rng, score, chords):
    """Roots of the annotated chords, held or on each beat."""
    pulse, notes, patch = rng.random() < 0.5, [], int(rng.choice([32, 33, 34, 38, 39]))
    for start, end, name in chords:
        tonic = name.partition(":")[0]
        if tonic == "N" or (tonic not in FLATS and tonic not in NAMES):
            continue
        pitch = 28 + ((FLATS[tonic] if tonic in FLATS else NAMES.index(tonic)) - 28) % 12
        beats = score.beats[(score.beats >= start - 0.05) & (score.beats < end - 0.05)] if pulse else [start]
        length = (end - start) / max(1, len(beats))
        notes += [(float(b), max(0.05, length * 0.9), pitch, float(rng.uniform(75, 110))) for b in beats]
    return Part("bass", notes, {"patch": patch})


def pop909(rng, songs, seconds):
    """An excerpt of a song with its key; sections that change key inside are passed over."""
    while True:
        path = songs[rng.integers(len(songs))]
        rows = keys_of(path)
        start, end, key = rows[rng.integers(len(rows))]
        if end - start < 15:
            continue
        score, chords = read_pop909(path)
        if rng.random() < 0.55:
            count = len(score.parts)
            score = accompany(rng, score)
            score.parts = score.parts[:count] + [p for p in score.parts[count:] if p.role == "drums"]
            if rng.random() < 0.6:
                score.parts.append(bass_line(rng, score, chords))
        elif rng.random() < 0.5:
            score.parts = [p for p in score.parts if p.role == "piano"] or score.parts
        end = min(end, score.seconds)
        begin = float(rng.uniform(start, max(start, end - seconds)))
        length = min(seconds, end - begin)
        if length < 12:
            continue
        score = excerpt(score, begin, length)
        if sum(len(p.notes) for p in score.parts) > 30:
            score.local = [(0.0, length, key % 12, "minor" if key >= 12 else "major")]
            return score, key


def wobble(rng, audio, cents):
    """Another pitch, and now and then the unsteady one of bands, tapes and turntables."""
    position = np.full(len(audio), 2 ** (cents / 1200))
    if rng.random() < 0.15:
        depth, hz = rng.uniform(3, 20), np.exp(rng.uniform(np.log(0.2), np.log(6)))
        position *= 2 ** (depth / 1200 * np.sin(2 * np.pi * (hz * np.arange(len(audio)) / RATE + rng.random())))
    position = np.cumsum(position)
    return np.interp(position[position < len(audio) - 1], np.arange(len(audio)), audio)


def ensemble(rng, audio):
    """Now and then many players, each a little off, or a church."""
    if rng.random() < 0.2:
        whole = audio.copy()
        for _ in range(int(rng.integers(1, 4))):
            late, cents = int(rng.uniform(0.005, 0.04) * RATE), rng.normal(0, 9)
            other = np.interp(np.arange(len(audio)) * 2 ** (cents / 1200), np.arange(len(audio)), audio)
            whole[late:] += rng.uniform(0.4, 1.0) * other[: len(audio) - late]
        audio = whole
    if rng.random() < 0.12:
        seconds = rng.uniform(1.5, 4.5)
        size = int(seconds * RATE)
        tail = rng.normal(0, 1, size) * np.exp(-6.9 * np.arange(size) / size)
        tail = lfilter([0.25], [1, -0.75], tail)
        tail *= rng.uniform(0.3, 1.2) / np.sqrt(np.sum(tail**2))
        audio = audio + fftconvolve(audio, tail)[: len(audio)]
    return audio / max(1e-6, np.abs(audio).max()) * 0.9


def draw(rng, bank, songs):
    """(audio, key, kind, cents, local keys)."""
    seconds = float(rng.uniform(16, 34))
    if rng.random() < 0.33:
        score, key = pop909(rng, songs, seconds)
        kind = "pop909"
    else:
        writer = Writer(rng, seconds=seconds)
        drums = rng.random() < 0.06
        score, kind = (writer.percussion(), "drums") if drums else (writer.write(), writer.kind)
        key = -1 if drums else score.key[0] + 12 * (score.key[1] == "minor")
    audio = ensemble(rng, master(rng, mix(rng, bank, score)))
    cents = float(np.clip(rng.normal(0, 18), -50, 50)) if rng.random() < 0.5 else 0.0
    ratio = 2 ** (cents / 1200)
    audio = wobble(rng, audio, cents)
    local = [] if key < 0 else [(a / ratio, b / ratio, t + 12 * (m == "minor")) for a, b, t, m in score.local]
    return np.clip(audio * 32767, -32768, 32767).astype(np.int16), key, kind, cents, np.array(local).reshape(-1, 3)


def main():
    bank, scores, corpora, output, count = sys.argv[1:6]
    seed = int(sys.argv[6]) if len(sys.argv) > 6 else 0
    output = Path(output)
    output.mkdir(parents=True, exist_ok=True)
    bank, songs = Bank(bank), [p for p in pop909_songs(scores, corpora) if p.is_dir()]
    for i in range(int(count)):
        path = output / f"{seed:02d}_{i:05d}.npz"
        if not path.exists():
            audio, key, kind, cents, local = draw(np.random.default_rng([seed, i]), bank, songs)
            np.savez(path, audio=audio, key=key, kind=kind, cents=cents, local=local)


if __name__ == "__main__":
    main()
