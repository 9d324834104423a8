"""`yobirin run --demo --once`, as a newcomer runs it: five stories, then what can be asked about them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("demonstration")]


def yobirin(*arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("YOBIRIN_")}
    command = [sys.executable, "-m", "cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, env=environment)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demonstration") / "data"


@pytest.fixture(scope="module")
def told(data: Path) -> str:
    done = yobirin("run", "--demo", "--once", "--data", str(data), timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def export(data: Path) -> list[dict[str, Any]]:
    done = yobirin("events", "export", "--json", "--data", str(data))
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def steps(data: Path, case: int) -> list[dict[str, Any]]:
    done = yobirin("explain", "case", str(case), "--json", "--data", str(data))
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["steps"]
    return found


def test_every_unit_is_acknowledged_and_every_case_ends(told: str, data: Path) -> None:
    assert told.count("was told “I have it”") == 5
    assert "NO acknowledgement" not in told
    assert "alarm: no receipt" not in told
    cases = yobirin("case", "list", "--all", "--json", "--data", str(data)).stdout.splitlines()
    assert [json.loads(line)["state"] for line in cases] == ["CLOSED"] * 4


def test_the_receptions_are_exported_once_each_with_their_cases(told: str, data: Path) -> None:
    receptions = export(data)
    assert [one["account"] for one in receptions] == ["1002", "1001", "1004", "1003", "1005"]
    assert all(one["kissed_off_at_unix"] > one["received_at_unix"] for one in receptions)
    assert all(one["duplicate_of"] is None for one in receptions)
    assert [one["case_id"] for one in receptions] == [1, 2, None, 3, 4]
    assert receptions[0]["caller_id"] == "0775821002"


def test_no_answer_led_to_a_fire_dispatch_with_its_clause(told: str, data: Path) -> None:
    required = [step for step in steps(data, 1) if step["state"] == "DISPATCH_REQUIRED"]
    assert required[0]["clause"] == "K-11.3.1"


def test_the_missed_test_was_called_only_after_nine(told: str, data: Path) -> None:
    called = [step for step in steps(data, 4) if "result started" in " ".join(step["events"])]
    assert next(step["at"] for step in called) >= "2026-04-02T09:00:00"
    released = [step for step in steps(data, 4) if "call may be made from" in " ".join(step["events"])]
    assert [step["at"][:19] for step in released] == ["2026-04-02T09:00:00"]


def test_each_jump_of_the_clock_is_printed_and_none_is_made_while_an_emergency_waits(told: str) -> None:
    lines = told.splitlines()
    jumps = [index for index, line in enumerate(lines) if "the clock jumps to" in line]
    required = next(index for index, line in enumerate(lines) if "DISPATCH_REQUIRED" in line)
    dispatched = next(index for index, line in enumerate(lines) if "staff: case.dispatch " in line)
    assert jumps
    assert not [index for index in jumps if required < index < dispatched]


def test_mqtt_delivered_every_message_and_nothing_personal(told: str, data: Path) -> None:
    received = [json.loads(line) for line in (data / "received-by-mqtt.jsonl").read_text().splitlines()]
    followed = [one for one in received if one["type"] == "reception.followed"]
    assert [one["data"]["account"] for one in followed] == ["1002", "1001", "1004", "1003", "1005"]
    text = (data / "received-by-mqtt.jsonl").read_text()
    assert not re.search("あおば|ふじ|訓練町|0775", text)


CANARIES = (
    "訓練 あおば",
    "アオバ",
    "草津市訓練町",
    "077-561-1001",
    "0775611001",
    "訓練総合病院",
    "掃除中に誤って押した",
)


def test_nothing_personal_stands_in_clear_in_any_file(told: str, data: Path) -> None:
    files = [path for path in data.rglob("*") if path.is_file()]
    assert len(files) > 8
    for path in files:
        content = path.read_bytes()
        for canary in CANARIES:
            assert canary.encode() not in content, f"{canary} in {path}"


def test_the_store_is_whole_and_rebuilds_to_equal_tables(told: str, data: Path) -> None:
    for arguments in (["store", "verify"], ["store", "rebuild"], ["store", "verify"]):
        done = yobirin(*arguments, "--data", str(data))
        assert done.returncode == 0, done.stdout + done.stderr


def test_demonstration_and_real_data_never_mix(told: str, data: Path, tmp_path: Path) -> None:
    again = yobirin("run", "--demo", "--once", "--data", str(data))
    real = yobirin("run", "--data", str(data))
    (tmp_path / "something").touch()
    other = yobirin("run", "--demo", "--data", str(tmp_path))
    for done in (again, real, other):
        assert done.returncode == 2
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
