"""How each thing that was heard is drawn over the spectrogram: one case of `mark` for each kind of symbol.

digit      two solid boxes, one at each of its frequencies     in doubt: dashed
tone       one box with its name                               pulse: one narrow box
character  one box from the one frequency of its modem to the other
lost       hatched from top to bottom
not taken  a dashed bracket with crosses at its ends, above; two dashed lines down
frame      a solid bracket above, with its digits; those that the sound did not decide on yellow, underlined
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from typing import Final

from decoder.frame import Frame, Rejected
from decoder.keypad import PAIRS
from decoder.line_figures import HOP, LOST, hop_dbm0
from decoder.samples import RATE_HZ, Span, to_ms
from decoder.symbols import Character, Digit, Gap, Pulse, Row, Tone
from receiver.commands.decoded import Finding
from receiver.commands.inspection import words
from receiver.commands.inspection.heard import HeardChannel, is_sound, is_told
from receiver.commands.inspection.shapes import Box, Ink, Line, Shape, Text, cross, hatched, width_of

HALF_HZ: Final = 26.0  # of a box around a frequency
DOUBT: Final = 0.5  # a digit less certain is drawn dashed
MODEM_HZ: Final = {  # one, zero: Bell 103, ITU-T V.21, V.23
    "bell103-1": (1270.0, 1070.0),
    "bell103-2": (2225.0, 2025.0),
    "v21-1": (980.0, 1180.0),
    "v21-2": (1650.0, 1850.0),
    "v23": (1300.0, 2100.0),
}
ANY_MODEM_HZ: Final = (1000.0, 2000.0)
STRETCHED: Final = ((0.0, 0.0), (600.0, 0.16), (1800.0, 0.72), (4000.0, 1.0))  # Hz, share of the height
LEVEL: Final = (-50.0, 0.0)
TWIST: Final = (-15.0, 15.0)


@dataclass(frozen=True, slots=True)
class Axis:
    """Time on paper: `span` begins at `x`."""

    span: Span
    x: float
    width_of_sample: float
    edge: float  # of the paper: words may go as far

    def at(self, sample: float) -> float:
        """Where a sample stands; what lies outside stands at the edge."""
        return self.x + (min(max(sample, self.span.start), self.span.end) - self.span.start) * self.width_of_sample

    @property
    def end(self) -> float:
        """The right edge."""
        return self.at(self.span.end)

    def shows(self, finding: Finding) -> bool:
        """Whether some of it lies in this row."""
        return finding.value.start < self.span.end and finding.value.end > self.span.start


@dataclass(frozen=True, slots=True)
class Panel:
    """Where a spectrogram stands."""

    axis: Axis
    top: float
    height: float

    def y(self, hz: float) -> float:
        """Where a frequency stands."""
        return self.top + self.height * (1 - share(hz))

    def around(self, start: int, end: int, low_hz: float, high_hz: float) -> tuple[float, float, float, float]:
        """Left, top, width and height of what lies between."""
        left, top = self.axis.at(start), self.y(high_hz)
        return left, top, max(self.axis.at(end) - left, 1.0), self.y(low_hz) - top


def share(hz: float) -> float:
    """Height of a frequency, 0 … 1: the keys' band has more than half of it."""
    for (low, below), (high, above) in pairwise(STRETCHED):
        if hz <= high:
            return below + (above - below) * (hz - low) / (high - low)
    return 1.0


def hz_at(height: float) -> float:
    """The frequency at a share of the height: `share`, turned round."""
    for (low, below), (high, above) in pairwise(STRETCHED):
        if height <= above:
            return low + (high - low) * (height - below) / (above - below)
    return STRETCHED[-1][0]


