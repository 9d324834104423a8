"""TT92 in sequential tones: sound to frame, halves of keys, and tones that are nobody's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder.detector import Detector
from decoder.exchange import Message
from decoder.formats import stmf, tt92
from decoder.frame import Frame, Reason, Rejected
from decoder.keypad import PAIRS
from decoder.samples import Samples
from decoder.symbols import Digit, Gap, Symbol, Tone
from tests.decoder.formats.keyed import frame_of, read, rejected_of

MESSAGE = Message("123456", "001")
messages = st.builds(
    Message, st.text("0123456789", min_size=1, max_size=12), st.text("0123456789ABC", min_size=3, max_size=3)
)


def tones(keys: str, *, start: int = 4_000) -> list[Symbol]:
    """Keys as the detector reports their sequences."""
    found: list[Symbol] = []
    for place, key in enumerate(keys):
        begins = start + place * 2_160
        for at, hz in zip((begins, begins + 640), PAIRS[key], strict=True):
            found.append(Tone(hz, at, at + 600, -10.0, 1.0, f"keypad {hz:.0f}"))
    return found


@settings(max_examples=50, deadline=None)
@given(messages)
def test_what_is_encoded_is_read(message: Message) -> None:
    frame = frame_of(read(stmf.FORMAT, tones(stmf.FORMAT.encode(message)), quiet=16_000))
    assert (frame.format, frame.account, frame.code) == ("stmf", message.account, message.code)


def test_from_sound() -> None:
    (sound,) = stmf.send(MESSAGE)
    assert len(sound) == 24 * 2_160
    pcm = np.concatenate([np.zeros(4_000, np.int16), sound, np.zeros(8_000, np.int16)])
    detector, reader = Detector(stmf.FORMAT.signals, with_tones=False), stmf.Reader()
    results: list[Frame | Rejected] = []
    for at in range(0, len(pcm), 160):
        for symbol in detector.feed(Samples(at, pcm[at : at + 160])):
            assert not isinstance(symbol, Digit)
            results += reader.hear(symbol)
        results += reader.tick(detector.heard_until)
    frame = frame_of(results)
    assert (frame.account, frame.code) == ("123456", "001")
    assert abs(frame.start - 4_000) < 40
    assert abs(frame.end - 4_000 - 23 * 2_160 - 1_240) < 40


@pytest.mark.parametrize("place", [10, 11, 46, 47])
def test_half_a_key_is_an_erasure(place: int) -> None:
    symbols = tones(tt92.encode(MESSAGE))
    del symbols[place]
    rejected = rejected_of(read(stmf.FORMAT, symbols))
    assert rejected.reason is Reason.ERASURE
    assert rejected.best == "".join("?" if at == place // 2 else key for at, key in enumerate(tt92.encode(MESSAGE)))[2:]


def test_a_key_lost_whole_is_an_erasure_where_the_loss_is_known() -> None:
    symbols = tones(tt92.encode(MESSAGE))
    gone = symbols[10:12]
    gap = Gap(gone[0].start, gone[1].end)
    rejected = rejected_of(read(stmf.FORMAT, [*symbols[:10], gap, *symbols[12:]]))
    assert (rejected.reason, rejected.best.count("?")) == (Reason.ERASURE, 1)


def test_the_high_tone_first_is_no_key() -> None:
    symbols = [
        Tone(hz, at, at + 600, -10.0, 1.0, f"keypad {hz:.0f}")
        for place, key in enumerate(tt92.encode(MESSAGE))
        for at, hz in zip((place * 2_160, place * 2_160 + 640), reversed(PAIRS[key]), strict=True)
    ]
    assert not any(isinstance(one, Frame) for one in read(stmf.FORMAT, symbols))


def test_single_tones_and_keys_are_passed_over() -> None:
    alone = [Tone(941.0, at, at + 600, -10.0, 1.0, "keypad 941") for at in range(0, 80_000, 8_000)]
    assert read(stmf.FORMAT, alone) == []
    other = [Tone(1400.0, 0, 800, -11.0, 1.0, "handshake 1400"), Digit("5", 900, 1_300, -10.0, 0.0, 0.0, 1.0)]
    assert read(stmf.FORMAT, other) == []


def test_what_cannot_be_said_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="account"):
        stmf.send(Message("12345678901234", "001"))
