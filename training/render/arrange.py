"""Add composed parts to scores that people played."""

import numpy as np

from training.render.compose import MAJOR, MINOR, Composer
from training.render.styles import STYLES


def fitting(score):
    """Styles of the metre and about the tempo of a score."""
    bpm = 60 / float(np.median(np.diff(score.beats))) if len(score.beats) > 2 else 0
    return [s for s, row in STYLES.items() if row[4] == score.meter and 0.87 * row[0] <= bpm <= 1.15 * row[1]]


def accompany(rng, score, chords=None):
    """Add composed drums and bass that follow the beats of a human-timed score."""
    styles = [s for s in fitting(score) if STYLES[s][6] and "kick" in STYLES[s][6]]
    if not styles or len(score.beats) < 8:
        return score
    composer = Composer(rng, str(rng.choice(styles)), score.seconds)
    phase = int(np.argmin(np.abs(score.beats - score.downbeats[0]))) if len(score.downbeats) else 0
    composer.grid, composer.curve = score.beats[phase:], "d"
    if len(composer.grid) < 8:
        return score
    if chords is not None or composer.bass == "none":
        composer.bass = "none" if rng.random() < 0.5 else composer.bass
    composer.chords, composer.density = "none", 0
    if score.key:
        composer.tonic, composer.minor = score.key[0], score.key[1] == "minor"
        composer.scale = MINOR if composer.minor else MAJOR
    extra = composer.write()
    limit = score.beats[-1]
    for part in extra.parts:
        part.notes = [n for n in part.notes if n[0] < limit]
        score.parts.append(part)
    score.style += "+" + composer.style
    return score


def harmonise(rng, score):
    """Add composed bass, chords and lead to a human drum performance."""
    styles = [s for s in fitting(score) if STYLES[s][6] and STYLES[s][7] != "none"]
    if not styles:
        return score
    composer = Composer(rng, str(rng.choice(styles)), score.seconds)
    composer.grid, composer.drums = score.beats, {}
    composer.bass = composer.bass if composer.bass != "kick" else "sync"
    if len(composer.grid) < 4:
        return score
    extra = composer.write()
    score.parts += [p for p in extra.parts if p.role != "drums"]
    score.key, score.style = extra.key, score.style + "+" + composer.style
    return score