def mark(finding: Finding, panel: Panel) -> Iterator[Shape]:
    """What stands on the spectrogram for a finding."""
    value = finding.value
    match value:
        case Digit():
            if is_sound(value):
                yield from pair(value, panel, dashed=value.confidence < DOUBT)
        case Tone():
            place = panel.around(value.start, value.end, value.hz - HALF_HZ, value.hz + HALF_HZ)
            yield Box(*place, Ink.TONE, thick=2.0, halo=True)
            label = value.name if str(round(value.hz)) in value.name else f"{value.hz:.0f} Hz {value.name}".rstrip()
            yield from _plate(place[0] + 2, place[1] - 4, label, Ink.TONE, panel.axis)
        case Pulse():
            place = panel.around(value.start, value.end, value.hz - HALF_HZ, value.hz + HALF_HZ)
            yield Box(*place, Ink.TONE, thick=1.0)
        case Character():
            one, zero = MODEM_HZ.get(value.modem, ANY_MODEM_HZ)
            low, high = min(one, zero) - HALF_HZ, max(one, zero) + HALF_HZ
            says = f"{value.value:02X}, {value.modem}, {value.baud:.0f} baud, confidence {value.confidence:.3f}"
            place = panel.around(value.start, value.end, low, high)
            yield Box(*place, Ink.MODEM, dashed=is_doubtful(value), thick=1.0, says=says, halo=True)
        case Gap():
            left, right = panel.axis.at(value.start), panel.axis.at(value.end)
            yield Box(left, panel.top, right - left, panel.height, Ink.PAPER, filled=True)
            yield from hatched(left, panel.top, right - left, panel.height, Ink.FAINT)
            yield Box(left, panel.top, right - left, panel.height, Ink.TEXT, thick=1.0)
            lost = f"lost {to_ms(value.end - value.start):.0f} ms"
            yield from _plate(left + 2, panel.top + 12, lost, Ink.TEXT, panel.axis)
        case Rejected():
            for edge in (value.start, value.end):
                if panel.axis.span.start <= edge <= panel.axis.span.end:
                    x = panel.axis.at(edge)
                    yield Line(((x, panel.top), (x, panel.top + panel.height)), Ink.REJECTED, dashed=True)
        case _:
            return


def pair(digit: Digit, panel: Panel, *, dashed: bool) -> Iterator[Shape]:
    """A digit at its two frequencies."""
    if not (digit.start < panel.axis.span.end and panel.axis.span.start < digit.end):
        return
    for hz in PAIRS[digit.key]:
        place = panel.around(digit.start, digit.end, hz - HALF_HZ, hz + HALF_HZ)
        yield Box(*place, Ink.DIGIT, dashed=dashed, says=digit_words(digit), halo=True)


def _plate(x: float, y: float, label: str, ink: Ink, axis: Axis) -> Iterator[Shape]:
    """A label that can be read on any ground."""
    width = width_of(label, 10)
    x = max(min(x, axis.edge - width - 2), axis.x)
    yield Box(x - 1, y - 9, width + 2, 11.5, Ink.PAPER, filled=True)
    yield Text(x, y, label, ink, 10)


def digit_words(digit: Digit) -> str:
    """A digit with its evidence, in a line."""
    second = words.runner_up(digit)
    return (
        f"{digit.key}: {digit.level_dbm0:.1f} dBm0, twist {digit.twist_db:+.1f} dB, {digit.offset_percent:+.2f} %, "
        f"{to_ms(digit.end - digit.start):.1f} ms, confidence {digit.confidence:.3f}"
        + (f"; next {second[0]}, {second[1]:.0f} nats behind" if second else "")
    )


def keys(found: Sequence[Finding], axis: Axis, y: float) -> Iterator[Shape]:
    """The key above each digit that was in the sound."""
    for finding in found:
        value = finding.value
        if isinstance(value, Digit) and is_sound(value) and (x := _middle(value, axis)) is not None:
            sure = value.confidence >= DOUBT
            said = value.key if sure else f"{value.key}?"
            yield Text(x, y, said, Ink.DIGIT, 13, "middle", sure, digit_words(value))


def events(found: Sequence[Finding], axis: Axis, y: float) -> Iterator[Shape]:
    """The key of each digit that came beside the sound, in a frame of its own."""
    for finding in found:
        value = finding.value
        if isinstance(value, Digit) and is_told(value) and (x := _middle(value, axis)) is not None:
            yield Box(x - 6, y - 11, 12, 14, Ink.DIGIT, thick=1.0, says=f"{value.key}: {value.witness.value}")
            yield Text(x, y, value.key, Ink.DIGIT, 11, "middle")


def _middle(digit: Digit, axis: Axis) -> float | None:
    """Where a digit's letter stands; None if in another row."""
    middle = (digit.start + digit.end) / 2
    return axis.at(middle) if axis.span.start <= middle < axis.span.end else None


def is_doubtful(character: Character) -> bool:
    """Whether it may be another one, or none."""
    return character.confidence < DOUBT or not character.framed


def rows(found: Sequence[Finding]) -> list[Row]:
    """Of rows that lie over each other the longest, of equal ones the last: a row is looked at again as it grows."""
    best: list[Row] = []
    every = [one.value for one in found if isinstance(one.value, Row)]
    for row in sorted(every, key=lambda row: (len(row.digits), row.known_at), reverse=True):
        if not any(one.start < row.end and row.start < one.end for one in best):
            best.append(row)
    return best


