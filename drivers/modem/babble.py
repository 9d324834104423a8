"""A modem that says too much to be believed: counted over five seconds, judged, never parsed for long. Pure.

    idle, or answering a command     4,000 bytes, or 100 lines that nobody asked for
    receiving                        400 events, or half as much sound again as there is time for

A digit makes three events and lasts 80 ms or more; the answers of a whole start have under 2,000 bytes.
"""

from __future__ import annotations

from typing import Final

WINDOW_S: Final = 5.0
TEXT_BYTES_MAX: Final = 4_000
LINES_MAX: Final = 100
EVENTS_MAX: Final = 400
SOUND_FACTOR_MAX: Final = 1.5  # and what a port may have kept for us while we stood still:
SOUND_KEPT_S: Final = 4.0


class Babble:
    """Counts since the window began; `now` in seconds."""

    def __init__(self, now: float = 0.0) -> None:
        self.begin(now)

    def begin(self, now: float) -> None:
        """A new window."""
        self._since = now
        self._text = self._lines = self._events = 0
        self._sound_s = 0.0

    def text(self, count: int, now: float) -> None:
        """Bytes outside a reception."""
        self._roll(now)
        self._text += count

    def line(self, now: float) -> None:
        """A line that nobody asked for."""
        self._roll(now)
        self._lines += 1

    def event(self, now: float) -> None:
        """DLE and a character."""
        self._roll(now)
        self._events += 1

    def sound(self, seconds: float, now: float) -> None:
        """So much sound arrived."""
        self._roll(now)
        self._sound_s += seconds

    def _roll(self, now: float) -> None:
        if now - self._since >= WINDOW_S:
            self.begin(now)

    @property
    def verdict(self) -> str | None:
        """What is too much, or None."""
        if self._text > TEXT_BYTES_MAX:
            return f"the modem babbles: {self._text} bytes within {WINDOW_S:.0f} s that nobody asked for"
        if self._lines > LINES_MAX:
            return f"the modem babbles: {self._lines} lines within {WINDOW_S:.0f} s that nobody asked for"
        if self._events > EVENTS_MAX:
            return f"the modem babbles: {self._events} events within {WINDOW_S:.0f} s"
        if self._sound_s > SOUND_FACTOR_MAX * WINDOW_S + SOUND_KEPT_S:
            return f"the modem babbles: {self._sound_s:.0f} s of sound within {WINDOW_S:.0f} s"
        return None
