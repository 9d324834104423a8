"""The picture of a call: rows of a few seconds, in each the directions one above the other.

brackets: frames with their digits, candidates not taken
keys, rows of keys, characters
spectrogram, white to black, with boxes around what was heard
level of the line and of each digit · twist of each digit
seconds
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from textwrap import wrap
from typing import TYPE_CHECKING, Final

from decoder.frame import Frame, Rejected
from decoder.line_figures import HOP, hop_dbm0
from decoder.samples import RATE_HZ, Samples, Span
from decoder.symbols import Character, Digit, Gap, Pulse, Row
from receiver.commands.decoded import Finding
from receiver.commands.inspection import marks
from receiver.commands.inspection.heard import HeardCall, HeardChannel, is_sound, is_told
from receiver.commands.inspection.marks import Axis, Panel
from receiver.commands.inspection.shapes import Box, Grey, Ink, Line, Picture, Shape, Text, cross, hatched, width_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WIDTH: Final = 1440.0
LEFT: Final = 92.0
RIGHT: Final = 20.0
LETTERS: Final = int((WIDTH - RIGHT) / width_of("M"))  # of a line across the sheet
LETTERS_OF_TITLE: Final = int((WIDTH - RIGHT) / width_of("M", 15))
ROW: Final = 6 * RATE_HZ  # samples in a row: a digit of 50 ms is as wide as its letter
BEFORE: Final = RATE_HZ // 20  # a message that would be parted begins so far behind the row's beginning
ROW_LEAST: Final = 3 * RATE_HZ  # a row ends earlier, but not before this, where it would part a message
QUIET_DBM0: Final = -40.0  # a direction in which nothing was heard is drawn if it is louder
SHORTEST: Final = RATE_HZ  # a click of 10 ms is not blown up beyond this
HEIGHT: Final = 240.0  # of a spectrogram
STRIP: Final = 44.0
BRACKET: Final = 40.0  # of a frame, with its digits below
REJECTED: Final = 24.0
BRACKETS_MAX: Final = 4
NARROWEST: Final = 1.7  # paper units a column of the spectrogram
LINES: Final = 130  # of it
RANGE_DB: Final = (20.0, 60.0)  # from black to white: to what half of the picture is not louder than, within reason
BLACK_DBM0: Final = (-40.0, -5.0)  # black lies in here, at the loudest
TICKS_HZ: Final = (50, 400, 697, 770, 852, 941, 1209, 1336, 1477, 1633, 1850, 2300, 3000, 4000)


def picture(call: HeardCall, spans: Sequence[Span], heading: Sequence[str]) -> Picture:
    """The parts `spans` of a call, drawn below the lines of `heading`, the first of which is the title."""
    found = [one for channel in call.channels for one in channel.findings]
    rows = [row for span in spans for row in _rows(span, found)]
    scale = (WIDTH - LEFT - RIGHT) / max(SHORTEST, max(map(len, rows), default=1))
    sheet = _Sheet()
    title, *below = heading
    for line in wrap(title, LETTERS_OF_TITLE) or [""]:
        sheet.add(Text(8, sheet.y + 18, line, size=15, bold=True))
        sheet.y += 22
    for line in (part for words in below for part in wrap(words, LETTERS)):
        sheet.add(Text(8, sheet.y + 18, line))
        sheet.y += 16
    legend(sheet)
    sounds = call.sound(rows)
    ground = _ground(sounds)
    for number, (row, sound) in enumerate(zip(rows, sounds, strict=True)):
        if number and row.start > rows[number - 1].end:
            quiet = (row.start - rows[number - 1].end) / RATE_HZ
            sheet.add(Text(LEFT, sheet.y + 14, f"… {quiet:.1f} s in which nothing was heard …", Ink.FAINT))
            sheet.y += 20
        _row(sheet, call.channels, Axis(row, LEFT, scale, WIDTH - RIGHT), sound, ground)
    return Picture(WIDTH, sheet.y + 8, tuple(sheet.shapes), heading[0], " ".join(heading[1:]))


@dataclass(frozen=True, slots=True)
class Ground:
    """What is drawn black, and what white."""

    black_dbm0: float
    white_dbm0: float


@dataclass(slots=True)
class _Sheet:
    """Shapes so far, and how far down they reach."""

    shapes: list[Shape] = field(default_factory=list)
    y: float = 6.0

    def add(self, *shapes: Shape) -> None:
        self.shapes += shapes


def _rows(span: Span, found: Sequence[Finding]) -> Iterator[Span]:
    """Rows no longer than `ROW`, parted where nothing was heard, if there is such a place."""
    start = span.start
    while span.end - start > ROW:
        end = start + ROW
        while over := [one.value.start for one in found if one.value.start < end < one.value.end]:
            end = min(over) - BEFORE
        if end < start + ROW_LEAST:
            end = start + ROW
        yield Span(start, end)
        start = end
    yield Span(start, span.end)


def _row(sheet: _Sheet, channels: Sequence[HeardChannel], axis: Axis, sound: Sequence[Samples], ground: Ground) -> None:
    for channel, samples in zip(channels, sound, strict=True):
        found = [one for one in channel.findings if axis.shows(one)]
        if len(channels) > 1:
            sheet.add(Text(8, sheet.y + 14, channel.name, bold=True))
            sheet.y += 18
        if len(channels) > 1 and not found and (loudest := _loudest(channel, axis.span)) < QUIET_DBM0:
            quiet = "silence" if loudest == -inf else f"at most {loudest:.0f} dBm0"
            sheet.add(Text(LEFT, sheet.y + 8, f"nothing heard, {quiet}", Ink.FAINT))
            sheet.y += 18
            continue
        _brackets(sheet, found, channel.findings, axis)
        _letters(sheet, found, axis)
        _spectrogram(sheet, found, axis, samples, ground)
        if marks.measured(found):
            sheet.add(*marks.strips(channel, axis, sheet.y + 6, STRIP))
            sheet.y += 2 * STRIP + 22
        sheet.y += 6
    sheet.add(*marks.ticks(axis, sheet.y))
    sheet.y += 34


def _loudest(channel: HeardChannel, span: Span) -> float:
    """Level of the loudest 10 ms; −inf: silence, or all of it lost."""
    figures = channel.figures
    first, last = (max((place - figures.start) // HOP, 0) for place in (span.start, span.end))
    return max((hop_dbm0(code) for code in set(figures.hops[first:last].tolist())), default=-inf)


def _brackets(sheet: _Sheet, found: Sequence[Finding], of_channel: Sequence[Finding], axis: Axis) -> None:
    """Frames and rejected candidates, each kind in lines of its own, none over another."""
    for kind, height in ((Frame, BRACKET), (Rejected, REJECTED)):
        lanes: list[float] = []  # how far right each is taken
        left_out = 0
        for one in sorted((one for one in found if isinstance(one.value, kind)), key=lambda one: one.value.start):
            x = marks.label_x(one, axis)
            end = max(axis.at(one.value.end), x + width_of(marks.label(one, axis))) + 8
            lane = next((number for number, taken in enumerate(lanes) if taken <= x), len(lanes))
            if lane == BRACKETS_MAX:
                left_out += 1
                continue
            lanes[lane : lane + 1] = [end]
            sheet.add(*marks.bracket(one, of_channel, axis, sheet.y + lane * height + 18))
        sheet.y += len(lanes) * height
        if left_out:
            sheet.add(Text(LEFT, sheet.y + 12, f"… and {left_out} more, in the table", Ink.FAINT))
            sheet.y += 16


def _letters(sheet: _Sheet, found: Sequence[Finding], axis: Axis) -> None:
    """Keys, rows, and the characters of modems, in lines of their own, where there are any."""
    digits = [one.value for one in found if isinstance(one.value, Digit)]
    lines = (
        ("keys", 17, any(map(is_sound, digits)), marks.keys),
        ("as events", 17, any(map(is_told, digits)), marks.events),
        ("whole", 15, any(isinstance(one.value, Row) for one in found), marks.whole),
        ("pulses", 17, any(isinstance(one.value, Pulse) for one in found), marks.pulses),
        ("modem, hex", 15, any(isinstance(one.value, Character) for one in found), marks.characters),
    )
    for name, height, wanted, drawn in lines:
        if wanted:
            base = sheet.y + height - 4
            sheet.add(*drawn(found, axis, base), Text(8, base, name, Ink.FAINT, 9))
            sheet.y += height


def _spectrogram(sheet: _Sheet, found: Sequence[Finding], axis: Axis, sound: Samples, ground: Ground) -> None:
    panel = Panel(axis, sheet.y, HEIGHT)
    if len(axis.span):
        width = axis.end - axis.x
        shades = _shades(sound, axis.span, max(int(width / NARROWEST), 1), ground)
        sheet.add(Grey(axis.x, panel.top, width, HEIGHT, shades))
    for hz in TICKS_HZ:
        y = panel.y(hz)
        sheet.add(Line(((axis.x - 4, y), (axis.x, y)), Ink.TEXT))
        sheet.add(Text(axis.x - 6, y + 3, f"{hz}", Ink.FAINT, 8, "end"))
    sheet.add(Text(8, panel.top + HEIGHT / 2, "Hz", Ink.FAINT, 9))
    sheet.add(Box(axis.x, panel.top, axis.end - axis.x, HEIGHT, Ink.GRID, thick=1.0))
    for one in sorted(found, key=lambda one: not isinstance(one.value, Gap)):  # what is lost lies under the rest
        sheet.add(*marks.mark(one, panel))
    for digit in marks.only_in_rows(found):
        sheet.add(*marks.pair(digit, panel, dashed=True))
    sheet.y += HEIGHT


def _shades(sound: Samples, span: Span, columns: int, ground: Ground) -> NDArray[np.uint8]:
    """The grey of each point, top line first; paper where there is no sound."""
    import numpy as np

    from decoder.spectrogram import levels

    hz = [marks.hz_at(1 - (line + 0.5) / LINES) for line in range(LINES)]
    places = (np.arange(columns) + 0.5) * len(span) / columns + span.start
    dbm0 = levels(sound.pcm, (places - sound.start).astype(np.int64).tolist(), hz)
    grey = np.clip((ground.black_dbm0 - dbm0) / (ground.black_dbm0 - ground.white_dbm0), 0, 1)
    grey[:, (places < sound.start) | (places >= sound.end)] = 1.0
    steps = np.rint(grey * 31) / 31  # as fine as an eye sees, and half the octets
    shades: NDArray[np.uint8] = (255 * steps).astype(np.uint8)
    return shades


def _ground(sounds: Sequence[Sequence[Samples]]) -> Ground:
    """From the loudest tone to what half of the picture is not louder than, so that steady noise is light."""
    import numpy as np

    from decoder.spectrogram import levels

    hz = [float(hz) for hz in range(300, 3401, 25)]
    loudest, usual = BLACK_DBM0[0], []
    for samples in (samples for row in sounds for samples in row if len(samples.pcm)):
        found = levels(samples.pcm, range(0, len(samples.pcm), 160), hz)
        loudest = max(loudest, float(found.max()))
        usual.append(float(np.median(found)))
    black = min(loudest, BLACK_DBM0[1])
    return Ground(black, min(max(max(usual, default=black), black - RANGE_DB[1]), black - RANGE_DB[0]))


def legend(sheet: _Sheet) -> None:
    """What the marks mean, in one line."""
    y = sheet.y + 22
    x = 8.0
    entries: tuple[tuple[str, list[Shape]], ...] = (
        ("digit (two tones)", [Box(0, -10, 14, 4, Ink.DIGIT), Box(0, -3, 14, 4, Ink.DIGIT)]),
        ("in doubt", [Box(0, -8, 14, 7, Ink.DIGIT, dashed=True)]),
        ("event", [Box(0, -10, 12, 12, Ink.DIGIT, thick=1.0), Text(6, 0, "5", Ink.DIGIT, 10, "middle")]),
        ("single tone", [Box(0, -7, 14, 5, Ink.TONE, thick=2.0)]),
        ("modem character", [Box(0, -10, 7, 12, Ink.MODEM, thick=1.0), Box(7, -10, 7, 12, Ink.MODEM, thick=1.0)]),
        ("lost", [*hatched(0, -10, 14, 12, Ink.FAINT), Box(0, -10, 14, 12, Ink.TEXT, thick=1.0)]),
        ("message", [Line(((0, 0), (0, -6), (14, -6), (14, 0)), Ink.TEXT, thick=2.0)]),
        (
            "recovered digit",
            [
                Box(1, -11, 12, 13, Ink.RECOVERED, filled=True),
                Box(1, -11, 12, 13, Ink.TEXT),
                Line(((1, 4), (13, 4)), Ink.TEXT, thick=2.0),
            ],
        ),
        ("not taken", [Line(((0, -4), (14, -4)), Ink.REJECTED, dashed=True), *cross(7, -4, 4, Ink.REJECTED)]),
        ("level of the line", [Line(((0, -1), (5, -8), (9, -3), (14, -6)), Ink.FAINT)]),
    )
    for words, sample in entries:
        sheet.add(*(_moved(shape, x, y) for shape in sample))
        sheet.add(Text(x + 19, y, words, size=10))
        x += 19 + width_of(words, 10) + 14
    sheet.y += 38


def _moved(shape: Shape, x: float, y: float) -> Shape:
    if isinstance(shape, Line):
        return replace(shape, points=tuple((px + x, py + y) for px, py in shape.points))
    return replace(shape, x=shape.x + x, y=shape.y + y)
