from __future__ import annotations

from drivers.modem.caller_id import Numbers
from drivers.modem.incoming import CAR_S_MAX, Incoming


def test_an_ordinary_call_is_answered_when_the_number_is_there() -> None:
    call = Incoming()
    assert call.ring(10.0)
    assert call.answer_at(2.0) == 12.0
    assert call.number(Numbers("03"))
    assert call.answer_at(2.0) == 10.0
    assert call.over_at() == 17.0


def test_car_is_waited_out() -> None:
    """Bursts a second apart are meant for the modem; those three seconds apart for us."""
    call = Incoming()
    for now in (0.0, 1.0, 2.0):
        call.ring(now)
    assert call.answer_at(2.0) == CAR_S_MAX
    assert call.number(Numbers("0312345678"))
    assert call.answer_at(2.0) == CAR_S_MAX
    call.ring(4.5)
    assert call.answer_at(2.0) == 0.0


def test_bursts_that_never_become_an_ordinary_ring_are_answered_all_the_same() -> None:
    call = Incoming()
    for now in range(12):
        call.ring(float(now))
    assert not call.car


def test_a_storm_is_told_as_a_bell_would_ring() -> None:
    call = Incoming()
    assert sum(call.ring(n / 1000) for n in range(1000)) == 4
    assert not call.car


def test_a_number_before_the_first_ring_is_no_news_of_its_own() -> None:
    call = Incoming()
    assert not call.number(Numbers("03", "04"))
    call.ring(1.0)
    assert not call.number(Numbers("05"))
    assert (call.caller, call.called) == ("03", "04")
