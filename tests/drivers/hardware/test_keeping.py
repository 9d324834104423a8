"""What nobody repeats is kept until it is stored."""

from __future__ import annotations

from itertools import count

from drivers.hardware.keeping import AGAIN_S, KEPT_MAX, Keeper
from drivers.link import Refused, Unread


def unread(token: int) -> Unread:
    return Unread(token, f"text {token}", "receiver 1", "why")


def test_refused_is_handed_over_again_in_order_with_new_tokens() -> None:
    keeper = Keeper(count(10))
    for token in (1, 2, 3):
        keeper.handed_over(unread(token))
    keeper.stored(2)
    assert keeper.refused(1, 100.0) == keeper.refused(3, 101.0) == []
    assert keeper.deadline == 100.0 + AGAIN_S
    assert keeper.tick(100.0) == []
    again = keeper.tick(105.0)
    assert [(one.token, one.text) for one in again if isinstance(one, Unread)] == [(10, "text 1"), (11, "text 3")]
    assert keeper.deadline is None
    assert keeper.refused(2, 106.0) == []
    assert keeper.deadline is None


def test_too_many_are_said_to_be_lost() -> None:
    keeper = Keeper(count(1))
    for token in range(KEPT_MAX + 1):
        keeper.handed_over(unread(token))
        lost = keeper.refused(token, 0.0)
    (refused,) = lost
    assert isinstance(refused, Refused)
    assert refused.text == f"text {KEPT_MAX}"
    assert len(keeper.tick(10.0)) == KEPT_MAX
