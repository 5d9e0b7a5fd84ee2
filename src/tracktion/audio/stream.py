"""One source as a stream of blocks of finite float32 samples."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Self, cast

import numpy as np
from numpy.typing import ArrayLike

from tracktion.audio.array import ArrayDecoder
from tracktion.audio.decoder import Decoder, FloatBlock
from tracktion.audio.limits import Limits
from tracktion.audio.open import open_decoder
from tracktion.audio.source import SourceLike, open_source, source_name
from tracktion.errors import (
    CorruptError,
    EmptyError,
    FileError,
    TooLongError,
    UsageError,
)

__all__ = ["MAX_AMPLITUDE", "AudioStream", "open_audio"]

BLOCK_FRAMES = 65536
"""Frames per block: half a megabyte of stereo, large enough that the decoder's cost per call vanishes."""

MAX_AMPLITUDE = np.float32(65536.0)
"""Samples beyond are no music, and their squares would be beyond float32."""

_MAX_NONFINITE_SHARE = 0.05
_LENGTH_TOLERANCE = 0.02
_LENGTH_TOLERANCE_SECONDS = 0.1


class AudioStream:
    """Blocks of samples from one source, decoded as they are asked for.

    Attributes
    ----------
    sample_rate
        Hz.
    channels
        Count.
    declared_seconds
        Length that the file claims; None when it does not say. What it really holds is `seconds`, after reading.
    seconds
        Seconds read so far.
    format, codec, decoder
        Container, codec, and the library that decodes (``libsndfile``, ``FFmpeg`` or ``array``).
    notes
        Code to sentence; filled while reading. ``truncated`` (ends before the length that it claims),
        ``duration_mismatch`` (longer than it claims), ``repaired`` (damaged parts were passed over), ``nonfinite``
        (NaN or infinite samples became 0), ``clamped`` (absurd amplitudes were cut), ``format_change``.
    name
        The source in words.
    """

    def __init__(self, decoder: Decoder, *, name: str, limits: Limits, resources: contextlib.ExitStack) -> None:
        self._decoder = decoder
        self._limits = limits
        self._resources = resources
        self._frames = 0
        self._nonfinite = 0
        self._clamped = 0
        self._done = False
        self.name = name
        self.sample_rate = decoder.sample_rate
        self.channels = decoder.channels
        self.format = decoder.format
        self.codec = decoder.codec
        self.decoder = decoder.name
        self.notes: dict[str, str] = dict(decoder.notes)
        frames = decoder.declared_frames
        self.declared_seconds = None if frames is None else frames / decoder.sample_rate

    @property
    def seconds(self) -> float:
        """Seconds read so far."""
        return self._frames / self.sample_rate

    def blocks(self, frames: int = BLOCK_FRAMES) -> Iterator[FloatBlock]:
        """Yield the samples from the current position to the end.

        Parameters
        ----------
        frames
            Largest number of samples per channel in a block.

        Yields
        ------
        ndarray
            float32, C-contiguous, shape (n, channels) with 0 < n <= `frames`, finite, full scale ±1. Each is new.

        Raises
        ------
        EmptyError
            There is not a single sample.
        CorruptError
            The data cannot be decoded, or much of it is not finite.
        TooLongError
            Longer than `Limits.max_seconds`.
        """
        if frames < 1:
            raise UsageError(f"blocks of {frames} frames", stage="decode")
        limit = self._limits.max_seconds * self.sample_rate
        while not self._done:
            block = self._decoder.read(frames)
            if not len(block):
                self._finish()
                return
            self._frames += len(block)
            if self._frames > limit:
                raise _too_long(self.name, self._limits)
            yield self._finite(np.ascontiguousarray(block))

    def _finite(self, block: FloatBlock) -> FloatBlock:
        # Two comparisons that NaN fails are the whole cost for sound audio.
        if block.max() <= MAX_AMPLITUDE and block.min() >= -MAX_AMPLITUDE:
            return block
        finite = np.isfinite(block)
        self._nonfinite += int(block.size - np.count_nonzero(finite))
        block = np.where(finite, block, np.float32(0.0))
        self._clamped += int(np.count_nonzero(np.abs(block) > MAX_AMPLITUDE))
        return cast("FloatBlock", np.clip(block, -MAX_AMPLITUDE, MAX_AMPLITUDE))

    def _finish(self) -> None:
        self._done = True
        for code, sentence in self._decoder.notes.items():
            self.notes.setdefault(code, sentence)
        if self._frames == 0:
            raise EmptyError("not a single sample", file=self.name, stage="decode")
        samples = self._frames * self.channels
        if self._nonfinite:
            if self._nonfinite > _MAX_NONFINITE_SHARE * samples:
                reason = f"{self._nonfinite} of {samples} samples are NaN or infinite"
                raise CorruptError(reason, file=self.name, stage="decode")
            self.notes["nonfinite"] = f"{self._nonfinite} samples were NaN or infinite and became 0"
        if self._clamped:
            self.notes["clamped"] = f"{self._clamped} samples were beyond ±{MAX_AMPLITUDE:.0f} and were cut"
        self._compare_lengths()

    def _compare_lengths(self) -> None:
        declared = self.declared_seconds
        if declared is None:
            return
        tolerance = max(_LENGTH_TOLERANCE * max(declared, self.seconds), _LENGTH_TOLERANCE_SECONDS)
        if self.seconds < declared - tolerance:
            self.notes.setdefault("truncated", f"claims {declared:.1f} s and holds {self.seconds:.1f} s")
        elif self.seconds > declared + tolerance:
            self.notes["duration_mismatch"] = f"claims {declared:.1f} s and holds {self.seconds:.1f} s"

    def close(self) -> None:
        """Close the decoder and what we opened for it."""
        self._done = True
        self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        length = "unknown length" if self.declared_seconds is None else f"{self.declared_seconds:.1f} s"
        return f"<AudioStream {self.name!r}: {self.codec}, {self.sample_rate} Hz, {self.channels} ch, {length}>"


