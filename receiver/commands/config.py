"""`yobirin config check`: is this file one that the receiver would start with?"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from receiver.commands.installation import config_file
from receiver.errors import BadInput, PartlyDone

if TYPE_CHECKING:
    from receiver.config import Config


@click.group()
def config() -> None:
    """Check a configuration file."""


@config.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--config", "config_path", type=click.Path(path_type=Path), default=None, help="Configuration file.")
@click.option("--json", "as_json", is_flag=True, help="Print every setting in force, as one JSON object.")
def check(file: Path | None, config_path: Path | None, as_json: bool) -> None:
    """Check FILE as a whole, or the file that --config or YOBIRIN_CONFIG names; change nothing.

    Exit code 2: the receiver would not start with it, or a line would be deaf; 1: it would start, but a folder that it
    names cannot be used.
    """
    path = file or config_file(config_path)
    if path is None:
        raise BadInput("no configuration file named; write: yobirin config check FILE")
    from receiver.commands.intake import settings_of
    from receiver.commands.wiring import wiring
    from receiver.config import load
    from receiver.output.ports import check as check_outputs

    found = load(path)
    try:  # what only those who use it can judge
        settings_of(found)
        check_outputs(found)
        wiring().scenario("konan").under(found.konan)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None
    if bad := list(bad_names(found)):
        refusal = BadInput(f"{path}: {bad[0]}" if len(bad) == 1 else f"{path}: {len(bad)} lines that cannot be served")
        refusal.details = tuple(f"{path}: {problem}" for problem in bad) if len(bad) > 1 else ()
        raise refusal
    unusable = list(unusable_folders(found))
    if as_json:
        click.echo(
            json.dumps(asdict(found), ensure_ascii=False, default=lambda value: getattr(value, "value", str(value)))
        )
    elif not unusable:
        lines = ", ".join(line.uri for line in found.lines) or "no lines"
        broker = f"MQTT to {found.mqtt.host}:{found.mqtt.port}" if found.mqtt else "no MQTT"
        outputs = "".join(f"; output {output.name} to {output.uri}" for output in found.outputs)
        click.echo(f"{path}: good; data in {found.data}; {lines}; {broker}{outputs}")
    if unusable:
        wanting = PartlyDone(f"{path}: the receiver would start, but not all folders named there can be used")
        wanting.details = tuple(f"{path}: {problem}" for problem in unusable)
        raise wanting


def bad_names(config: Config) -> Iterator[str]:
    """One line for each line of which nothing can be made: its place, its options, its file of keys."""
    from drivers.registry import check_name

    for line in config.lines:
        try:
            check_name(line.uri)
        except ValueError as error:
            yield f"line {error}"


def unusable_folders(config: Config) -> Iterator[str]:
    """One line for each folder of a line that is not there, and each mirror that nothing can be written to."""
    for line in config.lines:
        scheme, _, rest = line.uri.partition(":")
        folder = Path(rest.partition("?")[0])
        if scheme in ("wav", "pcap") and not folder.is_dir():
            yield f"line {line.uri}: the folder is not there; mkdir {folder}"
    for mirror in config.mirror:
        if (problem := _unwritable(mirror)) is not None:
            yield f"mirror {mirror}: {problem}"


def _unwritable(folder: Path) -> str | None:
    """Why no file could be made in this folder, or in one made anew at its place; None: it could."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        if not there.is_dir():
            return f"{there} is no folder"
        if os.statvfs(there).f_blocks == 0:  # /proc, /sys: no disk behind them
            return f"{there} is no place for files"
    except OSError as error:
        return f"{there} cannot be read: {error.strerror}"
    return None if os.access(there, os.W_OK | os.X_OK) else f"this user may not write to {there}"
