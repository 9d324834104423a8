"""`yobirin run`: the receiver in the foreground, or its demonstration."""

from __future__ import annotations

from pathlib import Path

import click

from receiver.commands.installation import config_file, find_installation


@click.command()
@click.option("--demo", is_flag=True, help="Play the demonstration: simulated units ring the real daemon.")
@click.option("--once", is_flag=True, help="With --demo: end when the stories are told.")
@click.option("--data", type=click.Path(path_type=Path), default=None, help="The installation's folder.")
@click.option("--config", "config_path", type=click.Path(path_type=Path), default=None, help="Configuration file.")
@click.option(
    "--line", "lines", multiple=True, metavar="URI", help="A line to serve, besides those of the configuration."
)
def run(demo: bool, once: bool, data: Path | None, config_path: Path | None, lines: tuple[str, ...]) -> None:
    """Start the receiver: intake, centre, health and outputs as one process group, until Ctrl-C."""
    import asyncio
    import os

    from drivers.registry import split_name
    from receiver.commands.wiring import wiring
    from receiver.errors import BadInput
    from receiver.report import plain_report
    from receiver.supervisor import Part, supervise

    if demo:
        if config_path is not None or lines:
            raise BadInput("--demo brings its own lines and settings; leave --config and --line out")
        named = data is not None or bool(os.environ.get("YOBIRIN_DATA"))
        click.get_current_context().exit(wiring().demonstration(find_installation(data, None) if named else None, once))
    if once:
        raise BadInput("--once goes with --demo")
    for uri in lines:
        try:
            split_name(uri)
        except ValueError as error:
            raise BadInput(str(error)) from None
    config_path = config_file(config_path)
    has_outputs = False
    if config_path is not None:
        from receiver.config import load
        from receiver.output.ports import check

        config = load(config_path)  # refused as a whole before anything starts
        check(config)
        has_outputs = bool(config.outputs)
    installation = find_installation(data, config_path)
    if installation.demonstration and not os.environ.get("YOBIRIN_DEMO_CLOCK"):
        raise BadInput(f"{installation.data} was made by the demonstration; choose another --data for real use")
    where = ["--data", str(installation.data), *(["--config", str(config_path)] if config_path else [])]
    wanted = [argument for uri in lines for argument in ("--line", uri)]
    plain_report(f"data: {installation.data}")
    parts = [Part("intake", ["intake", *where, *wanted], understudy=True), Part("centre", ["centre", *where])]
    parts.append(Part("health", ["health", *where]))
    if has_outputs:
        parts.append(Part("output", ["output", "run", *where]))
    asyncio.run(supervise(parts, plain_report, config_path, installation.last_good))
