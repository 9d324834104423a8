"""Ademco 685 output (the 685 itself, MX8000, VisorAlarm and many imitations). Both directions.

    frame   0x0A text 0x0D             R receiver · G line (group), a digit or letter each · _ one blank
    answer  nothing, 0x06 and 0x15, or 0x0D: no source says which, so it is a setting

    RG_AAAA_18_QXYZ_GG_CCCC    Contact ID; the first C says what the other three count: C zone, U user
    RG_AAAA_E                  4+1, 3+1 (a 0 before the account)    RG_AAAA_E_Z        4+2
    RG_AAAA_NNNN_NNNN_N        High Speed: channels 1 to 8, class   RG_OKAY_@_         the heartbeat

One blank more before the end is allowed everywhere: a manual draws it, another does not. Q is a letter or a digit,
by device. What a receiver says of itself has no layout that we know, and is `Strange`. (`receiver-output.md` §2.)
"""

from __future__ import annotations

import re
from typing import Final

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

START: Final = 0x0A
END: Final = 0x0D

CONTACT_ID: Final = "ademco685-cid"
BASIC: Final = "ademco685-basic"
HIGH_SPEED: Final = "ademco685-high-speed"

_HEX: Final = "[0-9A-Fa-f]"
_HEAD: Final = f"(?P<receiver>[0-9A-Za-z])(?P<line>[0-9A-Za-z]) (?P<account>{_HEX}{{4}}) "
_LAYOUTS: Final = {
    CONTACT_ID: re.compile(
        f"{_HEAD}(?:18|98) (?P<q>[ERP136])(?P<code>{_HEX}{{3}}) (?P<partition>{_HEX}{{2}})"
        f" (?P<of>[CU])(?P<zone>{_HEX}{{3}}) ?"
    ),
    HIGH_SPEED: re.compile(f"{_HEAD}(?P<zone>{_HEX}{{4}} {_HEX}{{4}}) (?P<code>{_HEX}) ?"),
    BASIC: re.compile(f"{_HEAD}(?P<code>[0-9A-Za-z])(?: (?P<zone>[0-9A-Za-z]))? ?"),
}
_BEAT: Final = re.compile("([0-9A-Za-z])[0-9A-Za-z] OKAY @ ?")


def dialect() -> Dialect:
    """How it is framed and read."""
    return Dialect("ademco685", START, END, read, lambda text: False)


def read(text: str) -> Content:
    """What stands between line feed and carriage return."""
    if beat := _BEAT.fullmatch(text):
        return Beat(f"receiver {beat[1]}")
    for name, layout in _LAYOUTS.items():
        if fields := layout.fullmatch(text):
            header = Header(fields["receiver"], fields["line"])
            return Told(header.path, (_frame(name, text, fields.groupdict(default="")),))
    head = re.match("([0-9A-Za-z])([0-9A-Za-z]) ", text)
    if head is None:
        return Strange(None, "no header of a receiver")
    return Strange(Header(head[1], head[2]).path, "a layout that no table has")


def _frame(name: str, text: str, said: dict[str, str]) -> Frame:
    account, code, zone = said["account"], said["code"], said["zone"].replace(" ", "")
    if name == CONTACT_ID:
        note = "the number is a user's" if said["of"] == "U" else ""
        return frame(name, text, account, code.upper(), zone, said["partition"], QUALIFIERS[said["q"]], note)
    qualifier = of_channels(zone, code) if name == HIGH_SPEED else Qualifier.NEW
    return frame(name, text, account, code, zone, qualifier=qualifier)


# -- the other way -----------------------------------------------------------------------------------


def check(header: Header) -> Header:
    """A header that can be sent. ValueError for one that cannot."""
    for name, value in (("receiver", header.receiver), ("line", header.line)):
        if not re.fullmatch("[0-9A-Z]", value):
            raise ValueError(f"an Ademco 685 {name} number has one digit or letter, not {value!r}")
    return header


def heartbeat(header: Header) -> bytes:
    """That we are there."""
    return _whole(f"{_numbers(header)} OKAY @ ")


def encode(message: Frame, header: Header, *, users: bool = False) -> bytes:
    """A frame of any format by what its code is: Contact ID, one or two signs, or channels.

    users: the zone counts users. ValueError, with a line for people, for what has no place in the layout.
    """
    numbers, account = _numbers(header), message.account
    if not re.fullmatch("[0-9A-F]{3,4}", account):
        raise ValueError(f"Ademco 685: account {account!r} has no place in the layout")
    text = f"{numbers} {account.zfill(4)} {_rest(message, users)}"
    return _whole(text)


def _rest(message: Frame, users: bool) -> str:
    code, zone, partition = message.code, message.zone, message.partition
    if re.fullmatch("[0-9A-F]{3}", code) and message.qualifier in LETTERS:
        if not re.fullmatch("[0-9A-F]{0,3}", zone) or not re.fullmatch("[0-9A-F]{0,2}", partition):
            raise ValueError(f"Ademco 685: partition {partition!r}, zone {zone!r} have no place in the layout")
        counts = "U" if users else "C"
        return f"18 {LETTERS[message.qualifier]}{code} {partition.zfill(2)} {counts}{zone.zfill(3)}"
    if partition.strip("0"):
        raise ValueError(f"Ademco 685: partition {partition!r} has no place in the layout")
    if re.fullmatch("[0-9A-F]", code) and re.fullmatch("[0-9A-F]{8}", zone):
        return f"{zone[:4]} {zone[4:]} {code}"
    if re.fullmatch("[0-9A-Z]", code) and re.fullmatch("[0-9A-Z]?", zone):
        return f"{code} {zone}" if zone else code
    raise ValueError(f"Ademco 685 has no layout for code {code!r}, zone {zone!r} (format {message.format})")


def _whole(text: str) -> bytes:
    return bytes([START]) + text.encode("ascii") + bytes([END])


def _numbers(header: Header) -> str:
    return check(header).receiver + header.line
