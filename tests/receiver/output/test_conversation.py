"""One output on a real connection, with real journals on both sides and a simulated monitoring program behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio

from drivers.hardware import wires
from drivers.hardware.tcp_wire import ClientPlace, ListenPlace
from receiver.config import Begin, Sends
from receiver.event import Record
from receiver.installation import Installation
from receiver.journal.lock import WriterLock
from receiver.journal.reader import Reader
from receiver.journal.store import Journal
from receiver.output.asking import Again
from receiver.output.conversation import Conversation
from receiver.output.daemon import wanted_again
from receiver.output.message import Said, said
from receiver.output.opening import open_journal
from receiver.output.ports import port_of
from receiver.output.source import Source
from sim.attachment import Attachment
from sim.monitoring_program import MonitoringProgram
from tests.drivers.hardware.conftest import Begin as Start
from tests.drivers.hardware.conftest import stop, until
from tests.receiver.output.conftest import Append, HandClock, config

URI = "surgard:listen://127.0.0.1:0?heartbeat=0.2&ack_wait_s=0.2&retry_s=0.2&refusals=5"
WAITS = 0.3  # long enough for what must not happen


@dataclass
class House:
    """Our side: journals, and the conversation as the daemon makes it."""

    installation: Installation
    clock: HandClock
    journal: Journal
    lock: WriterLock
    settings: dict[str, Any] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def conversation(self) -> Conversation:
        output = config(**{"uri": URI, "begin": Begin.FIRST, **self.settings})
        own, intake = self.installation.store_db("output"), self.installation.intake_db
        source = Source(intake, lambda: Reader(intake))
        return Conversation(
            output, port_of(output), source, self.journal, lambda: Reader(own), self.clock, self.said.append
        )

    def events(self, *types: str) -> list[Record]:
        reader = Reader(self.installation.store_db("output"))
        try:
            return reader.after(0, types=types)
        finally:
            reader.close()

    def delivered(self) -> list[int | None]:
        return [record.payload["reception"] for record in self.events("output.delivered")]


@pytest_asyncio.fixture
async def house(installation: Installation, clock: HandClock) -> AsyncIterator[House]:
    journal, lock = open_journal(installation, (), clock)  # type: ignore[arg-type]
    yield House(installation, clock, journal, lock)
    journal.close()
    lock.release()


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wires, "BACK_OFF_S", (0.02,))


async def connected(
    one: Conversation, program: MonitoringProgram, start: Start
) -> tuple[asyncio.Task[None], asyncio.Task[None], Attachment]:
    serving = start(one.run())
    place = one.port.place
    assert isinstance(place, ListenPlace)
    await until(lambda: place.bound is not None)
    assert place.bound is not None
    attachment = Attachment(program)
    return serving, start(attachment.serve(ClientPlace("127.0.0.1", place.bound[1]))), attachment


def zones(program: MonitoringProgram) -> list[bytes]:
    return [frame[-4:-1] for frame in program.stored]


async def eventually(house: House, kind: str, count: int = 1) -> list[Record]:
    await until(lambda: len(house.events(kind)) >= count)
    return house.events(kind)


async def test_everything_in_order_once_and_noted(house: House, append: Append, begin: Start) -> None:
    for zone in range(5):
        append(zone=f"{zone:03}")
        append("call.ended")
    program = MonitoringProgram()
    await connected(house.conversation(), program, begin)
    await until(lambda: len(house.delivered()) == 5)
    append(zone="005")
    await until(lambda: len(house.delivered()) == 6)
    assert zones(program) == [b"000", b"001", b"002", b"003", b"004", b"005"]
    assert house.delivered() == [1, 3, 5, 7, 9, 11]
    (first, *_) = house.events("output.delivered")
    assert first.payload["frame"] == "5011 181234E10100000"


async def test_a_second_life_goes_on_where_the_first_ended(house: House, append: Append, begin: Start) -> None:
    append(zone="001")
    program = MonitoringProgram()
    serving, peer, _ = await connected(house.conversation(), program, begin)
    await until(lambda: len(house.delivered()) == 1)
    await stop(serving)
    await stop(peer)
    append(zone="002")
    await connected(house.conversation(), program, begin)
    await until(lambda: len(house.delivered()) == 2)
    assert zones(program) == [b"001", b"002"]


async def test_a_new_output_begins_at_its_first_start_whoever_is_connected(
    house: House,
    append: Append,
    clock: HandClock,
    begin: Start,
) -> None:
    append(zone="001")
    clock.utc_us += 120_000_000
    append(zone="002")  # within the minute before: both were starting
    house.settings["begin"] = Begin.NOW
    one = house.conversation()
    serving = begin(one.run())
    (began,) = await eventually(house, "output.began")
    assert began.payload["reception"] == 1
    append(zone="003")
    await stop(serving)
    program = MonitoringProgram()
    await connected(house.conversation(), program, begin)
    await until(lambda: len(house.delivered()) == 2)
    assert zones(program) == [b"002", b"003"]


async def test_what_is_refused_is_set_aside_noted_and_sent_once_more_when_asked(
    house: House,
    append: Append,
    begin: Start,
) -> None:
    append(zone="001")
    append(zone="002")
    house.settings["uri"] = URI.replace("heartbeat=0.2", "heartbeat=0")
    program = MonitoringProgram(refuse=5)
    one = house.conversation()
    await connected(one, program, begin)
    await until(lambda: len(house.delivered()) == 1)
    assert zones(program) == [b"002"]
    (refused,) = house.events("output.refused")
    assert (refused.payload["reception"], refused.payload["times"]) == (1, 5)
    assert any("reception 1 was refused 5 times" in line for line in house.said)
    asked = Again("program", 1, "os:tanaka")
    for first in (True, False):  # the second time it is asked for already
        assert house.journal.submit(lambda tx: wanted_again(asked, tx)).result().value is first
    one.again.append(1)
    one.port.wake()
    await until(lambda: len(house.delivered()) == 2)
    assert zones(program) == [b"002", b"001"]
    append(zone="003")
    await until(lambda: len(house.delivered()) == 3)
    assert zones(program)[-1] == b"003"
    assert not house.journal.submit(lambda tx: wanted_again(asked, tx)).result().value


async def test_silence_is_an_alarm_once_and_its_end_once(house: House, append: Append, begin: Start) -> None:
    house.settings["alarm_after_s"] = 2
    append()
    program = MonitoringProgram(silent=True)
    _, _, attachment = await connected(house.conversation(), program, begin)
    (alarm,) = await eventually(house, "output.unacknowledged")
    assert "no acknowledgement" in alarm.payload["reason"]
    assert not house.events("output.healed")
    program.silent = False
    attachment.look()
    await eventually(house, "output.healed")
    await until(lambda: len(house.delivered()) == 1)
    assert len(house.events("output.unacknowledged")) == 1


async def test_without_an_intake_no_heartbeat_and_the_program_is_told(
    house: House, append: Append, begin: Start
) -> None:
    append()
    program = MonitoringProgram()
    one = house.conversation()
    await connected(one, program, begin)
    await until(lambda: len(house.delivered()) == 1 and program.beats > 0)
    one.intake_runs(False)
    one.intake_runs(False)
    await until(lambda: len(program.stored) == 2)
    assert program.stored[1] == b"0011 RECEIVER DOES NOT RUN\x14"
    beats = program.beats
    await asyncio.sleep(WAITS)
    assert program.beats == beats
    one.intake_runs(True)
    await until(lambda: program.beats > beats)
    assert len(program.stored) == 2


async def test_a_journal_that_was_put_back_is_followed_from_what_both_share(
    house: House,
    append: Append,
    installation: Installation,
    clock: HandClock,
    begin: Start,
    make_append: Callable[[], Append],
) -> None:
    append(zone="001")
    copy = installation.intake_db.read_bytes(), installation.intake_db.with_name("intake.db-wal").read_bytes()
    append(zone="002")
    program = MonitoringProgram()
    await connected(house.conversation(), program, begin)
    await until(lambda: len(house.delivered()) == 2)
    for path in installation.intake.iterdir():
        path.unlink()
    installation.intake_db.write_bytes(copy[0])
    installation.intake_db.with_name("intake.db-wal").write_bytes(copy[1])
    clock.utc_us += 1_000_000
    make_append()(zone="003")
    await until(lambda: len(house.delivered()) == 3)
    assert zones(program) == [b"001", b"002", b"003"]
    (forked,) = house.events("output.forked")
    assert forked.payload["reception"] == 1


async def test_nothing_is_offered_before_the_delivery_of_what_went_before_is_on_disk(
    house: House,
    append: Append,
    begin: Start,
) -> None:
    append(zone="001")
    append(zone="002")
    program = MonitoringProgram()
    held = asyncio.Event()
    loop = asyncio.get_running_loop()
    submit = house.journal.submit

    def slow(work: Any) -> Any:
        """A disk that takes its time, from the first delivery on."""
        if not program.stored:
            return submit(work)
        return asyncio.run_coroutine_threadsafe(later(work), loop)

    async def later(work: Any) -> Any:
        await held.wait()
        return await asyncio.wrap_future(submit(work))

    house.journal.submit = slow  # type: ignore[method-assign]
    await connected(house.conversation(), program, begin)
    await until(lambda: len(program.stored) == 1)
    await asyncio.sleep(WAITS)
    assert zones(program) == [b"001"]
    held.set()
    await until(lambda: len(program.stored) == 2)


async def test_a_fault_of_ours_on_one_record_holds_up_none_behind_it(
    house: House, append: Append, begin: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(record: Record, settings: object) -> Said | None:
        if record.seq == 1:
            raise KeyError("raw")
        return said(record, settings)  # type: ignore[arg-type]

    monkeypatch.setattr("receiver.output.conversation.said", broken)
    append(zone="001")
    append(zone="002")
    program = MonitoringProgram()
    await connected(house.conversation(), program, begin)
    await until(lambda: len(house.delivered()) == 2)
    assert program.stored == [b"0011 RECEPTION 1 UNREADABLE\x14", b"5011 181234E10100002\x14"]
    assert any("KeyError" in line for line in house.said)


async def test_only_what_is_wanted_goes_and_a_retransmission_never_twice(
    house: House,
    append: Append,
    begin: Start,
) -> None:
    house.settings["wants"] = (Sends.MESSAGE,)
    append("line.fault", line="modem:a", reason="x")
    append("call.unknown", line="modem:a", kind="voice")
    append(zone="001")
    append(zone="001", duplicate_of=3)
    append(zone="002")
    program = MonitoringProgram()
    await connected(house.conversation(), program, begin)
    await until(lambda: len(house.delivered()) == 2)
    assert zones(program) == [b"001", b"002"]
