"""The mood model and how it is fitted: kernel ridge for likeness, centred ridge for direction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, rankdata

CLIP = 4.0
WIDTH = 1.0
NOISE = 0.5
NOISE_QUADRANT = 2.0
RIDGE = 1000.0
LINEAR_SHARE = 0.5
QUADRANTS = "emopia"
EMPHASIS = 5.0
EMPHASISED_NUMBERS = ("mode_odds", "mode_best", "mode_parallel", "mode_moments")
EMPHASISED_TARGETS = ("valence",)


def rank_normal(values: np.ndarray) -> np.ndarray:
    """Ranks as quantiles of the normal distribution; labels of few values keep their order and unit variance."""
    scores = norm.ppf((rankdata(values) - 0.5) / len(values))
    return scores / scores.std()


@dataclass
class Model:
    """Fitted arrays; see `tracktion.estimators.mood` for how they are used."""

    mean: np.ndarray
    scale: np.ndarray
    support: np.ndarray
    inverse: np.ndarray
    alpha: np.ndarray
    offset: np.ndarray
    linear: np.ndarray
    emphasis: np.ndarray
    emphasised: np.ndarray

    def parts(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Kernel part, linear part [both (n, targets)] and unfamiliarity, 0 to 1 [(n,)]."""
        z = np.clip((x - self.mean) / self.scale, -CLIP, CLIP)
        k = kernel(z, self.support)
        stressed = kernel(z * self.emphasis, self.support * self.emphasis)
        unfamiliar = 1.0 - np.einsum("ij,jk,ik->i", k, self.inverse, k)
        likeness = np.where(self.emphasised, stressed @ self.alpha, k @ self.alpha)
        return likeness + self.offset, z @ self.linear, np.clip(unfamiliar, 0.0, 1.0)


def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2.0 * a @ b.T
    return np.exp(-WIDTH * np.maximum(squares, 0.0) / a.shape[1])


def fit(x: np.ndarray, y: np.ndarray, corpus: np.ndarray, emphasis: np.ndarray, emphasised: np.ndarray) -> Model:
    """Fit on windows.

    x: numbers [(windows, numbers)]; y: standardised targets [(windows, targets)], NaN where a corpus has no such label;
    corpus: name per window; emphasis: weight of each number for the targets that are `emphasised`.
    """
    mean, scale = x.mean(0), x.std(0) + 1e-9
    z = np.clip((x - mean) / scale, -CLIP, CLIP)
    noise = np.where(corpus == QUADRANTS, NOISE_QUADRANT, NOISE)
    k, stressed = kernel(z, z), kernel(z * emphasis, z * emphasis)
    alpha, offset = np.zeros((len(x), y.shape[1])), np.zeros(y.shape[1])
    linear = np.zeros((x.shape[1], y.shape[1]))
    for j in range(y.shape[1]):
        known = np.isfinite(y[:, j])
        if not known.any():
            continue
        offset[j] = np.average(y[known, j], weights=1.0 / noise[known])
        own = (stressed if emphasised[j] else k)[np.ix_(known, known)] + np.diag(noise[known])
        alpha[known, j] = np.linalg.solve(own, y[known, j] - offset[j])
        weight = emphasis if emphasised[j] else np.ones_like(emphasis)
        linear[:, j] = weight * centred_ridge(z[known] * weight, y[known, j], corpus[known])
    inverse = np.linalg.inv(k + np.diag(noise))
    return Model(mean, scale, z, inverse, alpha, offset, linear, emphasis, emphasised)


def centred_ridge(z: np.ndarray, y: np.ndarray, corpus: np.ndarray) -> np.ndarray:
    """Ridge on differences from the corpus's own mean: what distinguishes corpora teaches nothing."""
    a, b = z.copy(), y.copy()
    for name in np.unique(corpus):
        own = corpus == name
        a[own] -= a[own].mean(0)
        b[own] -= b[own].mean()
    return a.T @ np.linalg.solve(a @ a.T + RIDGE * np.eye(len(a)), b)
