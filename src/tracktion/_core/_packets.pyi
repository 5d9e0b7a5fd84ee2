"""Calls of libavcodec, many frames in one."""

import numpy as np
from numpy.typing import NDArray

def decode_packet(
    context: int, packet: int, frame: int, send: int, receive: int, data: bytes, out: NDArray[np.float32]
) -> tuple[int, int]:
    """Decode the frames in `data` into the rows of `out`, one column a channel.

    The five integers are addresses: of an open ``AVCodecContext``, an ``AVPacket``, an ``AVFrame``,
    ``avcodec_send_packet`` and ``avcodec_receive_frame``. Returns the rows written, and 0, libavcodec's negative code,
    or 1 where a frame is not interleaved float32 of as many channels as `out` has, or where `out` is full.
    """
