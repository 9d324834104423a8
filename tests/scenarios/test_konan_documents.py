"""What is written about the Konan contract is what it does."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path

import pytest

from scenarios.konan.clauses import CLAUSES
from scenarios.konan.decide import CALL_ACTIONS, VERBS
from scenarios.konan.settings import DEFAULTS, RANGES, settings_from
from scenarios.konan.story import HOME_KEYS, OTHERS, SIGNAL_KEYS, SIGNALS, STORY_KEYS
from scenarios.konan.words import Does

ROOT = Path(__file__).parents[2]
SETTINGS = (ROOT / "docs" / "reference" / "konan-settings.md").read_text(encoding="utf-8")
TRY = (ROOT / "docs" / "reference" / "konan-try.md").read_text(encoding="utf-8")
CONTRACT = (ROOT / "scenarios" / "konan" / "CONTRACT.md").read_text(encoding="utf-8")


def test_every_setting_is_documented_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", SETTINGS, re.MULTILINE))
    assert rows == {name: str(value).replace("'", '"') for name, value in asdict(DEFAULTS).items()}


def test_every_range_is_documented_and_holds_the_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| .+? \| (\d+…\d+).*? \|", SETTINGS, re.MULTILINE))
    assert rows == {name: f"{least}…{greatest}" for name, (least, greatest) in RANGES.items()}
    assert settings_from(asdict(DEFAULTS)) == DEFAULTS


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("t_ring_s", 3600, "t_ring_s: 3600 is outside 30…60"),
        ("t_ring_s", 0, "t_ring_s: 0 must be a whole number"),
        ("t_ring_s", True, "t_ring_s: True must be a whole number"),
        ("t_rng_s", 40, 't_rng_s: there is no such setting; did you mean "t_ring_s"?'),
        ("redial_min", [1, 99], "redial_min: 99 is outside 1…15"),
        ("call_times", ["10:00", "21:00"], "call_times: 21:00 is outside 09:00…20:59"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(name: str, value: object, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        settings_from({name: value})


def test_every_setting_is_used() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "scenarios" / "konan").glob("*.py"))
    for name in asdict(DEFAULTS):
        assert f"settings.{name}" in code, name


def test_the_format_of_a_story_is_documented() -> None:
    words = (*STORY_KEYS, *HOME_KEYS, *SIGNAL_KEYS, *SIGNALS, *OTHERS, *VERBS, *CALL_ACTIONS, "operator", "version")
    assert [word for word in words if not re.search(rf"\b{re.escape(word)}\b", TRY)] == []


def test_the_contract_page_names_every_clause_and_timer() -> None:
    timers = [kind.value for kind in Does if kind.value.startswith("T_")]
    ours = {"otherwise", "form", "concurrency"}
    assert [name for name in (*CLAUSES.keys() - ours, *timers) if f"{name}" not in CONTRACT] == []
