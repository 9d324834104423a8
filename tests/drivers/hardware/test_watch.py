"""Fault and Healed of a link, from what becomes of its connections."""

from __future__ import annotations

from drivers.hardware.watch import Watch
from drivers.line import Fault, Healed


def test_a_connection_of_ours_is_a_fault_when_it_is_gone_and_healed_when_it_is_back() -> None:
    watch = Watch()
    assert watch.opened() == [Healed()]
    assert watch.alive() == []
    assert watch.lost("gone", 1.0) == [Fault("gone")]
    assert watch.failed("refused") == [Fault("refused")]
    assert watch.failed("refused") == []
    assert watch.opened() == [Healed()]
    assert watch.deadline is None


def test_one_that_fell_silent_is_healed_by_a_sign_of_life_only() -> None:
    watch = Watch()
    watch.opened()
    assert watch.lost("silent", 65.0, mute=True) == [Fault("silent")]
    assert watch.opened() == []
    assert watch.lost("silent", 130.0, mute=True) == []  # said already
    assert watch.opened() == []
    assert watch.alive() == [Healed()]
    assert watch.alive() == []


def test_receivers_that_connect_have_twenty_seconds() -> None:
    watch = Watch(20.0)
    assert watch.listening(0.0) == []
    assert watch.deadline == 20.0
    assert watch.tick(19.0) == []
    (fault,) = watch.tick(20.0)
    assert isinstance(fault, Fault)
    assert "20 s" in fault.reason
    assert watch.opened() == [Healed()]
    assert watch.lost("gone", 30.0) == []
    assert watch.opened() == []
    assert watch.deadline is None


def test_one_of_two_receivers_is_no_fault_of_the_link() -> None:
    watch = Watch(20.0)
    watch.listening(0.0)
    assert watch.opened() == [Healed()]
    assert watch.opened() == []
    assert watch.lost("silent", 65.0, mute=True) == []
    assert watch.deadline is None
    assert watch.lost("gone", 70.0) == []
    assert watch.deadline == 90.0


def test_where_nobody_said_how_often_anything_comes_nothing_is_missed() -> None:
    watch = Watch(None)
    assert watch.listening(0.0) == [Healed()]
    watch.opened()
    assert watch.lost("gone", 5.0) == []
    assert watch.deadline is None
    assert watch.failed("address in use") == [Fault("address in use")]
