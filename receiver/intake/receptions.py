"""Receptions in the journal: the table of them, and the one transaction that stores a further one.

Whether the same digits are a retransmission or a second press is decided here, inside the
transaction that stores the frame, and nowhere else (konan-flows I2): the same message whose
kiss-off was not completed is linked by `duplicate_of`, kissed off again, and starts nothing new;
after a completed kiss-off the same digits are a new press.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from receiver.clock import MINUTE_US, SECOND_US
from receiver.event import Draft, Record
from receiver.intake import drafts
from receiver.intake.drafts import RECEPTIONS, CallId

if TYPE_CHECKING:
    from receiver.journal.store import Transaction

WINDOW_US: Final = 30 * MINUTE_US
UNLESS_ANSWERED: Final = "unless-answered:"  # begins an identity that counts only while the earlier one is open
ANSWER_LOST_US: Final = 90 * SECOND_US  # a unit waits 20 s for its answer and tries four times at most


@dataclass(frozen=True, slots=True)
class Receptions:
    """Projection: one row for each reception, and the digests of recordings already taken.

    caller   holds the calls in progress, and since when
    open     1 while a retransmission of it may still come: its kiss-off is not completed
    identity of a message that came by a link: what a repetition of it is the same in
    original the first reception of the same message, itself if it is the first
    steady_us when it was heard, by a clock that was never set: less all steps noticed until then
    stepped  the sum of those steps, one row
    """

    name: str = "receptions"
    version: int = 6
    tables: tuple[str, ...] = ("reception", "recording", "caller", "stepped")

    def create(self, db: sqlite3.Connection) -> None:
        db.execute(
            "CREATE TABLE reception (seq INTEGER PRIMARY KEY, original INTEGER NOT NULL, call TEXT NOT NULL,"
            " line TEXT NOT NULL, caller_digest TEXT, format TEXT, raw TEXT, steady_us INTEGER NOT NULL,"
            " open INTEGER NOT NULL, identity TEXT) STRICT"
        )
        db.execute("CREATE INDEX reception_open ON reception (raw) WHERE open = 1")
        db.execute("CREATE INDEX reception_original ON reception (original) WHERE open = 1")
        db.execute("CREATE INDEX reception_call ON reception (call)")
        db.execute("CREATE INDEX reception_identity ON reception (identity, line) WHERE identity IS NOT NULL")
        db.execute("CREATE TABLE stepped (by_us INTEGER NOT NULL) STRICT")
        db.execute("INSERT INTO stepped VALUES (0)")
        db.execute("CREATE TABLE recording (sha256 TEXT PRIMARY KEY) STRICT, WITHOUT ROWID")
        db.execute(
            "CREATE TABLE caller (call TEXT PRIMARY KEY, line TEXT NOT NULL, digest TEXT, started_us INTEGER NOT NULL)"
            " STRICT, WITHOUT ROWID"
        )

    def fold(self, db: sqlite3.Connection, record: Record) -> None:
        payload = record.payload
        if record.type in RECEPTIONS:
            known = db.execute("SELECT digest FROM caller WHERE call = ?", (payload["call"],)).fetchone()
            db.execute(
                "INSERT INTO reception SELECT ?, ?, ?, ?, ?, ?, ?, ? - by_us, ?, ? FROM stepped",
                (
                    record.seq,
                    payload["duplicate_of"] or record.seq,
                    payload["call"],
                    payload["line"],
                    known[0] if known else None,
                    payload.get("format"),
                    payload.get("raw"),
                    payload["heard_at_us"],
                    int(not payload["no_kiss_off"]),
                    payload.get("identity"),
                ),
            )
        elif record.type == "kissoff.completed":
            db.execute(
                "UPDATE reception SET open = 0"
                " WHERE open = 1 AND original = (SELECT original FROM reception WHERE seq = ?)",
                (payload["reception"],),
            )
        elif record.type == "call.started":
            started = (payload["call"], payload["line"], payload["caller_digest"], record.at_us)
            db.execute("INSERT OR REPLACE INTO caller VALUES (?, ?, ?, ?)", started)
        elif record.type == "call.ended":
            db.execute("DELETE FROM caller WHERE call = ?", (payload["call"],))
        elif record.type == "clock.stepped":
            db.execute("UPDATE stepped SET by_us = by_us + ?", (payload["by_us"],))
        elif record.type == "recording.taken":
            db.execute("INSERT OR IGNORE INTO recording VALUES (?)", (payload["sha256"],))


def store(tx: Transaction, draft: Draft, window_us: int = WINDOW_US) -> Record:
    """Append a reception, linked to the one it repeats. For `Journal.submit`."""
    payload = dict(draft.payload)
    if payload.get("identity") is not None:
        payload["duplicate_of"] = _repeated(tx, draft, window_us)
    elif draft.type == "frame.accepted":
        payload["duplicate_of"] = _original(tx, draft, window_us)
    return tx.append(replace(draft, payload=payload))


def end_cut_off(tx: Transaction) -> list[Record]:
    """At start: end in the journal the calls that were open when the intake was killed."""
    cut_off = [CallId(*row) for row in tx.rows("SELECT call, line FROM caller ORDER BY call")]
    return [record for identity in cut_off for record in end_unfinished(tx, identity, "the intake was killed", 0)]


def end_unfinished(tx: Transaction, identity: CallId, reason: str, at_us: int) -> list[Record]:
    """End a call that we broke off ourselves: if nothing of it was received it is an unknown emergency (flows I10).

    Nobody knows what it would have said. Whether there is a reception is asked here, behind everything that was
    submitted for this call. at_us: when it was broken off, for a call of which not even the start was stored.
    """
    call = identity.call
    started = tx.rows("SELECT digest, started_us FROM caller WHERE call = ?", call)
    received, frames = tx.rows("SELECT count(*), count(raw) FROM reception WHERE call = ?", call)[0]
    made = [drafts.call_ended(identity, reason, frames=frames)]
    if not received:
        digest, started_us = started[0] if started else (None, at_us)
        unknown = drafts.call_unknown(identity, "interrupted", None, heard_at_us=started_us, caller_digest=digest)
        made.insert(0, unknown)
    return [tx.append(draft) for draft in made]


def taken(tx: Transaction, sha256: str) -> bool:
    """Whether a recording with this content is in the journal already."""
    return bool(tx.rows("SELECT 1 FROM recording WHERE sha256 = ?", sha256))


def _repeated(tx: Transaction, draft: Draft, window_us: int) -> int | None:
    """Sequence number of the first reception with this identity on this link.

    One that was answered repeats itself where the answer got lost, and soon: a unit that numbers its messages anew with
    every connection may say the same again later and mean it.
    """
    payload = draft.payload
    rows = tx.rows(
        "SELECT original FROM reception, stepped WHERE identity = ? AND line = ?"
        " AND abs(steady_us + by_us - ?) <= CASE open WHEN 1 THEN ? ELSE ? END ORDER BY seq DESC LIMIT 1",
        payload["identity"],
        payload["line"],
        payload["heard_at_us"],
        window_us,
        -1 if payload["identity"].startswith(UNLESS_ANSWERED) else ANSWER_LOST_US,
    )
    return int(rows[0][0]) if rows else None


def _original(tx: Transaction, draft: Draft, window_us: int) -> int | None:
    """Sequence number of the first reception of the same message, if its kiss-off never was completed.

    The window runs from that first one: presses that each come within it of the last are not one message for ever.
    A frame that gets no kiss-off from us cannot be the unit's answer to a missing one.
    """
    payload = draft.payload
    if payload["no_kiss_off"]:
        return None
    rows = tx.rows(
        "SELECT one.original FROM stepped, reception one JOIN reception first ON first.seq = one.original"
        " WHERE one.open = 1 AND one.raw = ? AND one.format = ? AND abs(first.steady_us + by_us - ?) <= ?"
        " AND (one.call = ? OR one.line = ? OR one.caller_digest = (SELECT digest FROM caller WHERE call = ?))"
        " ORDER BY one.seq DESC LIMIT 1",
        payload["raw"],
        payload["format"],
        payload["heard_at_us"],
        window_us,
        payload["call"],
        payload["line"],
        payload["call"],
    )
    return int(rows[0][0]) if rows else None
