"""A unit that reports by SIA DC-09: it waits for its answer, sends again, supervises its line, and has its faults.

`Unit` is its mind, pure: messages to report go in, frames come out; it is told what it hears and when it asked to be
woken. `dc09_wire.py` gives it a socket. A message keeps its sequence number through every attempt; a NAK sets its
clock, and it sends again. It believes only the answer that repeats its own sequence number and account exactly, and, if
it has a key, only one in that key.
Source: the fact sheet of DC-09 (A4–A7).
"""

from __future__ import annotations

import random
import string
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from drivers.ip import dc09
from drivers.ip.dc09 import Head, Message
from drivers.ip.dc09_frames import Framer, Junk, Piece

SEQUENCE_MAX: Final = 9_999
_LETTERS: Final = (string.ascii_letters + string.digits).encode()


class Outcome(Enum):
    """What became of a message, as far as the unit knows."""

    ACKNOWLEDGED = "acknowledged"
    NOT_UNDERSTOOD = "not understood"  # DUH
    GIVEN_UP = "given up"


@dataclass(frozen=True, slots=True)
class UnitSettings:
    """Who it is, and its habits.

    premises       the account in the data; its own unless said
    stamped        a time stamp also in clear; an encrypted message always has one
    clock_off_s    so far is its clock ahead
    answer_wait_s  then it sends again, `attempts` times in all
    supervision_s  after so long without a word it sends NULL
    stuck          its sequence number never changes
    together       so many messages leave at once, unanswered ones included
    deviate        what it does to every frame before it leaves
    """

    account: str = "1234"
    line: str | None = "0"
    receiver: str | None = None
    premises: str | None = None
    key: bytes | None = None
    stamped: bool = False
    clock_off_s: float = 0.0
    answer_wait_s: float = 20.0
    attempts: int = 4
    supervision_s: float | None = None
    first_sequence: int = 1
    stuck: bool = False
    together: int = 1
    sum_in_octets: bool = False
    deviate: Callable[[bytes], bytes] = bytes


@dataclass(frozen=True, slots=True)
class Done:
    """A message whose time is over; `number` is what `report` gave."""

    number: int
    message: Message
    outcome: Outcome
    attempts: int


@dataclass(slots=True)
class _Sent:
    number: int
    message: Message
    due: float
    attempts: int = 1


