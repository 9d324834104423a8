"""Whether a link to hardware receivers hears: from what becomes of its connections to `Fault` and `Healed`. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.line import Fault, Healed


@dataclass(slots=True)
class Watch:
    """One link.

    grace_s  how long it may be without a connection: 0 where we make it, more where the receiver does, None: for ever
    A link that fell silent is healed by a sign of life only: a port that can be opened proves nothing.
    """

    grace_s: float | None = 0.0
    _connections: int = 0
    _alone_since_s: float | None = None
    _mute: bool = False
    _deaf: str | None = None
    _told: bool = False

    @property
    def deadline(self) -> float | None:
        """When `tick` must be called at the latest."""
        if self._alone_since_s is None or self.grace_s is None:
            return None
        return self._alone_since_s + self.grace_s

    def listening(self, now: float) -> list[Fault | Healed]:
        """A place to connect to is open; nobody has connected yet."""
        self._alone_since_s = now
        return self._heal() if self.grace_s is None else []

    def opened(self) -> list[Fault | Healed]:
        """A connection is there."""
        self._connections += 1
        self._alone_since_s = None
        return [] if self._mute else self._heal()

    def alive(self) -> list[Fault | Healed]:
        """The receiver has said something whole."""
        self._mute = False
        return self._heal()

    def lost(self, reason: str, now: float, *, mute: bool = False) -> list[Fault | Healed]:
        """A connection is gone. mute: we closed it because nothing came."""
        self._connections -= 1
        if self._connections:
            return []
        self._mute = self._mute or mute
        if mute or self.grace_s == 0:
            return self.failed(reason)
        self._alone_since_s = now
        return []

    def failed(self, reason: str) -> list[Fault | Healed]:
        """It cannot be opened, or nothing comes of it."""
        if self._deaf == reason:
            return []
        self._deaf, self._told = reason, True
        return [Fault(reason)]

    def tick(self, now: float) -> list[Fault | Healed]:
        """Time has come to `now`."""
        deadline = self.deadline
        if deadline is None or now < deadline:
            return []
        self._alone_since_s = None
        return self.failed(f"no receiver has been connected for {self.grace_s:.0f} s")

    def _heal(self) -> list[Fault | Healed]:
        if self._told and self._deaf is None:
            return []
        self._deaf, self._told = None, True
        return [Healed()]
