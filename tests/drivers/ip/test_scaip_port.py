"""SCAIP on real loopback sockets: UDP, TCP and TLS, and an intake that stores or does not."""

from __future__ import annotations

import asyncio
import errno
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from drivers.ip import scaip_port
from drivers.ip.limits import RUBBISH_MAX
from drivers.ip.scaip import Answer, Mrs
from drivers.ip.scaip_port import ScaipLink, make
from drivers.line import Fault, Healed
from drivers.link import Alive, LinkInput, Received, Refused, Unread
from drivers.sip.framing import Framer, Packet
from tests.drivers.ip.conftest import WAIT_S, free_port
from tests.drivers.ip.scaip_unit import ALARM, HEARTBEAT, answer, asked, mrs, packet, response


@dataclass
class Intake:
    """Whoever stands behind the seam. `store` decides: True acknowledge, False refuse, None: later."""

    link: ScaipLink
    port: int
    store: Callable[[Received | Unread], bool | None] = lambda message: True
    happened: list[LinkInput] = field(default_factory=list)
    told: list[bool] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def deliver(self, happened: LinkInput) -> None:
        self.happened.append(happened)
        self.news.set()
        if isinstance(happened, Received | Unread):
            verdict = self.store(happened)
            if verdict:
                self.told.append(self.link.acknowledge(happened.token))
            elif verdict is False:
                self.link.refuse(happened.token)

    @property
    def messages(self) -> list[Received | Unread]:
        return [one for one in self.happened if isinstance(one, Received | Unread)]

    @property
    def health(self) -> list[Fault | Healed]:
        return [one for one in self.happened if isinstance(one, Fault | Healed)]

    @property
    def why(self) -> list[str]:
        return [one.why for one in self.happened if isinstance(one, Refused)]

    async def until(self, true: Callable[[], Any]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not true():
                self.news.clear()
                await self.news.wait()


@asynccontextmanager
async def serving(host: str = "127.0.0.1", port: int = 0, **options: str) -> AsyncIterator[Intake]:
    port = port or free_port()
    link = make("scaip:x", f"[{host}]:{port}" if ":" in host else f"{host}:{port}", options)
    intake = Intake(link, port)
    task = asyncio.ensure_future(link.run(intake.deliver))
    try:
        await intake.until(lambda: intake.health)
        yield intake
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@dataclass
class Stream:
    """The unit's end of a connection, message by message."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    framer: Framer = field(default_factory=Framer)

    def say(self, octets: bytes) -> None:
        self.writer.write(octets)

    async def hear(self) -> bytes:
        async with asyncio.timeout(WAIT_S):
            while (found := self.framer.take()) is None:
                octets = await self.reader.read(4_096)
                assert octets, "closed"
                self.framer.push(octets)
        assert isinstance(found, Packet)
        return found.head + b"\r\n\r\n" + found.body

    async def closed(self) -> bytes:
        async with asyncio.timeout(WAIT_S):
            try:
                return await self.reader.read()
            except ConnectionResetError:
                return b""


@asynccontextmanager
async def connected(port: int, **options: Any) -> AsyncIterator[Stream]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, **options)
    try:
        yield Stream(reader, writer)
    finally:
        writer.close()


@dataclass
class Datagrams:
    """A UDP socket of a unit's."""

    one: socket.socket
    port: int

    async def hear(self) -> bytes:
        async with asyncio.timeout(WAIT_S):
            return await asyncio.get_running_loop().sock_recv(self.one, 65_535)

    def say(self, octets: bytes) -> None:
        self.one.send(octets)


@contextmanager
def udp(port: int, host: str = "127.0.0.1") -> Iterator[Datagrams]:
    with closing(socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)) as one:
        one.setblocking(False)
        one.connect((host, port))
        yield Datagrams(one, port)


def via(one: Datagrams) -> str:
    """Of a socket that says which port it is."""
    return f"127.0.0.1:{one.one.getsockname()[1]}"


async def test_over_udp_both_ways() -> None:
    async with serving() as intake:
        with udp(intake.port) as unit:
            unit.say(packet(via="10.0.0.5:5060;rport"))
            heard = [await unit.hear(), await unit.hear()]
            assert mrs(response(heard[0])) == mrs(asked(heard[1])) == Mrs(Answer.OK, "A1", voice=0)
            assert f"Via: SIP/2.0/UDP 127.0.0.1:{intake.port};".encode() in heard[1]
            unit.say(answer(heard[1]))
            unit.say(packet(via="10.0.0.5:5060;rport"))
            while (again := await unit.hear()) == heard[1]:  # it crossed our answer
                pass
            assert again == heard[0]
        assert len(intake.messages) == 1
        assert intake.told == [True]


