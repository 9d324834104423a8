"""What stands in the data of a SIA block (DC-03; DC-09 carries the same text).

    data      packet / packet / …
    packet    modifier | event | name
    event     two capitals, 0 to 4 digits of address, ^text^
    modifier  two small letters and a value: applies to the events behind it
    name      *"text"NM, behind its event with or without a / between

A `/` between two `^` or quotation marks parts nothing. Some panels write `Ri01` for `ri01`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

MODIFIERS: Final = {
    "ti": "time",
    "da": "date",
    "id": "user",
    "ri": "area",
    "pi": "point",
    "ph": "telephone",
    "ai": "automated identification",
    "va": "value",
}
_PACKET: Final = re.compile(r'(?:\^[^^]*\^|"[^"]*"|[^/])+')
_EVENT: Final = re.compile(r'([A-Z]{2})(\d{0,4})\s*(?:\^([^^]*)\^)?(?:\*"([^"]*)"NM)?')
_MODIFIER: Final = re.compile(r"([A-Za-z][a-z])(.*)")
_NAME: Final = re.compile(r'\*?"([^"]*)"NM')


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a block.

    places   where its packet and the modifiers that apply stand in the data: (first, behind the last) of each
    unknown  packets of the block that are neither modifier, event nor name
    """

    code: str
    address: str
    text: str
    modifiers: tuple[tuple[str, str], ...]
    places: tuple[tuple[int, int], ...]
    unknown: tuple[str, ...] = ()

    def value(self, modifier: str) -> str:
        """The last value of a modifier; empty if there is none."""
        return dict(self.modifiers).get(modifier, "")

    @property
    def note(self) -> str:
        """Everything that has no field of its own, in words."""
        parts = [f"{MODIFIERS[name]} {value}" for name, value in self.modifiers if name != "ri"]
        if self.text:
            parts.append(f"text {self.text}")
        return "; ".join([*parts, *(f"not understood: {packet}" for packet in self.unknown)])


def events(data: str) -> list[Event]:
    """The events of a block, in order. A packet that is nothing known is noted at the events behind it."""
    found: list[Event] = []
    modifiers: list[tuple[str, str]] = []
    places: list[tuple[int, int]] = []
    unknown: list[str] = []
    for packet in _PACKET.finditer(data):
        text, place = packet.group(), packet.span()
        if event := _EVENT.fullmatch(text):
            code, address, words, own = event.groups(default="")
            found.append(
                Event(code, address, f"{words} {own}".strip(), tuple(modifiers), (*places, place), tuple(unknown))
            )
        elif (name := _NAME.fullmatch(text)) and found:
            last = found.pop()
            words = f"{last.text} {name[1]}".strip()
            places_with = (*last.places, place)
            found.append(Event(last.code, last.address, words, last.modifiers, places_with, last.unknown))
        elif (modifier := _MODIFIER.fullmatch(text)) and modifier[1].lower() in MODIFIERS:
            modifiers.append((modifier[1].lower(), modifier[2]))
            places.append(place)
        else:
            unknown.append(text)
    return found
