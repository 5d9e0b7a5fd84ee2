"""How often answers are right that claim a probability: the calibration error, and a picture of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

BINS = 10
LEFT, SIDE = 40.0, 280.0


def bins_of(scores: np.ndarray, right: np.ndarray) -> list[tuple[int, float, float]]:
    """Return number of questions, mean score and share of right answers of each tenth that has any."""
    place = np.minimum((scores * BINS).astype(int), BINS - 1)
    used = [place == k for k in range(BINS) if (place == k).any()]
    return [(int(chosen.sum()), float(scores[chosen].mean()), float(right[chosen].mean())) for chosen in used]


def calibration(scores: np.ndarray, right: np.ndarray) -> float:
    """Return the expected calibration error."""
    return sum(count * abs(score - share) for count, score, share in bins_of(scores, right)) / len(scores)


def draw(path: Path, scores: np.ndarray, right: np.ndarray) -> None:
    """Write a reliability diagram as SVG; circles grow with the number of questions."""
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 360 360" font-family="sans-serif" font-size="11"',
        f'fill="#555"><rect x="{LEFT:g}" y="{LEFT:g}" width="{SIDE:g}" height="{SIDE:g}" fill="none" stroke="#999"/>',
        '<line x1="40" y1="320" x2="320" y2="40" stroke="#999" stroke-dasharray="4"/>',
    ]
    for count, score, share in bins_of(scores, right):
        x, y = LEFT + SIDE * score, LEFT + SIDE * (1 - share)
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{2 + 2 * np.log10(count):.1f}" fill="#3b7dd8" fill-opacity="0.8">'
            f"<title>{count} questions: score {score:.2f}, right {share:.2f}</title></circle>"
        )
    for mark in (0, 0.5, 1):
        x, y = LEFT + SIDE * mark, LEFT + SIDE * (1 - mark) + 4
        parts.append(f'<text x="{x:g}" y="334" text-anchor="middle">{mark:g}</text>')
        parts.append(f'<text x="34" y="{y:g}" text-anchor="end">{mark:g}</text>')
    parts.append('<text x="180" y="350" text-anchor="middle">score of the first match</text>')
    parts.append('<text x="12" y="180" transform="rotate(-90 12 180)" text-anchor="middle">share that is right</text>')
    path.write_text("\n".join([*parts, "</svg>\n"]), "utf-8")
