"""Which check do some messages carry? Every rule we know is tried on every place where it could stand.

A rule with `m` values holds in one more message by accident once in `m` times; `n` different messages and a free
constant give it n - 1 chances to fail. What is printed is that, times the number of rules tried: a rule is believed
only where so much luck is out of the question.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from decoder.crc import CRCS
from decoder.profile_check import CONTACT_ID_KEYS, KEYPAD_VALUES, OCTETS, Check

BELIEVED: Final = 1e-3  # chance of an accident below which a check is believed …
MESSAGES_MIN: Final = 4  # … in so many different messages: fewer may be alike in more than chance knows of
MODULI: Final = (10, 15, 16, 11, 9)


@dataclass(frozen=True, slots=True)
class Guess:
    """A rule that holds in every message.

    place    of the first check letter in the message, framing left out
    with_start  whether the start counts, too      without_last  whether the letter before the check does not
    messages    different ones it held in          chance  that it does so by accident, all rules tried counted
    """

    check: Check
    values: str
    place: int
    with_start: bool
    without_last: bool
    messages: int
    chance: float

    @property
    def is_believed(self) -> bool:
        return self.chance <= BELIEVED and self.messages >= MESSAGES_MIN


@dataclass(frozen=True, slots=True)
class Candidate:
    """A rule to be tried. Its constant is not known yet."""

    check: Check
    values: str
    place: int
    with_start: bool = False
    without_last: bool = False


def search(bodies: Sequence[str], start: str, *, octets: bool) -> list[Guess]:
    """Rules that hold in all of these messages of one length, the least accidental first.

    bodies: letters between start and end; octets: whether they are characters of a modem
    """
    distinct = list(dict.fromkeys(bodies))
    if len(distinct) < 2:
        return []
    candidates = list(_candidates(len(distinct[0]), octets=octets))
    found = []
    for candidate in candidates:
        if guess := _fitted(candidate, distinct, start):
            found.append(guess)
    tried = len(candidates)
    told = [replace(one, chance=min(1.0, one.chance * tried)) for one in found]
    return sorted(told, key=lambda one: (one.chance, -one.place, one.check.modulo))


def _candidates(length: int, *, octets: bool) -> Iterator[Candidate]:
    """Rules, the name of their letters' values, where the check stands, what of the rest counts."""
    if octets:
        for form, places in (("octets", 1), ("hex", 2), ("octets", 2), ("octets-low-first", 2), ("hex", 4)):
            place = length - places
            if place < 1:
                continue
            room = 256**places if form != "hex" else 16**places
            if room == 256:
                for complement in (False, True):
                    yield Candidate(Check("sum", (), places, form, 256, 0, complement, OCTETS), "octets", place)
                yield Candidate(Check("xor", (), places, form, values=OCTETS), "octets", place)
            for name, crc in CRCS.items():
                if 1 << crc.width == room:
                    for with_start in (False, True):
                        for without_last in (False, True):
                            yield Candidate(Check(name, (), places, form), "octets", place, with_start, without_last)
        return
    tables = (("keypad", KEYPAD_VALUES), ("contact-id", CONTACT_ID_KEYS))
    for place in (length - 1, *range(length - 1)):
        for name, values in tables:
            for modulo in MODULI:
                for complement in (False, True):
                    yield Candidate(Check("sum", (), 1, "digit", modulo, 0, complement, values), name, place)
            yield Candidate(Check("xor", (), 1, "digit", values=values), name, place)
    if length > 2:
        for name, values in tables:
            for complement in (False, True):
                yield Candidate(Check("sum", (), 2, "decimal", 100, 0, complement, values), name, length - 2)


def _fitted(candidate: Candidate, bodies: Sequence[str], start: str) -> Guess | None:
    """The rule with the constant that makes it hold, if there is one."""
    check, place = candidate.check, candidate.place
    ahead, behind = (start if candidate.with_start else ""), place + check.length
    parts = [(ahead + body[: place - candidate.without_last] + body[behind:], body[place:behind]) for body in bodies]
    if len({said for _, said in parts}) < 2:
        return None
    offset = _offset(check, *parts[0])
    if offset is None:
        return None
    own = Check(check.kind, (), check.length, check.form, check.modulo, offset, check.complement, check.values)
    if not all(own.holds(summed, said) for summed, said in parts):
        return None
    values_max = check.modulo if check.kind == "sum" else 16 if check.form == "digit" else 256**check.length
    if check.form == "hex":
        values_max = 16**check.length
    confirmed = len(bodies) - (offset != 0)
    chance = float(values_max) ** -confirmed
    return Guess(own, candidate.values, place, candidate.with_start, candidate.without_last, len(bodies), chance)


def _offset(check: Check, summed: str, said: str) -> int | None:
    """The constant that makes the rule hold for one message; None if nothing does."""
    if check.kind in CRCS:
        return 0
    try:
        number = check.number(summed)
        wanted = _number(check, said)
    except (KeyError, ValueError):
        return None
    if check.kind == "xor":
        return number ^ wanted
    return (wanted - number) % check.modulo


def _number(check: Check, said: str) -> int:
    """What the check letters say. Raises KeyError or ValueError where they say nothing."""
    match check.form:
        case "digit":
            return check.values[said]
        case "decimal":
            return int(said)
        case "hex":
            return int(said, 16)
        case _:
            octets = said.encode("latin-1")
            return int.from_bytes(octets if check.form == "octets" else octets[::-1], "big")
