"""`yobirin centre`: the centre's process alone."""

from __future__ import annotations

import click

from receiver.commands.installation import installation_options
from receiver.installation import Installation


@click.command()
@click.option("--supervised", is_flag=True, hidden=True, help="End when the supervisor is gone.")
@installation_options
def centre(supervised: bool, installation: Installation) -> None:
    """Run the centre process alone (for a service manager)."""
    import asyncio

    from receiver.centre.daemon import serve
    from receiver.clock import clock_from_environment
    from receiver.commands.wiring import wiring
    from receiver.report import plain_report
    from receiver.supervisor import end_with_parent

    if supervised:
        end_with_parent()
    scenario = wiring().scenario("konan")
    asyncio.run(serve(installation, scenario, clock_from_environment(), plain_report))
