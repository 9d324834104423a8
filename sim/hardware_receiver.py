"""A simulated hardware receiver, the side of it that a computer is plugged into: a Sur-Gard MLR2, or a 685.

It keeps what units told it, sends the oldest, waits for the answer and sends that again three times. Then it shows
"computer failure" and says nothing but heartbeats, until one of them is answered. It knows nothing of what we think of
it: written from the manual, not from our driver. Pure; `attachment.py` puts it on a wire.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

MLR2_HEARTBEAT: Final = b"1011" + b" " * 11 + b"@" + b" " * 4 + b"\x14"
OKAY: Final = b"\n11 OKAY @ \r"


@dataclass(frozen=True, slots=True)
class ReceiverHabits:
    """answered: whether it wants answers at all; without them it sends everything at once, and forgets it."""

    heartbeat: bytes = MLR2_HEARTBEAT
    heartbeat_s: float = 30.0  # 0: off
    ack_wait_s: float = 4.0
    repeats: int = 3
    ack: bytes = b"\x06"
    nak: bytes = b"\x15"
    answered: bool = True
    begins_with: bytes = b""  # what stands in its output when a computer is plugged in: the rest of a frame


@dataclass(slots=True)
class HardwareReceiver:
    """One receiver. taken: frames it was told are stored, in order; failures: how often it gave the computer up

    late: answers that came when it had given up, and that it did not heed
    """

    habits: ReceiverHabits = ReceiverHabits()
    memory: deque[bytes] = field(default_factory=deque)
    taken: list[bytes] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)
    failures: int = 0
    late: int = 0
    failed: bool = False
    plugged: bool = False
    _waiting: bytes | None = None  # for the answer to this
    _copies: int = 0
    _spoke_s: float = 0.0

    def press(self, frame: bytes) -> None:
        """A unit called: this is kept until a computer has it. `tick` sends it."""
        self.memory.append(frame)

    @property
    def deadline(self) -> float | None:
        """When `tick` must be called at the latest."""
        if not self.plugged:
            return None
        if self._waiting is not None:
            return self._spoke_s + self.habits.ack_wait_s
        if self.memory and not self.failed:
            return self._spoke_s
        return self._spoke_s + self.habits.heartbeat_s if self.habits.heartbeat_s else None

    def opened(self, now: float) -> bytes:
        """A computer is there."""
        self.plugged, self._waiting, self.failed = True, None, False
        self._spoke_s = now
        return self.habits.begins_with + self.tick(now)

    def closed(self) -> None:
        """It is gone."""
        self.plugged, self._waiting = False, None

    def heard(self, data: bytes, now: float) -> bytes:
        """The computer said something."""
        out = b""
        for octet in data:
            if self._waiting is None:
                self.late += self.failed and bytes([octet]) == self.habits.ack
                continue
            if bytes([octet]) == self.habits.ack:
                self._answered()
                out += self.tick(now)
            elif bytes([octet]) == self.habits.nak:
                out += self._again(now)
        return out

    def tick(self, now: float) -> bytes:
        """What it says at this time."""
        if not self.plugged:
            return b""
        if self._waiting is not None:
            return self._again(now) if now >= self._spoke_s + self.habits.ack_wait_s else b""
        if self.memory and not self.failed:
            if self.habits.answered:
                return self._say(self.memory[0], now)
            everything = [self.memory.popleft() for _ in range(len(self.memory))]
            self.taken += everything
            self.sent += everything
            self._spoke_s = now
            return b"".join(everything)
        if self.habits.heartbeat_s and now >= self._spoke_s + self.habits.heartbeat_s:
            return self._say(self.habits.heartbeat, now)
        return b""

    def _answered(self) -> None:
        if self._waiting == self.habits.heartbeat:
            self.failed = False
        else:
            self.taken.append(self.memory.popleft())
        self._waiting = None

    def _again(self, now: float) -> bytes:
        assert self._waiting is not None
        if self._copies <= self.habits.repeats:
            return self._say(self._waiting, now)
        self._waiting, self.failed = None, True
        self.failures += 1
        return b""

    def _say(self, frame: bytes, now: float) -> bytes:
        if self.habits.answered:
            self._copies = self._copies + 1 if frame is self._waiting else 1
            self._waiting = frame
        self._spoke_s = now
        self.sent.append(frame)
        return frame
