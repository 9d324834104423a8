"""Situations and outcomes in plain words: the format of `cases.toml` and of `yobirin konan try`.

Reads TOML into `Story` values; `play.py` plays them. Reference: docs/reference/konan-try.md.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import date, datetime, time
from difflib import get_close_matches
from typing import Any, Final

from receiver.clock import SECOND_US, utc_us_of
from receiver.event import Json
from receiver.rules.people import DeviceState, Home, Status
from scenarios.konan.decide import CALL_ACTIONS, VERBS

STORY_KEYS: Final = ("name", "says", "clauses", "homes", "starts", "facts", "until", "expect", "absent")
HOME_KEYS: Final = (
    "id",
    "account",
    "phones",
    "city",
    "status",
    "profile",
    "device",
    "device_state",
    "anchor_day",
    "anchor_time",
    "interval_days",
    "installed_on",
)
SIGNALS: Final = ("signal", "voice", "unreadable")
SIGNAL_KEYS: Final = (
    "account",
    "code",
    "qualifier",
    "partition",
    "zone",
    "format",
    "caller",
    "duplicate_of",
    "voice_path",
    "no_kiss_off",
    "account_recovered",
    "call",
)
OTHERS: Final = {
    "wait": (),
    "clock_step": ("by",),
    "restart": ("down",),
    "device.installed": ("home",),
    "device.removed": ("home",),
    "subscriber.status": ("home", "status"),
}
EXPECT_KEYS: Final = (
    "at",
    "case",
    "type",
    "state",
    "clause",
    "row",
    "kind",
    "result",
    "target",
    "basis",
    "text_key",
    "level",
    "guard",
    "duty",
    "identified",
    "flags",
    "address",
    "outcome",
    "timer",
    "due",
    "refused",
    "verb",
    "how",
    "owner",
    "suggestion",
    "repeated",
    "previous",
    "duplicate_of",
    "signal",
    "manual",
    "late",
)
UNITS: Final = {"s": 1, "min": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class Story:
    """One situation. homes: as written; facts, expect: checked tables; starts_us: where the clock begins."""

    name: str
    says: str
    clauses: tuple[str, ...]
    homes: tuple[Json, ...]
    starts_us: int
    facts: tuple[Json, ...]
    until_us: int | None
    expect: tuple[Json, ...]
    absent: tuple[Json, ...]


def read(text: str) -> tuple[Story, ...]:
    """All stories of a file. Raises ValueError whose message names the place."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"not TOML: {error}") from None
    return stories_of(document)


def stories_of(document: Json) -> tuple[Story, ...]:
    """All stories of a parsed file."""
    if "case" in document:
        _known("the file", document, ("case",))
        tables = document["case"]
        if not isinstance(tables, list):
            raise ValueError("case: write [[case]] before each")
    else:
        tables = [document]
    stories = tuple(_story(table, number) for number, table in enumerate(tables, start=1))
    names = [story.name for story in stories]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two cases are called {name!r}")
    return stories


def _story(table: Any, number: int) -> Story:
    where = f"case {number}"
    if not isinstance(table, dict):
        raise ValueError(f"{where}: not a table")
    name = table.get("name", where)
    if not isinstance(name, str):
        raise ValueError(f"{where}: name is not a text")
    where = f"case {name!r}" if "name" in table else where
    _known(where, table, STORY_KEYS)
    facts = _tables(where, table, "facts")
    if not facts:
        raise ValueError(f"{where}: no facts")
    for position, fact in enumerate(facts, start=1):
        _check_fact(f"{where}, fact {position}", fact)
    homes = _tables(where, table, "homes")
    for position, home in enumerate(homes, start=1):
        _check_home(f"{where}, home {position}", home)
    clauses = table.get("clauses", [])
    if not isinstance(clauses, list):
        raise ValueError(f"{where}: clauses is not a list")
    starts = table.get("starts", facts[0].get("at"))
    if starts is None:
        raise ValueError(f"{where}: neither `starts` nor `at` in the first fact says when it begins")
    for key in ("expect", "absent"):
        for position, wanted in enumerate(_tables(where, table, key), start=1):
            _check_wanted(f"{where}, {key} {position}", wanted)
    return Story(
        name=name,
        says=str(table.get("says", "")),
        clauses=tuple(str(clause) for clause in clauses),
        homes=homes,
        starts_us=instant(f"{where}, starts", starts),
        facts=facts,
        until_us=instant(f"{where}, until", table["until"]) if "until" in table else None,
        expect=_tables(where, table, "expect"),
        absent=_tables(where, table, "absent"),
    )


