"""The shell around the station: real asyncio, real journal, a loopback line, and things that go wrong."""

from __future__ import annotations

import asyncio
import errno
import json
import shutil
import socket
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from decoder.exchange import Message
from decoder.registry import LIVE
from decoder.samples import Samples
from drivers.line import Heard, HungUp, LineInput
from drivers.loopback import Loopback
from receiver.clock import Now, SystemClock
from receiver.errors import NotStored, StoreUnavailable
from receiver.event import Record
from receiver.installation import Installation
from receiver.intake import recorder, upkeep
from receiver.intake.call import CallSettings
from receiver.intake.daemon import Intake, IntakeSettings, serve
from receiver.intake.signals import Commit
from receiver.journal.reader import Reader
from receiver.journal.store import Store
from receiver.ledger import directory
from receiver.ledger.ledger import Ledger
from receiver.ledger.values import Category, Device, Form, Owner
from receiver.privacy.installation_key import installation_key
from receiver.privacy.keys import KeyRing
from receiver.sockets import bound
from sim import panel as units
from sim.panel import Panel, PanelEffect, PanelSettings
from sim.phone import Phone

BUTTON = Message("1234", "101", partition="01", zone="001")
SETTINGS = IntakeSettings(CallSettings(LIVE))


@dataclass
class Caller:
    """A unit on the far end, which calls once; the clock stands still while the journal works."""

    both: Loopback
    settings: PanelSettings = field(default_factory=lambda: PanelSettings((BUTTON,), caller="0775610000"))
    notes: list[units.Note] = field(default_factory=list)
    while_calling: Callable[[Intake], None] = lambda intake: None
    limit: int = 60 * 8000

    async def drive(self, intake: Intake) -> None:
        phone = Phone(Panel(self.settings, LIVE[0].encode), np.random.default_rng(1))

        def take(effects: list[PanelEffect]) -> None:
            for effect in effects:
                if isinstance(effect, units.Note):
                    self.notes.append(effect)
                elif isinstance(effect, units.HangUp):
                    self.both.far.hang_up()

        def told(happened: LineInput) -> None:
            if isinstance(happened, Heard):
                said, effects = phone.exchange(happened.samples.pcm)
                take(effects)
                self.both.far.say(Samples(0, said))
            elif isinstance(happened, HungUp):
                take(phone.panel.hung_up(phone.at, happened.reason))

        self.both.far.attach(told)
        await asyncio.sleep(0)
        take(phone.panel.start())
        phone.began_call()
        self.both.far.dial(self.settings.caller)
        at = 0
        while self.both.connected and at < self.limit:
            self.both.advance(160)
            at += 160
            self.while_calling(intake)
            while not intake.settled and not intake.stop.is_set():
                await asyncio.sleep(0.001)
            await asyncio.sleep(0)
        intake.stop.set()
        await asyncio.Event().wait()

    def said(self, what: str) -> list[units.Note]:
        return [note for note in self.notes if note.what == what]


@dataclass
class Place:
    """An installation and what its intake said."""

    installation: Installation
    lines: list[str] = field(default_factory=list)

    async def serve(self, caller: Caller, clock: Any = None, settings: IntakeSettings = SETTINGS) -> None:
        clock = clock or SystemClock()
        await serve(self.installation, settings, [caller.both.near], clock, self.lines.append, caller.drive)

    def records(self) -> list[Record]:
        reader = Reader(self.installation.intake_db)
        try:
            return reader.after(0)
        finally:
            reader.close()

    def types(self) -> list[str]:
        return [record.type for record in self.records()]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(Installation(tmp_path / "data"))


async def test_a_call_is_stored_kissed_off_told_and_recorded(place: Place) -> None:
    caller = Caller(Loopback())
    await place.serve(caller)
    assert len(caller.said("kiss_off")) == 1
    types = place.types()
    assert types[0] == "intake.started"
    assert types.index("frame.accepted") < types.index("kissoff.started") < types.index("kissoff.completed")
    assert types[-1] == "intake.stopped"
    assert any("account 1234 1101 01 001 (contact-id), stored" in line for line in place.lines)
    (stored,) = [record.payload for record in place.records() if record.type == "audio.stored"]
    keys = KeyRing.open(place.installation.intake_keys, installation_key(place.installation), writable=False)
    key = keys.key(stored["call"])
    keys.close()
    assert key is not None
    heard = recorder.read((place.installation.audio / stored["file"]).read_bytes(), stored["call"], key)
    assert heard.whole
    assert len(heard.far.pcm) == stored["samples"]
    assert np.any(heard.far.pcm)
    assert np.any(heard.near)  # our handshake and kiss-off


