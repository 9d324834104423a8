"""A link in the real intake with a real journal: stored, then answered; not stored, not answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from decoder.registry import LIVE
from drivers.hardware.reading import UNLESS_ANSWERED
from drivers.line import Healed
from drivers.link import Alive, Deliver, LinkInput, Received, Unread
from receiver.clock import SystemClock
from receiver.event import Record
from receiver.installation import Installation
from receiver.intake import receptions
from receiver.intake.call import CallSettings
from receiver.intake.daemon import Intake, IntakeSettings, serve
from receiver.intake.link_daemon import served
from receiver.journal.reader import Reader
from tests.receiver.intake.desk import frame_at

FRAME = replace(frame_at(0), format="dc09-adm-cid", start=0, end=0)


@dataclass
class Sender:
    """A link that delivers what it is given, one after the other, and keeps what it is told."""

    script: list[LinkInput]
    name: str = "dc09:127.0.0.1:12000"
    there: bool = True
    told: list[tuple[str, int]] = field(default_factory=list)
    _answers: asyncio.Queue[int] = field(default_factory=asyncio.Queue)

    async def run(self, deliver: Deliver) -> None:
        deliver(Healed())
        for happened in self.script:
            deliver(happened)
            if isinstance(happened, Received | Unread):
                async with asyncio.timeout(5):
                    await self._answers.get()
        await asyncio.Event().wait()

    def acknowledge(self, token: int) -> bool:
        self._told("acknowledged", token)
        return self.there

    def refuse(self, token: int) -> None:
        self._told("refused", token)

    def _told(self, what: str, token: int) -> None:
        self.told.append((what, token))
        self._answers.put_nowait(token)


async def run(tmp_path: Path, sender: Sender, before: Callable[[Intake], None] = lambda intake: None) -> list[Record]:
    """Until everything of the script is answered and stored; the journal afterwards."""
    installation = Installation(tmp_path / "data")
    wanted = sum(isinstance(one, Received | Unread) for one in sender.script)

    async def watch(intake: Intake) -> None:
        before(intake)
        async with asyncio.timeout(10):
            while len(sender.told) < wanted or not intake.settled:
                await asyncio.sleep(0.005)
        intake.stop.set()
        await asyncio.Event().wait()

    lines: list[str] = []

    async def both(intake: Intake) -> None:
        await asyncio.gather(watch(intake), served(sender)(intake))

    await serve(installation, IntakeSettings(CallSettings(LIVE)), [], SystemClock(), lines.append, both)
    reader = Reader(installation.intake_db)
    try:
        return reader.after(0)
    finally:
        reader.close()


def of(records: list[Record], type_: str) -> list[Record]:
    return [record for record in records if record.type == type_]


async def test_stored_then_acknowledged(tmp_path: Path) -> None:
    sender = Sender([Alive("unit 1234", 90), Received(1, FRAME, "unit 1234", "0001")])
    records = await run(tmp_path, sender)
    assert sender.told == [("acknowledged", 1)]
    types = [record.type for record in records]
    assert types.index("frame.accepted") < types.index("kissoff.completed")
    (completed,) = of(records, "kissoff.completed")
    assert completed.payload["reception"] == of(records, "frame.accepted")[0].seq


async def test_a_repetition_is_answered_again_and_linked(tmp_path: Path) -> None:
    other = Received(3, FRAME, "unit 1234", "0002")
    sender = Sender([Received(1, FRAME, "unit 1234", "0001"), Received(2, FRAME, "unit 1234", "0001"), other])
    records = await run(tmp_path, sender)
    assert sender.told == [("acknowledged", 1), ("acknowledged", 2), ("acknowledged", 3)]
    first, again, second = of(records, "frame.accepted")
    assert [one.payload["duplicate_of"] for one in (first, again, second)] == [None, first.seq, None]


async def test_without_an_identity_only_a_missing_answer_makes_a_repetition(tmp_path: Path) -> None:
    records = await run(tmp_path, Sender([Received(1, FRAME, "line 1"), Received(2, FRAME, "line 1")]))
    assert [one.payload["duplicate_of"] for one in of(records, "frame.accepted")] == [None, None]


async def test_a_sender_that_is_gone_has_heard_nothing(tmp_path: Path) -> None:
    sender = Sender([Received(1, FRAME, "line 1"), Received(2, FRAME, "line 1")], there=False)
    records = await run(tmp_path, sender)
    first, again = of(records, "frame.accepted")
    assert again.payload["duplicate_of"] == first.seq
    assert of(records, "kissoff.completed") == []
    assert len(of(records, "kissoff.missed")) == 2


@pytest.mark.parametrize(("there", "linked"), [(True, False), (False, True)])
async def test_what_has_no_number_repeats_itself_only_unless_answered(
    tmp_path: Path, there: bool, linked: bool
) -> None:
    assert UNLESS_ANSWERED == receptions.UNLESS_ANSWERED
    sender = Sender([Unread(n, "?9", "receiver 01", "type ?", UNLESS_ANSWERED + "ab") for n in (1, 2)], there=there)
    first, again = of(await run(tmp_path, sender), "call.unknown")
    assert again.payload["duplicate_of"] == (first.seq if linked else None)


async def test_what_cannot_be_read_is_stored_before_it_is_answered(tmp_path: Path) -> None:
    sender = Sender([Unread(1, "?9", "receiver 01", "type ?", "a")])
    records = await run(tmp_path, sender)
    assert sender.told == [("acknowledged", 1)]
    assert of(records, "call.unknown")[0].payload["best"] == "?9 (type ?)"


async def test_a_full_disk_answers_nothing(tmp_path: Path) -> None:
    sender = Sender([Received(1, FRAME, "line 1")])

    def full(intake: Intake) -> None:
        intake.station.refusing = "the disk is full"

    records = await run(tmp_path, sender, full)
    assert sender.told == [("refused", 1)]
    assert of(records, "frame.accepted") == []


async def test_a_message_that_is_not_stored_is_not_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> Record:
        raise ValueError("no")

    monkeypatch.setattr(receptions, "store", fails)
    sender = Sender([Received(1, FRAME, "line 1")])
    records = await run(tmp_path, sender)
    assert sender.told == [("refused", 1)]
    assert of(records, "kissoff.completed") == []