async def test_the_answer_goes_to_the_port_of_the_via_where_that_is_nobody_else() -> None:
    async with serving(reply="body") as intake:
        with udp(intake.port) as other, udp(intake.port) as unit:
            unit.say(packet(via=via(other)))
            assert response(await other.hear()).status == 200


async def test_over_tcp_in_any_pieces() -> None:
    async with serving(reply="body") as intake, connected(intake.port) as unit:
        octets = packet(transport="TCP")
        for at in range(0, len(octets), 37):
            unit.say(octets[at : at + 37])
            await asyncio.sleep(0)
        assert response(await unit.hear()).status == 200
        bodies = [ALARM.replace(b"A1", b"B%d" % number) for number in range(5)]
        unit.say(b"\r\n".join(packet(body, branch=str(place)) for place, body in enumerate(bodies)))
        said = [mrs(response(await unit.hear())).reference for _ in bodies]
        assert said == ["B0", "B1", "B2", "B3", "B4"]
        assert len(intake.messages) == 6


async def test_a_ping_is_answered() -> None:
    async with serving() as intake, connected(intake.port) as unit:
        unit.say(b"\r\n\r\n")
        async with asyncio.timeout(WAIT_S):
            assert await unit.reader.readexactly(2) == b"\r\n"
        assert intake.why == []


async def test_nothing_is_said_until_it_is_stored() -> None:
    async with serving() as intake, connected(intake.port) as unit:
        intake.store = lambda message: None
        unit.say(packet(transport="TCP"))
        await intake.until(lambda: intake.messages)
        unit.say(packet(b"", method="OPTIONS", kind=None, branch="o"))
        assert b"CSeq: 1 OPTIONS" in await unit.hear(), "the alarm is not answered yet"
        assert intake.link.acknowledge(intake.messages[0].token)
        assert mrs(response(await unit.hear())).reference == "A1"


async def test_not_stored_is_503() -> None:
    async with serving() as intake, connected(intake.port) as unit:
        intake.store = lambda message: False
        unit.say(packet(transport="TCP"))
        assert response(await unit.hear()).status == 503


async def half_closed(intake: Intake) -> None:
    async with asyncio.timeout(WAIT_S):
        while not (intake.link._doors._ended and intake.messages):
            await asyncio.sleep(0.005)


async def test_the_sender_is_gone() -> None:
    async with serving() as intake:
        intake.store = lambda message: None
        async with connected(intake.port) as unit:
            unit.say(packet(transport="TCP"))
            await intake.until(lambda: intake.messages)
        await half_closed(intake)
        assert not intake.link.acknowledge(intake.messages[0].token)


async def test_who_says_no_more_may_listen_still() -> None:
    async with serving(reply="body") as intake, connected(intake.port) as unit:
        intake.store = lambda message: None
        unit.say(packet(transport="TCP"))
        unit.writer.write_eof()
        await half_closed(intake)
        assert not intake.link.acknowledge(intake.messages[0].token), "it is not counted on"
        assert (await unit.closed()).startswith(b"SIP/2.0 200 OK")


async def test_a_stream_without_lengths_is_closed() -> None:
    async with serving() as intake, connected(intake.port) as unit:
        unit.say(packet().replace(b"Content-Length", b"X-Length"))
        said = await unit.closed()
        assert said.startswith(b"SIP/2.0 400 Bad Request (no Content-Length")
        assert intake.messages == []
        assert len(intake.why) == 1


async def test_rubbish_is_not_heard_for_ever() -> None:
    async with serving() as intake, connected(intake.port) as unit:
        unit.say(b"NONSENSE\r\nl: 0\r\n\r\n" * (RUBBISH_MAX + 5))
        await unit.closed()
        assert len(intake.why) == RUBBISH_MAX


