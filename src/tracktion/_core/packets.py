"""Calls of libavcodec, many frames in one: compiled, or None (PyAV does the same, frame by frame)."""

from __future__ import annotations

from collections.abc import Callable

from tracktion._core._select import COMPILED

__all__ = ["decode_packet"]

decode_packet: Callable[..., tuple[int, int]] | None = None
if COMPILED:
    from tracktion._core._packets import decode_packet
