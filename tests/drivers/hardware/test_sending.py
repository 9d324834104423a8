"""What is said to a monitoring program, pure: one frame at a time, identical copies, nothing passed over."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.hardware import surgard
from drivers.hardware.content import Header
from drivers.hardware.sending import Delivered, Down, Effect, Sender, SetAside, Settings, State, Up, Write

BEAT = surgard.heartbeat(Header("01", "1"))
FIRST, SECOND = b"5011 181234E12101001\x14", b"5011 181234R12101001\x14"
ACK, NAK = b"\x06", b"\x15"


def opened(position: int = 0, **settings: float | int | None) -> Sender:
    sender = Sender(Settings(BEAT, **settings), position)  # type: ignore[arg-type]
    sender.opened(0.0)
    return sender


def quiet(position: int = 0) -> Sender:
    """One that has said its first heartbeat and was answered."""
    sender = opened(position)
    assert sender.received(ACK, 0.0) == [Up()]
    return sender


def until(sender: Sender, end: float) -> list[tuple[float, Effect]]:
    """What happens by itself, with the times."""
    happened: list[tuple[float, Effect]] = []
    while (deadline := sender.deadline) is not None and deadline <= end:
        happened += [(deadline, effect) for effect in sender.tick(deadline)]
    return happened


def test_a_message_moves_the_position_when_it_is_acknowledged() -> None:
    sender = quiet(16)
    assert sender.wants() == 16
    assert sender.offer(17, FIRST, 1.0) == [Write(FIRST)]
    assert (sender.wants(), sender.position) == (None, 16)
    assert sender.received(ACK, 1.2) == [Delivered(17)]
    assert (sender.wants(), sender.position) == (17, 17)


def test_a_heartbeat_first_and_thirty_seconds_after_the_last_frame() -> None:
    sender = Sender(Settings(BEAT))
    assert sender.opened(100.0) == [Write(BEAT)]
    assert sender.received(ACK, 100.1) == [Up()]
    sender.offer(1, FIRST, 110.0)
    assert sender.received(ACK, 110.1) == [Delivered(1)]
    assert sender.deadline == 140.0
    assert sender.tick(140.0) == [Write(BEAT)]


def test_four_identical_copies_then_down_then_a_heartbeat_each_ten_seconds() -> None:
    sender = quiet()
    sender.offer(1, FIRST, 1.0)
    happened = until(sender, 50.0)
    assert [(at, one.data) for at, one in happened if isinstance(one, Write)] == [
        (5.0, FIRST), (9.0, FIRST), (13.0, FIRST), (23.0, BEAT), (33.0, BEAT), (43.0, BEAT),
    ]  # fmt: skip
    (down,) = [(at, one) for at, one in happened if isinstance(one, Down)]
    assert down == (17.0, Down("message 1: no acknowledgement within 4 s, 4 times"))
    assert sender.position == 0


def test_after_being_down_a_heartbeat_is_answered_first_and_the_message_follows_when_the_air_is_clear() -> None:
    sender = quiet()
    sender.offer(1, FIRST, 1.0)
    until(sender, 23.0)
    assert sender.received(ACK, 23.1) == [Up()]
    assert sender.state is State.CLEARING  # four copies may still be answered
    assert sender.received(ACK * 3, 23.2) == []
    assert sender.received(ACK, 23.3) == [Write(FIRST)]
    assert sender.received(ACK, 23.4) == [Delivered(1)]


def test_without_heartbeats_the_message_itself_is_tried() -> None:
    sender = opened(heartbeat_s=0)
    sender.offer(1, FIRST, 1.0)
    happened = until(sender, 42.0)
    assert [at for at, one in happened if isinstance(one, Write)] == [5.0, 9.0, 13.0, 23.0, 33.0]
    assert sender.received(ACK, 42.5) == [Delivered(1), Up()]  # it takes longer than a receiver waits, and is heard


def test_refused_is_sent_again_at_once_three_times_and_then_every_ten_seconds() -> None:
    sender = quiet()
    sender.offer(7, FIRST, 1.0)
    for _ in range(3):
        assert sender.received(NAK, 1.1) == [Write(FIRST)]
    assert sender.received(NAK, 1.1) == [Down("message 7: it is refused (15), 4 times")]
    assert sender.deadline == 11.1
    assert sender.tick(11.1) == [Write(FIRST)]
    assert sender.received(NAK, 11.2) == []
    assert sender.tick(21.1) == [Write(FIRST)]
    assert sender.received(ACK, 21.2) == [Delivered(7), Up()]


def test_a_late_answer_to_an_earlier_copy_is_not_taken_for_the_next_message() -> None:
    sender = quiet()
    sender.offer(1, FIRST, 1.0)
    assert sender.tick(5.0) == [Write(FIRST)]
    assert sender.received(ACK, 6.0) == [Delivered(1)]  # the answer to the first copy: it took five seconds
    assert sender.wants() is None
    assert sender.received(ACK, 10.0) == []  # that to the second
    assert sender.offer(2, SECOND, 10.0) == [Write(SECOND)]


def test_an_answer_that_never_comes_is_not_waited_for_for_ever() -> None:
    sender = quiet()
    sender.offer(1, FIRST, 1.0)
    sender.tick(5.0)
    sender.received(ACK, 5.1)
    assert sender.deadline == pytest.approx(5.1 + 4.1 + 0.5)
    assert until(sender, 10.0) == []
    assert sender.wants() == 1


def test_a_broken_connection_makes_everything_unacknowledged_due_again() -> None:
    sender = quiet()
    sender.offer(1, FIRST, 1.0)
    assert sender.lost("gone") == [Down("gone")]
    assert sender.lost("gone again") == []
    assert sender.deadline is None
    assert sender.received(ACK, 2.0) == []  # it belonged to the old one
    assert sender.opened(3.0) == [Write(FIRST)]
    assert sender.received(ACK, 3.1) == [Delivered(1), Up()]


def test_answers_that_nobody_waits_for_change_nothing() -> None:
    sender = quiet()
    assert sender.received(ACK + NAK + b"anything", 1.0) == []
    assert sender.position == 0


def test_a_link_test_of_the_program_is_answered_by_a_heartbeat() -> None:
    sender = quiet()
    assert sender.received(b"\r", 1.0) == [Write(BEAT)]
    sender.received(ACK, 1.1)
    sender.offer(1, FIRST, 2.0)
    assert sender.received(b"\r", 2.1) == []  # one frame at a time
    assert sender.received(ACK, 2.2) == [Delivered(1), Write(BEAT)]


def test_a_program_that_answers_by_carriage_return() -> None:
    sender = opened(taken=0x0D, again=None)
    assert sender.received(b"\r", 0.1) == [Up()]
    sender.offer(1, FIRST, 1.0)
    assert sender.received(NAK, 1.1) == []
    assert sender.received(b"\r", 1.2) == [Delivered(1)]


def test_a_program_that_answers_nothing_has_what_has_left() -> None:
    sender = Sender(Settings(BEAT, taken=None, again=None))
    assert sender.opened(0.0) == [Up(), Write(BEAT)]
    assert sender.written(0.1) == []
    assert sender.offer(1, FIRST, 1.0) == [Write(FIRST)]
    assert sender.position == 0
    assert sender.written(1.1) == [Delivered(1)]


def test_a_message_out_of_order_is_the_callers_mistake() -> None:
    sender = quiet(5)
    for seq in (4, 5):
        with pytest.raises(ValueError, match="does not follow 5"):
            sender.offer(seq, FIRST, 1.0)
    sender.offer(6, FIRST, 1.0)
    with pytest.raises(ValueError, match="not asked for"):
        sender.offer(7, FIRST, 1.0)


STEPS = st.one_of(
    st.sampled_from(["open", "lost", "offer", "written"]),
    st.sampled_from([ACK, NAK, b"\r", b"x"]),
    st.floats(0, 15),
)


@given(st.lists(STEPS, max_size=60), st.sampled_from([0, 30]), st.sampled_from([0x06, 0x0D, None]))
def test_anything_at_all(steps: list[str | bytes | float], heartbeat_s: int, taken: int | None) -> None:
    """Delivered are the messages in order, none before it was written on this connection; Down and Up alternate."""
    sender = Sender(Settings(BEAT, heartbeat_s=heartbeat_s, taken=taken, again=None if taken is None else 0x15))
    now, said, frame, written = 0.0, [], b"", False
    for step in steps:
        effects: list[Effect] = []
        if isinstance(step, bytes):
            effects = sender.received(step, now)
        elif isinstance(step, float):
            now += step
            effects = sender.tick(now)
        elif step == "open":
            effects, written = sender.opened(now), False
        elif step == "lost":
            effects = sender.lost("gone")
        elif step == "written":
            effects = sender.written(now)
        elif (position := sender.wants()) is not None:
            frame, written = b"5011 %d\x14" % (position + 1), False
            effects = sender.offer(position + 1, frame, now)
        for effect in effects:
            said.append(effect)
            if isinstance(effect, Write):
                assert effect.data in (BEAT, frame)
                written = written or effect.data == frame
            elif isinstance(effect, Delivered):
                assert written
    seqs = [one.seq for one in said if isinstance(one, Delivered)]
    assert seqs == list(range(1, len(seqs) + 1))
    changes = [type(one) for one in said if isinstance(one, Down | Up)]
    assert all(one is not other for one, other in pairwise(changes))


def test_what_is_refused_too_often_is_set_aside_and_the_next_goes() -> None:
    sender = opened(refusals=5)
    sender.received(ACK, 0.0)
    sender.offer(7, FIRST, 1.0)
    for _ in range(4):
        sender.received(NAK, 1.1)
    assert sender.tick(11.1) == [Write(FIRST)]
    assert sender.received(NAK, 11.2) == [SetAside(7, 5)]
    assert (sender.position, sender.wants()) == (7, 7)
    assert sender.offer(8, SECOND, 11.3) == [Write(SECOND)]
    assert sender.received(ACK, 11.4) == [Delivered(8), Up()]


def test_refusals_are_counted_over_connections_and_for_one_message_only() -> None:
    sender = opened(refusals=3)
    sender.received(ACK, 0.0)
    sender.offer(1, FIRST, 1.0)
    assert sender.received(NAK, 1.1) == [Write(FIRST)]
    assert sender.received(NAK + ACK, 1.2) == [Write(FIRST), Delivered(1)]
    sender.offer(2, SECOND, 2.0)
    assert sender.received(NAK, 2.1) == [Write(SECOND)]
    sender.lost("cut")
    assert sender.opened(3.0) == [Write(SECOND)]
    assert sender.received(NAK, 3.1) == [Write(SECOND)]
    assert sender.received(NAK, 3.2) == [SetAside(2, 3)]


def test_silence_is_no_refusal() -> None:
    sender = opened(refusals=1)
    sender.received(ACK, 0.0)
    sender.offer(1, FIRST, 1.0)
    assert not [one for _, one in until(sender, 600.0) if isinstance(one, SetAside)]


def test_without_a_receiver_behind_us_no_heartbeat_is_given_and_messages_go() -> None:
    sender = quiet()
    sender.silent = True
    assert sender.deadline is None
    assert sender.received(b"\r", 1.0) == []
    sender.offer(1, FIRST, 2.0)
    happened = until(sender, 40.0)
    assert [one.data for _, one in happened if isinstance(one, Write)] == [
        FIRST
    ] * 5  # 6, 10, 14; then every ten seconds
    sender.received(ACK * 6, 41.0)
    assert sender.position == 1
    sender.silent = False
    assert until(sender, 100.0)[0][1] == Write(BEAT)


def test_who_was_not_there_and_then_does_not_answer_is_told_apart_once() -> None:
    sender = Sender(Settings(BEAT))
    assert sender.lost("refused") == [Down("refused")]
    assert sender.lost("refused again") == []
    sender.opened(0.0)
    assert [one for _, one in until(sender, 60.0) if isinstance(one, Down)] == [
        Down("the heartbeat: no acknowledgement within 4 s, 4 times")
    ]
    assert sender.lost("closed") == []
    sender.opened(60.0)
    assert not [one for _, one in until(sender, 120.0) if isinstance(one, Down)]
