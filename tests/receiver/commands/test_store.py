"""`store verify` and `store rebuild` on an installation, with the tables that are really in use."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from receiver.clock import SystemClock
from receiver.event import Draft
from receiver.installation import Installation
from receiver.journal.lock import WriterLock
from receiver.journal.store import Committed, Store


def altered(db: Path, sql: str) -> None:
    connection = sqlite3.connect(db)
    connection.executescript(f"DROP TRIGGER IF EXISTS event_stays; DROP TRIGGER IF EXISTS event_is_kept; {sql};")
    connection.close()


def test_a_whole_installation(received: Any, yobirin: Callable[..., Any]) -> None:
    received.case(7, received.frame(received.call()))
    said = yobirin("store", "verify", "--data", received.installation.data)
    assert (said.code, said.err) == (0, "")
    assert [line.partition(",")[0] for line in said.lines] == ["intake: 3 events", "konan: 1 events"]
    assert all(line.endswith(": whole") for line in said.lines)
    told = json.loads(yobirin("journal", "verify", "--json", "--data", received.installation.data).out)
    assert (told["whole"], [j["events"] for j in told["journals"]]) == (True, [3, 1])


def test_one_altered_journal_is_found_and_the_others_are_still_told(received: Any, yobirin: Callable[..., Any]) -> None:
    received.case(7, received.frame(received.call()))
    received.stop()
    altered(received.installation.intake_db, "UPDATE event SET at_us = 0 WHERE seq = 2")
    said = yobirin("store", "verify", "--data", received.installation.data)
    assert said.code == 1
    assert "record 2: its hash" in said.out
    assert "konan: 1 events" in said.out
    assert "found wanting: intake" in said.err


def test_what_is_gone_or_cannot_be_read_is_75(received: Any, yobirin: Callable[..., Any], tmp_path: Path) -> None:
    assert yobirin("store", "verify", "--data", tmp_path / "nowhere").code == 75
    received.frame(received.call())
    received.stop()
    received.installation.intake_db.unlink()
    assert yobirin("store", "verify", "--data", received.installation.data).code == 75
    received.installation.intake_db.write_bytes(b"rubbish")
    said = yobirin("store", "verify", "--json", "--data", received.installation.data)
    assert (said.code, json.loads(said.out)["whole"]) == (75, False)


def test_a_rebuild_repairs_tables_and_gives_equal_ones(received: Any, yobirin: Callable[..., Any]) -> None:
    received.case(7, received.frame(received.call()))
    received.stop()
    db = received.installation.store_db("konan")

    def rows() -> list[Any]:
        connection = sqlite3.connect(db)
        found = connection.execute("SELECT * FROM case_row, reception_case").fetchall()
        connection.close()
        return found

    before = rows()
    connection = sqlite3.connect(db)
    connection.execute("DELETE FROM reception_case")
    connection.commit()
    connection.close()
    assert "table reception_case" in yobirin("store", "verify", "--data", received.installation.data).out
    said = yobirin("store", "rebuild", "--data", received.installation.data)
    assert said.code == 0, said.err
    assert [line.split(" events")[0] for line in said.lines] == ["intake: 3", "konan: 1"]
    assert rows() == before
    assert yobirin("store", "verify", "--data", received.installation.data).code == 0


def test_a_contract_made_anew_from_its_mirror_follows_on_where_it_was(
    yobirin: Callable[..., Any], tmp_path: Path
) -> None:
    installation, folder = Installation(tmp_path / "data"), tmp_path / "mirror"
    folder.mkdir()
    store = Store(installation.store_db("konan"), clock=SystemClock(), keys=None, mirrors=[folder])
    for reception in (3, 8):
        fact = {"intake": "intake", "reception": reception, "hash": f"of {reception}"}
        store.transact(lambda tx, fact=fact: tx.append(Draft("reception.followed", fact)))
    store.close()
    for file in installation.store_db("konan").parent.glob("*.db*"):
        file.unlink()
    said = yobirin("store", "restore", "konan", "--mirror", folder, "--data", installation.data)
    assert said.code == 0, said.err
    store = Store(installation.store_db("konan"), clock=SystemClock(), keys=None)
    (outcome,) = store.transact(lambda tx: tx.cursor("intake"))
    store.close()
    assert isinstance(outcome, Committed)
    assert outcome.value == (8, "of 8")


def test_nothing_is_rebuilt_under_a_running_receiver(received: Any, yobirin: Callable[..., Any]) -> None:
    with WriterLock(received.installation.writer_lock("intake")):
        said = yobirin("store", "rebuild", "--journal", "intake", "--data", received.installation.data)
    assert said.code == 75
    assert "is writing this store" in said.err
    assert yobirin("store", "rebuild", "--journal", "nara", "--data", received.installation.data).code == 2


def test_nobodys_number_stands_in_clear_in_any_file(received: Any, yobirin: Callable[..., Any]) -> None:
    received.frame(received.call("0905550000"))
    assert json.loads(yobirin("events", "export", "--json", "--data", received.installation.data).out)["caller_id"]
    for state in ("open", "closed"):
        for file in received.installation.data.rglob("*"):
            assert not file.is_file() or b"0905550000" not in file.read_bytes(), (state, file)
        received.stop()
