"""Half the sample rate."""

cdef extern from "halve.h" nogil:
    void tk_halve(const float *x, Py_ssize_t n, const float *taps, Py_ssize_t pairs, float *out)


def halve(const float[::1] samples not None, const float[::1] taps not None, float[::1] out not None):
    """See _halve.pyi."""
    cdef Py_ssize_t pairs = taps.shape[0], n = out.shape[0]
    if pairs < 1 or pairs > 64:
        raise ValueError("a half-band filter has 1 to 64 pairs of taps")
    if n == 0:
        return
    if samples.shape[0] < 2 * n + 4 * pairs - 3:
        raise ValueError("not enough samples for the output")
    with nogil:
        tk_halve(&samples[0], n, &taps[0], pairs, &out[0])
