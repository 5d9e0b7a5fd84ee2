"""The libavcodec that PyAV brought, called for many frames at once.

PyAV gives the interpreter lock away and takes it back for each frame, a fiftieth of a millisecond of work; with a
second thread that wants the lock too, both mostly wait. Here a second and a half of MP3 is one call (two threads
decode twice the files, instead of 1.5 times). Where the library cannot be reached in this way, PyAV decodes.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import weakref
from collections.abc import Callable
from dataclasses import dataclass

import av.codec.context
import numpy as np

from tracktion._core.packets import decode_packet
from tracktion.audio.decoder import FloatBlock

__all__ = ["FrameDecoder"]

_MAJORS = range(60, 64)
"""Versions of libavcodec (FFmpeg 6 to 9) whose packets and frames are laid out as `packets.h` says."""


@dataclass(frozen=True, slots=True)
class _Library:
    handle: ctypes.CDLL
    decode: Callable[..., tuple[int, int]]
    send: int
    receive: int

    def call(self, name: str, *arguments: object) -> int:
        """Call a function that takes and returns pointers (or an int, as its low half)."""
        function = self.handle[name]
        function.restype = ctypes.c_void_p
        return function(*arguments) or 0


@functools.cache
def _library() -> _Library | None:
    if decode_packet is None:
        return None
    try:
        # Symbols are looked up in what the extension module was linked with, too.
        handle = ctypes.CDLL(av.codec.context.__file__)
        version = handle["avcodec_version"]
        version.restype = ctypes.c_uint
        if version() >> 16 not in _MAJORS:
            return None
        send, receive = (_address(handle[f"avcodec_{name}"]) for name in ("send_packet", "receive_frame"))
    except (OSError, AttributeError):
        return None
    return _Library(handle, decode_packet, send, receive)


def _address(pointer: ctypes._CData) -> int:
    return ctypes.cast(pointer, ctypes.c_void_p).value or 0


class FrameDecoder:
    """One of libavcodec's audio decoders, giving interleaved float32.

    Parameters
    ----------
    library
        PyAV's.
    codec
        Name, such as ``mp3float``.
    channels
        Of every frame.

    Raises
    ------
    LookupError
        The library has no such decoder.
    MemoryError
        It could not be opened for want of memory.
    """

    def __init__(self, library: _Library, codec: str, channels: int) -> None:
        self._library = library
        self._channels = channels
        decoder = library.call("avcodec_find_decoder_by_name", codec.encode())
        if not decoder:
            raise LookupError(codec)
        created = (
            library.call("avcodec_alloc_context3", None),
            library.call("av_packet_alloc"),
            library.call("av_frame_alloc"),
        )
        self.close = weakref.finalize(self, _free, library, *map(ctypes.c_void_p, created))
        self._context, self._packet, self._frame = created
        context = ctypes.c_void_p(self._context)
        if not all(created):
            raise MemoryError
        library.call("av_opt_set", context, b"request_sample_fmt", b"flt", ctypes.c_int(0))
        if ctypes.c_int(library.call("avcodec_open2", context, ctypes.c_void_p(decoder), None)).value:
            raise MemoryError

    @classmethod
    def open(cls, codec: str, *, channels: int) -> FrameDecoder | None:
        """Return a decoder; None where PyAV has to do it."""
        library = _library()
        with contextlib.suppress(LookupError, MemoryError):
            return cls(library, codec, channels) if library else None
        return None

    def decode(self, data: bytes, *, samples: int) -> FloatBlock | None:
        """Decode frames that follow one another.

        Parameters
        ----------
        data
            Whole frames.
        samples
            As many as they hold, per channel.

        Returns
        -------
        array of float32 or None
            Shape (n, channels) with ``n <= samples``: what could be decoded; None where a frame has other channels.
        """
        out = np.empty((samples, self._channels), dtype=np.float32)
        calls = self._library.send, self._library.receive
        decoded, code = self._library.decode(self._context, self._packet, self._frame, *calls, data, out)
        return None if code > 0 else out[:decoded]


def _free(library: _Library, context: ctypes.c_void_p, packet: ctypes.c_void_p, frame: ctypes.c_void_p) -> None:
    """Each of these takes the address of a pointer, and passes over a null pointer."""
    library.call("avcodec_free_context", ctypes.byref(context))
    library.call("av_packet_free", ctypes.byref(packet))
    library.call("av_frame_free", ctypes.byref(frame))
