"""What a file may cost before we stop."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on what one source may cost; each is checked on what is really read, never on what a header claims.

    Attributes
    ----------
    max_file_bytes
        Larger files raise `TooBigError`. 2 GiB holds a whole lossless album in one file (80 minutes of 24-bit 96 kHz
        stereo as FLAC, or of 24-bit 44.1 kHz as WAV); services that take uploads will want less, such as 100 MB.
    max_seconds
        Decoding stops after so many seconds with `TooLongError`. The default, 4 hours, leaves room for long DJ sets.
    max_channels
        More channels raise `TooBigError`.
    min_sample_rate, max_sample_rate
        Hz; outside of them `UnsupportedError`.
    max_tag_bytes
        Tag blocks larger than this are skipped unread. 16 MiB holds embedded cover art.
    max_text
        Characters kept of each text field.
    """

    max_file_bytes: int = 2 << 30
    max_seconds: float = 4 * 3600.0
    max_channels: int = 32
    min_sample_rate: int = 1_000
    max_sample_rate: int = 768_000
    max_tag_bytes: int = 16 << 20
    max_text: int = 4096
