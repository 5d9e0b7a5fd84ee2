"""Chained Ogg: recordings one behind the other in one file, as web radio writes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import soxr

from tracktion.audio.decoder import Decoder, FloatBlock
from tracktion.audio.frames import Feed
from tracktion.audio.source import Source
from tracktion.errors import FileError

__all__ = ["ChainedDecoder"]

_FRAMES = 65536


class ChainedDecoder:
    """Decode the links of a chain one after the other, at the rate and with the channels of the first; see `Decoder`.

    FFmpeg gives up where the format changes between links.

    Parameters
    ----------
    links
        Sources, each a whole Ogg file.
    open_link
        Opens one of them, with a sample rate and channels within the limits.
    """

    format = "ogg"

    def __init__(self, links: Sequence[Source], open_link: Callable[[Source], Decoder]) -> None:
        self._links, self._open = links, open_link
        self._decoder = open_link(links[0])
        self.sample_rate, self.channels = self._decoder.sample_rate, self._decoder.channels
        self.codec, self.name = self._decoder.codec, self._decoder.name
        self.declared_frames: int | None = None
        self.notes: dict[str, str] = dict(self._decoder.notes)
        self._feed = Feed(self._arrays(), channels=self.channels, skip=0)

    def read(self, frames: int) -> FloatBlock:
        """Return the next samples; see `Decoder.read`."""
        return self._feed.read(frames)

    def _arrays(self) -> Iterator[FloatBlock]:
        yield from self._of_link()
        for link in self._links[1:]:
            self._decoder.close()
            try:
                self._decoder = self._open(link)
                yield from self._of_link()
            except FileError as error:
                self.notes["repaired"] = f"a link of the chain cannot be decoded: {error.reason}"

    def _of_link(self) -> Iterator[FloatBlock]:
        decoder, resampler = self._decoder, None
        if (decoder.sample_rate, decoder.channels) != (self.sample_rate, self.channels):
            self.notes["format_change"] = "sample rate or channels change on the way; the first are kept"
        if decoder.sample_rate != self.sample_rate:
            resampler = soxr.ResampleStream(decoder.sample_rate, self.sample_rate, self.channels, dtype="float32")
        # At a low rate a few samples become many.
        together = max(1, min(_FRAMES, _FRAMES * decoder.sample_rate // self.sample_rate))
        while len(block := decoder.read(together)):
            fitted = _with_channels(block, self.channels)
            yield fitted if resampler is None else resampler.resample_chunk(fitted)
        if resampler is not None:
            yield resampler.resample_chunk(np.empty((0, self.channels), np.float32), last=True)
        self.notes |= decoder.notes

    def close(self) -> None:
        """Free the decoder of the link in hand; the source stays open."""
        self._feed.close()
        self._decoder.close()


def _with_channels(block: FloatBlock, channels: int) -> FloatBlock:
    """The first channels, or all of one in each; what has no counterpart stays silent."""
    given = block.shape[1]
    if given == channels:
        return block
    if channels == 1:
        return np.ascontiguousarray(block.mean(axis=1, keepdims=True), np.float32)
    if given == 1:
        return np.repeat(block, channels, axis=1)
    out = np.zeros((len(block), channels), np.float32)
    out[:, : min(given, channels)] = block[:, :channels]
    return out
