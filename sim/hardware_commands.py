"""`yobirin sim receiver`, `sim program`: the two ends of a hardware receiver's computer port, each to try the other."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from receiver.errors import BadInput

if TYPE_CHECKING:
    from drivers.hardware.wires import Place
    from sim.attachment import Device

F = TypeVar("F", bound=Callable[..., Any])

ACKNOWLEDGE: Final = {"06": (b"\x06", b"\x15"), "cr": (b"\r", b""), "none": (b"", b"")}
LOOK_S: Final = 0.05
PTY: Final = "pty:"


def _both(command: F) -> F:
    """What both ends have."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="What happens, as JSON Lines."),
        click.option(
            "--peers", default="", help="Who may connect (listen://): addresses, networks. This machine only."
        ),
        click.option(
            "--acknowledge", type=click.Choice(sorted(ACKNOWLEDGE)), default="06", show_default=True, help="How."
        ),
        click.option(
            "--make",
            type=click.Choice(["surgard", "ademco685"]),
            default="surgard",
            show_default=True,
            help="Whose output it speaks.",
        ),
        click.argument("place"),
    ):
        command = option(command)
    return command


@click.command()
@_both
@click.argument("frames", metavar="[FRAME]...", nargs=-1)
@click.option("--heartbeat", "heartbeat_s", type=click.FloatRange(0), default=30, show_default=True, help="0: none.")
@click.option("--ack-wait-s", type=click.FloatRange(0, min_open=True), default=4, show_default=True, help="Then again.")
@click.option("--repeats", type=click.IntRange(0, 100), default=3, show_default=True, help="Then it gives up.")
@click.option("--half", is_flag=True, help="It begins with the end of a frame, as a port does that is opened late.")
@click.option("--stay-s", type=click.FloatRange(0), default=0, help="Go on so long after the last frame.")
def receiver(place: str, frames: tuple[str, ...], **options: Any) -> int:
    """A receiver that sends FRAMEs ("5011 181234E10100001") to a computer, and heartbeats, and repeats itself.

    PLACE is listen://ADDRESS:PORT, tcp://HOST:PORT, or pty:LINK: a serial port, at this symbolic link.

    Exit code 0: every frame was acknowledged; 1: it gave the computer up before.
    """
    import asyncio

    from sim.hardware_receiver import MLR2_HEARTBEAT, OKAY, HardwareReceiver, ReceiverHabits

    as_json, stay_s, make = options.pop("as_json"), options.pop("stay_s"), options.pop("make")
    acknowledge, half = options.pop("acknowledge"), options.pop("half")
    where = _place("receiver", place, options.pop("peers"))
    ack, nak = ACKNOWLEDGE[acknowledge]
    habits = ReceiverHabits(
        OKAY if make == "ademco685" else MLR2_HEARTBEAT,
        ack=ack,
        nak=nak,
        answered=acknowledge != "none",
        begins_with=(b"34 7\r" if make == "ademco685" else b"34E10100001\x14") if half else b"",
        **options,
    )
    device = HardwareReceiver(habits)
    for frame in frames:
        device.press(_framed(frame, make))

    async def until_taken() -> None:
        told = 0
        while not device.failed and (device.memory or told < len(device.taken)):
            for frame in device.taken[told:]:
                told += 1
                _say({"what": "taken", "frame": _text(frame)}, as_json)
            await asyncio.sleep(LOOK_S)
        if not device.memory:
            await asyncio.sleep(stay_s)

    _attach(place, where, device, until_taken, as_json)
    for left in device.memory:
        _say({"what": "not taken", "frame": _text(left)}, as_json)
    return int(bool(device.memory))


@click.command()
@_both
@click.option("--answer-after-s", type=click.FloatRange(0), default=0, help="It takes so long to store a frame.")
@click.option("--refuse", type=click.IntRange(0), default=0, help="So many frames are refused (15) at first.")
@click.option("--silent", is_flag=True, help="It answers nothing.")
@click.option("--frames", "count", type=click.IntRange(1), help="End when so many have been stored.")
def program(place: str, count: int | None, **options: Any) -> int:
    """A monitoring program: it stores what a receiver sends, acknowledges it and prints it.

    PLACE is as for `sim receiver`. Runs until it is interrupted, or has --frames.
    """
    import asyncio

    from sim.hardware_receiver import MLR2_HEARTBEAT, OKAY
    from sim.monitoring_program import MonitoringProgram

    as_json, make = options.pop("as_json"), options.pop("make")
    ack, nak = ACKNOWLEDGE[options.pop("acknowledge")]
    where = _place("program", place, options.pop("peers"))
    other = make == "ademco685"
    marks = (OKAY, b"\n", b"\r") if other else (MLR2_HEARTBEAT, b"", b"\x14")
    device = MonitoringProgram(*marks, ack, nak, **options)

    async def until_stored() -> None:
        told = 0
        while count is None or told < count:
            for frame in device.stored[told:]:
                told += 1
                _say({"what": "stored", "frame": _text(frame)}, as_json)
            await asyncio.sleep(LOOK_S)

    _attach(place, where, device, until_stored, as_json)
    return 0


def _place(command: str, place: str, peers: str) -> Place | None:
    """Where it is; None: on a pty."""
    from drivers.hardware.places import parse_place

    try:
        if place.startswith(PTY) and len(place) > len(PTY):
            return None
        return parse_place(place, peers=peers, newest=True)
    except ValueError as error:
        raise BadInput(f"sim {command}: {error}") from None


def _attach(name: str, where: Place | None, device: Device, work: Callable[[], Any], as_json: bool) -> None:
    """Run the device at its place until the work is done."""
    import asyncio

    from sim.attachment import Attachment, PtyPlace

    async def run() -> None:
        place, link = where, None
        if place is None:
            pty, link = PtyPlace(), Path(name.removeprefix(PTY))
            place = pty
            if link.exists() and not link.is_symlink():
                raise BadInput(f"sim: {link} is there already, and is no link of ours; name another")
            try:
                link.unlink(missing_ok=True)
                link.symlink_to(pty.port)
            except OSError as error:
                raise BadInput(f"sim: cannot make {link}: {error.strerror}") from None
        attachment = Attachment(device, troubled=lambda reason: click.echo(f"{reason}; it is tried again", err=True))
        serving = asyncio.ensure_future(attachment.serve(place))
        working = asyncio.ensure_future(work())
        try:
            _say({"what": "ready", "place": name}, as_json)
            await asyncio.wait([serving, working], return_when=asyncio.FIRST_COMPLETED)
            for done in (serving, working):
                if done.done():
                    done.result()
        finally:
            for task in (serving, working):
                task.cancel()
            await asyncio.gather(serving, working, return_exceptions=True)
            if link is not None:
                link.unlink(missing_ok=True)

    asyncio.run(run())


def _framed(text: str, make: str) -> bytes:
    if not text.isascii() or not text.isprintable():
        raise BadInput(f"sim receiver: {text!a} is no frame: write printable ASCII, without its beginning and end")
    return b"\n" + text.encode() + b"\r" if make == "ademco685" else text.encode() + b"\x14"


def _text(frame: bytes) -> str:
    return frame.strip(b"\n\r\x14").decode("ascii", "backslashreplace")


def _say(told: dict[str, str], as_json: bool) -> None:
    click.echo(json.dumps(told) if as_json else "  ".join(told.values()))
