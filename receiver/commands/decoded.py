"""What `yobirin decode` found, and how it is written: an object a line, or a table to read.

The objects are a contract with other programs: `docs/reference/decode-json.md`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from math import isfinite
from statistics import fmean
from typing import Any, Final

from decoder.exchange import Format
from decoder.frame import Frame, Reason, Rejected
from decoder.reading import read
from decoder.registry import USUAL
from decoder.samples import RATE_HZ, from_ms, to_ms
from decoder.symbols import Character, Digit, Gap, Pulse, Row, Symbol, Tone, Witness
from decoder.witnesses import merged_stream, named, told_by
from drivers.call_audio import CallAudio

TOGETHER: Final = "together"
RUN_S: Final = 2.0  # what is of one kind and further apart stands on lines of its own in the table
A_FEW: Final = 8  # keys that nobody would take for a message: the table does not complain of them
SHOWN_MAX: Final = 64  # pulses or characters of a run that are written out
CERTAIN: Final = 0.9
CERTAIN_MIN: Final = 3  # characters of a run that make all of it worth telling
MODEM_PAUSE: Final = from_ms(500)
RANK: Final = (Digit, Tone, Pulse, Character, Gap, Row, Rejected, Frame)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing heard on one channel; `witness`: sound, event, both, or together (a frame that neither tells alone)."""

    channel: str
    value: Symbol | Frame | Rejected
    witness: str

    @property
    def place(self) -> tuple[int, int, int]:
        """Sorting: by end, what is heard before what is made of it."""
        return self.value.end, RANK.index(type(self.value)), self.value.start


def findings(
    channel: str,
    symbols: Sequence[Symbol],
    events: Sequence[Digit],
    formats: Sequence[Format] = USUAL,
    *,
    with_rows: bool = False,
) -> list[Finding]:
    """Everything on one channel, in the order of ends; a key that sound and events tell is one digit.

    Rows are what frames are made of, not things heard: they are left out unless somebody wants to see why. So are
    characters that keys and voices are mistaken for.
    """
    merged = merged_stream(symbols, events)
    noise = _chance_characters([one for one in merged if isinstance(one, Character)])
    told = (one for one in merged if (with_rows or not isinstance(one, Row)) and id(one) not in noise)
    found = [Finding(channel, one, _witness(one)) for one in told]
    digits = [one for one in merged if isinstance(one, Digit)]
    for result in read(merged, formats):
        own = told_by(one for one in digits if one.start < result.end and result.start < one.end)
        found.append(Finding(channel, result, TOGETHER if own is None else own.value))
    return sorted(found, key=lambda finding: finding.place)


def _chance_characters(characters: Sequence[Character]) -> set[int]:
    """Identities of those that stand in no run of one modem and speed in which a few in all are certain."""
    runs: dict[tuple[str, float], list[list[Character]]] = {}
    for one in sorted(characters, key=lambda one: one.start):
        mine = runs.setdefault((one.modem, one.baud), [[]])
        if mine[-1] and one.start - mine[-1][-1].end > MODEM_PAUSE:
            mine.append([])
        mine[-1].append(one)
    chance = (run for mine in runs.values() for run in mine if sum(map(_is_certain, run)) < CERTAIN_MIN)
    return {id(one) for run in chance for one in run}


def _is_certain(character: Character) -> bool:
    return character.framed and character.confidence >= CERTAIN


def _witness(symbol: Symbol) -> str:
    """SIP INFO counts as event."""
    witness = symbol.witness if isinstance(symbol, Digit) else Witness.SOUND
    return Witness.EVENT.value if witness is Witness.INFO else witness.value


def call_object(file: str, call: CallAudio) -> dict[str, Any]:
    """The object of kind "call": where it came from and what could not be heard of it."""
    began = call.started_utc_us
    return {
        "file": file,
        "channel": None,
        "call": call.call,
        "at_s": 0.0,
        "end_s": _seconds(max((channel.samples.end for channel in call.channels), default=0)),
        "kind": "call",
        "caller": call.caller,
        "called": call.called,
        "started_at": None if began is None else datetime.fromtimestamp(began / 1e6, UTC).isoformat(),
        "channels": [channel.name for channel in call.channels],
        "lost_ms": [round(to_ms(sum(len(span) for span in channel.samples.lost)), 3) for channel in call.channels],
        "problem": call.problem,
    }


