from __future__ import annotations

import asyncio
import json

import pytest
from click.testing import CliRunner, Result

from drivers.ip.dc09_accounts import Account, Accounts
from drivers.link import Received, Unread
from receiver.errors import BadInput
from sim.dc09_commands import dc09
from tests.drivers.ip.conftest import serving

KEY = "000102030405060708090A0B0C0D0E0F"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(dc09, [*map(str, arguments)], standalone_mode=False)


async def unit(*arguments: object) -> Result:
    return await asyncio.to_thread(run, *arguments)


@pytest.mark.parametrize("way", [[], ["--udp"], ["--joined", "--together", 3, "--cut", 7], ["--key", KEY]])
async def test_events_are_reported(way: list[object]) -> None:
    accounts = Accounts({"1234": Account(bytes.fromhex(KEY))} if "--key" in way else {})
    async with serving(accounts) as intake:
        address = f"127.0.0.1:{intake.port}"
        result = await unit(address, "1101 00 003", "Nri1/QA03", "SIA-PUL:42", "--json", *way)
    assert result.return_value == 0, result.output
    told = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(one["what"], one["id"], one["attempts"]) for one in told] == [
        ("acknowledged", "ADM-CID", 1),
        ("acknowledged", "SIA-DCS", 1),
        ("acknowledged", "SIA-PUL", 1),
    ]
    assert [type(one) for one in intake.messages] == [Received, Received, Unread]


async def test_supervision_and_words() -> None:
    async with serving() as intake:
        address = f"127.0.0.1:{intake.port}"
        result = await unit(address, "1101 00 003", "--supervision-s", "0.02", "--stay-s", "0.2", "--prefix", "none")
    assert result.return_value == 0, result.output
    first, second = result.stdout.splitlines()
    assert first == "ADM-CID 0001 #1234|1101 00 003  acknowledged, attempt 1"
    assert second.startswith("NULL: ")
    assert second.endswith(" answered, 0 not")
    assert len(intake.alive) >= 2


async def test_nobody_answers() -> None:
    async with serving() as intake:
        intake.store = lambda message: False
        arguments = ("1101 00 003", "--attempts", "2", "--answer-wait-s", "0.05")
        result = await unit(f"127.0.0.1:{intake.port}", *arguments)
    assert result.return_value == 1
    assert result.stdout == "ADM-CID 0001 #1234|1101 00 003  given up, attempt 2\n"
    assert len(intake.messages) == 2


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["nowhere", "1101 00 003"], "'nowhere' is not HOST:PORT"),
        (["127.0.0.1:0", "1101 00 003"], "is not HOST:PORT"),
        (["127.0.0.1:1"], "nothing to do"),
        (["127.0.0.1:1", "hello"], "'hello' is no event"),
        (["127.0.0.1:1", "1" * 1_001], "1000 octets at most"),
        (["127.0.0.1:1", "1101 00 003", "--key", "secret"], "--key is 32, 48 or 64 hexadecimal digits"),
        (["127.0.0.1:1", "1101 00 003", "--account", "12 34"], "--account is 1 to 16 letters and digits"),
        (["127.0.0.1:1", "1101 00 003", "--prefix", "xyz"], "--prefix is 1 to 6 hexadecimal digits"),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], why: str) -> None:
    result = run(*arguments)
    assert isinstance(result.exception, BadInput)
    assert str(result.exception).startswith("sim dc09: ")
    assert why in str(result.exception)
