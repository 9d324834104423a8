"""SCAIP (SS 91100): what stands in a request of a unit, and the answer to it. Pure.

    <mrq>                                                       <mrs>
      <ref>A1</ref>      reference, the answer repeats it         <ref>A1</ref>
      <mty>ME</mty>      ME message, RE reset, IN, PI heartbeat   <snu>0</snu>     0: it is understood and stored
      <cid>12345</cid>   controller: the account                  <mre>1</mre>     speech: 0 none, 1 both ways …
      <dty>0003</dty>    device that sends                      </mrs>
      <stc>0016</stc>    its status; none: an alarm
    </mrq>               …, see docs/reference/scaip.md

`<mrq>` may stand in a `<scaip>`, or its fields directly in that; the answer is wrapped like the request. Leading zeros
may be missing. What is in no list here is kept as it is. A document that defines anything (DOCTYPE, entities) is not
read: no unit needs that, and it is how XML readers are attacked.
Source: the fact sheet of SCAIP (B2, B3).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final
from xml.parsers import expat
from xml.sax.saxutils import escape

BODY_MAX: Final = 16_384  # octets; a unit sends 1300 at most (B2, `ame`)
FIELDS_MAX: Final = 200
DEPTH_MAX: Final = 8
VERSION: Final = "01.00"
MESSAGES: Final = ("ME", "RE", "IN", "PI")
TEXT_MAX: Final = 128  # characters of `ste`

CODES: Final = ("ref", "ver", "sco", "cha", "mty", "hbo", "cid", "dty", "did", "dco", "stc", "pri", "lco", "lva", "ico")
"""Fields that name nobody: they stand in the journal as they came."""
TEXTS: Final = ("dte", "crd", "stt", "lte", "ite", "ame", "geo", "tim", "gga")
"""Fields that may name somebody, or say where somebody is: sealed."""

_GROUPS: Final = frozenset(("scaip", "mrq", "lge"))
_BARE_AMPERSAND: Final = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});)")


class Answer(Enum):
    """`snu`: what became of a request."""

    OK = 0
    TOO_LONG = 1
    INVALID_FORMAT = 2
    WRONG_CONTENT = 3
    HOLD = 4
    NOT_TREATED = 5
    BUSY = 6
    MANDATORY_TAG_MISSING = 7
    REFERENCE_MISSING = 10
    UNDEFINED = 99


class Wrap(Enum):
    """How the fields are wrapped, and the answer to them."""

    PLAIN = "<mrs>{}</mrs>"
    SCAIP = "<scaip><mrs>{}</mrs></scaip>"
    BARE = "<scaip>{}</scaip>"


@dataclass(frozen=True, slots=True)
class Mrq:
    """A request. fields: name → values in order, in lower case and without blanks around them."""

    fields: Mapping[str, tuple[str, ...]]
    wrap: Wrap = Wrap.PLAIN
    repaired: bool = False

    def first(self, name: str) -> str:
        """Empty if it is not there."""
        return next(iter(self.fields.get(name, ())), "")

    @property
    def reference(self) -> str:
        return self.first("ref")

    @property
    def message(self) -> str:
        """ME if nothing else is said."""
        return self.first("mty").upper() or "ME"

    @property
    def controller(self) -> str:
        """The account, in upper case."""
        return self.first("cid").upper()

    @property
    def adjustable(self) -> bool:
        """The unit takes another heartbeat interval (`hbo`)."""
        return self.first("hbo").lstrip("0") == "1"

    def number(self, name: str, digits: int) -> str:
        """With its leading zeros; as it is if it is no number, empty if it is not there."""
        value = self.first(name)
        return value.zfill(digits) if value.isascii() and value.isdecimal() else value


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A body that is no request. reference, controller: as far as they can be seen in it.

    is_answer: it is an `<mrs>`. Two receivers that are set up to each other must not talk for ever.
    """

    why: str
    answer: Answer = Answer.INVALID_FORMAT
    reference: str = ""
    controller: str = ""
    is_answer: bool = False


@dataclass(frozen=True, slots=True)
class Mrs:
    """An answer. None: left out. voice: `mre`; call: `cre`; transfer: `tnu`; heartbeat_min: `hbi`."""

    answer: Answer
    reference: str = ""
    text: str = ""
    voice: int | None = None
    call: int | None = None
    transfer: str = ""
    heartbeat_min: int | None = None

    def octets(self, wrap: Wrap = Wrap.PLAIN) -> bytes:
        """As a body."""
        said = {
            "ref": self.reference,
            "snu": str(self.answer.value),
            "ste": self.text[:TEXT_MAX],
            "mre": _shown(self.voice),
            "cre": _shown(self.call, 2),
            "tnu": self.transfer,
            "hbi": _shown(self.heartbeat_min),
        }
        inside = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in said.items() if value)
        return f'<?xml version="1.0" encoding="UTF-8"?>{wrap.value.format(inside)}'.encode()


