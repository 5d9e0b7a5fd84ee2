"""An analysis of what is pushed, for recordings that come as they are made."""

from __future__ import annotations

import operator
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tracktion.audio.array import ArrayDecoder, checked_samples, scaled
from tracktion.audio.limits import Limits
from tracktion.audio.stream import MAX_AMPLITUDE
from tracktion.errors import TooLongError, UsageError
from tracktion.features.stream import FeatureExtractor, Features

if TYPE_CHECKING:
    from tracktion.analyzer import Analyzer
    from tracktion.results.analysis import Analysis

__all__ = ["AnalysisStream"]

ODD = {
    "nonfinite": "{} samples were NaN or infinite and became 0",
    "clamped": f"{{}} samples were beyond ±{MAX_AMPLITUDE:.0f} and were cut",
}
"""Notes on samples, as `tracktion.audio.AudioStream` has them."""


class AnalysisStream:
    """An analysis that is fed block by block; see `Analyzer.stream`.

    Notes
    -----
    May be used from many threads; blocks are taken in the order in which they come. Memory grows with the length as it
    does for files, by about 1.1 MB per minute with all parts.
    """

    def __init__(self, analyzer: Analyzer, *, sample_rate: int, channels: int) -> None:
        if analyzer.engine != "tracktion":
            raise UsageError(f"a stream is heard by our own engine alone, not by engine={analyzer.engine!r}")
        limits = analyzer.limits or Limits()
        rate, count = _checked_rate(sample_rate, limits), _checked_count(channels, limits)
        self._analyzer = analyzer
        self._extractor = FeatureExtractor(sample_rate=rate, channels=count, kinds=analyzer.kinds)
        self._most_frames = limits.max_seconds * rate
        self._frames = 0
        self._odd: Counter[str] = Counter()
        self._features: Features | None = None
        self._result: Analysis | None = None
        self._lock = threading.Lock()

    def push(self, block: NDArray[Any]) -> None:
        """Take the next samples [shape (n,) or (n, channels)].

        Parameters
        ----------
        block
            Floats have full scale ±1, integers are scaled by their type, as in `Analyzer.analyze`; non-finite samples
            count as zero, however many there are, and are noted.

        Raises
        ------
        UsageError
            After `result`, or when the shape or type does not fit.
        TooLongError
            The block would make it longer than `Limits.max_seconds`: it is not taken; `result` tells of what was.
        """
        samples = scaled(checked_samples(block))
        odd = _made_finite(samples)
        with self._lock:
            if self._features is not None:
                raise UsageError("the result was taken; begin a new stream")
            if self._frames + len(samples) > self._most_frames:
                seconds = self._most_frames / self._extractor.sample_rate
                raise TooLongError(f"longer than the limit of {seconds:g} s (Limits.max_seconds)", stage="decode")
            self._extractor.push(samples)
            self._frames += len(samples)
            self._odd.update(odd)

    def result(self) -> Analysis:
        """End the stream and return its analysis; further calls return the same."""
        with self._lock:
            if self._features is None:
                self._features = self._extractor.finish()
            if self._result is None:
                notes = {code: ODD[code].format(count) for code, count in self._odd.items() if count}
                self._result = self._analyzer.estimate(self._features, notes=notes)
            return self._result


def _made_finite(samples: NDArray[np.float32]) -> dict[str, int]:
    """Change samples in place, and count by `ODD` those that were."""
    if np.abs(samples).max(initial=0.0) <= MAX_AMPLITUDE:  # not where one is NaN
        return {}
    nonfinite = ~np.isfinite(samples)
    samples[nonfinite] = 0.0
    clamped = np.abs(samples) > MAX_AMPLITUDE
    np.clip(samples, -MAX_AMPLITUDE, MAX_AMPLITUDE, out=samples)
    return {"nonfinite": int(nonfinite.sum()), "clamped": int(clamped.sum())}


def _checked_rate(sample_rate: Any, limits: Limits) -> int:
    """As for arrays, whose decoder knows how."""
    return ArrayDecoder(np.empty(0), sample_rate, limits=limits).sample_rate


def _checked_count(channels: Any, limits: Limits) -> int:
    try:
        count = operator.index(channels)
    except TypeError as error:
        raise UsageError(f"channels is a whole number, not {channels!r}") from error
    if not 1 <= count <= limits.max_channels:
        raise UsageError(f"channels must be 1 to {limits.max_channels} (Limits.max_channels), not {count}")
    return count
