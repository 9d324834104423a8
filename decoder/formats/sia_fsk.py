"""SIA DC-03: blocks of characters by frequency-shift modem, Bell 103 (300 and 110 baud) or V.21.

    header     function   data 0…63   parity        parity: FF xor all octets before it
    |7|6|5…0|  # account 1234 · N new event · O old event · A text · 0 end of data · 8 acknowledge …
     | | └ number of data octets
     | └ acknowledgement is asked for                       04 23 31 32 33 34 DC        account 1234
     └ reverse channel                                      45 4E 4D 41 30 30 31 C9     MA001, ack asked for

    panel      mark ≥ 40 ms | # account | N event, ack? |                 | 0 end, ack? |
    receiver                                            | space 600 ms    |             | space 600 ms

What is remembered: the account, until another comes. What was not asked to be acknowledged is given with the block
that asks, for the whole group, or when the session is over. A block with wrong parity spoils its group. It is read
after all if parity says which badly heard bits were wrong, or together with its repetition, whose soft bits are added.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from typing import Final

from decoder import fsk, sia_blocks, sia_events, uart
from decoder.codes import sia
from decoder.exchange import Asked, Format, Message, Signal, ToneStep
from decoder.frame import Frame, Reason, Rejected
from decoder.samples import I16, RATE_HZ
from decoder.symbols import Character, Symbol

NAME: Final = "sia-fsk"
_SILENT: Final = "0126789\x08\x09#&?@A"  # bear no event of their own

GREETING_HZ: Final = 2225.0  # answering mark: frequency and length are in no public source …
GREETING_MS: Final = 1000.0  # … so both are ours to change
ACK_HZ: Final = 2025.0  # space of the answering channel; which side has which channel rests on one source
ACK_MS: Final = 600.0  # a panel wants 400 ms at least
LEAD_MS: Final = 100.0  # mark before a block; a receiver must have 40 ms

PAUSE_BITS: Final = 30  # without a character: a burst is over
SESSION: Final = 4 * RATE_HZ  # a panel that is silent for longer has gone
BURST_MAX: Final = 1024  # characters; a group has 500
DOUBTFUL_MAX: Final = 5  # blocks kept for their repetitions: a panel tries five times


def group(message: Message) -> bytes:
    """Account and event, acknowledgement asked for. Raises ValueError for a field that the format cannot say."""
    if not re.fullmatch("[0-9A-F]{1,16}", message.account):
        raise ValueError(f"SIA account must be 1 to 16 digits out of 0-9 A-F, not {message.account!r}")
    if not re.fullmatch("[A-Z]{2}", message.code):
        raise ValueError(f"SIA code must be two capitals, not {message.code!r}")
    for name, value in (("partition", message.partition), ("zone", message.zone)):
        if not re.fullmatch("[0-9]{0,4}", value):
            raise ValueError(f"SIA {name} must be 4 digits at most, not {value!r}")
    area = f"ri{message.partition}/" if message.partition.strip("0") else ""
    address = message.zone if message.zone.strip("0") else ""
    data = f"{area}{message.code}{address}".encode()
    return sia_blocks.block("#", message.account.encode()) + sia_blocks.block("N", data, ack=True)


def encode(message: Message) -> str:
    """The characters of a message, in hex. Raises ValueError like `group`."""
    return group(message).hex().upper()


def sound(octets: bytes, modem: fsk.Modem = fsk.BELL_103_1) -> I16:
    """Characters as a panel sends them."""
    return fsk.modulate(uart.levels(octets, lead=round(LEAD_MS * modem.baud / 1000), trail=3), modem)


def send(message: Message) -> tuple[I16, ...]:
    """What a panel plays: the message, and when that is acknowledged, that there is no more."""
    return sound(group(message)), sound(sia_blocks.block("0", ack=True))


@dataclass(slots=True)
class Reader:
    """One side of one call."""

    asked: list[Asked] = field(default_factory=list)
    _bursts: dict[tuple[str, float], list[Character]] = field(default_factory=dict)  # of each modem and speed
    _account: sia_blocks.Block | None = None
    _group: list[Frame] = field(default_factory=list)  # not asked to be acknowledged yet
    _held: list[Frame] = field(default_factory=list)  # of groups with a spoiled block
    _doubtful: list[list[Character]] = field(default_factory=list)
    _stream: tuple[str, float] | None = None  # modem and speed of the session: elsewhere, wrong parity means nothing
    _last: int | None = None  # end of what was last heard of it

    @property
    def deadline(self) -> int | None:
        """The end of the pause that ends a burst, or of the session."""
        ends = [_pause_end(burst[-1]) for burst in self._bursts.values()]
        return min(ends, default=None if self._last is None else self._last + SESSION)

    def hear(self, symbol: Symbol) -> list[Frame | Rejected]:
        """Take a character; what is not ours is ignored."""
        if not isinstance(symbol, Character) or not symbol.modem.startswith(("bell103", "v21")):
            return []
        stream = (symbol.modem, symbol.baud)
        results: list[Frame | Rejected] = []
        burst = self._bursts.get(stream)
        if burst and (symbol.start >= _pause_end(burst[-1]) or len(burst) >= BURST_MAX):
            results = self._read(self._bursts.pop(stream))
        self._bursts.setdefault(stream, []).append(symbol)
        return results

    def tick(self, at: int) -> list[Frame | Rejected]:
        """Nothing more was heard before `at`."""
        results: list[Frame | Rejected] = []
        for stream, burst in list(self._bursts.items()):
            if at >= _pause_end(burst[-1]):
                results += self._read(self._bursts.pop(stream))
        if not self._bursts and self._last is not None and at >= self._last + SESSION:
            results += self._gone()
        return results

    def _gone(self) -> list[Frame | Rejected]:
        """The session is over: what nobody asked to acknowledge is given all the same."""
        left = [*self._held, *self._group]
        self._held, self._group, self._doubtful, self._account, self._last = [], [], [], None, None
        self._stream = None
        return [_noted(frame, "no acknowledgement was asked for") for frame in left]

    def _read(self, burst: list[Character]) -> list[Frame | Rejected]:
        """Blocks of one burst, good and bad."""
        results: list[Frame | Rejected] = []
        for good, characters in sia_blocks.cut(burst):
            found = sia_blocks.whole(characters) if good else self._mended(characters)
            if found is not None:
                self._last, self._stream = found.end, (burst[0].modem, burst[0].baud)
                results += self._take(found)
            elif self._ours(characters):
                self._last = characters[-1].end
                self._held += self._group
                self._group, self._account = [], None
                results.append(_complaint(characters))
        return results

    def _mended(self, characters: list[Character]) -> sia_blocks.Block | None:
        """A block with wrong parity: from its own soft bits, or with those of its earlier tries."""
        if not self._ours(characters):
            return None
        filled = sia_blocks.filled(characters)
        for first, behind in ((0, 0), (1, 0), (0, 1), (1, 1), (2, 0)):  # noise may give a character before and behind
            part = filled[first : len(filled) - behind]
            found = sia_blocks.repaired(part) if len(part) >= 3 else None
            if found is None and len(part) >= 3:
                found = sia_blocks.combined(part, self._doubtful)
            if found is not None:
                return found
        self._doubtful = [*self._doubtful[1 - DOUBTFUL_MAX :], filled]
        return None

    def _ours(self, characters: list[Character]) -> bool:
        """Whether this may be a block that was hit."""
        if self._stream is None:
            return sia_blocks.looks_like_ours(characters)
        return len(characters) >= 3 and self._stream == (characters[0].modem, characters[0].baud)

    def _take(self, found: sia_blocks.Block) -> list[Frame | Rejected]:
        """A good block."""
        results: list[Frame | Rejected] = []
        match found.function:
            case "#":
                self._account = found
            case "A" if self._group:
                self._group[-1] = _noted(self._group[-1], f"text {found.data}")
            case "N" | "O":
                results += self._events(found)
            case other if other not in _SILENT:
                results += self._shown(found)
        if not found.ack:
            return results
        given, self._group = self._group, []
        if not given:
            self.asked.append(Asked(NAME, found.start, found.end))
        raws = {frame.raw for frame in given}
        self._held = [frame for frame in self._held if frame.raw not in raws]
        return [*results, *given]

    def _events(self, found: sia_blocks.Block) -> list[Frame | Rejected]:
        events = sia_events.events(found.data)
        if self._account is None or not events:
            why = "no event in it" if self._account else "no account before it"
            best = found.function + found.data
            return [Rejected(NAME, Reason.SHAPE, best, found.start, found.end, f"block {found.function}: {why}")]
        self._group += [_frame(self._account, found, event) for event in events]
        return []

    def _shown(self, found: sia_blocks.Block) -> list[Frame | Rejected]:
        """A function that is no event, or nobody knows: shown as it is, once there is an account."""
        name = sia_blocks.FUNCTIONS.get(found.function, "unknown")
        if self._account is None:
            best = found.octets.hex()
            return [
                Rejected(NAME, Reason.SHAPE, best, found.start, found.end, f"function {name}, no account before it")
            ]
        bare = sia_events.Event("", "", "", (), ((0, len(found.data)),))
        self._group.append(_noted(_frame(self._account, found, bare), f"function {name}: {found.data}"))
        return []


def _pause_end(last: Character) -> int:
    return last.end + round(PAUSE_BITS * RATE_HZ / last.baud)


def _noted(frame: Frame, note: str) -> Frame:
    return dataclasses.replace(frame, note="; ".join(filter(None, (frame.note, note))))


def _frame(account: sia_blocks.Block, found: sia_blocks.Block, event: sia_events.Event) -> Frame:
    """One event; `raw` is account, function, the modifiers that apply and the event itself."""
    head = f"#{account.data} {found.function}"
    raw, recovered = head, [1 + place - 2 for place in account.changed if 2 <= place < len(account.octets) - 1]
    account_recovered = bool(recovered)
    for number, (first, behind) in enumerate(event.places):
        raw += "/" * bool(number)
        recovered += [len(raw) + place - 2 - first for place in found.changed if first <= place - 2 < behind]
        raw += found.data[first:behind]
    old = "old event" if found.function == "O" else ""
    return Frame(
        NAME,
        raw,
        account=account.data,
        qualifier="3" if event.code and sia.code(event.code).restores else "1",
        code=event.code,
        partition=event.value("ri"),
        zone=event.address or event.value("pi"),
        start=found.start,
        end=found.end,
        confidence=min(account.confidence, found.confidence),
        recovered=tuple(recovered),
        account_recovered=account_recovered,
        note="; ".join(filter(None, (old, event.note))),
    )


def _complaint(characters: list[Character]) -> Rejected:
    doubts = sum(one.confidence < 0.9 for one in characters)
    best = " ".join(f"{one.value:02X}" if one.confidence >= 0.5 else "??" for one in characters)
    reason = Reason.CHECKSUM if len(characters) >= 3 else Reason.TOO_SHORT
    evidence = f"{len(characters)} characters, {doubts} in doubt, parity is wrong"
    return Rejected(NAME, reason, best, characters[0].start, characters[-1].end, evidence)


FORMAT: Final = Format(
    name=NAME,
    greeting=(ToneStep((GREETING_HZ,), GREETING_MS),),
    kiss_off=(ToneStep((ACK_HZ,), ACK_MS),),
    integrity=True,
    reader=Reader,
    encode=encode,
    signals=frozenset({Signal.BELL_103, Signal.V_21}),
    send=send,
)
