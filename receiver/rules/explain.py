"""Why: each step of a case with its time, state, clause and row, and what is due next, with the arithmetic. Pure.

Reads events as they stand in the journal (open parts only); knows no contract beyond the clause quotes
it is handed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from receiver.clock import SECOND_US, local
from receiver.event import Json


class Event(Protocol):
    """What an event must have to be explained; a journal's `Record` has it."""

    @property
    def at_us(self) -> int: ...
    @property
    def type(self) -> str: ...
    @property
    def actor(self) -> str: ...
    @property
    def payload(self) -> Json: ...


@dataclass(frozen=True, slots=True)
class Step:
    """What was decided at once, under one row. state: of the case afterwards; texts: one line for each event."""

    at_us: int
    case: int | None
    actor: str
    clause: str
    quote: str
    row: str
    state: str | None
    because: Mapping[str, Any]
    texts: tuple[str, ...]
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """What comes next by itself, and how its time came about."""

    kind: str
    case: int | None
    due_us: int
    clause: str
    arithmetic: str


@dataclass(frozen=True, slots=True)
class Explanation:
    steps: tuple[Step, ...]
    due: tuple[Due, ...]


def of_case(events: Iterable[Event], case: int) -> list[Event]:
    """The events that belong to one case."""
    return [event for event in events if event.payload.get("case") == case]


def explain(events: Iterable[Event], clauses: Mapping[str, str]) -> Explanation:
    """Steps in order, and the timers that still run after the last event."""
    steps: list[Step] = []
    running: dict[str, Event] = {}
    states: dict[int | None, str | None] = {}
    for event in events:
        payload = event.payload
        if event.type == "timer.set":
            running[payload["timer"]] = event
        elif event.type == "timer.done":
            running.pop(payload["timer"], None)
        case = payload.get("case")
        if event.type.startswith(("case.", "task.")):
            states[case] = payload.get("state", states.get(case))
        text = told(event)
        if text is None:
            continue
        clause = payload.get("clause", "")
        step = Step(
            at_us=event.at_us,
            case=case,
            actor=event.actor,
            clause=clause,
            quote=clauses.get(clause, ""),
            row=payload.get("row", ""),
            state=states.get(case),
            because=payload.get("because", {}),
            texts=(text,),
            refused=event.type == "refused",
        )
        if steps and _same(steps[-1], step):
            before = steps.pop()
            step = Step(
                **{**_fields(step), "texts": (*before.texts, text), "clause": before.clause, "quote": before.quote}
            )
        steps.append(step)
    due = sorted((_due(event) for event in running.values()), key=lambda due: (due.due_us, due.kind))
    return Explanation(tuple(steps), tuple(due))


def _same(a: Step, b: Step) -> bool:
    return (a.at_us, a.case, a.row) == (b.at_us, b.case, b.row) and bool(a.row)


def _fields(step: Step) -> dict[str, Any]:
    return {name: getattr(step, name) for name in Step.__slots__}


TOLD: Final = (
    "result",
    "signal",
    "repeated",
    "target",
    "to",
    "basis",
    "propose",
    "address",
    "abnormal",
    "finding",
    "outcome",
    "duty",
    "level",
    "text_key",
    "suggestion",
    "owner",
    "identified",
    "flags",
    "guard",
    "second",
    "way",
    "battery",
    "appointment",
    "count",
    "by_us",
)
"""Payload fields worth a word, in the order in which they are said."""


def told(event: Event) -> str | None:
    """One line for an event; None for what only tidies up (a timer that is no longer needed)."""
    payload = event.payload
    if event.type == "timer.set":
        return f"{payload['kind']}: {arithmetic(payload)}"
    if event.type == "timer.done":
        if payload["how"] == "cancelled":
            return None
        late_s = payload.get("late_us", 0) / SECOND_US
        return f"{payload['kind']} due" + (f", {late_s:.0f} s late (restart or clock step)" if late_s >= 1 else "")
    if event.type == "task.released":
        return f"call may be made from {clock(payload['at_us'])}" + (
            f", suggestion: {payload['suggestion']}" if payload.get("suggestion") else ""
        )
    if event.type == "test.expected":
        if not payload.get("active", True):
            return "no periodic test expected while the service rests"
        return f"periodic test due {clock(payload['due_us'])}, missing after {clock(payload['missed_at_us'])}"
    if event.type == "refused":
        return f"{payload['verb']} refused: {payload['reason']}"
    words = [f"{name} {_value(payload[name])}" for name in TOLD if payload.get(name) not in (None, "", [], False)]
    if not words and payload.get("state"):
        words = [str(payload["state"])]
    return f"{event.type}{': ' if words else ''}{', '.join(words)}"


