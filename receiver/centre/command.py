"""What somebody wants done: one value for the command line, the console, telephone results and MQTT (design §2).

Every way in makes a `Command`; `desk.py` handles it, the same whether the centre runs or not.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from receiver.errors import BadInput
from receiver.event import Json
from receiver.journal.record import canonical

BYTES_MAX: Final = 16_000_000  # a CSV of 10,000 subscribers with device and line is one command of 8 MB


@dataclass(frozen=True, slots=True)
class Command:
    """One wish.

    id       made by whoever wishes; the same id twice is one command
    actor    the account tied to the OS user (`os:tanaka`); acting for another: `os:tanaka/看護師 鈴木`
    verb     `case.accept`, `subscriber.add` …; args: its arguments, parsed
    expected_version of the case as the actor saw it, or None
    """

    id: str
    actor: str
    verb: str
    args: Json = field(default_factory=dict)
    expected_version: int | None = None

    def to_line(self) -> bytes:
        """One line of JSON, as it goes over the socket."""
        return json.dumps(asdict(self), ensure_ascii=False).encode() + b"\n"

    @property
    def case(self) -> int | None:
        """The case it is about, if it names one."""
        number = self.args.get("case")
        return number if isinstance(number, int) else None


def parse(line: bytes) -> Command:
    """The command in a line from the socket; BadInput on anything else."""
    try:
        value: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"not a command: {type(error).__name__}") from None
    if not isinstance(value, dict):
        raise BadInput("not a command: no JSON object")
    texts = {name: value.get(name) for name in ("id", "actor", "verb")}
    for name, text in texts.items():
        if not isinstance(text, str) or not text or len(text) > 200:
            raise BadInput(f"not a command: {name!r} must be a text of 1 to 200 characters")
    args, version = value.get("args", {}), value.get("expected_version")
    try:
        canonical(value)
    except ValueError:
        raise BadInput("not a command: it holds what JSON or UTF-8 cannot say (NaN, half a character)") from None
    if not isinstance(args, dict) or not (version is None or isinstance(version, int)):
        raise BadInput("not a command: 'args' must be an object and 'expected_version' a number")
    return Command(str(texts["id"]), str(texts["actor"]), str(texts["verb"]), args, version)


def own_actor(command: Command, account: str) -> Command:
    """The command in the name of who really sent it; acting for somebody else keeps both names."""
    _, _, other = command.actor.partition("/")
    return replace(command, actor=f"{account}/{other}" if other else account)
