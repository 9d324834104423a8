"""What only the command line's root knows: which contracts there are. `receiver/` looks no city up (style §3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from receiver.installation import Installation
    from receiver.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Wiring:
    """Handed down by `cli.py` as click's context object; everything in it imports on use.

    scenario      contract name → what it hands over; BadInput if there is no such contract
    demonstration plays the stories of `yobirin run --demo` on an installation; (installation, once) → exit code
    """

    scenario: Callable[[str], Scenario]
    demonstration: Callable[[Installation | None, bool], int]


def wiring() -> Wiring:
    """The wiring of the command that is being run."""
    found = click.get_current_context().find_root().obj
    assert isinstance(found, Wiring), "a command of yobirin runs under cli.main"
    return found
