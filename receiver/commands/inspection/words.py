"""Findings in words: what stands behind each of them, and one sentence about the whole, in English and Japanese."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from decoder.codes.contact_id import Counts, code
from decoder.formats import contact_id
from decoder.frame import Frame, Reason, Rejected
from decoder.registry import FORMATS
from decoder.samples import RATE_HZ, to_ms
from decoder.symbols import KEYS, Digit, Pulse, Row
from receiver.commands.decoded import Finding
from receiver.commands.inspection.heard import HeardCall, HeardChannel

AUDIBLE_DBM0: Final = -50.0  # hum and dial tone below this disturb nobody
PULSE_DIGITS: Final = RATE_HZ  # pulses further apart are not of one message
TOLD: Final = 3  # messages named in a sentence about all
SURE: Final = 0.9  # a digit of a row that needs no word of its own
UNCHECKED: Final = frozenset(known.name for known in FORMATS if not known.integrity)
QUALIFIERS: Final = {"1": ("new event", "発生"), "3": ("restoral", "復旧"), "6": ("still present", "継続")}
NOT_TAKEN: Final = {
    Reason.TOO_SHORT: "桁不足",
    Reason.TOO_LONG: "桁過多",
    Reason.FRAMING: "前後の無音なし",
    Reason.SHAPE: "形式外",
    Reason.CHECKSUM: "検査数字の不一致",
    Reason.ERASURE: "消失",
    Reason.SANITY: "内容の異常",
}


def dbm0(level: float | None) -> str:
    """A level with its unit."""
    if level is None or math.isnan(level):
        return "?"
    return f"{level:.1f} dBm0" if math.isfinite(level) else "digital silence"


def seconds(samples: int) -> str:
    """A place in the call."""
    return f"{samples / RATE_HZ:.3f}"


def runner_up(digit: Digit) -> tuple[str, float] | None:
    """The second likeliest key, and by how many nats it is less likely; None where the witness does not say."""
    if len(digit.likelihoods) != len(KEYS):
        return None
    others = [(likelihood, key) for likelihood, key in zip(digit.likelihoods, KEYS, strict=True) if key != digit.key]
    likelihood, key = max(others)
    return key, max(digit.likelihoods) - likelihood


def pauses(found: Sequence[Finding]) -> dict[int, int]:
    """Samples of pause before each digit that follows another one, by its place in `found`."""
    before: dict[int, int] = {}
    end: int | None = None
    for place, finding in enumerate(found):
        if isinstance(finding.value, Digit):
            if end is not None:
                before[place] = finding.value.start - end
            end = finding.value.end
    return before


def counted(pulses: Sequence[Pulse]) -> list[list[Pulse]]:
    """Pulses as digits: a pause longer than those within one begins another."""
    steps = [later.start - one.start for one, later in pairwise(pulses)]
    usual = min(steps, default=0)
    digits: list[list[Pulse]] = []
    for pulse in pulses:
        if not digits or pulse.start - digits[-1][-1].start > 1.5 * usual:
            digits.append([])
        digits[-1].append(pulse)
    return digits


@dataclass(frozen=True, slots=True)
class Read:
    """One position of a frame: what the frame says, and the digit that was heard there, if one was."""

    position: int
    digit: str
    heard: Digit | None
    recovered: bool


def positions(frame: Frame, found: Iterable[Finding]) -> list[Read]:
    """The digits of a frame beside those that were heard. Empty for a frame that was not sent as keys."""
    near = [one for one in found if one.value.start < frame.end and frame.start < one.value.end]
    for one in near:
        if isinstance(one.value, Row) and len(one.value.digits) == len(frame.raw) and frame.recovered:
            return _beside(frame, dict(enumerate(one.value.digits)))
    mine = [one.value for one in near if isinstance(one.value, Digit)]
    return _beside(frame, _placed(frame, mine)) if mine else []


def _beside(frame: Frame, placed: Mapping[int, Digit]) -> list[Read]:
    return [Read(place, digit, placed.get(place), place in frame.recovered) for place, digit in enumerate(frame.raw)]


def _placed(frame: Frame, digits: Sequence[Digit]) -> dict[int, Digit]:
    """Which digit stands at which position: in order if none is missing, else by an even count of time."""
    if len(digits) == len(frame.raw):
        return dict(enumerate(digits))
    lengths = sorted(digit.end - digit.start for digit in digits)
    usual = lengths[len(lengths) // 2]
    period = max((frame.end - frame.start - usual) / max(len(frame.raw) - 1, 1), 1)
    return {round((digit.start - frame.start) / period): digit for digit in digits}


def fields(frame: Frame) -> str:
    """What a frame says, with the meaning of its code where the format has a list of codes."""
    qualifier = QUALIFIERS.get(frame.qualifier, (f"qualifier {frame.qualifier}" if frame.qualifier else "event",))[0]
    meaning, last = "", "zone"
    if frame.format == contact_id.NAME:
        known = code(frame.code)
        meaning = f" ({known.english})"
        last = {Counts.ZONE: "zone", Counts.USER: "user", Counts.EITHER: "zone or user"}[known.counts]
    parts = [f"account {frame.account}", f"{qualifier} {frame.code}{meaning}".strip()]
    parts += [f"partition {frame.partition}"] if frame.partition else []
    parts += [f"{last} {frame.zone}"] if frame.zone else []
    return ", ".join(parts)


def checks(frame: Frame) -> str:
    """What stands for a frame besides the sound."""
    if not frame.checksum_ok:
        check = "its check does not hold"
    elif frame.format in UNCHECKED:
        check = "this format has no check"
    else:
        check = "its check holds"
    ask = "a digit of the account is recovered: ask for the address" if frame.account_recovered else ""
    return "; ".join(filter(None, (f"confidence {frame.confidence:.4f}", check, ask, frame.note)))


def changes(reads: Sequence[Read]) -> list[str]:
    """The positions that the sound did not decide: old and new reading."""
    lines = []
    for read in reads:
        if read.recovered:
            heard = "nothing" if read.heard is None else f"{read.heard.key} with confidence {read.heard.confidence:.2f}"
            lines.append(f"digit {read.position + 1}: heard {heard}, read {read.digit}")
    return lines


def doubts(row: Row) -> list[str]:
    """The digits of a row, heard as a whole, that are not sure: with the next likely key, and how much was there."""
    lines = []
    for place, (digit, presence) in enumerate(zip(row.digits, row.presence, strict=True)):
        second = runner_up(digit)
        if digit.confidence < SURE:
            behind = f", next {second[0]} {second[1]:.1f} nats behind" if second else ""
            there = f"presence {presence:.0f} of {row.usual:.0f} nats"
            lines.append(f"digit {place + 1}: {digit.key} ({digit.confidence:.2f}){behind}, {there}")
    return lines


def line_words(channel: HeardChannel) -> str:
    """What the line was like."""
    figures = channel.figures
    noise, snr = channel.noise_dbm0, channel.snr_db
    parts = [
        f"{figures.samples / RATE_HZ:.3f} s",
        f"level {dbm0(figures.level_dbm0)}",
        f"noise between signals {dbm0(noise) if noise is not None else 'unknown (no pause)'}",
        f"digits {snr:.0f} dB above it" if snr is not None else "",
        *(f"{hz} Hz {_audible(level)}" for hz, level in low(channel)),
        f"DC {figures.dc:+.0f}" if abs(figures.dc) >= 1 else "no DC",
        f"{figures.clipped} samples clipped" if figures.clipped else "no clipping",
        f"lost {to_ms(figures.lost):.0f} ms",
    ]
    return ", ".join(filter(None, parts))


def low(channel: HeardChannel) -> tuple[tuple[int, float], ...]:
    """Mains hum and dial tone: frequency, level."""
    figures = channel.figures
    return (50, figures.hum_50_dbm0), (60, figures.hum_60_dbm0), (400, figures.dial_400_dbm0)


def _audible(level: float) -> str:
    return dbm0(level) if level >= AUDIBLE_DBM0 else "none"


@dataclass(slots=True)
class Tally:
    """What calls held, for one sentence about all of them."""

    frames: list[Frame] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    digits: int = 0
    rows: int = 0

    def add(self, call: HeardCall) -> None:
        """Count another call."""
        for value in (one.value for channel in call.channels for one in channel.findings):
            if isinstance(value, Frame):
                self.frames.append(value)
            elif isinstance(value, Rejected):
                self.rejected.append(value)
            elif isinstance(value, Digit):
                self.digits += 1
            elif isinstance(value, Row):
                self.rows += 1

    def english(self) -> str:
        """In English."""
        said = list(dict.fromkeys(map(fields, self.frames)))
        text = f"{_count(len(self.frames), 'message')} heard" if said else "No message was heard"
        text += f": {'; '.join(said[:TOLD])}" if said else ""
        text += f" and {len(said) - TOLD} more" if len(said) > TOLD else ""
        if self.rejected:
            reasons = ", ".join(dict.fromkeys(one.reason.value.replace("_", " ") for one in self.rejected))
            text += f". {_count(len(self.rejected), 'candidate')} not taken ({reasons})"
        whole = f", {_count(self.rows, 'row')} of digits as a whole" if self.rows else ""
        return f"{text}. In all {_count(self.digits, 'digit')} one by one{whole}."

    def japanese(self) -> str:
        """In Japanese."""
        said = list(dict.fromkeys(map(_fields_in_japanese, self.frames)))
        text = f"電文{len(self.frames)}件を受信" if said else "電文は受信されませんでした"
        text += f"：{'；'.join(said[:TOLD])}" if said else ""
        text += f"、ほか{len(said) - TOLD}種" if len(said) > TOLD else ""
        if self.rejected:
            reasons = "、".join(dict.fromkeys(NOT_TAKEN[one.reason] for one in self.rejected))
            text += f"。不受理{len(self.rejected)}件（{reasons}）"
        whole = f"、桁列{self.rows}組" if self.rows else ""
        return f"{text}。検出した数字は計{self.digits}桁{whole}。"


def _fields_in_japanese(frame: Frame) -> str:
    qualifier = QUALIFIERS.get(frame.qualifier, ("", f"種別{frame.qualifier}" if frame.qualifier else "事象"))[1]
    meaning, last = "", "ゾーン"
    if frame.format == contact_id.NAME:
        known = code(frame.code)
        meaning = f"（{known.japanese}）"
        last = {Counts.ZONE: "ゾーン", Counts.USER: "利用者", Counts.EITHER: "ゾーン・利用者"}[known.counts]
    parts = [f"端末番号{frame.account}", f"{qualifier}{frame.code}{meaning}"]
    parts += [f"パーティション{frame.partition}"] if frame.partition else []
    parts += [f"{last}{frame.zone}"] if frame.zone else []
    return "、".join(parts)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
