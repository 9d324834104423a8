"""A terminal described in a file: what the words of `docs/reference/profiles.md` become when they are read.

Makers of Japanese terminals publish nothing of what their units send (`japan.md` §1), so it is data: a table in,
checked values out, and one line that names the key for whatever is wrong. `formats/profile.py` makes a format of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from decoder import fsk
from decoder.crc import CRCS
from decoder.exchange import ToneStep
from decoder.frame import Qualifier
from decoder.keypad import HIGH_HZ, LOW_HZ, PAIRS
from decoder.profile_check import FORMS, KINDS, VALUES, Check
from decoder.profile_table import Table
from decoder.symbols import KEYS

LETTERS_MAX: Final = 128  # of one message
FIELDS_MAX: Final = 32
CODES_MAX: Final = 1_000
STEPS_MAX: Final = 64
MS_MAX: Final = 60_000.0
DIGITS: Final = "0123456789"
FIXED: Final = "fixed"

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_FIELD: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
_HEARD_HZ: Final = ((345.0, 445.0), (1355.0, 1445.0), (2090.0, 2110.0), (2255.0, 2345.0))  # by `tones.py`
MODEMS: Final = {
    (modem.name, modem.baud): modem
    for modem in (
        fsk.BELL_103_1,
        fsk.BELL_103_2,
        fsk.BELL_103_1_SLOW,
        fsk.BELL_103_2_SLOW,
        fsk.V_21_1,
        fsk.V_21_2,
        fsk.V_23,
    )
}
PARITIES: Final = ("none", "even", "odd", "mark", "space")


class Carrier(Enum):
    """What a message is sent in."""

    KEYS = "pb"  # keypad tones
    FSK = "fsk"  # characters of a modem
    TONES = "tones"  # single tones
    PULSES = "pulses"  # a layout of `formats/pulse.py`


@dataclass(frozen=True, slots=True)
class Field:
    """A stretch of a message. lowest, highest: how many letters; value: what always stands there, "" if it varies.

    hex: whether the letters are octets, told as two hexadecimal digits each
    """

    name: str
    lowest: int
    highest: int
    alphabet: frozenset[str]
    value: str = ""
    hex: bool = False


@dataclass(frozen=True, slots=True)
class Code:
    """What a device's code means to us. words: the maker's, or ours, for people."""

    code: str
    qualifier: str = Qualifier.NEW.value
    words: str = ""


@dataclass(frozen=True, slots=True)
class Modem:
    """Characters: data_bits and parity make eight bits."""

    modem: fsk.Modem
    data_bits: int
    parity: str


@dataclass(frozen=True, slots=True)
class SingleTone:
    """A letter of a unit that sends single tones."""

    hz: float
    ms: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Pulsed:
    """How a unit counts."""

    layout: str
    pps: float
    hz: float


@dataclass(frozen=True, slots=True)
class Profile:
    """One model of terminal.

    start, end    letters around every message     repeats  equal messages that make a frame, 1 or 2
    on_ms, off_ms what a letter and the pause behind it may last, None for anything
    end_pause_ms  as long as no pause is so long the unit is still talking
    """

    name: str
    maker: str
    model: str
    carrier: Carrier
    greeting: tuple[ToneStep, ...]
    acknowledgement: tuple[ToneStep, ...]
    repeats: int
    start: str
    end: str
    fields: tuple[Field, ...]
    check: Check | None
    on_ms: tuple[float, float] | None
    off_ms: tuple[float, float] | None
    end_pause_ms: float
    codes: Mapping[str, Code]
    modem: Modem | None = None
    tones: Mapping[str, SingleTone] | None = None
    pulsed: Pulsed | None = None

    @property
    def lowest(self) -> int:
        """Letters of the shortest message between start and end."""
        return sum(one.lowest for one in self.fields)

    @property
    def highest(self) -> int:
        return sum(one.highest for one in self.fields)


def from_table(values: Mapping[str, object]) -> Profile:
    """Read a profile. Raises ValueError with one line that names the key."""
    table = Table(values)
    name = table.text("name")
    if not _NAME.fullmatch(name):
        raise ValueError(f"name must be up to 64 of a-z, 0-9 and -, not {name!r}")
    carrier = Carrier(table.one_of("carrier", [one.value for one in Carrier]))
    modem = _modem(table.table("modem")) if carrier is Carrier.FSK else None
    tones = _tones(table.table("tones")) if carrier is Carrier.TONES else None
    pulsed = _pulsed(table.table("pulses")) if carrier is Carrier.PULSES else None
    letters = {Carrier.FSK: "".join(map(chr, range(256))), Carrier.TONES: "".join(tones or {})}.get(carrier, KEYS)
    start, end, check = "", "", None
    fields: tuple[Field, ...] = ()
    on_ms = off_ms = None
    end_pause_ms = 0.0
    if carrier is not Carrier.PULSES:
        start, end, fields = _message(table.table("message"), carrier, letters)
        check = _check(table.table("check"), carrier, fields)
        fields = tuple(_narrowed(one, check) for one in fields)
        timing = table.table("timing")
        on_ms, off_ms = timing.interval("on_ms", 0, MS_MAX), timing.interval("off_ms", 0, MS_MAX)
        end_pause_ms = timing.number("end_pause_ms", 100 if carrier is Carrier.FSK else 300, 20, 10_000)
        timing.done()
        if off_ms and off_ms[0] >= end_pause_ms:
            raise ValueError("timing.end_pause_ms must be longer than the pauses inside a message (timing.off_ms)")
    profile = Profile(
        name,
        table.text("maker", ""),
        table.text("model", ""),
        carrier,
        _steps(table, "greeting"),
        _steps(table, "acknowledgement"),
        table.whole("repeats", 1 if check or carrier is Carrier.PULSES else 2, 1, 2),
        start,
        end,
        fields,
        check,
        on_ms,
        off_ms,
        end_pause_ms,
        _codes(table.table("codes")),
        modem,
        tones,
        pulsed,
    )
    table.done()
    return profile


def _steps(table: Table, key: str) -> tuple[ToneStep, ...]:
    """Tones, keys and pauses to be played."""
    steps: list[ToneStep] = []
    for one in table.tables(key, count_max=STEPS_MAX):
        level = one.number("level_dbm0", -11.0, -40, 0)
        if one.has("keys"):
            on, off = one.number("on_ms", 80, 10, 5_000), one.number("off_ms", 80, 10, 5_000)
            for letter in one.text("keys", length_max=16):
                if letter not in PAIRS:
                    raise ValueError(f"{one.where('keys')}: there is no key {letter!r}")
                steps += [ToneStep(PAIRS[letter], on, level), ToneStep((), off)]
        else:
            steps.append(ToneStep(one.numbers("hz", 100, 3_900, count_max=2), one.number("ms", None, 1, 10_000), level))
        one.done()
    return tuple(steps)


def _modem(table: Table) -> Modem:
    name = table.one_of("name", sorted({name for name, _ in MODEMS}))
    bauds = sorted(baud for known, baud in MODEMS if known == name)
    baud = table.number("baud", bauds[-1], 1, 10_000)
    if baud not in bauds:
        raise ValueError(f"{table.where('baud')} is {baud:g}; {name} has {', '.join(f'{one:g}' for one in bauds)}")
    parity = table.one_of("parity", PARITIES, "none")
    data_bits = table.whole("data_bits", 8 if parity == "none" else 7, 7, 8)
    if (data_bits == 8) != (parity == "none"):
        raise ValueError(f"{table.where('data_bits')}: 8 without parity, or 7 with even, odd, mark or space parity")
    table.done()
    return Modem(MODEMS[name, baud], data_bits, parity)


def _tones(table: Table) -> dict[str, SingleTone]:
    """Letters of a unit that sends single tones."""
    tones: dict[str, SingleTone] = {}
    for letter in table.names():
        one = table.table(letter)
        if len(letter) != 1 or letter == "?" or len(table.names()) > 64:
            raise ValueError(f"{table.where(letter)}: a letter is one character, not '?', and there are up to 64")
        hz = one.number("hz", None, 100, 3_900)
        keypad = any(abs(hz - key) <= 0.02 * key for key in (*LOW_HZ, *HIGH_HZ))
        if not keypad and not any(low <= hz <= high for low, high in _HEARD_HZ):
            raise ValueError(
                f"{one.where('hz')}: {hz:g} Hz is not listened for; near 400, 1400, 2100, 2300 or a keypad's is"
            )
        tones[letter] = SingleTone(hz, one.interval("ms", 1, MS_MAX) or (1, MS_MAX))
        one.done()
    if not tones:
        raise ValueError("tones: name at least one letter, [tones.x] with hz and ms")
    return tones


def _pulsed(table: Table) -> Pulsed:
    layout = table.text("layout")
    pps, hz = table.number("pps", 10, 8, 44), table.number("hz", 1900, 1700, 2000)
    table.done()
    return Pulsed(layout, pps, hz)


def _message(table: Table, carrier: Carrier, letters: str) -> tuple[str, str, tuple[Field, ...]]:
    start, end = table.text("start", "", length_max=16), table.text("end", "", length_max=16)
    for key, value in (("start", start), ("end", end)):
        if strange := set(value) - set(letters):
            raise ValueError(f"{table.where(key)}: {sorted(strange)[0]!r} cannot be sent")
    fields = [_field(one, carrier, letters) for one in table.tables("fields", count_max=FIELDS_MAX)]
    table.done()
    where = table.where("fields")
    names = [one.name for one in fields if one.name != FIXED]
    if not any(not one.value and one.name != "check" for one in fields):
        raise ValueError(f"{where}: a message has at least one field that varies")
    if doubled := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"{where}: there are two of {doubled[0]!r}")
    if sum(one.lowest != one.highest for one in fields) > 1:
        raise ValueError(f"{where}: only one field may vary in length")
    if sum(one.highest for one in fields) + len(start) + len(end) > LETTERS_MAX:
        raise ValueError(f"{where}: a message has up to {LETTERS_MAX} letters")
    return start, end, tuple(fields)


def _field(table: Table, carrier: Carrier, letters: str) -> Field:
    name = table.text("name", FIXED)
    if not _FIELD.fullmatch(name):
        raise ValueError(f"{table.where('name')} must be up to 32 of a-z, 0-9 and _, not {name!r}")
    as_hex = table.one_of("as", ("text", "hex"), "text") == "hex"
    if as_hex and carrier is not Carrier.FSK:
        raise ValueError(f"{table.where('as')}: only characters of a modem are octets")
    if table.has("value"):
        value = table.text("value", length_max=LETTERS_MAX)
        if not value or set(value) - set(letters):
            raise ValueError(f"{table.where('value')} must be letters that can be sent, not {value!r}")
        table.done()
        return Field(name, len(value), len(value), frozenset(value), value, as_hex)
    if name == FIXED:
        raise ValueError(f"{table.where('value')} is missing: a field has a name, or what always stands there")
    if isinstance(table.get("length"), list):
        lengths = table.interval("length", 1, LETTERS_MAX)
        assert lengths is not None
        lowest, highest = int(lengths[0]), int(lengths[1])
    else:
        lowest = highest = table.whole("length", None, 1, LETTERS_MAX)
    usual = {Carrier.KEYS: DIGITS, Carrier.FSK: letters if as_hex or name == "check" else DIGITS}.get(carrier, letters)
    alphabet = table.text(
        "alphabet", usual if name != "check" or carrier is not Carrier.KEYS else letters, length_max=256
    )
    if not alphabet or set(alphabet) - set(letters):
        raise ValueError(f"{table.where('alphabet')} must be letters that can be sent, not {alphabet!r}")
    table.done()
    return Field(name, lowest, highest, frozenset(alphabet), "", as_hex)


def _check(table: Table, carrier: Carrier, fields: tuple[Field, ...]) -> Check | None:
    kind = table.one_of("kind", KINDS, "none")
    own = next((one for one in fields if one.name == "check" and not one.value), None)
    if kind == "none":
        table.done()
        if own is not None:
            raise ValueError("check.kind is missing: message.fields has a field 'check'")
        return None
    if own is None or own.lowest != own.highest:
        raise ValueError("message.fields has no field 'check' of fixed length")
    length = own.lowest
    usual = "octets" if carrier is Carrier.FSK else "digit" if length == 1 else "decimal"
    form = table.one_of("form", FORMS, usual)
    modulo = table.whole("modulo", 256 if carrier is Carrier.FSK else 10, 2, 1 << 16) if kind == "sum" else 10
    offset = table.whole("offset", 0, 0, 1 << 16) if kind not in CRCS else 0
    complement = table.flag("complement", False) if kind == "sum" else False
    values = _values(table, "octets" if carrier is Carrier.FSK else "keypad") if kind not in CRCS else VALUES["octets"]
    over = _over(table, fields)
    table.done()
    if (form == "digit" and (length != 1 or kind in CRCS)) or (
        form.startswith("octets") and carrier is not Carrier.FSK
    ):
        raise ValueError(f"check.form: {form!r} does not suit a check of {length} letters of {carrier.value}")
    check = Check(kind, over, length, form, modulo, offset, complement, values)
    room = {"decimal": 10**length, "hex": 16**length}.get(form, 256**length)
    if kind == "sum" and form != "digit" and modulo > room:
        raise ValueError(f"check.modulo: {modulo} does not fit into {length} letters")
    if kind in CRCS and 1 << CRCS[kind].width > room:
        raise ValueError(f"check.kind: {kind} does not fit into {length} letters")
    return check


def _narrowed(field: Field, check: Check | None) -> Field:
    """The field of the check with the letters that a check can have."""
    if check is None or field.name != "check" or field.value:
        return field
    return replace(field, alphabet=field.alphabet & check.alphabet)


def _over(table: Table, fields: tuple[Field, ...]) -> tuple[str, ...]:
    """Names of what is added up: all of the message but the check, where nothing is said."""
    said = table.get("over")
    if said is None:
        return ()
    names = {"start", *(one.name for one in fields if one.name != "check")}
    if not isinstance(said, list) or not said or not all(isinstance(one, str) and one in names for one in said):
        raise ValueError(f"{table.where('over')} must be a list out of {', '.join(sorted(names))}")
    return tuple(said)


def _values(table: Table, usual: str) -> Mapping[str, int]:
    """What each letter counts: a table by name, or letters in the order of their values, from 0."""
    said = table.text("values", usual, length_max=256)
    if said in VALUES:
        return VALUES[said]
    if len(set(said)) != len(said) or len(said) < 2:
        raise ValueError(f"{table.where('values')} must be {', '.join(VALUES)}, or different letters in order, from 0")
    return {letter: value for value, letter in enumerate(said)}


def _codes(table: Table) -> dict[str, Code]:
    codes: dict[str, Code] = {}
    if len(table.names()) > CODES_MAX:
        raise ValueError(f"codes: up to {CODES_MAX}")
    for device_code in table.names():
        one = table.table(device_code)
        qualifier = one.one_of("qualifier", [known.value for known in Qualifier], Qualifier.NEW.value)
        codes[device_code] = Code(one.text("code", device_code, length_max=16), qualifier, one.text("words", ""))
        one.done()
    table.done()
    return codes
