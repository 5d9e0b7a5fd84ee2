"""A small convolutional network over frames, in integers of 16 bits."""

from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.stdint cimport int16_t, int32_t, uint16_t
from libc.string cimport memcpy, memset

cdef extern from "network.h" nogil:
    ctypedef int32_t tk_pair
    cdef enum tk_ending:
        TK_RECTIFIED
        TK_ADDED
        TK_VALUE
    void tk_mix(const tk_pair **rows, Py_ssize_t count, const tk_pair *weights, const int32_t *bias,
                const float *scale, Py_ssize_t groups, tk_pair **out, Py_ssize_t frames, tk_ending ending)
    void tk_lookup(const uint16_t *halves, Py_ssize_t frames, Py_ssize_t bands, Py_ssize_t begin, Py_ssize_t width,
                   const float *table, const float *mean, const float *scale, tk_pair *out)

cdef enum:
    SPAN = 32
    MARGIN = 32
    BLOCK = 128
    MOST_ROWS = 1024
    MOST_CHANNELS = 512
    MOST_PAIRS = 32

cdef struct Layer:
    const tk_pair *weights
    const int32_t *bias
    const float *scale
    Py_ssize_t channels
    Py_ssize_t rows


cdef Layer _layer(const int16_t[:, :, :, ::1] weights, const int32_t[::1] bias, const float[::1] scale) except *:
    """Raises where the parts do not fit each other; the arrays must outlive the layer."""
    cdef Layer layer
    if bias.shape[0] == 0 or weights.shape[1] == 0 or weights.shape[0] * 4 != bias.shape[0] \
            or scale.shape[0] != bias.shape[0] or weights.shape[2] != 4 or weights.shape[3] != 2:
        raise ValueError("weights, bias and scale do not belong together")
    if weights.shape[1] > MOST_ROWS or bias.shape[0] > MOST_CHANNELS:
        raise ValueError("the network is too wide")
    layer.weights, layer.bias, layer.scale = <const tk_pair *>&weights[0, 0, 0, 0], &bias[0], &scale[0]
    layer.channels, layer.rows = bias.shape[0], weights.shape[1]
    return layer


cdef Py_ssize_t _rounded(Py_ssize_t frames) noexcept nogil:
    return (frames + SPAN - 1) // SPAN * SPAN


