"""`yobirin case …`: what operators do with a case. Parse, post to the desk, print; no rule is in here."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import click

from receiver.commands.installation import installation_options
from receiver.commands.numbers import case_number
from receiver.commands.posting import post_verb
from receiver.installation import Installation

F = TypeVar("F", bound=Callable[..., Any])


@click.group()
def case() -> None:
    """What operators do with a case: accept, call back, judge, dispatch, close."""


def verb(name: str) -> Callable[[F], click.Command]:
    """A verb on case N: the function gives its arguments, the desk does the rest."""

    def decorate(function: F) -> click.Command:
        @case.command(name, help=function.__doc__)
        @click.argument("number", type=case_number, metavar="N")
        @click.option("--as", "on_behalf", metavar="NAME", help="Act for somebody; both names are kept.")
        @click.option("--version-seen", type=int, help="Refuse if the case has changed since this version.")
        @click.option("--json", "as_json", is_flag=True, help="Print the reply as JSON.")
        @installation_options
        @wraps(function)
        def command(
            number: int,
            on_behalf: str | None,
            version_seen: int | None,
            as_json: bool,
            installation: Installation,
            **options: Any,
        ) -> None:
            args = {"case": number, **function(**options)}
            reply = post_verb(installation, f"case.{name}", args, on_behalf=on_behalf, version=version_seen)
            click.echo(json.dumps(reply, ensure_ascii=False) if as_json else "\n".join(lines_of(reply)))

        return command

    return decorate


def lines_of(reply: dict[str, Any]) -> list[str]:
    """What became of a command, one line an event; timers are left to `explain`."""
    if reply.get("repeated"):
        return ["already done by the same command"]
    lines = []
    for event in reply["events"]:
        payload = event["payload"]
        if event["type"].startswith("timer."):
            continue
        state = f" -> {payload['state']}" if payload.get("state") else ""
        clause = f" ({payload['clause']})" if payload.get("clause") else ""
        lines.append(f"case {payload.get('case', '-')}: {event['type']}{state}{clause}")
    return lines


@case.command("list")
@click.option("--all", "everything", is_flag=True, help="Closed cases too.")
@click.option("--each", is_flag=True, help="Every case on a line of its own, also where many homes say the same.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for each case.")
@installation_options
def list_cases(everything: bool, each: bool, as_json: bool, installation: Installation) -> None:
    """Cases, most urgent first, then who has waited longest, with whose they are.

    What the same unit signal from many homes began (a power cut in a town) is one line with how many and where.
    Whoever pressed a button stands by themselves, always, and first.
    """
    from receiver.commands.case_list import case_list

    listed = case_list(installation, everything=everything)
    if listed.why_no_names:
        click.echo(f"yobirin: {listed.why_no_names}", err=True)
    for line in [json.dumps(one, ensure_ascii=False) for one in listed.cases] if as_json else listed.lines(each=each):
        click.echo(line)


@case.command()
@click.argument("number", type=case_number, metavar="N")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@installation_options
def show(number: int, as_json: bool, installation: Installation) -> None:
    """The case and the card of the home: who, where, which number to call, what was said and done."""
    from receiver.commands.case_view import case_view

    view = case_view(installation, number)
    click.echo(json.dumps(view.as_json(), ensure_ascii=False) if as_json else "\n".join(view.lines()))


@verb("accept")
def accept() -> dict[str, Any]:
    """Take the case: you own it now."""
    return {}


@verb("callback")
@click.option("--start", is_flag=True, help="The call is being made.")
@click.option("--answered", is_flag=True, help="Somebody answered.")
@click.option("--no-answer", is_flag=True, help="Nobody answered.")
@click.option("--busy", is_flag=True, help="The line is busy.")
@click.option("--cut-off", is_flag=True, help="The call was cut off.")
@click.option("--by", metavar="WHO", help="Who answered (本人, 家族 …).")
@click.option("--number", "phone", metavar="NUMBER", help="The number that was called.")
@click.option(
    "--path", type=click.Choice(["phone", "inbound"]), default="phone", help="Our call, or the line still open."
)
def callback(by: str | None, phone: str | None, path: str, **happened: bool) -> dict[str, Any]:
    """Call back: started, answered, no answer, busy. One of them at a time."""
    actions = [name for name, said in happened.items() if said]
    if len(actions) != 1:
        raise click.UsageError("say one thing that happened: --start, --answered, --no-answer, --busy or --cut-off")
    return _given(action=actions[0], by=by, number=phone, path=path)


def parse_address(_context: click.Context, _parameter: click.Parameter, text: str | None) -> dict[str, str] | None:
    """`confirmed`, `confirmed-by:WHO`, `differs:TEXT` or `not-possible:REASON` (K-11.2.1b)."""
    if text is None:
        return None
    value, _, words = text.partition(":")
    values = {
        "confirmed": "confirmed",
        "confirmed-by": "confirmed_by_other",
        "differs": "differs",
        "not-possible": "not_possible",
    }
    if value not in values or (value != "confirmed" and not words.strip()):
        raise click.BadParameter("confirmed | confirmed-by:WHO | differs:TEXT | not-possible:REASON")
    return {"value": values[value], "text": words.strip()}


ADDRESS_HELP = "confirmed | confirmed-by:WHO | differs:TEXT | not-possible:REASON"


@verb("address")
@click.argument("address", callback=parse_address, metavar="ANSWER")
def address(address: dict[str, str]) -> dict[str, Any]:
    """The answer to the address question (K-11.2.1b): confirmed, confirmed-by:WHO, differs:TEXT …"""
    return address


@verb("judge")
@click.option("--abnormal", type=click.Choice(["yes", "no", "unsure"]), required=True, help="Is something wrong?")
@click.option("--a", metavar="WORDS", help="Asked for an ambulance or fire engine, in these words (K-11.3.4A).")
@click.option("--b", metavar="WORDS", help="Cried for help, in these words (K-11.3.4B).")
@click.option("--address", callback=parse_address, metavar="ANSWER", help=ADDRESS_HELP)
@click.option(
    "--finding",
    type=click.Choice(["fire", "cooperator", "advice", "false-alarm", "consultation", "test"]),
    help="Your own finding.",
)
@click.option("--cause", metavar="TEXT", help="Cause of a false alarm.")
@click.option("--improvement", metavar="TEXT", help="What is done against it.")
@click.option("--emergency", type=click.Choice(["yes", "no"]), help="Is an emergency (緊急事態) confirmed? (K-11.2.2)")
def judge(**options: Any) -> dict[str, Any]:
    """Judge what was said on the call-back (flows §2.3)."""
    if options["finding"]:
        options["finding"] = options["finding"].replace("-", "_")
    return _given(**options)


@verb("dispatch")
@click.option("--to", type=click.Choice(["fire", "cooperator"]), required=True, help="Who was asked to go.")
@click.option("--accepted-by", metavar="WHO", help="Who took the request.")
@click.option("--contact", metavar="WHO", help="Our contact person and number (K-11.2.4).")
@click.option("--number", "phone", metavar="NUMBER", help="The number that was called.")
def dispatch(to: str, accepted_by: str | None, contact: str | None, phone: str | None) -> dict[str, Any]:
    """Record that fire HQ or a cooperator was asked to go."""
    return _given(to=to, accepted_by=accepted_by, contact=contact, number=phone)


@verb("outcome")
@click.argument("code", metavar="CODE")
@click.option("--text", metavar="TEXT", help="In the words of who reported it.")
def outcome(code: str, text: str | None) -> dict[str, Any]:
    """What those who went found: transported, treated, refused, not_at_home, nothing_found, safe, death …"""
    return _given(code=code, text=text)


@verb("transport")
@click.option("--destination", required=True, metavar="HOSPITAL", help="As the fire service named it.")
@click.option("--source", required=True, metavar="WHO", help="Who said so.")
def transport(destination: str, source: str) -> dict[str, Any]:
    """Where the person was taken (K-11.4a)."""
    return {"destination": destination, "source": source}


@verb("contact")
@click.option("--who", required=True, metavar="NAME", help="The emergency contact that was called.")
@click.option("--number", "phone", metavar="NUMBER", help="The number that was called.")
@click.option(
    "--result",
    type=click.Choice(["reached", "no_answer", "busy", "refused", "exhausted", "none_listed"]),
    required=True,
    help="What came of it.",
)
def contact(who: str, phone: str | None, result: str) -> dict[str, Any]:
    """An attempt to reach an emergency contact (K-11.4b)."""
    return _given(who=who, number=phone, result=result)


@verb("report")
@click.option("--way", required=True, metavar="WAY", help="How it was sent (mail, FAX …).")
@click.option("--recipient", required=True, metavar="DESK", help="Who received it.")
def report(way: str, recipient: str) -> dict[str, Any]:
    """The response report went to the city (K-11.4c)."""
    return {"way": way, "recipient": recipient}


@verb("override")
@click.option("--second", required=True, metavar="NAME", help="The second qualified person.")
@click.option("--reason", required=True, metavar="TEXT", help="Why the prescribed way does not fit.")
@click.option("--to", metavar="STATE", default="CLOSED", show_default=True, help="Where the case goes instead.")
def override(second: str, reason: str, to: str) -> dict[str, Any]:
    """Leave the prescribed way, with a second qualified person and a reason."""
    return {"second": second, "reason": reason, "to": to}


@verb("close")
@click.option("--result", metavar="CODE", help="e.g. false_alarm, advice, test, done")
@click.option("--cause", metavar="TEXT", help="Of a false alarm (K-11.2.3).")
@click.option("--improvement", metavar="TEXT", help="What was done or advised against the next one.")
@click.option("--decision", metavar="TEXT", help="Why nobody needs to go.")
def close(**options: Any) -> dict[str, Any]:
    """Close the case, if its guard allows."""
    return _given(**options)


@verb("defer")
@click.option("--reason", required=True, metavar="TEXT", help="Why the morning is early enough.")
def defer(reason: str) -> dict[str, Any]:
    """Call in the morning instead of at night: battery and power-cut calls only (flows §7.2)."""
    return {"reason": reason}


@verb("appointment")
@click.option("--on", required=True, metavar="DATE", help="YYYY-MM-DD")
def appointment(on: str) -> dict[str, Any]:
    """A visit was agreed (K-11.7.2)."""
    return {"on": on}


@verb("battery")
@click.option("--part", type=click.Choice(["main", "pendant", "mobile"]), required=True, help="Whose battery it was.")
@click.option("--on", required=True, metavar="DATE", help="YYYY-MM-DD")
def battery(part: str, on: str) -> dict[str, Any]:
    """A battery was exchanged (K-9.4b)."""
    return {"part": part, "on": on}


@verb("note")
@click.argument("text")
def note(text: str) -> dict[str, Any]:
    """Write something down on the case."""
    return {"text": text}


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}
