"""Rhythm features of rendered music, computed as the library does, in shards.

python -m training.rhythm.dataset BANK SCORES CORPORA OUTPUT FIRST_SHARD LAST_SHARD [PIECES]

OUTPUT/NNN.bands.npy (frames of all pieces, 72) uint16 and OUTPUT/NNN.json: per piece start, frames, style, meter, beats, downbeats, constant.
"""

import json
import sys
from pathlib import Path

import numpy as np
import scipy.fft

from tracktion.features.rhythm import BANDS, levels
from tracktion.features.tap import HOP, WINDOW
from training.render.make import Source

HANN = np.hanning(WINDOW + 1)[:-1].astype(np.float32)


def band_levels(audio):
    """Bands as `tracktion.features` makes them (frames, 72) uint16."""
    frames = 1 + len(audio) // HOP
    padded = np.concatenate(
        [np.zeros(WINDOW // 2, np.float32), audio.astype(np.float32), np.zeros(WINDOW + HOP, np.float32)]
    )
    out = np.empty((frames, BANDS), np.uint16)
    for begin in range(0, frames, 64):
        count = min(64, frames - begin)
        windows = np.lib.stride_tricks.as_strided(padded[begin * HOP :], (count, WINDOW), (4 * HOP, 4))
        magnitude = np.abs(scipy.fft.rfft(windows * HANN, axis=1))
        levels(np.ascontiguousarray(magnitude, np.float32), out[begin : begin + count])
    return out


def shard(source, number, pieces, output, options):
    made, rows, start = [], [], 0
    for i in range(pieces):
        rng = np.random.default_rng([1000 + number, i])
        audio, score = source.draw(rng, **options)
        level = band_levels(audio)
        rows.append(
            {
                "start": start,
                "frames": len(level),
                "style": score.style,
                "meter": score.meter,
                "constant": score.constant,
                "beats": score.beats.round(5).tolist(),
                "downbeats": score.downbeats.round(5).tolist(),
            }
        )
        made.append(level)
        start += len(level)
    np.save(output / f"{number:03d}.bands.npy", np.concatenate(made))
    (output / f"{number:03d}.json").write_text(json.dumps(rows))


def main():
    bank, scores, corpora, output, first, last = sys.argv[1:7]
    pieces = int(sys.argv[7]) if len(sys.argv) > 7 else 100
    output = Path(output)
    output.mkdir(parents=True, exist_ok=True)
    for number in range(int(first), int(last)):
        shard(Source(bank, scores, corpora, negatives=0.05), number, pieces, output, {})
        print(number, flush=True)


if __name__ == "__main__":
    main()
