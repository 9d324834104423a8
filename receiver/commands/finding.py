"""What a look at something found, and how it is shown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import click

from receiver.errors import PartlyDone

Level = Literal["good", "note", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it is, and what to do about it."""

    level: Level
    about: str
    says: str
    do: str = ""


def show(findings: Sequence[Finding], *, as_json: bool) -> None:
    """One line each. Raises PartlyDone (exit 1) if anything is wrong."""
    for found in findings:
        if as_json:
            click.echo(json.dumps(asdict(found), ensure_ascii=False))
        else:
            click.echo(f"{found.level:5}  {found.about}: {found.says}" + (f" → {found.do}" if found.do else ""))
    wrong = sum(found.level == "wrong" for found in findings)
    if wrong:
        raise PartlyDone(f"{wrong} of {len(findings)} findings are wrong")