async def test_no_number_stands_in_clear_in_any_file(place: Place) -> None:
    await place.serve(Caller(Loopback()))
    for file in place.installation.data.rglob("*"):
        assert not file.is_file() or b"0775610000" not in file.read_bytes(), file


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full as soon as a frame is to be stored."""
    honest = Store._commit

    def full(store: Store, transaction: Any) -> None:
        if any(row[0] for row in store._db.execute("SELECT count(*) FROM event WHERE type = 'frame.accepted'")):
            raise sqlite3.OperationalError("database or disk is full")
        honest(store, transaction)

    monkeypatch.setattr(Store, "_commit", full)


@pytest.mark.usefixtures("full_disk")
async def test_a_commit_that_fails_gives_no_kiss_off_and_ends_the_process(place: Place) -> None:
    caller = Caller(Loopback())
    with pytest.raises(NotStored, match="disk is full"):
        await place.serve(caller)
    assert caller.said("kiss_off") == []
    assert "kissoff.started" not in place.types()
    assert any(line.startswith("alarm: not stored") for line in place.lines)


async def without_end(intake: Intake) -> None:
    """Nobody stops this intake: it must end by itself."""
    await asyncio.Event().wait()


@pytest.mark.usefixtures("full_disk")
@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), BrokenPipeError(), ValueError("closed file")]
)
async def test_a_failed_commit_ends_the_process_though_the_log_is_on_the_same_full_disk(
    place: Place, error: Exception
) -> None:
    def report(line: str) -> None:
        raise error

    caller = Caller(Loopback())

    async def drive(intake: Intake) -> None:
        intake.stop, ours = asyncio.Event(), intake.stop  # what the caller does at its end
        calling = asyncio.get_running_loop().create_task(caller.drive(intake))
        await intake.stop.wait()
        calling.cancel()
        if intake.fatal is not None:
            ours.set()
        await asyncio.Event().wait()

    async with asyncio.timeout(30):
        with pytest.raises(NotStored, match="disk is full"):
            await serve(place.installation, SETTINGS, [caller.both.near], SystemClock(), report, drive)
    assert caller.said("kiss_off") == []


async def test_a_log_that_cannot_be_written_stops_no_reception(place: Place) -> None:
    def report(line: str) -> None:
        raise BrokenPipeError

    caller = Caller(Loopback())
    await serve(place.installation, SETTINGS, [caller.both.near], SystemClock(), report, caller.drive)
    assert len(caller.said("kiss_off")) == 1
    assert place.types()[-1] == "intake.stopped"


async def test_a_store_that_dies_while_nothing_happens_ends_the_process(place: Place) -> None:
    """The heartbeat is not fed with its answers: they say that it is dead."""

    async def drive(intake: Intake) -> None:
        intake.journal._put(lambda store: store._die(sqlite3.OperationalError("I/O error")), in_transaction=False)
        await without_end(intake)

    async with asyncio.timeout(30):
        with pytest.raises(NotStored, match="I/O error"):
            await serve(place.installation, SETTINGS, [], SystemClock(), place.lines.append, drive)


async def test_a_checkpoint_that_fails_ends_the_process(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(store: Store) -> None:
        raise StoreUnavailable("I/O error")

    monkeypatch.setattr(Store, "checkpoint", fail)
    monkeypatch.setattr(upkeep, "CHECKPOINT_EVERY", 1)
    async with asyncio.timeout(30):
        with pytest.raises(StoreUnavailable, match="I/O error"):
            await serve(place.installation, SETTINGS, [], SystemClock(), place.lines.append, without_end)


async def test_a_bug_in_one_call_is_journalled_and_the_intake_lives(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug(*_: object) -> None:
        raise ZeroDivisionError("of ours")

    caller = Caller(Loopback())

    def break_it(intake: Intake) -> None:
        if caller.both.at > 20_000:
            monkeypatch.setattr(intake.station, "heard", bug)

    caller.while_calling = break_it
    await place.serve(caller)
    (fault,) = [record for record in place.records() if record.type == "call.fault"]
    assert fault.payload["reason"] == "ZeroDivisionError: of ours"
    (unknown,) = [record for record in place.records() if record.type == "call.unknown"]
    (ended,) = [record for record in place.records() if record.type == "call.ended"]
    assert (unknown.payload["kind"], unknown.payload["call"]) == ("interrupted", fault.payload["call"])
    assert ended.payload["call"] == fault.payload["call"]
    assert place.types()[-1] == "intake.stopped"


async def test_a_bug_behind_a_frame_in_the_same_sound_does_not_lose_the_call(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine had asked for the frame to be stored, and the order never left the station."""
    caller = Caller(Loopback())

    def break_it(intake: Intake) -> None:
        honest = intake.station._pass

        def bug(line: str, opened: Any, effects: Any) -> Any:
            if any(isinstance(effect, Commit) for effect in effects):
                raise ZeroDivisionError("of ours")
            return honest(line, opened, effects)

        monkeypatch.setattr(intake.station, "_pass", bug)
        caller.while_calling = lambda intake: None

    caller.while_calling = break_it
    await place.serve(caller)
    assert [record.payload["kind"] for record in place.records() if record.type == "call.unknown"] == ["interrupted"]
    assert caller.said("kiss_off") == []


