"""What belongs to one call on a modem: its sample count, what is to be played, and signs of its end. Pure.

The modem hears or plays, never both. Sound it hears moves the count; while it is deaf `now` does,
and when it hears again the hole is delivered as one stretch of silence marked lost.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from decoder.samples import I16, RATE_HZ, Samples, silence
from drivers.line import Heard, Played, PlayStarted
from drivers.modem.dle import KeyReports

PLAYS_MAX: Final = 16
BUSY_REPORTS: Final = 2  # one alone may be a groan of the right pitch
BUSY_WITHIN_S: Final = 6.0
OVERRUN_MAX: Final = 2 * RATE_HZ  # what one report of an overrun can be believed to have cost


@dataclass(frozen=True, slots=True)
class Playing:
    """A sound on its way out, from sample `start`."""

    token: int
    sound: I16
    start: int

    @property
    def end(self) -> int:
        """Sample behind its last one."""
        return self.start + len(self.sound)


class Talk:
    """One call from its answer at `now`. Seconds in, samples since answer out."""

    def __init__(self, now: float) -> None:
        self._answered_at = now
        self._mark = now  # when sample `heard` was
        self.heard = 0  # samples delivered so far
        self._played_until = 0
        self._waiting: deque[tuple[int, I16, str]] = deque()
        self.playing: Playing | None = None
        self._busy_at: list[float] = []
        self.keys = KeyReports()
        self.ended_by_itself = 0  # receptions that the modem ended unasked

    def count(self, now: float) -> int:
        """Samples since answer by now, going on from the last one heard."""
        return self.heard + max(0, round((now - self._mark) * RATE_HZ))

    # -- hearing ------------------------------------------------------------------------------------

    def sound(self, pcm: I16, now: float) -> list[Heard]:
        """Sound that came in."""
        return self._deliver(Samples(self.heard, pcm), now)

    def hears_again(self, now: float) -> list[Heard]:
        """The modem receives from now on: what it missed."""
        missed = max(self.count(now), self._played_until) - self.heard
        return self._deliver(silence(self.heard, missed, lost=True), now)

    def overrun(self, now: float) -> list[Heard]:
        """The modem says that it lost sound: as much as the clock is ahead of the count, at least a sample."""
        missing = round((now - self._answered_at) * RATE_HZ) - self.heard
        return self._deliver(silence(self.heard, max(1, min(missing, OVERRUN_MAX)), lost=True), now)

    def _deliver(self, samples: Samples, now: float) -> list[Heard]:
        self._mark = now
        if not len(samples.pcm):
            return []
        self.heard = samples.end
        return [Heard(samples)]

    # -- playing ------------------------------------------------------------------------------------

    @property
    def wants_to_play(self) -> bool:
        """Something waits to be played."""
        return bool(self._waiting)

    @property
    def next_command(self) -> str:
        """The command that makes the modem itself play what is next; "" if it must be given the sound."""
        return self._waiting[0][2] if self._waiting else ""

    def enqueue(self, token: int, sound: I16, command: str = "") -> bool:
        """To be played in its turn; False if too much waits already."""
        if len(self._waiting) == PLAYS_MAX:
            return False
        self._waiting.append((token, sound, command))
        return True

    def begin_play(self, now: float) -> tuple[PlayStarted, I16]:
        """The next sound leaves now."""
        token, sound, _ = self._waiting.popleft()
        self.playing = Playing(token, sound, self.count(now))
        self._played_until = self.playing.end
        return PlayStarted(token, self.playing.start), sound

    def end_play(self) -> list[Played]:
        """It has left, whole."""
        playing, self.playing = self.playing, None
        return [] if playing is None else [Played(playing.token, playing.end)]

    def drop_plays(self, now: float) -> list[Played]:
        """Nothing more is played: what is on its way is cut, what waits is not begun."""
        dropped = []
        if self.playing is not None:
            at = min(max(self.playing.start, self.count(now)), self.playing.end)
            dropped.append(Played(self.playing.token, at, complete=False))
            self._played_until, self.playing = at, None
        dropped += [Played(token, self.heard, complete=False) for token, _, _ in self._waiting]
        self._waiting.clear()
        return dropped

    # -- its end ------------------------------------------------------------------------------------

    def busy(self, now: float) -> bool:
        """The modem reports busy tone; True once it has done so often enough to be believed."""
        self._busy_at = [at for at in self._busy_at if now - at <= BUSY_WITHIN_S] + [now]
        return len(self._busy_at) >= BUSY_REPORTS
