"""The cases in plain words are true, and they cover the contract's tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from receiver.rules.table import Found, Table
from receiver.rules.trial import rebuilt
from scenarios.konan import (
    aftercare,
    closing,
    consultation,
    emergency,
    left_alone,
    maintenance,
    periodic_test,
    restart,
    tables,
)
from scenarios.konan.clauses import CLAUSES
from scenarios.konan.play import Played, play
from scenarios.konan.story import Story, read

CASES = Path(__file__).parents[2] / "scenarios" / "konan" / "cases.toml"
STORIES = read(CASES.read_text(encoding="utf-8"))
TABLES: list[Table[object]] = [
    *tables.PROFILES.values(),
    tables.IDENTIFICATION,
    tables.OPENING,
    tables.JUDGEMENT,
    tables.CONSULTATION_JUDGEMENT,
    aftercare.OUTCOMES,
    closing.CLOSING,
    emergency.EMERGENCY,
    left_alone.LEFT_ALONE,
    restart.INTERRUPTED,
    consultation.CONSULTATION,
    maintenance.MAINTENANCE,
    maintenance.SUGGESTION,
    periodic_test.MISSED_TEST,
    periodic_test.QUIET_HOURS,
]


@pytest.fixture(scope="module")
def played() -> list[Played]:
    return [play(story) for story in STORIES]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_case(story: Story) -> None:
    """Each case: what is expected happens, what must not happen does not, and replay gives the same book."""
    result = play(story)
    assert not result.failures
    assert rebuilt(result.trial.journal) == result.trial.book


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_case_could_fail(story: Story) -> None:
    """Each case expects something, names its clauses, and speaks Japanese to whoever reads it."""
    assert story.expect
    assert story.clauses
    assert set(story.clauses) <= CLAUSES.keys()
    assert any("぀" <= letter <= "鿿" for letter in story.says)


def test_every_clause_the_rules_cite_is_quoted(played: list[Played]) -> None:
    cited = {told.payload["clause"] for one in played for told in one.trial.events()}
    in_tables = {row.clause for table in TABLES for row in table.rows}
    assert cited | in_tables <= CLAUSES.keys()


def test_every_quoted_clause_has_a_case() -> None:
    named = {clause for story in STORIES for clause in story.clauses}
    ours = {"otherwise", "form"}
    assert CLAUSES.keys() - ours - named == set()


def test_every_step_of_every_case_names_clause_and_row(played: list[Played]) -> None:
    for one in played:
        for told in one.trial.journal:
            assert told.payload["clause"], told
            assert told.payload["row"], told


def test_nothing_personal_stands_in_the_open_part(played: list[Played]) -> None:
    """Words, names, hospitals, callers travel in the private part only."""
    secrets = ("0775610001", "0775610002", "佐藤", "済生会", "長女", "苦しい", "娘の家", "誤操作", "本人が窓口")
    for one in played:
        for told in one.trial.journal:
            assert not any(secret in repr(dict(told.payload)) for secret in secrets), told


@pytest.mark.parametrize("table", [tables.JUDGEMENT, closing.CLOSING], ids=lambda table: table.name)
def test_the_last_row_is_otherwise(table: Table[object]) -> None:
    assert table.rows[-1].clause == "otherwise"


BY_DESIGN_NEVER = {"judgement: otherwise", "closing: otherwise"}
"""Rows that catch what no other row fits: `test_konan_tables` shows that nothing does."""


def test_every_row_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that no case reaches would be a promise that nobody has tried (code maps apart: they have a table test)."""
    reached: set[str] = set()
    find = Table.every

    def watching(table: Table[object], *values: object) -> tuple[Found[object], ...]:
        found = find(table, *values)
        reached.update(row.row for row in found)
        return found

    monkeypatch.setattr(Table, "every", watching)
    for story in STORIES:
        play(story)
    rows = {name for table in TABLES if table not in tables.PROFILES.values() for name in table.row_names}
    assert rows - reached - BY_DESIGN_NEVER == set()
