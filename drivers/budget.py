"""How much may be read from a peer that may say anything, as a bucket that fills with time. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Budget:
    """rate: bytes a second      burst: bytes that may come at once, after a time of quiet; times in seconds"""

    rate: float
    burst: float
    _left: float = field(init=False)
    _at: float | None = None

    def __post_init__(self) -> None:
        if self.rate <= 0 or self.burst < 1:
            raise ValueError("a budget allows something")
        self._left = self.burst

    def left(self, now: float) -> int:
        """Bytes that may be read now."""
        if self._at is not None:
            self._left = min(self.burst, self._left + max(0.0, now - self._at) * self.rate)
        self._at = now
        return int(self._left)

    def used(self, count: int) -> None:
        """So many have been read."""
        self._left -= count

    def pause_s(self) -> float:
        """How long to read nothing once it is used up: until an eighth of the burst is there again."""
        return max(0.0, (self.burst / 8 - self._left) / self.rate)
