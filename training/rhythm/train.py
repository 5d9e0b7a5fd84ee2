"""Train the rhythm network on shards of dataset.py; shards that appear while it runs join in.

python -m training.rhythm.train SHARDS OUTPUT.pt MINUTES [START.pt | rhythm.npz]

The learning rate rises for a minute and falls along a cosine to nothing at the end of the given minutes.
"""

import json
import math
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from tracktion.features.rhythm import widen
from training.render.styles import STYLES
from training.rhythm.model import BANDS, TEMPO_BINS, Network, compress, tempo_bins
from training.rhythm.resume import from_shipped

CROP, BATCH, RATE, PEAK_LR, RESUMED_LR = 1536, 16, 50, 3e-3, 1.5e-3
VALIDATION_SHARDS = 2


def plausible(row):
    """Composed parts that were added to a human score suit its tempo."""
    style = row["style"].partition("+")[2]
    if not style or len(row["beats"]) < 3:
        return True
    low, high = STYLES[style][:2]
    return 0.85 * low <= 60 / np.median(np.diff(row["beats"])) <= 1.18 * high


class Shards:
    """Pieces of all shards; the first ones are kept for validation."""

    def __init__(self, folder):
        self.folder, self.known, self.pieces, self.validation = Path(folder), set(), [], []

    def refresh(self):
        for path in sorted(self.folder.glob("*.json")):
            if path.name in self.known:
                continue
            levels = np.load(path.with_name(path.stem + ".bands.npy"), mmap_mode="r")
            rows = json.loads(path.read_text())
            target = self.validation if len(self.known) < VALIDATION_SHARDS else self.pieces
            for row in filter(plausible, rows):
                row["levels"] = levels[row["start"] : row["start"] + row["frames"]]
                target.append(row)
            self.known.add(path.name)


def augment(rng, magnitude):
    """Another equaliser, register, noise floor, or missing bands."""
    bands = np.arange(BANDS)
    if rng.random() < 0.3:
        shift = int(rng.integers(-3, 4))
        magnitude = np.roll(magnitude, shift, axis=1)
        if shift > 0:
            magnitude[:, :shift] = magnitude[:, shift : shift + 1]
        elif shift < 0:
            magnitude[:, shift:] = magnitude[:, shift - 1 : shift]
    if rng.random() < 0.7:
        knots = rng.normal(0, 0.5, 6)
        magnitude = magnitude * np.exp(np.interp(bands, np.linspace(0, BANDS - 1, 6), knots)).astype(np.float32)
    if rng.random() < 0.2:
        magnitude = magnitude + (magnitude.mean() * 10 ** rng.uniform(-3, -0.7)) * np.exp(
            rng.normal(0, 0.3, magnitude.shape)
        ).astype(np.float32)
    if rng.random() < 0.15:
        low = int(rng.integers(0, BANDS))
        magnitude[:, low : low + int(rng.integers(3, 16))] *= 0.02
    if rng.random() < 0.25:
        knots = rng.normal(0, 0.5, 6)
        magnitude = (
            magnitude
            * np.exp(np.interp(np.arange(len(magnitude)), np.linspace(0, len(magnitude), 6), knots)).astype(np.float32)[
                :, None
            ]
        )
    return magnitude


def targets(beats, downbeats, frames):
    out = np.zeros((2, frames), np.float32)
    for row, times in enumerate((beats, downbeats)):
        at = np.round(np.asarray(times) * RATE).astype(int)
        for shift, value in ((-1, 0.5), (1, 0.5), (0, 1.0)):
            inside = at[(at + shift >= 0) & (at + shift < frames)] + shift
            out[row, inside] = np.maximum(out[row, inside], value)
    return out


def tempo_target(beats, frames):
    times = np.asarray(beats)
    times = times[(times >= 0) & (times * RATE < frames)]
    if len(times) < 6:
        return np.zeros(TEMPO_BINS, np.float32)
    intervals = np.diff(times)
    centre = tempo_bins(60 / np.median(intervals))
    width = 0.8 + min(4.0, 0.7 * float(np.std(tempo_bins(60 / intervals))))
    bell = np.exp(-0.5 * ((np.arange(TEMPO_BINS) - centre) / width) ** 2)
    return (bell / bell.sum()).astype(np.float32) if bell.sum() > 0.1 else np.zeros(TEMPO_BINS, np.float32)


