"""The commands that make a modem ready, and find out which dialect it speaks. Pure.

A conversation written as one: `_climb` yields a command and is sent the answer. What comes out is
`Ready`, or why this modem will not do.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Final

from drivers.modem.at import is_off_hook
from drivers.modem.dialects import by_name, recognised
from drivers.modem.dialects.dialect import Dialect, Rung
from drivers.modem.formats import Coding, SampleFormat

FIRST: Final = "ATZ"
FACTORY: Final = "AT&F"
COUNTRIES: Final = {"japan": "AT+VCDT=3", "other": "", "off": ""}  # what tells the modem the kind of caller ID


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of the modem. dialect, coding: None, as it says itself. caller_id: a key of COUNTRIES."""

    dialect: str | None = None
    coding: Coding | None = None
    caller_id: str = "japan"


@dataclass(frozen=True, slots=True)
class Answer:
    """How a command ended, and the lines before its result."""

    good: bool
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ready:
    """The modem waits for calls. tells_hook: it answers the dialect's `hook_query`."""

    dialect: Dialect
    format: SampleFormat
    tells_hook: bool


class Unable(Exception):
    """This modem will not do; the message says why."""


Climb = Generator[str, Answer, Ready]


class Start:
    """One climb. `ready` is known after it."""

    def __init__(self, wanted: Wanted = Wanted(), reset: str = FIRST) -> None:
        self._climb = _climb(wanted, reset)
        self.ready: Ready | None = None
        self.command: str | None = next(self._climb)

    def answered(self, good: bool, lines: list[str]) -> str | None:
        """The modem answered `command`, with `lines` before the result. Returns why it will not do, or None.

        `command` is then the next one to send; None at the top.
        """
        try:
            self.command = self._climb.send(Answer(good, tuple(lines)))
        except StopIteration as top:
            self.command, self.ready = None, top.value
        except Unable as reason:
            return str(reason)
        return None


def _climb(wanted: Wanted, reset: str) -> Climb:
    yield from _all((Rung((reset,)), Rung(("ATE0V1",)), Rung(("AT&D2",), required=False)))  # DTR falls: hang up
    dialect = yield from _recognise(wanted)
    yield from _all(dialect.before_sound[1:])
    form = yield from _format(dialect, wanted)
    yield from _all(dialect.after_sound)
    if wanted.caller_id != "off":
        if country := COUNTRIES[wanted.caller_id]:
            yield country  # refused by all that do not know Number Display
        yield from _all((Rung(dialect.caller_id, required=False),))
    yield from _all((Rung(dialect.on_hook),))
    tells_hook = False
    if dialect.hook_query:
        answer = yield dialect.hook_query
        off_hook = is_off_hook(answer.lines) if answer.good else None
        if off_hook:
            raise Unable(STUCK)
        tells_hook = off_hook is not None
    return Ready(dialect, form, tells_hook)


STUCK: Final = "the modem holds the line off hook without a call: nobody can reach it"


def _recognise(wanted: Wanted) -> Generator[str, Answer, Dialect]:
    """The first of the likely dialects whose class the modem enters."""
    if wanted.dialect is not None:
        candidates = [by_name(wanted.dialect)]
    else:
        identity = yield "ATI3"
        classes = yield "AT+FCLASS=?"
        rockwell = Answer(False) if classes.good else (yield "AT#CLS=?")
        said = [answer.lines if answer.good else () for answer in (identity, classes, rockwell)]
        candidates = recognised(*said)
    refused = []
    for dialect in candidates:
        command = dialect.before_sound[0].commands[0]
        if command in refused:
            continue
        answer = yield command
        if answer.good:
            return dialect
        refused.append(command)
    raise Unable(f"the modem has no voice mode: it answers ERROR to {' and '.join(repr(one) for one in refused)}")


def _format(dialect: Dialect, wanted: Wanted) -> Generator[str, Answer, SampleFormat]:
    """The best format that the modem offers and accepts."""
    answer = yield dialect.formats_query
    if not answer.good and dialect.class_query == "+FCLASS":
        raise Unable(f"the modem answers ERROR to {dialect.formats_query!r}")
    forms = dialect.offers(answer.lines if answer.good else ())
    if wanted.coding is not None:
        forms = [
            SampleFormat(form.number, wanted.coding, form.rate_hz) for form in forms if _alike(form, wanted.coding)
        ]
    for form in forms:
        if (yield from _accepts(dialect, form)):
            return form
    listed = "; ".join(answer.lines)[:200] or "nothing"
    raise Unable(f"the modem offers no sound that we can read: µ-law, A-law, 8-bit linear or IMA ADPCM ({listed})")


def _alike(form: SampleFormat, coding: Coding) -> bool:
    """Whether a format may be read as this coding instead: the same number of bits."""
    return form.coding.is_adpcm == coding.is_adpcm


def _accepts(dialect: Dialect, form: SampleFormat) -> Generator[str, Answer, bool]:
    try:
        yield from _all(dialect.choose_format, form)
    except Unable:
        return False
    return True


def _all(rungs: tuple[Rung, ...], form: SampleFormat | None = None) -> Generator[str, Answer, None]:
    """One rung after the other; each must hold before the next."""
    for rung in rungs:
        for command in rung.commands:
            text = with_format(command, form) if form is not None else command
            answer = yield text
            if answer.good:
                break
        else:
            if rung.required:
                raise Unable(f"the modem answers ERROR to {text!r}")


def with_format(command: str, form: SampleFormat) -> str:
    """The command with the format's number and rate in it."""
    return command.replace("{number}", str(form.number)).replace("{rate}", str(form.rate_hz))
