"""Symbols drawn from bytes: whatever a detector, a modem or a network may say, likely or not, in the order it is said.

`alarming` draws them around a message that a format's own unit sends, so that readers come past their first letter.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from benchmarks.fuzz.draw import Draw
from decoder import fsk
from decoder.exchange import Format, Message, Signal
from decoder.symbols import KEYS, Character, Digit, Gap, Pulse, Row, Symbol, Tone, Witness

MODEMS: Final = tuple((known.name, float(known.baud)) for known in (
    fsk.BELL_103_1, fsk.BELL_103_2, fsk.BELL_103_1_SLOW, fsk.BELL_103_2_SLOW, fsk.V_21_1, fsk.V_21_2, fsk.V_23
))  # fmt: skip
LENGTHS: Final = (1, 8, 160, 240, 400, 640, 1_600, 8_000, 40_000)
HZ: Final = (0.0, 400.0, 697.0, 770.0, 852.0, 941.0, 1_209.0, 1_336.0, 1_400.0, 1_477.0, 1_633.0, 2_100.0, 2_300.0)
TONE_NAMES: Final = ("", "dial", "busy", "handshake 1400", "handshake 2300", "kiss-off 1400", "answer 2100", "?")
DIGITS_OF_A_ROW: Final = 40


def digit(draw: Draw, start: int, key: str = "") -> Digit:
    """A digit that begins there: sure or not, with likelihoods or without."""
    witness = draw.choice(tuple(Witness))
    likelihoods: tuple[float, ...] = ()
    key = key or draw.choice(KEYS)
    if draw.chance(160):
        raw = [-draw.real(0, 200) if draw.chance(60) else -draw.real(0, 8) for _ in KEYS]
        raw[KEYS.index(key)] = 0.0
        likelihoods = tuple(value - max(raw) for value in raw)
    end = start + length(draw)
    level, twist = draw.real(-60, 3.14), draw.real(-30, 30)
    return Digit(key, start, end, level, twist, draw.real(-5, 5), draw.real(0, 1), likelihoods, witness)


def length(draw: Draw) -> int:
    """Samples, at least one."""
    return draw.choice(LENGTHS) + (draw.whole(0, 500) if draw.chance(128) else 0)


def row(draw: Draw, start: int) -> Row:
    """A row of digits, evenly sent; some may be unheard, with all likelihoods 0."""
    count, period = draw.whole(1, DIGITS_OF_A_ROW), draw.whole(100, 2_000)
    digits = []
    for place in range(count):
        begin = start + place * period
        one = replace(digit(draw, begin), end=begin + period // 2, witness=Witness.SOUND)
        if len(one.likelihoods) != len(KEYS) or draw.chance(30):
            one = replace(one, likelihoods=(0.0,) * len(KEYS))
        digits.append(one)
    presence = tuple(draw.real(-50, 300) for _ in digits)
    known_at = digits[-1].end + draw.whole(0, 4_000)
    around = [(replace(digits[0], start=start, end=start + 1), draw.real(-50, 300)) for _ in range(2)]
    before = around[0] if draw.chance(128) else None
    return Row(tuple(digits), presence, draw.real(0, 300), known_at, before, around[1] if draw.chance(128) else None)


def character(draw: Draw, start: int, value: int | None = None) -> Character:
    """A character of any modem."""
    value = draw.octet() if value is None else value
    margins = tuple(draw.real(-30, 30) for _ in range(8)) if draw.chance(128) else ()
    modem, baud = draw.choice(MODEMS)
    end = start + round(80_000 / baud)
    return Character(value, start, end, draw.real(-60, 3), draw.real(0, 1), modem, baud, not draw.chance(30), margins)


def symbol(draw: Draw, start: int) -> Symbol:
    """Any symbol that begins there."""
    kind = draw.whole(0, 15)
    if kind < 6:
        return digit(draw, start)
    if kind < 9:
        return character(draw, start)
    if kind < 11:
        return Pulse(draw.real(1_700, 2_000), start, start + length(draw), draw.real(-60, 3), draw.real(0, 1))
    if kind < 13:
        hz = draw.choice(HZ) * draw.real(0.95, 1.05)
        return Tone(hz, start, start + length(draw), draw.real(-60, 3), draw.real(0, 1), draw.choice(TONE_NAMES))
    return row(draw, start) if kind < 15 else Gap(start, start + length(draw))


def heard_as(symbol: Symbol) -> frozenset[Signal]:
    """The signal by whose pace a symbol comes."""
    modems = {"bell103": Signal.BELL_103, "v21": Signal.V_21, "v23": Signal.V_23}
    return frozenset({modems[symbol.modem.partition("-")[0]] if isinstance(symbol, Character) else Signal.DTMF})


def place(symbol: Symbol) -> int:
    """Where a symbol stands in the stream."""
    return symbol.known_at if isinstance(symbol, Row) else symbol.end


def symbols(draw: Draw, most: int = 200) -> list[Symbol]:
    """Symbols in the order of their ends, until the bytes end."""
    found: list[Symbol] = []
    start = draw.whole(0, 70_000)
    while draw.left and len(found) < most:
        one = symbol(draw, start)
        found.append(one)
        start = (place(one) if draw.chance(200) else start) + (draw.choice(LENGTHS) if draw.chance(200) else 0)
    return sorted(found, key=place)


def repeated(found: list[Symbol], times: int) -> list[Symbol]:
    """The same again and again, each time later."""
    step = max(map(place, found), default=0) + 400
    return [moved(one, turn * step) for turn in range(times) for one in found]


def moved(one: Symbol, by: int) -> Symbol:
    """The symbol, so much later."""
    if not isinstance(one, Row):
        return replace(one, start=one.start + by, end=one.end + by)
    digits = tuple(replace(digit, start=digit.start + by, end=digit.end + by) for digit in one.digits)
    around = [
        None if two is None else (replace(two[0], start=two[0].start + by, end=two[0].end + by), two[1])
        for two in (one.before, one.after)
    ]
    return replace(one, digits=digits, known_at=one.known_at + by, before=around[0], after=around[1])


def message(draw: Draw) -> Message:
    """Fields of any length: most formats refuse most of them."""
    hexadecimal, decimal = "0123456789BCDEF", "0123456789"
    return Message(
        draw.choice(("1234", "12345", "123456", "123", "123456789012", draw.text(hexadecimal, 16))),
        draw.choice(("1", "101", "021", "0", draw.text(hexadecimal, 3))),
        draw.choice(("1", "3", "6", draw.text(decimal, 2))),
        draw.choice(("00", "01", "", draw.text(hexadecimal, 2))),
        draw.choice(("000", "001", "", "1", "00", "55555555", draw.text(decimal, 24))),
    )


def alarming(draw: Draw, heard: list[Symbol]) -> list[Symbol]:
    """What a detector heard of a message, with some of its symbols changed, left out, doubled or put between."""
    found: list[Symbol] = []
    for one in heard:
        what = draw.octet()
        if what < 200:
            found.append(one)
        elif what < 215:
            found += [one, one]
        elif what < 235:
            found += [one, symbol(draw, place(one))]
        elif what < 250 and isinstance(one, Digit):
            found.append(replace(digit(draw, one.start), end=one.end))
        elif what < 250 and isinstance(one, Character):
            found.append(replace(character(draw, one.start), modem=one.modem, baud=one.baud))
    return sorted(found, key=place)


def said(known: Format, one: Message) -> str:
    """What a format's unit sends, "" where it cannot say that."""
    try:
        return known.encode(one)
    except ValueError:
        return ""
