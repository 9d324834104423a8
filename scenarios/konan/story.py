"""Situations and outcomes in plain words: the format of `cases.toml` and of `yobirin konan try`.

Reads TOML into `Story` values and plays them through the real engine on a throw-away book. Reference:
docs/reference/konan-try.md.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from difflib import get_close_matches
from typing import Any, Final

from receiver.clock import SECOND_US, local, utc_us_of
from receiver.event import Json
from receiver.rules.fact import Fact
from receiver.rules.people import DeviceState, Home, KnownHomes, Status
from receiver.rules.trial import Told, Trial
from scenarios.konan.decide import CALL_ACTIONS, VERBS, decide

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
    "manual",
    "late",
)
NOT_SAID: Final = ("at", "after", "fact", "case", "operator", "version")
"""Keys of an operator's fact that are no part of what is said."""
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


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a story; failures: expectations that were not met, each one line."""

    story: Story
    trial: Trial
    failures: tuple[str, ...]


# --- reading --------------------------------------------------------------------------------------


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
        starts_us=_instant(f"{where}, starts", starts),
        facts=facts,
        until_us=_instant(f"{where}, until", table["until"]) if "until" in table else None,
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
    for key, read_time in (("at", _instant), ("after", _duration), ("down", _duration)):
        if key in fact:
            read_time(f"{where}, {key}", fact[key])
    if kind == "clock_step":
        _duration(f"{where}, by", fact.get("by"), signed=True)


def _check_wanted(where: str, wanted: Json) -> None:
    _known(where, wanted, EXPECT_KEYS)
    for key in ("at", "due"):
        if key in wanted:
            _instant(f"{where}, {key}", wanted[key])
    if not isinstance(wanted.get("flags", []), list) or not all(
        isinstance(flag, str) for flag in wanted.get("flags", [])
    ):
        raise ValueError(f"{where}: flags is not a list of texts")
    if not isinstance(wanted.get("row", ""), str):
        raise ValueError(f"{where}: row is not a text")


def _check_home(where: str, home: Json) -> None:
    _known(where, home, HOME_KEYS)
    try:
        _home(home)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{where}: {error}") from None
    for key in ("account", "profile", "device", "city", "device_state"):
        if not isinstance(home.get(key, ""), str):
            raise ValueError(f"{where}: {key} is not a text")
    try:
        _day(home.get("installed_on"))
    except (ValueError, TypeError):
        raise ValueError(f"{where}: installed_on {home['installed_on']!r} is not a date") from None
    if "anchor_day" in home and home["anchor_day"] not in range(1, 32):
        raise ValueError(f"{where}: anchor_day {home['anchor_day']!r} is not 1…31")
    if "anchor_time" in home:
        try:
            time.fromisoformat(home["anchor_time"])
        except (ValueError, TypeError):
            raise ValueError(f"{where}: anchor_time {home['anchor_time']!r} is not HH:MM[:SS]") from None


def _instant(where: str, value: Any) -> int:
    """A local time, written as text or as TOML's own date-time."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{where}: {value!r} is not a time such as 2026-04-01 23:30:00") from None
    if isinstance(value, datetime):
        return utc_us_of(value)
    raise ValueError(f"{where}: {value!r} is not a time such as 2026-04-01 23:30:00")


def _day(value: Any) -> str | None:
    """A date, written as text or as TOML's own, as text."""
    if value is None:
        return None
    return value.isoformat()[:10] if isinstance(value, date) else date.fromisoformat(value).isoformat()


def _duration(where: str, value: Any, *, signed: bool = False) -> int:
    """Microseconds of `45s`, `2min`, `1h`, `3d` (with `signed`: also `-1h`)."""
    found = re.fullmatch(r"([+-]?)(\d+(?:\.\d+)?) ?(s|min|h|d)", value) if isinstance(value, str) else None
    if found is None or (found[1] and not signed):
        raise ValueError(f"{where}: {value!r} is not a length of time such as 45s, 2min, 1h")
    return round(float(f"{found[1]}{found[2]}") * UNITS[found[3]] * SECOND_US)


def _home(home: Json) -> Home:
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


# --- playing --------------------------------------------------------------------------------------


def play(story: Story) -> Played:
    """Run a story. Raises ValueError, naming the fact, where its times go backwards."""
    homes = {str(home["id"]): _home(home) for home in story.homes}
    trial = Trial(decide, story.starts_us, KnownHomes(tuple(homes.values())))
    for home in story.homes:
        if "anchor_day" in home:
            _install(trial, homes[home["id"]], home)
    player = _Player(trial, story, homes)
    for number, fact in enumerate(story.facts, start=1):
        where = f"case {story.name!r}, fact {number}"
        try:
            if "at" in fact:
                trial.wait_until(_instant(where, fact["at"]))
            elif "after" in fact:
                trial.wait(_duration(where, fact["after"]))
        except ValueError as error:
            raise ValueError(f"{where}: {error}; the clock shows {local(trial.utc_us):%Y-%m-%d %H:%M:%S}") from None
        player.tell(where, fact)
    if story.until_us is not None:
        trial.wait_until(max(story.until_us, trial.utc_us))
    return Played(story, trial, _failures(story, trial))


