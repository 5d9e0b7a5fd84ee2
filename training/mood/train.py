"""Fit the mood model and print how well it predicts music that it has not seen.

    python training/mood/train.py FOLDER [--cache numbers.npz] [--repeats 5] [--out .../estimators/data/mood.npz]

FOLDER holds annotations.csv (columns file, corpus, the eight emotions, valence, arousal, quadrant) and the audio. All
choices (kernel width, noise, share of the linear part) are constants of model.py.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import model
import numpy as np
from scipy.stats import norm, spearmanr

from tracktion.audio import open_audio
from tracktion.estimators.mood_features import mood_numbers
from tracktion.features.stream import extract_features
from tracktion.results.mood import EMOTIONS

CORPORA = ("emotify", "vgmidi", "emopia")
VALENCE = {"joyful_activation": 1, "sadness": -1, "tension": -1}
AROUSAL = {"power": 1, "joyful_activation": 1, "tension": 1, "calmness": -1, "tenderness": -1, "sadness": -1}
TARGETS = (*EMOTIONS, "valence", "arousal")
TAGS = len(EMOTIONS)
FOLDS = 10


def numbers(folder: Path, rows: list[dict[str, str]], cache: Path | None) -> dict[str, np.ndarray]:
    """Numbers of every window, and whose it is."""
    if cache and cache.exists():
        return dict(np.load(cache))
    tables, owner = [], []
    for i, row in enumerate(rows):
        with open_audio(folder / row["file"]) as audio:
            rate, channels = audio.sample_rate, audio.channels
            features = extract_features(audio.blocks(), sample_rate=rate, channels=channels, kinds=["timbre", "tonal"])
        table = mood_numbers(features)
        if table is None:
            raise ValueError(f"{row['file']} is silent")
        tables.append(np.stack(list(table.values()), axis=1))
        owner += [i] * len(tables[-1])
    found = {"x": np.concatenate(tables), "owner": np.array(owner), "names": np.array(list(table))}
    if cache:
        np.savez(cache, **found)
    return found


def labels(rows: list[dict[str, str]]) -> np.ndarray:
    """Labels as they are [(files, targets)], NaN where there is none."""
    y = np.full((len(rows), len(TARGETS)), np.nan)
    for i, row in enumerate(rows):
        if row["power"]:
            y[i, :TAGS] = [float(row[e]) for e in EMOTIONS]
            y[i, TAGS] = sum(w * float(row[e]) for e, w in VALENCE.items())
            y[i, TAGS + 1] = sum(w * float(row[e]) for e, w in AROUSAL.items())
        elif row["valence"]:
            y[i, TAGS:] = float(row["valence"]), float(row["arousal"])
        else:
            y[i, TAGS:] = row["quadrant"] in {"Q1", "Q4"}, row["quadrant"] in {"Q1", "Q2"}
    return y


def targets(y: np.ndarray, corpus: np.ndarray) -> np.ndarray:
    """Rank-normal within each corpus, so that no corpus's scale matters."""
    out = np.full_like(y, np.nan)
    for name in CORPORA:
        for j in range(y.shape[1]):
            own = (corpus == name) & np.isfinite(y[:, j])
            if own.any():
                out[own, j] = model.rank_normal(y[own, j])
    return out


def artists(rows: list[dict[str, str]]) -> np.ndarray:
    """Artist where the origin names one, otherwise the file."""
    return np.array([r["origin"].split("|")[1].strip() if "|" in r["origin"] else r["file"] for r in rows])


def folds(corpus: np.ndarray, seed: int, groups: np.ndarray | None = None) -> np.ndarray:
    """Fold of each file, balanced within each corpus; files of one group stay together."""
    rng, fold = np.random.default_rng(seed), np.zeros(len(corpus), int)
    for name in CORPORA:
        own = np.flatnonzero(corpus == name)
        names = own if groups is None else groups[own]
        unique = rng.permutation(np.unique(names))
        place = dict(zip(unique, np.arange(len(unique)) % FOLDS, strict=True))
        fold[own] = [place[n] for n in names]
    return fold


