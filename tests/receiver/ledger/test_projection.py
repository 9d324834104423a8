"""The ledger's tables in a real store: what `load` makes of them is what the events say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from receiver.clock import SystemClock
from receiver.event import Draft
from receiver.journal.projection import rebuild
from receiver.journal.reader import Reader
from receiver.journal.store import Store
from receiver.ledger.ledger import Ledger
from receiver.ledger.projection import LedgerProjection, load
from receiver.privacy.keys import KeyRing


class Kept:
    """A store with its keys; every draft of the bench goes in."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "store.db"
        self.keys = KeyRing.open(folder / "keys.db", b"k" * 32)
        self.store = Store(self.path, clock=SystemClock(), keys=self.keys, projections=(LedgerProjection(),))

    def append(self, drafts: list[Draft]) -> None:
        for outcome in self.store.transact(*[lambda tx, one=draft: tx.append(one) for draft in drafts]):
            assert not isinstance(outcome, Exception), outcome

    def load(self) -> Ledger:
        return load(Reader(self.path, self.keys), self.keys)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "konan")


@pytest.fixture
def town(bench: Any, kept: Kept) -> Any:
    """A couple, a swap, a move, an end and a line given up; digests by the real keys."""
    bench.ledger.keys = kept.keys
    contact = {"name": "金糸雀 太郎", "phones": ["0775830001"]}
    one = bench.home(id_number="1", name="𠮷田 葉子", contacts=[contact], cooperators=[contact])
    bench.person(id_number="2", lives_with="1", phones=[])
    bench.done("line.add", subscriber=one, number="077-561-0009", kind="光", source="工事:1")
    bench.done("line.add", subscriber=one, number="077-561-0008", kind="CATV", source="工事:1")
    bench.done("line.end", subscriber=one, number="077-561-0008", source="工事:1")
    bench.done("device.remove", device="S1", source="工事:2")
    bench.done("device.add", serial="S2", category="携帯")
    bench.done("device.install", device="S2", subscriber="1", account="5678", anchor_day=31, source="工事:2")
    bench.done("subscriber.change", subscriber="1", changes={"city": "守山市", "notes": "犬がいる"}, source="市指示:4")
    gone = bench.home(id_number="3", serial="S3", account="9999", city="野洲市")
    bench.done("subscriber.status", subscriber=gone, status="終了", source="市指示:5")
    kept.append(bench.drafts)
    return bench


def answers(ledger: Ledger) -> dict[str, Any]:
    """Everything one can ask, without the time of change."""
    cards = {subject: ledger.card(subject) for subject in sorted(ledger.people)}
    return {
        "people": ledger.people,
        "ids": ledger.ids,
        "devices": ledger.devices,
        "placements": ledger.placements,
        "cards": {one: (card.devices, card.lines, card.household, card.phones) for one, card in cards.items() if card},
        "accounts": {account: ledger.by_account(account) for account in ("1234", "5678", "9999")},
        "phones": {number: ledger.by_phone(number) for number in ("0775610000", "0775610009", "0775610008")},
        "search": ledger.search("吉田"),
    }


def test_the_tables_say_what_the_events_say(town: Any, kept: Kept) -> None:
    assert answers(kept.load()) == answers(town.ledger)


def test_a_rebuild_gives_equal_tables(town: Any, kept: Kept) -> None:
    def rows() -> list[list[tuple[Any, ...]]]:
        reader = Reader(kept.path)
        return [[tuple(row) for row in reader.rows(f"SELECT * FROM {table}")] for table in LedgerProjection.tables]

    before = rows()
    kept.store.close()
    rebuild(kept.path, (LedgerProjection(),))
    assert rows() == before
    assert all(before)


def test_the_date_of_the_last_change_is_kept(town: Any, kept: Kept) -> None:
    ledger = kept.load()
    reader = Reader(kept.path, kept.keys)
    for subject in ledger.people:
        changes = [one for one in reader.of_subject(subject) if one.type.startswith("subscriber.")]
        assert ledger.as_of_us[subject] == changes[-1].at_us


def test_nobody_stands_in_the_clear_in_any_file(town: Any, kept: Kept, tmp_path: Path) -> None:
    kept.store.checkpoint()
    secrets = ["𠮷田", "葉子", "金糸雀", "0775610000", "0775610009", "0775830001", "訓練町", "犬がいる", "草福第12号"]
    for path in tmp_path.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        for secret in secrets:
            assert secret.encode() not in content, (path, secret)


def test_an_erased_person_is_gone_from_the_tables_too(town: Any, kept: Kept) -> None:
    (subject,) = kept.load().by_id("3")
    kept.keys.erase(subject)
    ledger = kept.load()
    assert subject in ledger.erased
    assert ledger.people[subject].name == ""
    assert ledger.by_account("9999")[0].city == "野洲市"
    assert ledger.search("訓練") != ()
