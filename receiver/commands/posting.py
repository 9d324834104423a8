"""The one way from a command-line verb to the centre's desk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from receiver.installation import Installation


def post_verb(
    installation: Installation,
    verb: str,
    args: dict[str, Any],
    *,
    on_behalf: str | None = None,
    version: int | None = None,
    contract: str = "konan",
) -> dict[str, Any]:
    """The desk's reply to a verb, in the name of the OS user (`on_behalf`: of somebody this user acts for)."""
    from receiver.centre.client import new_command, post
    from receiver.clock import clock_from_environment
    from receiver.commands.wiring import wiring

    actor = os_account() + (f"/{on_behalf}" if on_behalf else "")
    load = wiring().scenario
    return post(
        installation,
        lambda: load(contract),
        contract,
        new_command(verb, args, actor, version),
        clock_from_environment(),
        lambda line: click.echo(f"yobirin: {line}", err=True),
    )


def os_account() -> str:
    """The account tied to the OS user who runs this command."""
    import os
    import pwd

    try:
        return f"os:{pwd.getpwuid(os.getuid()).pw_name}"
    except KeyError:
        return f"os:{os.getuid()}"


def existing(installation: Installation, path: Path) -> Path:
    """`path` if it is there; StoreUnavailable with what to do if the installation never ran."""
    from receiver.errors import StoreUnavailable

    if not path.exists():
        raise StoreUnavailable(
            f"{installation.data}: no installation here; name one with --data, or start it: yobirin run"
        )
    return path
