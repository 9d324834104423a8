"""What a profile's unit says: symbols in, letters, runs of letters, frames out.

A reader complains of what is framed as the unit's messages are, or, where nothing frames them, of what is as long and
fits; the rest is others'. Refused in this order: length, doubt, framing, shape, timing, check, sanity.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from decoder.checksum import modulo_15
from decoder.exchange import Reader
from decoder.frame import Frame, Qualifier, Reason, Rejected
from decoder.keypad import KEY_DIGITS
from decoder.letters import DOUBT, UNKNOWN, Letter, Letters, Run
from decoder.profiles import Carrier, Code, Field, Modem, Profile, SingleTone
from decoder.rounds import Twice
from decoder.samples import from_ms, to_ms
from decoder.symbols import Character, Digit, Symbol, Tone

STRAY_MAX: Final = 2  # so many letters too few or too many, framed, are still a spoilt message of ours
NOISE_MAX: Final = 3  # characters before a message's start
NEAR_HZ: Final = 0.03  # of a single tone's frequency
NEAR_BAUD: Final = 0.05


def reader(profile: Profile) -> Reader:
    """A reader of the unit's messages, heard as often as the profile wants."""
    once = ProfileReader(profile)
    return once if profile.repeats == 1 else Twice(once)


class ProfileReader:
    """Collects letters and judges every run of them."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._letters = Letters(_letter_of(profile), from_ms(profile.end_pause_ms))
        body = frozenset().union(*(field.alphabet for field in profile.fields))
        # A start that cannot stand inside a message parts messages that follow each other without a pause.
        self._parts = profile.start if profile.start and not set(profile.start) & body else ""

    @property
    def deadline(self) -> int | None:
        """The end of the pause that ends a run."""
        return self._letters.deadline

    def hear(self, symbol: Symbol) -> list[Frame | Rejected]:
        """Take one symbol; what is not of this unit is ignored."""
        return self._judged(self._letters.hear(symbol))

    def tick(self, at: int) -> list[Frame | Rejected]:
        """Nothing more was heard before `at`."""
        return self._judged(self._letters.tick(at))

    def _judged(self, runs: list[Run]) -> list[Frame | Rejected]:
        pieces = [piece for run in runs for piece in self._pieces(run)]
        results = (judge(self._profile, piece) for piece in pieces)
        return [result for result in results if result is not None]

    def _pieces(self, run: Run) -> list[Run]:
        if self._parts:
            return run.parted(self._parts)
        noise = run.text.find(self._profile.start) if self._profile.modem else 0
        # A modem's carrier begins with a character or two that nobody sent.
        return [run.behind(noise) if 0 < noise <= NOISE_MAX else run]


def _letter_of(profile: Profile) -> Callable[[Symbol], Letter | None]:
    if profile.modem is not None:
        return partial(_character, profile.modem)
    if profile.tones is not None:
        return partial(_tone, profile.tones)
    return _key


def _key(symbol: Symbol) -> Letter | None:
    if not isinstance(symbol, Digit):
        return None
    return _certain(symbol.key, symbol)


def _character(modem: Modem, symbol: Symbol) -> Letter | None:
    if not isinstance(symbol, Character) or symbol.modem != modem.modem.name:
        return None
    if abs(symbol.baud - modem.modem.baud) > NEAR_BAUD * modem.modem.baud:
        return None
    value = symbol.value & (1 << modem.data_bits) - 1
    right = symbol.framed and octet(modem, value) == symbol.value
    return _certain(chr(value) if right else UNKNOWN, symbol)


def _tone(tones: Mapping[str, SingleTone], symbol: Symbol) -> Letter | None:
    if not isinstance(symbol, Tone):
        return None
    ms = to_ms(symbol.end - symbol.start)
    fits = [
        (abs(symbol.hz - tone.hz) / tone.hz, letter)
        for letter, tone in tones.items()
        if abs(symbol.hz - tone.hz) <= NEAR_HZ * tone.hz and tone.ms[0] <= ms <= tone.ms[1]
    ]
    return _certain(min(fits)[1], symbol) if fits else None


def _certain(text: str, symbol: Digit | Character | Tone) -> Letter:
    return Letter(text if symbol.confidence >= DOUBT else UNKNOWN, symbol.start, symbol.end, symbol.confidence)


def octet(modem: Modem, value: int) -> int:
    """Eight bits as sent: parity put in."""
    ones = value.bit_count()
    top = {"none": 0, "even": ones & 1, "odd": ones & 1 ^ 1, "mark": 1, "space": 0}[modem.parity]
    return value | top << 7


def judge(profile: Profile, run: Run) -> Frame | Rejected | None:
    """A run as a message; None if it is none of this unit's."""
    around = len(profile.start) + len(profile.end)
    if len(run.text) + run.beyond < profile.lowest + around:
        run = run.with_losses()
    text, count = run.text, len(run.letters) + run.beyond - around
    if not _is_own(profile, text, count) or (profile.check is None and _is_contact_id(profile, text)):
        return None
    body = text[len(profile.start) : len(text) - len(profile.end)]
    refuse = partial(_rejected, profile, run)
    if not profile.lowest <= count <= profile.highest:
        wanted = f"{profile.lowest}" if profile.lowest == profile.highest else f"{profile.lowest} to {profile.highest}"
        reason = Reason.TOO_SHORT if count < profile.lowest else Reason.TOO_LONG
        return refuse(reason, f"{count} letters between start and end, {wanted} wanted")
    if UNKNOWN in text:
        return refuse(Reason.ERASURE, f"{text.count(UNKNOWN)} letters in doubt or lost")
    if not _framed(profile, text):
        return refuse(Reason.FRAMING, "its start or its end is missing")
    parts = parts_of(profile, body)
    for field, part in parts:
        if field.value and part != field.value:
            return refuse(Reason.SHAPE, f"{_shown(profile, part)} where {_shown(profile, field.value)} always stands")
        if strange := set(part) - field.alphabet:
            return refuse(Reason.SHAPE, f"{field.name} has {_shown(profile, min(strange))}, which it cannot have")
    if wrong := _timing(profile, run):
        return refuse(Reason.FRAMING, wrong)
    if profile.check is not None:
        check = next(part for field, part in parts if field.name == "check")
        if not profile.check.holds(summed(profile, parts), check):
            return refuse(Reason.CHECKSUM, f"the check {profile.check.kind} does not hold")
    varying = {letter for field, part in parts if not field.value and field.name != "check" for letter in part}
    if any(field.name == "account" for field in profile.fields) and varying in ({"0"}, {"\0"}):
        return refuse(Reason.SANITY, "nothing but zeros")
    return _frame(profile, run, parts)


