"""Stories played through the real engine on a throw-away book, and held against what they expect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from receiver.clock import local
from receiver.event import Json
from receiver.rules.fact import Fact
from receiver.rules.people import Home, KnownHomes, Status
from receiver.rules.trial import Told, Trial
from scenarios.konan.decide import decide
from scenarios.konan.story import OTHERS, SIGNALS, Story, day_of, duration, home_of, instant

NOT_SAID: Final = ("at", "after", "fact", "case", "operator", "version")
"""Keys of an operator's fact that are no part of what is said."""


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a story; failures: expectations that were not met, each one line."""

    story: Story
    trial: Trial
    failures: tuple[str, ...]


def play(story: Story) -> Played:
    """Run a story. Raises ValueError, naming the fact, where its times go backwards."""
    homes = {str(home["id"]): home_of(home) for home in story.homes}
    trial = Trial(decide, story.starts_us, KnownHomes(tuple(homes.values())))
    for home in story.homes:
        if "anchor_day" in home or "interval_days" in home:
            _install(trial, homes[home["id"]], home)
    player = _Player(trial, story, homes)
    for number, fact in enumerate(story.facts, start=1):
        where = f"case {story.name!r}, fact {number}"
        try:
            if "at" in fact:
                trial.wait_until(instant(where, fact["at"]))
            elif "after" in fact:
                trial.wait(duration(where, fact["after"]))
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
                "interval_days": table.get("interval_days"),
                "installed_on": day_of(table.get("installed_on")),
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
            trial.step_clock(duration(where, fact["by"], signed=True))
        elif kind == "restart":
            trial.restart(duration(where, fact.get("down", "0s")))
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
            "account_recovered": fact.get("account_recovered", False),
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
            if seen.get(key) != instant(key, value):
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
