from __future__ import annotations

import asyncio

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decoder.exchange import ToneStep
from decoder.samples import Samples, Span
from drivers.line import Answered, Healed, Heard, HungUp, LineInput, Played, PlayStarted, Ringing
from drivers.loopback import Loopback

TONE = (ToneStep((1400.0,), 100),)


def connected() -> tuple[Loopback, list[LineInput], list[LineInput]]:
    both, near, far = Loopback(), [], []
    both.near.attach(near.append)
    both.far.attach(far.append)
    both.far.dial("0738230001", "0738231111")
    both.near.answer()
    return both, near, far


def sound(told: list[LineInput]) -> np.ndarray:
    return np.concatenate([one.samples.pcm for one in told if isinstance(one, Heard)])


def test_a_call() -> None:
    both, near, far = connected()
    both.near.play(1, TONE)
    both.near.play(2, TONE)
    both.advance(1000)
    both.advance(1000)
    both.far.hang_up()
    both.advance(1000)
    assert near[:2] == [Ringing("0738230001", "0738231111"), Answered("0738230001", "0738231111")]
    assert [one for one in near if isinstance(one, PlayStarted | Played)] == [
        PlayStarted(1, 0),
        Played(1, 800),
        PlayStarted(2, 800),
        Played(2, 1600),
    ]
    assert isinstance(near[-1], HungUp)
    assert isinstance(far[-1], HungUp)
    assert np.count_nonzero(sound(far)) > 1500
    assert not sound(near).any()
    assert len(sound(near)) == len(sound(far)) == 2000


@given(st.lists(st.integers(1, 700), min_size=1), st.lists(st.integers(0, 500), max_size=4))
def test_what_one_says_the_other_hears_however_time_passes(steps: list[int], lengths: list[int]) -> None:
    both, near, _ = connected()
    said = [np.arange(1, length + 1, dtype=np.int16) for length in lengths]
    for pcm in said:
        both.far.say(Samples(0, pcm))
    for step in steps:
        both.advance(step)
    heard = sound(near)
    expected = np.concatenate([*said, np.zeros(sum(steps), np.int16)])[: sum(steps)]
    assert (heard == expected).all()


@given(st.lists(st.integers(1, 300), min_size=1, max_size=20))
def test_lost_stays_lost(steps: list[int]) -> None:
    both, near, _ = connected()
    both.far.say(Samples(0, np.ones(100, np.int16)))
    both.far.say(Samples(1000, np.zeros(500, np.int16), (Span(1100, 1300), Span(1350, 1360))))
    for step in steps:
        both.advance(step)
    lost = {at for one in near if isinstance(one, Heard) for span in one.samples.lost for at in range(*_ends(span))}
    assert lost == {at for at in [*range(200, 400), *range(450, 460)] if at < sum(steps)}


def _ends(span: Span) -> tuple[int, int]:
    return span.start, span.end


def test_what_was_still_to_be_played_is_cut() -> None:
    both, near, _ = connected()
    both.near.play(1, TONE)
    both.advance(100)
    both.near.hang_up()
    assert Played(1, 100, complete=False) in near
    both.near.play(2, TONE)
    assert near[-1] == Played(2, 100, complete=False)


def test_only_who_rings_can_answer_and_a_busy_line_is_busy() -> None:
    both = Loopback()
    both.far.dial()
    both.far.answer()
    assert not both.connected
    with pytest.raises(ValueError, match="in use"):
        both.near.dial()


async def test_run_delivers_until_cancelled() -> None:
    both, told = Loopback(), []
    task = asyncio.create_task(both.near.run(told.append))
    await asyncio.sleep(0)
    both.far.dial("1")
    assert told == [Healed(), Ringing("1", None)]
    task.cancel()
