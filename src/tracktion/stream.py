"""An analysis of what is pushed, for recordings that come as they are made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tracktion.audio.array import checked_samples, scaled
from tracktion.audio.stream import MAX_AMPLITUDE
from tracktion.errors import UsageError
from tracktion.features.stream import FeatureExtractor

if TYPE_CHECKING:
    from tracktion.analyzer import Analyzer
    from tracktion.results.analysis import Analysis

__all__ = ["AnalysisStream"]


class AnalysisStream:
    """An analysis that is fed block by block; see `Analyzer.stream`."""

    def __init__(self, analyzer: Analyzer, *, sample_rate: int, channels: int) -> None:
        if sample_rate < 1 or channels < 1:
            raise UsageError("sample_rate (Hz) and channels must be positive")
        self._analyzer = analyzer
        self._extractor = FeatureExtractor(sample_rate=sample_rate, channels=channels, kinds=analyzer.kinds)
        self._result: Analysis | None = None

    def push(self, block: NDArray[Any]) -> None:
        """Take the next samples [shape (n,) or (n, channels)].

        Parameters
        ----------
        block
            Floats have full scale ±1, integers are scaled by their type, as in `Analyzer.analyze`; non-finite samples
            count as zero.

        Raises
        ------
        UsageError
            After `result`, or when the shape or type does not fit.
        """
        if self._result is not None:
            raise UsageError("the result was taken; begin a new stream")
        array = np.nan_to_num(scaled(checked_samples(block)), copy=False, posinf=0.0, neginf=0.0)
        self._extractor.push(np.clip(array, -MAX_AMPLITUDE, MAX_AMPLITUDE, out=array))

    def result(self) -> Analysis:
        """End the stream and return its analysis; further calls return the same."""
        if self._result is None:
            self._result = self._analyzer.estimate(self._extractor.finish())
        return self._result