def finding_object(file: str, call: str | None, finding: Finding) -> dict[str, Any]:
    """The object of a digit, tone, lost, frame or rejected."""
    value = finding.value
    head = {
        "file": file,
        "channel": finding.channel,
        "call": call,
        "at_s": _seconds(value.start),
        "end_s": _seconds(value.end),
    }
    return head | _fields(value, finding.witness)


def _fields(value: Symbol | Frame | Rejected, witness: str) -> dict[str, Any]:
    match value:
        case Digit():
            by_sound = value.witness not in (Witness.EVENT, Witness.INFO)
            return {
                "kind": "digit",
                "digit": value.key,
                "level_dbm0": _figure(value.level_dbm0, 2),
                "twist_db": _figure(value.twist_db, 2) if by_sound else None,
                "offset_percent": _figure(value.offset_percent, 3) if by_sound else None,
                "span_ms": round(to_ms(value.end - value.start), 3),
                "confidence": _figure(value.confidence, 4),
                "witness": witness,
                "other": named(value).replace(value.key, "") or None,
            }
        case Tone():
            return {
                "kind": "tone",
                "hz": _figure(value.hz, 1),
                "name": value.name,
                "level_dbm0": _figure(value.level_dbm0, 2),
                "span_ms": round(to_ms(value.end - value.start), 3),
                "confidence": _figure(value.confidence, 4),
            }
        case Pulse():
            return {
                "kind": "pulse",
                "hz": _figure(value.hz, 1),
                "level_dbm0": _figure(value.level_dbm0, 2),
                "span_ms": round(to_ms(value.end - value.start), 3),
                "confidence": _figure(value.confidence, 4),
            }
        case Character():
            return {
                "kind": "character",
                "value": value.value,
                "modem": value.modem,
                "baud": _figure(value.baud, 1),
                "framed": value.framed,
                "level_dbm0": _figure(value.level_dbm0, 2),
                "span_ms": round(to_ms(value.end - value.start), 3),
                "confidence": _figure(value.confidence, 4),
            }
        case Gap():
            return {"kind": "lost", "span_ms": round(to_ms(value.end - value.start), 3)}
        case Frame():
            return {
                "kind": "frame",
                "format": value.format,
                "raw": value.raw,
                "account": value.account,
                "qualifier": value.qualifier,
                "code": value.code,
                "partition": value.partition,
                "zone": value.zone,
                "checksum_ok": value.checksum_ok,
                "confidence": _figure(value.confidence, 4),
                "recovered": list(value.recovered),
                "account_recovered": value.account_recovered,
                "note": value.note,
                "witness": witness,
            }
        case Rejected():
            return {
                "kind": "rejected",
                "format": value.format,
                "reason": value.reason.value,
                "best": value.best,
                "evidence": value.evidence,
                "witness": witness,
            }
        case _:
            return {"kind": type(value).__name__.lower()}


def _figure(value: float, places: int) -> float | None:
    """A number as JSON can hold it: the level of nothing at all is minus infinity, and JSON has no such number."""
    return round(float(value), places) if isfinite(value) else None


def _seconds(samples: int) -> float:
    return round(samples / RATE_HZ, 6)


def table(call: CallAudio, found: Sequence[Finding]) -> Iterator[str]:
    """Lines for a person: digits in runs, everything else one a line."""
    if call.call:
        who = f"{call.caller or '?'} → {call.called or '?'}" if call.caller or call.called else "no SIP"
        began = (
            "" if call.started_utc_us is None else f", {datetime.fromtimestamp(call.started_utc_us / 1e6, UTC):%FT%TZ}"
        )
        yield f"  call {call.call} ({who}{began})"
    several = len({finding.channel for finding in found}) > 1
    for run in _runs(found):
        first, last = run[0], run[-1]
        at = f"{first.value.start / RATE_HZ:10.3f} – {last.value.end / RATE_HZ:.3f} s"
        channel = f"  [{first.channel}]" if several else ""
        yield f"{at:<24}{channel}  {_words(run)}"
    if not found:
        yield "       nothing heard"


def _runs(found: Sequence[Finding]) -> Iterator[list[Finding]]:
    """Digits, pulses and characters that follow each other on one channel together, in order of their beginnings."""
    runs: list[list[Finding]] = []
    open_runs: dict[tuple[str, str], list[Finding]] = {}
    for finding in sorted(found, key=lambda finding: finding.value.start):
        if _is_a_few_keys(finding.value):
            continue
        kind = _kind(finding.value)
        run = open_runs.get((finding.channel, kind)) if kind else None
        if run is not None and finding.value.start - run[-1].value.end < RUN_S * RATE_HZ:
            run.append(finding)
            continue
        run = [finding]
        runs.append(run)
        open_runs[finding.channel, kind] = run
    yield from sorted(runs, key=lambda run: (run[0].value.start, run[-1].place))


