"""The command `yobirin`: names the sub-commands and imports only the one that is called.

`--help` loads nothing but click; one broken module stops no other command.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Final

import click

from receiver.commands.wiring import Wiring

if TYPE_CHECKING:
    from receiver.installation import Installation
    from receiver.scenario import Scenario

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    # name: ("module:command", "line of help")
    "run": ("receiver.commands.run:run", "Start the receiver: intake, centre and health as one process group."),
    "intake": ("receiver.commands.intake:intake", "Run the intake process alone (for a service manager)."),
    "centre": ("receiver.commands.centre:centre", "Run the centre process alone (for a service manager)."),
    "health": ("receiver.commands.health:health", "Run the watch over the receiver alone (for a service manager)."),
    "output": ("receiver.commands.output:output", "Monitoring programs that are given what we receive."),
    "decode": ("receiver.commands.decode:decode", "Decode recordings and captures: digits, tones, frames."),
    "inspect": ("receiver.commands.inspect:inspect", "Show what was heard in a recording, and why."),
    "profile": ("receiver.commands.profile:profile", "Terminals described in TOML: check, try, learn."),
    "replay": ("sim.replay:replay", "Play a recording through the simulated line into the real intake."),
    "events": ("receiver.commands.events:events", "Export, show or follow what was received."),
    "backup": ("receiver.commands.backup:backup", "Back up, verify, prune and restore an installation."),
    "store": ("receiver.commands.store:store", "Verify and rebuild the journals."),
    "journal": ("receiver.commands.store:store", "The same as `store`."),
    "case": ("receiver.commands.case:case", "What operators do with a case."),
    "explain": ("receiver.commands.explain:explain", "Why: each step of a case or a reception, with its clause."),
    "subscriber": ("receiver.commands.subscriber:subscriber", "Subscribers of the ledger."),
    "device": ("receiver.commands.device:device", "Devices of the ledger."),
    "line": ("receiver.commands.line:line", "Telephone lines of the ledger."),
    "config": ("receiver.commands.config:config", "Check a configuration file."),
    "status": ("receiver.commands.status:status", "Say how the running receiver is."),
    "doctor": ("receiver.commands.doctor:doctor", "Look at an installation and say what is wrong."),
    "konan": ("scenarios.konan.commands:konan", "The Konan contract: try the rules."),
    "sim": ("sim.commands:sim", "Simulated panels and modems, to test any receiver with."),
}


def scenario(name: str) -> Scenario:
    """The contract of this name, from its folder under `scenarios/`."""
    from receiver.errors import BadInput

    try:
        module = import_module(f"scenarios.{name}")
    except ModuleNotFoundError:
        raise BadInput(f"there is no contract {name!r} under scenarios/") from None
    found: Scenario = module.SCENARIO
    return found


def demonstration(installation: Installation | None, once: bool) -> int:
    """The stories of `yobirin run --demo`, played by `sim/demo.py`."""
    from sim.demo import demonstrate

    return demonstrate(installation, once, scenario("konan"))


class LazyGroup(click.Group):
    """A group whose members are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in sorted(COMMANDS) if name != "journal"])


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="yobirin", message="%(prog)s %(version)s")
def yobirin() -> None:
    """Yobirin (呼び鈴): an open receiving centre for emergency calls."""


def complain(line: str) -> None:
    """To standard error; a log that cannot be written must not change the exit code."""
    with suppress(OSError):
        click.echo(line, err=True)


def main() -> None:
    """Entry point: errors are one line on stderr and an exit code, never a traceback."""
    from receiver.errors import YobirinError

    try:
        result = yobirin.main(standalone_mode=False, prog_name="yobirin", obj=Wiring(scenario, demonstration))
    except click.exceptions.NoArgsIsHelpError as help_text:
        complain(help_text.format_message())
        sys.exit(2)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        complain(f"yobirin: {error.format_message()}")
        sys.exit(error.exit_code)
    except YobirinError as error:
        for line in error.details:
            complain(f"yobirin: {line}")
        complain(f"yobirin: {error}")
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:
        if os.environ.get("YOBIRIN_TRACEBACK"):
            raise
        where = error.__traceback__
        while where is not None and where.tb_next is not None:
            where = where.tb_next
        place = f"{where.tb_frame.f_code.co_filename}:{where.tb_lineno}" if where else "?"
        what = f"a fault of this program, please report it: {type(error).__name__}: {error}".splitlines()[0]
        complain(f"yobirin: {what} ({place}; YOBIRIN_TRACEBACK=1 shows more)")
        sys.exit(2)
    sys.exit(result if isinstance(result, int) else 0)


if __name__ == "__main__":
    main()