def predict(fitted: model.Model, x: np.ndarray, owner: np.ndarray, files: np.ndarray) -> np.ndarray:
    """Kernel part, linear part and unfamiliarity per file, means over its windows [(3, files, targets)]."""
    kernel, linear, unfamiliar = fitted.parts(x)
    parts = (kernel, linear, np.repeat(unfamiliar[:, None], kernel.shape[1], axis=1))
    return np.array([[part[owner == i].mean(0) for i in files] for part in parts])


def emphasis(names: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weight of each number for the targets that have them, and which targets do."""
    weights = np.where(np.isin(names, model.EMPHASISED_NUMBERS), model.EMPHASIS, 1.0)
    return weights, np.isin(TARGETS, model.EMPHASISED_TARGETS)


def held_out(data: dict[str, np.ndarray], y: np.ndarray, corpus: np.ndarray, test: np.ndarray) -> np.ndarray:
    """The parts for the files of `test`, from a model that has not seen them."""
    x, owner = data["x"], data["owner"]
    train = ~test[owner]
    fitted = model.fit(x[train], y[owner[train]], corpus[owner[train]], *emphasis(data["names"]))
    files = np.flatnonzero(test)
    return predict(fitted, x[test[owner]], owner[test[owner]], files)


def cross_validate(data: dict[str, np.ndarray], y: np.ndarray, corpus: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """The parts of `predict` for every file [(3, files, targets)]."""
    parts = np.full((3, *y.shape), np.nan)
    for k in np.unique(fold):
        parts[:, fold == k] = held_out(data, y, corpus, fold == k)
    return parts


def blend(kernel: np.ndarray, linear: np.ndarray, share: float = model.LINEAR_SHARE) -> np.ndarray:
    """Weighted sum of both, the linear part brought to the kernel part's spread."""
    spread = np.nanstd(linear, 0) / np.maximum(np.nanstd(kernel, 0), 1e-9)
    return (1.0 - share) * kernel + share * linear / np.maximum(spread, 1e-9)


def scores(p: np.ndarray, y: np.ndarray, corpus: np.ndarray) -> dict[str, float]:
    """The measures of the issue: Spearman correlations and, for quadrants, areas under the ROC curve."""
    out = {}
    for name in CORPORA:
        own = corpus == name
        for j, axis in ((TAGS, "valence"), (TAGS + 1, "arousal")):
            if name == model.QUADRANTS:
                high, low = p[own & (y[:, j] > 0), j], p[own & (y[:, j] <= 0), j]
                out[f"{name} {axis}"] = float(np.mean((high[:, None] > low) + 0.5 * (high[:, None] == low)))
            else:
                out[f"{name} {axis}"] = float(spearmanr(p[own, j], y[own, j])[0])
    own = corpus == "emotify"
    if np.isfinite(p[own, :TAGS]).all():
        each = {e: float(spearmanr(p[own, j], y[own, j])[0]) for j, e in enumerate(EMOTIONS)}
        out["emotify tags"] = float(np.mean(list(each.values())))
        out |= each
    return out


def show(title: str, tables: list[dict[str, float]]) -> None:
    print(f"\n{title}")
    for name in tables[0]:
        values = [t[name] for t in tables]
        print(f"  {name:20} {np.mean(values):+.3f}  ±{np.std(values):.3f}")


def final(data: dict[str, np.ndarray], raw: np.ndarray, y: np.ndarray, corpus: np.ndarray, runs: list) -> dict:
    """Arrays of the shipped file."""
    x, owner = data["x"], data["owner"]
    fitted = model.fit(x, y[owner], corpus[owner], *emphasis(data["names"]))
    kernel, linear = (np.nanmean([r[i] for r in runs], 0) for i in (0, 1))
    spread = np.nanstd(kernel, 0), np.nanstd(linear, 0)
    latent = blend(kernel, linear)
    slope, residual = np.zeros(len(TARGETS)), np.zeros(len(TARGETS))
    for j in range(len(TARGETS)):
        known = np.isfinite(y[:, j])
        slope[j] = max(0.0, (latent[known, j] * y[known, j]).sum() / (latent[known, j] ** 2).sum())
        residual[j] = np.sqrt(np.mean((y[known, j] - slope[j] * latent[known, j]) ** 2))
    own = corpus == "emotify"
    quantiles = np.quantile(raw[own, :TAGS], np.linspace(0, 1, 21), axis=0).T
    single = np.float32
    return {
        "names": data["names"],
        "targets": np.array(TARGETS),
        "mean": fitted.mean.astype(single),
        "scale": fitted.scale.astype(single),
        "support": fitted.support.astype(np.float16),
        "inverse": fitted.inverse.astype(single),
        "alpha": fitted.alpha.astype(single),
        "offset": fitted.offset.astype(single),
        "linear": (fitted.linear * spread[0] / np.maximum(spread[1], 1e-9)).astype(single),
        "slope": slope.astype(single),
        "residual": residual.astype(single),
        "emphasis": fitted.emphasis.astype(single),
        "emphasised": fitted.emphasised,
        "quantiles": quantiles.astype(single),
        "width": single(model.WIDTH),
        "clip": single(model.CLIP),
        "linear_share": single(model.LINEAR_SHARE),
    }


def reliability(shipped: dict, y: np.ndarray, runs: list) -> None:
    """How often the held-out label lies on the stated side of the middle, by stated confidence."""
    stated, right = [], []
    for kernel, linear, unfamiliar in runs:
        latent = shipped["slope"] * blend(kernel, linear)
        sure = norm.cdf(np.abs(latent) / (shipped["residual"] * np.sqrt(1.0 + unfamiliar)))
        known = np.isfinite(y) & (y != 0)
        stated.append(sure[known])
        right.append((np.sign(latent) == np.sign(y))[known])
    sure, hit = np.concatenate(stated), np.concatenate(right)
    print("\nconfidence: stated, observed, answers")
    for low, high in ((0.5, 0.6), (0.6, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 1.0)):
        inside = (sure >= low) & (sure < high)
        if inside.any():
            share = f"{sure[inside].mean():.2f}   {hit[inside].mean():.2f}"
            print(f"  {low:.1f} to {high:.1f}   {share}   {inside.sum() // len(runs)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with (options.folder / "annotations.csv").open(newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["corpus"] in CORPORA]
    corpus = np.array([r["corpus"] for r in rows])
    data, raw = numbers(options.folder, rows, options.cache), labels(rows)
    y = targets(raw, corpus)
    runs = [cross_validate(data, y, corpus, folds(corpus, seed)) for seed in range(options.repeats)]
    show(f"by track, {FOLDS} folds, {options.repeats} times", [scores(blend(*r[:2]), raw, corpus) for r in runs])
    for share in (0.0, 0.5, 1.0):
        table = np.mean([list(scores(blend(*r[:2], share), raw, corpus).values())[:7] for r in runs], axis=0)
        print(f"  with a linear share of {share}: " + " ".join(f"{v:.3f}" for v in table))
    by_artist = [cross_validate(data, y, corpus, folds(corpus, seed, artists(rows))) for seed in range(options.repeats)]
    show("by artist, where known", [scores(blend(*r[:2]), raw, corpus) for r in by_artist])
    fold = np.array([CORPORA.index(c) for c in corpus])
    parts = cross_validate(data, np.where(np.arange(len(TARGETS)) < TAGS, np.nan, y), corpus, fold)
    show("each corpus by a model that knows only the others", [scores(blend_within(*parts[:2], corpus), raw, corpus)])
    shipped = final(data, raw, y, corpus, runs)
    reliability(shipped, y, runs)
    if options.out:
        np.savez_compressed(options.out, **shipped)
        print(f"\nwrote {options.out}, {options.out.stat().st_size / 1000:.0f} kB")


def blend_within(kernel: np.ndarray, linear: np.ndarray, corpus: np.ndarray) -> np.ndarray:
    """`blend` with spreads taken within each corpus; tags, which only one corpus has, are left out."""
    out = np.full_like(kernel, np.nan)
    for name in CORPORA:
        own = corpus == name
        out[own, TAGS:] = blend(kernel[own, TAGS:], linear[own, TAGS:])
    return out


if __name__ == "__main__":
    main()
