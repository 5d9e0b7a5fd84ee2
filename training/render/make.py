"""Draw pieces and write them as FLAC with labels.

python -m training.render.make BANK SCORES CORPORA OUTPUT COUNT [SEED]

OUTPUT/NNNNN.flac (mono, 22 050 Hz) and OUTPUT/labels.jsonl: one line per piece with file, style, beats, downbeats, meter, key ([tonic 0-11 from C, mode] or null), constant.
"""

import json
import sys
from pathlib import Path

import numpy as np
import soundfile

from training.render.arrange import accompany, harmonise
from training.render.bank import RATE
from training.render.compose import Composer
from training.render.negative import negative
from training.render.score import excerpt, groove_items, pop909_songs, read_groove, read_pop909, scale_time
from training.render.synth import Bank, master, mix


class Source:
    """Endless pieces: composed, POP909 and Groove in the given shares."""

    def __init__(self, bank, scores, corpora, shares=(0.7, 0.12, 0.18), negatives=0.0):
        self.bank, self.scores, self.shares = Bank(bank), scores, shares
        self.songs, self.grooves = pop909_songs(scores, corpora), groove_items(scores, corpora)
        self.grooves = [g for g in self.grooves if g["beat_type"] == "beat" and g["time_signature"].endswith("-4")]
        self.negatives = negatives

    def score(self, rng, seconds):
        kind = rng.choice(3, p=self.shares)
        if kind == 1:
            path = self.songs[rng.integers(len(self.songs))]
            score, chords = read_pop909(path)
            if rng.random() < 0.5:
                score = accompany(rng, score, chords)
            elif rng.random() < 0.4:
                score.parts = [p for p in score.parts if p.role == "piano"] or score.parts
            score = scale_time(score, float(np.exp(rng.normal(0, 0.12))))
            return excerpt(score, float(rng.uniform(0, max(0.1, score.seconds - seconds))), seconds)
        if kind == 2:
            score = read_groove(self.grooves[rng.integers(len(self.grooves))], self.scores)
            if rng.random() < 0.4:
                score = harmonise(rng, score)
            score = scale_time(score, float(np.exp(rng.normal(0, 0.1))))
            return excerpt(score, float(rng.uniform(0, max(0.0, score.seconds - seconds))), min(seconds, score.seconds))
        return Composer(rng, seconds=seconds).write()

    def draw(self, rng, seconds=41.0):
        """(audio, score)."""
        if rng.random() < self.negatives:
            return negative(rng, self.bank, seconds)
        while True:
            score = self.score(rng, seconds)
            if len(score.beats) >= 6 and any(part.notes for part in score.parts):
                return master(rng, mix(rng, self.bank, score)), score


def main():
    bank, scores, corpora, output, count = sys.argv[1:6]
    seed = int(sys.argv[6]) if len(sys.argv) > 6 else 0
    output = Path(output)
    output.mkdir(parents=True, exist_ok=True)
    source = Source(bank, scores, corpora)
    with open(output / "labels.jsonl", "a") as labels:
        for i in range(int(count)):
            rng = np.random.default_rng([seed, i])
            audio, score = source.draw(rng)
            name = f"{seed:02d}{i:05d}.flac"
            soundfile.write(output / name, audio, RATE, subtype="PCM_16")
            row = {
                "file": name,
                "style": score.style,
                "meter": score.meter,
                "key": score.key,
                "constant": score.constant,
                "beats": score.beats.round(4).tolist(),
                "downbeats": score.downbeats.round(4).tolist(),
            }
            labels.write(json.dumps(row) + "\n")
            labels.flush()


if __name__ == "__main__":
    main()
