"""A simulated monitoring program, as it sits behind a hardware receiver: it stores each frame, then answers.

It can be slow, dumb, or in a temper, and it cannot tell a repetition from a second message: it stores and answers both,
as old programs do. Written from the manual's side of the computer, not from our driver. Pure; `attachment.py` puts it
on a wire.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field

from sim.hardware_receiver import MLR2_HEARTBEAT


@dataclass(slots=True)
class MonitoringProgram:
    """One program. stored: every frame that was no heartbeat, as often as it came; its temper may change any time.

    heartbeat       of any receiver and line number: what stands behind its numbers tells it
    answer_after_s  how long it takes to store; it goes on reading meanwhile, and answers in order
    refuse          so many of the next frames get a NAK and are not stored
    silent          it neither stores nor answers
    hung            it does nothing, but its port goes on collecting bytes, and when it comes back it reads them all
    """

    heartbeat: bytes = MLR2_HEARTBEAT
    start: bytes = b""
    end: bytes = b"\x14"
    ack: bytes = b"\x06"
    nak: bytes = b"\x15"
    answer_after_s: float = 0.0
    refuse: int = 0
    silent: bool = False
    hung: bool = False
    stored: list[bytes] = field(default_factory=list)
    beats: int = 0
    broken: list[bytes] = field(default_factory=list)
    _unread: bytes = b""
    _answers: deque[tuple[float, bytes]] = field(default_factory=deque)  # when due, the frame

    @property
    def deadline(self) -> float | None:
        """When `tick` must be called at the latest."""
        return self._answers[0][0] if self._answers and not self.hung else None

    def opened(self, now: float) -> bytes:
        """A receiver is there."""
        self._unread = b""
        self._answers.clear()
        return b""

    def closed(self) -> None:
        """It is gone; what was half read is thrown away."""
        self._unread = b""
        self._answers.clear()

    def heard(self, data: bytes, now: float) -> bytes:
        """The receiver said something."""
        self._unread += data
        return self.tick(now)

    def tick(self, now: float) -> bytes:
        """What it answers at this time."""
        if self.hung:
            return b""
        while self.end in self._unread:
            body, _, self._unread = self._unread.partition(self.end)
            self._answers.append((now + self.answer_after_s, body + self.end))
        out = b""
        while self._answers and self._answers[0][0] <= now:
            out += self._answer(self._answers.popleft()[1])
        return out

    def _answer(self, frame: bytes) -> bytes:
        if self.silent:
            return b""
        if self.refuse > 0:
            self.refuse -= 1
            return self.nak
        begins = frame.rfind(self.start) if self.start else 0
        frame = frame[max(0, begins) :]
        if _behind_numbers(frame, self.start) == _behind_numbers(self.heartbeat, self.start):
            self.beats += 1
        elif begins < 0 or len(frame) < 8:
            self.broken.append(frame)
            return self.nak
        else:
            self.stored.append(frame)
        return self.ack


def _behind_numbers(frame: bytes, start: bytes) -> bytes:
    """A frame without the digits and letters that it begins with."""
    return re.sub(rb"\A[0-9A-Za-z]+", b"", frame.removeprefix(start))
