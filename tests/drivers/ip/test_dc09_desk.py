"""One acknowledgement for one message, when all of it is stored."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.ip.dc09 import Head
from drivers.ip.dc09_desk import COPIES_MAX, FORGOTTEN_S, WAITING_MAX, Answered, Desk
from drivers.ip.dc09_events import Puzzle
from drivers.ip.dc09_judge import Keep, Reply
from tests.drivers.ip.vectors import ACK, NOW, letters, wire

REPLY = Reply(Head("ADM-CID", "0007", "1234"))


def keep(identity: str = "a", events: int = 1) -> Keep:
    return Keep(tuple(Puzzle(f"{n}", "") for n in range(events)), "1234", identity, None, REPLY)


def tokens(desk: Desk, sender: str, what: Keep, at: float = 0.0) -> list[int]:
    told = desk.take(sender, what, at)
    assert told is not None
    return [one.token for one in told]


def test_stored_then_told() -> None:
    desk = Desk(letters)
    (token,) = tokens(desk, "s", keep())
    assert desk.waiting("s") == 1
    assert desk.acknowledge(token, NOW) == Answered(True, "s", (wire(ACK),))
    assert desk.acknowledge(token, NOW) == Answered(False)
    assert desk.waiting("s") == len(desk) == 0


def test_refused_is_silence_and_the_repetition_is_taken() -> None:
    desk = Desk(letters)
    (token,) = tokens(desk, "s", keep())
    assert desk.refuse(token) == "s"
    assert desk.refuse(token) is None
    assert desk.acknowledge(token, NOW) == Answered(False)
    assert len(tokens(desk, "s", keep())) == 1


def test_several_events_one_acknowledgement() -> None:
    desk = Desk(letters)
    one, two, three = tokens(desk, "s", keep(events=3))
    assert desk.acknowledge(two, NOW) == Answered(True, "s")
    assert desk.acknowledge(one, NOW) == Answered(True, "s")
    assert desk.acknowledge(three, NOW).frames == (wire(ACK),)


def test_one_event_refused_is_silence_for_all() -> None:
    desk = Desk(letters)
    one, two, three = tokens(desk, "s", keep(events=3))
    desk.acknowledge(one, NOW)
    desk.refuse(two)
    assert desk.acknowledge(three, NOW) == Answered(False)  # it comes again
    assert len(desk) == 0


def test_each_event_has_an_identity_of_its_own() -> None:
    told = Desk(letters).take("s", keep("a", events=2), 0.0)
    assert told is not None
    assert [one.identity for one in told] == ["a/1", "a/2"]


def test_a_copy_while_the_first_waits_is_answered_with_it() -> None:
    desk = Desk(letters)
    (token,) = tokens(desk, "s", keep())
    for _ in range(20):
        assert tokens(desk, "s", keep()) == []
    assert desk.acknowledge(token, NOW).frames == (wire(ACK),) * COPIES_MAX


def test_the_same_from_another_sender_or_with_other_content_is_new() -> None:
    desk = Desk(letters)
    given_tokens = [*tokens(desk, "s", keep("a")), *tokens(desk, "t", keep("a")), *tokens(desk, "s", keep("b"))]
    assert len(set(given_tokens)) == 3


def test_what_nobody_stores_is_given_again_after_a_minute() -> None:
    desk = Desk(letters)
    (first,) = tokens(desk, "s", keep(), 0.0)
    assert tokens(desk, "s", keep(), FORGOTTEN_S - 1) == []
    (second,) = tokens(desk, "s", keep(), FORGOTTEN_S)
    assert desk.acknowledge(first, NOW) == Answered(False)
    assert desk.acknowledge(second, NOW).frames == (wire(ACK),)


def test_a_sender_that_is_gone_hears_nothing() -> None:
    desk = Desk(letters)
    gone = tokens(desk, "s", keep("a", events=2)) + tokens(desk, "s", keep("b"))
    (other,) = tokens(desk, "t", keep("a"))
    desk.gone("s")
    assert not any(desk.acknowledge(token, NOW).told for token in gone)
    assert desk.acknowledge(other, NOW).told


def test_there_is_a_bound() -> None:
    desk = Desk(letters)
    for number in range(WAITING_MAX):
        desk.take(number, keep(), 0.0)
    assert desk.take("s", keep(), 0.0) is None
    desk.gone(0)
    assert desk.take("s", keep(events=2), 0.0) is None
    assert desk.take("s", keep(), 0.0) is not None


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("targ"), st.integers(0, 3), st.integers(0, 5)), max_size=60))
def test_nothing_is_answered_that_was_not_stored_as_a_whole(steps: list[tuple[str, int, int]]) -> None:
    desk, open_blocks, stored = Desk(letters), dict[int, tuple[int, ...]](), set[int]()
    for step, sender, number in steps:
        known = sorted(token for block in open_blocks.values() for token in block)
        if step == "t":
            told = tokens(desk, str(sender), keep(str(number % 2), events=1 + number % 3))
            open_blocks.update(dict.fromkeys(told, tuple(told)))
        elif step == "g":
            desk.gone(str(sender))
        elif known:
            token = known[number % len(known)]
            if step == "r":
                desk.refuse(token)
            else:
                answered = desk.acknowledge(token, NOW)
                stored.add(token)
                assert not answered.frames or set(open_blocks[token]) <= stored
    for sender in range(4):
        desk.gone(str(sender))
    assert len(desk) == 0
