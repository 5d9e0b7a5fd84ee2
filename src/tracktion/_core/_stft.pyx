"""Magnitudes of short-time Fourier transforms, eight frames at a time."""

cdef extern from "stft.h" nogil:
    int TK_LANES
    void tk_stft_magnitude(const float *x, Py_ssize_t hop, Py_ssize_t frames, Py_ssize_t m, const float *window,
                           const float *turn, const float *half, float *work, float *out)


def stft_magnitude(const float[::1] samples not None, Py_ssize_t hop, const float[::1] window not None,
                   const float[::1] turn not None, const float[::1] half not None, float[::1] work not None,
                   float[:, ::1] out not None):
    """See _stft.pyi."""
    cdef Py_ssize_t frames = out.shape[0], m = window.shape[0] // 2, n = m
    while n > 1 and n % 2 == 0:
        n //= 2
    if n != 1 or window.shape[0] != 2 * m:
        raise ValueError("the window must be a power of two long, at least 2")
    if hop < 1:
        raise ValueError("hop must be positive")
    if out.shape[1] != m + 1:
        raise ValueError("out must have one column per bin")
    if turn.shape[0] != 2 * m or half.shape[0] != 2 * (m // 2) + 2 or work.shape[0] < (4 * m + 4) * TK_LANES:
        raise ValueError("tables or work of the wrong size: use stft_tables of the same window")
    if frames == 0:
        return
    if (frames - 1) * hop + 2 * m > samples.shape[0]:
        raise ValueError("not enough samples for the frames")
    with nogil:
        tk_stft_magnitude(&samples[0], hop, frames, m, &window[0], &turn[0], &half[0], &work[0], &out[0, 0])
