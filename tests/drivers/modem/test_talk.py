from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from decoder.samples import RATE_HZ
from drivers.line import Played, PlayStarted
from drivers.modem.talk import BUSY_WITHIN_S, OVERRUN_MAX, PLAYS_MAX, Talk

BLOCK = np.ones(160, np.int16)
TONE = np.ones(6800, np.int16)


def test_the_count_goes_on_while_the_modem_plays() -> None:
    talk = Talk(100.0)
    talk.hears_again(100.05)
    talk.sound(BLOCK, 100.07)
    assert talk.heard == 400 + 160
    talk.enqueue(1, TONE)
    started, _ = talk.begin_play(100.17)
    assert started == PlayStarted(1, 560 + 800)
    assert talk.end_play() == [Played(1, 560 + 800 + 6800)]
    (hole,) = talk.hears_again(101.10)
    assert hole.samples.start == 560
    assert hole.samples.end == 560 + round(1.03 * RATE_HZ)
    assert [(span.start, span.end) for span in hole.samples.lost] == [(hole.samples.start, hole.samples.end)]


def test_a_clock_that_says_less_than_was_played_is_not_believed() -> None:
    talk = Talk(0.0)
    talk.enqueue(1, TONE)
    talk.begin_play(0.0)
    talk.end_play()
    (hole,) = talk.hears_again(0.5)
    assert hole.samples.end == 6800


def test_a_cut_play_has_left_as_far_as_time_has_come() -> None:
    talk = Talk(0.0)
    talk.enqueue(1, TONE)
    talk.enqueue(2, TONE)
    talk.begin_play(1.0)
    assert talk.drop_plays(1.1) == [Played(1, 8800, complete=False), Played(2, 0, complete=False)]
    assert not talk.wants_to_play
    (hole,) = talk.hears_again(1.2)
    assert hole.samples.end == 9600


def test_bounds() -> None:
    talk = Talk(0.0)
    assert all(talk.enqueue(token, TONE) for token in range(PLAYS_MAX))
    assert not talk.enqueue(99, TONE)
    (hole,) = talk.overrun(3600.0)
    assert len(hole.samples.pcm) == OVERRUN_MAX


def test_busy_is_believed_the_second_time_and_soon() -> None:
    talk = Talk(0.0)
    assert not talk.busy(1.0)
    assert not talk.busy(1.0 + BUSY_WITHIN_S + 0.1)
    assert talk.busy(1.0 + BUSY_WITHIN_S + 1.1)


@given(st.lists(st.tuples(st.sampled_from(["sound", "deaf", "overrun"]), st.floats(0, 2))))
def test_no_seams_and_never_backwards(happenings: list[tuple[str, float]]) -> None:
    talk, now, until = Talk(0.0), 0.0, 0
    for what, wait in happenings:
        now += wait
        if what == "sound":
            heard = talk.sound(BLOCK, now)
        elif what == "deaf":
            heard = talk.hears_again(now)
        else:
            heard = talk.overrun(now)
        for one in heard:
            assert one.samples.start == until
            until = one.samples.end
    assert talk.heard == until
