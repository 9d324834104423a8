"""`yobirin sim`: simulated modems and units, each a process that any receiver can be tested with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from receiver.errors import BadInput
from sim.dc09_commands import dc09
from sim.hardware_commands import program, receiver
from sim.modem_command import modem
from sim.scaip_commands import scaip

if TYPE_CHECKING:
    from decoder.exchange import Format, Message
    from sim.panel import Note, PanelSettings

F = TypeVar("F", bound=Callable[..., Any])


@click.group()
def sim() -> None:
    """Simulated panels and modems, to test any receiver with."""


def _options(*options: Callable[[F], F]) -> Callable[[F], F]:
    def apply(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return apply


_MESSAGE = _options(
    click.option(
        "--format", "name", default="contact-id", show_default=True, help="A format, or FILE.toml, a profile."
    ),
    click.option("--account", help="Contact ID: four digits 0-9 B-F."),
    click.option("--code", help="Event code; Contact ID: three digits."),
    click.option("--qualifier", help="Contact ID: 1 new (default), 3 restoral, 6 still present."),
    click.option("--partition", help="Contact ID: two digits; default 00."),
    click.option("--zone", help="Zone or user; Contact ID: three digits, default 000."),
    click.option(
        "--then", "more", multiple=True, metavar="CODE[:QUAL[:PART[:ZONE]]]", help="Another frame, same call."
    ),
)
_SOUND = _options(
    click.option("--on-ms", type=float, help="Length of a keypad digit; default 50, or as the format has it."),
    click.option("--off-ms", type=float, help="Pause between two of them; the same."),
    click.option("--level", "level_dbm0", type=float, help="dBm0, each tone of a digit; default -10."),
    click.option("--twist", "twist_db", type=float, help="High group minus low, dB; default 0."),
    click.option("--offset", "offset_percent", type=float, help="Frequency error, %; default 0."),
    click.option("--noise-db", type=float, help="White noise so many dB below what it sends."),
)
_HABITS = _options(
    click.option("--caller", help="Number shown; P, C, O or S: withheld and why."),
    click.option("--attempts", type=int, help="Sends of one frame in a call; default 4, or as the format has it."),
    click.option("--redials", type=int, default=0, show_default=True, help="Further calls if no kiss-off comes."),
    click.option("--redial-after-s", type=float, default=5, show_default=True, help="Pause before each of them."),
    click.option("--wrong-digit", type=int, help="Position, from 1, of a digit that always goes out wrong."),
    click.option("--voice", "voice_s", type=float, default=0, help="Somebody speaks so many seconds after the frames."),
    click.option("--mishear", type=float, default=0, help="Chance that a greeting or a kiss-off is not noticed."),
    click.option("--break-off", type=int, default=0, help="Hang up in the middle of so many kiss-offs; see --redials."),
)


@sim.command()
@click.option("--wav", "wav", type=click.Path(path_type=Path), help="Write the call as a recording; dial nobody.")
@click.option("--mono", is_flag=True, help="With --wav: both directions in one channel.")
@click.option("--dial", "lines", type=click.Path(path_type=Path), multiple=True, help="Line of a modem; repeatable.")
@click.option("--modem", "modem_name", help="A modem of its own to dial with, real or not: modem:/dev/ttyACM1.")
@click.option("--number", default="1", show_default=True, help="With --modem: the number it dials.")
@click.option("--speed", type=click.FloatRange(0, min_open=True), default=1.0, help="The modem's --speed.")
@_MESSAGE
@_SOUND
@_HABITS
@click.option(
    "--seed", type=int, default=1, show_default=True, help="Of everything random: the same seed, the same run."
)
@click.option("--json", "as_json", is_flag=True, help="What happened, as JSON Lines; times are samples since dialling.")
def panel(
    wav: Path | None,
    mono: bool,
    lines: tuple[Path, ...],
    modem_name: str | None,
    number: str,
    speed: float,
    seed: int,
    as_json: bool,
    **options: Any,
) -> int:
    """A unit that calls, waits to be greeted, sends, waits for its kiss-off, repeats and redials.

    It speaks Contact ID unless --format names another format: docs/reference/simulators.md has an example of each.

    Exit code 0: everything was kissed off (or, without a frame, spoken); 1: it was not.
    """
    if (wav is not None) + bool(lines) + (modem_name is not None) != 1:
        raise click.UsageError("say one of --wav OUT, --dial LINE and --modem NAME")
    import numpy as np

    from receiver.formats import format_named
    from sim.panel import Panel
    from sim.phone import Phone

    rng = np.random.default_rng(seed)
    try:
        form = format_named(options.pop("name"))
        settings = _settings(form, options)
        phone = Phone(Panel(settings, form.encode, lambda: float(rng.random()), form.send), rng)
    except ValueError as error:
        raise BadInput(f"sim panel: {error}") from None

    def watch(note: Note) -> None:
        click.echo(_as_json(note) if as_json else _as_text(note))

    if wav is not None:
        from sim.recording import record, write_wav

        notes: list[Note] = []
        unit, receiver, finished = record(phone, form, notes)
        try:
            write_wav(wav, unit, receiver, mono=mono)
        except OSError as error:
            raise BadInput(f"sim panel: cannot write {wav}: {error.strerror}") from None
        for note in notes:
            watch(note)
    elif modem_name is not None:
        import asyncio

        from drivers.modem.port import ModemLine
        from drivers.registry import make_line
        from sim.unit_on_modem import NoModem, UnitOnModem

        try:
            line = make_line(modem_name, speed=speed)
            if not isinstance(line, ModemLine):
                raise ValueError(f"{modem_name} is no modem")
            finished = asyncio.run(UnitOnModem(phone.panel, line, number, watch, speed=speed).run())
        except (ValueError, NoModem) as error:
            raise BadInput(f"sim panel: {error}") from None
    else:
        import asyncio

        from sim.dialler import Dialler, LineGone

        try:
            finished = asyncio.run(Dialler(phone, lines, speed=speed, watch=watch).run())
        except LineGone as error:
            raise BadInput(f"sim panel: {error}; is `yobirin sim modem` running there?") from None
    return 0 if finished.complete else 1


def _settings(form: Format, options: dict[str, Any]) -> PanelSettings:
    from sim import habits
    from sim.panel import PanelSettings

    messages = _messages(form, options)
    said = {name: value for name, value in options.items() if value is not None}
    if not messages and not said["voice_s"]:
        raise ValueError("nothing to do: give --account and --code, or --voice SECONDS")
    if form.send is not None and (useless := said.keys() & habits.OF_KEYS.keys()):
        raise ValueError(f"{form.name} makes its own sounds: it has no {habits.OF_KEYS[min(useless)]}")
    return PanelSettings(messages, greeting=form.greeting, kiss_off=form.kiss_off, **{**habits.of(form), **said})


def _messages(form: Format, options: dict[str, Any]) -> tuple[Message, ...]:
    from decoder.exchange import Message
    from sim import habits

    account, code, more = (options.pop(name) for name in ("account", "code", "more"))
    fields = {name: options.pop(name) for name in ("qualifier", "partition", "zone")}
    if code is None and not more:
        if account is None or not habits.says(form, Message(account, "")):
            return ()
        code = ""
    if account is None:
        if not habits.says(form, Message("", code or "")):
            raise ValueError("--code needs --account")
        account = ""
    said = {name: value for name, value in fields.items() if value is not None}
    messages = [Message(account, code, **said)] if code is not None else []
    for text in more:
        parts = text.split(":")
        if len(parts) > 4:
            raise ValueError(f"--then {text}: expected CODE:QUALIFIER:PARTITION:ZONE")
        messages.append(Message(account, *parts))
    for message in messages:
        if (needless := habits.needless(form, message)) is not None:
            raise ValueError(f"{form.name} has no {needless}")
    return tuple(messages)


def _as_json(note: Note) -> str:
    return json.dumps({"what": note.what, "at": note.at, "at_s": round(note.at / 8000, 4), **note.details})


def _as_text(note: Note) -> str:
    details = "  ".join(f"{key}={value}" for key, value in note.details.items())
    return f"{note.at / 8000:9.3f} s  {note.what:<14} {details}".rstrip()


for command in (modem, dc09, scaip, receiver, program):
    sim.add_command(command)
