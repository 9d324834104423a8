"""`yobirin intake`: the process that answers, decodes, stores and kisses off."""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import click

from receiver.commands.installation import installation_options
from receiver.installation import Installation
from receiver.understudy import OPTION, wait_for_cue

if TYPE_CHECKING:
    from drivers.line import Line
    from receiver.config import Config
    from receiver.intake.call import CallSettings
    from receiver.intake.daemon import IntakeSettings, Part


@click.command()
@click.option(
    "--line", "lines", multiple=True, metavar="URI", help="A line to serve, besides those of the configuration."
)
@click.option("--supervised", is_flag=True, hidden=True, help="End when the supervisor is gone.")
@click.option(OPTION, "understudy", is_flag=True, hidden=True, help="Load everything and wait for the cue.")
@installation_options
def intake(lines: tuple[str, ...], supervised: bool, understudy: bool, installation: Installation) -> None:
    """Run the intake process alone (for a service manager).

    A line is named by scheme and address: modem:/dev/ttyACM0 answers a voice modem; dc09:ADDRESS:PORT
    and scaip:ADDRESS:PORT take messages of IP units, surgard: and ademco685: those of a hardware receiver;
    wav:DIR and pcap:DIR watch a folder and take each recording dropped into it once.
    """
    import asyncio

    from receiver.clock import clock_from_environment
    from receiver.config import default, load
    from receiver.intake.daemon import serve
    from receiver.priority import go_first
    from receiver.report import plain_report
    from receiver.supervisor import end_with_parent

    if supervised:
        end_with_parent()
    if understudy:
        for module in LOADED:
            importlib.import_module(module)
        wait_for_cue("intake")
    go_first()
    config = load(installation.config) if installation.config else default(installation.data)
    served, folders = made([*(line.uri for line in config.lines), *lines], () if supervised else lines)
    if config.self_call is not None and config.self_call.line in {line.name for line in served}:
        from receiver.intake.self_call_daemon import SelfCallPlan, self_calls

        own = config.self_call
        folders.append(self_calls(SelfCallPlan(own.line, own.number, own.every_min * 60, own.account)))
    if not served and not folders:
        plain_report(
            "alarm: no line is configured, nothing will be answered; "
            'add --line modem:/dev/ttyACM0, or lines = ["modem:/dev/ttyACM0"] to the configuration'
        )
    asyncio.run(
        serve(
            installation,
            settings_of(config),
            served,
            clock_from_environment(),
            plain_report,
            *folders,
            version=importlib.metadata.version("yobirin"),
        )
    )


LOADED: Final = (
    "drivers.modem.port",
    "receiver.config",
    "receiver.formats",
    "receiver.intake.daemon",
    "receiver.intake.folder_daemon",
    "receiver.intake.link_daemon",
)
"""What serving imports on use: an understudy has it before its cue."""


def made(wanted: Sequence[str], refused: Collection[str]) -> tuple[list[Line], list[Part]]:
    """The lines that can be answered, and what serves folders and links.

    One that cannot be made is deaf and says why, so that the others serve: on the way to a new start there is nobody
    to mend a name. Raises BadInput for those in `refused`, which somebody has just typed, and for one named twice.
    """
    from drivers.unmade import Unmade
    from receiver.errors import BadInput
    from receiver.intake.link_daemon import served as link_part

    served: list[Line] = []
    parts: list[Part] = []
    for uri in wanted:
        if wanted.count(uri) > 1:
            raise BadInput(f"{uri}: named twice; leave one out")
        try:
            _make(uri, served, parts)
        except ValueError as error:
            if uri in refused:
                raise BadInput(str(error)) from None
            parts.append(link_part(Unmade(uri, str(error).removeprefix(f"{uri}: "))))
    return served, parts


def _make(uri: str, served: list[Line], parts: list[Part]) -> None:
    from drivers.registry import FOLDERS, LINKS, make_line, make_link, split_name
    from receiver.intake.folder_daemon import watcher
    from receiver.intake.link_daemon import served as link_part

    scheme, address, _ = split_name(uri)
    if scheme in FOLDERS:
        parts.append(watcher(uri, scheme, address))
    elif scheme in LINKS:
        parts.append(link_part(make_link(uri)))
    else:
        served.append(make_line(uri))


def settings_of(config: Config) -> IntakeSettings:
    """What the configuration says about taking calls."""
    from decoder.samples import from_ms
    from receiver.clock import MINUTE_US, SECOND_US
    from receiver.errors import BadInput
    from receiver.formats import served
    from receiver.intake.call import CallSettings
    from receiver.intake.daemon import IntakeSettings
    from receiver.intake.station import LinePlans
    from receiver.intake.storm import StormSettings

    given = config.intake
    try:
        formats = served(given.handshakes)
    except BadInput as error:
        raise BadInput(f"intake.handshakes: {error}") from None
    call = CallSettings(
        formats,
        answer_pause=from_ms(given.t_answer_ms),
        first_digit_wait=from_ms(given.handshake_wait_ms),
        greetings_max=given.handshakes_max,
        hurried_answer_pause=from_ms(given.t_answer_hurried_ms),
        hurried_next_frame_wait=from_ms(given.let_go_ms),
    )
    plans = LinePlans(
        {line.uri: _led_by(call, line.profile, given.handshakes, line.uri) for line in config.lines if line.profile},
        frozenset(line.uri for line in config.lines if line.reserve is not None),
        given.reserved_numbers,
        StormSettings(
            given.storm_busy_percent,
            given.storm_after_s * SECOND_US,
            given.storm_calm_percent,
            given.storm_calm_s * SECOND_US,
        ),
    )
    return IntakeSettings(
        call,
        given.retransmission_window_min * MINUTE_US,
        given.disk_stop_percent,
        config.mirror,
        given.handshakes,
        plans,
        disk_warn_percent=given.disk_warn_percent,
    )


def _led_by(call: CallSettings, profile: str, handshakes: Sequence[str], uri: str) -> CallSettings:
    """How calls are taken where callers speak this format: it is greeted first, and read though no other line is."""
    from receiver.errors import BadInput
    from receiver.formats import format_named, served

    try:
        first = format_named(profile)
        named = (*handshakes, *([] if first.name in {known.name for known in call.formats} else [profile]))
        return replace(call, formats=served(named)).led_by(first)
    except BadInput as error:
        raise BadInput(f"line {uri}: profile: {error}") from None
