"""`yobirin konan`: thin commands around the contract."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from receiver.errors import BadInput, PartlyDone

if TYPE_CHECKING:
    from scenarios.konan.play import Played


@click.group()
def konan() -> None:
    """The Konan contract: try its rules."""


@konan.command("try")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each step, then one with what is due.")
@click.option("--name", default=None, help="Only the case of this name.")
def try_(file: Path, as_json: bool, name: str | None) -> None:
    """Ask the rules: what would they do? FILE lists facts with their times (- reads them from stdin).

    Runs the real engine on a throw-away book with a clock of its own and prints every step with its
    time, state, clause and row. Exit code 1 if the file states expectations that are not met.
    """
    from scenarios.konan.play import play
    from scenarios.konan.story import read

    try:
        stories = read(_text(file))
        if name is not None:
            stories = tuple(story for story in stories if story.name == name)
            if not stories:
                raise ValueError(f"no case is called {name!r}")
        played = [play(story) for story in stories]
    except ValueError as error:
        raise BadInput(f"{file}: {error}") from None
    for one in played:
        for line in _json_lines(one) if as_json else _lines(one):
            click.echo(line)
    failures = tuple(failure for one in played for failure in one.failures)
    if failures:
        unmet = PartlyDone(f"{len(failures)} of the expectations are not met")
        unmet.details = failures
        raise unmet


def _text(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 text, at byte {error.start}") from None
    except OSError as error:
        raise ValueError(error.strerror or str(error)) from None


def _lines(played: Played) -> list[str]:
    from receiver.rules.explain import explain, lines
    from scenarios.konan.clauses import CLAUSES

    story = played.story
    heading = f"== {story.name}" + (f": {story.says}" if story.says else "")
    return [heading, *lines(explain(played.trial.events(), CLAUSES))]


def _json_lines(played: Played) -> list[str]:
    from receiver.rules.explain import as_json, explain
    from scenarios.konan.clauses import CLAUSES

    explained = as_json(explain(played.trial.events(), CLAUSES))
    name = played.story.name
    last = {"name": name, "due": explained["due"], "failures": list(played.failures)}
    return [
        json.dumps(item, ensure_ascii=False)
        for item in (*({"name": name, **step} for step in explained["steps"]), last)
    ]
