"""Train the key network on rendered pieces.

python -m training.key.train FEATURES.npz OUTPUT.pt [EPOCHS] [SEED] [--without KIND]
"""

import argparse
import time

import numpy as np
import torch
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from training.key.network import KeyNet, from_weights

SMOOTH = 0.05


def load(paths, every=1):
    """Pieces: (pitches (n, 72), `every` frames in a row, local key per row, key, kind)."""
    pieces = []
    for path in paths:
        with np.load(path) as data:
            ends = np.cumsum(data["lengths"])
            everything, local, keys, kinds = data["pitches"], data["local"], data["keys"], data["kinds"]
        for end, length, key, kind in zip(ends, np.diff(np.r_[0, ends]), keys, kinds, strict=True):
            x = pool(everything[end - length : end].astype(np.float32), every)
            track = local[end - length : end][: len(x) * every : every]
            pieces.append((x, track, int(key), str(kind)))
    return pieces


def pool(x, every):
    """Mean of neighbouring frames."""
    rows = len(x) // every
    return x[: rows * every].reshape(rows, every, 72).mean(axis=1)


def draw(rng, piece, size):
    """One augmented, shifted crop [shape (size, 72)], its mask and keys."""
    x, track, key, _ = piece
    length = int(rng.integers(min(3 * size // 10, len(x)), min(size, len(x)) + 1))
    begin = int(rng.integers(0, len(x) - length + 1)) if rng.random() < 0.5 else 0
    x, track = x[begin : begin + length].copy(), track[begin : begin + length].astype(np.int64)
    shift = int(rng.integers(-6, 6))
    if shift:
        x = np.roll(x, shift, axis=1)
        if shift > 0:
            x[:, :shift] = 0
        else:
            x[:, shift:] = 0
    x *= np.exp(rng.normal(0, 0.15) + np.interp(np.arange(72), np.linspace(0, 71, 7), rng.normal(0, 0.2, 7)))
    if rng.random() < 0.3:
        x = np.maximum(0, x - rng.uniform(0, 0.4))
    if rng.random() < 0.3:
        x += (rng.random(x.shape) < rng.uniform(0.02, 0.15)) * rng.exponential(0.4, x.shape)
    if rng.random() < 0.2:
        x[:, : int(rng.integers(4, 20))] = 0
    if rng.random() < 0.2:
        x[:, 72 - int(rng.integers(4, 24)) :] = 0
    turn = np.where(track < 0, -1, (track % 12 + shift) % 12 + 12 * (track >= 12))
    out, mask, moments = np.zeros((size, 72), np.float32), np.zeros(size, np.float32), np.full(size, -1)
    out[:length], mask[:length], moments[:length] = x, 1, turn
    return out, mask, target(key, shift), moments


def target(key, shift=0):
    """Wanted distribution over the keys: mostly the key; all of them where there is none."""
    wanted = np.full(24, 1 / 24, np.float32)
    if key >= 0:
        wanted *= SMOOTH
        wanted[(key % 12 + shift) % 12 + 12 * (key >= 12)] += 1 - SMOOTH
    return wanted


def whole(piece):
    x = torch.from_numpy(piece[0])[None]
    return x, torch.ones(1, x.shape[1])


def evaluate(net, pieces):
    """kind → share of exact keys."""
    net.eval()
    right = {}
    with torch.no_grad():
        for piece in pieces:
            logits, _ = net(*whole(piece))
            best = logits.softmax(1)[0]
            right.setdefault(piece[3], []).append(
                int(best.argmax()) == piece[2] if piece[2] >= 0 else float(best.max())
            )
    net.train()
    return {kind: round(float(np.mean(v)), 3) for kind, v in sorted(right.items())}


def train(pieces, epochs, seed, *, size=80, batch=48, rate=3e-3, start=None, report=None, **shape):
    """A network fitted to the pieces, from scratch or on from `start`: the running mean of the weights on the way."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    net = KeyNet(**shape) if start is None else start.train()
    mean = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(0.995))
    steps = epochs * (len(pieces) // batch)
    optimiser = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps, pct_start=0.15)
    begin = time.monotonic()
    for epoch in range(epochs):
        order, total = rng.permutation(len(pieces)), 0.0
        for at in range(0, len(pieces) - batch + 1, batch):
            x, mask, wanted, moments = (
                np.stack(v) for v in zip(*(draw(rng, pieces[i], size) for i in order[at : at + batch]), strict=True)
            )
            logits, local = net(torch.from_numpy(x), torch.from_numpy(mask))
            loss = functional.cross_entropy(logits, torch.from_numpy(wanted))
            aside = functional.cross_entropy(
                local.reshape(-1, 24), torch.from_numpy(moments.reshape(-1)), ignore_index=-1
            )
            optimiser.zero_grad()
            (loss + 0.3 * aside).backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            mean.update_parameters(net)
            total += float(loss.detach())
        if report:
            report(epoch, total / max(1, len(pieces) // batch), time.monotonic() - begin, mean.module)
    return mean.module.eval()


def main():
    options = argparse.ArgumentParser()
    options.add_argument("features", nargs="+")
    options.add_argument("--output", required=True)
    options.add_argument("--epochs", type=int, default=20)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--without", default="")
    options.add_argument("--limit", type=int, default=0)
    options.add_argument("--hidden", type=int, default=32)
    options.add_argument("--overtones", type=int, default=8)
    options.add_argument("--every", type=int, default=1)
    options.add_argument("--start", help="weights to go on from: those of a training, or a key.npz with one network")
    options.add_argument("--rate", type=float, default=3e-3)
    options.add_argument("--no-ends", action="store_true")
    options = options.parse_args()
    torch.set_num_threads(1)
    pieces = load(options.features, options.every)
    np.random.default_rng(0).shuffle(pieces)
    pieces = pieces[: options.limit or None]
    held, fit = pieces[: len(pieces) // 10], pieces[len(pieces) // 10 :]
    fit = [p for p in fit if p[3] != options.without]

    def report(epoch, loss, seconds, net):
        if epoch % 3 == 2 or epoch == options.epochs - 1:
            print(epoch, round(loss, 3), round(seconds), evaluate(net, held[:400]), flush=True)

    net = train(
        fit,
        options.epochs,
        options.seed,
        rate=options.rate,
        start=from_weights(options.start) if options.start else None,
        report=report,
        hidden=options.hidden,
        overtones=options.overtones,
        ends=not options.no_ends,
    )
    torch.save(net.state_dict(), options.output)


if __name__ == "__main__":
    main()
