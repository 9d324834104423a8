"""`yobirin output list|show|retry` and `doctor`, on an output that has delivered, was refused something, is silent."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from receiver.clock import SystemClock
from receiver.commands.doctor import examine
from receiver.commands.output import output
from receiver.errors import BadInput, PartlyDone, StoreUnavailable
from receiver.event import Draft
from receiver.health.look import Looker, Places
from receiver.installation import Installation, private_folder
from receiver.journal.lock import WriterLock
from receiver.journal.reader import Reader
from receiver.journal.store import Store
from receiver.output.opening import open_journal

CONFIG = """
data = "d"
[[output]]
name = "manitou"
uri = "surgard:tcp://127.0.0.1:1"
[[output]]
name = "new"
uri = "ademco685:tcp://127.0.0.1:1"
"""
FRAME = {"line": "modem:a", "duplicate_of": None}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five receptions: 1 delivered, 2 refused, 3 a repetition, 4 and 5 wait."""
    for name in ("YOBIRIN_DATA", "YOBIRIN_CONFIG", "YOBIRIN_KEY_FILE", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "yobirin.toml"
    path.write_text(CONFIG)
    installation = Installation(tmp_path / "d")
    private_folder(installation.intake)
    with closing(Store(installation.intake_db, clock=SystemClock(), keys=None)) as intake:
        for duplicate_of in (None, None, 2, None, None):
            frame = Draft("frame.accepted", {**FRAME, "duplicate_of": duplicate_of}, actor="intake")
            intake.transact(lambda tx, frame=frame: tx.append(frame))
    journal, lock = open_journal(installation, (), SystemClock())
    told: list[tuple[str, dict[str, Any]]] = [
        ("output.began", {"reception": 0, "hash": "0"}),
        ("output.delivered", {"reception": 1, "hash": "1", "frame": "a"}),
        ("output.refused", {"reception": 2, "hash": "2", "frame": "b", "times": 10}),
        ("output.unacknowledged", {"since_us": 1_775_044_200_000_000, "reason": "hung"}),
    ]
    for type_, payload in told:
        draft = Draft(type_, {"output": "manitou", **payload}, actor="output")
        journal.submit(lambda tx, draft=draft: tx.append(draft)).result()
    journal.close()
    lock.release()
    return path


def call(file: Path, *arguments: str) -> Result:
    command, *rest = arguments
    return CliRunner().invoke(output, [command, "--config", str(file), *rest])


def heal(file: Path) -> None:
    journal, lock = open_journal(Installation(file.parent / "d"), (), SystemClock())
    journal.submit(lambda tx: tx.append(Draft("output.healed", {"output": "manitou"}, actor="output"))).result()
    journal.close()
    lock.release()


def test_list_says_how_far_each_is_and_ends_with_1_while_an_alarm_stands(file: Path) -> None:
    result = call(file, "list")
    assert isinstance(result.exception, PartlyDone)
    first, second = result.stdout.splitlines()
    assert first.startswith("manitou  surgard:tcp://127.0.0.1:1: 2 waiting, 1 acknowledged, last reception 1 at ")
    assert first.endswith("1 refused; ALARM: nothing is acknowledged")
    assert second == "new  ademco685:tcp://127.0.0.1:1: has not begun"
    heal(file)
    result = call(file, "list", "--json")
    assert result.exit_code == 0
    assert [json.loads(line)["waiting"] for line in result.stdout.splitlines()] == [2, None]


def test_an_output_that_is_configured_no_more_is_shown_and_nothing_is_sent_to_it(file: Path) -> None:
    file.write_text('data = "d"')
    assert "manitou  not configured any more: 2 waiting" in call(file, "list").stdout
    assert "not configured any more" in str(call(file, "retry", "manitou", "2").exception)


def test_show_names_what_was_refused_and_why_it_is_silent(file: Path) -> None:
    shown = call(file, "show", "manitou").stdout
    assert "  silent since 2026-04-01T20:50:00+09:00: hung" in shown
    assert "  reception 2 refused 10 times, " in shown
    assert json.loads(call(file, "show", "manitou", "--json").stdout)["refused"][0]["reception"] == 2
    assert "there are: manitou, new" in str(call(file, "show", "mantou").exception)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["manitou"], "name the receptions, or --all"),
        (["manitou", "2", "--all"], "name the receptions, or --all"),
        (["manitou", "1"], "1 was not refused"),
        (["nobody", "1"], "there is no output 'nobody'"),
    ],
)
def test_what_cannot_be_sent_once_more(file: Path, arguments: list[str], says: str) -> None:
    result = call(file, "retry", *arguments)
    assert isinstance(result.exception, BadInput)
    assert says in str(result.exception)


@pytest.mark.parametrize("which", [["2"], ["--all"]])
def test_retry_while_it_is_stopped(file: Path, which: list[str]) -> None:
    assert call(file, "retry", "manitou", *which).exit_code == 0
    assert "reception 2 refused 10 times" in (shown := call(file, "show", "manitou").stdout)
    assert "; is sent once more" in shown
    reader = Reader(Installation(file.parent / "d").store_db("output"))
    (asked,) = reader.after(0, types=["output.again"])
    assert asked.actor.startswith("os:")


def test_retry_of_a_process_that_does_not_answer(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("receiver.commands.output.ANSWER_S", 0.2)
    with WriterLock(Installation(file.parent / "d").writer_lock("output")):
        result = call(file, "retry", "manitou", "2")
    assert isinstance(result.exception, StoreUnavailable)


def test_without_an_output_the_process_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "y.toml").write_text('data = "d"')
    result = call(tmp_path / "y.toml", "run")
    assert "no output is configured" in str(result.exception)


def findings(file: Path) -> dict[tuple[str, str], str]:
    return {(one.about, one.level): one.says for one in examine(file.parent / "d", file)}


def test_the_doctor_looks_at_outputs(file: Path) -> None:
    found = findings(file)
    assert found["outputs", "note"] == "nobody serves them"
    assert found["output manitou", "wrong"] == "1 messages were refused"
    assert found["output new", "good"] == "has not begun"
    assert "5 events" not in found["journal output", "good"]
    file.write_text(CONFIG.replace("ademco685:tcp://127.0.0.1:1", "ademco685:tcp://127.0.0.1:1?receiver=12"))
    assert "receiver number has one digit" in findings(file)["outputs", "wrong"]


def test_the_watch_sees_them(file: Path) -> None:
    installation = Installation(file.parent / "d")
    seen = Looker(Places(installation, outputs=("manitou", "new")), SystemClock()).look(None)
    manitou, new = seen.outputs
    assert (manitou.refused, manitou.reason, new.silent_s) == (1, "hung", None)
    assert manitou.silent_s is not None
    assert seen.output_process is None
    assert "output" in {journal.name for journal in seen.journals}
