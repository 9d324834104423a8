from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.wire import BLOCK, Kind, Message, Parser, block_of, numbers_of, set_up, sound

MESSAGES = st.lists(st.builds(Message, st.sampled_from(Kind), st.binary(max_size=400)))


@given(MESSAGES, st.data())
def test_messages_come_back_however_they_are_cut(messages: list[Message], data: st.DataObject) -> None:
    whole = b"".join(message.encode() for message in messages)
    cut = data.draw(st.integers(0, len(whole)))
    parser = Parser()
    assert parser.feed(whole[:cut]) + parser.feed(whole[cut:]) == messages


@given(st.binary(max_size=5000))
def test_a_stranger_is_a_value_error_at_worst(data: bytes) -> None:
    try:
        for message in Parser().feed(data):
            numbers_of(message)
    except ValueError:
        pass


def test_sound_and_set_up() -> None:
    block = np.arange(-80, 80, dtype=np.int16) * 400
    assert (block_of(sound(block)) == block).all()
    assert numbers_of(set_up("0312345678", None)) == ("0312345678", None)
    with pytest.raises(ValueError, match="160"):
        block_of(Message(Kind.SOUND, b"\0" * (2 * BLOCK - 2)))
    with pytest.raises(ValueError, match="caller"):
        numbers_of(Message(Kind.SET_UP, b'{"caller": 3}'))
