"""Everything heard on a channel as rows, in the order of time: for the terminal, for the page, and as JSON.

A digit fills the columns; what is not a digit is told in lines. A further kind of symbol is a further case of `_told`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from statistics import fmean
from typing import Any, Final

from decoder.frame import Frame, Rejected
from decoder.samples import RATE_HZ, to_ms
from decoder.symbols import Character, Digit, Gap, Pulse, Row, Tone, Witness
from receiver.commands.decoded import Finding, finding_object
from receiver.commands.inspection import words
from receiver.commands.inspection.heard import HeardCall, HeardChannel, is_sound

COLUMNS: Final = ("key", "level", "twist", "freq.", "length", "pause", "conf.", "runner-up")
UNITS: Final = ("", "dBm0", "dB", "%", "ms", "ms", "", "nats behind")
WIDTHS: Final = (3, 6, 6, 6, 7, 7, 6, 14)
RUN: Final = RATE_HZ // 2  # characters further apart stand in rows of their own
A_LINE: Final = 32  # characters
BOUND: Final = RATE_HZ * 60  # a longer pause is none between digits of one message


@dataclass(frozen=True, slots=True)
class Entry:
    """`cells`, one for each of `COLUMNS`, for a digit; else `lines`, the first of which begins with what it is."""

    kind: str
    start: int
    end: int
    cells: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()


def rows(channel: HeardChannel) -> list[Entry]:
    """All that a channel holds. What is heard comes before what is made of it."""
    found = channel.findings
    before = words.pauses(found)
    made: list[Entry] = []
    for run in _runs(found):
        first = found[run[0]]
        start, end = min(found[place].value.start for place in run), found[run[-1]].value.end
        if isinstance(first.value, Digit):
            made.append(Entry("digit", start, end, cells=_cells(first.value, first.witness, before.get(run[0]))))
        else:
            kind = type(first.value).__name__.lower()
            made.append(Entry(kind, start, end, lines=tuple(_told([found[place] for place in run], found))))
    return made


def _runs(found: Sequence[Finding]) -> Iterator[list[int]]:
    """Places in `found`: characters of one modem, and pulses, that follow each other; everything else alone."""
    run: list[int] = []
    for place, finding in enumerate(found):
        if run and not _goes_on(found[run[-1]].value, finding.value):
            yield run
            run = []
        run.append(place)
    if run:
        yield run


def _goes_on(last: object, value: object) -> bool:
    match last, value:
        case Character(), Character():
            return (last.modem, last.baud) == (value.modem, value.baud) and value.start - last.end < RUN
        case Pulse(), Pulse():
            return value.start - last.end < words.PULSE_DIGITS
        case _:
            return False


def _cells(digit: Digit, witness: str, pause: int | None) -> tuple[str, ...]:
    sound = is_sound(digit)
    second = words.runner_up(digit)
    return (
        digit.key,
        _figure(digit.level_dbm0, 1, ".1f"),
        _figure(digit.twist_db, 1, "+.1f") if sound else "-",
        _figure(digit.offset_percent, 2, "+.2f") if sound else "-",
        f"{to_ms(digit.end - digit.start):.1f}",
        f"{to_ms(pause):.1f}" if pause is not None and pause < BOUND else "-",
        f"{digit.confidence:.3f}",
        f"{second[0]} {second[1]:7.1f}" if second else f"({witness})",
    )


def _told(run: Sequence[Finding], found: Sequence[Finding]) -> Iterator[str]:
    """What is no digit, in lines."""
    value, witness = run[0].value, run[0].witness
    note = "" if witness == Witness.SOUND.value else f"  ({witness})"
    match value:
        case Frame():
            yield f"FRAME {value.format} {value.raw}{note}"
            yield words.fields(value)
            yield words.checks(value)
            reads = words.positions(value, found)
            for change in words.changes(reads):
                yield f"recovered {change}"
            if value.recovered and not reads:
                yield f"recovered digits {', '.join(str(place + 1) for place in value.recovered)}"
        case Rejected():
            yield f"not taken: {value.format} {value.best}: {value.reason.value.replace('_', ' ')}{note}"
            yield value.evidence
        case Row():
            yield f"as a whole: {''.join(digit.key for digit in value.digits)}, {len(value.digits)} digits"
            yield from words.doubts(value) or ["every digit sure"]
        case Tone():
            length = to_ms(value.end - value.start)
            yield f"tone {value.hz:.0f} Hz {value.name}".rstrip() + f", {length:.0f} ms, {words.dbm0(value.level_dbm0)}"
        case Gap():
            yield f"lost: {to_ms(value.end - value.start):.1f} ms of sound never came"
        case Pulse():
            yield from _pulses([one.value for one in run if isinstance(one.value, Pulse)])
        case Character():
            yield from _characters([one.value for one in run if isinstance(one.value, Character)])
        case other:
            yield f"{type(other).__name__}: {other}"


def _pulses(pulses: Sequence[Pulse]) -> Iterator[str]:
    counts = [len(digit) for digit in words.counted(pulses)]
    level, worst = fmean(one.level_dbm0 for one in pulses), min(one.confidence for one in pulses)
    yield f"pulses {pulses[0].hz:.0f} Hz, {len(pulses)}: {' '.join(map(str, counts))}"
    yield f"{level:.1f} dBm0, confidence at least {worst:.3f}"


def printable(characters: Sequence[Character]) -> str:
    """Characters as text, the eighth bit (parity) left out; a dot for what cannot be shown."""
    return "".join(chr(one.value & 0x7F) if 32 <= one.value & 0x7F < 127 else "." for one in characters)


def _characters(characters: Sequence[Character]) -> Iterator[str]:
    level, worst = fmean(one.level_dbm0 for one in characters), min(one.confidence for one in characters)
    unframed = sum(not one.framed for one in characters)
    yield f"{len(characters)} characters, {characters[0].modem}, {characters[0].baud:.0f} baud"
    for first in range(0, len(characters), A_LINE):
        part = characters[first : first + A_LINE]
        yield f"{' '.join(f'{one.value:02X}' for one in part)}  {printable(part)}"
    broken = f", {unframed} without a stop bit" if unframed else ""
    yield f"{level:.1f} dBm0, confidence at least {worst:.3f}{broken}"


def _figure(value: float, places: int, form: str) -> str:
    return format(round(value, places) + 0.0, form) if isfinite(value) else "-"  # + 0.0: there is no minus nothing


def lines(call: HeardCall) -> Iterator[str]:
    """A call for the terminal."""
    if call.call.call:
        who = f"{call.call.caller or '?'} to {call.call.called or '?'}"
        yield f"call {call.call.call}, {who if call.call.caller or call.call.called else 'no SIP'}"
    for channel in call.channels:
        yield f"[{channel.name}] {words.line_words(channel)}"
        made = rows(channel)
        if not made:
            yield "       nothing heard"
        headed = False
        for row in made:
            if row.cells and not headed:
                yield from (_columns("time s", COLUMNS), _columns("", UNITS))
                headed = True
            if row.cells:
                yield _columns(words.seconds(row.start), row.cells)
            else:
                yield f"{words.seconds(row.start):>10} - {words.seconds(row.end)}  {row.lines[0]}"
                yield from (f"{'':>24}{line}" for line in row.lines[1:])


def _columns(time: str, cells: Sequence[str]) -> str:
    padded = (cell.rjust(width) for cell, width in zip(cells[:-1], WIDTHS[:-1], strict=True))
    return f"{time:>10}  {' '.join(padded)}  {cells[-1]}".rstrip()


def objects(file: str, call: HeardCall) -> Iterator[dict[str, Any]]:
    """A call as `decode --json` gives it, with what else is known of each thing, and one object of kind "line" a
    channel."""
    name = call.call.call or None
    for channel in call.channels:
        yield {"file": file, "channel": channel.name, "call": name, **_line_object(channel)}
        before = words.pauses(channel.findings)
        for place, finding in enumerate(channel.findings):
            value = finding.value
            head = {"file": file, "channel": channel.name, "call": name}
            known = head | _row_object(value) if isinstance(value, Row) else finding_object(file, name, finding)
            yield known | _more(finding, before.get(place), channel.findings)


def _row_object(row: Row) -> dict[str, Any]:
    return {
        "at_s": round(row.start / RATE_HZ, 6),
        "end_s": round(row.end / RATE_HZ, 6),
        "kind": "row",
        "digits": "".join(digit.key for digit in row.digits),
        "confidences": [_number(digit.confidence) for digit in row.digits],
        "presence_nats": [_number(presence) for presence in row.presence],
    }


def _line_object(channel: HeardChannel) -> dict[str, Any]:
    figures = channel.figures
    return {
        "at_s": round(figures.start / RATE_HZ, 6),
        "end_s": round((figures.start + figures.samples) / RATE_HZ, 6),
        "kind": "line",
        "level_dbm0": _number(figures.level_dbm0),
        "noise_dbm0": _number(channel.noise_dbm0),
        "snr_db": _number(channel.snr_db),
        **{f"at_{hz}_hz_dbm0": _number(level) for hz, level in words.low(channel)},
        "dc": round(figures.dc, 1),
        "peak": figures.peak,
        "clipped": figures.clipped,
        "lost_ms": round(to_ms(figures.lost), 3),
    }


def _more(finding: Finding, pause: int | None, found: Sequence[Finding]) -> dict[str, Any]:
    match finding.value:
        case Digit():
            key, behind = words.runner_up(finding.value) or (None, None)
            return {
                "pause_ms": None if pause is None else round(to_ms(pause), 3),
                "runner_up": key,
                "behind_nats": _number(behind),
            }
        case Frame():
            reads = words.positions(finding.value, found)
            return {
                "says": words.fields(finding.value),
                "note": finding.value.note,
                "heard": [read.heard.key if read.heard else None for read in reads],
            }
        case _:
            return {}


def _number(value: float | None) -> float | None:
    return round(value, 2) if value is not None and isfinite(value) else None
