"""Number Display, caller identification as Japan's analogue lines send it before ringing: V.23, 1200 baud.

    DLE SOH 07   DLE STX 40 length   parameter length data …   DLE ETX   CRC low, high
    90  81  87   90  82  C0 0C       02        0A     0312345678   90 03     FB 52

Seven bits and even parity, but for the CRC; a data octet 10 is doubled. The CRC (KERMIT) runs from the 07 to the ETX as
they are on the line. Content is a list of parameters: the number, or why there is none, a name, the number called.

This is no alarm: a frame has neither account nor code, what it says stands in `note`. Whoever answers an analogue line
with Number Display asks for it by name; it is not read where nobody does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from decoder import fsk, uart
from decoder.crc import CRCS
from decoder.exchange import Format, Message, Signal
from decoder.frame import Frame, Reason, Rejected
from decoder.samples import I16, from_ms
from decoder.symbols import Character, Symbol

NAME: Final = "number-display"
SOH, STX, ETX, DLE = 0x01, 0x02, 0x03, 0x10
HEADER: Final = 0x07
CALLER: Final = 0x40  # message type
PARAMETERS: Final = {
    0x01: "time",
    0x02: "number",
    0x04: "no number",
    0x07: "name",
    0x08: "name",
    0x09: "called",
    0x0B: "redirected from",
    0x21: "extended type",
    0x22: "called extension",
}
ABSENT: Final = {"P": "withheld", "C": "public telephone", "O": "not available", "S": "service cannot give it"}

LEAD_BITS: Final = 75  # mark before the first character (62.5 ms), as public senders have it
STOP_BITS: Final = 4  # the same; one is enough to be heard
PAUSE: Final = from_ms(100)  # without a character: the message is over
LENGTH_MAX: Final = 600  # characters: 255 of content, each doubled, and what stands around
CRC: Final = CRCS["crc-16-kermit"]
REPAIRS_MAX: Final = 2  # characters with wrong parity whose worst bit may be turned, if that makes the CRC right


def even(octet: int) -> int:
    """Seven bits with even parity in the eighth."""
    return octet | (octet.bit_count() & 1) << 7


def message(content: bytes) -> bytes:
    """Parameters as they are sent. Raises ValueError for octets of more than seven bits, or more than 127 of them."""
    if len(content) > 127 or any(octet > 0x7F for octet in content):
        raise ValueError("Number Display: 127 octets of seven bits at most")
    body = bytes([len(content)]) + content
    doubled = body.replace(bytes([DLE]), bytes([DLE, DLE]))
    sent = [HEADER, DLE, STX, CALLER, *doubled, DLE, ETX]
    checked = bytes(map(even, sent))
    return bytes([even(DLE), even(SOH)]) + checked + CRC.of(checked).to_bytes(2, "little")


def octets(message_: Message) -> bytes:
    """The number in `account`, or with none the reason in `code`: P, C, O or S. Raises ValueError for anything else."""
    if message_.account:
        if not message_.account.isdecimal() or len(message_.account) > 30:
            raise ValueError(f"a number has 30 digits at most, not {message_.account!r}")
        return message(bytes([0x02, len(message_.account)]) + message_.account.encode())
    if message_.code not in ABSENT:
        raise ValueError(f"no number: the reason is one of {', '.join(ABSENT)}, not {message_.code!r}")
    return message(bytes([0x04, 1]) + message_.code.encode())


def encode(message_: Message) -> str:
    """The characters of a message, in hex. Raises ValueError like `octets`."""
    return octets(message_).hex().upper()


def send(message_: Message) -> tuple[I16, ...]:
    """What an exchange plays, mark before it included."""
    return (fsk.modulate(uart.levels(octets(message_), lead=LEAD_BITS, stop=STOP_BITS, trail=2), fsk.V_23),)


def parameters(content: bytes) -> list[tuple[int, str]] | None:
    """Number and text of each parameter; None if the lengths do not add up."""
    found, at = [], 0
    while at < len(content):
        data = content[at + 2 : at + 2 + content[at + 1]] if at + 1 < len(content) else b""
        if at + 1 >= len(content) or len(data) < content[at + 1]:
            return None
        found.append((content[at], data.decode("ascii")))
        at += 2 + len(data)
    return found


def told(content: list[tuple[int, str]]) -> str:
    """Parameters in words."""
    words = []
    for number, text in content:
        name = PARAMETERS.get(number, f"parameter {number:02X}")
        words.append(f"{name} {ABSENT.get(text, text) if number == 0x04 else text}")
    return "; ".join(words)


def decode(sent: bytes) -> list[tuple[int, str]] | Reason | None:
    """Parameters of octets that begin with DLE SOH; why they are no message; None if the end is missing."""
    plain = bytes(octet & 0x7F for octet in sent)
    content, at = bytearray(), 2
    while plain[at : at + 2] != bytes([DLE, ETX]):
        if at >= len(plain) or (plain[at] == DLE and at + 1 == len(plain)):
            return None
        doubled = plain[at : at + 2] == bytes([DLE, DLE])
        content += plain[at : at + 1] if doubled or plain[at] != DLE else b""
        at += 2 if doubled else 1
    if at + 4 > len(sent):
        return None
    checked = sent[2 : at + 2]
    if CRC.of(sent[2 : at + 4]) or any(octet.bit_count() % 2 for octet in checked):
        return Reason.CHECKSUM
    if len(content) < 4 or content[:3] != bytes([HEADER, STX, CALLER]) or content[3] != len(content) - 4:
        return Reason.SHAPE
    return parameters(bytes(content[4:])) or Reason.SHAPE


@dataclass(slots=True)
class Reader:
    """Collects the characters of one burst."""

    _burst: list[Character] = field(default_factory=list)  # from DLE SOH on

    @property
    def deadline(self) -> int | None:
        """The end of the pause that ends a message."""
        return self._burst[-1].end + PAUSE if self._burst else None

    def hear(self, symbol: Symbol) -> list[Frame | Rejected]:
        """Take a character of V.23; what is not ours is ignored."""
        if not isinstance(symbol, Character) or symbol.modem != fsk.V_23.name:
            return []
        results = self.tick(symbol.start)
        self._burst.append(symbol)
        self._burst = self._burst[_beginning(self._burst) :]
        if len(self._burst) > LENGTH_MAX:
            return [*results, self._ended()]
        if isinstance(decode(bytes(one.value for one in self._burst)), list):
            results.append(_judged(self._burst))
            self._burst = []
        return results

    def tick(self, at: int) -> list[Frame | Rejected]:
        """Nothing more was heard before `at`."""
        if self.deadline is None or at < self.deadline:
            return []
        if [one.value & 0x7F for one in self._burst[2:4]] != [HEADER, DLE]:  # not worth a complaint
            self._burst = []
            return []
        return [self._ended()]

    def _ended(self) -> Frame | Rejected:
        burst, self._burst = self._burst, []
        return _judged(burst)


def _beginning(burst: list[Character]) -> int:
    """Where DLE SOH stands; noise before it is passed over."""
    values = [one.value & 0x7F for one in burst]
    for at in range(len(values)):
        if values[at] == DLE and values[at + 1 : at + 2] in ([], [SOH]):
            return at
    return len(values)


def _judged(burst: list[Character]) -> Frame | Rejected:
    values = bytes(one.value for one in burst)
    found = decode(values)
    recovered: tuple[int, ...] = ()
    if found is Reason.CHECKSUM:
        found, values, recovered = _repaired(burst, values)
    start, end = burst[0].start, burst[-1].end
    raw = values.hex().upper()
    if isinstance(found, list):
        confidence = min(one.confidence for place, one in enumerate(burst) if place not in recovered)
        places = tuple(2 * place + digit for place in recovered for digit in (0, 1))
        return Frame(NAME, raw, "", "1", "", "", "", start, end, confidence, recovered=places, note=told(found))
    reason = found or Reason.TOO_SHORT
    evidence = {Reason.CHECKSUM: "parity or CRC is wrong", Reason.SHAPE: "lengths or header are wrong"}
    return Rejected(NAME, reason, raw, start, end, evidence.get(reason, f"{len(burst)} characters, the end is missing"))


def _repaired(
    burst: list[Character], values: bytes
) -> tuple[list[tuple[int, str]] | Reason | None, bytes, tuple[int, ...]]:
    """The same with the worst heard bit of each character of wrong parity turned, if then everything is right."""
    wrong = [place for place, octet in enumerate(values[:-2]) if octet.bit_count() % 2 and burst[place].margins]
    mended = bytearray(values)
    for place in wrong:
        worst = min(range(8), key=lambda bit: abs(burst[place].margins[bit]))
        mended[place] ^= 1 << worst
    found = decode(bytes(mended)) if 0 < len(wrong) <= REPAIRS_MAX else Reason.CHECKSUM
    return (found, bytes(mended), tuple(wrong)) if isinstance(found, list) else (Reason.CHECKSUM, values, ())


FORMAT: Final = Format(
    name=NAME,
    greeting=(),
    kiss_off=(),
    integrity=True,
    reader=Reader,
    encode=encode,
    signals=frozenset({Signal.V_23}),
    send=send,
)