def _value(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def arithmetic(payload: Json) -> str:
    """How a timer's due time came about: `23:30:15 + 45 s → 23:31:00`, or `21:00:00 → quiet hours → 09:00:00`."""
    due, since = payload["due_us"], payload.get("since_us", payload["due_us"])
    if payload["mode"] == "elapsed":
        began = due - payload["length_us"]
        return f"{clock(began)} + {length(payload['length_us'])} → {clock(due, after=began)}"
    how = "quiet hours" if payload["quiet_bound"] else "by the calendar"
    return f"{clock(since)} → {how} → {clock(due, after=since)}"


def clock(at_us: int, *, after: int | None = None) -> str:
    """Local time; the date only where it is another day than `after`, or there is none."""
    moment = local(at_us)
    text = f"{moment:%H:%M:%S}"
    if moment.microsecond:
        text += f".{moment.microsecond // 1000:03}"
    if after is not None and local(after).date() == moment.date():
        return text
    return f"{moment:%Y-%m-%d} {text}"


def length(us: int) -> str:
    """45 s, 15 min."""
    seconds = us / SECOND_US
    return f"{seconds / 60:g} min" if seconds >= 180 and seconds % 60 == 0 else f"{seconds:g} s"


def _due(event: Event) -> Due:
    payload = event.payload
    return Due(payload["kind"], payload["case"], payload["due_us"], payload["clause"], arithmetic(payload))


def lines(explanation: Explanation) -> list[str]:
    """The explanation for reading: a line for each step, its events below, every clause quoted once."""
    repeats = _repeats(explanation.steps)
    out: list[str] = []
    quoted: set[str] = set()
    for step in explanation.steps:
        if repeats.get(id(step)) == 0:
            continue
        who = f"  by {step.actor}" if step.actor not in ("centre", "intake", "system") else ""
        case = f"case {step.case}" if step.case is not None else "-"
        out.append(f"{clock(step.at_us)}  {case:<8} {step.state or '-':<18} {step.clause:<10} {step.row}{who}")
        if step.quote and step.clause not in quoted:
            quoted.add(step.clause)
            out.append(f"      {step.quote}")
        if step.because:
            out.append("      because " + ", ".join(_reason(name, value) for name, value in step.because.items()))
        out.extend(f"      {text}" for text in step.texts)
        if repeats.get(id(step)):
            out.append(f"      … and {repeats[id(step)]} times more in the same way")
    out.append("due next:" if explanation.due else "nothing is due")
    for due in explanation.due:
        case = f"case {due.case}" if due.case is not None else "-"
        out.append(f"  {clock(due.due_us)}  {case:<8} {due.kind:<14} {due.clause:<10} {due.arithmetic}")
    return out


def _repeats(steps: tuple[Step, ...]) -> dict[int, int]:
    """Reminders that come back unchanged are said twice, then counted: step → how many follow (0: left out)."""
    counts: dict[int, int] = {}
    run: list[Step] = []
    for step in (*steps, None):
        if run and step is not None and _reminder(step) and _reminder(step) == _reminder(run[-1]):
            run.append(step)
            continue
        if len(run) > 3:
            counts |= {id(left_out): 0 for left_out in run[2:]} | {id(run[1]): len(run) - 2}
        run = [step] if step is not None else []
    return counts


def _reminder(step: Step) -> tuple[object, ...] | None:
    """What makes two reminders alike; None for a step that is no reminder."""
    if not any(text.startswith("alert.raised") for text in step.texts):
        return None
    return (step.case, step.row, step.state, len(step.texts))


def _reason(name: str, value: Any) -> str:
    return f"{name.removesuffix('_us')} {clock(value)}" if name.endswith("_us") else f"{name} {value}"


def as_json(explanation: Explanation) -> dict[str, Any]:
    """The explanation for programs; times as local ISO 8601 and as UTC microseconds."""
    return {
        "steps": [
            {
                "at": local(step.at_us).isoformat(),
                "at_us": step.at_us,
                "case": step.case,
                "state": step.state,
                "clause": step.clause,
                "row": step.row,
                "quote": step.quote,
                "actor": step.actor,
                "refused": step.refused,
                "because": dict(step.because),
                "events": list(step.texts),
            }
            for step in explanation.steps
        ],
        "due": [
            {
                "kind": due.kind,
                "case": due.case,
                "due": local(due.due_us).isoformat(),
                "due_us": due.due_us,
                "clause": due.clause,
                "arithmetic": due.arithmetic,
            }
            for due in explanation.due
        ],
    }
