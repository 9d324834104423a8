"""Whose alarm it is, and whom to call (flows §1.2)."""

from __future__ import annotations

from receiver.rules.people import DeviceState, Home, KnownHomes, Status
from scenarios.konan.identification import identify

SUBSCRIBER = Home("s1", "草津市", Status.ACTIVE, ("0775610001", "0905610001"), "d1", DeviceState.INSTALLED, "1001")
IN_STOCK = Home(None, "草津市", None, (), "d2", DeviceState.STOCK, "2002")
PEOPLE = KnownHomes((SUBSCRIBER, IN_STOCK))


def order(account: str | None, caller: str | None) -> tuple[str, ...]:
    return identify(PEOPLE, {"account": account, "caller": caller}).call_order


def test_a_unit_in_no_home_is_called_back_where_it_called_from() -> None:
    """D9: it becomes an emergency after a minute, and somebody must then know whom to dial."""
    assert order("2002", "0775610001") == ("0775610001", "0905610001")
    assert order("2002", "0770000000") == ("0770000000",)
    assert order("2002", None) == ()


def test_the_number_that_called_comes_first_where_it_is_not_the_registered_one() -> None:
    """D2, D5, D6."""
    assert order("1001", "0775610001") == ("0775610001", "0905610001")
    assert order("1001", "0770000000") == ("0770000000", "0775610001", "0905610001")
    assert order(None, "0905610001") == ("0775610001", "0905610001")
    assert order(None, "0770000000") == ("0770000000",)


def test_the_subscriber_whose_line_it_is_stands_beside() -> None:
    assert identify(PEOPLE, {"account": "2002", "caller": "0775610001"}).others == ("s1",)
