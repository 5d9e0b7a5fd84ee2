"""Loudness."""

from __future__ import annotations

from dataclasses import dataclass

from tracktion.results.base import Result

__all__ = ["Loudness"]


@dataclass(frozen=True, slots=True, eq=False)
class Loudness(Result):
    """Loudness by ITU-R BS.1770-4 and EBU R 128.

    Attributes
    ----------
    integrated
        LUFS.
    range
        Loudness range (EBU Tech 3342), LU; None when shorter than 3 s, or when no 3 s are louder than -70 LUFS.
    true_peak
        dBTP.
    sample_peak
        dBFS.
    replaygain_gain
        ReplayGain 2 track gain, dB (reference -18 LUFS).
    replaygain_peak
        ReplayGain 2 track peak, linear.
    momentary_max, short_term_max
        LUFS; None when shorter than 0.4 s and 3 s.
    """

    integrated: float
    range: float | None
    true_peak: float
    sample_peak: float
    replaygain_gain: float
    replaygain_peak: float
    momentary_max: float | None = None
    short_term_max: float | None = None
