"""The ledger's tables in the contract's store, so that a command can look people up without the centre.

They hold codes, keyed digests and the sealed value as it stands in the event: no table names anybody
in the clear. `load` makes the same `Ledger` from them that the centre folded from the events.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from contextlib import nullcontext, suppress
from typing import Any, Final

from receiver.errors import StoreUnavailable
from receiver.event import Json, Record
from receiver.journal.reader import Reader
from receiver.ledger.ledger import Keys, Ledger
from receiver.rules.people import DeviceState

CREATE: Final = """
CREATE TABLE ledger_subscriber (
    subject TEXT PRIMARY KEY, city TEXT NOT NULL, zone TEXT NOT NULL, status TEXT NOT NULL,
    at_us INTEGER NOT NULL, type TEXT NOT NULL, payload TEXT NOT NULL, sealed TEXT
) WITHOUT ROWID;
CREATE TABLE ledger_id (digest TEXT PRIMARY KEY, subject TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE ledger_device (
    serial TEXT PRIMARY KEY, subject TEXT NOT NULL, seq INTEGER NOT NULL, state TEXT NOT NULL, home TEXT,
    payload TEXT NOT NULL, installed TEXT
) WITHOUT ROWID;
CREATE TABLE ledger_line (
    line TEXT NOT NULL, subject TEXT NOT NULL, seq INTEGER NOT NULL, payload TEXT NOT NULL, sealed TEXT,
    PRIMARY KEY (line, subject)
) WITHOUT ROWID;
"""


class LedgerProjection:
    """Folds the ledger's events into its four tables."""

    name = "ledger"
    version = 1
    tables = ("ledger_subscriber", "ledger_id", "ledger_device", "ledger_line")

    def create(self, db: sqlite3.Connection) -> None:
        for statement in CREATE.split(";"):
            if statement.strip():
                db.execute(statement)

    def fold(self, db: sqlite3.Connection, record: Record) -> None:
        payload = record.payload
        # Whoever changes what is folded here raises `version`.
        match record.type:
            case "subscriber.added" | "subscriber.changed":
                _put_person(db, record)
            case "subscriber.status":
                status = (payload["status"], record.at_us, payload["subject"])
                db.execute("UPDATE ledger_subscriber SET status = ?, at_us = ? WHERE subject = ?", status)
            case "device.added":
                device = (payload["device"], record.subject, record.seq, payload["state"], _text(payload))
                db.execute("INSERT INTO ledger_device VALUES (?, ?, ?, ?, NULL, ?, NULL)", device)
            case "device.installed":
                home = (record.seq, payload["subject"], _text(payload), DeviceState.INSTALLED.value, payload["device"])
                db.execute(
                    "UPDATE ledger_device SET seq = ?, home = ?, installed = ?, state = ? WHERE serial = ?", home
                )
            case "device.removed" | "device.state":
                state = (record.seq, payload["state"], payload["device"])
                db.execute("UPDATE ledger_device SET seq = ?, state = ?, home = NULL WHERE serial = ?", state)
            case "line.added":
                line = (payload["line"], payload["subject"], record.seq, _text(payload), record.sealed)
                db.execute("INSERT INTO ledger_line VALUES (?, ?, ?, ?, ?)", line)
            case "line.ended":
                db.execute(
                    "DELETE FROM ledger_line WHERE line = ? AND subject = ?", (payload["line"], payload["subject"])
                )


def _put_person(db: sqlite3.Connection, record: Record) -> None:
    payload = record.payload
    old = db.execute("SELECT status FROM ledger_subscriber WHERE subject = ?", (payload["subject"],)).fetchone()
    db.execute(
        "INSERT OR REPLACE INTO ledger_subscriber VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            payload["subject"],
            payload["city"],
            payload["zone"],
            old[0] if old else payload["status"],
            record.at_us,
            record.type,
            _text(payload),
            record.sealed,
        ),
    )
    db.execute("INSERT OR IGNORE INTO ledger_id VALUES (?, ?)", (payload["id_digest"], payload["subject"]))


def load(reader: Reader, keys: Keys, *, damaged_is_erased: bool = False) -> Ledger:
    """The ledger as the store's tables have it; what was erased has no name any more.

    damaged_is_erased: one damaged key must not keep the centre down; otherwise StoreUnavailable
    """
    ledger = Ledger(keys)
    people = reader.rows("SELECT subject, status, at_us, type, payload, sealed FROM ledger_subscriber ORDER BY subject")
    for subject, status, at_us, type_, text, sealed in people:
        payload = json.loads(text) | {"status": status}
        private = _unsealed(reader, type_, subject, payload, sealed, damaged_is_erased)
        ledger.apply(type_, payload, private, at_us=at_us, subject=subject)
    for digest, subject in reader.rows("SELECT digest, subject FROM ledger_id"):
        ledger.ids[digest] = subject
    devices = reader.rows("SELECT subject, state, home, payload, installed FROM ledger_device ORDER BY seq")
    _load_devices(ledger, devices)
    lines = reader.rows("SELECT subject, payload, sealed FROM ledger_line ORDER BY seq")
    for subject, text, sealed in lines:
        payload = json.loads(text)
        private = _unsealed(reader, "line.added", subject, payload, sealed, damaged_is_erased)
        ledger.apply("line.added", payload, private, at_us=0, subject=subject)
    return ledger


def _load_devices(ledger: Ledger, rows: Iterable[Any]) -> None:
    for subject, state, home, added, installed in rows:
        payload: dict[str, Any] = json.loads(added)
        last = json.loads(installed) if installed else {}
        payload |= {name: last[name] for name in ("account", "anchor_day", "anchor_time") if name in last}
        ledger.apply("device.added", payload | {"state": state}, None, at_us=0, subject=subject)
        if home is not None:
            ledger.apply("device.installed", last, None, at_us=0, subject=home)


def _unsealed(
    reader: Reader, type_: str, subject: str, payload: Json, sealed: str | None, damaged_is_erased: bool
) -> Json | None:
    with suppress(StoreUnavailable) if damaged_is_erased else nullcontext():
        return reader.unseal(Record(0, 0, type_, 1, subject, "", payload, sealed, "", ""))
    return None


def _text(payload: Json) -> str:
    return json.dumps(payload, ensure_ascii=False, sort_keys=True)
