"""Peers that are none of ours: sipp sends and takes SIP MESSAGE, tshark reads what we say."""

from __future__ import annotations

import asyncio
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from drivers.ip.scaip import Answer, Mrs
from drivers.ip.scaip_accounts import Accounts
from drivers.ip.scaip_desk import Desk, Send
from drivers.ip.scaip_replies import Sender
from drivers.sip.answering import Place
from drivers.sip.digest import Guard
from tests.drivers.ip.conftest import free_port
from tests.drivers.ip.scaip_unit import packet
from tests.drivers.ip.test_scaip_port import serving

UAC = """<?xml version="1.0" encoding="ISO-8859-1"?>
<scenario name="unit">
  <send retrans="500"><![CDATA[
    MESSAGE sip:centre@[remote_ip]:[remote_port] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
    Max-Forwards: 70
    From: <sip:12345@[local_ip]:[local_port]>;tag=[call_number]
    To: <sip:centre@[remote_ip]:[remote_port]>
    Call-ID: [call_id]
    CSeq: 1 MESSAGE
    Contact: <sip:12345@[local_ip]:[local_port]>
    Content-Type: application/scaip+xml
    Content-Length: [len]

    <mrq><ref>S[call_number]</ref><mty>ME</mty><cid>12345</cid><dty>3</dty></mrq>
  ]]></send>
  <recv response="100" optional="true"/>
  <recv response="200">
    <action>
      <ereg regexp="&lt;ref&gt;S[0-9]+&lt;/ref&gt;&lt;snu&gt;0&lt;" search_in="msg" check_it="true" assign_to="1"/>
      <log message="[$1]"/>
    </action>
  </recv>
</scenario>
"""
UAS = """<?xml version="1.0" encoding="ISO-8859-1"?>
<scenario name="unit that is told">
  <recv request="MESSAGE">
    <action>
      <ereg regexp="&lt;snu&gt;0&lt;/snu&gt;" search_in="msg" check_it="true" assign_to="1"/>
      <log message="[$1]"/>
    </action>
  </recv>
  <send><![CDATA[
    SIP/2.0 200 OK
    [last_Via:]
    [last_From:]
    [last_To:];tag=[call_number]
    [last_Call-ID:]
    [last_CSeq:]
    Content-Length: 0

  ]]></send>
</scenario>
"""


async def sipp(folder: Path, scenario: str, name: str, *arguments: str) -> asyncio.subprocess.Process:
    if shutil.which("sipp") is None:
        pytest.skip("sipp is not installed")
    (folder / name).write_text(scenario)
    options = ("-sf", name, "-nostdin", "-i", "127.0.0.1", "-timeout", "30", "-timeout_error", *arguments)
    return await asyncio.create_subprocess_exec(
        "sipp", *options, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )


async def ended(process: asyncio.subprocess.Process) -> None:
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode(errors="replace")[-2_000:]


@pytest.mark.parametrize("way", ["u1", "t1"])
async def test_a_unit_by_sipp_is_told_that_its_message_is_stored(tmp_path: Path, way: str) -> None:
    async with serving(reply="body") as intake:
        port = str(free_port())
        calls = ("-m", "30", "-r", "100", "-t", way, "-p", port, f"127.0.0.1:{intake.port}")
        await ended(await sipp(tmp_path, UAC, "unit.xml", *calls))
    assert len({message.identity for message in intake.messages}) == 30
    assert intake.told == [True] * len(intake.messages)


async def test_a_unit_by_sipp_takes_the_answer_as_a_message(tmp_path: Path) -> None:
    keys, port = tmp_path / "scaip.toml", free_port()
    keys.write_text(f'[12345]\nreply = "message"\ncontact = "127.0.0.1:{port}"\n')
    keys.chmod(0o600)
    async with serving(keys=str(keys)) as intake:
        told = await sipp(tmp_path, UAS, "told.xml", "-m", "1", "-p", str(port), "-t", "u1")
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            asyncio.DatagramProtocol, remote_addr=("127.0.0.1", intake.port)
        )
        transport.sendto(packet(via="10.0.0.5;rport"))  # until sipp listens, our message is repeated
        await ended(told)
        transport.close()
    assert intake.why == []


def test_tshark_reads_what_we_say(tmp_path: Path) -> None:
    """The 200 and our own request, dissected by somebody else: nothing malformed, every field where it belongs."""
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")
    numbers = iter(range(100))
    desk = Desk(Accounts(), Guard(b"s", "yobirin"), lambda: f"r{next(numbers)}", lambda handle, place: handle)
    unit = Sender("unit", Place("192.0.2.7", 5060), Place("192.0.2.1", 5060), False, "UDP")
    desk.datagram(packet(via="192.0.2.7:5060;rport"), unit, 0.0)
    _, effects = desk.acknowledge(1, 0.1)
    effects += desk.datagram(packet(b"", method="OPTIONS", kind=None), unit, 0.2)
    effects += desk.datagram(packet(method="INVITE"), unit, 0.3)
    sent = [one.octets for one in effects if isinstance(one, Send)]
    capture = tmp_path / "said.pcap"
    capture.write_bytes(pcap(sent))
    fields = ("sip.Status-Code", "sip.Method", "sip.CSeq.method", "sip.Via.branch", "sip.to.tag", "sip.Content-Length")
    shown = subprocess.run(
        ["tshark", "-r", str(capture), "-T", "fields", "-E", "separator=|", "-e", "_ws.malformed"]
        + [part for field in fields for part in ("-e", field)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    rows = [line.split("|") for line in shown.stdout.splitlines()]
    length = str(len(Mrs(Answer.OK, "A1", voice=0).octets()))
    assert [(row[0], row[1], row[2], row[3], row[6]) for row in rows] == [
        ("", "200", "", "MESSAGE", length),
        ("", "", "MESSAGE", "MESSAGE", length),
        ("", "200", "", "OPTIONS", "0"),
        ("", "405", "", "INVITE", "0"),
    ]
    assert [row[4] for row in rows] == ["z9hG4bK1", "z9hG4bKr0", "z9hG4bK1", "z9hG4bK1"]
    assert all(row[5] for row in rows if row[1]), "every answer has a tag of ours"


def pcap(datagrams: list[bytes]) -> bytes:
    """As raw IP packets from 192.0.2.1:5060 to 192.0.2.7:5060."""
    out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 101)]
    for place, data in enumerate(datagrams):
        udp = struct.pack(">HHHH", 5060, 5060, 8 + len(data), 0) + data
        head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, b"\xc0\0\2\1", b"\xc0\0\2\7")
        out += [struct.pack("<IIII", place, 0, len(head + udp), len(head + udp)), head, udp]
    return b"".join(out)
