"""Sur-Gard output (MLR2, MLR2000, System I to V): what many monitoring programs speak. Both directions.

    frame   text 0x14                  RR receiver · L line, or LLL · _ one blank · A account · 20 characters mostly
    answer  0x06 taken, 0x15 again     (`reading.py`, `sending.py`)

    5RRL_18AAAAQXYZGGCCC       Contact ID; Q: E new, R restored, P reported before; GG group, CCC zone or user
    3RRL____AAAAAAXXYYYY       SIA: two letters, address            SRRL[#A|Nri1/XXYYYY]   the same as SIA wrote it
    1RRL____AAAAAA_XGYYY       4/2, 4/1, 3/1, 4/3: event X, group G of an opening or closing, zone or user
    6RRL______AAAAXXYYYY       BFSK; some send it as type 1
    8RRLAAAA_CCCC_CCCC_C       Ademco High Speed                    8RRLAAAAAA_CCCCCCCC_A  DV
    TRRLAAAAAA_E__ZZ           Telim                                CRRL____AAAAAAXYZZ__   FSK2
    1RRL___________@____       the heartbeat                        0RRL…  SRRL…           of the receiver itself

With a long header (LLL) everything behind it stands two places further on; which it is shows in each frame, except in
what the receiver says of itself. Of an account's field the leading blanks are layout.
Contact ID, SIA and the heartbeat rest on two sources each, the others on one manual: what fits no row is `Strange`,
never refused. Source: public manuals of MLR2-DG, MLR2-E, MLR2000, System III (`receiver-output.md` §1).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from decoder import sia_events
from decoder.codes import sia
from decoder.frame import Frame, Qualifier
from drivers.hardware.content import (
    LETTERS,
    QUALIFIERS,
    Beat,
    Content,
    Dialect,
    Header,
    Strange,
    Told,
    frame,
    of_channels,
)
from drivers.hardware.own_messages import understood

END: Final = 0x14
HEADERS: Final = {"auto": (1, 3), "3": (1,), "5": (3,)}  # option → how many places the line number may have

CONTACT_ID: Final = "surgard-cid"
SIA: Final = "surgard-sia"
BASIC: Final = "surgard-basic"
BFSK: Final = "surgard-bfsk"
HIGH_SPEED: Final = "surgard-high-speed"
DV: Final = "surgard-dv"
TELIM: Final = "surgard-telim"
FSK2: Final = "surgard-fsk2"
OWN: Final = "surgard-own"

OWN_HEADER: Final = 4  # type, receiver, one digit of line: how many more there are does not show
OWN_CHARACTERS_MAX: Final = 80  # of a message of our own: what a program's log line certainly takes

_OVER: Final = {  # event letters that say that something is over
    BASIC: "RCH",  # restored, closed, bypass ended
    TELIM: "KHT",  # restored, maintenance over, closed
}
_HEX: Final = "[0-9A-Fa-f]"
_ACCOUNT: Final = f"(?P<account>(?= *{_HEX}).{{6}})"  # leading blanks, see `_account`

_LAYOUTS: Final = {  # type → behind the header
    "5": {CONTACT_ID: f" (?:18|98)(?P<account>{_HEX}{{4}})(?P<q>[ERP136])(?P<code>{_HEX}{{3}})"
          f"(?P<partition>{_HEX}{{2}})(?P<zone>{_HEX}{{3}})"},
    "3": {SIA: f" {{4}}{_ACCOUNT}(?P<code>[A-Z]{{2}})(?P<zone>[ 0-9A-F]{{4}})"},
    "1": {BASIC: f" {{4}}{_ACCOUNT} (?P<code>[^ ])(?P<partition>.)(?P<zone>.{{3}})",
          BFSK: f" {{6}}(?P<account>{_HEX}{{4}})(?P<code>[^ ].)(?P<zone>.{{4}})"},
    "6": {BFSK: f" {{6}}(?P<account>{_HEX}{{4}})(?P<code>[^ ].)(?P<zone>.{{4}})"},
    "8": {HIGH_SPEED: f"(?P<account>{_HEX}{{4}}) (?P<zone>{_HEX}{{4}} {_HEX}{{4}}) (?P<code>{_HEX})",
          DV: f"{_ACCOUNT} (?P<zone>{_HEX}{{8}}) (?P<code>{_HEX})"},
    "T": {TELIM: f"{_ACCOUNT} (?P<code>[^ ])  (?P<zone>..)"},
    "C": {FSK2: f" {{4}}{_ACCOUNT}(?P<code>[^ ].)(?P<zone>..)  "},
}  # fmt: skip
_PATTERNS: Final = {
    kind: [(name, re.compile(layout)) for name, layout in rows.items()] for kind, rows in _LAYOUTS.items()
}
_BEAT: Final = re.compile(r" +@ *")
_BLOCK: Final = re.compile(r"\[#(?P<account>[0-9A-Fa-f]{1,16})\|(?P<data>.*)\]")


def dialect(header: str = "auto") -> Dialect:
    """header: how many digits it has, "3" or "5", or "auto". ValueError for anything else."""
    if header not in HEADERS:
        raise ValueError(f"header is 'auto', '3' or '5', not {header!r}")
    places = HEADERS[header]
    return Dialect("surgard", None, END, lambda text: read(text, places), lambda text: text.startswith("S"))


def read(text: str, places: tuple[int, ...] = HEADERS["auto"]) -> Content:
    """What a frame says, without its end. places: of the line number, each tried."""
    kind = text[:1]
    for count in places:
        head = re.fullmatch(rf"(?s)([0-9A-Za-z]{{2}})([0-9A-Za-z]{{{count}}})(.*)", text[1:])
        if head is None:
            continue
        header, rest = Header(head[1], head[2]), head[3]
        if kind == "1" and _BEAT.fullmatch(rest):
            return Beat(f"receiver {header.receiver}")
        if kind == "S" and (block := _BLOCK.fullmatch(rest)):
            return _block(text, header, block)
        for name, pattern in _PATTERNS.get(kind, []):
            if (fields := pattern.fullmatch(rest)) and _is_account(fields["account"]):
                return Told(header.path, (_frame(name, text, fields),))
    return _otherwise(text)


def _otherwise(text: str) -> Content:
    """What has no layout: of the receiver itself, or of a kind nobody told us of."""
    head = re.match(r"(.)([0-9A-Za-z]{2})[0-9A-Za-z]", text)
    if head is None:
        return Strange(None, "no header of a receiver")
    path = f"receiver {head[2]}"
    if head[1] == "0" or (head[1] == "S" and "[" not in text[:7]):
        own = understood(text[OWN_HEADER:])
        if own is None or _like_a_unit(text):
            return Strange(path, "of the receiver itself by its type, and not by its words")
        about = f" ({own.meaning})" if own.meaning else ""
        note = f"the receiver itself{about}: {own.words}"
        return Told(path, (frame(OWN, text, "", own.kind, qualifier=own.qualifier, note=note),), fixed=False)
    known = head[1] in _PATTERNS or head[1] == "S"
    return Strange(path, f"type {head[1]} in a layout that no table has" if known else f"unknown type {head[1]!r}")


def _like_a_unit(text: str) -> bool:
    """Whether only the type stands between these words and an alarm: one damaged sign must not make a notice of it."""
    return "[#" in text or any(isinstance(read(kind + text[1:]), Told | Beat) for kind in _PATTERNS)


def _is_account(field: str) -> bool:
    return re.fullmatch(f" *{_HEX}+", field) is not None


def _frame(name: str, text: str, fields: re.Match[str]) -> Frame:
    said = fields.groupdict(default="")
    code, zone = said["code"].strip(), said["zone"].replace(" ", "")
    if name == CONTACT_ID:
        code = code.upper()
    return frame(name, text, said["account"], code, zone, said.get("partition", ""), _qualifier(name, said, code, zone))


def _qualifier(name: str, said: dict[str, str], code: str, zone: str) -> Qualifier:
    if name == CONTACT_ID:
        return QUALIFIERS[said["q"]]
    if name in (HIGH_SPEED, DV):
        return of_channels(zone, code)
    over = sia.code(code).restores if name == SIA else code in _OVER.get(name, "")
    return Qualifier.RESTORE if over else Qualifier.NEW


def _block(text: str, header: Header, block: re.Match[str]) -> Content:
    """A SIA block: each event a frame, whose raw holds it alone, so that two of one block are never taken for one."""
    data, function = block["data"], block["data"][:1]
    found = sia_events.events(data[1:]) if function in ("N", "O") else []
    if found:
        data = data[1:]
    else:
        function, found = "", sia_events.events(data)
    if not found:
        return Strange(header.path, "a SIA block without an event")
    head = text[: text.index("|") + 1] + function
    old = "old event" if function == "O" else ""
    frames = []
    for event in found:
        own = "/".join(data[first:behind] for first, behind in event.places)
        raw = text if len(found) == 1 else f"{head}{own}]"
        note = "; ".join(filter(None, (old, event.note)))
        qualifier = Qualifier.RESTORE if sia.code(event.code).restores else Qualifier.NEW
        zone = event.address or event.value("pi")
        frames.append(frame(SIA, raw, block["account"], event.code, zone, event.value("ri"), qualifier, note))
    return Told(header.path, tuple(frames))


# -- the other way -----------------------------------------------------------------------------------


def check(header: Header) -> Header:
    """A header that can be sent. ValueError for one that cannot."""
    if not re.fullmatch("[0-9A-F]{2}", header.receiver):
        raise ValueError(f"a Sur-Gard receiver number has two digits (01), not {header.receiver!r}")
    if not re.fullmatch("[0-9A-Z]|[0-9A-Z]{3}", header.line):
        raise ValueError(f"a Sur-Gard line number has one or three digits (1, 001), not {header.line!r}")
    return header


def heartbeat(header: Header) -> bytes:
    """That we are there."""
    return _whole(f"1{_numbers(header)}{'':11}@{'':4}")


def own_message(text: str, header: Header) -> bytes:
    """Something of the receiver itself, type 0. What a program could take for a frame's end is left out."""
    plain = " ".join("".join(sign if " " <= sign <= "~" else " " for sign in text).split())
    return _whole(f"0{_numbers(header)} {plain[:OWN_CHARACTERS_MAX]}")


