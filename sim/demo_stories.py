"""The five homes of the demonstration and what happens to them. All fictitious: 訓練."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from receiver.clock import TOKYO, utc_us_of
from sim.staff import Habit, Staff, answered_false_alarm, nobody_answers

SOURCE: Final = "市指示:訓練第1号"
OPEN_CASES_BY_ACCOUNT: Final = (
    "SELECT no, kind, (SELECT json_extract(payload, '$.account') FROM event WHERE type = 'case.opened' "
    "AND json_extract(payload, '$.case') = no) FROM case_row WHERE closed_at_us IS NULL ORDER BY no"
)
CASES: Final = 4
"""Stories that become a case; the periodic test that comes needs none."""


@dataclass(frozen=True, slots=True)
class Home:
    """One subscriber with one device."""

    account: str
    id_number: str
    city: str
    zone: str
    name: str
    kana: str
    phone: str
    anchor_day: int
    anchor_time: str
    story: str

    def registration(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The verbs that enter it in the ledger."""
        person = {
            "id_number": self.id_number,
            "city": self.city,
            "zone": self.zone,
            "name": self.name,
            "kana": self.kana,
            "address": f"{self.city}訓練町{int(self.account) % 100}番地",
            "phones": [self.phone],
            "status": "利用中",
            "cooperators": [{"name": "訓練 協力員", "phones": ["077-561-9001"]}],
            "contacts": [{"name": "訓練 長男", "relation": "長男", "phones": ["090-0000-9002"]}],
            "notes": "訓練/DEMO",
        }
        serial = f"DEMO-{self.account}"
        yield "subscriber.add", {**person, "source": SOURCE}
        device = {"serial": serial, "category": "新規", "owner": "受託者", "model": "DEMO-1", "source": SOURCE}
        yield "device.add", device
        yield (
            "device.install",
            {
                "device": serial,
                "subscriber": self.id_number,
                "in_city": self.city,
                "account": self.account,
                "anchor_day": self.anchor_day,
                "anchor_time": self.anchor_time,
                "installed_on": "2026-03-10",
                "source": SOURCE,
            },
        )


HOMES: Final = (
    Home("1001", "D-001", "草津市", "草津", "訓練 あおば", "クンレン アオバ", "077-561-1001", 20, "10:00",
         "presses by mistake and answers the call-back"),
    Home("1002", "D-002", "守山市", "守山北", "訓練 ふじ", "クンレン フジ", "077-582-1002", 20, "10:30",
         "presses and does not answer"),
    Home("1003", "D-003", "栗東市", "栗東西", "訓練 さくら", "クンレン サクラ", "077-551-1003", 20, "11:00",
         "the pendant's battery runs low"),
    Home("1004", "D-004", "野洲市", "野洲", "訓練 もみじ", "クンレン モミジ", "077-586-1004", 1, "20:51",
         "its periodic test comes on time"),
    Home("1005", "D-005", "草津市", "玉川", "訓練 つばき", "クンレン ツバキ", "077-561-1005", 31, "21:10",
         "its periodic test never comes"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ring:
    """A call from a home. `code`: Contact ID event code."""

    at: datetime
    account: str
    code: str
    zone: str
    what: str

    def panel(self) -> list[str]:
        """Arguments of `yobirin sim panel`."""
        home = next(home for home in HOMES if home.account == self.account)
        caller = home.phone.replace("-", "")
        return ["--account", self.account, "--code", self.code, "--zone", self.zone, "--caller", caller]


def on(day: int, hour: int, minute: int, second: int = 0) -> datetime:
    """An instant of April 2026 in Japan."""
    return datetime(2026, 4, day, hour, minute, second, tzinfo=TOKYO)


RINGS: Final = (
    Ring(on(1, 20, 50, 4), "1002", "101", "001", "訓練 ふじ presses the pendant"),
    Ring(on(1, 20, 50, 20), "1001", "101", "001", "訓練 あおば presses the pendant"),
    Ring(on(1, 20, 51, 5), "1004", "602", "000", "訓練 もみじ: the unit sends its periodic test"),
    Ring(on(1, 21, 5), "1003", "384", "001", "訓練 さくら: the pendant's battery is low"),
    Ring(on(2, 9, 20), "1005", "602", "000", "訓練 つばき: the unit sends a test at last, on request"),
)


async def battery_exchanged(staff: Staff, case: int) -> None:
    """Shown at once, called in the morning, exchanged at a visit (K-11.7.2)."""
    await staff.pause(10)
    await staff.do(case, "case.accept")
    await staff.do(case, "case.defer", reason="電池低下の予告。夜間の電話は避け、翌朝にかける")
    await staff.wait_till(utc_us_of(on(2, 9, 5)))
    await staff.do(case, "case.callback", action="start")
    await staff.pause(10)
    await staff.do(case, "case.callback", action="answered", by="本人")
    await staff.do(case, "case.appointment", on="2026-04-03")
    await staff.wait_till(utc_us_of(on(3, 10, 30)))
    await staff.do(case, "case.battery", part="pendant", on="2026-04-03")
    await staff.do(case, "case.close", result="done")


async def test_asked_for(staff: Staff, case: int) -> None:
    """Called only after 09:00, asked to send a test, which comes (K-11.7.3)."""
    await staff.pause(10)
    await staff.do(case, "case.accept")
    await staff.wait_till(utc_us_of(on(2, 9, 0, 30)))
    await staff.do(case, "case.callback", action="start")
    await staff.pause(15)
    await staff.do(case, "case.callback", action="answered", by="本人")
    await staff.until(case, "CLOSED")


def habit_of(kind: str, account: str | None) -> Habit:
    """What the staff does about a case."""
    if kind == "maintenance.pendant_battery":
        return battery_exchanged
    if kind == "periodic_test_missed":
        return test_asked_for
    return nobody_answers if account == "1002" else answered_false_alarm
