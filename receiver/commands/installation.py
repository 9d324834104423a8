"""`--data` and `--config`, for every command that touches an installation."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from receiver.installation import Installation

F = TypeVar("F", bound=Callable[..., Any])


def installation_options(command: F) -> F:
    """Give the command an `installation`: `--data` > `YOBIRIN_DATA` > the file's `data` > `./data`."""

    @click.option("--data", type=click.Path(path_type=Path), default=None, help="The installation's folder.")
    @click.option("--config", "config_path", type=click.Path(path_type=Path), default=None, help="Configuration file.")
    @wraps(command)
    def wrapped(*args: Any, data: Path | None, config_path: Path | None, **kwargs: Any) -> Any:
        kwargs["installation"] = find_installation(data, config_path)
        return command(*args, **kwargs)

    return wrapped  # type: ignore[return-value]


def config_file(option: Path | None) -> Path | None:
    """The configuration file in force, or None: `--config` > `YOBIRIN_CONFIG`."""
    if option is not None:
        return option
    named = os.environ.get("YOBIRIN_CONFIG")
    return Path(named) if named else None


def find_installation(data: Path | None, config_path: Path | None) -> Installation:
    """The installation a command is meant for."""
    path = config_file(config_path)
    if data is None and os.environ.get("YOBIRIN_DATA"):
        data = Path(os.environ["YOBIRIN_DATA"])
    if data is None and path is not None:
        from receiver.config import load

        data = load(path).data
    return Installation((data or Path("data")).absolute(), path.absolute() if path else None)
