"""An alarm about a silent program once, and its end once."""

from __future__ import annotations

from receiver.output.watch import Healed, Overdue, Watch


def test_a_program_that_is_down_for_too_long() -> None:
    watch = Watch(60.0, silent=False)
    watch.down("refused", 0.0)
    assert watch.tick(59.9) is None
    assert watch.tick(60.0) == Overdue(60.0, "refused")
    assert watch.tick(1e6) is None
    watch.up()
    assert watch.tick(1e6) == Healed()
    assert watch.tick(1e6) is None


def test_the_time_is_counted_from_the_first_reason_and_the_last_one_is_told() -> None:
    watch = Watch(60.0, silent=False)
    watch.down("no answer", 0.0)
    watch.down("somebody else connects", 50.0)
    assert watch.tick(60.0) == Overdue(60.0, "somebody else connects")


def test_a_program_that_comes_and_goes_and_never_takes_what_waits() -> None:
    watch = Watch(60.0, silent=False)
    watch.offered(0.0)
    for at in range(0, 60, 10):
        watch.down("closed", at)
        assert watch.tick(at) is None
        watch.up()
    assert watch.tick(60.0) == Overdue(60.0, "no acknowledgement")
    watch.done()
    assert watch.tick(61.0) == Healed()


def test_an_alarm_of_an_earlier_life_ends_when_something_is_taken() -> None:
    watch = Watch(60.0, silent=True)
    watch.down("cannot connect", 0.0)
    assert watch.tick(1.0) is None
    watch.up()
    assert watch.tick(2.0) == Healed()
