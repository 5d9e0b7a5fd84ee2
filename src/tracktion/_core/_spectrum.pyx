"""Downmix with statistics."""

cdef extern from "spectrum.h" nogil:
    void tk_downmix(const float *x, Py_ssize_t n, Py_ssize_t channels, float *out, double *stats)


def downmix(const float[:, ::1] block not None, float[::1] out not None, double[::1] stats not None):
    """See _spectrum.pyi."""
    cdef Py_ssize_t n = block.shape[0], channels = block.shape[1]
    if out.shape[0] != n:
        raise ValueError("out must have one sample per frame of block")
    if stats.shape[0] != 4:
        raise ValueError("stats must have 4 entries")
    if n == 0 or channels == 0:
        return
    with nogil:
        tk_downmix(&block[0, 0], n, channels, &out[0], &stats[0])
