"""Twin of `_beats`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["bar_path", "beat_path"]

NEVER = np.float32(-1e30)


def beat_path(
    odds: NDArray[np.float32], prior: NDArray[np.float32], shortest: int, cost: NDArray[np.float32]
) -> NDArray[np.int32]:
    """See _beats.pyi."""
    frames, count, reach = len(odds), len(prior), len(cost) // 2
    if count < 1 or count > 256 or shortest < 1:
        raise ValueError("there must be 1 to 256 intervals, all positive")
    if len(cost) % 2 == 0 or cost.shape[1] != count:
        raise ValueError("cost must have an odd number of rows and a column per interval")
    if frames == 0:
        return np.empty(0, np.int32)
    intervals = np.arange(shortest, shortest + count)
    span, columns = shortest + count, np.arange(count)
    ring = np.zeros((span, count), np.float32)
    row = np.full(count + 2 * reach, NEVER, np.float32)
    links = np.empty((frames, count), np.uint8)
    top, top_t, top_k = float(NEVER), -1, 0
    windows = np.lib.stride_tricks.sliding_window_view(row, count)
    for t in range(frames):
        first = (prior * (t - intervals).astype(np.float32) / intervals.astype(np.float32)).astype(np.float32)
        score = np.where(t >= intervals, ring[(t - intervals) % span, columns], first) + odds[t] + prior
        row[reach : reach + count] = score
        end = score + prior * np.float32(frames - t) / intervals.astype(np.float32)
        end = np.where(t + intervals >= frames, end, NEVER)
        if end.max() > top:
            top, top_t, top_k = float(end.max()), t, int(np.argmax(end))
        choices = windows - cost
        which = np.argmax(choices, axis=0)
        ring[t % span] = choices[which, columns]
        links[t] = which + columns - reach
    found, t, k = [], top_t, top_k
    while t >= 0:
        found.append(t)
        before = t - (shortest + k)
        if before < 0:
            break
        k, t = int(links[before, k]), before
    return np.array(found[::-1], np.int32)


def bar_path(
    odds: NDArray[np.float32], metres: NDArray[np.int32], prior: NDArray[np.float32], slip: float, change: float
) -> NDArray[np.int32]:
    """See _beats.pyi."""
    if len(metres) < 1 or len(prior) != len(metres):
        raise ValueError("there must be a prior for each metre")
    if np.any(metres < 1):
        raise ValueError("metres must be positive")
    owner = np.repeat(np.arange(len(metres)), metres)
    start = np.concatenate([[0], np.cumsum(metres)[:-1]])
    states = np.arange(len(owner))
    place = states - start[owner]
    step = start[owner] + (place - 1) % metres[owner]
    score = np.zeros(len(states), np.float32)
    links = np.empty((len(odds), len(states)), np.int32)
    for i, value in enumerate(odds):
        best, source = score[step] if i else np.zeros(len(states), np.float32), step.copy()
        if i:
            same = np.array([s + int(np.argmax(score[s : s + m])) for s, m in zip(start, metres, strict=True)])[owner]
            jump = score[same] - np.float32(slip)
            source, best = np.where(jump > best, same, source), np.maximum(best, jump)
            other = score.max() - np.float32(change)
            source, best = np.where(other > best, int(np.argmax(score)), source), np.maximum(best, other)
        score = (best + np.where(place == 0, value, np.float32(0)) + prior[owner]).astype(np.float32)
        links[i] = source
    out = np.empty(len(odds), np.int32)
    state = int(np.argmax(score))
    for i in range(len(odds) - 1, -1, -1):
        out[i] = state
        state = int(links[i, state])
    return out
