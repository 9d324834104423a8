from __future__ import annotations

from drivers.modem.recovery import STEPS, Hand, Recovery


def test_from_a_gentle_word_to_the_port_and_round_again() -> None:
    recovery = Recovery()
    taken = [recovery.step() for _ in range(2 * len(STEPS) - 2)]
    assert [step.name for step in taken[: len(STEPS) - 1]] == [step.name for step in STEPS[:-1]]
    assert taken[len(STEPS) - 1 :] == taken[: len(STEPS) - 1]
    assert recovery.note == ", ".join(step.name for step in STEPS[:-1])


def test_the_usb_device_is_reset_only_where_that_is_allowed() -> None:
    recovery = Recovery(usb_reset=True)
    assert [recovery.step().hand for _ in STEPS][-1] is Hand.RESET_USB


def test_a_babbler_is_let_go_whatever_the_step() -> None:
    recovery = Recovery()
    assert all(recovery.step(close=True).hand is Hand.REOPEN for _ in range(10))


def test_it_goes_on_where_it_stood_until_a_call_went_well() -> None:
    recovery = Recovery()
    recovery.step()
    recovery.healed()
    assert recovery.note == ""
    assert recovery.step().name == STEPS[1].name
    recovery.proved()
    assert recovery.step().name == STEPS[0].name