def _tables(where: str, table: Json, key: str) -> tuple[Json, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise ValueError(f"{where}: {key} is not a list of tables")
    return tuple(value)


def _known(where: str, table: Json, keys: tuple[str, ...]) -> None:
    for key in table:
        if key not in keys:
            near = get_close_matches(key, keys, 1)
            raise ValueError(f"{where}: unknown key {key!r}" + (f" (did you mean {near[0]!r}?)" if near else ""))


def _check_fact(where: str, fact: Json) -> None:
    kind = fact.get("fact")
    if not isinstance(kind, str):
        raise ValueError(f"{where}: `fact` is missing")
    if kind in SIGNALS:
        _known(where, fact, ("at", "after", "fact", *SIGNAL_KEYS))
        if kind == "signal" and not isinstance(fact.get("code"), str):
            raise ValueError(f'{where}: a signal needs `code`, as text (code = "101")')
        for key in ("account", "code", "qualifier", "partition", "zone", "caller", "format", "call"):
            if key in fact and not isinstance(fact[key], str):
                raise ValueError(f"{where}: {key} is not a text")
        if "duplicate_of" in fact and not isinstance(fact["duplicate_of"], int):
            raise ValueError(f"{where}: duplicate_of is not the number of a reception")
    elif kind in OTHERS:
        _known(where, fact, ("at", "after", "fact", *OTHERS[kind]))
        for key in ("home", "status"):
            if not isinstance(fact.get(key, ""), str):
                raise ValueError(f"{where}: {key} is not a text")
    elif kind in VERBS or kind == "case.callback":
        if kind == "case.callback" and fact.get("action") not in CALL_ACTIONS:
            raise ValueError(f"{where}: action {fact.get('action')!r}: one of {', '.join(CALL_ACTIONS)}")
        for key in ("case", "version"):
            if key in fact and not isinstance(fact[key], int):
                raise ValueError(f"{where}: {key} is not a number")
        for key, value in fact.items():
            if isinstance(value, list | dict) and key != "address":
                raise ValueError(f"{where}: {key} is not a text")
        if "address" in fact and not isinstance(fact["address"], dict):
            raise ValueError(f'{where}: address is not a table ({{ value = "confirmed" }})')
    else:
        kinds = (*SIGNALS, *OTHERS, "case.callback", *VERBS)
        near = get_close_matches(kind, kinds, 1)
        raise ValueError(f"{where}: unknown fact {kind!r}" + (f" (did you mean {near[0]!r}?)" if near else ""))
    for key, read_time in (("at", instant), ("after", duration), ("down", duration)):
        if key in fact:
            read_time(f"{where}, {key}", fact[key])
    if kind == "clock_step":
        duration(f"{where}, by", fact.get("by"), signed=True)


def _check_wanted(where: str, wanted: Json) -> None:
    _known(where, wanted, EXPECT_KEYS)
    for key in ("at", "due"):
        if key in wanted:
            instant(f"{where}, {key}", wanted[key])
    if not isinstance(wanted.get("flags", []), list) or not all(
        isinstance(flag, str) for flag in wanted.get("flags", [])
    ):
        raise ValueError(f"{where}: flags is not a list of texts")
    if not isinstance(wanted.get("row", ""), str):
        raise ValueError(f"{where}: row is not a text")


def _check_home(where: str, home: Json) -> None:
    _known(where, home, HOME_KEYS)
    try:
        home_of(home)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{where}: {error}") from None
    for key in ("account", "profile", "device", "city", "device_state"):
        if not isinstance(home.get(key, ""), str):
            raise ValueError(f"{where}: {key} is not a text")
    try:
        day_of(home.get("installed_on"))
    except (ValueError, TypeError):
        raise ValueError(f"{where}: installed_on {home['installed_on']!r} is not a date") from None
    if "anchor_day" in home and home["anchor_day"] not in range(1, 32):
        raise ValueError(f"{where}: anchor_day {home['anchor_day']!r} is not 1…31")
    if "interval_days" in home and home["interval_days"] not in range(1, 367):
        raise ValueError(f"{where}: interval_days {home['interval_days']!r} is not 1…366")
    if "anchor_time" in home:
        try:
            time.fromisoformat(home["anchor_time"])
        except (ValueError, TypeError):
            raise ValueError(f"{where}: anchor_time {home['anchor_time']!r} is not HH:MM[:SS]") from None


def instant(where: str, value: Any) -> int:
    """A local time, written as text or as TOML's own date-time."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{where}: {value!r} is not a time such as 2026-04-01 23:30:00") from None
    if isinstance(value, datetime):
        return utc_us_of(value)
    raise ValueError(f"{where}: {value!r} is not a time such as 2026-04-01 23:30:00")


def day_of(value: Any) -> str | None:
    """A date, written as text or as TOML's own, as text."""
    if value is None:
        return None
    return value.isoformat()[:10] if isinstance(value, date) else date.fromisoformat(value).isoformat()


def duration(where: str, value: Any, *, signed: bool = False) -> int:
    """Microseconds of `45s`, `2min`, `1h`, `3d` (with `signed`: also `-1h`)."""
    found = re.fullmatch(r"([+-]?)(\d+(?:\.\d+)?) ?(s|min|h|d)", value) if isinstance(value, str) else None
    if found is None or (found[1] and not signed):
        raise ValueError(f"{where}: {value!r} is not a length of time such as 45s, 2min, 1h")
    return round(float(f"{found[1]}{found[2]}") * UNITS[found[3]] * SECOND_US)


def home_of(home: Json) -> Home:
    name = home.get("id")
    if not isinstance(name, str):
        raise ValueError("`id` is missing")
    phones = home.get("phones", [])
    if not isinstance(phones, list) or not all(isinstance(number, str) for number in phones):
        raise ValueError("phones is not a list of texts")
    device_state = DeviceState(home.get("device_state", DeviceState.INSTALLED.value))
    return Home(
        subject=name if device_state not in (DeviceState.STOCK, DeviceState.LENT) else None,
        city=str(home.get("city", "草津市")),
        status=Status(home.get("status", Status.ACTIVE.value)),
        phones=tuple(phones),
        device=home.get("device", f"device-{name}"),
        device_state=device_state,
        account=home.get("account"),
        profile=home.get("profile", "contact-id"),
    )
