"""Turn rendered pieces into the pitches that the estimator sees.

python -m training.key.features FOLDER OUTPUT.npz
"""

import sys
from pathlib import Path

import numpy as np

from tracktion.features.tonal import TonalTap


def pitches(audio):
    """Tuned pitches [shape (n, 72)] of mono samples at 22 050 Hz, and seconds per frame."""
    tap = TonalTap(sample_rate=22050, channels=1)
    for start in range(0, len(audio), 32768):
        tap.push_mono(np.ascontiguousarray(audio[start : start + 32768], np.float32))
    made = tap.finish()
    return made.pitches, made


def main():
    folder, output = Path(sys.argv[1]), sys.argv[2]
    rows, keys, kinds, tuning, local = [], [], [], [], []
    hop = 1.0
    for path in sorted(folder.glob("*.npz")):
        try:
            with np.load(path) as data:
                audio, key, kind, cents, segments = (data[n] for n in ("audio", "key", "kind", "cents", "local"))
        except (OSError, EOFError, ValueError):
            continue
        found, made = pitches(audio.astype(np.float32) / 32768)
        hop = made.hop_seconds
        centres = np.arange(len(found)) * hop
        track = np.full(len(found), -1, np.int8)
        for start, end, k in segments:
            track[(centres >= start) & (centres < end)] = int(k)
        rows.append(found.astype(np.float16))
        local.append(track)
        keys.append(int(key))
        kinds.append(str(kind))
        tuning.append((float(cents), 1200 * np.log2(made.tuning_hz / 440), made.tuning_strength))
    np.savez(
        output,
        pitches=np.concatenate(rows),
        local=np.concatenate(local),
        lengths=[len(r) for r in rows],
        keys=keys,
        kinds=kinds,
        tuning=tuning,
        hop=hop,
    )


if __name__ == "__main__":
    main()
