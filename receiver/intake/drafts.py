"""The events of intake's journal, as drafts. Every one of a call has the call's own random number as subject.

What identifies a person (the numbers of caller and called) stands only in the sealed part.
`docs/reference/intake.md` lists the fields.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from decoder.frame import Frame, Rejected
from receiver.event import Draft
from receiver.intake.signals import Answered

if TYPE_CHECKING:
    from receiver.ledger.directory import Directory

ACTOR: Final = "intake"
RECEPTIONS: Final = ("frame.accepted", "call.unknown")
"""Types that are receptions: one of these is one row of `events export`."""


@dataclass(frozen=True, slots=True)
class CallId:
    """Which call this is: its random number (hex), and the line's name in the configuration."""

    call: str
    line: str


@dataclass(frozen=True, slots=True)
class Came:
    """How a message came that was no call: its path, what tells a repetition of it, what the sender's clock says."""

    path: str | None = None
    identity: str | None = None
    sent_at: str | None = None


CALLED: Final = Came()
"""By a call."""


def _draft(type_: str, identity: CallId, private: dict[str, Any] | None = None, /, **payload: Any) -> Draft:
    fields = {"call": identity.call, "line": identity.line, **payload}
    return Draft(type_, fields, subject=identity.call, actor=ACTOR, private=private)


def call_started(identity: CallId, answered: Answered) -> Draft:
    private = {"caller": answered.caller, "called": answered.called}
    return _draft(
        "call.started",
        identity,
        private,
        withheld=answered.withheld,
        caller_digest=answered.caller_digest,
        caller_given=answered.caller is not None,
    )


def call_ended(
    identity: CallId,
    reason: str,
    *,
    samples: int | None = None,
    frames: int = 0,
    rejected: int | None = None,
    voice: bool | None = None,
) -> Draft:
    """None for what nobody knows any more: the intake was killed during the call."""
    return _draft("call.ended", identity, reason=reason, samples=samples, frames=frames, rejected=rejected, voice=voice)


def frame_accepted(
    identity: CallId,
    frame: Frame,
    *,
    heard_at_us: int,
    withheld_because: str | None = None,
    caller_digest: str | None = None,
    other_keys: str | None = None,
    level_dbm0: float | None = None,
    twist_db: float | None = None,
    source: str | None = None,
    came: Came = CALLED,
) -> Draft:
    """A reception. `duplicate_of` is decided by the transaction that stores it (`receptions.store`)."""
    return _draft(
        "frame.accepted",
        identity,
        kind="frame",
        format=frame.format,
        raw=frame.raw,
        account=frame.account,
        qualifier=frame.qualifier,
        code=frame.code,
        partition=frame.partition,
        zone=frame.zone,
        mapped=frame.mapped,
        confidence=round(frame.confidence, 4),
        recovered=list(frame.recovered),
        account_recovered=frame.account_recovered,
        start=frame.start,
        end=frame.end,
        heard_at_us=heard_at_us,
        duplicate_of=None,
        no_kiss_off=withheld_because is not None,
        kiss_off_withheld=withheld_because,
        modem_heard=other_keys,
        level_dbm0=level_dbm0,
        twist_db=twist_db,
        caller_digest=caller_digest,
        known=None,
        profile=None,
        source=source,
        **asdict(came),
    )


def looked_up(draft: Draft, directory: Directory) -> Draft:
    """With what the centre's directory says of a frame's account: nothing (null) without a directory."""
    if draft.type != "frame.accepted" or directory.reason is not None:
        return draft
    entry = directory.entry(draft.payload["account"])
    found = {"known": entry is not None, "profile": entry.profile if entry else None}
    return replace(draft, payload={**draft.payload, **found})


def self_test(draft: Draft) -> Draft:
    """The reception of our own call to ourselves: stored and acknowledged like any other, and never a case."""
    return replace(draft, payload={**draft.payload, "self_test": True})


def call_unknown(
    identity: CallId,
    kind: str,
    best: str | None,
    *,
    heard_at_us: int,
    caller_digest: str | None = None,
    source: str | None = None,
    came: Came = CALLED,
) -> Draft:
    """A reception that nobody could read; rules treat it as an emergency.

    kind: "voice", "unreadable" (digits, a file that kills its reader) or "interrupted" (we broke the call off).
    """
    return _draft(
        "call.unknown",
        identity,
        kind=kind,
        best=best,
        heard_at_us=heard_at_us,
        duplicate_of=None,
        no_kiss_off=came is CALLED,
        caller_digest=caller_digest,
        source=source,
        **asdict(came),
    )


def frame_rejected(identity: CallId, rejected: Rejected, other_keys: str | None = None) -> Draft:
    return _draft(
        "frame.rejected",
        identity,
        format=rejected.format,
        reason=rejected.reason.value,
        best=rejected.best,
        evidence=rejected.evidence,
        start=rejected.start,
        end=rejected.end,
        modem_heard=other_keys,
    )


def kissoff_started(identity: CallId, reception: int, at_sample: int, after_last_digit: int) -> Draft:
    return _draft(
        "kissoff.started", identity, reception=reception, at_sample=at_sample, after_last_digit=after_last_digit
    )


def kissoff_completed(identity: CallId, reception: int, ended_at_us: int) -> Draft:
    return _draft("kissoff.completed", identity, reception=reception, ended_at_us=ended_at_us)


def kissoff_missed(identity: CallId, reception: int, reason: str, *, played_ms: int = 0) -> Draft:
    """A stored frame was not acknowledged to the end, and why: the panel will repeat it.

    played_ms: how much of the tone left the line; a panel that heard 400 ms of it may well be content.
    """
    return _draft("kissoff.missed", identity, reception=reception, reason=reason, played_ms=played_ms)


def call_overflow(identity: CallId, what: str, bound: int) -> Draft:
    return _draft("call.overflow", identity, what=what, bound=bound)


def call_fault(identity: CallId, reason: str) -> Draft:
    """Our own program failed on this call; the others live."""
    return _draft("call.fault", identity, reason=reason)


def audio_stored(identity: CallId, file: str, *, samples: int, sha256: str) -> Draft:
    return _draft("audio.stored", identity, file=file, samples=samples, sha256=sha256)


def recording_taken(
    identity: CallId, name: str, *, sha256: str, frames: int, rejected: int, problem: str | None
) -> Draft:
    """A file of a folder line was read. Its name may name a person, so it is sealed."""
    return _draft(
        "recording.taken", identity, {"file": name}, sha256=sha256, frames=frames, rejected=rejected, problem=problem
    )


def path_event(type_: str, line: str, path: str, reason: str) -> Draft:
    """`path.lost`, `path.back`: of a link."""
    return Draft(type_, {"line": line, "path": path, "reason": reason}, actor=ACTOR)


def message_refused(line: str, path: str, reason: str, text: str) -> Draft:
    """A link gave no answer, or refused by itself: a wrong sum, a wrong key."""
    return Draft("message.refused", {"line": line, "path": path, "reason": reason, "text": text[:400]}, actor=ACTOR)


def line_event(type_: str, line: str, reason: str, how: str = "") -> Draft:
    """`line.fault`, `line.healed`, `line.refusing`. how: what was done about it, where the driver says so."""
    return Draft(type_, {"line": line, "reason": reason} | ({"how": how} if how else {}), actor=ACTOR)


def intake_event(type_: str, **payload: Any) -> Draft:
    """`intake.started|stopped|refusing|accepting`, `disk.filling|eased`, `mirror.lost|back`, `clock.stepped`,
    `self_call.heard|failed`.
    """
    return Draft(type_, payload, actor=ACTOR)
