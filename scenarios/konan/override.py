"""A second qualified person takes a decision back, or ends the case: the only way past the guards (flows I3 d)."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from receiver.rules.fact import Refused
from scenarios.konan.callback import CALL_TIMERS, call_back_clocks
from scenarios.konan.turn import Turn, seconds
from scenarios.konan.words import Does, Flow, State

DISPATCH_TIMERS: Final = (
    Does.T_DISPATCH,
    Does.T_FIRE_ACK,
    Does.T_OUTCOME,
    Does.T_DEST,
    Does.T_CONTACT,
    Does.T_REPORT,
    Does.T_REDIAL,
    Does.T_FOLLOW_UP,
)
"""Timers of whatever an override takes back."""
SAME_WORDS: Final = re.compile(r"[\s/:・]+")
NAME: Final = re.compile(r"[^\W_][\w 　.,:/@・'-]{0,39}")
DIGITS_MAX: Final = 4
"""A name may end in a number; a telephone number is none."""


def same_person(one: str, other: str) -> bool:
    """True if the two may be names of one person: `os:x/鈴木 花子` is also x, 鈴木花子, 鈴木 and 花子.

    There is no register of staff yet; until then a name that is part of the other counts as the same.
    """
    return _plain(one) in _names(other) or _plain(other) in _names(one)


def _names(name: str) -> frozenset[str]:
    name = unicodedata.normalize("NFKC", name)
    account, _, after = name.rpartition("/")
    return frozenset(_plain(part) for part in (name, after, account, *SAME_WORDS.split(name))) - {""}


def _plain(name: str) -> str:
    return SAME_WORDS.sub("", unicodedata.normalize("NFKC", name)).casefold()


def override(turn: Turn) -> Refused | None:
    """d: a second person takes the decision back or ends the case, with a reason and both names."""
    case, second = turn.case, turn.said("second")
    to = str(turn.said("to", "CLOSED")).upper()
    if not second or not turn.said("reason"):
        return Refused("K-11.3.1", "an override needs a second qualified person and the reason: --second, --reason")
    if not isinstance(second, str) or not NAME.fullmatch(second) or len(re.findall(r"\d", second)) > DIGITS_MAX:
        return Refused("form", "--second: the name or account of the second person, and nothing else")
    if same_person(turn.fact.actor, second):
        return Refused("K-11.3.1", f"the second person must be somebody else than {turn.fact.actor}: the full name")
    if to not in ("CLOSED", "TALKING"):
        return Refused("K-11.3.1", f"override to {to!r}: closed or talking")
    if case.state in (State.UNATTENDED, State.CALLBACK_DUE):
        return Refused("K-11.3.1", "nobody has called back yet: an unattended case is never closed")
    with_duties = sorted(case.duties)
    turn.own()
    turn.steps.record("case.override", second=second, to=to, private={"reason": turn.said("reason")})
    if to == "CLOSED":
        turn.steps.close("d", left_open=with_duties)
    else:
        _take_back(turn)
    return None


def _take_back(turn: Turn) -> None:
    """Nobody is sent for any more, as far as the case goes: the talk decides; where there was none, a call-back is due.

    Whoever is on the way is told by telephone and only turns back on the fire HQ's word.
    """
    case, steps = turn.case, turn.steps
    if case.requested:
        steps.alert("console", "tell_fire_new_facts")
    steps.cancel(*CALL_TIMERS, *DISPATCH_TIMERS)
    for duty in sorted(case.duties):
        if duty == "contact_person" or duty.startswith("accepted_by:"):
            steps.settle(duty)
    nobody: frozenset[str] = frozenset()
    steps.record(
        "case.state", required=nobody, requested=nobody, accepted=nobody, basis=None, outcome=None, reported=False
    )
    if case.talked:
        steps.record("case.state", state=State.TALKING)
    elif case.flow == Flow.EMERGENCY:
        steps.record("case.state", state=State.CALLBACK_DUE, owner=None, call_started=False, path=None)
        steps.start(Does.T_ACCEPT, seconds(turn.settings.t_accept_s), clause="K-11.1b")
        call_back_clocks(turn, since_us=turn.now.utc_us)
    else:
        steps.record("case.state", state=State.RECEIVED, owner=None, call_started=False, path=None)
        steps.start(Does.T_ACCEPT, seconds(turn.settings.t_accept_consultation_s), clause="K-11.1b")
