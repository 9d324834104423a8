"""Findings in words: what stands behind each of them, and one sentence about the whole, in English and Japanese."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from decoder.codes.contact_id import Counts, code
from decoder.formats import contact_id
from decoder.frame import Frame, Reason, Rejected
from decoder.registry import FORMATS
from decoder.samples import RATE_HZ, to_ms
from decoder.symbols import KEYS, Digit, Witness
from receiver.commands.decoded import Finding
from receiver.commands.inspection.heard import HeardCall, HeardChannel

AUDIBLE_DBM0: Final = -50.0  # hum and dial tone below this disturb nobody
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
    ends: dict[str, int] = {}
    for place, finding in enumerate(found):
        if isinstance(finding.value, Digit):
            if finding.witness in ends:
                before[place] = finding.value.start - ends[finding.witness]
            ends[finding.witness] = finding.value.end
    return before


@dataclass(frozen=True, slots=True)
class Read:
    """One position of a frame: what the frame says, and the digit that was heard there, if one was."""

    position: int
    digit: str
    heard: Digit | None
    recovered: bool


def positions(frame: Frame, witness: str, found: Iterable[Finding]) -> list[Read]:
    """The digits of a frame beside those that were heard. Empty for a frame that was not sent as keys."""
    event = Witness.EVENT.value
    mine = [
        one.value
        for one in found
        if isinstance(one.value, Digit)
        and (one.witness == event) == (witness == event)
        and one.value.start < frame.end
        and frame.start < one.value.end
    ]
    if not mine:
        return []
    placed = _placed(frame, mine)
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
    qualifier = QUALIFIERS.get(frame.qualifier, (f"qualifier {frame.qualifier}",))[0]
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
    return "; ".join(filter(None, (f"confidence {frame.confidence:.4f}", check, frame.note)))


def changes(reads: Sequence[Read]) -> list[str]:
    """The positions that the sound did not decide: old and new reading."""
    lines = []
    for read in reads:
        if read.recovered:
            heard = "nothing" if read.heard is None else f"{read.heard.key} ({read.heard.confidence:.2f})"
            lines.append(f"digit {read.position + 1}: heard {heard}, read {read.digit}")
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


def summary(calls: Sequence[HeardCall]) -> tuple[str, str]:
    """One sentence about everything heard, in English and in Japanese."""
    found = [one.value for call in calls for channel in call.channels for one in channel.findings]
    frames = list(dict.fromkeys(fields(value) for value in found if isinstance(value, Frame)))
    taken = [value for value in found if isinstance(value, Frame)]
    rejected = [value for value in found if isinstance(value, Rejected)]
    digits = sum(isinstance(value, Digit) for value in found)
    english = f"{_count(len(taken), 'message')} heard" if taken else "No message was heard"
    english += f": {'; '.join(frames[:3])}" if frames else ""
    english += f" and {len(frames) - 3} more" if len(frames) > 3 else ""
    if rejected:
        reasons = ", ".join(dict.fromkeys(value.reason.value.replace("_", " ") for value in rejected))
        english += f". {_count(len(rejected), 'candidate')} not taken ({reasons})"
    return f"{english}. {_count(digits, 'digit')} in all.", _japanese(taken, rejected, digits)


def _japanese(taken: Sequence[Frame], rejected: Sequence[Rejected], digits: int) -> str:
    frames = list(dict.fromkeys(map(_fields_in_japanese, taken)))
    text = f"電文{len(taken)}件を受信" if taken else "電文は受信されませんでした"
    text += f"：{'；'.join(frames[:3])}" if frames else ""
    text += f"、ほか{len(frames) - 3}種" if len(frames) > 3 else ""
    if rejected:
        text += f"。不受理{len(rejected)}件（{'、'.join(dict.fromkeys(NOT_TAKEN[one.reason] for one in rejected))}）"
    return f"{text}。検出した数字は計{digits}桁。"


def _fields_in_japanese(frame: Frame) -> str:
    qualifier = QUALIFIERS.get(frame.qualifier, ("", f"種別{frame.qualifier}"))[1]
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
