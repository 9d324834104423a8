"""SIA DC-09: what stands in a frame, both ways, and the answers to it. Pure.

    "id"  SSSS  Rrcvr  Lpref  #acct  [data]  [xdata]…  _HH:MM:SS,MM-DD-YYYY
     │    │     │      │      │      │       │         └ GMT; must be there in what is encrypted, and in NAK
     │    │     │      │      │      │       └ first character: its kind
     │    │     │      │      │      └ empty in NULL (supervision) and ACK
     │    │     │      │      └ the unit that sends; the premises stand in the data
     │    │     │      └ prefix of the account, 1 to 6 hexadecimal digits; L0: none
     │    │     └ number of the receiver, the same; may be missing
     │    └ sequence number, 0001 to 9999
     └ SIA-DCS, ADM-CID, NULL; answers ACK, NAK, DUH, RSP; "*id": what is behind the first [ is encrypted

    unit                                           receiver
     "ADM-CID"0007L0#1234[#1234|1101 00 003] ──▶   stored?
                          ◀── "ACK"0007L0#1234[]   yes; else silence, and the unit sends again

An answer repeats sequence, receiver, prefix and account as they came, whatever they look like.
Source: the fact sheet of DC-09 (A1, A4, A7).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from drivers.ip import dc09_cipher, dc09_frames
from drivers.ip.dc09_cipher import Fill

ANSWERS: Final = ("ACK", "NAK", "DUH", "RSP")
SUPERVISION: Final = "NULL"
STAMP: Final = "%H:%M:%S,%m-%d-%Y"

_ENVELOPE: Final = re.compile(rb'"(\*?)([^"\[\]]*)"([^"\[\]]*)\[(.*)', re.DOTALL)
_ROUTE: Final = re.compile(
    r"([0-9]{0,4})(?:R([0-9A-Fa-f]{0,6}))?(?:L([0-9A-Fa-f]{0,6}?))?(?:#([0-9A-Za-z]{1,16}))?(?:A0)?"
)
_ECHO: Final = re.compile(r"[0-9A-Za-z#]{0,64}")
_NO_ECHO: Final = "0000L0"


@dataclass(frozen=True, slots=True)
class Head:
    """Who sends what. Digits as they came; None: not there.

    odd_route  all of it, where it is not of the form above: then there is no account
    """

    id: str
    sequence: str
    account: str | None
    line: str | None = "0"
    receiver: str | None = None
    encrypted: bool = False
    odd_route: str = ""

    @property
    def route(self) -> str:
        """Sequence number to account, as it is sent."""
        if self.odd_route:
            return self.odd_route
        marks = (("R", self.receiver), ("L", self.line), ("#", self.account))
        route = self.sequence + "".join(mark + value for mark, value in marks if value is not None)
        return f"{route}A0" if self.id == "NAK" and self.account is None else route

    @property
    def unit(self) -> str | None:
        """The name of the sender: `1234`, or with a prefix that counts, `L77#1234`; None without an account."""
        if self.account is None:
            return None
        marks = (("R", self.receiver), ("L", self.line))
        prefix = "".join(f"{mark}{int(value, 16):X}" for mark, value in marks if value and int(value, 16))
        account = self.account.upper()
        return f"{prefix}#{account}" if prefix else account


@dataclass(frozen=True, slots=True)
class Message:
    """One message in clear. sent_at: the sender's clock, as it says it; None: it said nothing."""

    head: Head
    data: str = ""
    extra: tuple[str, ...] = ()
    sent_at: str | None = None

    @property
    def content(self) -> str:
        """What stands behind the first bracket."""
        stamp = "" if self.sent_at is None else f"_{self.sent_at}"
        return "][".join((self.data, *self.extra)) + "]" + stamp

    @property
    def text(self) -> str:
        """The body in clear; an encrypted one keeps its mark."""
        return f'"{"*" * self.head.encrypted}{self.head.id}"{self.head.route}[{self.content}'


@dataclass(frozen=True, slots=True)
class Envelope:
    """A body whose content has not been looked into: `content` is behind the first bracket."""

    head: Head
    content: bytes

    def message(self, key: bytes | None = None) -> Message | None:
        """The message in it; None if it cannot be decrypted, or has no end."""
        content: bytes | None = self.content
        if self.head.encrypted:
            content = dc09_cipher.opened(key, self.content) if key is not None else None
        if content is None:
            return None
        inside, bracket, behind = printable(content).rpartition("]")
        if not bracket or (behind and not behind.startswith("_")):
            return None
        data, *extra = inside.split("][")
        return Message(self.head, data, tuple(extra), behind[1:] or None)


def envelope(body: bytes) -> Envelope | None:
    """Head and content of a body; None if there is no id in quotation marks, or no bracket."""
    found = _ENVELOPE.fullmatch(body)
    if found is None:
        return None
    star, name, route = (printable(found[number]) for number in (1, 2, 3))
    parts = _ROUTE.fullmatch(route)
    if parts is None:
        head = Head(name, "", None, None, encrypted=bool(star), odd_route=route)
    else:
        sequence, receiver, line, account = parts.groups()
        head = Head(name, sequence, account, line, receiver, bool(star))
        if head.route != route:
            head = Head(name, sequence, account, line, receiver, bool(star), route)
    return Envelope(head, found[4])


def encode(
    message: Message, key: bytes | None = None, fill: Fill | None = None, *, sum_in_octets: bool = False
) -> bytes:
    """The frame of a message; an encrypted one wants `key` and `fill`.

    Raises ValueError without them, and for a message that is too long.
    """
    head = message.head
    if not head.encrypted:
        return dc09_frames.frame(message.text.encode(), sum_in_octets=sum_in_octets)
    if key is None or fill is None:
        raise ValueError(f"{head.id} of {head.account} is to be encrypted, and there is no key")
    sealed = dc09_cipher.sealed(key, message.content.encode(), fill)
    return dc09_frames.frame(f'"*{head.id}"{head.route}['.encode() + sealed, sum_in_octets=sum_in_octets)


def acknowledgement(head: Head, utc: datetime) -> Message:
    """ACK to a message: encrypted, and then with the time, if that was. A route that holds rubbish is not repeated."""
    route = head.route if _ECHO.fullmatch(head.route) else _NO_ECHO
    answer = Head("ACK", head.sequence, head.account, head.line, head.receiver, head.encrypted)
    if answer.route != route:
        answer = Head("ACK", "", None, None, encrypted=head.encrypted, odd_route=route)
    return Message(answer, sent_at=stamp(utc) if head.encrypted else None)


def wrong_clock(utc: datetime) -> Message:
    """NAK: the receiver's time, never encrypted. The unit must set its clock and send again."""
    return Message(Head("NAK", "0000", None, "0", "0"), sent_at=stamp(utc))


def stamp(utc: datetime) -> str:
    """A time as it stands in a message."""
    return utc.astimezone(UTC).strftime(STAMP)


def moment(sent_at: str) -> datetime | None:
    """The time that a message says; None if it is none."""
    try:
        return datetime.strptime(sent_at, STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None


def printable(octets: bytes) -> str:
    r"""Octets as text, UTF-8 or else Latin-1; what cannot be shown becomes `\x1b`."""
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        text = octets.decode("latin-1")
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one == "\u3000" else _escaped(one) for one in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
