"""Receivers on real ptys and real loopback connections, simulated ones at their other end."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from pathlib import Path

import pytest

from drivers.hardware.places import parse_place
from drivers.hardware.port import make
from drivers.hardware.tcp_wire import ClientPlace, ListenPlace
from drivers.line import Fault, Healed
from drivers.link import Alive, Received, Refused, Unread
from sim.attachment import Attachment, PtyPlace
from sim.hardware_receiver import OKAY, HardwareReceiver, ReceiverHabits
from tests.drivers.hardware.conftest import Begin, SmallIntake, stop, until

FAST = ReceiverHabits(heartbeat_s=0.2)  # it waits for answers as long as a real one: a slow machine is no fault
FAST_OPTIONS = {"heartbeat": "0.2"}


def frame(number: int) -> bytes:
    return b"5011 181234E101%05d\x14" % number


def raw(number: int) -> str:
    return frame(number)[:-1].decode()


def intake(name: str, address: str, **options: str) -> SmallIntake:
    return SmallIntake(make(name, address, options))


def bound(place: object) -> int:
    assert isinstance(place, ListenPlace)
    return place.bound[1] if place.bound is not None else 0


async def listening(attachment: Attachment, begin: Begin, port: int = 0) -> tuple[int, asyncio.Task[None]]:
    """A simulated receiver that is a TCP server, as a System III is."""
    place = parse_place(f"listen://127.0.0.1:{port}", newest=True)
    task = begin(attachment.serve(place))
    await until(lambda: bool(bound(place)))
    return bound(place), task


async def test_a_serial_port(begin: Begin) -> None:
    place = PtyPlace()
    receiver = HardwareReceiver(FAST)
    attachment = Attachment(receiver)
    begin(attachment.serve(place))
    ours = intake("surgard:pty", place.port, **FAST_OPTIONS)
    begin(ours.link.run(ours.deliver))
    await until(lambda: bool(ours.of(Alive)))
    for number in range(5):
        receiver.press(frame(number))
    attachment.look()
    await until(lambda: len(receiver.taken) == 5)
    assert ours.stored == [raw(number) for number in range(5)]
    assert not ours.repeated
    assert receiver.sent.count(frame(0)) == 1
    assert [type(one) for one in ours.told if isinstance(one, Fault | Healed)] == [Healed]


async def test_half_a_frame_when_we_plug_in(begin: Begin) -> None:
    place = PtyPlace()
    receiver = HardwareReceiver(ReceiverHabits(heartbeat_s=0.2, begins_with=b"34E12101001\x14"))
    receiver.press(frame(1))
    begin(Attachment(receiver).serve(place))
    ours = intake("surgard:pty", place.port)
    begin(ours.link.run(ours.deliver))
    await until(lambda: len(receiver.taken) == 1)
    assert ours.stored == [raw(1)]
    assert [one.text for one in ours.of(Refused)] == ["34E12101001"]


async def test_a_685_that_wants_a_carriage_return(begin: Begin) -> None:
    place = PtyPlace()
    receiver = HardwareReceiver(ReceiverHabits(OKAY, 0.2, ack=b"\r", nak=b""))
    attachment = Attachment(receiver)
    begin(attachment.serve(place))
    ours = intake("ademco685:pty", place.port, acknowledge="cr", heartbeat="0.2")
    begin(ours.link.run(ours.deliver))
    receiver.press(b"\n11 1234 18 E101 00 C001\r")
    await until(lambda: len(receiver.taken) == 1 and receiver.sent.count(OKAY) > 2)
    assert ours.stored == ["11 1234 18 E101 00 C001"]
    assert receiver.failures == 0


async def test_a_685_that_wants_no_answer_and_a_store_that_is_full_for_a_while(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.hardware.keeping.AGAIN_S", 0.05)
    place = PtyPlace()
    receiver = HardwareReceiver(ReceiverHabits(OKAY, 0.2, answered=False))
    attachment = Attachment(receiver)
    begin(attachment.serve(place))
    ours = intake("ademco685:pty", place.port, acknowledge="none", heartbeat="0.2")
    ours.refuses = 5
    begin(ours.link.run(ours.deliver))
    await until(lambda: bool(ours.of(Healed)) and attachment.connected)
    for number in range(3):
        receiver.press(b"\n12 1234 %d\r" % number)
    attachment.look()
    await until(lambda: len(ours.stored) == 3)
    assert sorted(ours.stored) == [f"12 1234 {number}" for number in range(3)]


async def test_a_port_that_is_pulled_out_and_comes_back(begin: Begin, tmp_path: Path) -> None:
    link = tmp_path / "receiver"
    receiver = HardwareReceiver(FAST)
    first = PtyPlace()
    link.symlink_to(first.port)
    plugged = begin(Attachment(receiver).serve(first))
    ours = intake("surgard:pty", str(link), **FAST_OPTIONS)
    begin(ours.link.run(ours.deliver))
    await until(lambda: bool(ours.of(Alive)))
    await stop(plugged)
    await until(lambda: bool(ours.of(Fault)))
    assert str(link) in ours.of(Fault)[0].reason
    receiver.press(frame(1))
    second = PtyPlace()
    link.unlink()
    link.symlink_to(second.port)
    begin(Attachment(receiver).serve(second))
    await until(lambda: len(receiver.taken) == 1)
    assert ours.stored == [raw(1)]
    assert isinstance([one for one in ours.told if isinstance(one, Fault | Healed)][-1], Healed)


async def test_a_port_that_is_not_there(begin: Begin, tmp_path: Path) -> None:
    ours = intake("surgard:pty", str(tmp_path / "nothing"))
    begin(ours.link.run(ours.deliver))
    await until(lambda: bool(ours.of(Fault)))
    assert "No such file or directory" in ours.of(Fault)[0].reason
    await asyncio.sleep(0.6)
    assert len(ours.of(Fault)) == 1, "the same reason is said once"


async def test_a_port_that_cannot_be_set_is_a_fault_and_no_traceback(begin: Begin) -> None:
    """The kernel refuses seven bits on a pty; pyserial lets that through as an error of its own kind."""
    place = PtyPlace()
    begin(Attachment(HardwareReceiver()).serve(place))
    ours = intake("surgard:pty", place.port, bits="7E1")
    task = begin(ours.link.run(ours.deliver))
    await until(lambda: bool(ours.of(Fault) or ours.of(Healed)))
    assert not task.done()


async def test_a_receiver_that_is_a_server(begin: Begin) -> None:
    receiver = HardwareReceiver(FAST)
    attachment = Attachment(receiver)
    port, _ = await listening(attachment, begin)
    ours = intake("surgard:tcp", f"tcp://127.0.0.1:{port}", **FAST_OPTIONS)
    begin(ours.link.run(ours.deliver))
    receiver.press(frame(1))
    await until(lambda: len(receiver.taken) == 1 and bool(ours.of(Alive)))
    assert ours.stored == [raw(1)]
    assert ours.of(Alive)[0] == Alive("receiver 01", pytest.approx(5.4))


@pytest.mark.parametrize("byte", [0, 1, 10, 20, 21])
async def test_a_connection_cut_at_any_byte_of_a_frame(begin: Begin, byte: int) -> None:
    receiver = HardwareReceiver(FAST)
    attachment = Attachment(receiver)
    port, _ = await listening(attachment, begin)
    ours = intake("surgard:tcp", f"tcp://127.0.0.1:{port}", **FAST_OPTIONS)
    begin(ours.link.run(ours.deliver))
    await until(lambda: bool(ours.of(Alive)))
    ours.answers = False
    attachment.cut_after = byte
    receiver.press(frame(1))
    attachment.look()
    await until(lambda: attachment.cut_after is None and bool(ours.of(Fault)))
    ours.answers = True
    for message in ours.of(Received):  # what had come whole is stored late: nobody can be told
        assert not ours.store(message)
    await until(lambda: len(receiver.taken) == 1)
    assert ours.stored == [raw(1)]
    assert len(ours.repeated) == len(ours.of(Received)) - 1
    assert isinstance([one for one in ours.told if isinstance(one, Fault | Healed)][-1], Healed)


async def test_no_answer_leaves_before_the_message_is_stored(begin: Begin) -> None:
    receiver = HardwareReceiver(ReceiverHabits(heartbeat_s=0))
    attachment = Attachment(receiver)
    port, _ = await listening(attachment, begin)
    ours = intake("surgard:tcp", f"tcp://127.0.0.1:{port}", heartbeat="0")
    ours.answers = False
    begin(ours.link.run(ours.deliver))
    receiver.press(frame(1))
    await until(lambda: bool(ours.of(Received)))
    await asyncio.sleep(0.2)
    assert receiver.taken == []
    assert ours.store(ours.of(Received)[0])
    await until(lambda: receiver.taken == [frame(1)])


async def test_receivers_that_connect_to_us(begin: Begin) -> None:
    ours = intake("surgard:listen", "listen://127.0.0.1:0", **FAST_OPTIONS)
    begin(ours.link.run(ours.deliver))
    await until(lambda: bool(bound(ours.link.place)))
    receivers = [HardwareReceiver(FAST), HardwareReceiver(FAST)]
    for number, receiver in enumerate(receivers):
        receiver.press(frame(number))
        begin(Attachment(receiver).serve(ClientPlace("127.0.0.1", bound(ours.link.place))))
    await until(lambda: all(len(receiver.taken) == 1 for receiver in receivers))
    assert sorted(ours.stored) == [raw(0), raw(1)]
    assert not ours.of(Fault)


async def test_strangers_are_turned_away(begin: Begin) -> None:
    ours = intake("surgard:listen", "listen://127.0.0.1:0", peers="10.0.0.0/8")
    begin(ours.link.run(ours.deliver))
    await until(lambda: bool(bound(ours.link.place)))
    reader, writer = await asyncio.open_connection("127.0.0.1", bound(ours.link.place))
    with suppress(ConnectionResetError):
        assert await asyncio.wait_for(reader.read(10), 5) == b""
    writer.close()
    await until(lambda: bool(ours.of(Refused)))
    assert ours.of(Refused)[0].path == "127.0.0.1"
    assert not ours.of(Healed)


async def test_nobody_connects(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.hardware.port.LISTEN_GRACE_S", 0.1)
    ours = intake("surgard:listen", "listen://127.0.0.1:0")
    begin(ours.link.run(ours.deliver))
    await until(lambda: bool(ours.of(Fault)))
    assert "no receiver has been connected" in ours.of(Fault)[0].reason


async def test_an_address_in_use(begin: Begin) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ours = intake("surgard:listen", f"listen://127.0.0.1:{taken.getsockname()[1]}")
        begin(ours.link.run(ours.deliver))
        await until(lambda: bool(ours.of(Fault)))
    assert "cannot listen" in ours.of(Fault)[0].reason
    await until(lambda: bool(bound(ours.link.place)))


async def test_a_receiver_that_refuses_the_connection(begin: Begin) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ours = intake("surgard:tcp", f"tcp://127.0.0.1:{port}")
    begin(ours.link.run(ours.deliver))
    await until(lambda: bool(ours.of(Fault)))
    assert ours.of(Fault)[0].reason == f"cannot connect to 127.0.0.1:{port}: Connection refused"


async def test_a_receiver_that_falls_silent_is_a_fault_until_it_speaks(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drivers.hardware.reading.SPARE_S", 0.2)
    receiver = HardwareReceiver(FAST)
    attachment = Attachment(receiver)
    port, _ = await listening(attachment, begin)
    ours = intake("surgard:tcp", f"tcp://127.0.0.1:{port}", **FAST_OPTIONS)
    begin(ours.link.run(ours.deliver))
    await until(lambda: bool(ours.of(Alive)))
    receiver.habits = ReceiverHabits(heartbeat_s=0)
    await until(lambda: bool(ours.of(Fault)))
    assert "no sign of life" in ours.of(Fault)[0].reason
    before = attachment.connections
    await until(lambda: attachment.connections > before)
    assert not isinstance(ours.told[-1], Healed)
    receiver.habits = FAST
    attachment.look()
    await until(lambda: isinstance([one for one in ours.told if isinstance(one, Fault | Healed)][-1], Healed))


async def test_a_flood_without_waiting_for_answers_is_held_up_and_all_of_it_is_stored(begin: Begin) -> None:
    ours = intake("surgard:listen", "listen://127.0.0.1:0", heartbeat="0")
    ours.answers = False
    begin(ours.link.run(ours.deliver))
    await until(lambda: bool(bound(ours.link.place)))
    _, writer = await asyncio.open_connection("127.0.0.1", bound(ours.link.place))
    writer.write(b"\x14" + b"".join(frame(number) for number in range(3_000)))
    await until(lambda: bool(ours.of(Received)))
    await asyncio.sleep(0.2)
    assert len(ours.of(Received)) < 200, "more is read than the intake has answered"
    ours.answers = True
    for message in ours.of(Received):
        ours.store(message)
    await until(lambda: len(ours.stored) == 3_000)
    writer.close()


async def test_a_kind_nobody_knows_is_unread_and_taken(begin: Begin) -> None:
    receiver = HardwareReceiver(FAST)
    attachment = Attachment(receiver)
    port, _ = await listening(attachment, begin)
    ours = intake("surgard:tcp", f"tcp://127.0.0.1:{port}", **FAST_OPTIONS)
    begin(ours.link.run(ours.deliver))
    await until(lambda: bool(ours.of(Alive)))
    receiver.press(b"Z011 from next year's firmware\x14")
    attachment.look()
    await until(lambda: len(receiver.taken) == 1)
    (unread,) = ours.of(Unread)
    assert unread.text == "Z011 from next year's firmware"


async def test_it_ends_without_a_fault_and_leaves_the_port_free(begin: Begin) -> None:
    place = PtyPlace()
    begin(Attachment(HardwareReceiver(FAST)).serve(place))
    ours = intake("surgard:pty", place.port, **FAST_OPTIONS)
    task = begin(ours.link.run(ours.deliver))
    await until(lambda: bool(ours.of(Alive)))
    await stop(task)
    assert not ours.of(Fault)
    again = intake("surgard:pty", place.port, **FAST_OPTIONS)
    begin(again.link.run(again.deliver))
    await until(lambda: bool(again.of(Alive)))


@pytest.mark.parametrize(
    ("name", "address", "options", "reason"),
    [
        ("surgard:x", "/dev/x", {"boud": "1"}, "unknown option 'boud'"),
        ("ademco685:x", "/dev/x", {"header": "3"}, "unknown option 'header'"),
        ("surgard:x", "/dev/x", {"baud": "fast"}, "baud is a whole number"),
        ("surgard:x", "/dev/x", {"baud": "0"}, "baud is a whole number"),
        ("surgard:x", "/dev/x", {"bits": "9N1"}, "bits is 8N1"),
        ("surgard:x", "/dev/x", {"header": "4"}, "header is"),
        ("surgard:x", "/dev/x", {"heartbeat": "-1"}, "heartbeat is a number of seconds"),
        ("surgard:x", "/dev/x", {"heartbeat": "nan"}, "heartbeat is a number of seconds"),
        ("surgard:x", "/dev/x", {"ack_wait_s": "0"}, "ack_wait_s is a number of seconds"),
        ("surgard:x", "/dev/x", {"acknowledge": "yes"}, "acknowledge is 06, cr, none"),
        ("surgard:x", "/dev/x", {"rtscts": "1"}, "rtscts is yes or no"),
        ("ademco685:x", "/dev/x", {"acknowledge": "cr", "ask_every_s": "9"}, "choose one"),
        ("surgard:x", "tcp://", {}, "is no place"),
        ("surgard:x", "tcp://host:99999", {}, "is no place"),
        ("surgard:x", "udp://host:1", {}, "is no place"),
        ("surgard:x", "tcp://a:b:c", {}, "is no place"),
        ("surgard:x", "listen://0.0.0.0:1025", {"peers": "everybody"}, "peers: "),
        ("surgard:x", "listen://0.0.0.0:1025", {"receivers": "01,b?"}, "receivers are numbers"),
        ("surgard:x", "listen://0.0.0.0:1025", {"receivers": "01", "heartbeat": "0"}, "cannot be missed"),
    ],
)
def test_bad_names(name: str, address: str, options: dict[str, str], reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as raised:
        make(name, address, options)
    assert "\n" not in str(raised.value)
    assert str(raised.value).startswith(name)


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [("tcp://host", "host", 1025), ("tcp://10.0.0.7:99", "10.0.0.7", 99), ("tcp://[::1]:7", "::1", 7)],
)
def test_places(address: str, host: str, port: int) -> None:
    place = parse_place(address)
    assert isinstance(place, ClientPlace)
    assert (place.host, place.port) == (host, port)


def test_receivers_that_should_be_there_are_missed_from_the_start() -> None:
    link = make("surgard:x", "listen://127.0.0.1:1025", {"receivers": "01,02", "heartbeat": "20"})
    assert link.expected == (Alive("receiver 01", 45.0), Alive("receiver 02", 45.0))
    assert make("surgard:x", "/dev/x", {}).expected == ()


def test_orders_before_anything_is_open_change_nothing() -> None:
    link = make("surgard:x", "/dev/x", {})
    assert link.name == "surgard:x"
    assert not link.acknowledge(1)
