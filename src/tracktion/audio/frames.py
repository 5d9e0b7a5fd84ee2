"""FFmpeg's frames as blocks of float32."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import av
import av.error
import numpy as np

from tracktion.audio.decoder import FloatBlock
from tracktion.errors import CorruptError

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame

__all__ = ["LEAKED", "Feed", "Joiner", "ffmpeg_message"]

LEAKED = (av.error.FFmpegError, OSError, ValueError, MemoryError, RuntimeError, ArithmeticError, LookupError)
"""What PyAV raises for hostile data."""

_MAX_RATE_RATIO = 32
"""Between music at 192 kHz and speech at 8 kHz lies 24; a rate of 1 Hz would make gigabytes of a few frames."""
_SCALE = {"u8": 2.0**-7, "s16": 2.0**-15, "s32": 2.0**-31, "s64": 2.0**-63}
_DTYPE: dict[str, Any] = {
    "u8": np.uint8,
    "s16": np.int16,
    "s32": np.int32,
    "s64": np.int64,
    "flt": np.float32,
    "dbl": np.float64,
}


def ffmpeg_message(error: BaseException | None) -> str:
    """FFmpeg's own words for an error."""
    return str(getattr(error, "strerror", None) or error or "unknown")


class Joiner:
    """Join frames into one array of the first frame's sample rate and channels.

    Parameters
    ----------
    sample_rate, channels, layout
        Of the first frame; frames that differ are converted.
    max_channels
        Frames with more raise `CorruptError`.
    source_name
        For messages.
    notes
        Gets ``format_change``.
    """

    def __init__(
        self,
        *,
        sample_rate: int,
        channels: int,
        layout: str,
        max_channels: int,
        source_name: str,
        notes: dict[str, str],
    ) -> None:
        self._sample_rate = sample_rate
        self._channels = channels
        self._layout = layout
        self._max_channels = max_channels
        self._source_name = source_name
        self._notes = notes
        self._resampler: Any = None
        self._given: tuple[str, str, int] | None = None

    def join(self, frames: list[AudioFrame]) -> FloatBlock:
        """Return the samples of `frames` [shape (n, channels), full scale ±1]."""
        runs: list[list[AudioFrame]] = []
        kind = None
        for given in frames:
            for frame in self._fitting(given):
                if frame.format.name != kind:
                    kind = frame.format.name
                    runs.append([])
                runs[-1].append(frame)
        if len(runs) == 1:
            return _joined(runs[0], self._channels)
        empty = np.empty((0, self._channels), dtype=np.float32)
        return np.concatenate([empty, *(_joined(run, self._channels) for run in runs)])

    def _fitting(self, frame: AudioFrame) -> list[AudioFrame]:
        channels = frame.layout.nb_channels
        given = frame.format.name, frame.layout.name, frame.sample_rate
        before = self._flushed() if given != self._given else []
        self._given = given
        if channels == self._channels and frame.sample_rate == self._sample_rate:
            return [*before, frame]
        if channels > self._max_channels:
            raise CorruptError(f"a frame with {channels} channels", file=self._source_name, stage="decode")
        self._notes["format_change"] = "the sample rate or channel count changes on the way; the first is kept"
        return before + self._resampled(frame)

    def _resampled(self, frame: AudioFrame) -> list[AudioFrame]:
        try:
            if not 1 / _MAX_RATE_RATIO <= frame.sample_rate / self._sample_rate <= _MAX_RATE_RATIO:
                raise ValueError(f"{self._sample_rate} Hz and {frame.sample_rate} Hz are too far apart")
            if self._resampler is None:
                self._resampler = av.AudioResampler(format="flt", layout=self._layout, rate=self._sample_rate)
            return list(self._resampler.resample(frame))
        except LEAKED as error:
            self._resampler = None
            self._notes["repaired"] = f"a change of format could not be followed: {ffmpeg_message(error)}"
            return []

    def _flushed(self) -> list[AudioFrame]:
        """What the resampler still holds of frames of one format, when those of another begin."""
        resampler, self._resampler = self._resampler, None
        try:
            return list(resampler.resample(None)) if resampler is not None else []
        except LEAKED:
            return []


def _joined(frames: list[AudioFrame], channels: int) -> FloatBlock:
    name = frames[0].format.name
    kind = name.removesuffix("p")
    if name == kind:
        raw = np.frombuffer(_bytes(frames, 0, kind, channels), _DTYPE[kind]).reshape(-1, channels)
        out = raw if kind == "flt" else raw.astype(np.float32)
    else:
        columns = [np.frombuffer(_bytes(frames, c, kind, 1), _DTYPE[kind]) for c in range(channels)]
        out = np.empty((len(columns[0]), channels), dtype=np.float32)
        for channel, column in enumerate(columns):
            out[:, channel] = column
    if kind == "u8":
        out -= np.float32(128.0)
    if kind in _SCALE:
        out *= np.float32(_SCALE[kind])
    return out


def _bytes(frames: list[AudioFrame], plane: int, kind: str, channels: int) -> bytearray:
    """Samples of one plane of all frames; a plane may be longer than its samples."""
    size = channels * np.dtype(_DTYPE[kind]).itemsize
    parts: list[Any] = []
    for frame in frames:
        part: Any = frame.planes[plane]
        wanted = frame.samples * size
        parts.append(part if part.buffer_size == wanted else memoryview(part)[:wanted])
    return bytearray().join(parts)


class Feed:
    """Hand out arrays of any length in blocks of at most so many frames, without copying.

    Parameters
    ----------
    arrays
        Shape (n, channels), in order.
    channels
        Count.
    skip
        Samples to drop at the start.

    Attributes
    ----------
    skip
        Samples still to drop.
    """

    def __init__(self, arrays: Iterator[FloatBlock], *, channels: int, skip: int) -> None:
        self._arrays = arrays
        self.skip = skip
        self._rest = np.empty((0, channels), dtype=np.float32)

    def read(self, frames: int) -> FloatBlock:
        """Return the next samples; see `Decoder.read`."""
        while not len(self._rest):
            array = next(self._arrays, None)
            if array is None:
                return self._rest
            skip = min(self.skip, len(array))
            self.skip -= skip
            self._rest = array[skip:]
        block, self._rest = self._rest[:frames], self._rest[frames:]
        return block

    def close(self) -> None:
        """Let go of all frames."""
        self._arrays = iter(())
        self._rest = self._rest[:0]
