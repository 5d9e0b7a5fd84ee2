"""FFmpeg, through PyAV: AAC, ALAC, WMA, Opus, Musepack, ... and what libsndfile misreads.

FFmpeg is a large parser of hostile bytes. It gets an open file and no name, only the demuxers of audio files, only
audio decoders, and no way to open anything else (playlists and the like would).
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import av
import av.error
import numpy as np

from tracktion.audio.decoder import FloatBlock
from tracktion.audio.frames import LEAKED, Feed, Joiner, ffmpeg_message
from tracktion.audio.mp3 import DECODER_DELAY, DEFAULT_ENCODER_DELAY, SUBBAND_DELAY
from tracktion.audio.source import QuietReader, Source
from tracktion.errors import CorruptError, TracktionError, UnsupportedError

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer

__all__ = ["FFmpegDecoder"]

DEMUXERS = (
    "aac,ac3,ac4,aiff,amr,amrnb,amrwb,ape,asf,au,bonk,caf,dff,dsf,dts,dtshd,eac3,flac,iff,ircam,loas,matroska,mlp,mov,"
    "mpc,mpc8,nistsphere,ogg,oma,osq,paf,pvf,qoa,rka,sds,shn,tak,truehd,tta,voc,w64,wav,webm,wsd,wv,xwma"
)
DECODERS = (
    "8svx_exp,8svx_fib,aac,aac_latm,ac3,adpcm_adx,adpcm_ima_qt,adpcm_ima_wav,adpcm_ms,adpcm_sbpro_2,adpcm_sbpro_3,"
    "adpcm_sbpro_4,adpcm_swf,adpcm_yamaha,alac,als,amrnb,amrwb,ape,atrac1,atrac3,atrac3al,atrac3plus,atrac3plusal,bonk,dca,"
    "dsd_lsbf,dsd_lsbf_planar,dsd_msbf,dsd_msbf_planar,dst,eac3,flac,g722,g726,gsm,gsm_ms,ilbc,libopencore_amrnb,"
    "libopencore_amrwb,mace3,mace6,mlp,mp1,mp1float,mp2,mp2float,mp3,mp3float,mp3adu,mp3adufloat,mp3on4,mp3on4float,mpc7,"
    "mpc8,nellymoser,opus,osq,pcm_alaw,pcm_f16le,pcm_f24le,pcm_f32be,pcm_f32le,pcm_f64be,pcm_f64le,pcm_mulaw,pcm_s16be,"
    "pcm_s16be_planar,pcm_s16le,pcm_s16le_planar,pcm_s24be,pcm_s24le,pcm_s24le_planar,pcm_s32be,pcm_s32le,"
    "pcm_s32le_planar,pcm_s64be,pcm_s64le,pcm_s8,pcm_s8_planar,pcm_u16be,pcm_u16le,pcm_u24be,pcm_u24le,pcm_u32be,"
    "pcm_u32le,pcm_u8,pcm_vidc,qcelp,qoa,rka,shorten,speex,tak,truehd,truespeech,tta,vorbis,wavpack,wmalossless,wmapro,"
    "wmav1,wmav2,wmavoice"
)
_BUFFER_BYTES = 1 << 18
_LATE = {
    "aac": 1024,
    "aac_latm": 1024,
    "ac3": 256,
    "eac3": 256,
    "dca": 512,
    "opus": 312,
    **dict.fromkeys(("mp3", "mp3float"), DEFAULT_ENCODER_DELAY + DECODER_DELAY),
    **dict.fromkeys(("mp2", "mp2float"), SUBBAND_DELAY),
}
"""Samples by which encoder and decoder together are late where the container does not say."""
_SAMPLES_TOGETHER = 1 << 15
# Raw streams of frames: their duration is FFmpeg's guess from the bit rate, not a claim of the file.
_GUESSED_DURATION = frozenset(
    {"aac", "ac3", "ac4", "amr", "amrnb", "amrwb", "dts", "dtshd", "eac3", "loas", "mlp", "mp3", "truehd"}
)
_BAD_PACKETS_IN_A_ROW = 10_000
# Others count packets (Musepack), or FFmpeg does.
_STAMPED = frozenset({"asf", "flac", "matroska", "mov", "ogg", "tta", "wv"})
_GAP_SECONDS, _ROUNDING_SECONDS = 0.04, 0.002
"""Stamps in milliseconds, or of a clock that trembles, leap by less than these without and with damage between."""
_MOST_GAP_SECONDS = 3600.0
"""Stamps that leap further are wrong, rather than that so much is missing."""


def _any_metadata() -> dict[str, Any]:
    """What has `av.open` take tags that are not UTF-8; PyAV 19 always does, and no longer knows the option."""
    return {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}


@contextlib.contextmanager
def _opening(source_name: str, reader: QuietReader) -> Iterator[None]:
    try:
        yield
    except TracktionError:
        raise
    except LEAKED as error:
        if reader.error is not None:
            raise reader.error from error
        reason = f"no audio in a form that is known here (FFmpeg: {ffmpeg_message(error)})"
        raise UnsupportedError(reason, file=source_name, stage="open") from error


class FFmpegDecoder:
    """Decode `source` with FFmpeg; see `Decoder`.

    Parameters
    ----------
    source
        Open source.
    demuxer
        FFmpeg's name of the container, where we know better than its guess.
    max_channels
        Frames with more channels raise `CorruptError`.

    Raises
    ------
    UnsupportedError
        FFmpeg finds no audio that it knows.
    """

    name = "FFmpeg"

    def __init__(self, source: Source, *, demuxer: str | None = None, max_channels: int = 32) -> None:
        self._source_name = source.name
        self._max_channels = max_channels
        self.notes: dict[str, str] = {}
        source.seek(0, io.SEEK_SET)
        self._reader = QuietReader(source)
        with contextlib.ExitStack() as stack:
            stack.enter_context(_opening(source.name, self._reader))
            container = stack.enter_context(
                av.open(
                    self._reader,
                    "r",
                    container_options={
                        "format_whitelist": DEMUXERS,
                        "codec_whitelist": DECODERS,
                        "protocol_whitelist": "none",
                    },
                    format=demuxer,
                    buffer_size=_BUFFER_BYTES,
                    **_any_metadata(),
                )
            )
            stream = self._audio_stream(container)
            context = stream.codec_context
            self.sample_rate = int(context.sample_rate or 0)
            self.channels = int(context.layout.nb_channels)
            self.format = container.format.name.split(",")[0]
            self.codec = str(context.name)
            self.declared_frames = self._declared(container, stream)
            self._close = stack.pop_all().close
        self._container = container
        self._gaps = _Gaps(trusted=self.format in _STAMPED)
        self._joiner = Joiner(
            sample_rate=self.sample_rate,
            channels=self.channels,
            layout=context.layout.name,
            max_channels=max_channels,
            source_name=source.name,
            notes=self.notes,
        )
        skip = 0
        if self._wrote_lavf(container) and self.codec in ("wmav1", "wmav2"):
            # FFmpeg drops two frames, which is right for Microsoft's encoder; its own is late by one.
            context.flags2 |= av.codec.context.Flags2.skip_manual
            skip = _wma_frame(self.sample_rate, self.codec)
        self._feed = Feed(self._arrays(stream), channels=self.channels, skip=skip)

    @staticmethod
    def _wrote_lavf(container: InputContainer) -> bool:
        names = (container.metadata.get(name, "") for name in ("encoder", "ENCODER"))
        return any(name.startswith("Lavf") for name in names)

    def _audio_stream(self, container: InputContainer) -> Any:
        stream = container.streams.best("audio")
        if stream is None:
            raise UnsupportedError("there is no audio in it", file=self._source_name, stage="open")
        if stream.codec_context is None:
            raise UnsupportedError("no decoder for this kind of audio", file=self._source_name, stage="open")
        return stream

    def _declared(self, container: InputContainer, stream: AudioStream) -> int | None:
        if self.format in _GUESSED_DURATION:
            return None
        if stream.duration is None and (len(container.streams) > 1 or stream.start_time):
            return None  # what is known is the length of all streams together
        if stream.duration is not None and stream.time_base:
            seconds = float(stream.duration * stream.time_base)
        elif container.duration is not None:
            seconds = container.duration / av.time_base
        else:
            return None
        frames = round(seconds * self.sample_rate)
        return frames if 0 <= frames < 1 << 62 else None

    def read(self, frames: int) -> FloatBlock:
        """Return the next samples; see `Decoder.read`."""
        block = self._feed.read(frames)
        if self._reader.error is not None:
            raise self._reader.error
        return block

    def _arrays(self, stream: AudioStream) -> Iterator[FloatBlock]:
        together: list[AudioFrame] = []
        samples = 0
        for frame in self._frames(stream):
            missing = round(self._gaps.before(frame) * self.sample_rate)
            if missing:
                yield self._joiner.join(together)
                yield from _silence(missing, self.channels)
                together, samples = [], 0
            together.append(frame)
            samples += frame.samples
            if samples >= _SAMPLES_TOGETHER:
                yield self._joiner.join(together)
                together, samples = [], 0
        if together:
            yield self._joiner.join(together)

    def _frames(self, stream: AudioStream) -> Iterator[AudioFrame]:
        """Decoded frames; damaged packets are passed over, as players do."""
        bad, bad_in_a_row = 0, 0
        gaps = self._gaps
        first = True
        last: Exception | None = None
        try:
            packets = self._container.demux(stream)
            while True:
                packet = next(packets, None)
                if packet is None:
                    break
                if first:
                    self._feed.skip += self._late(packet, stream)
                first = False
                try:
                    frames = packet.decode()
                except EOFError:
                    break
                except LEAKED as error:
                    bad, bad_in_a_row, last = bad + 1, bad_in_a_row + 1, error
                    gaps.damaged = True
                    if bad_in_a_row > _BAD_PACKETS_IN_A_ROW:
                        break
                    continue
                if frames:
                    bad_in_a_row = 0
                yield from frames
        except LEAKED as error:
            self.notes["truncated"] = f"the container ends in damage: {ffmpeg_message(error)}"
            last = error
        if bad and gaps.end is None:
            reason = f"not one of its {bad} packets can be decoded ({ffmpeg_message(last)})"
            raise CorruptError(reason, file=self._source_name, stage="decode")
        if gaps.seconds:
            self.notes["repaired"] = f"{gaps.seconds:.2f} s of it are missing and became silence"
        elif bad:
            self.notes["repaired"] = f"{bad} damaged packets were passed over ({ffmpeg_message(last) if last else ''})"

    def _late(self, packet: Any, stream: AudioStream) -> int:
        """Samples to drop where the container does not say it."""
        lossless = "HD MA" in str(stream.codec_context.profile)
        # Of all containers of Opus only CAF may leave it out; where the others say nothing, they mean none.
        told = packet.has_sidedata("skip_samples") or (self.codec == "opus" and self.format != "caf")
        return 0 if told or lossless else _LATE.get(self.codec, 0)

    def close(self) -> None:
        """Free FFmpeg's buffers; the source stays open."""
        self._feed.close()
        self._close()


