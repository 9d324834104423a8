"""A modem that says anything at all, at any moment: its text, its shielded sound, the whole conversation."""

from __future__ import annotations

import re
from typing import Final

from benchmarks.fuzz.draw import Draw
from benchmarks.fuzz.outcomes import check_line
from decoder.exchange import ToneStep
from drivers.line import Answered, Fault, Healed, Heard, HungUp, Played, PlayStarted, Reported, Ringing
from drivers.modem.at import LineSplitter, result_of
from drivers.modem.caller_id import numbers_of
from drivers.modem.coding import SoundIn, decode, encode
from drivers.modem.dialogue import Dialogue, Effect, Recover, Settings, Write
from drivers.modem.dle import Ended, Event, KeyReports, Piece, Sound, Unshielder, shield
from drivers.modem.formats import Coding, SampleFormat, sample_formats
from drivers.modem.states import State

EFFECTS: Final = (Write, Recover, Ringing, Answered, Heard, Reported, PlayStarted, Played, HungUp, Fault, Healed)
FORMATS: Final = b'128,"8-BIT LINEAR",8,0,(7200,8000,11025),(0),(0)\r\n131,"8-BIT ULAW",8,0,(8000),(0),(0)\r\n'
UNASKED: Final = (
    b"\r\nRING\r\n", b"\r\nNMBR = 0738230001\r\n", b"\r\nNDID=1234\r\n", b"\r\nOK\r\n", b"\r\nERROR\r\n",
    b"\r\nNO CARRIER\r\n", b"\r\nBUSY\r\n", b"CONNECT 8000\r\n", b"CONN", b"\x10\x03", b"\x10", b"\x10b", b"\x10l",
    b"\x10/\x105\x10~", b"\x10o", b"\x10\x1a", b"\x80" * 160,
)  # fmt: skip
STEPS: Final = (ToneStep((1400.0,), 85), ToneStep((), 100), ToneStep((941.0, 1336.0), 80))


class _Talker:
    """A dialogue, and the last thing it wrote."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.dialogue = Dialogue(Settings(own_tones=draw.chance(64)))
        self.now, self.written = 0.0, b""

    def check(self, effects: list[Effect]) -> None:
        for effect in effects:
            assert isinstance(effect, EFFECTS), effect
            if isinstance(effect, Write):
                self.written = effect.data
            if isinstance(effect, Fault | HungUp):
                check_line(effect.reason)
        assert (self.dialogue.deadline is None) == (self.dialogue.state is State.CLOSED)

    def proper(self) -> bytes:
        """What a modem that works would answer."""
        if self.written.startswith(b"AT+VSM=?"):
            return b"\r\n" + FORMATS + b"\r\nOK\r\n"
        if self.written.startswith((b"AT+VRX", b"AT+VTX")):
            return b"\r\nCONNECT\r\n"
        if self.written.endswith((b"\x10\x03", b"\x10!")):
            return b"\x10\x03\r\nVCON\r\n"
        return b"\r\nOK\r\n"

    def step(self) -> None:
        """One thing happens."""
        draw, dialogue, what = self.draw, self.dialogue, self.draw.whole(0, 15)
        self.now += draw.choice((0.0, 0.02, 0.3, 1.0, 5.0, 60.0)) if draw.chance(60) else 0.0
        if what < 5:
            self.check(dialogue.received(self.proper(), self.now))
        elif what < 8:
            self.check(dialogue.received(draw.choice(UNASKED), self.now))
        elif what < 9:
            self.check(dialogue.received(draw.octets(draw.whole(0, 300)), self.now))
        elif what < 11:
            self.now = max(self.now, dialogue.deadline or self.now)
            self.check(dialogue.tick(self.now))
            late = dialogue.deadline
            assert late is None or late > self.now or dialogue.state is State.IDLE, (dialogue.state, late, self.now)
        elif what == 11:
            self.check(dialogue.answer(self.now))
        elif what == 12:
            self.check(dialogue.play(draw.octet(), STEPS[: draw.whole(0, 3)], self.now))
        elif what == 13:
            self.check(dialogue.hang_up(self.now))
        elif what == 14:
            self.check(dialogue.lost("the port is gone", self.now))
        else:
            self.check(dialogue.opened(self.now))


def dialogue(data: bytes) -> None:
    """Orders, time and bytes in any order: effects, and always a deadline while the port is open."""
    talker = _Talker(Draw(data))
    talker.check(talker.dialogue.opened(0.0))
    for _ in range(500):
        if not talker.draw.left:
            break
        talker.step()


def text(data: bytes) -> None:
    """Lines, formats, numbers, shielded sound: the same however they were cut."""
    draw = Draw(data)
    chop = draw.octets(9)
    said = draw.rest()
    pieces = Draw(chop).pieces(said)
    whole, parts = LineSplitter(), LineSplitter()
    once = whole.feed(said)
    again = [line for piece in pieces for line in parts.feed(piece)]
    if not whole.discarded and not parts.discarded:
        assert again == once
    for line in once:
        result_of(line), result_of(line, numeric=True), numbers_of(line)
    assert all(form.number >= 0 for form in sample_formats(once))
    splitter = LineSplitter()
    for piece in pieces:
        if splitter.feed_until_connect(piece)[1] is not None:
            break
    _shielded(said, pieces)
    for coding in Coding:
        streamed = SoundIn(SampleFormat(1, coding, 7200))
        assert all(len(streamed.feed(piece)) <= 3 * len(piece) + 2 for piece in pieces)
        if coding.is_adpcm:
            continue
        assert len(decode(coding, said)) == len(said)
        assert decode(coding, encode(coding, decode(coding, said))).tolist() == decode(coding, said).tolist()


def _shielded(said: bytes, pieces: list[bytes]) -> None:
    """The sound inside is the same however it was cut; what we shield comes back."""
    assert _sound(Unshielder().feed(shield(said))) == said
    stream, parts = Unshielder(), list[Piece]()
    for piece in pieces:
        parts += stream.feed(piece)
        if parts and isinstance(parts[-1], Ended):
            break
    once = Unshielder().feed(said)
    assert _sound(parts) == _sound(once)
    events = [one.char for one in once if isinstance(one, Event)]
    assert [one.char for one in parts if isinstance(one, Event)] == events
    keys = KeyReports()
    reported = [keys.hear(char, 100 * place) for place, char in enumerate(events)]
    assert all(key is None or re.fullmatch("[0-9*#A-D]", key) for key in reported)


def _sound(pieces: list[Piece]) -> bytes:
    return b"".join(one.data for one in pieces if isinstance(one, Sound))
