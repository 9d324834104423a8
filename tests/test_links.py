"""Messages that come by a link, in the receiver as it is started in service: over real sockets, and through a kill."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from drivers.ip import dc09, scaip
from drivers.ip.dc09 import Head, Message
from drivers.sip import message
from drivers.sip.framing import Framer, Packet
from drivers.sip.message import Response
from tests.drivers.ip.scaip_unit import packet as scaip_packet

WAIT_S = 30.0
pytestmark = pytest.mark.slow


def free_port() -> int:
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@dataclass
class Receiver:
    """`yobirin intake`, in a process group of its own."""

    data: Path
    line: str
    process: subprocess.Popen[str] | None = field(default=None)

    def start(self) -> None:
        command = [sys.executable, "-m", "cli", "intake", "--data", str(self.data), "--line", self.line]
        self.process = subprocess.Popen(command, stderr=self.data.with_suffix(".log").open("a"), start_new_session=True)

    def kill(self) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def exported(self) -> list[dict[str, Any]]:
        command = [sys.executable, "-m", "cli", "events", "export", "--json", "--data", str(self.data)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    one = Receiver(tmp_path / "data", f"dc09:127.0.0.1:{free_port()}")
    one.start()
    yield one
    if one.process is not None and one.process.poll() is None:
        one.kill()


def frame(number: int, zone: int) -> bytes:
    head = Head("ADM-CID", f"{number:04}", "1234")
    return dc09.encode(Message(head, f"#1234|1101 00 {zone:03}"))


def connected(receiver: Receiver) -> socket.socket:
    until = time.monotonic() + WAIT_S
    while True:
        try:
            one = socket.create_connection(("127.0.0.1", int(receiver.line.rpartition(":")[2])), timeout=WAIT_S)
        except ConnectionRefusedError:
            assert time.monotonic() < until, receiver.data.with_suffix(".log").read_text()
            time.sleep(0.02)
        else:
            return one


def test_what_a_unit_was_told_is_safe_is_there_after_every_kill(receiver: Receiver) -> None:
    """Killed while messages are on their way: what was answered is exported, once as new; the rest is sent again."""
    told: list[int] = []
    for life in range(3):
        unit = connected(receiver)
        for zone in range(100 * life, 100 * life + 20):
            unit.sendall(frame(zone + 1, zone))
            if b'"ACK"' in unit.recv(200):
                told.append(zone)
        for zone in range(100 * life + 20, 100 * life + 90):  # nobody waits for these
            unit.sendall(frame(zone + 1, zone))
        receiver.kill()
        unit.close()
        receiver.start()
        unit = connected(receiver)
        for zone in range(100 * life + 20, 100 * life + 90):
            unit.sendall(frame(zone + 1, zone))
            if b'"ACK"' in unit.recv(200):
                told.append(zone)
        unit.close()
    rows = receiver.exported()
    assert len(told) == 3 * 90
    for zone in told:
        new = [row for row in rows if row["zone"] == f"{zone:03}" and row["duplicate_of"] is None]
        assert len(new) == 1, (zone, new)
        assert new[0]["format"] == "dc09-adm-cid"


class Unit:
    """A SCAIP unit, over a connection or by datagrams, that waits for each answer and says what it was told."""

    def __init__(self, port: int, *, udp: bool) -> None:
        self._there, self._udp = ("127.0.0.1", port), udp
        self._socket = socket.socket(type=socket.SOCK_DGRAM) if udp else self._connected()
        self._socket.settimeout(0.5 if udp else WAIT_S)
        self._framer = Framer()

    def _connected(self) -> socket.socket:
        until = time.monotonic() + WAIT_S
        while True:
            try:
                return socket.create_connection(self._there, timeout=WAIT_S)
            except ConnectionRefusedError:
                assert time.monotonic() < until
                time.sleep(0.02)

    def send(self, number: int) -> None:
        fields = {"ref": f"R{number}", "cid": "12345", "dty": "3", "did": f"{number:04}", "crd": "gsm:077-561-0001"}
        request = scaip_packet(scaip.octets(fields), branch=str(number), via="10.0.0.5;rport", extra=("Date: never",))
        if self._udp:
            self._socket.sendto(request, self._there)
        else:
            self._socket.sendall(request)

    def told(self, number: int) -> bool:
        """Asks until it is answered, as SIP does; datagrams may get lost where nobody listens."""
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until:
            self.send(number)
            for response in self._heard():
                mrs = scaip.answer_of(response.body)
                if response.status == 200 and mrs is not None and mrs.reference == f"R{number}":
                    return mrs.answer is scaip.Answer.OK
        return False

    def _heard(self) -> Iterator[Response]:
        """What comes, until a 200 has."""
        while True:
            try:
                octets = self._socket.recv(65_535)
            except (TimeoutError, ConnectionRefusedError):
                time.sleep(0.05)
                return
            if not octets:
                return
            found = []
            if self._udp:
                found.append(message.datagram(octets)[0])
            else:
                self._framer.push(octets)
                while isinstance(packet := self._framer.take(), Packet):
                    found.append(message.parse(packet.head, packet.body))
            responses = [one for one in found if isinstance(one, Response)]
            yield from responses
            if responses:
                return

    def close(self) -> None:
        self._socket.close()


def test_what_a_scaip_unit_was_told_is_safe_is_there_after_every_kill(tmp_path: Path) -> None:
    """The same promise over SIP, datagrams and stream: no 200 with its answer before the commit, nothing told twice."""
    receiver = Receiver(tmp_path / "data", f"scaip:127.0.0.1:{free_port()}?reply=body")
    port = int(receiver.line.partition("?")[0].rpartition(":")[2])
    receiver.start()
    told: list[int] = []
    try:
        for life, udp in enumerate((True, False)):
            unit = Unit(port, udp=udp)
            for number in range(100 * life, 100 * life + 5):
                assert unit.told(number)
                told.append(number)
            for number in range(100 * life + 5, 100 * life + 40):  # nobody waits for these
                unit.send(number)
            receiver.kill()
            unit.close()
            receiver.start()
            unit = Unit(port, udp=udp)
            for number in range(100 * life + 5, 100 * life + 40):
                assert unit.told(number)
                told.append(number)
            unit.close()
        rows = receiver.exported()
    finally:
        receiver.kill()
    assert len(told) == 2 * 40
    for number in told:
        new = [row for row in rows if row["zone"] == f"{number:04}" and row["duplicate_of"] is None]
        assert len(new) == 1, (number, new)
        assert (new[0]["format"], new[0]["code"], new[0]["account"]) == ("scaip", "ME/0003", "12345")
        assert new[0]["caller_id"] == "0775610001"
    journal = b"".join(path.read_bytes() for path in (tmp_path / "data" / "intake").glob("intake.db*"))
    assert b"0775610001" not in journal
    assert b"077-561-0001" not in journal, "numbers of people are sealed"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("dc09:nowhere:1", "is not ADDRESS:PORT"),
        ("dc09:127.0.0.1:12000?keys=/nonexistent.toml", "/nonexistent.toml"),
        ("scaip:nowhere:1", "is not ADDRESS:PORT"),
        ("scaip:127.0.0.1:5060?reply=letter", "reply is one of"),
        ("surgard:udp://x:1", "is no place"),
        ("ademco685:tcp://127.0.0.1:1?colour=red", "unknown option 'colour'"),
    ],
)
def test_a_link_that_cannot_be_is_one_clear_line(tmp_path: Path, line: str, why: str) -> None:
    command = [sys.executable, "-m", "cli", "intake", "--data", str(tmp_path / "data"), "--line", line]
    result = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S)
    assert result.returncode == 2
    (said,) = result.stderr.splitlines()
    assert why in said