@dataclass(slots=True)
class Unit:
    """One unit. Times: `at` in monotonic seconds, `utc` the true time; its own clock may be wrong."""

    settings: UnitSettings
    rng: random.Random = field(default_factory=lambda: random.Random(1))
    done: list[Done] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)  # what came back and was no answer to anything
    alive: int = 0  # NULLs that were answered
    dead: int = 0  # that were not
    clock_off_s: float = field(init=False)
    _queue: deque[tuple[int, Message]] = field(default_factory=deque)
    _sent: list[_Sent] = field(default_factory=list)
    _numbers: int = 0
    _sequence: int = field(init=False)
    _spoke: float | None = None
    _framer: Framer = field(default_factory=Framer)

    def __post_init__(self) -> None:
        self.clock_off_s, self._sequence = self.settings.clock_off_s, self.settings.first_sequence

    @property
    def deadline(self) -> float | None:
        """When it wants to be woken; now, if there is something to send."""
        times = [sent.due for sent in self._sent]
        if self._queue and len(self._sent) < self.settings.together:
            times.append(self._spoke or 0.0)
        elif self.settings.supervision_s is not None and not self._sent:
            times.append(self.settings.supervision_s + self._spoke if self._spoke is not None else 0.0)
        return min(times, default=None)

    def report(self, data: str, id: str = "ADM-CID", extra: tuple[str, ...] = ()) -> int:
        """Something happened: it is sent at the next tick. `data` without the account. Gives a number to know it by."""
        premises = self.settings.premises or self.settings.account
        return self._add(id, f"#{premises}|{data}", extra)

    def reconnected(self) -> None:
        """A new connection: what was half heard is gone."""
        self._framer = Framer()

    def tick(self, at: float, utc: datetime) -> list[bytes]:
        """The time is `at`: what leaves now, each frame on its own."""
        frames = []
        for sent in [sent for sent in self._sent if at >= sent.due]:
            if sent.attempts >= self.settings.attempts:
                self._sent.remove(sent)
                self._over(sent, Outcome.GIVEN_UP)
            else:
                sent.attempts += 1
                frames.append(self._frame(sent, at, utc))
        supervision_s = self.settings.supervision_s
        quiet = self._spoke is None or (supervision_s is not None and at - self._spoke >= supervision_s)
        if supervision_s is not None and quiet and not self._sent and not self._queue:
            self._add(dc09.SUPERVISION, "", ())
        while self._queue and len(self._sent) < self.settings.together:
            number, message = self._queue.popleft()
            self._sent.append(_Sent(number, message, at))
            frames.append(self._frame(self._sent[-1], at, utc))
        return frames

    def hear(self, octets: bytes, at: float, utc: datetime) -> list[bytes]:
        """Something came back: what leaves for it."""
        self._framer.push(octets)
        frames: list[bytes] = []
        while (piece := self._framer.take()) is not None:
            frames += self._answered(piece, at, utc)
        return frames + self.tick(at, utc)

    def _answered(self, piece: Piece | Junk, at: float, utc: datetime) -> list[bytes]:
        answer = self._answer(piece)
        if answer is None:
            self.ignored.append(dc09.printable(piece.octets if isinstance(piece, Junk) else piece.body))
            return []
        if answer.head.id == "NAK":
            told = dc09.moment(answer.sent_at or "")
            if told is not None:
                self.clock_off_s = (told - utc).total_seconds()
            return [self._frame(sent, at, utc) for sent in self._sent]
        mine = [sent for sent in self._sent if sent.message.head.route == answer.head.route]
        if not mine:
            return []  # an answer to what has been answered
        self._sent.remove(mine[0])
        self._over(mine[0], Outcome.ACKNOWLEDGED if answer.head.id == "ACK" else Outcome.NOT_UNDERSTOOD)
        return []

    def _answer(self, piece: Piece | Junk) -> Message | None:
        if isinstance(piece, Junk) or not piece.length_right or piece.found != piece.claimed:
            return None
        inside = dc09.envelope(piece.body)
        if inside is None or inside.head.id not in ("ACK", "NAK", "DUH"):
            return None
        if inside.head.encrypted != (self.settings.key is not None) and inside.head.id != "NAK":
            return None
        return inside.message(self.settings.key)

    def _over(self, sent: _Sent, outcome: Outcome) -> None:
        if sent.message.head.id == dc09.SUPERVISION:
            self.alive += outcome is Outcome.ACKNOWLEDGED
            self.dead += outcome is not Outcome.ACKNOWLEDGED
        else:
            self.done.append(Done(sent.number, sent.message, outcome, sent.attempts))

    def _add(self, id: str, data: str, extra: tuple[str, ...]) -> int:
        said = self.settings
        head = Head(id, f"{self._sequence:04}", said.account, said.line, said.receiver, said.key is not None)
        if not said.stuck:
            self._sequence = self._sequence % SEQUENCE_MAX + 1
        self._numbers += 1
        self._queue.append((self._numbers, Message(head, data, extra)))
        return self._numbers

    def _frame(self, sent: _Sent, at: float, utc: datetime) -> bytes:
        said = self.settings
        sent.due, self._spoke = at + said.answer_wait_s, at
        message = sent.message
        if said.stamped or said.key is not None:
            message = replace(message, sent_at=dc09.stamp(utc + timedelta(seconds=self.clock_off_s)))
        frame = dc09.encode(message, said.key, self._fill, sum_in_octets=said.sum_in_octets)
        return said.deviate(frame)

    def _fill(self, count: int) -> bytes:
        return bytes(self.rng.choice(_LETTERS) for _ in range(count))