def read(body: bytes) -> Mrq | Unreadable:
    """What a body says. Whatever it is, this is one of both."""
    if len(body) > BODY_MAX:
        return _unreadable(body, f"more than {BODY_MAX} octets", Answer.TOO_LONG)
    found = _parsed(body)
    if isinstance(found, str) and _BARE_AMPERSAND.search(body):  # "Berg & Dal": seen in hand-made XML
        repaired = _parsed(_BARE_AMPERSAND.sub(b"&amp;", body))
        if not isinstance(repaired, str):
            return Mrq(repaired.fields, repaired.wrap, repaired=True)
    if isinstance(found, Mrq) and "snu" in found.fields:
        return Unreadable("it is an answer, and nothing was asked", is_answer=True)
    return _unreadable(body, found) if isinstance(found, str) else found


def octets(fields: Mapping[str, tuple[str, ...] | str], wrap: Wrap = Wrap.PLAIN) -> bytes:
    """A request, as a unit sends it; `geo`, `tim`, `gga` go into `lge`."""
    place = "".join(_element(name, fields[name]) for name in ("geo", "tim", "gga") if name in fields)
    inside = "".join(_element(name, values) for name, values in fields.items() if name not in ("geo", "tim", "gga"))
    inside += f"<lge>{place}</lge>" if place else ""
    return f'<?xml version="1.0" encoding="UTF-8"?>{wrap.value.replace("mrs", "mrq").format(inside)}'.encode()


def answer_of(body: bytes) -> Mrs | None:
    """An answer, as a unit reads it; None if it is none."""
    found = _parsed(body)
    if isinstance(found, str) or not found.first("snu").isdecimal():
        return None
    known = {one.value: one for one in Answer}
    numbers = {name: found.first(name) for name in ("mre", "cre", "hbi")}
    voice, call, heartbeat = (int(one) if one.isdecimal() else None for one in numbers.values())
    status = known.get(int(found.first("snu")), Answer.UNDEFINED)
    return Mrs(status, found.reference, found.first("ste"), voice, call, found.first("tnu"), heartbeat)


def _element(name: str, values: tuple[str, ...] | str) -> str:
    several = (values,) if isinstance(values, str) else values
    return "".join(f"<{name}>{escape(value)}</{name}>" for value in several)


def _shown(number: int | None, digits: int = 1) -> str:
    return "" if number is None else f"{number:0{digits}}"


@dataclass(slots=True)
class _Reader:
    """What expat tells, element by element. wrong: why it is not read."""

    fields: dict[str, list[str]] = field(default_factory=dict)
    path: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    wrap: Wrap = Wrap.PLAIN
    count: int = 0

    def begin(self, name: str, attributes: object) -> None:
        name = name.rpartition(":")[2].lower()
        self.count += 1
        if self.count > FIELDS_MAX or len(self.path) >= DEPTH_MAX:
            raise _Wrong(f"more than {FIELDS_MAX} elements, or deeper than {DEPTH_MAX}")
        if not self.path and name not in ("mrq", "mrs", "scaip"):
            raise _Wrong(f"<{name[:20]}> is no request")
        if name in ("mrq", "mrs"):
            self.wrap = Wrap.SCAIP if self.path else Wrap.PLAIN
        elif not self.path:
            self.wrap = Wrap.BARE
        self.path.append(name)
        self.texts.append("")

    def text(self, data: str) -> None:
        self.texts[-1] += data

    def end(self, name: str) -> None:
        name, value = self.path.pop(), " ".join(self.texts.pop().split())
        if name not in _GROUPS and name != "mrs" and (value or name not in self.fields):
            self.fields.setdefault(name, []).append(value)

    def refuse(self, *anything: object) -> None:
        raise _Wrong("it defines types or entities of its own")


class _Wrong(Exception):
    """Read no further; the message says why."""


def _parsed(body: bytes) -> Mrq | str:
    reader = _Reader()
    wide = body.startswith((b"\xff\xfe", b"\xfe\xff"))  # UTF-16: its zeros are no padding
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = reader.begin, reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = reader.refuse
    try:
        parser.Parse(body if wide else body.strip(b"\0 \t\r\n"), True)
    except _Wrong as error:
        return str(error)
    except (expat.ExpatError, ValueError, LookupError) as error:
        return f"no XML: {error}"
    return Mrq({name: tuple(values) for name, values in reader.fields.items()}, reader.wrap)


def _unreadable(body: bytes, why: str, answer: Answer = Answer.INVALID_FORMAT) -> Unreadable:
    return Unreadable(why, answer, _seen(body, b"ref"), _seen(body, b"cid").upper())


def _seen(body: bytes, name: bytes) -> str:
    found = re.search(rb"<" + name + rb">\s*([0-9A-Za-z]{1,32})\s*</" + name + rb">", body[:BODY_MAX])
    return found[1].decode() if found else ""
