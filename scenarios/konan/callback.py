"""The call-back, shared by all flows: who was rung, who answered, where they are (flows §2.2, §2.4)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from receiver.rules.fact import Refused
from scenarios.konan.turn import Turn, seconds
from scenarios.konan.words import Does, State

CALL_TIMERS: Final = (
    Does.T_CB_START,
    Does.T_RING,
    Does.T_BUSY,
    Does.T_VOICE,
    Does.T_CB_TOTAL,
    Does.T_UNATTENDED,
    Does.T_TEST_CONFIRM,
)
"""Timers of a call-back that is not over."""


class AnsweredBy(StrEnum):
    """Who or what took the call. Only the first two are a talk; the others tell nothing of the subscriber (O3)."""

    SUBSCRIBER = "subscriber"
    INFORMED = "informed"
    UNINFORMED = "uninformed"
    UNINTELLIGIBLE = "unintelligible"
    DEVICE = "device"
    MACHINE = "machine"
    FAX = "fax"
    NOT_IN_SERVICE = "not_in_service"


IN_JAPANESE: Final = {
    "本人": AnsweredBy.SUBSCRIBER,
    "家族": AnsweredBy.INFORMED,
    "協力員": AnsweredBy.INFORMED,
    "様子を知る人": AnsweredBy.INFORMED,
    "様子を知らない人": AnsweredBy.UNINFORMED,
    "聞き取れない": AnsweredBy.UNINTELLIGIBLE,
    "装置": AnsweredBy.DEVICE,
    "留守番電話": AnsweredBy.MACHINE,
    "ファクス": AnsweredBy.FAX,
    "番号不使用": AnsweredBy.NOT_IN_SERVICE,
}

TALK: Final = frozenset({AnsweredBy.SUBSCRIBER, AnsweredBy.INFORMED})
NOBODY_SPEAKS: Final = frozenset({AnsweredBy.UNINTELLIGIBLE, AnsweredBy.DEVICE})

ADDRESS_VALUES: Final = ("confirmed", "confirmed_by_other", "differs", "not_possible")


def answered_by(turn: Turn) -> AnsweredBy | Refused:
    """The answerer, in English or Japanese; `subscriber` if nothing is said."""
    said = str(turn.said("by", "subscriber"))
    if said in IN_JAPANESE:
        return IN_JAPANESE[said]
    try:
        return AnsweredBy(said)
    except ValueError:
        known = ", ".join(value.value for value in AnsweredBy)
        return Refused(
            "K-11.2.1a", f"answered by {said!r}: say one of {known} (or in Japanese {', '.join(IN_JAPANESE)})"
        )


def call_back_clocks(turn: Turn, *, since_us: int) -> None:
    """T_CB_START and T_CB_TOTAL; since_us: the first reception (T1), or when a call-back became due anew."""
    turn.steps.start(Does.T_CB_START, seconds(turn.settings.t_cb_start_s), clause="K-11.2.1a", since_us=since_us)
    turn.steps.start(Does.T_CB_TOTAL, seconds(turn.settings.t_cb_total_s), clause="K-11.3.1", since_us=since_us)


def path_of(turn: Turn) -> str:
    """`inbound`: the path that the unit's own call left open; `dialled`: we ring the home."""
    return "inbound" if turn.said("path") == "inbound" else "dialled"


def record_call(turn: Turn, result: str, **values: object) -> None:
    """Note a step of the call-back; the number is sealed, the path (`dialled`, `inbound`) is not."""
    private = {"number": turn.said("number"), "by": turn.said("by")}
    turn.steps.record("case.callback", result=result, private=private, **values)


def dial(turn: Turn) -> Refused | None:
    """The call-back begins: the number rings, or the open hands-free path is used (O2)."""
    turn.own()
    path = path_of(turn)
    turn.steps.cancel(Does.T_CB_START, Does.T_UNATTENDED, Does.T_VOICE)
    if path == "inbound":
        listen(turn, path)
        return None
    record_call(turn, "started", state=State.CALLING, call_started=True, path=path)
    turn.steps.start(Does.T_RING, seconds(turn.settings.t_ring_s), clause="K-11.2.1a")
    return None


def listen(turn: Turn, path: str) -> None:
    """A path stands, nobody has spoken intelligibly yet: wait T_VOICE for a voice."""
    turn.steps.cancel(Does.T_RING, Does.T_BUSY, Does.T_CB_START, Does.T_UNATTENDED)
    record_call(turn, "connected", state=State.TALKING, call_started=True, path=path)
    turn.steps.start(Does.T_VOICE, seconds(turn.settings.t_voice_s), clause="K-11.2.1a")


def talk(turn: Turn, by: AnsweredBy) -> None:
    """A person who can say how the subscriber is has spoken: the clock of the unanswered call stops."""
    turn.steps.cancel(*CALL_TIMERS)
    record_call(turn, "answered", state=State.TALKING, call_started=True, talked=True, answered_by=by.value)


def record_address(turn: Turn, address: object) -> Refused | None:
    """Answer the address question (K-11.2.1b): a table of `value` and `text`; what was spoken is sealed."""
    if address is None:
        return None
    if not isinstance(address, Mapping):
        return Refused("K-11.2.1b", f"address {address!r}: say one of {', '.join(ADDRESS_VALUES)}")
    value = address.get("value")
    if value not in ADDRESS_VALUES:
        return Refused("K-11.2.1b", f"address {value!r}: say one of {', '.join(ADDRESS_VALUES)}")
    text = address.get("text") or address.get("reason")
    if value in ("differs", "not_possible") and not text:
        return Refused("K-11.2.1b", f"address {value}: say {'the address' if value == 'differs' else 'the reason'}")
    steps = turn.steps
    flags = turn.case.flags | {"address_differs"} if value == "differs" else turn.case.flags - {"address_differs"}
    steps.record("case.address", clause="K-11.2.1b", address=value, flags=flags, private={"text": text})
    steps.settle("address")
    steps.cancel(Does.T_ADDR)
    if value == "differs":  # dispatch goes to the spoken address; the ledger waits for the city (flows §2.4)
        steps.alert("console", "address_differs", clause="K-11.2.1b")
    return None
