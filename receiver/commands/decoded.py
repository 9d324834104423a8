"""What `yobirin decode` found, and how it is written: an object a line, or a table to read.

The objects are a contract with other programs: `docs/reference/decode-json.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from math import isfinite
from statistics import fmean
from typing import Any, Final

from decoder.frame import Frame, Reason, Rejected
from decoder.reading import Reading
from decoder.samples import RATE_HZ, to_ms
from decoder.symbols import Character, Digit, Gap, Pulse, Symbol, Tone, Witness
from drivers.call_audio import CallAudio

BOTH: Final = "both"
RUN_S: Final = 2.0  # digits further apart stand on lines of their own in the table
A_FEW: Final = 8  # keys that nobody would take for a message: the table does not complain of them


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing heard on one channel; `witness`: sound, event, or both (a frame that both have told)."""

    channel: str
    value: Symbol | Frame | Rejected
    witness: str

    @property
    def place(self) -> tuple[int, int, int]:
        """Sorting: by end, what is heard before what is made of it."""
        rank = (Digit, Tone, Pulse, Character, Gap, Rejected, Frame).index(type(self.value))
        return self.value.end, rank, self.value.start


def findings(channel: str, symbols: Sequence[Symbol], events: Sequence[Digit]) -> list[Finding]:
    """Everything on one channel, in the order of ends. Sound and events are read apart: neither completes the
    other's frame, and where both tell the same one it is given once."""
    sound, event = Witness.SOUND.value, Witness.EVENT.value
    heard = [Finding(channel, symbol, sound) for symbol in symbols]
    heard += [Finding(channel, digit, event) for digit in events]
    told = _read(events)
    for result in _read(symbols):
        same = next((other for other in told if _same(result, other)), None)
        if same is not None:
            told.remove(same)
        heard.append(Finding(channel, result, sound if same is None else BOTH))
    heard += [Finding(channel, result, event) for result in told]
    return sorted(heard, key=lambda finding: finding.place)


def _same(one: Frame | Rejected, other: Frame | Rejected) -> bool:
    if not isinstance(one, Frame) or not isinstance(other, Frame):
        return False
    return (one.format, one.raw) == (other.format, other.raw) and one.start < other.end and other.start < one.end


def _read(symbols: Iterable[Symbol]) -> list[Frame | Rejected]:
    """Frames of a whole channel: time passes between symbols as it would on a call, and runs out behind the last."""
    reading = Reading()
    results: list[Frame | Rejected] = []
    for symbol in symbols:
        results += _wait(reading, symbol.start)
        results += reading.hear(symbol)
    return results + list(_wait(reading, None))


def _wait(reading: Reading, until: int | None) -> Iterator[Frame | Rejected]:
    passed = None
    while (due := reading.deadline) is not None and due != passed and (until is None or due <= until):
        yield from reading.tick(due)
        passed = due


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
            by_sound = value.witness is not Witness.EVENT
            return {
                "kind": "digit",
                "digit": value.key,
                "level_dbm0": _figure(value.level_dbm0, 2),
                "twist_db": _figure(value.twist_db, 2) if by_sound else None,
                "offset_percent": _figure(value.offset_percent, 3) if by_sound else None,
                "span_ms": round(to_ms(value.end - value.start), 3),
                "confidence": _figure(value.confidence, 4),
                "witness": witness,
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
    """Digits that follow each other on one channel together, in the order of their beginnings."""
    told = (finding for finding in found if not _is_a_few_keys(finding.value))
    order = sorted(told, key=lambda finding: (finding.channel, finding.witness))
    runs: list[list[Finding]] = []
    for _, same in groupby(order, key=lambda finding: (finding.channel, finding.witness)):
        run: list[Finding] = []
        for finding in same:
            near = run and finding.value.start - run[-1].value.end < RUN_S * RATE_HZ
            if not isinstance(finding.value, Digit):
                runs.append([finding])
            elif near:
                run.append(finding)
            else:
                run = [finding]
                runs.append(run)
    yield from sorted(runs, key=lambda run: (run[0].value.start, run[-1].place))


def _is_a_few_keys(value: Symbol | Frame | Rejected) -> bool:
    return isinstance(value, Rejected) and value.reason is Reason.TOO_SHORT and len(value.best) < A_FEW


def _words(run: Sequence[Finding]) -> str:
    value, witness = run[0].value, run[0].witness
    note = "" if witness == Witness.SOUND.value else f"  ({witness})"
    match value:
        case Digit():
            digits = [finding.value for finding in run if isinstance(finding.value, Digit)]
            keys = "".join(digit.key for digit in digits)
            level = fmean(digit.level_dbm0 for digit in digits)
            twist = "" if note else f", twist {fmean(digit.twist_db for digit in digits):+.1f} dB"
            worst = min(digit.confidence for digit in digits)
            return f"digits   {keys}  {level:.1f} dBm0{twist}, confidence ≥ {worst:.2f}{note}"
        case Tone():
            return f"tone     {value.hz:.0f} Hz {value.name}  {value.level_dbm0:.1f} dBm0".rstrip()
        case Pulse():
            return f"pulse    {value.hz:.0f} Hz, {to_ms(value.end - value.start):.0f} ms  {value.level_dbm0:.1f} dBm0"
        case Character():
            return f"character {value.value:02X}  {value.modem} {value.baud:.0f} baud  {value.level_dbm0:.1f} dBm0"
        case Gap():
            return f"lost     {to_ms(value.end - value.start):.0f} ms of sound never came"
        case Frame():
            fields = f"account {value.account}  event {value.qualifier}{value.code}"
            fields += f"  partition {value.partition}  zone {value.zone}  confidence {value.confidence:.2f}"
            return f"FRAME    {value.format} {value.raw}  {fields}{note}"
        case Rejected():
            return f"rejected {value.format} {value.best}: {value.reason.value}, {value.evidence}{note}"
