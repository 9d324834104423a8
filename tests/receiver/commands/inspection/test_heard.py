"""What `yobirin inspect` finds: what `decode` finds, in every format, and the rows heard as a whole."""

from __future__ import annotations

from dataclasses import replace

from decoder.frame import Frame
from decoder.samples import silence
from decoder.symbols import KEYS, Character, Digit, Row, Symbol, Witness
from drivers.call_audio import Channel
from receiver.commands.inspection import words
from receiver.commands.inspection.heard import findings, is_told

MESSAGE = "123418110101001*"
RAW = "123418110101001B"


def digit(key: str, place: int, witness: Witness = Witness.SOUND) -> Digit:
    start = 4_000 + 800 * place
    likelihoods = tuple(-20.0 * (one != key) for one in KEYS)
    return Digit(key, start, start + 400, -10.0, 0.0, 0.0, 1.0, likelihoods, witness)


def channel(*events: Digit) -> Channel:
    return Channel("mono", silence(0, 0), events)


SOUND: list[Symbol] = [digit(key, place) for place, key in enumerate(MESSAGE)]
EVENTS = [replace(digit(key, place, Witness.EVENT), likelihoods=()) for place, key in enumerate(MESSAGE)]


def test_a_key_told_twice_is_one_digit_and_the_message_one_frame() -> None:
    found = findings(channel(*EVENTS), SOUND)
    assert [(type(one.value), one.witness) for one in found] == [(Digit, "both")] * 16 + [(Frame, "both")]
    assert all(is_told(one.value) for one in found if isinstance(one.value, Digit))


def test_a_frame_that_neither_witness_tells_alone_shows_the_digits_of_both() -> None:
    sound = [one for place, one in enumerate(SOUND) if place not in (0, 7)]
    found = findings(channel(*EVENTS[:3], *EVENTS[5:]), sound)
    (frame,) = (one for one in found if isinstance(one.value, Frame))
    assert frame.witness == "together"
    assert isinstance(frame.value, Frame)
    reads = words.positions(frame.value, found)
    assert [read.heard.key if read.heard else None for read in reads] == list(MESSAGE)
    assert set(words.pauses(found)) == set(range(1, 16)), "one stream of digits, whoever told them"


def test_a_row_comes_behind_its_digits_and_before_its_frame() -> None:
    first, last = SOUND[0], SOUND[-1]
    assert isinstance(first, Digit)
    assert isinstance(last, Digit)
    heard = tuple(replace(one, start=one.start + 8, end=one.end - 8) for one in SOUND if isinstance(one, Digit))
    row = Row(heard, (10.0,) * 16, 10.0, last.end + 600)
    kinds = [type(one.value) for one in findings(channel(), [*SOUND, row])]
    assert kinds == [Digit] * 16 + [Row, Frame]


def test_characters_that_keys_are_mistaken_for_are_not_found() -> None:
    chance = [Character(96, 4_000 + 80 * n, 4_070 + 80 * n, -13.5, 0.06, "v23", 1200.0) for n in range(6)]
    assert {type(one.value) for one in findings(channel(), sorted([*SOUND, *chance], key=lambda one: one.end))} == {
        Digit,
        Frame,
    }
