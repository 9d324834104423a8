"""`yobirin explain case N | reception N`: why each step was taken, under which clause and row, and what is due next."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from receiver.commands.installation import installation_options
from receiver.commands.numbers import case_number, reception_number
from receiver.commands.posting import existing
from receiver.installation import Installation

if TYPE_CHECKING:
    from receiver.event import Record
    from receiver.journal.export import Reception
    from receiver.rules.explain import Explanation


@click.group()
def explain() -> None:
    """Why: each step of a case or a reception."""


@explain.command()
@click.argument("number", type=case_number, metavar="N")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@installation_options
def case(number: int, as_json: bool, installation: Installation) -> None:
    """Each step of case N: time, state, clause, row, reason; and what is due next."""
    from receiver.commands.wiring import wiring
    from receiver.errors import BadInput
    from receiver.journal.reader import Reader
    from receiver.rules import explain as rules

    reader = Reader(existing(installation, installation.store_db("konan")))
    rows = reader.rows("SELECT seq FROM case_step WHERE case_no = ? ORDER BY seq", number)
    if not rows:
        raise BadInput(f"there is no case {number}; see: yobirin case list --all")
    events = [record for row in rows if (record := reader.record(row[0])) is not None]
    explanation = pointed(rules.explain(events, wiring().scenario("konan").clauses), events, number)
    if as_json:
        click.echo(json.dumps({"case": number, **rules.as_json(explanation)}, ensure_ascii=False))
    else:
        click.echo("\n".join(rules.lines(explanation)))


def pointed(explanation: Explanation, events: Sequence[Record], number: int) -> Explanation:
    """The explanation with a pointer behind each event that has words of its own; the words stay sealed here."""
    from receiver.rules.explain import told as rules_told

    written = {
        (event.at_us, rules_told(event)) for event in events if event.sealed is not None and event.type != "case.opened"
    }

    def line(at_us: int, text: str) -> str:
        return f"{text}  (text: case show {number})" if (at_us, text) in written else text

    return replace(
        explanation,
        steps=tuple(
            replace(step, texts=tuple(line(step.at_us, text) for text in step.texts)) for step in explanation.steps
        ),
    )


@explain.command()
@click.argument("number", type=reception_number, metavar="N")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@installation_options
def reception(number: int, as_json: bool, installation: Installation) -> None:
    """Why reception N was taken as it was, how fast it was acknowledged, and which case it belongs to."""
    from dataclasses import asdict

    from receiver.commands.events import reception_and_trail

    one, steps = reception_and_trail(installation, number)
    if as_json:
        click.echo(json.dumps({"reception": asdict(one), "events": steps}, ensure_ascii=False))
    else:
        click.echo("\n".join(reasons(one, steps)))


def reasons(one: Reception, steps: list[dict[str, Any]]) -> list[str]:
    """The call of a reception in plain words, one line a happening."""
    lines = [f"reception {one.id} on {one.line}, case {one.case_id or '-'}"]
    ends = {step["seq"]: step["payload"]["end"] for step in steps if step["type"] == "frame.accepted"}
    for step in steps:
        text = told(step["type"], step["payload"], here=step["seq"] == one.id)
        if step["type"] == "kissoff.started" and step["payload"].get("reception") in ends:
            after_ms = (step["payload"]["at_sample"] - ends[step["payload"]["reception"]]) / 8
            text = f"{text}: {after_ms:.0f} ms after the last digit"
        if text:
            lines.append(f"{step['at'][11:23]}  {text}")
    if one.kissed_off_at_unix is None:
        lines.append("not acknowledged: the unit was never told that we have it")
    return lines


def told(type_: str, payload: dict[str, Any], *, here: bool) -> str | None:
    """One event of a call, or None for what explains nothing."""
    mark = "  <- this reception" if here else ""
    match type_:
        case "call.started":
            withheld = payload.get("withheld")
            given = f"withheld ({withheld})" if withheld else "given" if payload.get("caller_given") else "not given"
            return f"call answered, caller's number {given}"
        case "frame.accepted":
            repeat = payload.get("duplicate_of")
            heard = f"check digit right, confidence {payload.get('confidence', 0):.3f}"
            why = "as its sender decoded it" if payload.get("path") is not None else heard
            again = f", a repetition of reception {repeat}" if repeat else ""
            return f"frame {payload['raw']} ({payload['format']}): {why}{again}{mark}"
        case "frame.rejected":
            best, evidence = payload.get("best") or "-", payload.get("evidence") or ""
            return f"not taken: {payload['reason']}, best reading {best} {evidence}".rstrip()
        case "call.unknown":
            return f"nobody could read it ({payload['kind']}), best reading {payload.get('best') or '-'}{mark}"
        case "kissoff.started":
            return f"kiss-off begins at {payload['at_sample'] / 8000:.3f} s of the call"
        case "kissoff.completed":
            return "kiss-off played to its last sample"
        case "kissoff.missed":
            return f"kiss-off not completed: {payload['reason']}"
        case "call.ended":
            return f"call ended: {payload['reason']}"
    return None
