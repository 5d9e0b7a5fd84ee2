"""A small convolutional network over frames."""

from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.stdint cimport uint16_t
from libc.string cimport memcpy, memset

cdef extern from "network.h" nogil:
    const int TK_SPAN
    void tk_mix(const float **rows, Py_ssize_t count, const float *weights, const float *bias, Py_ssize_t groups,
                float **out, Py_ssize_t frames, int rectify, int add)
    void tk_lookup(const uint16_t *halves, Py_ssize_t frames, Py_ssize_t bands, Py_ssize_t begin, Py_ssize_t width,
                   const float *table, const float *mean, const float *scale, float *out)

cdef enum:
    SPAN = 32
    MARGIN = 32
    BLOCK = 128
    MOST_ROWS = 1024
    MOST_CHANNELS = 512
    MOST_HIDDEN = 64


cdef Py_ssize_t _rounded(Py_ssize_t frames) noexcept nogil:
    return (frames + SPAN - 1) // SPAN * SPAN


cdef void _front(const uint16_t *halves, Py_ssize_t frames, Py_ssize_t bands, const float *table, const float *mean,
                 const float *scale, const float *w1, const float *b1, Py_ssize_t c1, Py_ssize_t k1, Py_ssize_t s1,
                 const float *w2, const float *b2, Py_ssize_t c2, Py_ssize_t k2, Py_ssize_t s2, const float *w3,
                 const float *b3, Py_ssize_t c3, float *out, Py_ssize_t stride, Py_ssize_t margin, float *work,
                 const float **rows, float **outs) noexcept nogil:
    # Buffers hold frames begin - MARGIN .. begin + BLOCK + MARGIN, so that neighbours at every edge are there.
    cdef Py_ssize_t width = BLOCK + 2 * MARGIN, f1 = (bands - k1) // s1 + 1, f2 = (f1 - k2) // s2 + 1
    cdef float *x = work
    cdef float *h1 = x + bands * width
    cdef float *h2 = h1 + c1 * f1 * width
    cdef Py_ssize_t begin, f, c, k, t, n, i, edge
    begin = 0
    while begin < frames:
        tk_lookup(halves, frames, bands, begin - MARGIN, width, table, mean, scale, x)
        for f in range(f1):
            n = 0
            for k in range(k1):
                for t in range(-1, 2):
                    rows[n] = x + (f * s1 + k) * width + SPAN // 2 + t
                    n += 1
            for c in range(c1):
                outs[c] = h1 + (c * f1 + f) * width + SPAN // 2
            tk_mix(rows, n, w1, b1, c1 // 4, outs, BLOCK + MARGIN, 1, 0)
        # Frames before the first and after the last are zero for the next layer, not what the bias makes of them.
        if begin == 0:
            for i in range(c1 * f1):
                memset(h1 + i * width, 0, MARGIN * sizeof(float))
        edge = frames - begin + MARGIN
        if edge < width:
            for i in range(c1 * f1):
                memset(h1 + i * width + edge, 0, (width - edge) * sizeof(float))
        for f in range(f2):
            n = 0
            for c in range(c1):
                for k in range(k2):
                    for t in range(-1, 2):
                        rows[n] = h1 + (c * f1 + f * s2 + k) * width + MARGIN + t
                        n += 1
            for c in range(c2):
                outs[c] = h2 + (c * f2 + f) * BLOCK
            tk_mix(rows, n, w2, b2, c2 // 4, outs, BLOCK, 1, 0)
        n = 0
        for c in range(c2):
            for f in range(f2):
                rows[n] = h2 + (c * f2 + f) * BLOCK
                n += 1
        for c in range(c3):
            outs[c] = out + c * stride + margin + begin
        t = _rounded(frames - begin)
        tk_mix(rows, n, w3, b3, c3 // 4, outs, t if t < BLOCK else BLOCK, 1, 0)
        begin += BLOCK
    for c in range(c3):
        memset(out + c * stride + margin + frames, 0, (stride - margin - frames) * sizeof(float))


def front(const uint16_t[:, ::1] halves not None, const float[::1] table not None, const float[::1] mean not None,
          const float[::1] scale not None, const float[:, :, ::1] w1 not None, const float[::1] b1 not None,
          const float[:, :, ::1] w2 not None, const float[::1] b2 not None, const float[:, :, ::1] w3 not None,
          const float[::1] b3 not None, Py_ssize_t stride1, Py_ssize_t stride2, Py_ssize_t margin,
          float[:, ::1] out not None):
    """See _network.pyi."""
    cdef Py_ssize_t frames = halves.shape[0], bands = halves.shape[1]
    cdef Py_ssize_t c1 = b1.shape[0], c2 = b2.shape[0], c3 = b3.shape[0]
    cdef Py_ssize_t k1 = w1.shape[1] // 3, k2 = w2.shape[1] // (3 * c1) if c1 else 0
    if stride1 < 1 or stride2 < 1 or k1 < 1 or k2 < 1 or bands < k1:
        raise ValueError("strides and kernels must be positive and fit into the bands")
    cdef Py_ssize_t f1 = (bands - k1) // stride1 + 1
    if f1 < k2:
        raise ValueError("strides and kernels must be positive and fit into the bands")
    cdef Py_ssize_t f2 = (f1 - k2) // stride2 + 1
    if w1.shape[0] * 4 != c1 or w2.shape[0] * 4 != c2 or w3.shape[0] * 4 != c3 or w3.shape[1] != c2 * f2 \
            or w1.shape[2] != 4 or w2.shape[2] != 4 or w3.shape[2] != 4 \
            or w1.shape[1] != 3 * k1 or w2.shape[1] != 3 * k2 * c1:
        raise ValueError("weights and biases do not belong together")
    if table.shape[0] != 32768 or mean.shape[0] != bands or scale.shape[0] != bands:
        raise ValueError("table needs 32768 entries, mean and scale one per band")
    if margin < 0 or out.shape[0] != c3 or out.shape[1] < 2 * margin + _rounded(frames):
        raise ValueError("out must have a row per channel with room for the margins")
    if max(w1.shape[1], w2.shape[1], w3.shape[1]) > MOST_ROWS or max(c1, c2, c3) > MOST_CHANNELS:
        raise ValueError("the network is too wide")
    if frames == 0:
        return
    cdef Py_ssize_t width = BLOCK + 2 * MARGIN
    cdef float *work = <float *>PyMem_Malloc((bands * width + c1 * f1 * width + c2 * f2 * BLOCK) * sizeof(float))
    if work == NULL:
        raise MemoryError
    cdef const float *rows[MOST_ROWS]
    cdef float *outs[MOST_CHANNELS]
    try:
        with nogil:
            _front(&halves[0, 0], frames, bands, &table[0], &mean[0], &scale[0], &w1[0, 0, 0], &b1[0], c1, k1, stride1,
                   &w2[0, 0, 0], &b2[0], c2, k2, stride2, &w3[0, 0, 0], &b3[0], c3, &out[0, 0], out.shape[1], margin,
                   work, rows, outs)
    finally:
        PyMem_Free(work)


def convolve(const float[:, ::1] x not None, const float[:, :, ::1] weights not None, const float[::1] bias not None,
             Py_ssize_t taps, Py_ssize_t dilation, Py_ssize_t margin, Py_ssize_t frames, bint rectify,
             float[:, ::1] out not None):
    """See _network.pyi."""
    cdef Py_ssize_t channels = x.shape[0], made = bias.shape[0], c, k, n = 0, span = _rounded(frames)
    if taps < 1 or taps % 2 == 0 or dilation < 1 or frames < 0 or margin < taps // 2 * dilation:
        raise ValueError("taps must be odd, and the margin as wide as they reach")
    if weights.shape[0] * 4 != made or weights.shape[1] != channels * taps or weights.shape[2] != 4:
        raise ValueError("weights and biases do not belong together")
    if out.shape[0] != made or out.shape[1] < 2 * margin + span or x.shape[1] < 2 * margin + span:
        raise ValueError("x and out must have a row per channel with room for the margins")
    if channels * taps > MOST_ROWS or made > MOST_CHANNELS:
        raise ValueError("the network is too wide")
    if frames == 0 or made == 0:
        return
    cdef const float *rows[MOST_ROWS]
    cdef float *outs[MOST_CHANNELS]
    with nogil:
        for c in range(channels):
            for k in range(taps):
                rows[n] = &x[c, margin] + (k - taps // 2) * dilation
                n += 1
        for c in range(made):
            outs[c] = &out[c, margin]
        tk_mix(rows, n, &weights[0, 0, 0], &bias[0], made // 4, outs, span, rectify, 0)
        for c in range(made):
            memset(&out[c, margin] + frames, 0, (span - frames) * sizeof(float))


cdef void _residual(const float *x, Py_ssize_t stride, Py_ssize_t channels, const float *wide, const float *wide_bias,
                    const float *narrow, const float *narrow_bias, Py_ssize_t taps, Py_ssize_t dilation,
                    Py_ssize_t frames, float *out, Py_ssize_t out_stride) noexcept nogil:
    # Block by block, so that what the first layer says is still in the cache when the second reads it.
    cdef float hidden[MOST_HIDDEN * BLOCK]
    cdef const float *rows[MOST_ROWS]
    cdef const float *between[MOST_HIDDEN]
    cdef float *into[MOST_HIDDEN]
    cdef float *outs[MOST_HIDDEN]
    cdef Py_ssize_t begin = 0, span = _rounded(frames), count, c, k
    for c in range(channels):
        between[c] = into[c] = hidden + c * BLOCK
    while begin < span:
        count = min(BLOCK, span - begin)
        for c in range(channels):
            outs[c] = out + c * out_stride + begin
            memcpy(outs[c], x + c * stride + begin, count * sizeof(float))
            for k in range(taps):
                rows[c * taps + k] = x + c * stride + begin + (k - taps // 2) * dilation
        tk_mix(rows, channels * taps, wide, wide_bias, channels // 4, into, count, 1, 0)
        tk_mix(between, channels, narrow, narrow_bias, channels // 4, outs, count, 0, 1)
        begin += BLOCK
    for c in range(channels):
        memset(out + c * out_stride + frames, 0, (span - frames) * sizeof(float))


def residual(const float[:, ::1] x not None, const float[:, :, ::1] wide not None,
             const float[::1] wide_bias not None, const float[:, :, ::1] narrow not None,
             const float[::1] narrow_bias not None, Py_ssize_t taps, Py_ssize_t dilation, Py_ssize_t margin,
             Py_ssize_t frames, float[:, ::1] out not None):
    """See _network.pyi."""
    cdef Py_ssize_t channels = x.shape[0], span = _rounded(frames)
    if taps < 1 or taps % 2 == 0 or dilation < 1 or frames < 0 or margin < taps // 2 * dilation:
        raise ValueError("taps must be odd, and the margin as wide as they reach")
    if wide_bias.shape[0] != channels or narrow_bias.shape[0] != channels or wide.shape[0] * 4 != channels \
            or narrow.shape[0] * 4 != channels or wide.shape[1] != channels * taps or narrow.shape[1] != channels \
            or wide.shape[2] != 4 or narrow.shape[2] != 4:
        raise ValueError("weights and biases do not belong together")
    if out.shape[0] != channels or out.shape[1] < 2 * margin + span or x.shape[1] < 2 * margin + span:
        raise ValueError("x and out must have a row per channel with room for the margins")
    if channels * taps > MOST_ROWS or channels > MOST_HIDDEN:
        raise ValueError("the network is too wide")
    if frames == 0 or channels == 0:
        return
    if &x[0, 0] == &out[0, 0]:
        raise ValueError("x and out must not be the same")
    with nogil:
        _residual(&x[0, margin], x.shape[1], channels, &wide[0, 0, 0], &wide_bias[0], &narrow[0, 0, 0],
                  &narrow_bias[0], taps, dilation, frames, &out[0, margin], out.shape[1])
