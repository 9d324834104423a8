"""Is somebody, or something, there? Tuned never to miss a groan, at the price of hearing a slammed door.

Frames of 20 ms are compared with the quietest one of the last three seconds: a line's own noise is
steady, whatever its level, and a voice is not. What is loud is always somebody. Tones count, too: whoever
wants voice alone takes away the spans of the digits and tones that were heard.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np

from decoder import goertzel
from decoder.samples import Samples, Span, from_ms, level_of

FRAME: Final = from_ms(20)
FLOOR_FRAMES: Final = 150  # 3 s
LOUD_DBM0: Final = -38.0  # somebody, whatever the line's noise
QUIET_DBM0: Final = -54.0  # nobody, however silent the line: the codec's own idle noise is −65
ABOVE_FLOOR_DB: Final = 5.0
HANGOVER: Final = from_ms(400)  # bridges the pauses between words and between groans


class Voice:
    """One direction of one call. Fed like a detector."""

    def __init__(self) -> None:
        self._rest = np.zeros(0, np.float32)
        self._at = 0  # sample count of the first sample in `_rest`
        self._fed: int | None = None
        self._levels: deque[float] = deque(maxlen=FLOOR_FRAMES)
        self._present: Span | None = None

    @property
    def present(self) -> Span | None:
        """What is being heard, from its start to its last sound; None in quiet."""
        return self._present

    def feed(self, samples: Samples) -> list[Span]:
        """Take the next samples; return the spans that are over, in samples since answer.

        Raises ValueError if `samples` do not begin where the last ones ended.
        """
        if self._fed is None:
            self._fed = self._at = samples.start
        if samples.start != self._fed:
            raise ValueError(f"samples begin at {samples.start}, the last ones ended at {self._fed}")
        self._fed = samples.end
        sound = samples.pcm.astype(np.float32)
        for lost in samples.lost:
            sound[max(lost.start - samples.start, 0) : max(lost.end - samples.start, 0)] = np.nan
        self._rest = np.concatenate([self._rest, sound])
        count = len(self._rest) // FRAME
        frames = self._rest[: count * FRAME].reshape(count, FRAME)
        self._rest = self._rest[count * FRAME :]
        over: list[Span] = []
        for level in _levels(frames):
            over += self._frame(level)
        return over

    def finish(self) -> list[Span]:
        """The call is over: return what was still being heard."""
        last, self._present = self._present, None
        return [last] if last is not None else []

    def _frame(self, level: float) -> list[Span]:
        """Take one frame's level in dBm0; NaN where audio was lost, which says nothing either way."""
        start, self._at = self._at, self._at + FRAME
        if level != level:
            return []
        self._levels.append(level)
        active = level > LOUD_DBM0 or level > max(QUIET_DBM0, min(self._levels) + ABOVE_FLOOR_DB)
        if active:
            since = self._present.start if self._present is not None else start
            self._present = Span(since, self._at)
        elif self._present is not None and self._at - self._present.end > HANGOVER:
            return self.finish()
        return []


def _levels(frames: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> list[float]:
    """Level of each frame in dBm0, as of a sine of the same energy, without its direct current. (n, FRAME) → n."""
    if not len(frames):
        return []
    energy = goertzel.energy(frames - frames.mean(axis=1, keepdims=True))
    return [level_of(float(peak)) for peak in np.sqrt(2 * energy / FRAME)]
