"""Our output on real ptys and loopback connections, a simulated monitoring program behind it."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass, field

import pytest

from decoder.frame import Frame
from drivers.hardware.output_port import Outgoing, OutputPort, make
from drivers.hardware.places import parse_place
from drivers.hardware.port import make as make_link
from drivers.hardware.sending import Down, Up
from drivers.hardware.tcp_wire import ClientPlace, ListenPlace
from sim.attachment import Attachment, PtyPlace
from sim.hardware_receiver import OKAY
from sim.monitoring_program import MonitoringProgram
from tests.drivers.hardware.conftest import Begin, SmallIntake, stop, until

FAST = {"heartbeat": "0.3", "retry_s": "0.3"}
IMPATIENT = {"ack_wait_s": "0.2"}  # for tests in which the program is to be given up


def message(zone: int, account: str = "1234", code: str = "101") -> Frame:
    return Frame("contact-id", "", account, "1", code, "00", f"{zone:03}", 0, 0, 1.0)


@dataclass
class Outbox:
    """What the centre keeps on disk: messages, and how far they are delivered."""

    port: OutputPort
    frames: list[bytes] = field(default_factory=list)
    position: int = 0
    changes: list[Up | Down] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)

    def put(self, *zones: int) -> None:
        self.frames += [self.port.encode(message(zone)) for zone in zones]
        self.port.wake()

    def next_after(self, position: int) -> Outgoing | None:
        assert position == self.position, "asked for what is behind something that was not delivered"
        self.asked.append(position)
        return Outgoing(position + 1, self.frames[position]) if position < len(self.frames) else None

    def delivered(self, seq: int) -> None:
        assert seq == self.position + 1
        self.position = seq

    async def serve(self) -> None:
        await self.port.serve(self.next_after, self.delivered, position=self.position, told=self.changes.append)


def outbox(name: str, address: str, **options: str) -> Outbox:
    return Outbox(make(name, address, {**FAST, **options}))


def bound(place: object) -> int:
    assert isinstance(place, ListenPlace)
    return place.bound[1] if place.bound is not None else 0


async def served(ours: Outbox, begin: Begin) -> tuple[ClientPlace, asyncio.Task[None]]:
    """Our output is the server; where the program finds it."""
    task = begin(ours.serve())
    await until(lambda: bool(bound(ours.port.place)))
    return ClientPlace("127.0.0.1", bound(ours.port.place)), task


async def test_a_program_that_connects_to_us(begin: Begin) -> None:
    ours = outbox("surgard:listen", "listen://127.0.0.1:0")
    place, _ = await served(ours, begin)
    program = MonitoringProgram()
    begin(Attachment(program).serve(place))
    ours.put(*range(5))
    await until(lambda: ours.position == 5)
    assert program.stored == ours.frames
    assert program.stored[0] == b"5011 181234E10100000\x14"
    await until(lambda: program.beats >= 2)
    assert isinstance(ours.changes[-1], Up)


async def test_a_program_that_is_a_server(begin: Begin) -> None:
    listen = parse_place("listen://127.0.0.1:0", newest=True)
    program = MonitoringProgram()
    begin(Attachment(program).serve(listen))
    await until(lambda: bool(bound(listen)))
    ours = outbox("surgard:tcp", f"tcp://127.0.0.1:{bound(listen)}")
    begin(ours.serve())
    ours.put(1)
    await until(lambda: ours.position == 1)
    assert program.stored == ours.frames


async def test_a_program_on_a_serial_port(begin: Begin) -> None:
    place = PtyPlace()
    program = MonitoringProgram()
    begin(Attachment(program).serve(place))
    ours = outbox("surgard:pty", place.port, receiver="07", line="003")
    program.heartbeat = b"107003" + b" " * 11 + b"@    \x14"
    begin(ours.serve())
    ours.put(1, 2)
    await until(lambda: ours.position == 2)
    assert program.stored == [b"507003 181234E10100001\x14", b"507003 181234E10100002\x14"]
    await until(lambda: program.beats >= 1)


async def test_a_685_with_each_way_of_answering(begin: Begin) -> None:
    for acknowledge, ack in (("06", b"\x06"), ("cr", b"\r"), ("none", b"")):
        place = PtyPlace()
        program = MonitoringProgram(OKAY, b"\n", b"\r", ack, b"")
        begin(Attachment(program).serve(place))
        ours = outbox("ademco685:pty", place.port, acknowledge=acknowledge)
        task = begin(ours.serve())
        ours.put(1, 2)
        await until(lambda ours=ours, program=program: ours.position == 2 and len(program.stored) == 2)  # type: ignore[misc]
        assert program.stored == [b"\n11 1234 18 E101 00 C001\r", b"\n11 1234 18 E101 00 C002\r"]
        await stop(task)


async def test_a_program_that_refuses_three_times(begin: Begin) -> None:
    ours = outbox("surgard:listen", "listen://127.0.0.1:0")
    place, _ = await served(ours, begin)
    program = MonitoringProgram()
    attachment = Attachment(program)
    begin(attachment.serve(place))
    await until(lambda: program.beats > 0)
    program.refuse = 3
    ours.put(1)
    await until(lambda: ours.position == 1)
    assert program.stored == ours.frames
    assert not [one for one in ours.changes if isinstance(one, Down) and "refused" in one.reason]


async def test_a_program_that_is_silent_and_comes_back(begin: Begin) -> None:
    ours = outbox("surgard:listen", "listen://127.0.0.1:0", **IMPATIENT)
    place, _ = await served(ours, begin)
    program = MonitoringProgram()
    begin(Attachment(program).serve(place))
    await until(lambda: any(isinstance(one, Up) for one in ours.changes))
    program.silent = True
    ours.put(1, 2)
    await until(lambda: isinstance(ours.changes[-1], Down))
    assert "message 1: no acknowledgement within 0.2 s, 4 times" in str(ours.changes[-1])
    assert ours.position == 0
    program.silent = False
    await until(lambda: ours.position == 2)
    assert list(dict.fromkeys(program.stored)) == ours.frames
    assert isinstance(ours.changes[-1], Up)


async def test_a_program_that_hangs_with_its_port_open_gets_nothing_lost(begin: Begin) -> None:
    ours = outbox("surgard:listen", "listen://127.0.0.1:0", **IMPATIENT)
    place, _ = await served(ours, begin)
    program = MonitoringProgram()
    attachment = Attachment(program)
    begin(attachment.serve(place))
    await until(lambda: any(isinstance(one, Up) for one in ours.changes))
    program.hung = True
    ours.put(1, 2, 3)
    await until(lambda: isinstance(ours.changes[-1], Down))
    program.hung = False
    attachment.look()
    await until(lambda: ours.position == 3)
    assert list(dict.fromkeys(program.stored)) == ours.frames


@pytest.mark.parametrize("byte", [0, 1])
async def test_a_connection_that_breaks_before_or_after_the_answer(begin: Begin, byte: int) -> None:
    ours = outbox("surgard:listen", "listen://127.0.0.1:0")
    place, _ = await served(ours, begin)
    program = MonitoringProgram()
    attachment = Attachment(program)
    begin(attachment.serve(place))
    await until(lambda: program.beats > 0)
    attachment.cut_after = byte  # of what the program says: its answer is lost, or arrives and the wire breaks then
    ours.put(1, 2, 3)
    await until(lambda: ours.position == 3)
    assert list(dict.fromkeys(program.stored)) == ours.frames
    assert len(program.stored) <= 4, "at most the one whose answer was lost comes twice, with identical bytes"


async def test_a_program_that_connects_again_and_again(begin: Begin) -> None:
    ours = outbox("surgard:listen", "listen://127.0.0.1:0")
    place, _ = await served(ours, begin)
    program = MonitoringProgram()
    attachment = Attachment(program)
    begin(attachment.serve(place))
    for number in range(6):
        await until(lambda: attachment.connected)
        ours.put(number)
        if number % 2:
            attachment.cut()
    await until(lambda: ours.position == 6)
    assert list(dict.fromkeys(program.stored)) == ours.frames


async def test_a_newer_program_replaces_the_one_that_hangs(begin: Begin) -> None:
    ours = outbox("surgard:listen", "listen://127.0.0.1:0")
    place, _ = await served(ours, begin)
    first, second = MonitoringProgram(hung=True), MonitoringProgram()
    begin(Attachment(first).serve(place))
    await until(lambda: bool(first._unread))
    ours.put(1)
    begin(Attachment(second).serve(place))
    await until(lambda: ours.position == 1)
    assert second.stored == ours.frames


async def test_we_are_killed_and_go_on_where_the_position_is(begin: Begin) -> None:
    ours = outbox("surgard:listen", "listen://127.0.0.1:0")
    place, task = await served(ours, begin)
    program = MonitoringProgram()
    attachment = Attachment(program)
    begin(attachment.serve(place))
    ours.put(1, 2)
    await until(lambda: ours.position == 2)
    await stop(task)
    ours.put(3)
    again = Outbox(make("surgard:listen", f"listen://127.0.0.1:{place.port}", FAST), ours.frames, ours.position)
    begin(again.serve())
    await until(lambda: again.position == 3)
    assert program.stored == ours.frames
    assert again.asked[0] == 2


async def test_an_outbox_that_cannot_be_written_ends_it_and_nothing_more_is_sent(begin: Begin) -> None:
    ours = outbox("surgard:listen", "listen://127.0.0.1:0")

    def broken(seq: int) -> None:
        raise OSError("no space left")

    ours.delivered = broken  # type: ignore[method-assign]
    place, task = await served(ours, begin)
    program = MonitoringProgram()
    begin(Attachment(program).serve(place))
    ours.put(1, 2)
    await until(task.done)
    assert isinstance(task.exception(), OSError)
    assert program.stored == ours.frames[:1]


async def test_nobody_is_there(begin: Begin) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ours = outbox("surgard:tcp", f"tcp://127.0.0.1:{port}")
    begin(ours.serve())
    ours.put(1)
    await until(lambda: bool(ours.changes))
    assert ours.changes == [Down(f"cannot connect to 127.0.0.1:{port}: Connection refused")]


async def test_a_program_that_is_not_among_the_peers_is_told_of(begin: Begin) -> None:
    ours = outbox("surgard:listen", "listen://127.0.0.1:0", peers="10.0.0.0/8")
    place, _ = await served(ours, begin)
    begin(Attachment(MonitoringProgram()).serve(place))
    await until(lambda: len(ours.changes) == 2)
    assert ours.changes == [
        Down("no monitoring program has connected yet"),
        Down("127.0.0.1 may not connect: not one of the peers"),
    ]
    await asyncio.sleep(0.6)
    assert len(ours.changes) == 2


async def test_our_output_read_by_our_own_input(begin: Begin) -> None:
    for scheme in ("surgard", "ademco685"):
        ours = outbox(f"{scheme}:listen", "listen://127.0.0.1:0")
        place, _ = await served(ours, begin)
        intake = SmallIntake(make_link(f"{scheme}:tcp", f"tcp://127.0.0.1:{place.port}", {"heartbeat": "0.3"}))
        begin(intake.link.run(intake.deliver))
        ours.put(*range(20))
        await until(lambda ours=ours: ours.position == 20)  # type: ignore[misc]
        assert len(intake.stored) == 20
        assert not intake.repeated


def test_a_line_number_of_the_telephone() -> None:
    port = make("surgard:x", "/dev/x", {"receiver": "02", "line": "001"})
    assert port.encode(message(1), "A23") == b"502A23 181234E10100001\x14"
    assert port.own_message("disk nearly full\x14") == b"002001 disk nearly full\x14"
    other = make("ademco685:x", "/dev/x", {"receiver": "2"})
    assert other.encode(message(1), "7") == b"\n27 1234 18 E101 00 C001\r"
    with pytest.raises(ValueError, match="no layout for words"):
        other.own_message("disk nearly full")


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("fax:x", {}, "no output of that kind"),
        ("surgard:x", {"header": "3"}, "unknown option 'header'"),
        ("surgard:x", {"receiver": "1"}, "receiver number has two digits"),
        ("surgard:x", {"line": "12"}, "line number has one or three"),
        ("ademco685:x", {"receiver": "01"}, "receiver number has one digit"),
        ("surgard:x", {"repeats": "-1"}, "repeats is a whole number"),
        ("surgard:x", {"acknowledge": "07"}, "acknowledge is 06, cr, none"),
        ("surgard:x", {"retry_s": "soon"}, "retry_s is a number of seconds"),
    ],
)
def test_bad_names(name: str, options: dict[str, str], reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as raised:
        make(name, "/dev/x", options)
    assert "\n" not in str(raised.value)
