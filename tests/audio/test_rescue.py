"""A decoder that fails is followed by another, or the audio ends there."""

from __future__ import annotations

import numpy as np
import pytest

from tracktion.audio.rescue import RescuedDecoder
from tracktion.errors import CorruptError, UnsupportedError


class Failing:
    """One block, and from then on nothing but an error, whatever is asked for, as libsndfile's FLAC decoder does."""

    sample_rate, channels, declared_frames = 44100, 2, 1000
    format = codec = "flac"
    name = "a.flac"

    def __init__(self, good: int) -> None:
        self.notes: dict[str, str] = {}
        self._good = good

    def read(self, frames: int) -> np.ndarray:
        if self._good:
            self._good -= 1
            return np.ones((frames, self.channels), dtype=np.float32)
        raise CorruptError("lost sync", file=self.name, stage="decode")

    def close(self) -> None:
        pass


def no_other() -> Failing:
    raise UnsupportedError("no other", file="a.flac", stage="open")


@pytest.mark.parametrize("second", [no_other, lambda: Failing(1)])
def test_a_decoder_that_goes_on_failing_ends_the_audio(second) -> None:  # type: ignore[no-untyped-def]
    decoder = RescuedDecoder(Failing(1), second)  # type: ignore[arg-type]
    assert len(decoder.read(10)) == 10
    for _ in range(3):
        assert decoder.read(10).shape == (0, 2)
    assert decoder.notes["truncated"] == "damaged: lost sync"
    decoder.close()


def test_a_decoder_that_never_begins_is_an_error() -> None:
    with pytest.raises(CorruptError):
        RescuedDecoder(Failing(0), no_other).read(10)  # type: ignore[arg-type]
