"""A case that nobody touches and nothing brings back: somebody is told (I11).

Every open case has a running timer. Where a row starts none, because a person is at work, T_IDLE is it:
it begins anew with whatever is recorded, and ends when another timer runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from receiver.rules.case import Case
from receiver.rules.fact import Refused
from receiver.rules.table import ANY, Row, Table, one_of
from scenarios.konan.settings import Settings
from scenarios.konan.tables import BEGIN
from scenarios.konan.turn import Turn, hours, minutes
from scenarios.konan.words import Does, State


@dataclass(frozen=True, slots=True)
class Told:
    """Who is told, and after how long (microseconds) without a touch."""

    level: str
    after: Callable[[Settings], int]


RESTING: Final = one_of(
    State.FALSE_ALARM,
    State.ADVISED,
    State.REPORT_DUE,
    State.WAITING,
    State.CALL_DUE,
    State.CALLED,
    State.VISIT_ORDER,
)
"""Nobody is on the line and nobody is waiting for help: an entry, a visit, a signal is still to come."""

LEFT_ALONE: Final = Table[Told](
    "left alone",
    ("state",),
    [
        Row("K-11.1b", RESTING, then=Told("console", lambda settings: hours(settings.t_left_open_h)), name="resting"),
        Row("K-11.1b", ANY, then=Told("supervisor", lambda settings: minutes(settings.t_idle_min)), name="in hand"),
    ],
    since=BEGIN,
)


def watch(turn: Turn, case: Case) -> None:
    """See to it that a timer of this case runs, after whatever was decided."""
    steps = turn.steps
    steps.turn_to(case)
    if not steps.case.is_open:
        return
    found = LEFT_ALONE.find(steps.case.state)
    with steps.under(found):
        if steps.running() - {Does.T_IDLE}:
            steps.cancel(Does.T_IDLE)
        elif steps.timer(Does.T_IDLE) is None or steps.changed:
            steps.start(Does.T_IDLE, found.then.after(turn.settings))


def tell(turn: Turn) -> Refused | None:
    """T_IDLE came back. `watch` starts it again: it is said until somebody comes."""
    turn.steps.alert(LEFT_ALONE.find(turn.case.state).then.level, "left_alone")
    return None