def only_in_rows(found: Sequence[Finding]) -> list[Digit]:
    """The digits that were heard only as a part of a row."""
    alone = [one.value for one in found if isinstance(one.value, Digit) and is_sound(one.value)]
    return [
        digit
        for row in rows(found)
        for digit in row.digits
        if digit.confidence >= DOUBT and not any(one.start < digit.end and digit.start < one.end for one in alone)
    ]


def whole(found: Sequence[Finding], axis: Axis, y: float) -> Iterator[Shape]:
    """The digits of rows heard as a whole: the unsure ones with a question mark."""
    for row in rows(found):
        for digit in row.digits:
            if (x := _middle(digit, axis)) is not None:
                said = digit.key if digit.confidence >= words.SURE else f"{digit.key}?"
                yield Text(x, y, said, Ink.DIGIT, 11, "middle", says=digit_words(digit))


def pulses(found: Sequence[Finding], axis: Axis, y: float) -> Iterator[Shape]:
    """How many pulses stand together, above the middle of them."""
    for digit in words.counted([one.value for one in found if isinstance(one.value, Pulse)]):
        middle = (digit[0].start + digit[-1].end) / 2
        if axis.span.start <= middle < axis.span.end:
            yield Text(axis.at(middle), y, str(len(digit)), Ink.TONE, 13, "middle", bold=True)


def characters(found: Sequence[Finding], axis: Axis, y: float) -> Iterator[Shape]:
    """Characters in hex where there is room for each, in a row otherwise cut off at the last that fits."""
    free = axis.x
    for finding in found:
        value = finding.value
        if isinstance(value, Character) and axis.shows(finding):
            label = f"{value.value:02X}" + "?" * is_doubtful(value)
            x = (axis.at(value.start) + axis.at(value.end)) / 2
            if x - width_of(label, 10) / 2 >= free:
                yield Text(x, y, label, Ink.MODEM, 10, "middle")
                free = x + width_of(label, 10) / 2 + 1


def bracket(finding: Finding, found: Sequence[Finding], axis: Axis, y: float) -> Iterator[Shape]:
    """A frame or a rejected candidate, above its digits; open at a side where it goes on in another row."""
    value = finding.value
    left, right = axis.at(value.start), axis.at(value.end)
    is_frame = isinstance(value, Frame)
    ink = Ink.TEXT if is_frame else Ink.REJECTED
    yield Line(((left, y), (right, y)), ink, dashed=not is_frame, thick=2.0 if is_frame else 1.5)
    for place, x in ((value.start, left), (value.end, right)):
        if axis.span.start <= place <= axis.span.end:
            yield from [Line(((x, y), (x, y + 6)), ink, thick=2.0)] if is_frame else cross(x, y, 4, ink)
    yield Text(label_x(finding, axis), y - 7, label(finding, axis), ink, 11, bold=is_frame)
    if isinstance(value, Frame):
        yield from _raw(value, found, axis, y + 14)


def label(finding: Finding, axis: Axis) -> str:
    """What stands above a bracket: no more than a row has room for."""
    match finding.value:
        case Frame() as frame:
            said = f"FRAME {frame.format} {frame.raw}: {words.fields(frame)}, confidence {frame.confidence:.3f}"
            said += f", {len(frame.recovered)} recovered" if frame.recovered else ""
        case Rejected() as rejected:
            reason = rejected.reason.value.replace("_", " ")
            said = f"× not taken: {rejected.format} {rejected.best}: {reason}, {rejected.evidence}"
        case other:
            said = type(other).__name__
    room = int((axis.edge - axis.x) / width_of("M"))
    return said if len(said) <= room else said[: max(room - 1, 0)] + "…"


def label_x(finding: Finding, axis: Axis) -> float:
    """Where it begins: at its bracket, or as far left as it needs."""
    return max(min(axis.at(finding.value.start), axis.edge - width_of(label(finding, axis))), axis.x)