def _install(trial: Trial, home: Home, table: Json) -> None:
    trial.tell(
        Fact(
            "device.installed",
            "ledger",
            {
                "device": home.device,
                "subject": home.subject,
                "account": home.account,
                "anchor_day": table.get("anchor_day", 1),
                "anchor_time": table.get("anchor_time", "10:00"),
                "installed_on": _day(table.get("installed_on")),
            },
        )
    )


class _Player:
    """Turns written facts into facts for the engine."""

    def __init__(self, trial: Trial, story: Story, homes: dict[str, Home]) -> None:
        self._trial = trial
        self._story = story
        self._homes = homes
        self._receptions = 0

    def tell(self, where: str, fact: Json) -> None:
        trial, kind = self._trial, fact["fact"]
        if kind in SIGNALS:
            trial.tell(self._signal(fact))
        elif kind == "clock_step":
            trial.step_clock(_duration(where, fact["by"], signed=True))
        elif kind == "restart":
            trial.restart(_duration(where, fact.get("down", "0s")))
        elif kind in OTHERS and kind != "wait":
            self._ledger(where, fact)
        elif kind != "wait":
            said = {key: value for key, value in fact.items() if key not in NOT_SAID}
            by = str(fact.get("operator", "nurse"))
            case = fact.get("case", max(1, trial.book.next_case - 1))
            trial.tell(Fact(kind, by, said, case, fact.get("version")))

    def _signal(self, fact: Json) -> Fact:
        self._receptions += 1
        account = fact.get("account")
        known = next((home for home in self._homes.values() if account and home.account == account), None)
        caller = fact.get("caller", known.phones[0] if known and known.phones else "")
        payload: dict[str, Any] = {
            "type": "frame.accepted" if fact["fact"] == "signal" else "call.unknown",
            "kind": "frame" if fact["fact"] == "signal" else fact["fact"],
            "reception": self._receptions,
            "call": fact.get("call", f"call-{self._receptions}"),
            "heard_at_us": self._trial.utc_us,
            "format": fact.get("format", "contact-id"),
            "account": account,
            "code": fact.get("code"),
            "qualifier": fact.get("qualifier", "1"),
            "partition": fact.get("partition", "01"),
            "zone": fact.get("zone", "001"),
            "caller": caller or None,
            "caller_digest": f"digest of {caller}" if caller else None,
            "duplicate_of": fact.get("duplicate_of"),
            "voice_path": fact.get("voice_path", False),
            "no_kiss_off": fact.get("no_kiss_off", False),
        }
        return Fact("reception", "intake", payload)

    def _ledger(self, where: str, fact: Json) -> None:
        home = self._homes.get(fact.get("home", ""))
        if home is None:
            raise ValueError(f"{where}: no home is called {fact.get('home')!r}")
        if fact["fact"] == "device.installed":
            table: Mapping[str, Any] = next(table for table in self._story.homes if table["id"] == fact["home"])
            _install(self._trial, home, table)
        elif fact["fact"] == "device.removed":
            self._trial.tell(Fact("device.removed", "ledger", {"device": home.device, "subject": home.subject}))
        else:
            try:
                home = replace(home, status=Status(fact.get("status", "")))
            except ValueError:
                raise ValueError(f"{where}: status {fact.get('status')!r} is none of the ledger's") from None
            self._homes[fact["home"]] = home
            self._trial.people = KnownHomes(tuple(self._homes.values()))
            self._trial.tell(Fact("subscriber.status", "ledger", {"subject": home.subject, "status": fact["status"]}))


# --- checking -------------------------------------------------------------------------------------


def _failures(story: Story, trial: Trial) -> tuple[str, ...]:
    failures = []
    for wanted in story.expect:
        if not any(_fits(wanted, seen) for seen in _seen(trial)):
            failures.append(f"{story.name}: expected, and did not happen: {_in_words(wanted)}")
    for unwanted in story.absent:
        if any(_fits(unwanted, seen) for seen in _seen(trial)):
            failures.append(f"{story.name}: must not happen, and did: {_in_words(unwanted)}")
    return tuple(failures)


def _seen(trial: Trial) -> list[dict[str, Any]]:
    """Events and refusals as flat tables."""
    return [_flat(told) for told in trial.events()]


def _flat(told: Told) -> dict[str, Any]:
    seen = {**told.payload, "at": told.at_us, "type": told.type}
    if told.type.startswith("timer."):
        seen["timer"] = told.payload["kind"]
    if told.type == "refused":
        seen["refused"] = told.payload["clause"]
    if "due_us" in told.payload:
        seen["due"] = told.payload["due_us"]
    return seen


def _fits(wanted: Json, seen: Mapping[str, Any]) -> bool:
    for key, value in wanted.items():
        if key in ("at", "due"):
            if seen.get(key) != _instant(key, value):
                return False
        elif key == "flags":
            if not set(value) <= set(seen.get("flags") or ()):
                return False
        elif key == "row":
            if value not in str(seen.get("row", "")):
                return False
        elif seen.get(key) != value:
            return False
    return True


def _in_words(wanted: Json) -> str:
    return ", ".join(f"{key} {value}" for key, value in wanted.items())
