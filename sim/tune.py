"""A greeting or an acknowledgement as a unit knows it: tones of known length, one after the other.

1400 ▛▀▀▜    2300 ▛▀▀▜      each tone, and each pause between, may be 30 % off, and 10 ms for the ear's sake
     100  100     100  ms   what was meant to last 0.6 s or more need only last half a second: that is how units
                            tell a request from an acknowledgement of the same tone (`bs8521.md` §10)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from decoder.exchange import ToneStep
from decoder.keypad import PAIRS
from decoder.samples import to_ms

Sound = int | str  # a single tone by its frequency in Hz, a keypad key by its name

TOLERANCE: Final = 0.3
EAR_MS: Final = 10.0
LONG_MS: Final = 600.0
LONG_LEAST_MS: Final = 490.0
LONG_MOST: Final = 2.0  # times as long as meant
CRACK_MS: Final = 20.0  # a shorter sound is the ear's mistake, where one tone follows the other

_KEYS: Final = {pair: key for key, pair in PAIRS.items()}


def sound_of(hz: tuple[float, ...]) -> Sound:
    """What an ear calls these frequencies. Raises ValueError for a pair that is on no keypad."""
    if len(hz) == 1:
        return round(hz[0])
    if hz not in _KEYS:
        raise ValueError(f"a unit's ear knows single tones and keypad keys, not {hz}")
    return _KEYS[hz]


def window(ms: float) -> tuple[float, float]:
    """Least and most, in ms, that is taken for a tone or pause of `ms`."""
    if ms >= LONG_MS:
        return LONG_LEAST_MS, LONG_MOST * ms
    return (1 - TOLERANCE) * ms - EAR_MS, (1 + TOLERANCE) * ms + EAR_MS


@dataclass(frozen=True, slots=True)
class Tone:
    """One tone of a tune; lengths in ms. pause: before it, of no matter what for the first."""

    sound: Sound
    length: tuple[float, float]
    pause: tuple[float, float]


def tones_of(steps: Sequence[ToneStep]) -> tuple[Tone, ...]:
    """The tones of a greeting, with the windows they must fall in."""
    tones, quiet = [], 0.0
    for step in steps:
        if step.hz:
            tones.append(Tone(sound_of(step.hz), window(step.ms), window(quiet)))
            quiet = 0.0
        else:
            quiet += step.ms
    return tuple(tones)


def single(tones: tuple[Tone, ...], least_ms: float, most_ms: float) -> tuple[Tone, ...]:
    """The same, and a tune of one tone is taken by these lengths."""
    if len(tones) != 1:
        return tones
    return (Tone(tones[0].sound, (least_ms, most_ms), tones[0].pause),)


class Tune:
    """Follows what is heard, and says when the whole of it was there."""

    def __init__(self, tones: tuple[Tone, ...]) -> None:
        self.tones = tones
        self._next = 0
        self._end = 0

    @property
    def first(self) -> Sound | None:
        """What it begins with; None if there is nothing to be heard."""
        return self.tones[0].sound if self.tones else None

    @property
    def begun(self) -> bool:
        """Whether some of it, not all, was heard."""
        return self._next > 0

    def forget(self) -> None:
        """Begin anew."""
        self._next = 0

    def heard(self, sound: Sound, start: int, end: int) -> bool:
        """A sound lasted from sample `start` to `end`: whether that completes the tune."""
        if to_ms(end - start) < CRACK_MS:
            return False
        if not self._fits(sound, start, end):
            self._next = 0
            if not self._fits(sound, start, end):
                return False
        self._next, self._end = self._next + 1, end
        if self._next < len(self.tones):
            return False
        self._next = 0
        return True

    def _fits(self, sound: Sound, start: int, end: int) -> bool:
        if not self.tones:
            return False
        wanted, length, pause = self.tones[self._next], to_ms(end - start), to_ms(start - self._end)
        in_time = self._next == 0 or wanted.pause[0] <= pause <= wanted.pause[1]
        return wanted.sound == sound and wanted.length[0] <= length <= wanted.length[1] and in_time