class _Gaps:
    """Time that the stamps of the container tell of and no frame fills, as where damage was thrown away.

    Parameters
    ----------
    trusted
        Whether the stamps of the container are right; else nothing is missing.

    Attributes
    ----------
    seconds
        All of it, so far.
    end
        Where the last frame ended.
    damaged
        Whether what is between the last frame and the next could not be decoded.
    """

    def __init__(self, *, trusted: bool) -> None:
        self._trusted = trusted
        self._tick: float | None = None  # seconds; to ask each frame for its time costs more than to decode it
        self.seconds = 0.0
        self.end: float | None = None
        self.damaged = False

    def before(self, frame: AudioFrame) -> float:
        """Seconds that are missing before the next frame."""
        stamp, last = frame.pts, self.end
        if self._tick is None and frame.time_base:
            self._tick = float(frame.time_base)
        begin = stamp * self._tick if self._trusted and stamp is not None and self._tick else last or 0.0
        self.end = begin + frame.samples / frame.sample_rate
        gap = 0.0 if last is None else begin - last
        least = _ROUNDING_SECONDS if self.damaged else _GAP_SECONDS
        self.damaged = False
        missing = gap if least < gap < _MOST_GAP_SECONDS else 0.0
        self.seconds += missing
        return missing


def _silence(samples: int, channels: int) -> Iterator[FloatBlock]:
    for start in range(0, samples, _SAMPLES_TOGETHER):
        yield np.zeros((min(_SAMPLES_TOGETHER, samples - start), channels), dtype=np.float32)


def _wma_frame(sample_rate: int, codec: str) -> int:
    """Samples in a frame of Windows Media Audio 1 and 2."""
    if sample_rate <= 16_000:
        return 512
    if sample_rate <= 22_050 or (sample_rate <= 32_000 and codec == "wmav1"):
        return 1024
    return 2048
