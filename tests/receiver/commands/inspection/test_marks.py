"""Each kind of thing heard has a mark of its own, in form as well as in colour."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from decoder.frame import Frame, Reason, Rejected
from decoder.line_figures import Figures
from decoder.samples import Span
from decoder.symbols import KEYS, Character, Digit, Gap, Pulse, Row, Symbol, Tone, Witness
from receiver.commands.decoded import Finding
from receiver.commands.inspection import marks, words
from receiver.commands.inspection.heard import HeardChannel
from receiver.commands.inspection.marks import Axis, Panel
from receiver.commands.inspection.shapes import Box, Ink, Line, Shape, Text
from receiver.commands.inspection.table import rows

AXIS = Axis(Span(0, 48_000), 92.0, 1328 / 48_000, 1420.0)
PANEL = Panel(AXIS, 100.0, 240.0)


def digit(key: str, place: int, confidence: float = 1.0, witness: Witness = Witness.SOUND) -> Digit:
    likelihoods = tuple(0.0 if one == key else -2.0 - KEYS.index(one) for one in KEYS)
    start = 800 * place
    return Digit(key, start, start + 400, -10.0, -3.0, 0.1, confidence, likelihoods, witness)


def row(keys: str, confidences: dict[int, float] | None = None) -> Row:
    digits = tuple(digit(key, place, (confidences or {}).get(place, 1.0)) for place, key in enumerate(keys))
    return Row(digits, (20.0,) * len(digits), 20.0, digits[-1].end + 1000)


def frame(raw: str = "123418110101001B", recovered: tuple[int, ...] = ()) -> Frame:
    fields = {"account": raw[:4], "qualifier": raw[6], "code": raw[7:10], "partition": raw[10:12], "zone": raw[12:15]}
    return Frame("contact-id", raw, **fields, start=0, end=12_400, confidence=0.97, recovered=recovered)


def found(*values: Symbol | Frame | Rejected, witness: str = "sound") -> list[Finding]:
    return [Finding("mono", value, witness) for value in values]


def channel(*values: Symbol | Frame | Rejected) -> HeardChannel:
    figures = Figures(0, 48_000, 0, -20.0, 9000, 0.0, 0, -90.0, -90.0, -90.0, np.full(600, 100, np.uint8))
    return HeardChannel("mono", figures, tuple(found(*values)))


SAMPLES: dict[type, Symbol] = {
    Digit: digit("5", 3),
    Row: row("1234567"),
    Tone: Tone(1400.0, 8000, 15_000, -11.0, 1.0, "kiss-off 1400"),
    Pulse: Pulse(1900.0, 1000, 1400, -11.0, 1.0),
    Character: Character(0x41, 100, 400, -15.0, 0.9, "v23", 1200.0),
    Gap: Gap(4000, 4160),
}


@pytest.mark.parametrize("kind", get_args(Symbol), ids=lambda kind: kind.__name__)
def test_every_kind_of_symbol_is_drawn_and_told(kind: type) -> None:
    (told,) = rows(channel(SAMPLES[kind]))
    assert told.cells or (told.lines and kind.__name__ not in told.lines[0])
    drawn = [*marks.mark(found(SAMPLES[kind])[0], PANEL)]
    drawn += [
        shape for one in marks.only_in_rows(found(SAMPLES[kind])) for shape in marks.pair(one, PANEL, dashed=True)
    ]
    assert drawn


def test_no_two_kinds_look_the_same_even_without_colour() -> None:
    looks = {kind: look([*marks.mark(found(value)[0], PANEL)]) for kind, value in SAMPLES.items() if kind is not Row}
    assert len(set(looks.values())) == len(looks)


def look(shapes: list[Shape]) -> tuple[object, ...]:
    """What is left of shapes in black and white, without their places."""
    boxes = [one for one in shapes if isinstance(one, Box) and not one.filled]
    hatching = sum(isinstance(one, Line) for one in shapes) > 4
    tall = max((round(one.height / 30) for one in boxes), default=0)
    return len(boxes), tall, hatching, any(isinstance(one, Text) for one in shapes)


def test_a_digit_stands_at_its_two_frequencies_and_in_doubt_it_is_dashed() -> None:
    low, high = (box for box in marks.mark(found(digit("8", 3))[0], PANEL) if isinstance(box, Box))
    assert low.y < PANEL.y(852) < low.y + low.height
    assert high.y < PANEL.y(1336) < high.y + high.height
    assert (low.x, low.width) == (AXIS.at(2400), AXIS.at(2800) - AXIS.at(2400))
    assert not low.dashed
    assert all(box.dashed for box in marks.mark(found(digit("8", 3, 0.2))[0], PANEL) if isinstance(box, Box))


def test_an_event_has_no_place_in_the_sound() -> None:
    event = found(digit("8", 3, witness=Witness.EVENT), witness="event")
    assert not [*marks.mark(event[0], PANEL)]
    assert [shape.text for shape in marks.events(event, AXIS, 0) if isinstance(shape, Text)] == ["8"]
    assert not [*marks.keys(event, AXIS, 0)]


def test_frequencies_and_heights_are_each_others_reverse() -> None:
    for hz in (0.0, 50.0, 600.0, 697.0, 1633.0, 2300.0, 4000.0):
        assert marks.hz_at(marks.share(hz)) == pytest.approx(hz)
    assert marks.share(9000.0) == 1.0
    assert marks.hz_at(1.5) == 4000.0


def test_a_recovered_digit_is_marked_with_both_readings() -> None:
    keys = "123418110101001*"
    heard = row(keys[:7] + "7" + keys[8:], {7: 0.4})
    read = frame(recovered=(7,))
    shapes = [*marks.bracket(found(read)[0], found(heard, read), AXIS, 50)]
    yellow = [one for one in shapes if isinstance(one, Box) and one.ink is Ink.RECOVERED]
    assert len(yellow) == 1
    assert any(isinstance(one, Box) and one.says == "recovered: heard 7, read 1" for one in shapes)
    letters = [one.text for one in shapes if isinstance(one, Text)][1:]
    assert "".join(letters) == read.raw
    assert words.changes(words.positions(read, found(heard, read))) == ["digit 8: heard 7 with confidence 0.40, read 1"]


def test_a_digit_that_is_missing_leaves_the_others_in_their_places() -> None:
    keys = "123418110101001*"
    heard = [digit(key, place) for place, key in enumerate(keys) if place != 5]
    reads = words.positions(frame(recovered=(5,)), found(*heard))
    assert [read.heard.key if read.heard else "-" for read in reads] == list(keys[:5] + "-" + keys[6:])
    assert words.changes(reads) == ["digit 6: heard nothing, read 8"]


def test_a_candidate_not_taken_differs_from_a_frame_in_form_and_colour() -> None:
    rejected = Rejected("contact-id", Reason.CHECKSUM, "1234181101010015", 0, 12_400, "sum of digits is 7 modulo 15")
    told = [one for one in marks.bracket(found(rejected)[0], [], AXIS, 50) if isinstance(one, Line)]
    taken = [one for one in marks.bracket(found(frame())[0], [], AXIS, 50) if isinstance(one, Line)]
    assert told[0].dashed
    assert not taken[0].dashed
    assert {one.ink for one in told} == {Ink.REJECTED}
    assert len(told) == 1 + 2 * 2  # two crosses
    assert "not taken: contact-id 1234181101010015: checksum" in marks.label(found(rejected)[0], AXIS)


def test_a_label_never_leaves_the_paper() -> None:
    late = Rejected("contact-id", Reason.ERASURE, "?" * 400, 47_000, 47_900, "x" * 500)
    one = found(late)[0]
    assert marks.label_x(one, AXIS) >= AXIS.x
    assert marks.label(one, AXIS).endswith("…")


def test_of_rows_over_each_other_the_longest_is_drawn() -> None:
    short, long = row("123"), row("1234567")
    assert marks.rows(found(short, long)) == [long]
    assert marks.only_in_rows(found(long, *(digit(key, place) for place, key in enumerate("123456")))) == [
        long.digits[6]
    ]


def test_pulses_are_counted() -> None:
    starts = [0, 800, 1600, 6000, 12_000, 12_800]
    pulses = [Pulse(1900.0, start, start + 400, -10.0, 1.0) for start in starts]
    assert [len(digit) for digit in words.counted(pulses)] == [3, 1, 2]
    (told,) = rows(channel(*pulses))
    assert told.lines[0] == "pulses 1900 Hz, 6: 3 1 2"
    assert [one.text for one in marks.pulses(found(*pulses), AXIS, 0) if isinstance(one, Text)] == ["3", "1", "2"]


def test_characters_stand_in_one_row_in_hex_and_as_text() -> None:
    message = b"#0123\r"
    characters = [
        Character(octet, 267 * n, 267 * n + 260, -15.0, 0.9, "bell103-1", 300.0) for n, octet in enumerate(message)
    ]
    (told,) = rows(channel(*characters))
    assert told.lines[0] == "6 characters, bell103-1, 300 baud"
    assert told.lines[1] == "23 30 31 32 33 0D  #0123."
