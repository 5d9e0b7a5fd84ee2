"""Downmix with statistics, windowed framing, magnitudes."""

cdef extern from "spectrum.h" nogil:
    void tk_downmix(const float *x, Py_ssize_t n, Py_ssize_t channels, float *out, double *stats)
    void tk_frame(const float *x, Py_ssize_t frames, Py_ssize_t hop, Py_ssize_t width, const float *window, float *out)
    void tk_magnitude(const float *z, Py_ssize_t n, float *out)


def downmix(const float[:, ::1] block not None, float[::1] out not None, double[::1] stats not None):
    """See _spectrum.pyi."""
    cdef Py_ssize_t n = block.shape[0], channels = block.shape[1]
    if out.shape[0] != n:
        raise ValueError("out must have one sample per frame of block")
    if stats.shape[0] != 5:
        raise ValueError("stats must have 5 entries")
    if n == 0 or channels == 0:
        return
    with nogil:
        tk_downmix(&block[0, 0], n, channels, &out[0], &stats[0])


def frame(const float[::1] samples not None, Py_ssize_t hop, const float[::1] window not None, float[:, ::1] out not None):
    """See _spectrum.pyi."""
    cdef Py_ssize_t frames = out.shape[0], width = window.shape[0]
    if hop < 1:
        raise ValueError("hop must be positive")
    if out.shape[1] != width:
        raise ValueError("out must be as wide as the window")
    if frames == 0 or width == 0:
        return
    if (frames - 1) * hop + width > samples.shape[0]:
        raise ValueError("not enough samples for the frames")
    with nogil:
        tk_frame(&samples[0], frames, hop, width, &window[0], &out[0, 0])


def magnitude(const float complex[:, ::1] spectrum not None, float[:, ::1] out not None):
    """See _spectrum.pyi."""
    if out.shape[0] != spectrum.shape[0] or out.shape[1] != spectrum.shape[1]:
        raise ValueError("out must have the shape of spectrum")
    cdef Py_ssize_t n = spectrum.shape[0] * spectrum.shape[1]
    if n == 0:
        return
    with nogil:
        tk_magnitude(<const float *>&spectrum[0, 0], n, &out[0, 0])
