"""Decimation and the pitches that stand out of a spectrum."""

from libc.stdlib cimport free, malloc

cdef extern from "chroma.h" nogil:
    void tk_decimate(const float *x, const float *taps, Py_ssize_t width, Py_ssize_t factor, float *out, Py_ssize_t n)
    void tk_pitch_peaks(
        const float *z, Py_ssize_t bins, const int *low, const int *high, Py_ssize_t first, Py_ssize_t last,
        float gate, float contrast, double origin, double per_octave, float *work, double *sums, float *out,
        Py_ssize_t width)


def decimate(const float[::1] samples not None, const float[::1] taps not None, Py_ssize_t factor, float[::1] out not None):
    """See _chroma.pyi."""
    cdef Py_ssize_t n = out.shape[0], width = taps.shape[0]
    if factor < 1:
        raise ValueError("factor must be positive")
    if width < 1:
        raise ValueError("there must be taps")
    if n == 0:
        return
    if (n - 1) * factor + width > samples.shape[0]:
        raise ValueError("not enough samples for the output")
    with nogil:
        tk_decimate(&samples[0], &taps[0], width, factor, &out[0], n)


def pitch_peaks(
    const float complex[:, ::1] spectrum not None, const int[::1] low not None, const int[::1] high not None,
    Py_ssize_t first, Py_ssize_t last, float gate, float contrast, double origin, double per_octave,
    float[:, ::1] out not None,
):
    """See _chroma.pyi."""
    cdef Py_ssize_t frames = spectrum.shape[0], bins = spectrum.shape[1], width = out.shape[1], i
    cdef float *work
    cdef double *sums
    if out.shape[0] != frames:
        raise ValueError("out must have one row per frame of spectrum")
    if low.shape[0] != bins or high.shape[0] != bins:
        raise ValueError("low and high must have one entry per bin")
    if not 1 <= first <= last <= bins - 1:
        raise ValueError("first and last must leave a bin on either side")
    if contrast <= 0:
        raise ValueError("contrast must be positive")
    for i in range(bins):
        if not 0 <= low[i] < high[i] <= bins:
            raise ValueError("neighbourhoods must hold a bin and lie within the spectrum")
    if frames == 0 or width == 0:
        return
    work = <float *>malloc(bins * sizeof(float))
    sums = <double *>malloc((bins + 1) * sizeof(double))
    if work == NULL or sums == NULL:
        free(work)
        free(sums)
        raise MemoryError("no memory for one spectrum")
    with nogil:
        for i in range(frames):
            tk_pitch_peaks(
                <const float *>&spectrum[i, 0], bins, &low[0], &high[0], first, last, gate, contrast, origin,
                per_octave, work, sums, &out[i, 0], width)
    free(work)
    free(sums)
