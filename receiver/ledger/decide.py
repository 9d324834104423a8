"""What becomes of a wish to change the ledger: drafts of events, or a refusal with its clause. Pure.

The verbs are in `people.py` and `devices.py`. `subscriber.import` tries its rows one after the other
on a fork, so that a row sees those before it, and keeps nothing unless all are good.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from receiver.clock import Now
from receiver.errors import BadInput
from receiver.event import Draft, Json
from receiver.ledger import arguments, devices, people
from receiver.ledger.arguments import Denied
from receiver.ledger.ledger import Ledger
from receiver.rules.fact import Decision, Fact, Refused

ROWS_MAX: Final = 10_000  # one transaction: 1,000 rows keep the centre busy for a second or two
REFUSALS_MAX: Final = 200  # lines of details; the rest is counted


def decide(ledger: Ledger, fact: Fact, now: Now) -> Decision | Refused:
    """The events that a verb of the ledger leads to. BadInput if its arguments cannot be read."""
    verb = VERBS.get(fact.type)
    if verb is None:
        raise BadInput(f"unknown verb {fact.type!r}")
    try:
        return Decision(verb(ledger, fact.payload, now))
    except Denied as denied:
        return denied.refused
    except ValueError as error:
        raise BadInput(str(error)) from None


def import_subscribers(ledger: Ledger, args: Json, now: Now) -> tuple[Draft, ...]:
    """All rows or none: each bad one is named with its line in the file and the reason.

    rows: [{line, subscriber: {…}, device: {…} or null, install: {…}, phone_line: {…} or null}]
    """
    arguments.known_only(args, "rows", "source")
    source, rows = arguments.source(args), args.get("rows")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, Mapping) for row in rows):
        raise ValueError("rows: no list of rows, or an empty one")
    if len(rows) > ROWS_MAX:
        raise ValueError(f"rows: {len(rows)}, at most {ROWS_MAX} in one import; split the file")
    scratch = ledger.fork()
    drafts: list[Draft] = []
    bad: list[tuple[str, str]] = []
    for row in rows:
        try:
            drafts += import_row(scratch, row, str(source), now)
        except Denied as denied:
            bad.append((denied.refused.clause, f"line {row.get('line', '?')}: {denied.refused.reason}"))
        except ValueError as error:
            bad.append(("K-12.1.1a", f"line {row.get('line', '?')}: {error}"))
    if bad:
        raise Denied(refusal_of(bad, len(rows)))
    return tuple(drafts)


def refusal_of(bad: list[tuple[str, str]], rows: int) -> Refused:
    """One refusal that names every bad row."""
    details = [f"{line} ({clause})" for clause, line in bad[:REFUSALS_MAX]]
    if len(bad) > REFUSALS_MAX:
        details.append(f"and {len(bad) - REFUSALS_MAX} rows more")
    clauses = ", ".join(dict.fromkeys(clause for clause, _ in bad))
    return Refused(clauses, f"{len(bad)} of {rows} rows cannot be taken; nothing was changed", tuple(details))


def import_row(scratch: Ledger, row: Json, source: str, now: Now) -> list[Draft]:
    """One row's person, device and line, tried on the fork and left there."""
    person = part(row, "subscriber")
    who = {"subscriber": person.get("id_number"), "in_city": person.get("city"), "source": source}
    steps: list[tuple[str, dict[str, Any]]] = [("subscriber.add", {**person, "source": source})]
    if device := part(row, "device"):
        place = {**part(row, "install"), **who, "device": device.get("serial")}
        steps += [("device.add", {**device, "source": source}), ("device.install", place)]
    if line := part(row, "phone_line"):
        steps.append(("line.add", {**line, **who}))
    drafts: list[Draft] = []
    for verb, args in steps:
        for draft in VERBS[verb](scratch, args, now):
            scratch.apply(draft.type, draft.payload, draft.private, at_us=now.utc_us, subject=draft.subject)
            drafts.append(draft)
    return drafts


def part(row: Json, name: str) -> dict[str, Any]:
    value = row.get(name) or {}
    if not isinstance(value, Mapping):
        raise ValueError(f"{name}: must be an object")
    return dict(value)


VERBS: Final[dict[str, Callable[[Ledger, Json, Now], tuple[Draft, ...]]]] = {
    "subscriber.add": people.add,
    "subscriber.change": people.change,
    "subscriber.status": people.set_status,
    "subscriber.export": people.export,
    "subscriber.import": import_subscribers,
    "device.add": devices.add,
    "device.install": devices.install,
    "device.remove": devices.remove,
    "device.state": devices.set_state,
    "line.add": devices.add_line,
    "line.end": devices.end_line,
}
