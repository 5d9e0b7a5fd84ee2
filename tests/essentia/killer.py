"""Stands in for Essentia in an isolated worker: dies of loud audio."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np


def listener(channels: int) -> Callable[[Any], dict[str, Any]]:
    def hear(source: Any) -> dict[str, Any]:
        if np.abs(np.frombuffer(source.read(), "<f4")).max() > 0.5:
            os.abort()
        return {"bpm": 100.0, "confidence": 3.0, "beats": [0.5, 1.1, 1.7], "percival": 100.0, "tonic": "C"} | {
            "mode": "major",
            "strength": 0.5,
            "danceability": 1.0,
            "integrated": -14.0,
            "range": 1.0,
            "momentary_max": -10.0,
            "short_term_max": -11.0,
            "version": "0",
        }

    return hear
