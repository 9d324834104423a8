"""The shape of an unknown unit's messages: what frames them, what is the same in a call, what changes within one.

* 0 0 1 2 3 4 0 5 0 1 7 #         the same in all messages, and no digit: framing, separators
  └ account ┘ └ code ┘ └ check    the same within a call, different between calls: who; changing: what
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from decoder.check_search import Guess
from decoder.learning_carrier import Heard
from decoder.profiles import DIGITS, Carrier

MOST: Final = 0.7  # of all messages have one length, or messages differ in length
FRAME_MAX: Final = 3  # letters of a start or an end
HEXADECIMAL: Final = "0123456789ABCDEF"


class Part(Enum):
    """What a letter's place in a message is."""

    SEPARATOR = "separator"  # the same in all, no digit
    SAME = "same"  # the same in all, and a digit
    DEVICE = "account"  # the same within a call
    EVENT = "code"  # changes within a call
    CHECK = "check"


@dataclass(slots=True)
class Layout:
    """start, end: framing; bodies: what stands between, by call, of messages that fit; variable: lengths differ.

    parts: of each letter, if lengths do not differ; sure: places that a known account was found at
    """

    start: str
    end: str
    bodies: list[list[str]]
    variable: bool
    parts: list[Part]
    carrier: Carrier
    sure: range | None
    known: bool  # whether a call with two different messages showed what is who and what is what
    notes: list[tuple[str, str]] = field(default_factory=list)

    def fields(self, guess: Guess | None) -> list[dict[str, object]]:
        """The fields as a profile has them."""
        if self.variable:
            lengths = [len(body) for call in self.bodies for body in call]
            self.notes.append(("message.fields[1]", "unsure: messages differ in length, so all of it is the account"))
            letters = frozenset("".join(body for call in self.bodies for body in call))
            longest: dict[str, object] = {"name": "account", "length": [min(lengths), max(lengths)]}
            return [longest | self._alphabet(letters)]
        parts = list(self.parts)
        if guess is not None:
            parts[guess.place : guess.place + guess.check.length] = [Part.CHECK] * guess.check.length
        return [self._field(number, *stretch) for number, stretch in enumerate(self._stretches(parts), 1)]

    def summed(self, guess: Guess) -> list[str]:
        """The names of what a check sums up, where it is not simply all of the message."""
        names = [str(one["name"]) for one in self.fields(guess)]
        names = names[: names.index("check") - guess.without_last] + names[names.index("check") + 1 :]
        return ["start", *names] if guess.with_start else names

    def values_of(self, name: str, fields: Sequence[dict[str, object]]) -> list[str]:
        """What stood in a field of fixed length, once for each message."""
        at = 0
        for one in fields:
            length = len(str(one["value"])) if "value" in one else one["length"]
            if not isinstance(length, int):
                return []
            if one.get("name") == name:
                return [body[at : at + length] for call in self.bodies for body in call]
            at += length
        return []

    def _stretches(self, parts: Sequence[Part]) -> list[tuple[str, int, int]]:
        """Name, first and last place of each field. Digits that never changed join what they stand before."""
        kinds = [part.value for part in parts]
        if self.sure is not None:
            kinds[self.sure.start : self.sure.stop] = ["account"] * len(self.sure)
        for place in reversed(range(len(kinds))):
            if kinds[place] == Part.SAME.value:
                after = kinds[place + 1] if place + 1 < len(kinds) else "unknown"
                fits = after in ("account", "code") and not (after == "account" and self.sure is not None)
                kinds[place] = after if fits else "unknown"
            elif kinds[place] == Part.DEVICE.value and self.sure is not None and place not in self.sure:
                kinds[place] = "code"
        stretches: list[tuple[str, int, int]] = []
        for place, kind in enumerate(kinds):
            if stretches and stretches[-1][0] == kind:
                stretches[-1] = (kind, stretches[-1][1], place + 1)
            else:
                stretches.append((kind, place, place + 1))
        used: Counter[str] = Counter()
        named = []
        for kind, first, last in stretches:
            used[kind] += 1
            name = kind if kind in ("separator", "check") or (used[kind] == 1 and kind != "unknown") else ""
            if kind == "code" and used[kind] == 2:
                name = "zone"
            named.append(
                (name or f"unknown{used[kind]}" if kind == "unknown" else name or f"{kind}{used[kind]}", first, last)
            )
        return named

    def _field(self, number: int, name: str, first: int, last: int) -> dict[str, object]:
        key = f"message.fields[{number}]"
        values = list(dict.fromkeys(body[first:last] for call in self.bodies for body in call))
        if name == "separator":
            return {"name": f"fixed{number}", "value": values[0]}
        shown = ", ".join(repr(value) for value in values[:6]) + (" …" if len(values) > 6 else "")
        sure = name == "check" or (name == "account" and self.sure is not None and self.sure.start == first)
        self.notes.append((key, f"heard: {shown}"))
        if len(values) == 1 and not sure:
            self.notes.append((key, "unsure: it never changed; it may be fixed, or part of its neighbour"))
        elif not sure and not self.known:
            self.notes.append((key, "unsure: no call had two different messages: who and what are told apart by place"))
        elif not sure:
            self.notes.append(
                (key, f"unsure: named for how it changes {'between' if name == 'account' else 'in'} calls")
            )
        said: dict[str, object] = {"name": name, "length": last - first}
        return said if name == "check" else said | self._alphabet(frozenset("".join(values)))

    def _alphabet(self, letters: frozenset[str]) -> dict[str, object]:
        """The letters a field may have: all of a kind, if some of it were heard."""
        if letters <= set(DIGITS):
            return {}
        if self.carrier is Carrier.KEYS:
            framing = set(self.start + self.end)
            return {"alphabet": "".join(key for key in "0123456789ABCD*#" if key not in framing)}
        if self.carrier is Carrier.TONES:
            return {}
        if letters <= set(HEXADECIMAL):
            return {"alphabet": HEXADECIMAL}
        printable = "".join(map(chr, range(32, 127)))
        return {"alphabet": printable} if letters <= set(printable) else {"as": "hex"}


