"""The card of a home: what an operator sees at a reception, and what a command prints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from receiver.clock import local
from receiver.ledger import fields, phone
from receiver.ledger.values import Contact, Device, Line, Subscriber


@dataclass(frozen=True, slots=True)
class Card:
    """All that a call-back needs of one home (K-11.1a).

    phones       to call, in order; household: others who share the device (D8)
    installed_on of each device; as_of_us: when the person's data last changed (T7)
    """

    subscriber: Subscriber
    as_of_us: int
    devices: tuple[Device, ...]
    lines: tuple[Line, ...]
    household: tuple[Subscriber, ...]
    phones: tuple[str, ...]
    installed_on: tuple[date, ...]

    def as_json(self) -> dict[str, Any]:
        """One object; the internal number of the person is not in it."""
        person = fields.as_json(self.subscriber)
        person["lives_with"] = [one.id_number for one in self.household]
        return {
            **person,
            "phones": list(self.phones),
            "as_of_us": self.as_of_us,
            "devices": [
                {**device_json(device), "installed_on": on.isoformat()}
                for device, on in zip(self.devices, self.installed_on, strict=True)
            ],
            "lines": [{"number": one.number, "kind": one.kind.value, "carrier": one.carrier} for one in self.lines],
        }

    def lines_of_text(self) -> Iterator[str]:
        """For a screen, in Japanese; what is not known is not printed."""
        one = self.subscriber
        phones = "  ".join(phone.shown(number) for number in self.phones)
        entries = [
            ("ID番号", f"{one.id_number}  {one.city.value}  {one.zone}  {one.status.value}"),
            ("氏名", f"{one.name}（{one.kana}）"),
            ("性別", one.sex.value if one.sex else ""),
            ("生年月日", one.birth.isoformat() if one.birth else ""),
            ("住所", one.address),
            ("電話", phones),
            ("FAX", (phone.shown(one.fax) if one.fax else "") + ("（FAX対応要）" if one.needs_fax else "")),
            ("日常生活用具", "対象" if one.welfare else ""),
            ("同居", "  ".join(f"{other.name}（{other.id_number}）" for other in self.household)),
            ("訪問時注意", one.access_notes),
            ("鍵の場所", one.key_place),
            *((f"協力員{rank}", contact_text(contact)) for rank, contact in enumerate(one.cooperators, 1)),
            *((f"緊急連絡先{rank}", contact_text(contact)) for rank, contact in enumerate(one.contacts, 1)),
            *(("装置", device_text(device)) for device in self.devices),
            *(("回線", line_text(line)) for line in self.lines),
            ("備考", one.notes),
            ("最終更新", local(self.as_of_us).strftime("%Y-%m-%d %H:%M")),
        ]
        return (f"{label}: {value}" for label, value in entries if value)


def contact_text(contact: Contact) -> str:
    """Name, relation, numbers, what matters at night."""
    marks = ("鍵あり" if contact.keeps_key else "", "" if contact.at_night else "夜間不可")
    numbers = (phone.shown(number) for number in contact.phones)
    return "  ".join(filter(None, (contact.name, contact.relation, *numbers, contact.address, *marks, contact.notes)))


def device_text(device: Device) -> str:
    """Serial, account, class, when its test is due."""
    test = f"定時通報 毎月{device.anchor_day}日 {device.anchor_time}" if device.anchor_day else ""
    parts = (
        device.serial, f"通報コード {device.account}" if device.account else "", device.model, device.category.value,
        device.owner.value, device.form.value, device.state.value, test,
    )  # fmt: skip
    return "  ".join(filter(None, parts))


def line_text(line: Line) -> str:
    """Number, kind, carrier."""
    return "  ".join(filter(None, (phone.shown(line.number) if line.number else "", line.kind.value, line.carrier)))


def device_json(device: Device) -> dict[str, Any]:
    """One device as an object."""
    return {name: fields.plain(getattr(device, name)) for name in Device.__slots__ if name != "subject"}
