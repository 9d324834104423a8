"""What was counted on every line, and how every unit sounded: folded from the intake's journal. Pure.

A projection outside the journal, so that no kiss-off waits for it: `to_json` is written to a file now and then, and
the next start folds on from there. Lost or damaged, it is folded from the beginning.

silent              neither a signal that became anything nor a voice: nobody, or a unit that does not speak
handshake_failures  calls that were greeted and brought neither a message nor a voice; the silent ones are among them
busy_s              the line was off hook for so long
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Final

from receiver.event import Record
from receiver.health.trend import Bounds, Decline, Trend
from receiver.journal.record import GENESIS

TYPES: Final = (
    "call.ended",
    "frame.accepted",
    "call.unknown",
    "kissoff.completed",
    "line.fault",
    "message.refused",
)
RATE_HZ: Final = 8_000  # samples a second of a call
GREETED: Final = 10_000  # the first handshake begins 1.25 s after the answer
FORMAT: Final = 1
LINES_MAX: Final = 2_000
ACCOUNTS_MAX: Final = 200_000


@dataclass(slots=True)
class LineCounts:
    """One line, since its first call."""

    calls: int = 0
    silent: int = 0
    handshake_failures: int = 0
    receptions: int = 0
    rejected: int = 0
    kiss_offs: int = 0
    faults: int = 0
    busy_s: float = 0.0
    last_at_us: int = 0


@dataclass(frozen=True, slots=True)
class Weak:
    """An account whose unit grows weak, and the reception that showed it."""

    account: str
    seq: int
    at_us: int
    decline: Decline


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted by some moment. to: the event up to which; weak: how often a unit was found to grow weak."""

    to: int = 0
    weak: int = 0
    heard_at_us: int | None = None
    lines: Mapping[str, LineCounts] = field(default_factory=dict)


@dataclass(slots=True)
class Counting:
    """cursor: (sequence, hash) up to which everything is counted."""

    bounds: Bounds = field(default_factory=Bounds)
    cursor: tuple[int, str] = (0, GENESIS)
    lines: dict[str, LineCounts] = field(default_factory=dict)
    trends: dict[str, Trend] = field(default_factory=dict)
    heard_at_us: int | None = None
    weak: int = 0

    def fold(self, records: Iterable[Record]) -> list[Weak]:
        """Records of the journal behind the cursor, oldest first."""
        found: list[Weak] = []
        for record in records:
            self._count(record)
            if record.type in ("frame.accepted", "call.unknown"):
                self.heard_at_us = record.at_us
            if record.type == "frame.accepted" and (weak := self._weigh(record)) is not None:
                self.weak += 1
                found.append(weak)
            self.cursor = (record.seq, record.hash)
        return found

    def counted(self) -> Counted:
        """A copy, for whoever shows it while we count on."""
        lines = {name: replace(counts) for name, counts in self.lines.items()}
        return Counted(self.cursor[0], self.weak, self.heard_at_us, lines)

    def _count(self, record: Record) -> None:
        name, payload = str(record.payload.get("line", "")), record.payload
        if name not in self.lines and len(self.lines) >= LINES_MAX:
            return
        counts = self.lines.setdefault(name, LineCounts())
        counts.last_at_us = record.at_us
        match record.type:
            case "call.ended":
                rejected, voice = payload.get("rejected") or 0, payload.get("voice")
                _end(counts, payload.get("samples") or 0, payload.get("frames") or 0, rejected, voice)
            case "frame.accepted" | "call.unknown":
                counts.receptions += 1
            case "kissoff.completed":
                counts.kiss_offs += 1
            case "line.fault":
                counts.faults += 1
            case "message.refused":
                counts.rejected += 1

    def _weigh(self, record: Record) -> Weak | None:
        level, twist, account = (record.payload.get(name) for name in ("level_dbm0", "twist_db", "account"))
        if level is None or twist is None or (account not in self.trends and len(self.trends) >= ACCOUNTS_MAX):
            return None
        trend = self.trends.setdefault(str(account), Trend())
        decline = trend.take((float(level), float(twist)), str(record.payload["call"]), self.bounds)
        return Weak(str(account), record.seq, record.at_us, decline) if decline else None

    # ── the file ──────────────────────────────────────────────────────────────────────────────

    def to_json(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "cursor": list(self.cursor),
            "heard_at_us": self.heard_at_us,
            "weak": self.weak,
            "lines": {name: asdict(counts) for name, counts in self.lines.items()},
            "trends": {account: [one.was, one.last, one.call] for account, one in self.trends.items()},
        }

    @classmethod
    def from_json(cls, kept: Any, bounds: Bounds) -> Counting:
        """Raises ValueError if this is nothing that `to_json` gave."""
        try:
            if kept["format"] != FORMAT:
                raise ValueError("another format")
            seq, digest = kept["cursor"]
            known = {one.name for one in fields(LineCounts)}
            lines = {
                str(name): LineCounts(**{key: value for key, value in counts.items() if key in known})
                for name, counts in kept["lines"].items()
            }
            trends = {
                str(account): Trend(None if was is None else (was[0], was[1]), [(a, b) for a, b in last], str(call))
                for account, (was, last, call) in kept["trends"].items()
            }
            return cls(bounds, (int(seq), str(digest)), lines, trends, kept["heard_at_us"], int(kept["weak"]))
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            raise ValueError(f"no counts: {error}") from None


def _end(counts: LineCounts, samples: int, frames: int, rejected: int, voice: bool | None) -> None:
    counts.calls += 1
    counts.busy_s = round(counts.busy_s + samples / RATE_HZ, 3)
    counts.rejected += rejected
    if frames or voice is not False:  # None: we broke it off ourselves, and nobody knows
        return
    counts.silent += not rejected
    counts.handshake_failures += samples > GREETED
