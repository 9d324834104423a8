"""What is sent when: asked of the pure machine, whose deadlines are ticked and never waited for."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from receiver.clock import SECOND_US, Now
from receiver.outbox.delivery import AGAIN_US, AGAIN_US_MAX, Delivery, Effect, Lane, Note, Publish
from receiver.outbox.rows import Row

UTC = 1_750_000_000 * SECOND_US
ALARM_S = 60


def at(seconds: float) -> Now:
    return Now(UTC + round(seconds * SECOND_US), 5_000 * SECOND_US + round(seconds * SECOND_US), "boot")


def row(seq: int, case: int | None = None, queued_s: float = 0) -> Row:
    return Row(seq, f"id{seq}", f"yobirin/main/case/id{seq}", "{}", "ff", case, UTC + round(queued_s * SECOND_US))


def lane(name: str | None = "kanshi", *rows: Row, window: int = 3, silent: bool = False) -> Lane:
    made = Lane(name, window, ALARM_S * SECOND_US if name else None, silent)
    made.take(rows, at(0))
    return made


def connected(*lanes: Lane) -> Delivery:
    delivery = Delivery(lanes)
    delivery.connect()
    return delivery


def published(effects: Iterable[Effect]) -> list[int]:
    return [effect.row.seq for effect in effects if isinstance(effect, Publish)]


def noted(effects: Iterable[Effect]) -> list[str]:
    return [effect.draft.type for effect in effects if isinstance(effect, Note)]


def test_rows_leave_in_order_once_there_is_a_broker() -> None:
    delivery = Delivery([lane("kanshi", row(1), row(2), row(3))])
    assert delivery.tick(at(0)) == []
    delivery.connect()
    assert published(delivery.tick(at(0))) == [1, 2, 3]
    assert published(delivery.tick(at(1))) == []


def test_the_next_message_of_a_case_waits_for_the_one_before() -> None:
    delivery = connected(lane("kanshi", row(1, case=5), row(2, case=6), row(3, case=5)))
    assert published(delivery.tick(at(0))) == [1, 2]
    delivery.receive("kanshi", "id2")
    assert published(delivery.tick(at(0))) == []
    delivery.receive("kanshi", "id1")
    assert published(delivery.tick(at(0))) == [3]


def test_without_a_receipt_a_row_is_sent_again_with_longer_and_longer_pauses() -> None:
    delivery = connected(lane("kanshi", row(1)))
    assert published(delivery.tick(at(0))) == [1]
    times = [0.0]
    while len(times) < 8:
        deadline = delivery.deadline
        assert deadline is not None
        now = (deadline - at(0).mono_us) / SECOND_US
        assert published(delivery.tick(at(now - 0.001))) == []
        times += [now for _ in published(delivery.tick(at(now)))]
    pauses = [after - before for before, after in pairwise(times)]
    assert pauses == [5, 10, 20, 40, 60, 60, 60]
    assert (pauses[0], pauses[-1]) == (AGAIN_US / SECOND_US, AGAIN_US_MAX / SECOND_US)


def test_the_alarm_is_raised_once_and_ends_when_everything_is_caught_up() -> None:
    waiting = lane("kanshi", row(1), row(2), row(3, queued_s=30))
    delivery = connected(waiting)
    assert noted(delivery.tick(at(59.9))) == []
    assert noted(delivery.tick(at(60))) == ["outbox.alarm"]
    assert noted(delivery.tick(at(120))) == []
    delivery.receive("kanshi", "id1")
    assert noted(delivery.tick(at(121))) == []
    delivery.receive("kanshi", "id2")
    delivery.receive("kanshi", "id3")
    assert noted(delivery.tick(at(122))) == ["outbox.healed"]
    assert noted(delivery.tick(at(900))) == []


def test_the_alarm_needs_no_broker_and_counts_from_the_event() -> None:
    old = Lane("kanshi", 3, ALARM_S * SECOND_US)
    old.take([row(1)], at(50))
    delivery = Delivery([old])
    assert delivery.deadline == at(60).mono_us
    assert noted(delivery.tick(at(60))) == ["outbox.alarm"]


def test_an_alarm_that_stands_is_not_raised_anew_after_a_restart() -> None:
    assert noted(connected(lane("kanshi", row(1), silent=True)).tick(at(300))) == []


def test_while_we_slept_nobody_could_answer() -> None:
    delivery = connected(lane("kanshi", row(1)))
    delivery.tick(at(1))
    assert noted(delivery.tick(at(36_000))) == [], "the machine was suspended, or the demonstration's clock jumped"
    assert noted(delivery.tick(at(36_058))) == []
    assert noted(delivery.tick(at(36_059))) == ["outbox.alarm"]


def test_a_new_session_makes_everything_unfinished_due_in_order() -> None:
    delivery = connected(lane("kanshi", row(1), row(2), row(3)))
    delivery.tick(at(0))
    delivery.receive("kanshi", "id2")
    delivery.disconnect()
    assert published(delivery.tick(at(1))) == []
    delivery.connect()
    assert published(delivery.tick(at(2))) == [1, 3]
    assert delivery.deadline == at(2).mono_us + AGAIN_US


def test_a_sign_of_life_makes_what_was_long_waited_for_due() -> None:
    delivery = connected(lane("kanshi", row(1), row(2)))
    for second in (0, 5, 15, 35, 75):
        assert published(delivery.tick(at(second))) == [1, 2]
    delivery.receive("kanshi", "id2")
    assert published(delivery.tick(at(76))) == [1]


def test_without_a_consumer_the_puback_ends_a_row_and_nothing_is_asked_twice() -> None:
    delivery = connected(lane(None, row(1), row(2)))
    assert published(delivery.tick(at(0))) == [1, 2]
    assert delivery.deadline is None
    assert noted(delivery.acknowledge(row(1))) == ["outbox.sent"]
    assert delivery.acknowledge(row(1)) == []
    assert (noted(delivery.tick(at(9_000))), published(delivery.tick(at(9_000)))) == ([], [])


def test_a_puback_is_not_a_receipt() -> None:
    waiting = lane("kanshi", row(1))
    assert connected(waiting).acknowledge(row(1)) == []
    assert waiting.holds("id1")


def test_a_row_for_two_consumers_leaves_once_and_ends_with_both_receipts() -> None:
    first, second = lane("a", row(1), row(2)), lane("b", row(1), row(2))
    delivery = connected(first, second)
    assert published(delivery.tick(at(0))) == [1, 2]
    delivery.receive("a", "id1")
    assert not first.holds("id1")
    assert second.holds("id1")
    assert published(delivery.tick(at(5))) == [1, 2], "again for b, and 2 for both at once"


def test_a_silent_consumer_holds_nobody_else_up() -> None:
    silent, alive = lane("silent", row(1, 7), row(2, 7), row(3, 7)), lane("alive", row(1, 7), row(2, 7), row(3, 7))
    delivery = connected(silent, alive)
    seen = []
    for second in range(3):
        seen += published(delivery.tick(at(second / 10)))
        delivery.receive("alive", f"id{second + 1}")
    assert seen == [1, 2, 3]
    assert (alive.room, silent.room) == (3, 0)


@given(
    cases=st.lists(st.one_of(st.none(), st.integers(1, 3)), min_size=1, max_size=30),
    luck=st.lists(
        st.sampled_from(["arrives", "arrives", "message lost", "receipt lost", "session lost"]), max_size=150
    ),
    window=st.integers(1, 5),
)
def test_whatever_is_lost_everything_arrives_and_every_case_in_order(
    cases: list[int | None], luck: list[str], window: int
) -> None:
    """A storm drawn by hypothesis, then a calm: all is stored, first arrivals of a case ascend, the window holds."""
    rows = [row(seq, case) for seq, case in enumerate(cases, start=1)]
    lane_ = Lane("kanshi", window, ALARM_S * SECOND_US)
    delivery = connected(lane_)
    stored: list[int] = []
    now, storm = 0.0, iter(luck)
    for _ in range(2_000):
        lane_.take([r for r in rows if r.seq > lane_.loaded][: lane_.room], at(now))
        assert 0 <= lane_.room <= window
        for seq in published(delivery.tick(at(now))):
            what = next(storm, "arrives")
            if what == "session lost":
                delivery.disconnect()
                delivery.connect()
            if what in ("arrives", "receipt lost") and seq not in stored:
                stored.append(seq)
            if what == "arrives":
                delivery.receive("kanshi", f"id{seq}")
        if lane_.room == window and lane_.loaded == len(rows):
            break
        deadline = delivery.deadline
        now = max(now, (deadline - at(0).mono_us) / SECOND_US) if deadline is not None else now
    assert sorted(stored) == [r.seq for r in rows]
    for case in {1, 2, 3}:
        in_case = [seq for seq in stored if rows[seq - 1].case == case]
        assert in_case == sorted(in_case)
