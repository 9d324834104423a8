"""The card of an open case: who, where, which number to call first, who helps (K-11.1a). Japanese, for operators."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from receiver.clock import local
from receiver.commands.posting import existing
from receiver.errors import BadInput
from receiver.installation import Installation
from receiver.journal.reader import Reader
from receiver.ledger.card import Card
from receiver.ledger.projection import load
from receiver.ledger.values import Contact
from receiver.privacy.installation_key import installation_key
from receiver.privacy.keys import KeyRing

COLUMNS = ("no", "kind", "state", "priority", "subject", "opened_at_us", "closed_at_us", "owner", "version", "row")


@dataclass(frozen=True, slots=True)
class CaseView:
    """What is known of a case and its home. call_order: numbers to call, the first one first."""

    case: dict[str, Any]
    call_order: tuple[str, ...]
    card: Card | None

    def as_json(self) -> dict[str, Any]:
        card = None
        if self.card is not None:
            person = self.card.subscriber
            card = {
                "id_number": person.id_number,
                "city": person.city.value,
                "zone": person.zone,
                "name": person.name,
                "kana": person.kana,
                "address": person.address,
                "access_notes": person.access_notes,
                "key_place": person.key_place,
                "status": person.status.value,
                "phones": list(self.card.phones),
                "devices": [device.serial for device in self.card.devices],
                "cooperators": [asdict(one) for one in person.cooperators],
                "contacts": [asdict(one) for one in person.contacts],
                "household": [one.name for one in self.card.household],
                "notes": person.notes,
            }
        return {**self.case, "call_order": list(self.call_order), "card": card}

    def lines(self) -> list[str]:
        case = self.case
        opened = local(case["opened_at_us"]).strftime("%Y-%m-%d %H:%M:%S")
        lines = [
            f"case {case['no']}  {case['kind']}  {case['state']}  P{case['priority']}  ({case['row']})",
            f"受信 {opened}   担当 {case['owner'] or '未定'}   版 {case['version']}",
            f"電話する順 {' → '.join(self.call_order) or 'なし(開いている回線で話す)'}",
        ]
        if self.card is None:
            return [*lines, "未特定: まず住所と名前を聞く"]
        person = self.card.subscriber
        devices = "、".join(f"{one.serial}({one.form.value}・{one.category.value})" for one in self.card.devices)
        where = f"{person.city.value} {person.zone}  [{person.status.value}]"
        lines += [
            f"{person.name}({person.kana})  ID番号 {person.id_number}  {where}",
            f"住所 {person.address}   {person.access_notes}  鍵 {person.key_place or '-'}",
            f"装置 {devices or '-'}",
        ]
        lines += [f"協力員{number} {_person(one)}" for number, one in enumerate(person.cooperators, 1)]
        lines += [f"緊急連絡先{number} {_person(one)}" for number, one in enumerate(person.contacts, 1)]
        return lines + ([f"備考 {person.notes}"] if person.notes else [])


def _person(one: Contact) -> str:
    extras = "・".join(word for word in (one.relation, "鍵あり" if one.keeps_key else "") if word)
    return f"{one.name}{f'({extras})' if extras else ''}  {' / '.join(one.phones) or '電話なし'}"


def case_view(installation: Installation, number: int) -> CaseView:
    """The view of case `number`. BadInput if there is no such case; StoreUnavailable without store or key."""
    path = existing(installation, installation.store_db("konan"))
    keys = KeyRing.open(installation.store_keys("konan"), installation_key(installation), writable=False)
    reader = Reader(path, keys)
    rows = reader.rows(f"SELECT {', '.join(COLUMNS)} FROM case_row WHERE no = ?", number)
    if not rows:
        raise BadInput(f"there is no case {number}; see: yobirin case list --all")
    case = dict(zip(COLUMNS, rows[0], strict=True))
    (first,) = reader.rows("SELECT min(seq) FROM case_step WHERE case_no = ?", number)
    opened = reader.record(first[0])
    private = (reader.unseal(opened) if opened else None) or {}
    card = load(reader, keys).card(case["subject"]) if case["subject"] else None
    del case["subject"]
    return CaseView(case, tuple(private.get("call_order") or ()), card)