async def test_over_tcp_the_answer_goes_to_the_contact_that_is_agreed(tmp_path: Path) -> None:
    """A unit that hangs up at once, and listens where its contact says."""
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def contact(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        one = Stream(reader, writer)
        with suppress(AssertionError):
            while True:
                octets = await one.hear()
                heard.put_nowait(octets)
                writer.write(answer(octets))
        writer.close()

    server = await asyncio.start_server(contact, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    keys = tmp_path / "scaip.toml"
    keys.write_text(f'[12345]\nreply = "message"\ncontact = "127.0.0.1:{port}"\n')
    keys.chmod(0o600)
    async with serving(keys=str(keys)) as intake:
        for number in range(3):  # over one connection
            async with connected(intake.port) as unit:
                unit.say(packet(ALARM.replace(b"A1", b"A%d" % number), transport="TCP", branch=str(number)))
                assert response(await unit.hear()).body == b""
            async with asyncio.timeout(WAIT_S):
                assert mrs(asked(await heard.get())).reference == f"A{number}"
        assert len(intake.link._reaching.connections) == 1
        async with asyncio.timeout(WAIT_S):
            while len(intake.link._desk._clients):  # its last answer is on its way to us
                await asyncio.sleep(0.005)
        server.close()
        intake.link._cut(intake.link._reaching.connections[0])
        async with connected(intake.port) as unit:
            unit.say(packet(ALARM.replace(b"A1", b"A9"), transport="TCP", branch="9"))
            await unit.hear()
            await intake.until(lambda: intake.why)
        assert intake.why == ["the answer to its message 'A9' did not arrive: nobody answered"]
        assert len(intake.link._reaching) == 0


async def test_a_connection_too_many_has_the_oldest_go() -> None:
    async with serving(connections="2") as intake, connected(intake.port) as first, connected(intake.port) as second:
        second.say(packet(transport="TCP"))
        assert response(await second.hear()).status == 200
        async with connected(intake.port) as third:
            assert await first.closed() == b""
            third.say(packet(transport="TCP", branch="3"))
            assert response(await third.hear()).status == 200
        assert intake.link.connections <= 2


async def test_who_begins_a_message_and_does_not_end_it_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.ip.limits.FRAME_S", 0.05)
    monkeypatch.setattr(scaip_port, "TICK_S", 0.01)
    async with serving() as intake, connected(intake.port) as unit:
        unit.say(packet(transport="TCP")[:-5])
        await unit.closed()
        assert intake.messages == []


async def test_more_than_waits_is_read_later() -> None:
    count = scaip_port.WAITING_MAX + 20
    async with serving(reply="body") as intake, connected(intake.port) as unit:
        intake.store = lambda message: None
        for number in range(count):
            unit.say(packet(ALARM.replace(b"A1", b"A%d" % number), branch=str(number)))
        await intake.until(lambda: len(intake.messages) == scaip_port.WAITING_MAX)
        await asyncio.sleep(0.05)
        assert len(intake.messages) == scaip_port.WAITING_MAX
        for number in range(count):
            await intake.until(lambda number=number: len(intake.messages) > number)
            intake.link.acknowledge(intake.messages[number].token)
        said = [mrs(response(await unit.hear())).reference for _ in range(count)]
        assert said == [f"A{number}" for number in range(count)]


async def test_what_the_intake_fails_on_is_taken_again() -> None:
    async with serving() as intake:
        with udp(intake.port) as unit:
            failed: list[str] = []

            def store(message: Received | Unread) -> bool:
                if not failed:
                    failed.append("once")
                    raise RuntimeError("no")
                return True

            asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
            intake.store = store
            unit.say(packet(via=via(unit)))
            assert response(await unit.hear()).status == 503
            unit.say(packet(via=via(unit), branch="2"))
            assert response(await unit.hear()).status == 200


async def test_a_heartbeat_and_who_is_expected(tmp_path: Path) -> None:
    keys = tmp_path / "scaip.toml"
    keys.write_text("[12345]\nheartbeat_min = 10\nreply = 'body'\n")
    keys.chmod(0o600)
    async with serving(keys=str(keys)) as intake:
        assert intake.link.expected == (Alive("12345", 900),)
        with udp(intake.port) as unit:
            unit.say(packet(HEARTBEAT, via=via(unit)))
            assert mrs(response(await unit.hear())).heartbeat_min == 10
        assert Alive("12345", 900) in intake.happened


async def test_ipv6_and_ipv4_by_it() -> None:
    try:
        with closing(socket.socket(socket.AF_INET6)) as one:
            one.bind(("::1", 0))
    except OSError:
        pytest.skip("IPv6 is not installed")
    async with serving("::", reply="message") as intake:
        for host in ("::1", "127.0.0.1"):
            with udp(intake.port, host) as unit:
                unit.say(packet(via="10.0.0.5;rport", branch=host))
                assert response(await unit.hear()).status == 200
                request = asked(await unit.hear())
                shown = f"[{host}]" if ":" in host else host
                assert request.headers.first("via").startswith(f"SIP/2.0/UDP {shown}:{intake.port};")
                unit.say(answer(request.octets()))


async def test_an_address_in_use_is_a_fault_and_heals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaip_port, "BACK_OFF_S", (0.01,))
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        async with serving(port=taken.getsockname()[1]) as intake:
            assert isinstance(intake.health[0], Fault)
            assert "Address already in use" in intake.health[0].reason
            taken.close()
            await intake.until(lambda: isinstance(intake.health[-1], Healed))


async def test_a_lost_socket_is_a_fault_and_heals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaip_port, "BACK_OFF_S", (0.01,))
    monkeypatch.setattr(scaip_port, "TICK_S", 0.01)
    async with serving(reply="body") as intake:
        assert intake.link._datagrams is not None
        intake.link._datagrams.lost = "gone"
        await intake.until(lambda: len(intake.health) == 3)
        assert [type(one) for one in intake.health] == [Healed, Fault, Healed]
        with udp(intake.port) as unit:
            unit.say(packet(via=via(unit)))
            assert response(await unit.hear()).status == 200