def _kind(value: Symbol | Frame | Rejected) -> str:
    """What may stand on one line with others of its kind; "": nothing."""
    match value:
        case Digit():
            return "digit"
        case Pulse():
            return "pulse"
        case Character():
            return f"{value.modem} {value.baud:.0f}"
        case _:
            return ""


def _is_a_few_keys(value: Symbol | Frame | Rejected) -> bool:
    return isinstance(value, Rejected) and value.reason is Reason.TOO_SHORT and len(value.best) < A_FEW


def _words(run: Sequence[Finding]) -> str:
    value = run[0].value
    note = "" if run[0].witness == Witness.SOUND.value else f"  ({run[0].witness})"
    match value:
        case Digit():
            return _digits([finding.value for finding in run if isinstance(finding.value, Digit)])
        case Pulse():
            return _pulses([finding.value for finding in run if isinstance(finding.value, Pulse)])
        case Character():
            return _characters([finding.value for finding in run if isinstance(finding.value, Character)])
        case Tone():
            return f"tone     {value.hz:.0f} Hz {value.name}  {value.level_dbm0:.1f} dBm0".rstrip()
        case Gap():
            return f"lost     {to_ms(value.end - value.start):.0f} ms of sound never came"
        case Frame():
            fields = f"account {value.account}  event {value.qualifier}{value.code}"
            fields += f"  partition {value.partition}  zone {value.zone}  confidence {value.confidence:.2f}"
            said = f"  [{value.note}]" if value.note else ""
            return f"FRAME    {value.format} {value.raw}  {fields}{said}{note}"
        case Rejected():
            return f"rejected {value.format} {value.best}: {value.reason.value}, {value.evidence}{note}"
        case _:
            return type(value).__name__.lower()


def _digits(digits: Sequence[Digit]) -> str:
    """Keys, [both] of those in dispute; what the sound was like, and who else told them."""
    keys = "".join(digit.key if len(names := named(digit)) == 1 else f"[{names}]" for digit in digits)
    heard = [digit for digit in digits if digit.witness not in (Witness.EVENT, Witness.INFO)]
    twist = f", twist {fmean(digit.twist_db for digit in heard):+.1f} dB" if heard else ""
    level = fmean(digit.level_dbm0 for digit in digits)
    worst = min(digit.confidence for digit in digits)
    told = told_by(digits)
    witness = TOGETHER if told is None else told.value
    note = "" if told is Witness.SOUND else f"  ({witness})"
    return f"digits   {keys}  {level:.1f} dBm0{twist}, confidence ≥ {worst:.2f}{note}"


def _pulses(pulses: Sequence[Pulse]) -> str:
    """How many pulses came together each time: what a pulse format counts."""
    steps = [after.start - before.start for before, after in pairwise(pulses)]
    least = min(steps, default=0)
    counts = [1]
    for step in steps:
        if step > 2 * least:
            counts.append(1)
        else:
            counts[-1] += 1
    shown = " ".join(map(str, counts[:SHOWN_MAX])) + (" …" if len(counts) > SHOWN_MAX else "")
    rate = f", {RATE_HZ / least:.0f} a second" if least else ""
    return f"pulses   {shown}  {fmean(one.hz for one in pulses):.0f} Hz{rate}, {_level(pulses)}"


def _characters(characters: Sequence[Character]) -> str:
    values = [one.value for one in characters[:SHOWN_MAX]]
    more = " …" if len(characters) > SHOWN_MAX else ""
    shown = " ".join(f"{value:02X}" for value in values) + more
    text = "".join(chr(value & 0x7F) if 32 <= value & 0x7F < 127 else "·" for value in values)
    first, worst = characters[0], min(one.confidence for one in characters)
    kind = f"{first.modem}, {first.baud:.0f} baud, {_level(characters)}"
    return f"modem    {shown}  {text}  {kind}, confidence ≥ {worst:.2f}"


def _level(heard: Sequence[Pulse] | Sequence[Character]) -> str:
    return f"{fmean(one.level_dbm0 for one in heard):.1f} dBm0"
