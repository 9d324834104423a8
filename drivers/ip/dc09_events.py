"""SIA DC-09: what the data of a message says, event by event. Pure.

    ADM-CID   #1234|1101 00 003          qualifier, code, partition, zone or user: Contact ID without its type and sum
    SIA-DCS   #1234|Nri1/QA03/QA04|Atext N new, O old event, in the grammar of DC-03; A text to the events before it

The account in the data is that of the premises; the one outside, that of the unit that sends, stands in for it. What is
not understood is never left out: it is given beside the events, as it is.
Source: the fact sheets of DC-09 (A3) and DC-03 (4).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from decoder import sia_events
from decoder.codes import sia
from decoder.frame import Frame, Qualifier
from drivers.ip.dc09 import Message

CONTACT_ID: Final = "dc09-adm-cid"
SIA: Final = "dc09-sia-dcs"
SHORT_ACCOUNT: Final = 3  # digits that an account has at least

KINDS: Final = {  # of further blocks, as they are seen in use; the meaning of other letters rests on nothing
    "H": "time of occurrence",
    "I": "programming",
    "K": "key request",
    "M": "hardware address",
    "V": "video",
    "X": "longitude",
    "Y": "latitude",
    "Z": "altitude",
}

_DATA: Final = re.compile(r"(?:#([0-9A-Za-z]{0,16}))?(?:\|(.*))?", re.DOTALL)
_EVENT: Final = re.compile(r"([0-9])([0-9A-Fa-f]{3}) ?([0-9A-Fa-f]{2}) ?([0-9A-Fa-f]{3})(?:\|(.*))?", re.DOTALL)
_QUALIFIERS: Final = frozenset(qualifier.value for qualifier in Qualifier)
_PART: Final = re.compile(r'(?:\^[^^]*\^|"[^"]*"|[^|])+')
_VALUES: Final = (
    "[Tt]i[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?",
    "[Dd]a[0-9]{1,2}-[0-9]{1,2}-[0-9]{2,4}",
    "(?:[Ii]d|[Rr]i|[Pp]i)[0-9]+",
)
_MODIFIER: Final = re.compile("|".join(_VALUES))
_UNPARTED: Final = re.compile(rf'\^[^^]*\^|"[^"]*"|(?<![^/])((?:{"|".join(_VALUES)})+)(?=[A-Z]{{2}})')


@dataclass(frozen=True, slots=True)
class Puzzle:
    """Part of a message, or all of it, that nothing here understands."""

    text: str
    why: str


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything that one message says: events in order, then what is not understood. Never empty."""

    frames: tuple[Frame, ...]
    puzzles: tuple[Puzzle, ...]


def premises(message: Message) -> str:
    """The account that the message is about; empty if there is none at all."""
    found = _DATA.match(message.data)
    return ((found and found[1]) or message.head.account or "").upper()


def contents(message: Message, *, sum_right: bool = True) -> Contents:
    """What a message says. sum_right: the frame's own, for an account whose sum is not looked at."""
    match message.head.id:
        case "ADM-CID":
            return _contact_id(message, sum_right)
        case "SIA-DCS":
            return _sia(message, sum_right)
        case other:
            return Contents((), (Puzzle(message.text, f'no table here knows "{other}"'),))


def _contact_id(message: Message, sum_right: bool) -> Contents:
    whole = _DATA.fullmatch(message.data)
    event = _EVENT.fullmatch((whole and whole[2]) or message.data)
    if event is None or event[1] not in _QUALIFIERS:
        return Contents((), (Puzzle(message.text, "no Contact ID event in it"),))
    if not premises(message):
        return Contents((), (Puzzle(message.text, "no account in it"),))
    qualifier, code, partition, zone, further = event.groups()
    note = f"further {further}" if further else ""
    frame = _frame(message, CONTACT_ID, message.data, (qualifier, code.upper(), partition, zone), [note], sum_right)
    return Contents((frame,), ())


def _sia(message: Message, sum_right: bool) -> Contents:
    whole = _DATA.fullmatch(message.data)
    said = whole[2] if whole else message.data
    if not said:
        return Contents((), (Puzzle(message.text, "no event in it"),))
    if not premises(message):
        return Contents((), (Puzzle(message.text, "no account in it"),))
    shown = f"#{whole[1]}|" if whole and whole[1] is not None else ""
    frames: list[Frame] = []
    puzzles: list[Puzzle] = []
    parts = _PART.findall(said)
    for place, part in enumerate(parts):
        if part.startswith("A") and frames:
            continue  # said with the events before it
        if not part.startswith(("N", "O")):
            puzzles.append(Puzzle(shown + part, "neither event nor text"))
            continue
        data, texts = _parted(part[1:]), [*takewhile(lambda one: one.startswith("A"), parts[place + 1 :])]
        events, strange, behind = _read(data)
        for event in events:
            own = "/".join(data[first:last] for first, last in event.places)
            raw = "|".join((shown + part[0] + own, *texts))
            notes = ["old event" if part[0] == "O" else "", event.note, *(f"text {text[1:]}" for text in texts)]
            notes += [f"behind it {behind}"] if behind and event is events[-1] else []
            frames.append(_frame(message, SIA, raw, _fields(event), notes, sum_right))
        puzzles += [Puzzle(f"{shown}{part[0]}{packet}", "not an event of DC-03") for packet in strange]
        if not events and not strange:
            puzzles.append(Puzzle(shown + part, "no event in it"))
    if not frames and not puzzles:  # bars alone
        puzzles.append(Puzzle(message.text, "no event in it"))
    return Contents(tuple(frames), tuple(puzzles))


def _read(data: str) -> tuple[list[sia_events.Event], tuple[str, ...], str]:
    """Events; packets that are nothing known; modifiers that no event follows.

    An event of our own behind all others is told what was not understood on the way to it, and what applies there.
    """
    *events, last = sia_events.events(f"{data}/ZZ")
    before = len(events[-1].modifiers) if events else len(last.modifiers)
    return events, last.unknown, "/".join(name + value for name, value in last.modifiers[before:])


def _parted(data: str) -> str:
    """A slash between a modifier and what follows it: some units leave it out (`ti20:50:26RP99`)."""
    return _UNPARTED.sub(
        lambda found: "".join(f"{one}/" for one in _MODIFIER.findall(found[1])) if found[1] else found[0], data
    )


def _fields(event: sia_events.Event) -> tuple[str, str, str, str]:
    qualifier = Qualifier.RESTORE if sia.code(event.code).restores else Qualifier.NEW
    return qualifier.value, event.code, event.value("ri"), event.address or event.value("pi")


def _frame(
    message: Message, name: str, raw: str, fields: tuple[str, str, str, str], notes: list[str], sum_right: bool
) -> Frame:
    sender, account = message.head.account, premises(message)
    notes = [*notes, *(f"{KINDS.get(block[:1], 'block')} {block}" for block in message.extra)]
    if sender is not None and sender.upper() != account:
        notes.append(f"sent by {sender}")
    if len(account) < SHORT_ACCOUNT:
        notes.append(f"account of less than {SHORT_ACCOUNT} digits")
    if not sum_right:
        notes.append("sum is wrong, and not looked at for this account")
    qualifier, code, partition, zone = fields
    note = "; ".join(filter(None, notes))
    return Frame(name, raw, account, qualifier, code, partition, zone, 0, 0, 1.0, sum_right, note=note)
