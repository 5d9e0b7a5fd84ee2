"""Dynamic programmes over beats and bars."""

import numpy as np

from libc.stdint cimport int32_t, uint8_t

cdef extern from "beats.h" nogil:
    const int TK_TOGETHER
    Py_ssize_t tk_beat_path(const float *odds, Py_ssize_t frames, const float *prior, Py_ssize_t shortest,
                            Py_ssize_t count, Py_ssize_t reach, const float *cost, Py_ssize_t together, Py_ssize_t size,
                            float *ring, float *scores, float *best, uint8_t *links, int32_t *out)
    void tk_bar_path(const float *odds, Py_ssize_t beats, const int32_t *metres, const float *prior, Py_ssize_t count,
                     float slip, float change, float *score, float *next, int32_t *links, int32_t *out)


def beat_path(const float[::1] odds not None, const float[::1] prior not None, Py_ssize_t shortest,
              const float[:, ::1] cost not None):
    """See _beats.pyi."""
    cdef Py_ssize_t frames = odds.shape[0], count = prior.shape[0], reach = cost.shape[0] // 2, n
    if count < 1 or count > 256 or shortest < 1:
        raise ValueError("there must be 1 to 256 intervals, all positive")
    if cost.shape[0] % 2 == 0 or cost.shape[1] != count:
        raise ValueError("cost must have an odd number of rows and a column per interval")
    if frames == 0:
        return np.empty(0, np.int32)
    cdef Py_ssize_t together = min(<Py_ssize_t>TK_TOGETHER, shortest)
    cdef Py_ssize_t runs = (frames + together - 1) // together
    cdef Py_ssize_t size = ((shortest + count + TK_TOGETHER) // together + 1) * together
    cdef float[::1] ring = np.empty(count * (size + TK_TOGETHER), np.float32)
    cdef float[::1] scores = np.empty((count + 2 * reach) * TK_TOGETHER, np.float32)
    cdef float[::1] best = np.empty(count * TK_TOGETHER, np.float32)
    cdef uint8_t[::1] links = np.empty(runs * count * TK_TOGETHER, np.uint8)
    result = np.empty(frames // shortest + 2, np.int32)
    cdef int32_t[::1] out = result
    with nogil:
        n = tk_beat_path(&odds[0], frames, &prior[0], shortest, count, reach, &cost[0, 0], together, size, &ring[0],
                         &scores[0], &best[0], &links[0], &out[0])
    return result[:n][::-1].copy()


def bar_path(const float[::1] odds not None, const int32_t[::1] metres not None, const float[::1] prior not None,
             float slip, float change):
    """See _beats.pyi."""
    cdef Py_ssize_t beats = odds.shape[0], count = metres.shape[0], m, states = 0
    if count < 1 or prior.shape[0] != count:
        raise ValueError("there must be a prior for each metre")
    for m in range(count):
        if metres[m] < 1:
            raise ValueError("metres must be positive")
        states += metres[m]
    result = np.empty(beats, np.int32)
    if beats == 0:
        return result
    cdef float[::1] score = np.zeros(states, np.float32)
    cdef float[::1] following = np.zeros(states, np.float32)
    cdef int32_t[::1] links = np.empty(beats * states, np.int32)
    cdef int32_t[::1] out = result
    with nogil:
        tk_bar_path(&odds[0], beats, &metres[0], &prior[0], count, slip, change, &score[0], &following[0], &links[0],
                    &out[0])
    return result
