"""Fit the scorer of metrical levels on shards of dataset.py; the weights go into the file of the network.

python -m training.rhythm.levels SHARDS src/tracktion/estimators/data/rhythm.npz [--write]

Each piece is heard by the library. Where its true tempo is the tempo of the beats found, half or twice of it, it is an example: three levels, one of
them right. All three are scored by the same small network, so each piece teaches what the right level sounds like, and what half and twice of it
sound like; what the tempo head gives to the levels is taken as it is, and the scorer learns what the head does not know. Pieces are drawn so that
their true tempi lie as people tap (the bell of tracktion.estimators.network), and the mean of three scorers is kept. Every
tenth piece is kept to see what one learned. Needs the compiled library.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

from tracktion.estimators.beats import decode_beats
from tracktion.estimators.grid import subframe
from tracktion.estimators.levels import FACTORS, SCORED, held, repetition
from tracktion.estimators.network import TAPPED_BPM, TAPPED_OCTAVES, activations
from tracktion.estimators.rhythm import plain_bpm, tempo_prior
from tracktion.features.tap import FRAME_RATE
from training.rhythm.train import plausible

HIDDEN, STEPS, BATCH, RATE, DECAY, NOISE, DROPPED = 16, 2000, 256, 3e-3, 0.1, 0.3, 0.3
NEAR, FEWEST, HELD_OUT, SCORERS = 0.06, 6, 10, 3
TEMPO_BINS, RAREST, LARGEST = np.geomspace(30, 300, 21), 0.02, 98


def hear(bands, beats):
    """(correlations, head, right level, true tempo) or None where the tempo found is no octave of the true one."""
    heard = activations(bands)
    frames = decode_beats(heard.beat, tempo_prior(heard, None))
    if len(frames) < FEWEST or len(beats) < FEWEST:
        return None
    bpm = plain_bpm(frames / FRAME_RATE)
    true = 60 / np.median(np.diff(beats))
    off = np.abs(np.log2(true / (bpm * np.array(FACTORS))))
    if off.min() > NEAR:
        return None
    return repetition(bands, heard, subframe(frames, heard.beat, 1.0), bpm), held(heard, bpm), int(off.argmin()), true


def examples(folder):
    found = []
    for path in sorted(Path(folder).glob("*.json")):
        levels = np.load(path.with_name(path.stem + ".bands.npy"), mmap_mode="r")
        for row in filter(plausible, json.loads(path.read_text())):
            bands = np.ascontiguousarray(levels[row["start"] : row["start"] + row["frames"]])
            example = hear(bands, row["beats"]) if row["beats"] else None
            if example is not None:
                found.append(example)
        print(path.stem, len(found), flush=True)
    x, head, right, true = (np.array(column) for column in zip(*found))
    return torch.tensor(x), torch.tensor(head, dtype=torch.float32), torch.tensor(right), as_tapped(true)


def as_tapped(true):
    """How often each piece is drawn, so that the tempi of what is drawn lie under the bell."""
    octave = np.log2(true)
    share, edges = np.histogram(octave, bins=np.log2(TEMPO_BINS), density=True)
    share = np.convolve(np.pad(share, 1, mode="edge"), [0.25, 0.5, 0.25], "valid")
    own = share[np.clip(np.digitize(octave, edges) - 1, 0, len(share) - 1)] + RAREST
    wanted = np.exp(-0.5 * ((octave - np.log2(TAPPED_BPM)) / TAPPED_OCTAVES) ** 2) / own
    return torch.tensor(np.minimum(wanted, np.percentile(wanted, LARGEST)))


class Scorer(nn.Module):
    """One score per level from its correlations, and a constant per level."""

    def __init__(self, mean, scale):
        super().__init__()
        self.mean, self.scale = mean, scale
        self.hidden, self.score = nn.Linear(SCORED, HIDDEN), nn.Linear(HIDDEN, 1, bias=False)
        self.prior, self.drop = nn.Parameter(torch.zeros(len(FACTORS))), nn.Dropout(DROPPED)

    def forward(self, x, head):
        z = (x - self.mean) * self.scale
        if self.training:
            z = z + NOISE * torch.randn_like(z)
        return self.score(self.drop(torch.relu(self.hidden(z))))[..., 0] + self.prior + head


def fit(x, head, right, drawn, seed=0):
    torch.manual_seed(seed)
    flat = x.reshape(-1, SCORED)
    model = Scorer(flat.mean(dim=0), 1 / (flat.std(dim=0) + 1e-3))
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=DECAY)
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = RATE * (1 - step / STEPS)
        some = torch.multinomial(drawn, BATCH, replacement=True)
        loss = nn.functional.cross_entropy(model(x[some], head[some]), right[some])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()


def arrays(models):
    """The mean of the scorers as one of all their units; standardisation is folded in."""
    units = [(m.hidden.weight.detach(), m.hidden.bias.detach(), m) for m in models]
    made = {
        "levels_w": torch.cat([w * m.scale for w, _, m in units]),
        "levels_b": torch.cat([b - w @ (m.mean * m.scale) for w, b, m in units]),
        "levels_score": torch.cat([m.score.weight.detach()[0] for m in models]) / len(models),
        "levels_prior": torch.stack([m.prior.detach() for m in models]).mean(dim=0),
    }
    return {name: np.asarray(value.numpy(), np.float32) for name, value in made.items()}


def main():
    torch.set_num_threads(1)
    data = examples(sys.argv[1])
    kept = torch.arange(len(data[0])) % HELD_OUT == 0
    model = fit(*(column[~kept] for column in data))
    x, head, right, _ = (column[kept] for column in data)
    as_heard = torch.tensor([f == 1.0 for f in FACTORS]).nonzero()[0]
    print(f"held out: {len(x)} pieces, at the right level as heard {(right == as_heard).float().mean():.3f}")
    print(f"chosen by the scorer {(right == model(x, head).argmax(dim=1)).float().mean():.3f}")
    if "--write" in sys.argv:
        with np.load(sys.argv[2]) as old:
            kept_arrays = {name: old[name] for name in old.files if not name.startswith("levels_")}
        np.savez_compressed(sys.argv[2], **kept_arrays | arrays([fit(*data, seed) for seed in range(SCORERS)]))


if __name__ == "__main__":
    main()
