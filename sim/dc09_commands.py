"""`yobirin sim dc09`: a unit that reports by SIA DC-09, to try any receiver with."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import click

from receiver.errors import BadInput

if TYPE_CHECKING:
    from sim.dc09_unit import Done, UnitSettings
    from sim.dc09_wire import Wired

EVENT_OCTETS_MAX: Final = 1_000  # a frame has 4095, and twice as many as it says when it is encrypted


@click.command()
@click.argument("address", metavar="HOST:PORT")
@click.argument("events", metavar="[EVENT]...", nargs=-1)
@click.option("--udp", is_flag=True, help="Datagrams instead of a TCP connection.")
@click.option("--account", default="1234", show_default=True, help="The unit's own.")
@click.option("--premises", help="The account in the data, if it is another.")
@click.option("--prefix", "line", default="0", show_default=True, help="Account prefix (L); none: leave it out.")
@click.option("--receiver", help="Receiver number (R).")
@click.option("--key", "key_digits", help="32, 48 or 64 hexadecimal digits: everything is encrypted.")
@click.option("--stamped", is_flag=True, help="A time stamp in clear, too.")
@click.option("--clock-off-s", type=float, default=0, show_default=True, help="So far is its clock ahead.")
@click.option("--sequence", "first_sequence", type=click.IntRange(0, 9999), default=1, show_default=True, help="First.")
@click.option("--stuck", is_flag=True, help="Its sequence number never changes.")
@click.option(
    "--answer-wait-s", type=click.FloatRange(0, min_open=True), default=20, show_default=True, help="Then again."
)
@click.option("--attempts", type=click.IntRange(1, 100), default=4, show_default=True, help="Sends of one message.")
@click.option("--together", type=click.IntRange(1, 100), default=1, show_default=True, help="Messages sent unanswered.")
@click.option("--joined", is_flag=True, help="What leaves together goes in one segment.")
@click.option("--cut", "cut_octets", type=click.IntRange(0), default=0, help="No segment is longer, octets.")
@click.option("--supervision-s", type=click.FloatRange(0, min_open=True), help="NULL after so long without a word.")
@click.option("--stay-s", type=click.FloatRange(0), default=0, help="Go on so long after the last event.")
@click.option("--json", "as_json", is_flag=True, help="What became of each message, as JSON Lines.")
def dc09(address: str, events: tuple[str, ...], **options: Any) -> int:
    """A unit that reports events by SIA DC-09 and waits for its acknowledgements.

    EVENT is Contact ID, "1101 00 003", or SIA, "Nri1/QA03"; ID:DATA sends any other kind of message.

    Exit code 0: everything was acknowledged; 1: it was not, or a NULL was not.
    """
    import asyncio

    from sim.dc09_unit import Outcome, Unit

    as_json, stay_s = options.pop("as_json"), options.pop("stay_s")
    wire = {name: options.pop(name) for name in ("udp", "joined", "cut_octets")}
    try:
        host, port = _address(address)
        unit = Unit(_settings(options))
        messages = [_message(event) for event in events]
    except ValueError as error:
        raise BadInput(f"sim dc09: {error}") from None
    if not messages and unit.settings.supervision_s is None:
        raise BadInput('sim dc09: nothing to do: give an event ("1101 00 003") or --supervision-s')

    async def report() -> None:
        from sim.dc09_wire import Wired

        wired = Wired(unit, host, port, **wire)
        for id, data in messages:
            wired.report(data, id)
        running = asyncio.ensure_future(wired.run())
        watching = asyncio.ensure_future(
            _watch(wired, len(messages), stay_s, lambda done: click.echo(_line(done, as_json)))
        )
        await asyncio.wait([running, watching], return_when=asyncio.FIRST_COMPLETED)
        for task in (watching, running):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    asyncio.run(report())
    if unit.alive or unit.dead:
        nulls = {"what": "null", "answered": unit.alive, "unanswered": unit.dead}
        click.echo(json.dumps(nulls) if as_json else f"NULL: {unit.alive} answered, {unit.dead} not")
    for said in unit.ignored:
        click.echo(f"not an answer to anything: {said}", err=True)
    return int(unit.dead > 0 or any(done.outcome is not Outcome.ACKNOWLEDGED for done in unit.done))


async def _watch(wired: Wired, count: int, stay_s: float, told: Callable[[Done], None]) -> None:
    """Say what becomes of each message, until all are over and the time to stay is."""
    import asyncio

    for number in range(count):
        done = await wired.until_done(number + 1)
        told(done[number])
    await asyncio.sleep(stay_s)


def _settings(options: dict[str, Any]) -> UnitSettings:
    from sim.dc09_unit import UnitSettings

    digits, line = options.pop("key_digits"), options.pop("line")
    for name, value, most in (("account", options["account"], 16), ("premises", options["premises"], 16)):
        if value is not None and not re.fullmatch(f"[0-9A-Za-z]{{1,{most}}}", value):
            raise ValueError(f"--{name} is 1 to {most} letters and digits, not {value!r}")
    for name, value in (("prefix", None if line == "none" else line), ("receiver", options["receiver"])):
        if value is not None and not re.fullmatch("[0-9A-Fa-f]{1,6}", value):
            raise ValueError(f"--{name} is 1 to 6 hexadecimal digits, not {value!r}")
    if digits is not None and not (re.fullmatch("[0-9A-Fa-f]+", digits) and len(digits) in (32, 48, 64)):
        raise ValueError("--key is 32, 48 or 64 hexadecimal digits")
    key = bytes.fromhex(digits) if digits is not None else None
    return UnitSettings(key=key, line=None if line == "none" else line, **options)


def _address(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not host or not (port.isascii() and port.isdecimal() and 0 < int(port) < 65_536):
        raise ValueError(f"{address!r} is not HOST:PORT; write for example 127.0.0.1:12000")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _message(event: str) -> tuple[str, str]:
    """Id and data, without the account."""
    if len(event.encode()) > EVENT_OCTETS_MAX:
        raise ValueError(f"an event has {EVENT_OCTETS_MAX} octets at most")
    if kind := re.fullmatch(r"([A-Z0-9-]{3,}):(.*)", event):
        return kind[1], kind[2]
    if re.fullmatch(r"[0-9].*", event):
        return "ADM-CID", event
    if re.fullmatch(r"[NO].*", event):
        return "SIA-DCS", event
    raise ValueError(f'{event!r} is no event: write "1101 00 003", "Nri1/QA03" or ID:DATA')


def _line(done: Done, as_json: bool) -> str:
    head = done.message.head
    if as_json:
        told = {"id": head.id, "sequence": head.sequence, "data": done.message.data}
        return json.dumps({"what": done.outcome.name.lower(), "attempts": done.attempts, **told})
    return f"{head.id} {head.sequence} {done.message.data}  {done.outcome.value}, attempt {done.attempts}"