async def test_a_line_that_cannot_be_looked_at_ends_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def bug(*_: object) -> None:
        raise ZeroDivisionError("of ours")

    async def drive(intake: Intake) -> None:
        monkeypatch.setattr(intake.station, "look_at", bug)
        while not any("ZeroDivisionError" in line for line in place.lines):
            await asyncio.sleep(0.05)
        intake.stop.set()
        await asyncio.Event().wait()

    await serve(place.installation, SETTINGS, [Loopback().near], SystemClock(), place.lines.append, drive)
    assert place.types()[-1] == "intake.stopped"


async def test_a_receipt_that_cannot_be_handled_ends_the_call_not_the_intake(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug(*_: object) -> None:
        raise ZeroDivisionError("of ours")

    caller = Caller(Loopback())
    caller.while_calling = lambda intake: monkeypatch.setattr(intake.station, "stored", bug)
    await place.serve(caller)
    assert "call.fault" in place.types()
    assert caller.said("kiss_off") == []


@dataclass
class SteppedClock:
    """A wall clock that somebody sets back by an hour after its third look."""

    system: SystemClock = field(default_factory=SystemClock)
    looks: int = 0

    def now(self) -> Now:
        self.looks += 1
        now = self.system.now()
        return now if self.looks < 40 else Now(now.utc_us - 3_600_000_000, now.mono_us, now.boot_id)


async def test_a_stepped_clock_is_journalled_and_disturbs_no_call(place: Place) -> None:
    caller = Caller(Loopback())
    caller.while_calling = lambda intake: None
    slow = caller.drive

    async def drive(intake: Intake) -> None:
        stop = intake.stop
        intake.stop = asyncio.Event()  # the caller's end is not the intake's: the next tick must come
        task = asyncio.get_running_loop().create_task(slow(intake))
        await intake.stop.wait()
        while not any("clock was stepped" in line for line in place.lines):
            await asyncio.sleep(0.05)
        task.cancel()
        stop.set()
        await asyncio.Event().wait()

    await serve(place.installation, SETTINGS, [caller.both.near], SteppedClock(), place.lines.append, drive)
    (step,) = [record for record in place.records() if record.type == "clock.stepped"]
    assert abs(step.payload["by_us"] + 3_600_000_000) < 1_000_000
    assert len(caller.said("kiss_off")) == 1


async def test_a_second_intake_is_refused_in_one_line(place: Place) -> None:
    refused: list[StoreUnavailable] = []
    caller = Caller(Loopback())

    async def second(intake: Intake) -> None:
        with pytest.raises(StoreUnavailable) as error:
            await serve(place.installation, SETTINGS, [], SystemClock(), lambda line: None)
        refused.append(error.value)
        intake.stop.set()
        await asyncio.Event().wait()

    await serve(place.installation, SETTINGS, [caller.both.near], SystemClock(), place.lines.append, second)
    assert "writing this store" in str(refused[0])


async def test_a_full_disk_is_said_and_no_call_answered(place: Place) -> None:
    settings = IntakeSettings(CallSettings(LIVE), disk_stop_percent=0)
    caller = Caller(Loopback(), limit=8000)

    async def drive(intake: Intake) -> None:
        while intake.station.refusing is None:
            await asyncio.sleep(0.01)
        await caller.drive(intake)

    await serve(place.installation, settings, [caller.both.near], SystemClock(), place.lines.append, drive)
    assert any(line.startswith("alarm: no call is answered: the disk is") for line in place.lines)
    assert "line.refusing" in place.types()
    assert "call.started" not in place.types()


async def test_a_disk_that_fills_up_and_has_room_again_is_journalled_before_anybody_rings(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill: list[float | None] = [None]

    def disk_usage(_: object) -> SimpleNamespace:
        if fill[0] is None:
            raise OSError(5, "Input/output error")
        return SimpleNamespace(total=1000, free=1000 - 10 * fill[0])

    async def drive(intake: Intake) -> None:
        for fill[0], refuses in ((95, True), (94.5, True), (93, False), (None, True), (50, False)):
            upkeep.Upkeep(intake).look_at_disk()
            assert (intake.station.refusing is not None) == refuses
        intake.stop.set()
        await asyncio.Event().wait()

    fill[0] = 10
    monkeypatch.setattr(shutil, "disk_usage", disk_usage)
    await serve(place.installation, SETTINGS, [], SystemClock(), place.lines.append, drive)
    told = [record for record in place.records() if record.type in ("intake.refusing", "intake.accepting")]
    assert [record.type for record in told] == ["intake.refusing", "intake.accepting"] * 2
    assert str(told[0].payload["reason"]).startswith("the disk is 9")
    assert told[2].payload["reason"] == "the disk cannot be looked at: Input/output error"


async def test_a_disk_that_fills_is_said_long_before_calls_are_refused(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill = [10.0]

    async def drive(intake: Intake) -> None:
        watch = upkeep.Upkeep(intake)
        for fill[0], said in ((79.9, False), (80, True), (79.5, True), (90, True), (78, False)):
            watch.look_at_disk()
            assert watch.filling == said
        intake.stop.set()
        await asyncio.Event().wait()

    usage = lambda _: SimpleNamespace(total=1000, free=1000 - 10 * fill[0])  # noqa: E731
    monkeypatch.setattr(shutil, "disk_usage", usage)
    await serve(place.installation, SETTINGS, [], SystemClock(), place.lines.append, drive)
    told = [record for record in place.records() if record.type.startswith("disk.")]
    assert [record.type for record in told] == ["disk.filling", "disk.eased"]
    assert any(line.startswith("alarm: the disk is 80 % full; make room on") for line in place.lines)


async def test_a_mirror_that_is_lost_is_journalled_and_so_is_its_return(place: Place, tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    settings = IntakeSettings(CallSettings(LIVE), mirrors=(mirror,))

    async def drive(intake: Intake) -> None:
        intake.lost_mirrors.append((mirror, "did not keep up within 0.3 s"))  # what the writer's thread says of it
        async with asyncio.timeout(10):
            while "mirror.back" not in place.types():
                await asyncio.sleep(0.02)
        intake.stop.set()
        await asyncio.Event().wait()

    await serve(place.installation, settings, [], SystemClock(), place.lines.append, drive)
    (lost, back) = [record for record in place.records() if record.type.startswith("mirror.")]
    assert lost.payload == {"folder": str(mirror), "reason": "did not keep up within 0.3 s"}
    assert (back.type, back.payload["folder"]) == ("mirror.back", str(mirror))


async def test_new_settings_wait_for_the_end_of_the_call(place: Place) -> None:
    def renew(intake: Intake) -> None:
        if not intake.renewing and intake.station.calls:
            intake._renew()
        assert not (intake.stop.is_set() and intake.station.calls)

    caller = Caller(Loopback(), while_calling=renew)
    await place.serve(caller)
    assert len(caller.said("kiss_off")) == 1
    assert place.types()[-1] == "intake.stopped"
    (ended,) = [record for record in place.records() if record.type == "call.ended"]
    assert ended.payload["reason"] != "the intake stops"


async def test_how_it_is_is_told_to_whoever_listens(place: Place) -> None:
    place.installation.health.mkdir(parents=True)
    listening = bound(place.installation.health_socket, socket.SOCK_DGRAM)
    listening.settimeout(10)
    told: list[dict[str, Any]] = []

    async def drive(intake: Intake) -> None:
        told.append(json.loads(await asyncio.to_thread(listening.recv, 262_144)))
        intake.stop.set()
        await asyncio.Event().wait()

    both = Loopback()
    await serve(place.installation, SETTINGS, [both.near], SystemClock(), place.lines.append, drive)
    listening.close()
    assert [line["name"] for line in told[0]["lines"]] == [both.near.name]


def publish(place: Place, *accounts: str) -> None:
    """The centre's extract of a ledger with these devices."""
    ledger = Ledger(cast(Any, None))
    kind = (next(iter(Category)), next(iter(Owner)), next(iter(Form)))
    for account in accounts:
        ledger.devices[account] = Device(account, "aa", *kind, account, profile="contact-id-two-button")
    directory.write(place.installation.directory_db, ledger, bytes(32))


@pytest.mark.parametrize(
    ("accounts", "known", "profile"),
    [(None, None, None), (["1234"], True, "contact-id-two-button"), (["9999"], False, None)],
)
async def test_a_reception_says_whether_its_account_is_known(
    place: Place, accounts: list[str] | None, known: bool | None, profile: str | None
) -> None:
    if accounts is not None:
        publish(place, *accounts)
    await place.serve(Caller(Loopback()))
    (reception,) = [record.payload for record in place.records() if record.type == "frame.accepted"]
    assert (reception["known"], reception["profile"]) == (known, profile)


async def test_a_new_directory_is_read_and_a_damaged_one_stops_nothing(place: Place) -> None:
    caller = Caller(Loopback())

    async def drive(intake: Intake) -> None:
        assert intake.directory.reason is not None
        publish(place, "1234")
        while not intake.directory.known("1234"):
            await asyncio.sleep(0.02)
        place.installation.directory_db.write_bytes(b"rubbish" * 1000)
        while intake.directory.reason is None:
            await asyncio.sleep(0.02)
        await caller.drive(intake)

    await serve(place.installation, SETTINGS, [caller.both.near], SystemClock(), place.lines.append, drive)
    assert any(line.startswith("alarm: ") and "the centre writes it again" in line for line in place.lines)
    assert len(caller.said("kiss_off")) == 1


async def test_a_listening_centre_is_woken_by_every_commit(place: Place) -> None:
    folder = place.installation.contract("konan")
    folder.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as centre:
        centre.bind(str(place.installation.wake_socket("konan")))
        centre.setblocking(False)
        await place.serve(Caller(Loopback()))
        assert centre.recv(16)


async def test_a_centre_that_cannot_be_woken_is_no_fault(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """No descriptor is left to look for it with; it looks by itself."""

    def no_descriptor(*_: Any) -> Any:
        raise OSError(errno.EMFILE, "Too many open files")

    faults: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: faults.append(context))
    monkeypatch.setattr(Path, "glob", no_descriptor)
    caller = Caller(Loopback(near="line 1"))
    await place.serve(caller)
    assert len(caller.said("kiss_off")) == 1
    assert faults == []


async def test_the_reception_that_repeats_is_linked_across_a_restart(place: Place) -> None:
    """The first intake dies between commit and kiss-off; the second links what the unit sends again."""
    caller = Caller(Loopback())

    def die(intake: Intake) -> None:
        if any("stored" in line for line in place.lines):
            intake.stop.set()

    caller.while_calling = die
    await place.serve(caller)
    await place.serve(Caller(Loopback()))
    first, second = [record for record in place.records() if record.type == "frame.accepted"]
    completed = [r.payload["reception"] for r in place.records() if r.type == "kissoff.completed"]
    assert completed == [second.seq]
    assert second.payload["duplicate_of"] == first.seq