async def test_no_handle_left_is_a_fault_and_heals(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    accept, failures = loop.sock_accept, iter([OSError(errno.EMFILE, "Too many open files")] * 2)

    async def failing(sock: socket.socket) -> Any:
        if (error := next(failures, None)) is not None:
            raise error
        return await accept(sock)

    monkeypatch.setattr(loop, "sock_accept", failing)
    monkeypatch.setattr(scaip_port, "FULL_S", 0.01)
    async with serving() as intake, connected(intake.port):
        await intake.until(lambda: len(intake.health) == 3)
        assert [type(one) for one in intake.health] == [Healed, Fault, Healed]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    make_it = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    names = ("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2")
    subprocess.run([*make_it, *names, "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    return cert, key


async def test_over_tls(certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    trusted = ssl.create_default_context(cafile=str(cert))
    async with serving(cert=str(cert), cert_key=str(key)) as intake:
        async with connected(intake.port) as silent, connected(intake.port, ssl=trusted) as unit:
            unit.say(packet(transport="TLS"))
            assert response(await unit.hear()).status == 200
            request = asked(await unit.hear())
            assert request.headers.first("via").startswith("SIP/2.0/TLS 127.0.0.1:")
            silent.say(b"hello\r\n\r\n")
            await silent.closed()
            await intake.until(lambda: intake.why)
            assert intake.why[0].startswith("no TLS: ")
        with udp(intake.port) as nobody:
            nobody.say(packet())
        assert len(intake.messages) == 1


@pytest.mark.parametrize(
    ("address", "options", "why"),
    [
        ("nowhere:5060", {}, "is not ADDRESS:PORT"),
        ("0.0.0.0:0", {}, "port must be 1 to 65535"),
        ("0.0.0.0:5060", {"colour": "red"}, "unknown option 'colour'"),
        ("0.0.0.0:5060", {"reply": "letter"}, "reply is one of body, message, both"),
        ("0.0.0.0:5060", {"voice": "9"}, "voice must be 0 to 3"),
        ("0.0.0.0:5060", {"realm": 'a"b'}, "realm is"),
        ("0.0.0.0:5060", {"advertise": "unit.example"}, "is no address"),
        ("0.0.0.0:5060", {"cert": "a"}, "cert and cert_key come together"),
        ("0.0.0.0:5060", {"cert": "/none", "cert_key": "/none"}, "cannot use /none"),
        ("0.0.0.0:5060", {"keys": "/none"}, "cannot read /none"),
        ("0.0.0.0:5060", {"idle_s": "1"}, "idle_s must be"),
    ],
)
def test_bad_options_are_one_line(address: str, options: dict[str, str], why: str) -> None:
    with pytest.raises(ValueError) as caught:
        make("scaip:x", address, options)
    assert str(caught.value).startswith("scaip:x: ")
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("wrapped", [False, True], ids=["tcp", "tls"])
async def test_many_at_once_are_all_taken(certificate: tuple[Path, Path], wrapped: bool) -> None:
    """A power cut ends in everybody's connecting again: nobody is sent away for coming with the others."""
    count = scaip_port.HANDSHAKES_MAX + 100
    options = dict(zip(("cert", "cert_key"), map(str, certificate), strict=True)) if wrapped else {}
    async with serving(**options) as intake:
        plain = [socket.create_connection(("127.0.0.1", intake.port)) for _ in range(count)]
        async with asyncio.timeout(WAIT_S):
            while not wrapped and intake.link.connections < count:
                await asyncio.sleep(0.01)
        trusted = ssl.create_default_context(cafile=options["cert"]) if wrapped else None
        async with connected(intake.port, ssl=trusted) as unit:  # while others stand there and say nothing
            unit.say(packet(transport="TCP"))
            assert response(await unit.hear()).status == 200
        for one in plain:
            one.close()
