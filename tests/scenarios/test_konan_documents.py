"""What is written about the Konan contract is what it does."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path

from scenarios.konan.clauses import CLAUSES
from scenarios.konan.decide import CALL_ACTIONS, VERBS
from scenarios.konan.settings import DEFAULTS
from scenarios.konan.story import HOME_KEYS, OTHERS, SIGNAL_KEYS, SIGNALS, STORY_KEYS
from scenarios.konan.words import Does

ROOT = Path(__file__).parents[2]
SETTINGS = (ROOT / "docs" / "reference" / "konan-settings.md").read_text(encoding="utf-8")
TRY = (ROOT / "docs" / "reference" / "konan-try.md").read_text(encoding="utf-8")
CONTRACT = (ROOT / "scenarios" / "konan" / "CONTRACT.md").read_text(encoding="utf-8")


def test_every_setting_is_documented_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", SETTINGS, re.MULTILINE))
    assert rows == {name: str(value).replace("'", '"') for name, value in asdict(DEFAULTS).items()}


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