def example(rng, piece, train=True):
    levels, stretch = piece["levels"], 1.0
    if train and rng.random() < 0.35:
        stretch = float(np.exp(rng.uniform(-0.2, 0.2)))
    need = int(CROP * stretch) + 2
    offset = int(rng.integers(0, len(levels) - need)) if len(levels) > need and train else 0
    magnitude = widen(np.asarray(levels[offset : offset + need]))
    if stretch != 1.0:
        at = np.arange(min(CROP, int((len(magnitude) - 1) / stretch))) * stretch
        low = at.astype(int)
        part = (at - low).astype(np.float32)[:, None]
        magnitude = magnitude[low] * (1 - part) + magnitude[low + 1] * part
    magnitude = magnitude[:CROP]
    beats = (np.asarray(piece["beats"]) - offset / RATE) / stretch
    downbeats = (np.asarray(piece["downbeats"]) - offset / RATE) / stretch
    if train:
        magnitude = augment(rng, magnitude)
    x, mask = compress(magnitude).astype(np.float32), np.ones(CROP, np.float32)
    y = targets(beats, downbeats, CROP)
    if len(x) < CROP:
        mask[len(x) :] = 0
        x = np.pad(x, ((0, CROP - len(x)), (0, 0)))
    return x.T, y, mask, tempo_target(beats, CROP)


def losses(model, batch):
    x, y, mask, tempo = (torch.from_numpy(np.stack(v)) for v in zip(*batch))
    with torch.autocast("cpu", torch.bfloat16):
        heads, bins = model(x)
    weight = torch.tensor([1.0, 0.6])[None, :, None] * mask[:, None]
    beat = (functional.binary_cross_entropy_with_logits(heads.float(), y, reduction="none") * weight).sum() / mask.sum()
    known = tempo.sum(dim=1)
    tempo = -(tempo * functional.log_softmax(bins.float(), dim=1)).sum(dim=1).sum() / known.sum().clamp(min=1)
    return beat, tempo


def validate(model, pieces):
    model.eval()
    rng = np.random.default_rng(0)
    sums = []
    with torch.no_grad():
        for i in range(0, len(pieces) - BATCH + 1, BATCH):
            sums.append([float(v) for v in losses(model, [example(rng, p, False) for p in pieces[i : i + BATCH]])])
    model.train()
    return np.mean(sums, axis=0)


def main():
    folder, output, minutes = sys.argv[1], sys.argv[2], float(sys.argv[3])
    torch.set_num_threads(1)
    shards = Shards(folder)
    shards.refresh()
    rng = np.random.default_rng(7)
    torch.manual_seed(7)
    model = Network()
    if len(sys.argv) > 4 and sys.argv[4].endswith(".npz"):
        sample = [example(np.random.default_rng(1), p, False)[0] for p in shards.pieces[:: len(shards.pieces) // 48]]
        from_shipped(model, sys.argv[4], torch.from_numpy(np.stack(sample)))
    elif len(sys.argv) > 4:
        model.load_state_dict(torch.load(sys.argv[4]))
    else:
        sample = np.concatenate([compress(widen(np.asarray(p["levels"]))) for p in shards.pieces[:150]])
        model.mean.data[:] = torch.from_numpy(sample.mean(axis=0))
        model.std.data[:] = torch.from_numpy(sample.std(axis=0) + 1e-3)
    model = model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=PEAK_LR, weight_decay=0.02)
    begin, step, sums, shown = time.monotonic(), 0, np.zeros(2), time.monotonic()
    order = []
    while (elapsed := (time.monotonic() - begin) / 60) < minutes:
        peak = PEAK_LR if len(sys.argv) <= 4 else RESUMED_LR
        rate = peak * min(1.0, 2 * elapsed + 0.02) * (0.5 + 0.5 * math.cos(math.pi * elapsed / minutes))
        for group in optimizer.param_groups:
            group["lr"] = rate
        if len(order) < BATCH:
            shards.refresh()
            order = list(rng.permutation(len(shards.pieces)))
        batch = [example(rng, shards.pieces[order.pop()]) for _ in range(BATCH)]
        beat, tempo = losses(model, batch)
        optimizer.zero_grad()
        (beat + 0.1 * tempo).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        sums = 0.98 * sums + 0.02 * np.array([float(beat.detach()), float(tempo.detach())])
        if time.monotonic() - shown > 60:
            shown = time.monotonic()
            held = validate(model, shards.validation)
            correction = 1 - 0.98**step
            print(
                f"{elapsed:.1f} min, step {step}, {len(shards.pieces)} pieces, train {sums / correction}, held out {held}",
                flush=True,
            )
            torch.save(model.state_dict(), output)
    model.eval()
    torch.save(model.state_dict(), output)


if __name__ == "__main__":
    main()
