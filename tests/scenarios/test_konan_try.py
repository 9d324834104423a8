"""`yobirin konan try` through the real command: what it shows, and what it says of bad files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CASES = ROOT / "scenarios" / "konan" / "cases.toml"


def konan_try(*arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "cli.py"), "konan", "try", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
    )


def steps(story: str) -> list[dict[str, object]]:
    done = konan_try(str(CASES), "--json", "--name", story)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


MISSED = """
starts = "2026-03-30 12:00:00"
until = "2026-04-01 {time}"
[[homes]]
id = "A"
account = "1234"
phones = ["0775610001"]
anchor_day = 31
anchor_time = "{time}"
installed_on = 2026-03-10
[[facts]]
at = "2026-04-01 {time}"
fact = "wait"
"""


@pytest.mark.parametrize(
    ("detected", "callable_from"),
    [
        ("20:59:59", "now"),
        ("21:00:00", "2026-04-02T09:00:00+09:00"),
        ("08:59:59", "2026-04-01T09:00:00+09:00"),
        ("09:00:00", "now"),
    ],
)
def test_k_11_7_3_missed_test(detected: str, callable_from: str) -> None:
    """K-11.7.3: detected 20:59:59 → callable now; 21:00:00 → next day 09:00:00;

    08:59:59 → 09:00:00 the same day; 09:00:00 → now.
    """
    done = konan_try("-", "--json", stdin=MISSED.format(time=detected))
    assert done.returncode == 0, done.stderr
    *told, last = [json.loads(line) for line in done.stdout.splitlines()]
    released = [step for step in told if any("call may be made" in text for text in step["events"])]
    waiting = [due for due in last["due"] if due["kind"] == "T_CALL"]
    if callable_from == "now":
        assert [step["at"] for step in released] == [f"2026-04-01T{detected}+09:00"]
        assert released[0]["clause"] == "K-11.7.3"
        assert not waiting
    else:
        assert not released
        assert [due["due"] for due in waiting] == [callable_from]
        assert "quiet hours" in waiting[0]["arithmetic"]


def test_k_11_3_1_no_answer_at_night() -> None:
    """Emergency at 23:30, ring-no-answer at T_RING → DISPATCH_REQUIRED(fire) within 1 s. Close attempt: refused."""
    told = steps("emergency at 23:30 without answer")[:-1]
    rang_out = next(step for step in told if "T_RING due" in step["events"])  # type: ignore[operator]
    demanded = next(step for step in told if step["state"] == "DISPATCH_REQUIRED")
    assert demanded["clause"] == "K-11.3.1"
    assert int(str(demanded["at_us"])) - int(str(rang_out["at_us"])) <= 1_000_000
    refused = [step for step in told if step["refused"]]
    assert [step["clause"] for step in refused] == ["K-11.3.1"]


def test_k_11_2_1b_the_address_question() -> None:
    """Close case "誤報" without the field: refused. Judgement A with the field empty: dispatch goes out."""
    refused = [step["clause"] for step in steps("false alarm needs the address question")[:-1] if step["refused"]]
    assert refused == ["K-11.2.1b", "K-11.2.1b", "K-11.2.3"]
    states = [step["state"] for step in steps("A goes out without the address")[:-1]]
    assert "DISPATCHED" in states


def test_a_clock_put_back_releases_no_call_early() -> None:
    told = steps("the clock is put back an hour at 08:59")[:-1]
    released = [step["at"] for step in told if any("call may be made" in text for text in step["events"])]  # type: ignore[attr-defined]
    assert released == ["2026-04-02T09:00:00+09:00"]


def test_text_shows_time_state_clause_row_and_quote() -> None:
    done = konan_try(str(CASES), "--name", "emergency at 23:30 without answer")
    assert done.returncode == 0
    assert "2026-04-01 23:31:00  case 1   DISPATCH_REQUIRED  K-11.3.1   emergency: CALLING × T_RING" in done.stdout
    assert "「緊急通報受信時、…応答がない場合は、直ちに消防局および必要に応じ協力員へ出動要請」" in done.stdout
    assert "T_RING: 2026-04-01 23:30:15 + 45 s → 23:31:00" in done.stdout


def test_unmet_expectations_end_with_one() -> None:
    text = 'facts = [{ at = "2026-04-01 12:00:00", fact = "wait" }]\nexpect = [{ state = "DISPATCHED" }]\n'
    done = konan_try("-", stdin=text)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "yobirin: case 1: expected, and did not happen: state DISPATCHED",
        "yobirin: 1 of the expectations are not met",
    ]


FACT = 'facts = [{{ at = "2026-04-01 12:00:00", {} }}]\n'


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "case 1: no facts"),
        ("x = [", "not TOML"),
        ("facts = 3", "case 1: facts is not a list of tables"),
        (FACT.format('fact = "signl", code = "101"'), "case 1, fact 1: unknown fact 'signl' (did you mean 'signal'?)"),
        (FACT.format('fact = "signal"'), "case 1, fact 1: a signal needs `code`"),
        (FACT.format('fact = "signal", code = 101'), "case 1, fact 1: a signal needs `code`"),
        (FACT.format('fact = "signal", code = "101", acount = "1"'), "unknown key 'acount' (did you mean 'account'?)"),
        (FACT.format('fact = "signal", code = "101", account = 1234'), "case 1, fact 1: account is not a text"),
        (FACT.format('fact = "clock_step", by = "soon"'), "case 1, fact 1, by: 'soon' is not a length of time"),
        (FACT.format('fact = "case.callback", action = "shout"'), "case 1, fact 1: action 'shout'"),
        (FACT.format('fact = "case.judge", address = "confirmed"'), "case 1, fact 1: address is not a table"),
        ('facts = [{ at = "yesterday", fact = "wait" }]', "case 1, fact 1, at: 'yesterday' is not a time"),
        ('facts = [{ fact = "wait" }]', "case 1: neither `starts` nor `at`"),
        (
            'facts = [{ at = "2026-04-01 12:00:00", fact = "wait" }, { at = "2026-04-01 11:00:00", fact = "wait" }]',
            "case 'case 1', fact 2: time goes back; the clock shows 2026-04-01 12:00:00",
        ),
        ('homes = [{ id = "A", status = "元気" }]\n' + FACT.format('fact = "wait"'), "case 1, home 1: '元気'"),
        ('homes = [{ account = "1" }]\n' + FACT.format('fact = "wait"'), "case 1, home 1: `id` is missing"),
        ('homes = [{ id = "A", anchor_day = 32 }]\n' + FACT.format('fact = "wait"'), "anchor_day 32 is not 1…31"),
        (
            'homes = [{ id = "A", anchor_day = 3, anchor_time = "25:00" }]\n' + FACT.format('fact = "wait"'),
            "anchor_time '25:00'",
        ),
        (
            'homes = [{ id = "A", anchor_day = 3, installed_on = "spring" }]\n' + FACT.format('fact = "wait"'),
            "case 1, home 1: installed_on 'spring' is not a date",
        ),
        (FACT.format('fact = "subscriber.status", home = "B", status = "休止"'), "no home is called 'B'"),
        ("expect = [{ sate = 'X' }]\n" + FACT.format('fact = "wait"'), "case 1, expect 1: unknown key 'sate'"),
        ("expect = [{ at = 'X' }]\n" + FACT.format('fact = "wait"'), "case 1, expect 1, at: 'X' is not a time"),
        (
            "[[case]]\nname = 'a'\n"
            + FACT.format('fact = "wait"')
            + "[[case]]\nname = 'a'\n"
            + FACT.format('fact = "wait"'),
            "two cases are called 'a'",
        ),
        ("case = 3", "case: write [[case]] before each"),
        ("[[case]]\nfacts = []\n[other]\n", "the file: unknown key 'other'"),
    ],
)
def test_a_bad_file_is_one_line_with_the_place(text: str, place: str) -> None:
    done = konan_try("-", stdin=text)
    assert done.returncode == 2, done.stdout
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("yobirin: -: ")
    assert place in line


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    png = tmp_path / "picture.toml"
    png.write_bytes(b"\x89PNG\r\n\x1a\n\xff")
    for path, reason in ((png, "not UTF-8 text"), (tmp_path, "Is a directory"), (tmp_path / "none", "No such file")):
        done = konan_try(str(path))
        assert done.returncode == 2
        (line,) = done.stderr.splitlines()
        assert reason in line
    assert "no case is called" in konan_try(str(CASES), "--name", "nothing").stderr
