"""`yobirin replay`: a recording dials in, over a line as bad as you like, to the real intake.

The command; what is done stands in `player.py`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from receiver.commands.installation import installation_options
from receiver.installation import Installation

if TYPE_CHECKING:
    from drivers.call_audio import CallAudio


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE…")
@click.option("--through", default="", metavar="noise=DB,loss=PERCENT,echo=DB/MS", help="What the line does to it.")
@click.option(
    "--line", default="replay:line", show_default=True, metavar="NAME", help="The line's name in the journal."
)
@click.option(
    "--channel", metavar="NAME", help="Which direction to play (left, right …; default: the one with digits)."
)
@click.option("--caller", metavar="NUMBER", help="Caller ID of the call (default: the one in a capture's SIP).")
@click.option("--as-recorded", is_flag=True, help="Play from the answer on, instead of after the handshake.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the line's noise and losses.")
@click.option("--yes", is_flag=True, help="Also into an installation that is in use; the receptions are real there.")
@click.option("--json", "as_json", is_flag=True, help="One object for each call.")
@installation_options
def replay(installation: Installation, files: tuple[Path, ...], **options: Any) -> None:
    """Play recordings through a simulated line into the real intake.

    It runs faster than real time; the times it stores are those of the line, by the count of
    samples, so that the last call ends about now.

    \b
    --through takes any of these, separated by commas:
      noise=20        white noise, 20 dB below the digits      loss=2/3     2 % of packets lost, in bursts of 3
      echo=-12/20     echo of -12 dB after 20 ms               gain=-6      6 dB weaker
      hum=-30         mains hum at -30 dBm0                    clicks=10    10 clicks a minute
    """
    from receiver.errors import BadInput, PartlyDone
    from sim.line import Impairments

    try:
        through = Impairments.parse(options["through"])
    except ValueError as error:
        raise BadInput(f"--through: {error}") from None
    calls, unreadable = _calls(files)
    if not calls:
        nothing = BadInput(unreadable[0] if len(unreadable) == 1 else "nothing to replay: none of these can be read")
        nothing.details = tuple(unreadable) if len(unreadable) > 1 else ()
        raise nothing
    if installation.intake_db.exists() and not installation.demonstration and not options["yes"]:
        raise BadInput(
            f"{installation.data} has received calls already; replay into another --data, or say --yes if these "
            "receptions shall stand among them"
        )
    for line in unreadable:
        click.echo(f"yobirin: {line}", err=True)
    from sim.player import Choice, begin_of, replay_call

    choice = Choice(
        through, options["line"], options["channel"], options["caller"], options["as_recorded"], options["seed"]
    )
    begin = begin_of([call for _, call in calls])
    for path, call in calls:
        told = replay_call(installation, call, choice, begin, lambda line: click.echo(line, err=True))
        if options["as_json"]:
            click.echo(json.dumps({"file": str(path), "call": call.call or None, **told}, ensure_ascii=False))
        else:
            click.echo(f"{path}: {told['frames']} frames stored, {told['kissed_off']} kissed off")
    if unreadable:
        raise PartlyDone(f"{len(unreadable)} of {len(files)} files could not be read whole; the rest was played")


def _calls(files: tuple[Path, ...]) -> tuple[list[tuple[Path, CallAudio]], list[str]]:
    """All calls of all files, and a line for each file of which something is missing."""
    from drivers.recording import read_capture

    calls: list[tuple[Path, CallAudio]] = []
    problems: list[str] = []
    for path in files:
        try:
            found = read_capture(path)
        except ValueError as error:
            problems.append(f"{path}: {error}")
            continue
        except OSError as error:
            problems.append(f"{path}: cannot be read: {error.strerror}")
            continue
        calls += [(path, call) for call in found]
        problems += [f"{path}: {call.problem}" for call in found if call.problem][:1]
    return calls, problems
