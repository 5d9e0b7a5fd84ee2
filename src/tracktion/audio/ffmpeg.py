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
from tracktion.audio.source import Source
from tracktion.errors import CorruptError, TracktionError, UnsupportedError

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer

__all__ = ["FFmpegDecoder"]

DEMUXERS = (
    "aac,ac3,ac4,aiff,amr,amrnb,amrwb,ape,asf,au,bonk,caf,dff,dsf,dts,dtshd,eac3,flac,iff,ircam,loas,matroska,mlp,mov,mp3,"
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
# Raw streams of frames: their duration is FFmpeg's guess from the bit rate, not a claim of the file.
_GUESSED_DURATION = frozenset(
    {"aac", "ac3", "ac4", "amr", "amrnb", "amrwb", "dts", "dtshd", "eac3", "loas", "mlp", "mp3", "truehd"}
)
_OFFSET = {"u8": 128}
_SCALE = {"u8": 2.0**-7, "s16": 2.0**-15, "s32": 2.0**-31, "s64": 2.0**-63, "flt": 1.0, "dbl": 1.0}
_DTYPE = {"u8": "u1", "s16": "i2", "s32": "i4", "s64": "i8", "flt": "f4", "dbl": "f8"}
_LEAKED = (av.error.FFmpegError, OSError, ValueError, MemoryError, RuntimeError, ArithmeticError, LookupError)
_BAD_PACKETS_IN_A_ROW = 10_000


class _Reader:
    """The file as FFmpeg sees it: no name, no more bytes than asked for."""

    def __init__(self, source: Source) -> None:
        self.read = source.read
        self.seek = source.seek
        self.tell = source.tell


def _refuse(*_: Any) -> Any:
    raise PermissionError("a file may not open another")


@contextlib.contextmanager
def _translated(source_name: str, stage: str) -> Iterator[None]:
    try:
        yield
    except TracktionError:
        raise
    except (
        av.error.FFmpegError,
        OSError,
        ValueError,
        MemoryError,
        RuntimeError,
        ArithmeticError,
        LookupError,
    ) as error:
        kind = UnsupportedError if stage == "open" else CorruptError
        raise kind(f"FFmpeg: {_message(error)}", file=source_name, stage=stage) from error


def _message(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)


class FFmpegDecoder:
    """Decode `source` with FFmpeg; see `Decoder`.

    Parameters
    ----------
    source
        Open source.
    skip_frames, keep_frames
        Samples to drop at the start, and to keep after them (None: all): what MP3 headers tell about the encoder's
        delay. With None for `skip_frames`, FFmpeg trims as the container says.
    max_channels
        Frames with more channels raise `CorruptError`.

    Raises
    ------
    UnsupportedError
        FFmpeg finds no audio that it knows.
    """

    name = "FFmpeg"

    def __init__(
        self, source: Source, *, skip_frames: int | None = None, keep_frames: int | None = None, max_channels: int = 32
    ) -> None:
        self._source_name = source.name
        self._max_channels = max_channels
        self.notes: dict[str, str] = {}
        source.seek(0, io.SEEK_SET)
        with contextlib.ExitStack() as stack:
            stack.enter_context(_translated(source.name, "open"))
            container = stack.enter_context(
                av.open(
                    _Reader(source),
                    "r",
                    container_options={"format_whitelist": DEMUXERS, "codec_whitelist": DECODERS},
                    metadata_errors="replace",
                    buffer_size=_BUFFER_BYTES,
                    io_open=_refuse,
                )
            )
            stream = self._audio_stream(container)
            context = stream.codec_context
            if skip_frames is not None:
                context.flags2 |= av.codec.context.Flags2.skip_manual
            self.sample_rate = int(context.sample_rate or 0)
            self.channels = int(context.layout.nb_channels)
            self.format = container.format.name.split(",")[0]
            self.codec = str(context.name)
            self.declared_frames = self._declared(container, stream)
            self._close = stack.pop_all().close
        self._container = container
        self._skip = skip_frames or 0
        self._keep = keep_frames
        self._pieces = self._decoded(stream)
        self._pending: FloatBlock | None = None
        self._resampler: Any = None
        self._layout = context.layout.name

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
        if stream.duration is not None and stream.time_base is not None:
            seconds = float(stream.duration * stream.time_base)
        elif container.duration is not None:
            seconds = container.duration / av.time_base
        else:
            return None
        frames = round(seconds * self.sample_rate)
        return frames if 0 <= frames < 1 << 62 else None

    def read(self, frames: int) -> FloatBlock:
        """Return the next samples; see `Decoder.read`."""
        block = np.empty((frames, self.channels), dtype=np.float32)
        filled = 0
        while filled < frames:
            piece = self._pending
            self._pending = None
            if piece is None:
                piece = next(self._pieces, None)
            if piece is None:
                break
            n = min(len(piece), frames - filled)
            block[filled : filled + n] = piece[:n]
            filled += n
            if n < len(piece):
                self._pending = piece[n:]
        return block[:filled]

    def _decoded(self, stream: AudioStream) -> Iterator[FloatBlock]:
        kept = 0
        for frame in self._frames(stream):
            for whole in self._floats(frame):
                skip = min(self._skip, len(whole))
                self._skip -= skip
                stop = None if self._keep is None else skip + self._keep - kept
                piece = whole[skip:stop]
                kept += len(piece)
                if len(piece):
                    yield piece
            if self._keep is not None and kept >= self._keep:
                return

    def _frames(self, stream: AudioStream) -> Iterator[AudioFrame]:
        """Decoded frames; damaged packets are passed over, as players do."""
        bad, bad_in_a_row = 0, 0
        last: Exception | None = None
        try:
            packets = self._container.demux(stream)
            while True:
                packet = next(packets, None)
                if packet is None:
                    break
                try:
                    frames = packet.decode()
                except EOFError:
                    break
                except _LEAKED as error:
                    bad, bad_in_a_row, last = bad + 1, bad_in_a_row + 1, error
                    if bad_in_a_row > _BAD_PACKETS_IN_A_ROW:
                        break
                    continue
                if frames:
                    bad_in_a_row = 0
                yield from frames
        except _LEAKED as error:
            self.notes["truncated"] = f"the container ends in damage: {_message(error)}"
            last = error
        if bad:
            self.notes["repaired"] = f"{bad} damaged packets were passed over ({_message(last) if last else ''})"

    def _floats(self, frame: AudioFrame) -> Iterator[FloatBlock]:
        channels = frame.layout.nb_channels
        if channels != self.channels or frame.sample_rate != self.sample_rate:
            if channels > self._max_channels:
                raise CorruptError(f"a frame with {channels} channels", file=self._source_name, stage="decode")
            self.notes["format_change"] = "the sample rate or channel count changes on the way; the first is kept"
            if self._resampler is None:
                self._resampler = av.AudioResampler(format="flt", layout=self._layout, rate=self.sample_rate)
            with _translated(self._source_name, "decode"):
                for changed in self._resampler.resample(frame):
                    yield _to_floats(changed)
            return
        yield _to_floats(frame)

    def close(self) -> None:
        """Free FFmpeg's buffers; the source stays open."""
        self._pieces = iter(())
        self._close()


def _to_floats(frame: AudioFrame) -> FloatBlock:
    """Samples of a frame [shape (n, channels)], full scale ±1."""
    samples, channels = frame.samples, frame.layout.nb_channels
    kind = frame.format.name.removesuffix("p")
    dtype: np.dtype[Any] = np.dtype(_DTYPE[kind])
    planes: Any = frame.planes
    if frame.format.is_planar:
        raw = np.empty((samples, channels), dtype=dtype)
        for channel, plane in enumerate(planes):
            raw[:, channel] = np.frombuffer(plane, dtype=dtype, count=samples)
    else:
        raw = np.frombuffer(planes[0], dtype=dtype, count=samples * channels).reshape(samples, channels)
    if kind == "flt":
        return raw
    floats = raw.astype(np.float32)
    if kind in _OFFSET:
        floats -= _OFFSET[kind]
    floats *= np.float32(_SCALE[kind])
    return floats
