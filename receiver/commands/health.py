"""`yobirin health`: the process that watches over the others."""

from __future__ import annotations

import click

from receiver.commands.installation import installation_options
from receiver.installation import Installation


@click.command()
@click.option("--supervised", is_flag=True, hidden=True, help="End when the supervisor is gone.")
@installation_options
def health(supervised: bool, installation: Installation) -> None:
    """Run the watch over the receiver alone (for a service manager).

    It answers /healthz, /readyz, /metrics and /status on `health.listen`, asks for `heartbeat_url` while the
    receiver is ready, and raises the alarms that nobody else can.
    """
    import asyncio

    from receiver.clock import clock_from_environment
    from receiver.config import default, load
    from receiver.health.daemon import serve
    from receiver.report import plain_report
    from receiver.supervisor import end_with_parent

    if supervised:
        end_with_parent()
    config = load(installation.config) if installation.config else default(installation.data)
    asyncio.run(serve(installation, config, clock_from_environment(), plain_report))
