"""Decimation, the pitches that stand out of a spectrum, affine layers."""

from libc.stdint cimport int32_t
from libc.stdlib cimport free, malloc

cdef extern from "chroma.h" nogil:
    enum:
        TK_LANES
        TK_GROUP
        TK_COLUMNS
    ctypedef struct tk_frame_space:
        float *floor
        float *parts
        double *sums
        int32_t *peak
        int32_t *found
    void tk_decimate(
        const float *x, Py_ssize_t samples, const float *taps, Py_ssize_t width, Py_ssize_t factor, float *phases,
        float *out, Py_ssize_t n)
    void tk_pitch_peaks(
        const float *magnitudes, Py_ssize_t bins, const int *low, const int *high, Py_ssize_t first, Py_ssize_t last,
        float gate, float contrast, float origin, float per_octave, tk_frame_space space, float *out,
        Py_ssize_t width)
    void tk_affine(
        const float *x, Py_ssize_t stride, Py_ssize_t rows, Py_ssize_t inputs, const float *w, const float *b,
        Py_ssize_t padded, Py_ssize_t outputs, int add, int rectify, float *out)


def decimate(
    const float[::1] samples not None, const float[::1] taps not None, Py_ssize_t factor, float[::1] out not None,
):
    """See _chroma.pyi."""
    cdef Py_ssize_t n = out.shape[0], width = taps.shape[0]
    cdef float *phases
    if factor < 1:
        raise ValueError("factor must be positive")
    if width < 1:
        raise ValueError("there must be taps")
    if n == 0:
        return
    if (n - 1) * factor + width > samples.shape[0]:
        raise ValueError("not enough samples for the output")
    phases = <float *>malloc(factor * (TK_LANES + width // factor + 1) * sizeof(float))
    if phases == NULL:
        raise MemoryError("no memory for the filter")
    with nogil:
        tk_decimate(&samples[0], samples.shape[0], &taps[0], width, factor, phases, &out[0], n)
    free(phases)


def pitch_peaks(
    const float[:, ::1] magnitudes not None, const int[::1] low not None, const int[::1] high not None,
    Py_ssize_t first, Py_ssize_t last, float gate, float contrast, float origin, float per_octave,
    float[:, ::1] out not None,
):
    """See _chroma.pyi."""
    cdef Py_ssize_t frames = magnitudes.shape[0], bins = magnitudes.shape[1], width = out.shape[1], i
    cdef Py_ssize_t groups = bins // TK_GROUP
    cdef float *room
    cdef tk_frame_space space
    if out.shape[0] != frames:
        raise ValueError("out must have one row per frame of magnitudes")
    if low.shape[0] != groups or high.shape[0] != groups:
        raise ValueError("low and high must have one entry per group of eight bins")
    if not 1 <= first <= last <= groups * TK_GROUP - 1:
        raise ValueError("first and last must leave a bin on either side, within whole groups")
    if contrast <= 0:
        raise ValueError("contrast must be positive")
    for i in range(groups):
        if not 0 <= low[i] < high[i] <= groups:
            raise ValueError("neighbourhoods must hold a group and lie within the spectrum")
    if frames == 0 or width == 0:
        return
    room = <float *>malloc(bins * (5 * sizeof(float) + 2 * sizeof(int32_t)))
    space.sums = <double *>malloc((groups + 1) * sizeof(double))
    if room == NULL or space.sums == NULL:
        free(room)
        free(space.sums)
        raise MemoryError("no memory for one spectrum")
    space.floor, space.parts = room, room + bins
    space.peak = <int32_t *>(room + 5 * bins)
    space.found = space.peak + bins
    with nogil:
        for i in range(frames):
            tk_pitch_peaks(
                &magnitudes[i, 0], bins, &low[0], &high[0], first, last, gate, contrast, origin,
                per_octave, space, &out[i, 0], width)
    free(room)
    free(space.sums)


def affine(
    const float[:, :] x not None, const float[:, ::1] weights not None, const float[::1] bias not None, bint add,
    bint rectify, float[:, ::1] out not None,
):
    """See _chroma.pyi."""
    cdef Py_ssize_t rows = x.shape[0], inputs = x.shape[1], padded = weights.shape[1], outputs = out.shape[1]
    cdef Py_ssize_t stride = x.strides[0] // <Py_ssize_t>sizeof(float)
    if weights.shape[0] != inputs:
        raise ValueError("weights must have one row per column of x")
    if padded % TK_COLUMNS or not padded - TK_COLUMNS < outputs <= padded:
        raise ValueError("weights must have the columns of out, padded to a multiple of 32")
    if bias.shape[0] != padded:
        raise ValueError("bias must be as long as the weights are wide")
    if out.shape[0] != rows:
        raise ValueError("out must have the rows of x")
    if rows == 0 or outputs == 0 or inputs == 0:
        raise ValueError("there must be rows, inputs and outputs")
    if inputs > 1 and x.strides[1] != sizeof(float):
        raise ValueError("rows of x must be contiguous")
    with nogil:
        tk_affine(
            &x[0, 0], stride, rows, inputs, &weights[0, 0], &bias[0], padded, outputs, add, rectify, &out[0, 0])