def _is_own(profile: Profile, text: str, count: int) -> bool:
    """Whether a run looks like a message of this unit, right or spoilt."""
    near = profile.lowest - STRAY_MAX <= count <= profile.highest + STRAY_MAX
    if profile.start or profile.end:
        first, last = text[: len(profile.start)], text[len(text) - len(profile.end) :]
        begins, ends = _alike(first, profile.start), _alike(last, profile.end)
        if not set(first + last) - {UNKNOWN}:
            return False  # a tone that is no modem's gives characters that nobody knows
        if begins and ends:
            return count >= 0
        return near and bool((profile.start and begins) or (profile.end and ends))
    if not profile.lowest <= count <= profile.highest:
        return False
    return all(
        (not field.value or _alike(part, field.value)) and set(part) <= field.alphabet | {UNKNOWN}
        for field, part in parts_of(profile, text)
    )


def _framed(profile: Profile, text: str) -> bool:
    return text.startswith(profile.start) and text.endswith(profile.end)


def _alike(text: str, wanted: str) -> bool:
    """Whether the letters are those wanted, as far as they are known."""
    return len(text) == len(wanted) and all(one in (other, UNKNOWN) for one, other in zip(text, wanted, strict=True))


def _is_contact_id(profile: Profile, text: str) -> bool:
    """A message that Contact ID's own check vouches for is none of a unit without a check."""
    if profile.carrier is not Carrier.KEYS or len(text) != 16 or UNKNOWN in text or "D" in text:
        return False
    digits = "".join(KEY_DIGITS[key] for key in text)
    return digits[4:6] in ("18", "98") and not modulo_15(digits)