def open_audio(
    source: SourceLike | tuple[ArrayLike, float], *, limits: Limits | None = None, follow_symlinks: bool = True
) -> AudioStream:
    """Open a source of audio and choose the decoder by its content.

    Parameters
    ----------
    source
        A path (`str` or `os.PathLike`, also with a name that is not UTF-8), the bytes of a file, a binary file object,
        or ``(samples, sample_rate)`` with samples of shape (n,) or (n, channels).
    limits
        Bounds on size, length, channels and rates; `Limits()` by default.
    follow_symlinks
        Whether a path that is a symbolic link may be opened; what it points to must be a regular file.

    Returns
    -------
    AudioStream
        A context manager. Its time 0 is the first sample of the original music wherever the format tells its
        encoder's delay (see docs/explanation/audio.md).

    Raises
    ------
    UnreadableError, UnsupportedError, CorruptError, EmptyError, ProtectedError
        The file is at fault.
    TooBigError
        More bytes or channels than `limits` allow.
    UsageError
        `source` is nothing of the above.

    Examples
    --------
    >>> import numpy as np
    >>> with open_audio((np.zeros((1000, 2)), 44100)) as stream:
    ...     sum(len(block) for block in stream.blocks())
    1000
    """
    limits = limits or Limits()
    name = source_name(source)
    with contextlib.ExitStack() as stack:
        decoder: Decoder
        if isinstance(source, tuple):
            if len(source) != 2:
                raise UsageError("an array source is (samples, sample_rate)", stage="open")
            decoder = ArrayDecoder(*cast("tuple[Any, float]", source), limits=limits)
        else:
            opened = stack.enter_context(open_source(source, limits=limits, follow_symlinks=follow_symlinks))
            decoder = open_decoder(opened, limits=limits)
            if (decoder.declared_frames or 0) > limits.max_seconds * decoder.sample_rate:
                _refuse_if_so_long(decoder, name, limits)
                decoder = open_decoder(opened, limits=limits)
        stack.callback(decoder.close)
        return AudioStream(decoder, name=name, limits=limits, resources=stack.pop_all())


def _refuse_if_so_long(decoder: Decoder, name: str, limits: Limits) -> None:
    """Decode a file that claims to be too long, and throw the samples away: it is refused only if it does not lie.

    Several times cheaper than to find out at the end of an analysis.
    """
    left = limits.max_seconds * decoder.sample_rate
    with contextlib.closing(decoder), contextlib.suppress(FileError):
        while left >= 0:
            n = len(decoder.read(BLOCK_FRAMES))
            if n == 0:
                return
            left -= n
        raise _too_long(name, limits)


def _too_long(name: str, limits: Limits) -> TooLongError:
    reason = f"longer than the limit of {limits.max_seconds:g} s (Limits.max_seconds)"
    return TooLongError(reason, file=name, stage="decode")
