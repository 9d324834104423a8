"""SIA DC-09: what becomes of each frame: kept, answered at once, or met with silence. Pure.

    sum or length wrong, an answer, no key, wrong key, in clear with a key     silence, `Refused`
    the clock is wrong, and that is asked for (`nak_clock`)                    NAK, `Refused`
    supervision                                                                ACK at once, `Alive`
    everything else, understood or not                                         kept, then ACK

A clock is data: nobody's alarm is refused because somebody's clock was set. DUH is never sent: a message that no table
knows is shown to a person, and its sender is told that it has arrived.
Source: the fact sheet of DC-09 (A4–A7); where it departs, `docs/reference/dc09.md` says so.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from decoder.frame import Frame
from drivers.ip import dc09
from drivers.ip.dc09 import Envelope, Head, Message
from drivers.ip.dc09_accounts import Accounts
from drivers.ip.dc09_cipher import Fill
from drivers.ip.dc09_events import Puzzle, contents, premises
from drivers.ip.dc09_frames import Junk, Piece
from drivers.link import Alive, Received, Refused, Unread

SLOW: Final = timedelta(seconds=40)  # a clock may be so far behind …
FAST: Final = timedelta(seconds=20)  # … or ahead before it is wrong (A4)
_NOBODY: Final = Head("", "", None, None, odd_route="0000L0")


@dataclass(frozen=True, slots=True)
class Reply:
    """How a message is acknowledged once it is stored: the same way as it came."""

    head: Head
    key: bytes | None = field(default=None, repr=False)
    sum_in_octets: bool = False

    def frame(self, utc: datetime, fill: Fill) -> bytes:
        """The acknowledgement."""
        return dc09.encode(dc09.acknowledgement(self.head, utc), self.key, fill, sum_in_octets=self.sum_in_octets)


@dataclass(frozen=True, slots=True)
class Keep:
    """A message to be stored: `items` in order, at least one; all of them under one acknowledgement.

    identity: of the message: sender, sequence number, content, whatever the time stamp and the padding. The same number
    with the same content is a repetition, unless the unit never changes its number or begins anew with each connection:
    then only a short time tells, and how short is for the intake to say. Another number is another event.
    """

    items: tuple[Frame | Puzzle, ...]
    path: str
    identity: str
    sent_at: str | None
    reply: Reply

    def told(self, tokens: tuple[int, ...]) -> list[Received | Unread]:
        """What the intake hears of it."""
        happened: list[Received | Unread] = []
        for place, (token, item) in enumerate(zip(tokens, self.items, strict=True), 1):
            identity = self.identity if len(tokens) == 1 else f"{self.identity}/{place}"
            if isinstance(item, Frame):
                happened.append(Received(token, item, self.path, identity, self.sent_at))
            else:
                happened.append(Unread(token, item.text, self.path, item.why, identity))
        return happened


@dataclass(frozen=True, slots=True)
class Answer:
    """Settled at once: what the intake hears, and what the sender does; nothing is an answer as well."""

    happened: Alive | Refused
    frame: bytes | None = None


@dataclass(frozen=True, slots=True)
class Judge:
    """The rules of one link. nak_clock: a wrong clock is a reason after all."""

    accounts: Accounts
    fill: Fill
    nak_clock: bool = False

    def of(self, piece: Piece | Junk, peer: str, utc: datetime) -> Keep | Answer:
        """What becomes of this. peer: the sender's address, its name as long as nothing else is known of it."""
        if isinstance(piece, Junk):
            return Answer(Refused(peer, piece.why, dc09.printable(piece.octets)))
        inside = dc09.envelope(piece.body)
        agreed = self.accounts.of(inside.head if inside else _NOBODY)
        sum_right = piece.found == piece.claimed
        if not piece.length_right:
            why = f"the length is {len(piece.body)}, and it says {piece.length}"
            return self._refused(inside, peer, why, piece)
        if not sum_right and not agreed.ignore_crc:
            return self._refused(inside, peer, f"the sum is {piece.found:04X}, and it says {piece.claimed:04X}", piece)
        if inside is None:
            return _unreadable(piece, Reply(_NOBODY, sum_in_octets=piece.sum_in_octets), peer, "no id and no data")
        if inside.head.id in dc09.ANSWERS:
            return self._refused(inside, peer, f"{inside.head.id} is an answer, and nothing was asked", piece)
        if inside.head.encrypted and agreed.key is None:
            return self._refused(inside, peer, "it is encrypted, and there is no key for it", piece)
        reply = Reply(inside.head, agreed.key, piece.sum_in_octets)
        message = inside.message(agreed.key)
        if message is None and inside.head.encrypted:
            return self._refused(inside, peer, "the key does not open it", piece)
        if not inside.head.encrypted and (guarded := self._guarded(inside.head, message)):
            return self._refused(inside, peer, f"{guarded} has a key, and this came in clear", piece)
        if message is None:
            return _unreadable(piece, reply, inside.head.unit or peer, "its data do not end")
        return self._message(message, reply, peer, utc, sum_right)

    def _message(self, message: Message, reply: Reply, peer: str, utc: datetime, sum_right: bool) -> Keep | Answer:
        path = message.head.unit or peer
        if self.nak_clock and (wrong := _clock_wrong(message, utc)):
            refused = self._complaint(message.head, peer, wrong, message.text)
            return Answer(refused, dc09.encode(dc09.wrong_clock(utc), sum_in_octets=reply.sum_in_octets))
        if message.head.id == dc09.SUPERVISION and message.data.rstrip("|") in ("", f"#{message.head.account}"):
            alive = Alive(path, self.accounts.of(message.head).within_s)
            return Answer(alive, reply.frame(utc, self.fill))
        found = contents(message, sum_right=sum_right)
        said = "\n".join((message.head.id, message.head.route, message.data, *message.extra))
        identity = _identity(path, message.head.sequence, said.encode())
        return Keep((*found.frames, *found.puzzles), path, identity, message.sent_at, reply)

    def _guarded(self, head: Head, message: Message | None) -> str | None:
        """The account outside or inside that must not speak in clear."""
        accounts = (head.account, premises(message) if message else None)
        return next((one for one in accounts if one and one.upper() in self.accounts.guarded), None)

    def _refused(self, inside: Envelope | None, peer: str, why: str, piece: Piece) -> Answer:
        return Answer(self._complaint(inside.head if inside else _NOBODY, peer, why, dc09.printable(piece.body)))

    def _complaint(self, head: Head, peer: str, why: str, text: str) -> Refused:
        """Under the unit's name only if that is known: a stranger may call itself anything, and anew each time."""
        if head.account and head.unit and head.account.upper() in self.accounts.known:
            return Refused(head.unit, f"{why} (from {peer})", text)
        return Refused(peer, why, text)


def _unreadable(piece: Piece, reply: Reply, path: str, why: str) -> Keep:
    identity = _identity(path, reply.head.sequence, piece.body)
    return Keep((Puzzle(dc09.printable(piece.body), why),), path, identity, None, reply)


def _identity(path: str, sequence: str, said: bytes) -> str:
    return f"{path} {sequence or '-'} {hashlib.sha256(said).hexdigest()[:32]}"


def _clock_wrong(message: Message, utc: datetime) -> str | None:
    """Why a time stamp is wrong; None for one within the window, and for none at all in clear."""
    if message.sent_at is None:
        return "it is encrypted and bears no time" if message.head.encrypted else None
    moment = dc09.moment(message.sent_at)
    if moment is None:
        return f"its time {message.sent_at} is none"
    if utc - SLOW <= moment <= utc + FAST:
        return None
    return f"its clock is off by {(moment - utc).total_seconds():+.0f} s"