def _raw(frame: Frame, found: Sequence[Finding], axis: Axis, y: float) -> Iterator[Shape]:
    reads = words.positions(frame, found)
    step = (frame.end - frame.start) / max(len(reads), 1)
    for read in reads:
        middle = frame.start + (read.position + 0.25) * step
        if read.heard is not None:
            middle = (read.heard.start + read.heard.end) / 2
        if axis.span.start <= middle <= axis.span.end:
            x = axis.at(middle)
            if read.recovered:
                heard = read.heard.key if read.heard else "nothing"
                yield Box(x - 6, y - 11, 12, 14, Ink.RECOVERED, filled=True)
                yield Box(x - 6, y - 11, 12, 14, Ink.TEXT, says=f"recovered: heard {heard}, read {read.digit}")
                yield Line(((x - 6, y + 5), (x + 6, y + 5)), Ink.TEXT, thick=2.0)
            yield Text(x, y, read.digit, Ink.TEXT, 11, "middle", read.recovered)


def strips(channel: HeardChannel, axis: Axis, top: float, height: float) -> Iterator[Shape]:
    """Level of the line and of each digit; below, the twist of each digit. Both strips are `height` high."""
    below = top + height + 10
    yield from _scale(axis, top, height, LEVEL, (-40, -20, 0), "dBm0")
    yield from _scale(axis, below, height, TWIST, (-10, 0, 10), "twist dB")
    yield from _loudness(channel, axis, top, height)
    found = [one for one in channel.findings if axis.shows(one)]
    for digit in measured(found):
        left, right = axis.at(digit.start), axis.at(digit.end)
        if right > left:
            y = _height(digit.level_dbm0, LEVEL, top, height)
            yield Line(((left, y), (right, y)), Ink.DIGIT, thick=3.0)
            zero, y = (_height(twist, TWIST, below, height) for twist in (0.0, digit.twist_db))
            bar = max(abs(y - zero), 1.5)
            yield Box(left, min(y, zero - 0.75), right - left, bar, Ink.DIGIT, filled=True, says=digit_words(digit))
    for gap in (one.value for one in found if isinstance(one.value, Gap)):
        left, right = axis.at(gap.start), axis.at(gap.end)
        yield from hatched(left, top, right - left, height, Ink.FAINT)


def measured(found: Sequence[Finding]) -> list[Digit]:
    """The digits that have a level and a twist: those of the sound, one by one, and those of rows alone."""
    alone = [one.value for one in found if isinstance(one.value, Digit) and is_sound(one.value)]
    return alone + only_in_rows(found)


def _scale(
    axis: Axis, top: float, height: float, ends: tuple[float, float], ticks: Sequence[int], name: str
) -> Iterator[Shape]:
    for tick in ticks:
        y = _height(tick, ends, top, height)
        yield Line(((axis.x, y), (axis.end, y)), Ink.GRID)
        yield Text(axis.x - 6, y + 3.5, f"{tick:+d}" if tick and ends[1] > 0 else f"{tick}", Ink.FAINT, 9, "end")
    yield Text(8, top + height / 2 + 3, name, Ink.FAINT, 9)


def _loudness(channel: HeardChannel, axis: Axis, top: float, height: float) -> Iterator[Line]:
    """Level of each 10 ms in the telephone band, broken where sound is lost."""
    figures = channel.figures
    first = max((axis.span.start - figures.start) // HOP, 0)
    points: list[tuple[float, float]] = []
    for place, code in enumerate(figures.hops[first : max((axis.span.end - figures.start) // HOP, 0)].tolist(), first):
        if code != LOST:
            middle = figures.start + place * HOP + HOP // 2
            points.append((axis.at(middle), _height(hop_dbm0(code), LEVEL, top, height)))
        elif points:
            yield Line(tuple(points), Ink.FAINT)
            points = []
    if points:
        yield Line(tuple(points), Ink.FAINT)


def _height(value: float, ends: tuple[float, float], top: float, height: float) -> float:
    low, high = ends
    value = min(max(value, low), high) if isfinite(value) else low
    return top + height * (high - value) / (high - low)


def ticks(axis: Axis, y: float) -> Iterator[Shape]:
    """The time axis, in seconds."""
    seconds = len(axis.span) / RATE_HZ
    step = next(step for step in (0.1, 0.2, 0.5, 1.0) if seconds / step <= 16 or step == 1.0)
    tenths = round(step * RATE_HZ)
    yield Line(((axis.x, y), (axis.end, y)), Ink.TEXT)
    for sample in range(-(-axis.span.start // tenths) * tenths, axis.span.end + 1, tenths):
        yield Line(((axis.at(sample), y), (axis.at(sample), y + 4)), Ink.TEXT)
        if axis.at(sample) + 12 <= axis.end + 14:
            yield Text(axis.at(sample), y + 15, f"{sample / RATE_HZ:.1f}", Ink.TEXT, 10, "middle")
    yield Text(8, y + 15, "seconds", Ink.FAINT, 9)