cdef void _mix(const Layer *layer, const tk_pair **rows, tk_pair **out, Py_ssize_t frames,
               tk_ending ending) noexcept nogil:
    tk_mix(rows, layer.rows, layer.weights, layer.bias, layer.scale, layer.channels // 4, out, frames, ending)


cdef void _front(const uint16_t *halves, Py_ssize_t frames, Py_ssize_t bands, const float *table, const float *mean,
                 const float *scale, const Layer *first, const Layer *second, const Layer *third, Py_ssize_t k1,
                 Py_ssize_t s1, Py_ssize_t k2, Py_ssize_t s2, tk_pair *out, Py_ssize_t stride, Py_ssize_t margin,
                 tk_pair *work) noexcept nogil:
    # Buffers hold frames begin - MARGIN .. begin + BLOCK + MARGIN, so that neighbours at every edge are there.
    cdef const tk_pair *rows[MOST_ROWS]
    cdef tk_pair *outs[MOST_CHANNELS]
    cdef Py_ssize_t width = BLOCK + 2 * MARGIN, f1 = (bands - k1) // s1 + 1, f2 = (f1 - k2) // s2 + 1
    cdef Py_ssize_t p1 = first.channels // 2, p2 = second.channels // 2, p3 = third.channels // 2
    cdef tk_pair *x = work
    cdef tk_pair *h1 = x + bands * width
    cdef tk_pair *h2 = h1 + p1 * f1 * width
    cdef Py_ssize_t begin = 0, f, c, k, t, n, i, edge
    while begin < frames:
        tk_lookup(halves, frames, bands, begin - MARGIN, width, table, mean, scale, x)
        for f in range(f1):
            for k in range(k1):
                rows[2 * k] = x + (f * s1 + k) * width + SPAN // 2 - 1
                rows[2 * k + 1] = rows[2 * k] + 2
            for c in range(p1):
                outs[c] = h1 + (c * f1 + f) * width + SPAN // 2
            _mix(first, rows, outs, BLOCK + MARGIN, TK_RECTIFIED)
        # Frames before the first and after the last are zero for the next layer, not what the bias makes of them.
        if begin == 0:
            for i in range(p1 * f1):
                memset(h1 + i * width, 0, MARGIN * sizeof(tk_pair))
        edge = frames - begin + MARGIN
        if edge < width:
            for i in range(p1 * f1):
                memset(h1 + i * width + edge, 0, (width - edge) * sizeof(tk_pair))
        for f in range(f2):
            n = 0
            for c in range(p1):
                for k in range(k2):
                    for t in range(-1, 2):
                        rows[n] = h1 + (c * f1 + f * s2 + k) * width + MARGIN + t
                        n += 1
            for c in range(p2):
                outs[c] = h2 + (c * f2 + f) * BLOCK
            _mix(second, rows, outs, BLOCK, TK_RECTIFIED)
        for i in range(p2 * f2):
            rows[i] = h2 + i * BLOCK
        for c in range(p3):
            outs[c] = out + c * stride + margin + begin
        _mix(third, rows, outs, min(<Py_ssize_t>BLOCK, _rounded(frames - begin)), TK_RECTIFIED)
        begin += BLOCK
    for c in range(p3):
        memset(out + c * stride + margin + frames, 0, (stride - margin - frames) * sizeof(tk_pair))


def front(const uint16_t[:, ::1] halves not None, const float[::1] table not None, const float[::1] mean not None,
          const float[::1] scale not None, const int16_t[:, :, :, ::1] w1 not None, const int32_t[::1] b1 not None,
          const float[::1] g1 not None, const int16_t[:, :, :, ::1] w2 not None, const int32_t[::1] b2 not None,
          const float[::1] g2 not None, const int16_t[:, :, :, ::1] w3 not None, const int32_t[::1] b3 not None,
          const float[::1] g3 not None, Py_ssize_t stride1, Py_ssize_t stride2, Py_ssize_t margin,
          int16_t[:, :, ::1] out not None):
    """See _network.pyi."""
    cdef Py_ssize_t frames = halves.shape[0], bands = halves.shape[1]
    cdef Layer first = _layer(w1, b1, g1), second = _layer(w2, b2, g2), third = _layer(w3, b3, g3)
    cdef Py_ssize_t p1 = first.channels // 2, p2 = second.channels // 2
    cdef Py_ssize_t k1 = first.rows // 2, k2 = second.rows // (3 * p1)
    if stride1 < 1 or stride2 < 1 or k1 < 1 or k2 < 1 or bands < k1:
        raise ValueError("strides and kernels must be positive and fit into the bands")
    cdef Py_ssize_t f1 = (bands - k1) // stride1 + 1
    if f1 < k2:
        raise ValueError("strides and kernels must be positive and fit into the bands")
    cdef Py_ssize_t f2 = (f1 - k2) // stride2 + 1
    if first.rows != 2 * k1 or second.rows != 3 * k2 * p1 or third.rows != p2 * f2:
        raise ValueError("weights of the layers do not belong together")
    if table.shape[0] != 32768 or mean.shape[0] != bands or scale.shape[0] != bands:
        raise ValueError("table needs 32768 entries, mean and scale one per band")
    if margin < 0 or out.shape[0] * 2 != third.channels or out.shape[1] < 2 * margin + _rounded(frames) \
            or out.shape[2] != 2:
        raise ValueError("out must have a row per pair of channels with room for the margins")
    if frames == 0:
        return
    cdef Py_ssize_t width = BLOCK + 2 * MARGIN
    cdef tk_pair *work = <tk_pair *>PyMem_Malloc((bands * width + p1 * f1 * width + p2 * f2 * BLOCK) * sizeof(tk_pair))
    if work == NULL:
        raise MemoryError
    try:
        with nogil:
            _front(&halves[0, 0], frames, bands, &table[0], &mean[0], &scale[0], &first, &second, &third, k1, stride1,
                   k2, stride2, <tk_pair *>&out[0, 0, 0], out.shape[1], margin, work)
    finally:
        PyMem_Free(work)


cdef void _residual(const tk_pair *x, Py_ssize_t stride, const Layer *wide, const Layer *narrow, Py_ssize_t taps,
                    Py_ssize_t dilation, Py_ssize_t frames, tk_pair *out, Py_ssize_t out_stride) noexcept nogil:
    # Block by block, so that what the first layer says is still in the cache when the second reads it.
    cdef tk_pair hidden[MOST_PAIRS * BLOCK]
    cdef const tk_pair *rows[MOST_ROWS]
    cdef const tk_pair *between[MOST_PAIRS]
    cdef tk_pair *into[MOST_PAIRS]
    cdef tk_pair *outs[MOST_PAIRS]
    cdef Py_ssize_t begin = 0, span = _rounded(frames), pairs = narrow.rows, count, c, k
    for c in range(pairs):
        between[c] = into[c] = hidden + c * BLOCK
    while begin < span:
        count = min(<Py_ssize_t>BLOCK, span - begin)
        for c in range(pairs):
            outs[c] = out + c * out_stride + begin
            memcpy(outs[c], x + c * stride + begin, count * sizeof(tk_pair))
            for k in range(taps):
                rows[c * taps + k] = x + c * stride + begin + (k - taps // 2) * dilation
        _mix(wide, rows, into, count, TK_RECTIFIED)
        _mix(narrow, between, outs, count, TK_ADDED)
        begin += BLOCK
    for c in range(pairs):
        memset(out + c * out_stride + frames, 0, (span - frames) * sizeof(tk_pair))


def residual(const int16_t[:, :, ::1] x not None, const int16_t[:, :, :, ::1] wide not None,
             const int32_t[::1] wide_bias not None, const float[::1] wide_scale not None,
             const int16_t[:, :, :, ::1] narrow not None, const int32_t[::1] narrow_bias not None,
             const float[::1] narrow_scale not None, Py_ssize_t taps, Py_ssize_t dilation, Py_ssize_t margin,
             Py_ssize_t frames, int16_t[:, :, ::1] out not None):
    """See _network.pyi."""
    cdef Py_ssize_t pairs = x.shape[0], span = _rounded(frames)
    cdef Layer outer = _layer(wide, wide_bias, wide_scale), inner = _layer(narrow, narrow_bias, narrow_scale)
    if taps < 1 or taps % 2 == 0 or dilation < 1 or frames < 0 or margin < taps // 2 * dilation:
        raise ValueError("taps must be odd, and the margin as wide as they reach")
    if outer.channels != 2 * pairs or inner.channels != 2 * pairs or outer.rows != pairs * taps or inner.rows != pairs:
        raise ValueError("weights of the layers do not belong together")
    if out.shape[0] != pairs or out.shape[1] < 2 * margin + span or x.shape[1] < 2 * margin + span \
            or x.shape[2] != 2 or out.shape[2] != 2:
        raise ValueError("x and out must have a row per pair of channels with room for the margins")
    if pairs > MOST_PAIRS:
        raise ValueError("the network is too wide")
    if frames == 0:
        return
    if &x[0, 0, 0] == &out[0, 0, 0]:
        raise ValueError("x and out must not be the same")
    with nogil:
        _residual(<const tk_pair *>&x[0, margin, 0], x.shape[1], &outer, &inner, taps, dilation, frames,
                  <tk_pair *>&out[0, margin, 0], out.shape[1])


def dense(const int16_t[:, :, ::1] x not None, const int16_t[:, :, :, ::1] weights not None,
          const int32_t[::1] bias not None, const float[::1] scale not None, Py_ssize_t margin, Py_ssize_t frames,
          float[:, ::1] out not None):
    """See _network.pyi."""
    cdef Layer layer = _layer(weights, bias, scale)
    cdef Py_ssize_t c, span = _rounded(frames)
    if layer.rows != x.shape[0]:
        raise ValueError("weights and x do not belong together")
    if margin < 0 or frames < 0 or x.shape[1] < 2 * margin + span or x.shape[2] != 2 \
            or out.shape[0] != layer.channels or out.shape[1] < span:
        raise ValueError("x and out must have a row per pair of channels, or channel, with room for all frames")
    if frames == 0:
        return
    cdef const tk_pair *rows[MOST_ROWS]
    cdef tk_pair *outs[MOST_CHANNELS]
    with nogil:
        for c in range(layer.rows):
            rows[c] = <const tk_pair *>&x[c, margin, 0]
        for c in range(layer.channels):
            outs[c] = <tk_pair *>&out[c, 0]
        _mix(&layer, rows, outs, span, TK_VALUE)