def layout_of(calls: Sequence[Sequence[str]], heard: Heard, accounts: Collection[str]) -> Layout:
    """The shape of these messages, call by call. Raises ValueError with one line if there is none."""
    lengths = Counter(len(message) for call in calls for message in call)
    if not lengths:
        raise ValueError(f"heard {heard.words}, but nothing as long as a message")
    length, count = lengths.most_common(1)[0]
    every = [message for call in calls for message in call]
    fitting = [message for message in every if len(message) == length]
    start = _frame(fitting, heard.carrier, from_end=False)
    end = _frame([message[len(start) :] for message in fitting], heard.carrier, from_end=True)
    framed = [one for one in every if one.startswith(start) and one.endswith(end) and len(one) > len(start + end)]
    variable = count < MOST * len(framed) and len(framed) > len(fitting)
    own = [[one for one in call if one in (framed if variable else fitting)] for call in calls]
    bodies = [[one[len(start) : len(one) - len(end)] for one in call] for call in own]
    notes = (
        [] if start or end else [("message", "unsure: nothing frames the messages, so only their length tells them")]
    )
    if others := {one: times for one, times in lengths.items() if one != length and not variable}:
        told = ", ".join(f"{times} of {one} letters" for one, times in sorted(others.items()))
        notes.append(("message", f"unsure: left out: {told}"))
    known = any(len(set(call)) > 1 for call in bodies)
    parts = [] if variable else _parts(bodies, known)
    sure = None if variable else _labelled(bodies, accounts, notes)
    return Layout(start, end, bodies, variable, parts, heard.carrier, sure, known, notes)


def _frame(messages: Sequence[str], carrier: Carrier, *, from_end: bool) -> str:
    """The letters that all messages begin or end with, as far as they are none of a number."""
    frame = ""
    turned = [message[::-1] if from_end else message for message in messages]
    for letters in zip(*turned, strict=False):
        letter = letters[0]
        plain = letter in DIGITS or (carrier is Carrier.FSK and letter.isascii() and letter.isalnum())
        if len(set(letters)) > 1 or plain or len(frame) == FRAME_MAX or carrier is Carrier.TONES:
            break
        frame += letter
    # One letter at least is left to be a message.
    frame = frame[: max(min(map(len, messages)) - 1, 0)]
    return frame[::-1] if from_end else frame


def _parts(bodies: Sequence[Sequence[str]], known: bool) -> list[Part]:
    """What each place is, from how it changes."""
    calls = [call for call in bodies if call]
    length = len(calls[0][0])
    parts = []
    for place in range(length):
        by_call = [{body[place] for body in call} for call in calls]
        letters = set().union(*by_call)
        if len(letters) == 1:
            parts.append(Part.SAME if letters <= set(DIGITS) or next(iter(letters)).isalnum() else Part.SEPARATOR)
        else:
            parts.append(Part.EVENT if any(len(one) > 1 for one in by_call) else Part.DEVICE)
    if Part.DEVICE not in parts or not known:
        _guessed(parts)
    return parts


def _guessed(parts: list[Part]) -> None:
    """Who comes before what: the first stretch is the account, where nothing else tells."""
    if Part.DEVICE not in parts:
        # One unit alone: its number never changed.
        for place, part in enumerate(parts):
            if part is Part.EVENT:
                break
            if part is Part.SAME:
                parts[place] = Part.DEVICE
        return
    changing = [place for place, part in enumerate(parts) if part is Part.DEVICE]
    for place in changing:
        between = parts[changing[0] : place]
        if any(part in (Part.SEPARATOR, Part.SAME) for part in between):
            parts[place] = Part.EVENT


def _labelled(bodies: Sequence[Sequence[str]], accounts: Collection[str], notes: list[tuple[str, str]]) -> range | None:
    """Where the known accounts stand in the messages."""
    if not accounts:
        return None
    places: Counter[tuple[int, int]] = Counter()
    every = [body for call in bodies for body in call]
    for body in every:
        for account in accounts:
            at = body.find(account)
            while at >= 0 and account:
                places[at, len(account)] += 1
                at = body.find(account, at + 1)
    if not places:
        notes.append(("message", f"unsure: none of the accounts {', '.join(sorted(accounts))} stands in any message"))
        return None
    (at, length), count = places.most_common(1)[0]
    if count < len(every):
        notes.append(
            ("message", f"unsure: a known account stands at letter {at + 1} in {count} of {len(every)} messages")
        )
    return range(at, at + length)
