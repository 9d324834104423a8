"""The link on real loopback sockets: what is answered, and when; bounds; faults."""

from __future__ import annotations

import asyncio
import errno
import resource
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from drivers.ip import dc09_port, sockets
from drivers.ip.dc09 import Head, Message, encode, stamp
from drivers.ip.dc09_accounts import Account, Accounts
from drivers.ip.dc09_frames import FRAME_MAX
from drivers.ip.dc09_port import Dc09Link, make
from drivers.ip.limits import RUBBISH_MAX, Doors
from drivers.line import Fault, Healed
from drivers.link import Alive, Received, Unread
from tests.drivers.ip.conftest import WAIT_S, Intake, free_port, serving
from tests.drivers.ip.vectors import ACK, ALARM, KEYS, NOW, NULL, STAMPED, letters, wire

NULL_ACK = encode(Message(Head("ACK", "0000", "1234")))


def alarm(number: int) -> bytes:
    return encode(Message(Head("ADM-CID", f"{number:04}", "1234"), f"#1234|1101 00 {number % 1000:03}"))


class Udp:
    """A socket that sends datagrams to the link and hears what comes back."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket(type=socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.connect(("127.0.0.1", port))

    def say(self, octets: bytes) -> None:
        self._socket.send(octets)

    async def hear(self) -> bytes:
        async with asyncio.timeout(WAIT_S):
            return await asyncio.get_running_loop().sock_recv(self._socket, 65_536)

    def heard(self) -> bytes:
        with suppress(BlockingIOError):
            return self._socket.recv(65_536)
        return b""

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def udp(intake: Intake) -> Iterator[Udp]:
    one = Udp(intake.port)
    yield one
    one.close()


# -- answers ---------------------------------------------------------------------------------------------


async def test_tcp_stored_then_acknowledged(intake: Intake) -> None:
    async with intake.tcp() as peer:
        peer.say(wire(ALARM))
        assert await peer.hear() == wire(ACK)
    (message,) = intake.messages
    assert isinstance(message, Received)
    assert (message.path, message.frame.code) == ("1234", "101")
    assert intake.told == [True]


async def test_udp_stored_then_acknowledged(intake: Intake, udp: Udp) -> None:
    udp.say(wire(ALARM))
    assert await udp.hear() == wire(ACK)
    udp.say(wire(ALARM)[:-1])  # the datagram ends, and so does the frame
    assert await udp.hear() == wire(ACK)
    udp.say(wire(ALARM) + wire(NULL))
    assert await udp.hear() == wire(ACK)
    assert await udp.hear() == NULL_ACK
    assert len(intake.messages) == 3


async def test_nothing_is_said_before_it_is_stored(intake: Intake, udp: Udp) -> None:
    intake.store = lambda message: None
    async with intake.tcp() as peer:
        peer.say(wire(ALARM))
        udp.say(wire(ALARM))
        await intake.until(lambda: len(intake.messages) == 2)
        peer.say(wire(NULL))  # answered at once, and before what waits
        assert await peer.hear() == NULL_ACK
        assert udp.heard() == b""
        assert [intake.link.acknowledge(message.token) for message in intake.messages] == [True, True]
        assert await peer.hear() == wire(ACK)
        assert await udp.hear() == wire(ACK)


async def test_refused_is_silence_and_it_comes_again(intake: Intake, udp: Udp) -> None:
    intake.store = lambda message: len(intake.messages) > 2
    async with intake.tcp() as peer:
        peer.say(wire(ALARM))
        await intake.until(lambda: len(intake.messages) == 1)
        peer.say(wire(NULL))
        assert await peer.hear() == NULL_ACK
        udp.say(wire(ALARM))
        await intake.until(lambda: len(intake.messages) == 2)
        peer.say(wire(ALARM))
        assert await peer.hear() == wire(ACK)
        assert udp.heard() == b""
    assert len({message.identity for message in intake.messages}) == 1


async def test_two_in_one_segment_and_one_over_two(intake: Intake) -> None:
    async with intake.tcp() as peer:
        peer.say(wire(ALARM) + wire(NULL) + wire(ALARM)[:20])
        assert await peer.hear() == wire(ACK)
        assert await peer.hear() == NULL_ACK
        peer.say(wire(ALARM)[20:])
        assert await peer.hear() == wire(ACK)


async def test_octet_by_octet(intake: Intake) -> None:
    async with intake.tcp() as peer:
        for octet in wire(STAMPED):
            peer.say(bytes((octet,)))
            await asyncio.sleep(0)
        assert b'"ACK"0008R1L2#1234[]' in await peer.hear()


async def test_a_clock_a_day_off_is_acknowledged_and_stored(intake: Intake) -> None:
    async with intake.tcp() as peer:
        for days in (-1, 1, -3650):
            sent_at = stamp(NOW + timedelta(days=days))
            peer.say(encode(Message(Head("ADM-CID", "0007", "1234"), "#1234|1101 00 003", sent_at=sent_at)))
            assert await peer.hear() == wire(ACK)
            assert isinstance(intake.messages[-1], Received)
            assert intake.messages[-1].sent_at == sent_at


async def test_several_events_one_acknowledgement(intake: Intake) -> None:
    intake.store = lambda message: None
    async with intake.tcp() as peer:
        peer.say(encode(Message(Head("SIA-DCS", "0007", "1234"), "#1234|NQA1/QA2")))
        await intake.until(lambda: len(intake.messages) == 2)
        assert intake.link.acknowledge(intake.messages[1].token)
        peer.say(wire(NULL))
        assert await peer.hear() == NULL_ACK
        assert intake.link.acknowledge(intake.messages[0].token)
        assert await peer.hear() == wire(ACK)


async def test_one_event_refused_is_silence_for_all(intake: Intake) -> None:
    intake.store = lambda message: isinstance(message, Received) and message.frame.zone == "1"
    async with intake.tcp() as peer:
        peer.say(encode(Message(Head("SIA-DCS", "0007", "1234"), "#1234|NQA1/QA2")))
        await intake.until(lambda: len(intake.messages) == 2)
        peer.say(wire(NULL))
        assert await peer.hear() == NULL_ACK


async def test_copies_while_the_first_is_being_stored(intake: Intake, udp: Udp) -> None:
    intake.store = lambda message: None
    async with intake.tcp() as peer:
        peer.say(wire(ALARM) * 3 + wire(NULL))
        assert await peer.hear() == NULL_ACK
        (message,) = intake.messages
        assert intake.link.acknowledge(message.token)
        assert [await peer.hear() for _ in range(3)] == [wire(ACK)] * 3
    udp.say(wire(ALARM))
    udp.say(wire(ALARM))
    udp.say(wire(NULL))
    assert await udp.hear() == NULL_ACK
    assert intake.link.acknowledge(intake.messages[1].token)
    assert [await udp.hear() for _ in range(2)] == [wire(ACK)] * 2
    assert len(intake.messages) == 2


async def test_who_is_gone_is_not_told(intake: Intake) -> None:
    intake.store = lambda message: None
    async with intake.tcp() as peer:
        peer.say(wire(ALARM))
        await intake.until(lambda: intake.messages)
        linger = struct.pack("ii", 1, 0)  # close with a reset
        peer.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        peer.writer.transport.abort()
        await until(lambda: intake.link.connections == 0)
    assert not intake.link.acknowledge(intake.messages[0].token)
    assert not intake.link.acknowledge(12345)
    intake.link.refuse(12345)


async def test_who_has_said_its_last_is_answered_but_may_not_hear_it(intake: Intake) -> None:
    """Half closed and closed look the same from here: the answer is sent, and not counted on."""
    intake.store = lambda message: None
    async with intake.tcp() as peer:
        peer.say(wire(ALARM)[:-1])
        await asyncio.sleep(0)
        peer.writer.write_eof()
        await intake.until(lambda: intake.messages)
        await until(lambda: next(iter(intake.link._desk._senders)).ended)
        assert not intake.link.acknowledge(intake.messages[0].token)
        assert await peer.closed() == wire(ACK)
    await until(lambda: intake.link.connections == 0)


async def test_encrypted_and_supervised() -> None:
    accounts = Accounts({"1234": Account(KEYS[2], 90.0)})
    async with serving(accounts, utc=lambda: NOW) as intake, intake.tcp() as peer:
        assert intake.link.expected == (Alive("1234", 135.0),)
        head = Head("NULL", "0000", "1234", encrypted=True)
        peer.say(encode(Message(head, sent_at="12:34:56,11-21-2026"), KEYS[2], letters))
        assert b'"*ACK"0000L0#1234[' in await peer.hear()
        peer.say(wire(NULL) + wire(ALARM))
        await intake.until(lambda: len(intake.refused) == 2)
        assert intake.alive == [Alive("1234", 135.0)]
        assert intake.messages == []


# -- bounds ------------------------------------------------------------------------------------------------


async def until(true: Any) -> None:
    async with asyncio.timeout(WAIT_S):
        while not true():
            await asyncio.sleep(0.005)


async def test_a_frame_that_never_ends(intake: Intake) -> None:
    async with intake.tcp() as peer, intake.tcp() as other:
        peer.say(b"x" * (RUBBISH_MAX + 1) * FRAME_MAX)
        assert await peer.closed() == b""
        other.say(wire(ALARM))
        assert await other.hear() == wire(ACK)
    assert intake.refused[0].why == "no end of a frame within 4095 octets"
    assert len(intake.refused) == RUBBISH_MAX


async def test_a_stranger_is_hung_up_on(intake: Intake) -> None:
    async with intake.tcp() as peer:
        peer.say(b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X-Header: yes\r\n" * 100)
        assert await peer.closed() == b""
    assert intake.refused[0].text == "GET / HTTP/1.1"


async def test_too_many_connections_and_a_unit_that_is_served_all_the_same() -> None:
    """The figure of the limit is another; that it holds is what is tried here."""
    async with serving(connections=50) as intake:
        strangers = []
        async with intake.tcp() as unit:
            unit.say(wire(ALARM))
            assert await unit.hear() == wire(ACK)
            for _ in range(200):
                strangers.append(await asyncio.open_connection("127.0.0.1", intake.port))
                strangers[-1][1].write(b"\n5E1600")  # and nothing more
            async with intake.tcp() as late:
                late.say(wire(ALARM))
                assert await late.hear() == wire(ACK)
            assert intake.link.connections <= 50
            unit.say(wire(ALARM))
            assert await unit.hear() == wire(ACK)
        for _, writer in strangers:
            writer.close()


@pytest.mark.slow
async def test_ten_thousand_connections_that_say_nothing() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 20_000:
        pytest.skip("needs 20,000 file handles")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        async with serving(connections=9_000) as intake:
            strangers = []
            for number in range(9_500):
                stranger = socket.socket()
                stranger.setblocking(False)
                await asyncio.get_running_loop().sock_connect(stranger, ("127.0.0.1", intake.port))
                stranger.send(b"\n" if number % 2 else b"\n5E160027")
                strangers.append(stranger)
            started = asyncio.get_running_loop().time()
            async with intake.tcp() as unit:
                unit.say(wire(ALARM))
                assert await unit.hear() == wire(ACK)
            assert asyncio.get_running_loop().time() - started < 2.0
            assert intake.link.connections <= 9_000
            for stranger in strangers:
                stranger.close()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_who_is_overdue_is_cut_and_the_half_frame_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.ip.limits.FRAME_S", 0.05)
    monkeypatch.setattr(dc09_port, "TICK_S", 0.01)
    async with serving() as intake, intake.tcp() as slow, intake.tcp() as well:
        well.say(wire(ALARM))
        assert await well.hear() == wire(ACK)
        slow.say(wire(ALARM)[:30])
        assert await slow.closed() == b""
        assert intake.refused[0].text == ALARM[8:29].decode()
        well.say(wire(ALARM))
        assert await well.hear() == wire(ACK)


async def test_more_messages_than_may_wait_are_not_read_until_some_are_stored(intake: Intake) -> None:
    intake.store = lambda message: None
    count = 3 * dc09_port.WAITING_MAX
    async with intake.tcp() as peer:
        peer.say(b"".join(map(alarm, range(count))))
        await intake.until(lambda: len(intake.messages) == dc09_port.WAITING_MAX)
        peer.say(encode(Message(Head("NULL", "9999", "1234"))))  # behind them
        heard = []
        for number in range(count):
            await intake.until(lambda number=number: len(intake.messages) > number)
            assert len(intake.messages) <= number + dc09_port.WAITING_MAX
            intake.link.acknowledge(intake.messages[number].token)
            heard.append(await peer.hear())
        heard.append(await peer.hear())
    sequences = [int(answer[14:18]) for answer in heard]
    assert sorted(sequences) == [*range(count), 9999]
    assert sequences.index(9999) >= count - dc09_port.WAITING_MAX


async def test_who_says_little_is_heard_while_others_never_stop(intake: Intake) -> None:
    loop, flood = asyncio.get_running_loop(), wire(NULL) * 1_000
    strangers = []
    for _ in range(20):
        stranger = socket.socket()
        stranger.setblocking(False)
        await loop.sock_connect(stranger, ("127.0.0.1", intake.port))
        strangers.append(stranger)
    sent = 0
    for stranger in strangers:
        with suppress(BlockingIOError):
            sent += stranger.send(flood) + stranger.send(flood)
    assert sent > 20_000 * len(wire(NULL))
    async with intake.tcp() as unit:
        unit.say(wire(ALARM))
        assert await unit.hear() == wire(ACK)
    assert len(intake.alive) < 1_500  # a few looks later, each of two frames of everybody and 5 ms of work
    for stranger in strangers:
        stranger.close()


async def test_who_takes_no_answers_is_cut(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "UNSENT_BYTES_MAX", 1_000)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
    client.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(client, ("127.0.0.1", intake.port))
    await until(lambda: intake.link.connections == 1)
    (one,) = intake.link._doors._new
    assert isinstance(one, sockets.Connection)
    one.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
    async with asyncio.timeout(WAIT_S):
        with suppress(ConnectionError):
            while True:
                await loop.sock_sendall(client, wire(NULL) * 1_000)
    client.close()
    await until(lambda: intake.link.connections == 0)


async def test_complaints_are_rationed(intake: Intake, udp: Udp) -> None:
    for _ in range(20):
        for _ in range(20):
            udp.say(b"rubbish")
        udp.say(wire(NULL))
        assert await udp.hear() == NULL_ACK
    assert 100 <= len(intake.refused) <= 110


async def test_strangers_do_not_use_up_what_may_be_told_of_units() -> None:
    async with serving(Accounts({"1234": Account(KEYS[0])})) as intake:
        udp = Udp(intake.port)
        for _ in range(15):
            for _ in range(20):
                udp.say(b"rubbish")
            udp.say(encode(Message(Head("NULL", "0000", "9999"))))
            await udp.hear()
        udp.say(wire(ALARM))
        await intake.until(lambda: any(one.path == "1234" for one in intake.refused))
        udp.close()


async def test_a_datagram_of_many_frames_is_not_worked_through(intake: Intake, udp: Udp) -> None:
    udp.say(b"".join(map(alarm, range(100))))
    await intake.until(lambda: intake.refused)
    assert len(intake.messages) == dc09_port.FRAMES_MAX
    udp.say(wire(ALARM))
    for _ in range(dc09_port.FRAMES_MAX):
        await udp.hear()
    assert await udp.hear() == wire(ACK)


# -- faults ------------------------------------------------------------------------------------------------


async def test_an_address_in_use_is_a_fault_and_heals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dc09_port, "BACK_OFF_S", (0.01,))
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        port = free_port()
        with socket.socket(type=kind) as other:
            other.bind(("127.0.0.1", port))
            if kind is socket.SOCK_STREAM:
                other.listen()
            link = Dc09Link("dc09:x", "127.0.0.1", port, Accounts())
            intake = Intake(link, port)
            task = asyncio.ensure_future(link.run(intake.deliver))
            await intake.until(lambda intake=intake: len(intake.health) >= 2)
            protocol = "TCP" if kind is socket.SOCK_STREAM else "UDP"
            reason = f"cannot listen on 127.0.0.1 port {port}, {protocol}: Address already in use"
            assert set(intake.health) == {Fault(reason)}
        await intake.until(lambda intake=intake: Healed() in intake.health)
        async with intake.tcp() as peer:
            peer.say(wire(ALARM))
            assert await peer.hear() == wire(ACK)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_lost_socket_is_a_fault_and_heals(intake: Intake, udp: Udp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dc09_port, "BACK_OFF_S", (0.01,))
    monkeypatch.setattr(dc09_port, "TICK_S", 0.01)
    datagrams = intake.link._datagrams
    assert datagrams is not None
    datagrams.lost = "pulled out"
    await intake.until(lambda: len(intake.health) == 3)
    assert intake.health[1] == Fault(f"127.0.0.1 port {intake.port} is lost: pulled out")
    udp.say(wire(ALARM))
    assert await udp.hear() == wire(ACK)


async def test_no_handle_left_is_a_fault_and_heals(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    accept, failures = loop.sock_accept, iter(range(3))

    async def failing(listening: socket.socket) -> Any:
        if next(failures, None) is not None:
            raise OSError(errno.EMFILE, "Too many open files")
        return await accept(listening)

    monkeypatch.setattr(loop, "sock_accept", failing)
    monkeypatch.setattr(dc09_port, "FULL_S", 0.01)
    async with serving() as intake, intake.tcp() as peer:
        peer.say(wire(ALARM))
        assert await peer.hear() == wire(ACK)
        assert intake.health == [Healed(), Fault("no further connection can be taken: Too many open files"), Healed()]


async def test_everything_is_closed_at_the_end() -> None:
    async with serving() as intake, intake.tcp() as peer:
        peer.say(wire(NULL))
        assert await peer.hear() == NULL_ACK
        intake.store = lambda message: None
        peer.say(wire(ALARM))
        await intake.until(lambda: intake.messages)
    assert not intake.link.acknowledge(intake.messages[0].token)
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", intake.port)


async def test_ipv6_and_the_ipv4_that_comes_by_it() -> None:
    port = free_port()
    link = make(f"dc09:[::]:{port}", f"[::]:{port}", {})
    intake = Intake(link, port)
    task = asyncio.ensure_future(link.run(intake.deliver))
    await intake.until(lambda: intake.health)
    if intake.health == [Healed()]:
        async with intake.tcp() as peer:
            peer.say(b"rubbish\r" + wire(ALARM))
            assert await peer.hear() == wire(ACK)
        assert intake.refused[0].path == "127.0.0.1"
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_random_octets_stop_nothing(intake: Intake, udp: Udp) -> None:
    import random

    rng = random.Random(7)
    for _ in range(100):
        udp.say(rng.randbytes(rng.randrange(1, 200)))
        async with intake.tcp() as peer:
            peer.say(rng.randbytes(rng.randrange(1, 500)))
    async with intake.tcp() as peer:
        peer.say(wire(ALARM))
        assert await peer.hear() == wire(ACK)
    assert all(isinstance(message, Received | Unread) for message in intake.messages)


# -- configuration ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "options", "why"),
    [
        ("0.0.0.0", {}, "'0.0.0.0' is not ADDRESS:PORT"),
        ("somewhere:12000", {}, "'somewhere:12000' is not ADDRESS:PORT"),
        ("::1", {}, "is not ADDRESS:PORT|port must be"),
        ("0.0.0.0:0", {}, "port must be 1 to 65535, not '0'"),
        ("0.0.0.0:99999", {}, "port must be 1 to 65535"),
        ("0.0.0.0:12000", {"kyes": "x"}, r"unknown option 'kyes' \(known: keys, nak_clock, "),
        ("0.0.0.0:12000", {"nak_clock": "true"}, "nak_clock is 'yes' or 'no'"),
        ("0.0.0.0:12000", {"idle_s": "1"}, "idle_s must be 10 to 604800, not '1'"),
        ("0.0.0.0:12000", {"connections": "many"}, "connections must be 1 to 100000, not 'many'"),
        ("0.0.0.0:12000", {"keys": "/nowhere/keys.toml"}, "cannot read /nowhere/keys.toml"),
    ],
)
def test_a_bad_name_is_one_line(address: str, options: dict[str, str], why: str) -> None:
    with pytest.raises(ValueError, match=why) as raised:
        make(f"dc09:{address}", address, options)
    assert str(raised.value).startswith(f"dc09:{address}: ")
    assert "\n" not in str(raised.value)


def test_a_name_and_its_options(tmp_path: Path) -> None:
    keys = tmp_path / "dc09.toml"
    keys.touch(mode=0o600)
    keys.write_text("[1234]\nsupervision_s = 60\n")
    name = f"dc09:0.0.0.0:12000?keys={keys}&nak_clock=yes&idle_s=600&connections=100"
    link = make(name, "0.0.0.0:12000", {"keys": str(keys), "nak_clock": "yes", "idle_s": "600", "connections": "100"})
    assert link.name == name
    assert link.expected == (Alive("1234", 90.0),)
    assert link._doors == Doors(100, 600)
    assert link._judge.nak_clock


def test_the_limit_is_what_the_process_can_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (1_024, 4_096))
    assert make("dc09:x", "127.0.0.1:12000", {})._doors.limit == 1_024 - sockets.HANDLES_KEPT
    monkeypatch.setattr(resource, "getrlimit", lambda which: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert make("dc09:x", "127.0.0.1:12000", {})._doors.limit == 10_000
