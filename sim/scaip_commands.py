"""`yobirin sim scaip`: a unit that reports by SCAIP, to try any receiver with."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from receiver.errors import BadInput

if TYPE_CHECKING:
    import ssl

    from sim.scaip_unit import Done, UnitSettings
    from sim.scaip_wire import Wired

EVENT_OCTETS_MAX: Final = 1_300  # what SCAIP allows over UDP, and more than any event needs
WRAPS: Final = {"mrq": "PLAIN", "scaip": "SCAIP", "bare": "BARE"}


@click.command()
@click.argument("address", metavar="HOST:PORT")
@click.argument("events", metavar="[EVENT]...", nargs=-1)
@click.option("--udp", is_flag=True, help="Datagrams instead of a TCP connection.")
@click.option("--tls", is_flag=True, help="TLS over TCP; the centre's certificate is looked at only with --ca.")
@click.option("--ca", type=click.Path(path_type=Path), help="Certificates that --tls trusts.")
@click.option("--account", default="12345", show_default=True, help="The unit's own (cid).")
@click.option("--password", help="For digest; without it a challenge is its end.")
@click.option("--user", help="For digest, if it is not the account.")
@click.option(
    "--believes",
    type=click.Choice(["both", "body", "message"]),
    default="both",
    show_default=True,
    help="Where it takes its answer from: the body of the 200, or a message of its own.",
)
@click.option("--deaf", is_flag=True, help="It takes no messages: 405 to each.")
@click.option(
    "--wrap",
    type=click.Choice(sorted(WRAPS)),
    default="mrq",
    show_default=True,
    help="<mrq>, <scaip><mrq>, or the fields bare in <scaip>.",
)
@click.option("--content-type", default="application/scaip+xml", show_default=True, help="What it calls its body.")
@click.option("--clock-off-s", type=float, default=0, show_default=True, help="So far is its clock ahead.")
@click.option("--stuck", is_flag=True, help="Its reference never changes.")
@click.option(
    "--answer-wait-s", type=click.FloatRange(0, min_open=True), default=32, show_default=True, help="Then again."
)
@click.option("--attempts", type=click.IntRange(1, 100), default=4, show_default=True, help="Sends of one message.")
@click.option("--joined", is_flag=True, help="What leaves together goes in one segment.")
@click.option("--cut", "cut_octets", type=click.IntRange(0), default=0, help="No segment is longer, octets.")
@click.option("--heartbeat-s", type=click.FloatRange(0, min_open=True), help="PI after so long without a word.")
@click.option("--stay-s", type=click.FloatRange(0), default=0, help="Go on so long after the last event.")
@click.option("--json", "as_json", is_flag=True, help="What became of each message, as JSON Lines.")
def scaip(address: str, events: tuple[str, ...], **options: Any) -> int:
    """A unit that reports events by SCAIP over SIP MESSAGE and waits for its answers.

    EVENT is a list of fields, "dty=0003" (a pendant), "dty=0003 stc=0016" (its battery); ref, mty and cid are its own
    unless said.

    Exit code 0: everything was acknowledged; 1: it was not, or a heartbeat was not.
    """
    import asyncio

    from sim.scaip_unit import Outcome, Unit

    as_json, stay_s, tls, ca = (options.pop(name) for name in ("as_json", "stay_s", "tls", "ca"))
    wire = {name: options.pop(name) for name in ("udp", "joined", "cut_octets")}
    try:
        host, port = _address(address)
        unit = Unit(_settings(options))
        messages = [_event(event) for event in events]
        if wire["udp"] and tls:
            raise ValueError("--udp and --tls do not go together")
        context = _context(ca) if tls else None
    except ValueError as error:
        raise BadInput(f"sim scaip: {error}") from None
    if not messages and unit.settings.heartbeat_s is None:
        raise BadInput('sim scaip: nothing to do: give an event ("dty=0003") or --heartbeat-s')

    async def report() -> None:
        from sim.scaip_wire import Wired

        wired = Wired(unit, host, port, tls=context, **wire)
        for fields in messages:
            wired.report(fields)
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
        beats = {"what": "heartbeat", "answered": unit.alive, "unanswered": unit.dead}
        click.echo(json.dumps(beats) if as_json else f"heartbeat: {unit.alive} answered, {unit.dead} not")
    for said in unit.ignored:
        click.echo(f"not an answer: {said}", err=True)
    return int(unit.dead > 0 or any(done.outcome is not Outcome.ACKNOWLEDGED for done in unit.done))


async def _watch(wired: Wired, count: int, stay_s: float, told: Callable[[Done], None]) -> None:
    """Say what becomes of each message, until all are over and the time to stay is."""
    import asyncio

    for number in range(count):
        done = await wired.until_done(number + 1)
        told(done[number])
    await asyncio.sleep(stay_s)


def _settings(options: dict[str, Any]) -> UnitSettings:
    from drivers.ip.scaip import Wrap
    from sim.scaip_unit import UnitSettings

    wrap = Wrap[WRAPS[options.pop("wrap")]]
    if not re.fullmatch("[0-9A-Za-z]{1,32}", options["account"]):
        raise ValueError(f"--account is 1 to 32 letters and digits, not {options['account']!r}")
    if not re.fullmatch(r"[\w+.-]+/[\w+.-]+", options["content_type"]):
        raise ValueError(f"--content-type is for example application/xml, not {options['content_type']!r}")
    if options["user"] is not None and options["password"] is None:
        raise ValueError("--user needs a --password")
    return UnitSettings(wrap=wrap, **options)


def _address(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not host or not (port.isascii() and port.isdecimal() and 0 < int(port) < 65_536):
        raise ValueError(f"{address!r} is not HOST:PORT; write for example 127.0.0.1:5060")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _event(event: str) -> dict[str, str]:
    from sim.scaip_unit import fields_of

    if len(event.encode()) > EVENT_OCTETS_MAX:
        raise ValueError(f"an event has {EVENT_OCTETS_MAX} octets at most")
    fields = fields_of(event)
    if not fields:
        raise ValueError('an empty event; write for example "dty=0003"')
    return fields


def _context(ca: Path | None) -> ssl.SSLContext:
    import ssl

    try:
        context = ssl.create_default_context(cafile=ca)
    except OSError as error:
        raise ValueError(f"--ca {ca}: {error.strerror or error}") from None
    if ca is None:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _line(done: Done, as_json: bool) -> str:
    said = done.mrs
    if as_json:
        told = {"fields": done.fields, "snu": said.answer.value if said else None, "by": done.by or None}
        return json.dumps({"what": done.outcome.name.lower(), "attempts": done.attempts, **told}, ensure_ascii=False)
    fields = " ".join(f"{name}={value}" for name, value in done.fields.items())
    number = f", snu {said.answer.value} ({done.by})" if said else ""
    return f"{fields}  {done.outcome.value}{number}, attempt {done.attempts}"
