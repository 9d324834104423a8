"""Writes `cli.md` from the commands themselves: `make reference`.

What is not in a command's own help cannot be in the reference, so the help is written for people.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from cli import yobirin

TARGET = Path(__file__).with_name("cli.md")
HEAD = """\
# Command line

Written by `make reference` from the commands' own help; do not edit.

Results go to stdout, messages to stderr. `--json` gives one object, or JSON Lines for streams.

| exit | means |
|---|---|
| 0 | done; also a recording without frames |
| 1 | found wanting, or partly done: a check failed, a file cut short, some of a list unreadable; the rest is printed |
| 2 | nothing done: bad input, wrong usage, or refused by a rule, whose clause is named |
| 75 | the store is not available |

An error is one line that names the input, the reason and what to do. Commands that touch an
installation take `--data DIR` (`YOBIRIN_DATA`) and `--config FILE` (`YOBIRIN_CONFIG`); of the places
that name the data folder the first holds: `--data`, `YOBIRIN_DATA`, the file's `data`, `./data`.
"""


def commands(group: click.Group, context: click.Context, path: str = "yobirin") -> Iterator[tuple[str, click.Command]]:
    """Every command below `group`, groups before their members; what does not import is left out."""
    for name in group.list_commands(context):
        try:
            command = group.get_command(context, name)
        except ImportError:
            continue
        if command is None or command.hidden:
            continue
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from commands(command, click.Context(command, parent=context, info_name=name), f"{path} {name}")


def every_command() -> list[tuple[str, click.Command]]:
    """All commands of `yobirin` with their full names."""
    return list(commands(yobirin, click.Context(yobirin, info_name="yobirin")))


def section(name: str, command: click.Command) -> str:
    """One command: heading, usage, help, options."""
    context = click.Context(command, info_name=name)
    arguments = " ".join(command.collect_usage_pieces(context))
    lines = [f"{'##' if name.count(' ') == 1 else '###'} {name}", "", f"    {name} {arguments}".rstrip(), ""]
    if text := (command.help or "").partition("\f")[0].strip():
        lines += [text.replace("\b\n", ""), ""]
    options = [option for option in command.get_params(context) if isinstance(option, click.Option)]
    described = [option for option in options if not option.hidden and "--help" not in option.opts]
    if described:
        lines += ["| option | |", "|---|---|", *(row(option, context) for option in described), ""]
    return "\n".join(lines)


def row(option: click.Option, context: click.Context) -> str:
    """One option as a line of the table."""
    names = ", ".join([*option.opts, *option.secondary_opts])
    value = "" if option.is_flag or option.count else f" {option.make_metavar(context)}"
    record = option.get_help_record(context)
    help_text = " ".join(record[1].split()) if record else ""
    names_and_value, said = f"{names}{value}".replace("|", "\\|"), help_text.replace("|", "\\|")
    return f"| `{names_and_value}` | {said} |"


def reference() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(section(name, command) for name, command in every_command())])


if __name__ == "__main__":
    TARGET.write_text(reference(), encoding="utf-8")