def encode(message: Frame, header: Header) -> bytes:
    """A frame of any format by what its code is: Contact ID, SIA, one sign, or channels.

    ValueError, with a line for people, for a field that has no place in the layout: nothing is cut off.
    """
    for fits, written in _WRITERS:
        if fits(message):
            return _whole(written(message, _numbers(header)))
    raise ValueError(f"Sur-Gard has no layout for code {message.code!r} (format {message.format})")


def _whole(text: str) -> bytes:
    return text.encode("ascii") + bytes([END])


def _numbers(header: Header) -> str:
    return check(header).receiver + header.line


def _field(name: str, value: str, pattern: str) -> str:
    if not re.fullmatch(pattern, value):
        raise ValueError(f"Sur-Gard: {name} {value!r} has no place in the layout")
    return value


def _contact_id(message: Frame, numbers: str) -> str:
    account = _field("account", message.account, "[0-9A-F]{4}")
    partition = _field("partition", message.partition, "[0-9A-F]{0,2}").zfill(2)
    zone = _field("zone", message.zone, "[0-9A-F]{0,3}").zfill(3)
    return f"5{numbers} 18{account}{LETTERS[message.qualifier]}{message.code}{partition}{zone}"


def _sia(message: Frame, numbers: str) -> str:
    partition = _field("partition", message.partition, "[0-9]{0,4}")
    zone = _field("zone", message.zone, "[0-9]{0,4}")
    if not partition.strip("0") and len(message.account) <= 6:
        account = _field("account", message.account, "[0-9A-F]{1,6}")
        return f"3{numbers}{'':4}{account:>6}{message.code}{zone.zfill(4) if zone else '':4}"
    account = _field("account", message.account, "[0-9A-F]{1,16}")
    area = f"ri{partition}/" if partition.strip("0") else ""
    return f"S{numbers}[#{account}|N{area}{message.code}{zone}]"


def _basic(message: Frame, numbers: str) -> str:
    account = _field("account", message.account, "[0-9A-F]{1,6}")
    group = _field("partition", message.partition, "[0-9A-F]?|0{0,2}").strip("0")
    zone = _field("zone", message.zone, "[0-9A-Z]{0,3}")
    return f"1{numbers}{'':4}{account:>6} {message.code}{group:1}{zone:>3}"


def _channels(message: Frame, numbers: str) -> str:
    account = _field("account", message.account, "[0-9A-F]{4}")
    return f"8{numbers}{account} {message.zone[:4]} {message.zone[4:]} {message.code}"


Writer = Callable[[Frame, str], str]
_WRITERS: Final[tuple[tuple[Callable[[Frame], bool], Writer], ...]] = (
    (lambda m: bool(re.fullmatch("[0-9A-F]{3}", m.code)) and m.qualifier in LETTERS, _contact_id),
    (lambda m: bool(re.fullmatch("[A-Z]{2}", m.code)), _sia),
    (lambda m: bool(re.fullmatch("[0-9A-F]", m.code) and re.fullmatch("[0-9A-F]{8}", m.zone)), _channels),
    (lambda m: bool(re.fullmatch("[0-9A-Z]", m.code)), _basic),
)
