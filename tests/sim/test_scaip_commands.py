from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from drivers.link import Received
from receiver.errors import BadInput
from sim.scaip_commands import scaip
from tests.drivers.ip.test_scaip_port import certificate, serving

__all__ = ["certificate"]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(scaip, [*map(str, arguments)], standalone_mode=False)


async def unit(*arguments: object) -> Result:
    return await asyncio.to_thread(run, *arguments)


@pytest.mark.parametrize("way", [["--udp"], ["--joined", "--cut", 100], ["--believes", "message"]])
async def test_events_are_reported(way: list[object]) -> None:
    async with serving() as intake:
        result = await unit(f"127.0.0.1:{intake.port}", "dty=0003", "dty=0003 stc=0016", "--json", *way)
    assert result.return_value == 0, result.output
    told = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(one["what"], one["snu"], one["fields"]["ref"], one["attempts"]) for one in told] == [
        ("acknowledged", 0, "R1", 1),
        ("acknowledged", 0, "R2", 1),
    ]
    assert [one.frame.code for one in intake.messages if isinstance(one, Received)] == ["ME/0003", "ME/0003/0016"]


async def test_tls(certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    async with serving(cert=str(cert), cert_key=str(key)) as intake:
        for trust in ([], ["--ca", cert]):
            result = await unit(f"127.0.0.1:{intake.port}", "dty=3", "--tls", *trust)
            assert result.return_value == 0, result.output


async def test_heartbeats_and_words() -> None:
    async with serving() as intake:
        result = await unit(f"127.0.0.1:{intake.port}", "dty=3", "--heartbeat-s", "0.02", "--stay-s", "0.3")
    assert result.return_value == 0, result.output
    first, second = result.stdout.splitlines()
    assert first == "ref=R1 mty=ME cid=12345 dty=3  acknowledged, snu 0 (body), attempt 1"
    assert second.startswith("heartbeat: ")
    assert second.endswith(" answered, 0 not")


async def test_nobody_stores() -> None:
    async with serving() as intake:
        intake.store = lambda message: False
        result = await unit(f"127.0.0.1:{intake.port}", "dty=3", "--attempts", "2", "--answer-wait-s", "0.05")
    assert result.return_value == 1
    assert result.stdout == "ref=R1 mty=ME cid=12345 dty=3  given up, attempt 2\n"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["nowhere", "dty=3"], "'nowhere' is not HOST:PORT"),
        (["127.0.0.1:1"], "nothing to do"),
        (["127.0.0.1:1", "hello"], "'hello' is no field"),
        (["127.0.0.1:1", ""], "an empty event"),
        (["127.0.0.1:1", "dte=" + "1" * 1_301], "1300 octets at most"),
        (["127.0.0.1:1", "dty=3", "--account", "1 2"], "--account is 1 to 32"),
        (["127.0.0.1:1", "dty=3", "--user", "x"], "--user needs"),
        (["127.0.0.1:1", "dty=3", "--udp", "--tls"], "do not go together"),
        (["127.0.0.1:1", "dty=3", "--tls", "--ca", "/none"], "--ca /none"),
        (["127.0.0.1:1", "dty=3", "--content-type", "xml"], "--content-type is"),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], why: str) -> None:
    result = run(*arguments)
    assert isinstance(result.exception, BadInput)
    assert str(result.exception).startswith("sim scaip: ")
    assert why in str(result.exception)
