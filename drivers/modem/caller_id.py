"""Who calls, as a modem reports it: in lines, in hexadecimal, or as keys before the first ring. Pure.

    NMBR = 0312345678        formatted (`AT+VCID=1`); P C O S where the number is withheld, and why
    MESG = 8012…             the message itself (`AT+VCID=2`): Bell SDMF (04) and MDMF (80), ETSI by V.23 (80),
                             Number Display and モデム・ダイヤルイン of Japan (40)
    DLE A 1 2 3 DLE C        keys on hook: number from A or D up to C or #

A message whose lengths or sum do not fit gives no number: a wrong one is worse than none.
Sources: ITU-T V.253 §7 (reports); Bellcore GR-30; ETSI EN 300 659-3; the parameters of Number Display as
in `decoder/formats/number_display.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

HEX_CHARS_MAX: Final = 520  # 255 bytes of content and what is around them
DTMF_DIGITS_MAX: Final = 30

_ABSENT: Final = {  # as modems write it → P: the caller wants so, C: coin telephone, O S: the network cannot say
    "P": "P",
    "PRIVATE": "P",
    "ANONYMOUS": "P",
    "WITHHELD": "P",
    "O": "O",
    "OUT OF AREA": "O",
    "UNAVAILABLE": "O",
    "C": "C",
    "COIN": "C",
    "PAYPHONE": "C",
    "S": "S",
}
_PREFIX: Final = r"(?:CIDM?\b\s*:?\s*)?"
_SINGLE, _MULTIPLE, _JAPAN = 0x04, 0x80, 0x40
_NUMBER, _ABSENCE, _CALLED = 0x02, 0x04, (0x03, 0x09, 0x22)


@dataclass(frozen=True, slots=True)
class Numbers:
    """What one report says; None: it does not. A withheld caller is P, C, O or S."""

    caller: str | None = None
    called: str | None = None


def numbers_of(line: str) -> Numbers | None:
    """The numbers of one line of text, or None if it is no such report."""
    match = re.match(_PREFIX + r"(NMBR|NUMBER|NDID|DDN_NMBR|MESG)\s*[=:]\s*(.*)$", line, re.I)
    if match is None:
        match = re.match(r"(CIDM)\b\s*[=:]?\s*([0-9A-F]{8,})$", line, re.I)
    if match is None:
        return None
    name, value = match[1].upper(), match[2].strip()
    if name in ("MESG", "CIDM"):
        return numbers_in_message(value)
    if name in ("NMBR", "NUMBER"):
        return Numbers(caller=_ABSENT.get(value.upper(), _digits(value) or "O"))
    return Numbers(called=_digits(value)) if _digits(value) else None


def _digits(value: str) -> str:
    return re.sub(r"[^0-9+*#]", "", value)


def numbers_in_message(text: str) -> Numbers:
    """The numbers of a whole message in hexadecimal, with or without its sum behind it."""
    text = re.sub(r"[\s,]", "", text)
    if len(text) > HEX_CHARS_MAX or len(text) % 2 or not re.fullmatch(r"[0-9A-Fa-f]{6,}", text):
        return Numbers()
    octets = bytes.fromhex(text)
    kind, length, content, behind = octets[0], octets[1], octets[2 : 2 + octets[1]], octets[2 + octets[1] :]
    if kind not in (_SINGLE, _MULTIPLE, _JAPAN) or len(content) != length:
        return Numbers()
    if kind != _JAPAN and behind and sum(octets[: 3 + length]) & 0xFF:
        return Numbers()
    if kind == _SINGLE:  # MMDDhhmm and the number, or its letter
        return Numbers(caller=_caller(content[8:]))
    caller, called = None, None
    for parameter, value in _parameters(content):
        if parameter == _NUMBER:
            caller = _caller(value)
        elif parameter == _ABSENCE:
            caller = caller or _ABSENT.get(_text(value).upper(), "O")
        elif parameter in _CALLED and (kind == _JAPAN or parameter == _CALLED[0]):
            called = _digits(_text(value)) or called
    return Numbers(caller, called)


def _parameters(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Parameter number and value, up to the first that does not fit."""
    at = 0
    while at + 2 <= len(content) and at + 2 + content[at + 1] <= len(content):
        yield content[at], content[at + 2 : at + 2 + content[at + 1]]
        at += 2 + content[at + 1]


def _text(value: bytes) -> str:
    return bytes(octet & 0x7F for octet in value).decode("ascii").strip()  # the parity bit may still be there


def _caller(value: bytes) -> str | None:
    text = _text(value)
    return _ABSENT.get(text.upper(), _digits(text) or None)


class KeyNumber:
    """Keys that a modem reports on hook: `A` or `D`, the number, `C` or `#`."""

    def __init__(self) -> None:
        self._digits: str | None = None

    def hear(self, key: str) -> str | None:
        """The caller's number when it is complete: digits, or P and O for the codes of a withheld one."""
        if key in "AD":
            self._digits = ""
        elif self._digits is not None and key in "C#":
            number, self._digits = self._digits, None
            return {"": None, "1": "P", "2": "O", "00": "O", "10": "P"}.get(number, number)
        elif self._digits is not None and key in "0123456789" and len(self._digits) < DTMF_DIGITS_MAX:
            self._digits += key
        else:
            self._digits = None
        return None
