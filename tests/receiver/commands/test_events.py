"""The export other programs live on: exact, never empty because the store could not be read."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FIELDS = [
    "id", "received_at", "received_at_unix", "raw", "account", "qualifier", "code", "partition", "zone", "format",
    "line", "caller_id", "kissed_off_at_unix", "duplicate_of", "case_id",
]  # fmt: skip


def exported(yobirin: Callable[..., Any], data: Path, *options: str) -> list[dict[str, Any]]:
    said = yobirin("events", "export", "--json", "--data", data, *options)
    assert said.code == 0, said.err
    return [json.loads(line) for line in said.lines]


def test_every_reception_in_the_documented_form(received: Any, yobirin: Callable[..., Any]) -> None:
    first = received.frame(received.call())
    received.case(7, first)
    (reception,) = exported(yobirin, received.installation.data)
    assert list(reception) == FIELDS
    assert reception == {
        "id": first, "received_at": "2026-04-01T20:50:00.123+09:00", "received_at_unix": 1775044200.123,
        "raw": "123418110101001B", "account": "1234", "qualifier": "E", "code": "101", "partition": "01",
        "zone": "001", "format": "contact-id", "line": "modem:1", "caller_id": "0775551234",
        "kissed_off_at_unix": 1775044201.623, "duplicate_of": None, "case_id": 7,
    }  # fmt: skip


def test_oldest_first_with_repeats_linked_and_unknown_ones_too(received: Any, yobirin: Callable[..., Any]) -> None:
    call, withheld = received.call(), received.call(None)
    unheard = received.frame(call, kissed_off=False)
    repeated = received.frame(call, duplicate_of=unheard)
    voice = received.voice(withheld)
    found = exported(yobirin, received.installation.data)
    assert [(r["id"], r["duplicate_of"], r["kissed_off_at_unix"] is None) for r in found] == [
        (unheard, None, True),
        (repeated, unheard, False),
        (voice, None, True),
    ]
    assert [found[2][name] for name in ("raw", "account", "code", "format", "caller_id")] == [None] * 3 + [
        "voice",
        None,
    ]
    assert [r["id"] for r in exported(yobirin, received.installation.data, "--since", str(unheard))] == [
        repeated,
        voice,
    ]


def test_many_pages_lose_and_repeat_nothing(received: Any, yobirin: Callable[..., Any]) -> None:
    call = received.call()
    ids = [received.frame(call, kissed_off=False) for _ in range(1203)]
    assert [r["id"] for r in exported(yobirin, received.installation.data)] == ids


def test_a_dead_or_missing_centre_gives_null_cases(received: Any, yobirin: Callable[..., Any]) -> None:
    received.case(7, received.frame(received.call()))
    received.stop()
    store = received.installation.store_db("konan")
    for damage in (b"rubbish" * 1000, b""):
        for file in store.parent.glob("store.db*"):
            file.unlink()
        store.write_bytes(damage)
        assert [r["case_id"] for r in exported(yobirin, received.installation.data)] == [None]


def test_a_backup_without_keys_gives_everything_but_the_callers(
    received: Any, yobirin: Callable[..., Any], tmp_path: Path
) -> None:
    received.frame(received.call())
    restored = tmp_path / "restored"
    shutil.copytree(received.installation.data, restored, ignore=shutil.ignore_patterns("keys.db*"))
    said = yobirin("events", "export", "--json", "--data", restored)
    assert (said.code, json.loads(said.out)["caller_id"], json.loads(said.out)["account"]) == (0, None, "1234")
    assert "callers' numbers are left out" in said.err


@pytest.mark.parametrize("command", [["export", "--json"], ["export"], ["follow"], ["show", "1"]])
@pytest.mark.parametrize("damage", ["never was", "removed", "empty", "rubbish", "altered"])
def test_what_cannot_be_read_is_never_an_empty_success(
    received: Any, yobirin: Callable[..., Any], tmp_path: Path, command: list[str], damage: str
) -> None:
    received.frame(received.call())
    received.stop()
    db = received.installation.intake_db
    data = tmp_path / "elsewhere" if damage == "never was" else received.installation.data
    if damage == "removed":
        db.unlink()
    elif damage == "altered":
        db.write_bytes(db.read_bytes().replace(b'"account":"1234"', b'"account":"4321"'))
        command = [*command, "--since", "0"] if command == ["follow"] else command
        command = ["show", "2"] if command[0] == "show" else command
    elif damage != "never was":
        db.write_bytes(b"" if damage == "empty" else b"rubbish" * 1000)
    said = yobirin("events", *command, "--data", data)
    assert (said.code, said.out) == (75, "")
    assert len(said.err.splitlines()) == 1


def test_an_empty_journal_is_an_empty_export(received: Any, yobirin: Callable[..., Any]) -> None:
    assert exported(yobirin, received.installation.data) == []


def test_show_tells_the_whole_call(received: Any, yobirin: Callable[..., Any]) -> None:
    seq = received.frame(received.call())
    said = yobirin("events", "show", str(seq), "--json", "--data", received.installation.data)
    shown = json.loads(said.out)
    assert [e["type"] for e in shown["events"]] == ["call.started", "frame.accepted", "kissoff.completed"]
    assert list(shown["reception"]) == FIELDS
    assert "kissed off +1.50 s" in yobirin("events", "show", str(seq), "--data", received.installation.data).out
    other = yobirin("events", "show", str(seq - 1), "--data", received.installation.data)
    assert (other.code, other.out) == (2, "")
    assert "is no reception" in other.err


def test_follow_prints_what_comes_until_interrupted(received: Any) -> None:
    received.frame(received.call())
    follower = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "cli",
            "events",
            "follow",
            "--json",
            "--since",
            "0",
            "--data",
            received.installation.data,
        ],
        stdout=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # as a shell starts background jobs
    )
    assert follower.stdout is not None
    seen = [json.loads(follower.stdout.readline())["id"]]
    late = [received.frame(received.call()) for _ in range(3)]
    seen += [json.loads(follower.stdout.readline())["id"] for _ in range(3)]
    assert seen[1:] == late
    os.kill(follower.pid, signal.SIGINT)
    assert follower.communicate(timeout=10) == (b"", None)
    assert follower.returncode == 0


def test_show_says_what_a_message_means_and_held(received: Any, yobirin: Callable[..., Any]) -> None:
    """A SCAIP unit's numbers and texts are sealed; who may see the installation's key is shown them."""
    private = {"caller": "0775610001", "crd": "gsm:077-561-0001", "dte": "アンナ"}
    seq = received.message("scaip", "ME/0003/0016", "003", private)
    data = received.installation.data
    shown = json.loads(yobirin("events", "show", str(seq), "--json", "--data", data).out)
    assert shown["said"] == private
    assert shown["reception"]["caller_id"] == "0775610001"
    assert "アンナ" not in json.dumps(shown["events"], ensure_ascii=False)
    lines = yobirin("events", "show", str(seq), "--data", data).lines
    assert "  means               pendant, battery low, button 2 (ペンダント・電池低下・ボタン2)" in lines
    assert "  dte                 アンナ" in lines
