"""`yobirin config check`: is this file one that the receiver would start with?"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from receiver.commands.installation import config_file
from receiver.errors import BadInput


@click.group()
def config() -> None:
    """Check a configuration file."""


@config.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--config", "config_path", type=click.Path(path_type=Path), default=None, help="Configuration file.")
@click.option("--json", "as_json", is_flag=True, help="Print every setting in force, as one JSON object.")
def check(file: Path | None, config_path: Path | None, as_json: bool) -> None:
    """Check FILE as a whole, or the file that --config or YOBIRIN_CONFIG names; change nothing."""
    path = file or config_file(config_path)
    if path is None:
        raise BadInput("no configuration file named; write: yobirin config check FILE")
    from receiver.commands.intake import settings_of
    from receiver.commands.wiring import wiring
    from receiver.config import load

    found = load(path)
    try:  # what only those who use it can judge
        settings_of(found)
        wiring().scenario("konan").under(found.konan)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None
    if as_json:
        click.echo(
            json.dumps(asdict(found), ensure_ascii=False, default=lambda value: getattr(value, "value", str(value)))
        )
        return
    lines = ", ".join(line.uri for line in found.lines) or "no lines"
    broker = f"MQTT to {found.mqtt.host}:{found.mqtt.port}" if found.mqtt else "no MQTT"
    click.echo(f"{path}: good; data in {found.data}; {lines}; {broker}")
