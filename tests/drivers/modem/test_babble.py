from __future__ import annotations

from drivers.modem.babble import EVENTS_MAX, LINES_MAX, TEXT_BYTES_MAX, Babble


def test_each_kind_has_its_limit() -> None:
    for say, most, word in (
        (lambda babble: babble.text(1, 1.0), TEXT_BYTES_MAX, "bytes"),
        (lambda babble: babble.line(1.0), LINES_MAX, "lines"),
        (lambda babble: babble.event(1.0), EVENTS_MAX, "events"),
        (lambda babble: babble.sound(0.1, 1.0), 115, "of sound"),
    ):
        babble = Babble()
        for _ in range(most):
            say(babble)
        assert babble.verdict is None, word
        say(babble)
        assert word in str(babble.verdict)


def test_what_is_slow_enough_is_never_too_much() -> None:
    """Three events a digit at twelve digits a second, sound at its own pace, a line each ring: an hour of them."""
    babble = Babble()
    for tenth in range(36_000):
        now = tenth / 10
        babble.sound(0.1, now)
        for _ in range(4):
            babble.event(now)
        if tenth % 30 == 0:
            babble.line(now)
        assert babble.verdict is None
