"""Calls of libavcodec, many frames in one."""

from libc.stdint cimport uint8_t

cdef extern from "packets.h" nogil:
    ctypedef int (*tk_send)(void *context, const void *packet)
    ctypedef int (*tk_receive)(void *context, void *frame)
    int tk_decode_packet(void *context, void *packet, void *frame, tk_send send, tk_receive receive,
                         const uint8_t *data, int size, float *out, Py_ssize_t room, int channels, Py_ssize_t *decoded)


def decode_packet(size_t context, size_t packet, size_t frame, size_t send, size_t receive,
                  const uint8_t[::1] data not None, float[:, ::1] out not None):
    """See _packets.pyi."""
    cdef Py_ssize_t decoded = 0
    cdef int code
    if not (context and packet and frame and send and receive):
        raise ValueError("a null pointer")
    if data.shape[0] < 1 or data.shape[0] > 1 << 30 or out.shape[0] < 1 or out.shape[1] < 1 or out.shape[1] > 64:
        raise ValueError("nothing to decode, or no room for it")
    with nogil:
        code = tk_decode_packet(<void *>context, <void *>packet, <void *>frame, <tk_send>send, <tk_receive>receive,
                                &data[0], <int>data.shape[0], &out[0, 0], out.shape[0], <int>out.shape[1], &decoded)
    return decoded, code
