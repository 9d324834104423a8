"""Every way of going deaf has an alarm: the table in docs/reference/alarms.md, against the code and the tests."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from receiver.centre.follow import TROUBLE
from receiver.health.conditions import KEYS
from receiver.health.texts import TEXTS

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "reference" / "alarms.md").read_text(encoding="utf-8")
ROWS = [
    line.split(" | ") for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| what happens")
]
NAMED = sorted({name for row in ROWS for name in re.findall(r"`(tests/[\w/.]+(?:::\w+)?)`", row[-1])})


def keys_in_the_code() -> set[str]:
    """What `receiver/` can raise: what is passed to an `_alert`, or stands as `text_key`, besides the two lists."""
    found = {trouble.replace(".", "_") for trouble in TROUBLE} | set(KEYS)
    for path in (ROOT / "receiver").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            values: list[ast.expr | None] = []
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("._alert"):
                values = [*node.args]
            elif isinstance(node, ast.Dict):
                values = [
                    v for k, v in zip(node.keys, node.values, strict=True) if k and ast.unparse(k) == "'text_key'"
                ]
            texts = [
                value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)
            ]
            found |= {text for text in texts if re.fullmatch(r"[a-z]+(_[a-z]+)+", text)}
    return found | {"unit_weak"}


def test_every_alarm_of_the_code_has_a_row_and_every_row_an_alarm() -> None:
    in_the_page = {key for row in ROWS for key in re.findall(r"`([a-z]+(?:_[a-z]+)+)`", row[1])}
    assert in_the_page == keys_in_the_code()


def test_every_row_names_a_test() -> None:
    assert [row for row in ROWS if "`tests/" not in row[-1]] == []


@pytest.mark.parametrize("name", NAMED)
def test_every_test_that_is_named_exists(name: str) -> None:
    path, _, function = name.partition("::")
    functions = {
        node.name
        for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert not function or function in functions, name  # a page of tests may be about one alarm


def test_every_alarm_has_words_for_the_operators() -> None:
    assert set(TEXTS) == keys_in_the_code()
    assert all(re.search(r"[ぁ-んァ-ヶ一-龠]", words) for words in TEXTS.values())
