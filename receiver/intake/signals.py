"""What a call is told, and what it asks for: values only.

Inputs come from the line (answered, played, gone), from the ear (digits and what else a unit sends,
frames, voice) and from the journal (stored, not stored). Effects are carried out by whoever runs the station, and what
became of them comes back as an input.
"""

from __future__ import annotations

from dataclasses import dataclass

from decoder.exchange import Asked, ToneStep
from decoder.frame import Frame, Rejected
from decoder.symbols import Character, Digit, Pulse
from receiver.event import Draft, Receipt

SAMPLE_US = 125  # one sample at 8 kHz, in microseconds


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, on two clocks: samples since answer, and the UTC that belongs to that sample."""

    at: int
    utc_us: int

    def utc_of(self, sample: int) -> int:
        """UTC of another sample of the same call."""
        return self.utc_us - (self.at - sample) * SAMPLE_US


# ── inputs ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Answered:
    """Off hook. caller, called: numbers in clear, or None; withheld: P, C, O or S (why no number came)."""

    caller: str | None = None
    called: str | None = None
    withheld: str | None = None
    caller_digest: str | None = None


@dataclass(frozen=True, slots=True)
class Voice:
    """Somebody or something was there for so many samples that were neither digit nor tone nor our own sound."""

    samples: int


@dataclass(frozen=True, slots=True)
class Stirring:
    """Something sounds that may be weak digits; told anew as long as it does."""


@dataclass(frozen=True, slots=True)
class Sounding:
    """Something louder than the line's noise that is not our own sound; told anew as long as it lasts."""


@dataclass(frozen=True, slots=True)
class PlayStarted:
    """The first sample of play `token` left at sample `at`."""

    token: int
    at: int


@dataclass(frozen=True, slots=True)
class Played:
    """The last sample of play `token` left at sample `at`; not complete: it was cut short."""

    token: int
    at: int
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Stored:
    """The commit `token` is durable: the journal's receipt, and the reception's own sequence number."""

    token: int
    receipt: Receipt
    seq: int


@dataclass(frozen=True, slots=True)
class Unstored:
    """The commit `token` failed: nothing of it may be acknowledged."""

    token: int


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A message, with the keys that the line's own hardware heard where they differ from ours.

    level_dbm0, twist_db  medians over its DTMF digits; None where it has none
    """

    message: Frame | Rejected
    other_keys: str | None = None
    level_dbm0: float | None = None
    twist_db: float | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """An operator lets the line go."""

    reason: str = "released by an operator"


@dataclass(frozen=True, slots=True)
class Gone:
    """The call is over: far end or our own hang-up, or the line has failed."""

    reason: str


Input = (
    Answered
    | Digit
    | Pulse
    | Character
    | Witnessed
    | Asked
    | Voice
    | Stirring
    | Sounding
    | PlayStarted
    | Played
    | Stored
    | Unstored
    | Release
    | Gone
)


# ── effects ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Play:
    """Play these tones; `PlayStarted` and `Played` come back with the token."""

    token: int
    steps: tuple[ToneStep, ...]


@dataclass(frozen=True, slots=True)
class Commit:
    """Store this reception; `Stored` or `Unstored` comes back with the token."""

    token: int
    draft: Draft


@dataclass(frozen=True, slots=True)
class Note:
    """Journal this; nobody waits for it."""

    draft: Draft


@dataclass(frozen=True, slots=True)
class HangUp:
    """Go on hook; `Gone` comes back."""

    reason: str


Effect = Play | Commit | Note | HangUp
