"""Between the ledger's values and JSON: arguments of commands, sealed parts of events.

One shape serves both. Parsing is the edge: unknown names, wrong kinds of value, control characters
and over-long texts raise ValueError with the field's name; what is allowed by contract is asked in
`conditions.py`, so that an old event stays readable when a rule grows stricter.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from enum import Enum
from typing import Any, Final, TypeVar

from receiver.ledger import phone
from receiver.ledger.values import CONTACTS_MAX, PHONES_MAX, City, Contact, Sex, Source, SourceKind, Subscriber
from receiver.rules.people import Status

TEXT_MAX: Final = 200
NOTES_MAX: Final = 4_000
E = TypeVar("E", bound=Enum)

SUBSCRIBER_FIELDS: Final = (
    "id_number", "city", "zone", "name", "kana", "address", "phones", "sex", "birth", "access_notes", "key_place",
    "needs_fax", "fax", "welfare", "cooperators", "contacts", "lives_with", "notes", "status",
)  # fmt: skip
MANDATORY: Final = ("id_number", "city", "zone", "name", "kana", "address")


def text(value: object, field: str, *, longest: int = TEXT_MAX, lines: bool = False) -> str:
    """The text exactly as it stands: rare characters and blanks are kept, control characters refused."""
    if not isinstance(value, str):
        raise ValueError(f"{field}: must be a text")
    if len(value) > longest:
        raise ValueError(f"{field}: longer than {longest} characters")
    for character in value:
        if unicodedata.category(character) in {"Cc", "Cs"} and not (lines and character in "\n\t"):
            raise ValueError(f"{field}: holds a control character (U+{ord(character):04X})")
    return value


def filled(value: object, field: str) -> str:
    """A text that says something."""
    if not (found := text(value, field)).strip():
        raise ValueError(f"{field}: is empty")
    return found


def flag(value: object, field: str) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{field}: must be true or false")
    return value


def term(kind: type[E], value: object, field: str) -> E:
    """The enum member with this Japanese word."""
    for member in kind:
        if member.value == value:
            return member
    words = "|".join(str(member.value) for member in kind)
    raise ValueError(f"{field}: {value!r} is none of {words}")


def day(value: object, field: str) -> date:
    try:
        return date.fromisoformat(text(value, field))
    except ValueError:
        raise ValueError(f"{field}: {value!r} is no date (YYYY-MM-DD)") from None


def phones(value: object, field: str) -> tuple[str, ...]:
    """Normalised, the first mention of each kept."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise ValueError(f"{field}: must be a list of numbers")
    if len(value) > PHONES_MAX:
        raise ValueError(f"{field}: more than {PHONES_MAX} numbers")
    try:
        return tuple(dict.fromkeys(phone.normalise(text(one, field)) for one in value))
    except ValueError as error:
        raise ValueError(f"{field}: {error}") from None


def contacts(value: object, field: str) -> tuple[Contact, ...]:
    """A list in order of priority."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise ValueError(f"{field}: must be a list")
    if len(value) > CONTACTS_MAX:
        raise ValueError(f"{field}: more than {CONTACTS_MAX}")
    return tuple(_contact(one, f"{field} {number}") for number, one in enumerate(value, 1))


def _contact(value: object, field: str) -> Contact:
    if not isinstance(value, Mapping):
        raise ValueError(f"{field}: must be an object")
    known = {"name", "relation", "phones", "address", "keeps_key", "at_night", "notes"}
    if unknown := sorted(set(value) - known):
        raise ValueError(f"{field}: unknown field {unknown[0]!r}")
    return Contact(
        filled(value.get("name", ""), f"{field} name"),
        text(value.get("relation", ""), f"{field} relation"),
        phones(value.get("phones", ()), f"{field} phones"),
        text(value.get("address", ""), f"{field} address"),
        flag(value.get("keeps_key", False), f"{field} keeps_key"),
        flag(value.get("at_night", True), f"{field} at_night"),
        text(value.get("notes", ""), f"{field} notes", longest=NOTES_MAX, lines=True),
    )


def id_number(value: object, field: str = "id_number") -> str:
    """The city's number, exactly as issued: leading zeros and letters kept (K-12.1.4)."""
    found = filled(value, field)
    if found != found.strip():
        raise ValueError(f"{field}: blanks before or after {found!r}")
    return found


def source(value: object) -> Source:
    """`市指示:草福第12号`, `訪問:2026-04-01`, `定期連絡`: kind, then what proves it (K-9.5)."""
    written = unicodedata.normalize("NFC", text(value, "source")) if value is not None else ""
    kind, _, reference = written.replace("：", ":").partition(":")
    found = Source(term(SourceKind, kind.strip(), "source"), reference.strip())
    if found.kind is SourceKind.CITY and not found.reference:
        raise ValueError("source: 市指示 needs the instruction's number, for example 市指示:草福第12号")
    return found


def _optional(parse: Callable[[object, str], Any]) -> Callable[[object, str], Any]:
    return lambda value, field: None if value is None or value == "" else parse(value, field)


def _notes(value: object, field: str) -> str:
    return text(value, field, longest=NOTES_MAX, lines=True)


def _fax(value: object, field: str) -> str:
    return phones([value], field)[0] if value != "" else ""


PARSERS: Final[Mapping[str, Callable[[object, str], Any]]] = {
    "id_number": id_number,
    "city": lambda value, field: term(City, value, field),
    "zone": filled,
    "name": filled,
    "kana": filled,
    "address": filled,
    "phones": phones,
    "sex": _optional(lambda value, field: term(Sex, value, field)),
    "birth": _optional(day),
    "access_notes": _notes,
    "key_place": _notes,
    "needs_fax": flag,
    "fax": _fax,
    "welfare": flag,
    "cooperators": contacts,
    "contacts": contacts,
    "lives_with": _optional(text),
    "notes": _notes,
    "status": lambda value, field: term(Status, value, field),
}


def parsed(args: Mapping[str, Any]) -> dict[str, Any]:
    """Values for `Subscriber(**…)` of the fields that are given; ValueError names the first wrong one."""
    for name in args:
        if name not in PARSERS:
            raise ValueError(f"unknown field {name!r}")
    return {name: PARSERS[name](args[name], name) for name in SUBSCRIBER_FIELDS if name in args}


def subscriber(args: Mapping[str, Any], subject: str) -> Subscriber:
    """A whole subscriber; the mandatory fields must be there."""
    if missing := [name for name in MANDATORY if name not in args]:
        raise ValueError(f"{missing[0]}: is missing")
    return Subscriber(subject=subject, **parsed(args))


def plain(value: object) -> Any:
    """A value as JSON: enums by their word, dates ISO, tuples as lists, contacts as objects."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [plain(one) for one in value]
    if isinstance(value, Contact):
        return {name: plain(getattr(value, name)) for name in Contact.__slots__}
    return value


def as_json(person: Subscriber, names: Sequence[str] = SUBSCRIBER_FIELDS) -> dict[str, Any]:
    """The subscriber's fields, without the internal number."""
    return {name: plain(getattr(person, name)) for name in names}