def _timing(profile: Profile, run: Run) -> str:
    """What is wrong with the lengths of letters and pauses; "" if nothing is."""
    for place, letter in enumerate(run.letters):
        on = to_ms(letter.end - letter.start)
        if profile.on_ms and not profile.on_ms[0] <= on <= profile.on_ms[1]:
            return f"letter {place + 1} lasts {on:.0f} ms, {profile.on_ms[0]:g} to {profile.on_ms[1]:g} wanted"
        off = to_ms(letter.start - run.letters[place - 1].end) if place else None
        if off is not None and profile.off_ms and not profile.off_ms[0] <= off <= profile.off_ms[1]:
            wanted = f"{profile.off_ms[0]:g} to {profile.off_ms[1]:g} wanted"
            return f"a pause of {off:.0f} ms before letter {place + 1}, {wanted}"
    return ""


def parts_of(profile: Profile, body: str) -> list[tuple[Field, str]]:
    """The letters of each field; the one that varies in length takes what the others leave."""
    spare = len(body) - profile.lowest
    parts, at = [], 0
    for field in profile.fields:
        length = field.lowest + (spare if field.lowest != field.highest else 0)
        parts.append((field, body[at : at + length]))
        at += length
    return parts


def summed(profile: Profile, parts: list[tuple[Field, str]]) -> str:
    """The letters that the check is made of."""
    assert profile.check is not None
    if not profile.check.over:
        return "".join(part for field, part in parts if field.name != "check")
    named = {"start": profile.start} | {field.name: part for field, part in parts}
    return "".join(named[name] for name in profile.check.over)


def _frame(profile: Profile, run: Run, parts: list[tuple[Field, str]]) -> Frame:
    said = {field.name: _told(field, part) for field, part in parts}
    frame = Frame(
        profile.name,
        raw(profile, run.text),
        account=said.get("account", ""),
        qualifier=Qualifier.NEW.value,
        code=said.get("code", ""),
        partition=said.get("partition", ""),
        zone=said.get("zone", ""),
        start=run.start,
        end=run.end,
        confidence=run.confidence,
        note=f"echoes of digits left out: {run.echoes}" if run.echoes else "",
    )
    return _meant(profile, frame)


def _meant(profile: Profile, frame: Frame) -> Frame:
    """The same with our own code for the device's; a code that the profile does not know stays as it was sent."""
    if not profile.codes:
        return frame
    code = profile.codes.get(frame.code)
    said = f"device code {frame.code}" + (f": {code.words}" if code and code.words else "")
    note = "; ".join(filter(None, [said if code else f"{said} is not in the profile's code map", frame.note]))
    known, code = code is not None, code or Code(frame.code)
    return replace(frame, code=code.code, qualifier=code.qualifier, note=note, mapped=known)


def _told(field: Field, part: str) -> str:
    return part.encode("latin-1").hex().upper() if field.hex else part


def raw(profile: Profile, text: str) -> str:
    """What was sent, as a frame tells it: keys and tones as they are, characters in hex."""
    return text.encode("latin-1").hex().upper() if profile.carrier is Carrier.FSK else text


def _shown(profile: Profile, text: str) -> str:
    return repr(text) if text.isprintable() else raw(profile, text)


def _rejected(profile: Profile, run: Run, reason: Reason, evidence: str) -> Rejected:
    in_hex = profile.carrier is Carrier.FSK
    unknown = "??" if in_hex else "?"
    best = "".join(unknown if letter == UNKNOWN else f"{ord(letter):02X}" if in_hex else letter for letter in run.text)
    return Rejected(profile.name, reason, best, run.start, run.end, evidence)


class Mapped:
    """A reader of another format whose frames are told in a profile's name and codes."""

    def __init__(self, profile: Profile, reader: Reader) -> None:
        self._profile, self._reader = profile, reader

    @property
    def deadline(self) -> int | None:
        """That of the reader."""
        return self._reader.deadline

    def hear(self, symbol: Symbol) -> list[Frame | Rejected]:
        """Take one symbol."""
        return [self._told(result) for result in self._reader.hear(symbol)]

    def tick(self, at: int) -> list[Frame | Rejected]:
        """Time has come to sample `at`."""
        return [self._told(result) for result in self._reader.tick(at)]

    def _told(self, result: Frame | Rejected) -> Frame | Rejected:
        return _meant(self._profile, result) if isinstance(result, Frame) else result
