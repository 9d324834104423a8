"""One source of messages that somebody else decoded: what the journal is asked to keep of it, and what is answered.

The same promise as on a call: a message is acknowledged when it is stored, and not before. Pure; `link_daemon.py` is
its shell. A path is whatever would be missed if it fell silent: a unit, a line of a hardware receiver.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from drivers.line import Fault, Healed
from drivers.link import Alive, LinkInput, Received, Refused, Unread
from receiver.clock import SECOND_US, Now
from receiver.event import Draft
from receiver.intake import drafts
from receiver.intake.drafts import CallId
from receiver.intake.signals import Commit, Note
from receiver.intake.supervision import LineWatch

REFUSED_MAX: Final = 100  # of a path in an hour: a stranger's rubbish must not fill the journal
PATHS_MAX: Final = 20_000
HOUR_US: Final = 3_600 * SECOND_US


@dataclass(slots=True)
class Path:
    """When something was last heard on it, how long it may be silent, whether that was said; what it sent in vain."""

    heard_us: int
    within_us: int | None = None
    lost: bool = False
    refused: int = 0
    refused_since_us: int = 0


@dataclass(slots=True)
class Inlet:
    """A link's messages. number: a new random number, the subject of one message."""

    name: str
    number: Callable[[], str]
    watch: LineWatch = field(init=False)
    paths: dict[str, Path] = field(default_factory=dict)
    _waiting: dict[int, CallId] = field(default_factory=dict)  # by token: messages that the journal has

    def __post_init__(self) -> None:
        self.watch = LineWatch(self.name)

    def take(self, happened: LinkInput, now: Now) -> list[Commit | Note]:
        """Something came by the link."""
        self.watch.spoke(now.mono_us)
        match happened:
            case Received() | Unread():
                heard = self._heard(happened.path, None, now)
                return [*heard, Commit(happened.token, self._reception(happened, now))]
            case Alive(path, within_s):
                return self._heard(path, within_s, now)
            case Refused():
                return self._refused(happened, now)
            case Fault(reason):
                return [Note(draft) for draft in self.watch.failed(reason)]
            case Healed():
                return [Note(draft) for draft in self.watch.healed()]

    def answered(self, token: int, reception: int, now: Now, *, told: bool) -> Note:
        """The message is stored as this reception, and the sender was told so, or was gone."""
        identity = self._waiting.pop(token)
        if told:
            return Note(drafts.kissoff_completed(identity, reception, now.utc_us))
        return Note(drafts.kissoff_missed(identity, reception, "the sender is gone"))

    def unstored(self, token: int) -> None:
        """The message is not stored, and the sender hears nothing."""
        self._waiting.pop(token, None)

    def tick(self, now: Now) -> list[Note]:
        """Time has come to `now`: which paths have been silent for too long."""
        notes = []
        for name, path in self.paths.items():
            if path.within_us is not None and not path.lost and now.mono_us - path.heard_us > path.within_us:
                path.lost = True
                silent_s = round((now.mono_us - path.heard_us) / SECOND_US)
                notes.append(Note(drafts.path_event("path.lost", self.name, name, f"silent for {silent_s} s")))
        return notes

    def _reception(self, message: Received | Unread, now: Now) -> Draft:
        identity = self._waiting[message.token] = CallId(self.number(), self.name)
        came = drafts.Came(message.path, message.identity, message.sent_at if isinstance(message, Received) else None)
        if isinstance(message, Unread):
            best = f"{message.text} ({message.why})"
            return drafts.call_unknown(identity, "unreadable", best, heard_at_us=now.utc_us, came=came)
        accepted = drafts.frame_accepted(identity, message.frame, heard_at_us=now.utc_us, came=came)
        return replace(accepted, private=dict(message.private)) if message.private else accepted

    def _heard(self, name: str, within_s: float | None, now: Now) -> list[Commit | Note]:
        path = self._path(name, now)
        path.heard_us = now.mono_us
        if within_s is not None:
            path.within_us = round(within_s * SECOND_US)
        if not path.lost:
            return []
        path.lost = False
        return [Note(drafts.path_event("path.back", self.name, name, "heard again"))]

    def _path(self, name: str, now: Now) -> Path:
        """Its memory. Strangers can make up names: those nobody would miss are forgotten, the longest silent first."""
        if name not in self.paths and len(self.paths) >= PATHS_MAX:
            for other in sorted(self.paths, key=lambda one: self.paths[one].heard_us)[: PATHS_MAX // 2]:
                if self.paths[other].within_us is None:
                    del self.paths[other]
        return self.paths.setdefault(name, Path(now.mono_us))

    def _refused(self, refused: Refused, now: Now) -> list[Commit | Note]:
        path = self._path(refused.path, now)
        if now.mono_us - path.refused_since_us >= HOUR_US:
            path.refused, path.refused_since_us = 0, now.mono_us
        path.refused += 1
        if path.refused > REFUSED_MAX:
            return []
        return [Note(drafts.message_refused(self.name, refused.path, refused.why, refused.text))]
