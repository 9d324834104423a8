"""The unit's mind, by symbols: tones told, effects compared."""

from __future__ import annotations

import pytest

from decoder.exchange import Message
from decoder.formats.contact_id import FORMAT
from decoder.samples import from_ms
from sim.panel import Dial, Finished, HangUp, Note, Panel, PanelEffect, PanelSettings, Send, Speak, State

EMERGENCY = Message("1234", "101", "1", "01", "001")
BATTERY = Message("1234", "302")


class Driver:
    """Tells a panel tones and lets its time pass."""

    def __init__(self, *messages: Message, chance: float = 1.0, **settings: object) -> None:
        whole = PanelSettings(messages=messages, **settings)  # type: ignore[arg-type]
        self.panel = Panel(whole, FORMAT.encode, lambda: chance)
        self.effects: list[PanelEffect] = self.panel.start()

    def tone(self, hz: int, start: int, ms: float) -> int:
        end = start + from_ms(ms)
        self.wait_until(start)
        self.effects += self.panel.began(hz, start)
        self.wait_until(end)
        self.effects += self.panel.ended(hz, start, end)
        return end

    def wait_until(self, at: int) -> None:
        while (deadline := self.panel.deadline) is not None and deadline <= at:
            self.effects += self.panel.tick(deadline)

    def wait(self) -> None:
        assert self.panel.deadline is not None
        self.wait_until(self.panel.deadline)

    def greet(self, at: int = 10_000, first_ms: float = 100, gap_ms: float = 100, second_ms: float = 100) -> int:
        end = self.tone(1400, at, first_ms)
        end = self.tone(2300, end + from_ms(gap_ms), second_ms)
        self.wait_until(end + from_ms(275))
        return end

    def of(self, kind: type) -> list[PanelEffect]:
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def notes(self) -> list[str]:
        return [effect.what for effect in self.effects if isinstance(effect, Note)]


def last_send(driver: Driver) -> Send:
    send = driver.of(Send)[-1]
    assert isinstance(send, Send)
    return send


def test_two_frames_in_a_call() -> None:
    driver = Driver(EMERGENCY, BATTERY)
    greeted = driver.greet()
    first = last_send(driver)
    assert first == Send("123418110101001*", greeted + from_ms(275), greeted + from_ms(275 + 1550))
    end = driver.tone(1400, first.end + from_ms(200), 850)
    driver.wait()
    assert last_send(driver) == Send("1234181302000005", end + from_ms(275), end + from_ms(275 + 1550))
    driver.tone(1400, last_send(driver).end + from_ms(1240), 400)
    driver.wait()
    assert driver.effects[-3:] == [HangUp(), Note("hung_up", driver.effects[-2].at), Finished(2, True)]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("first_ms", "gap_ms", "second_ms", "taken"),
    [
        (100, 100, 100, True),
        (70, 130, 70, True),
        (130, 70, 130, True),
        (40, 100, 100, False),
        (200, 100, 100, False),
        (100, 300, 100, False),
        (100, 100, 300, False),
    ],
)
def test_the_greeting_is_recognised_by_its_lengths(
    first_ms: float, gap_ms: float, second_ms: float, taken: bool
) -> None:
    driver = Driver(EMERGENCY)
    driver.greet(first_ms=first_ms, gap_ms=gap_ms, second_ms=second_ms)
    assert bool(driver.of(Send)) == taken


@pytest.mark.parametrize(
    ("after_ms", "length_ms", "kissed"),
    [(100, 850, True), (1249, 850, True), (1252, 850, False), (200, 399, False), (200, 400, True), (200, 1500, True)],
)
def test_a_kiss_off_in_time_and_long_enough(after_ms: float, length_ms: float, kissed: bool) -> None:
    driver = Driver(EMERGENCY)
    driver.greet()
    driver.tone(1400, last_send(driver).end + from_ms(after_ms), length_ms)
    assert driver.panel.delivered == kissed
    driver.wait()
    assert len(driver.of(Send)) == (1 if kissed else 2)


def test_four_sends_then_another_call_then_nothing_more() -> None:
    driver = Driver(EMERGENCY, redials=1, redial_after_s=7)
    for call in (1, 2):
        driver.greet()
        sends = [send for send in driver.of(Send) if isinstance(send, Send)]
        for _ in range(4):
            driver.wait_until((driver.panel.deadline or 0) + 1)
            driver.wait()
        sends = driver.of(Send)  # type: ignore[assignment]
        assert len(sends) == 4 * call
    assert driver.of(Dial) == [Dial(0), Dial(7)]
    assert driver.effects[-1] == Finished(0, False)
    assert len(driver.of(HangUp)) == 2


def test_a_kiss_off_starts_the_count_of_sends_anew() -> None:
    driver = Driver(EMERGENCY, BATTERY, attempts=2)
    driver.greet()
    driver.wait()
    driver.wait()
    assert len(driver.of(Send)) == 2
    driver.tone(1400, last_send(driver).end + from_ms(200), 850)
    driver.wait()
    driver.wait()
    driver.wait()
    assert len(driver.of(Send)) == 4


def test_nobody_greets() -> None:
    driver = Driver(EMERGENCY, handshake_wait_s=30)
    assert driver.panel.deadline == 30 * 8000
    driver.wait()
    assert driver.notes()[-2:] == ["no_handshake", "hung_up"]
    assert driver.effects[-1] == Finished(0, False)


def test_busy_and_hung_up_by_the_other_side() -> None:
    driver = Driver(EMERGENCY, redials=2)
    driver.effects += driver.panel.hung_up(0, "busy")
    driver.greet()
    driver.effects += driver.panel.hung_up(20_000, "gone")
    assert len(driver.of(Dial)) == 3
    driver.greet()
    driver.tone(1400, last_send(driver).end + from_ms(200), 850)
    driver.effects += driver.panel.hung_up(60_000, "gone")
    assert driver.effects[-1] == Finished(1, True)
    assert driver.panel.state is State.DONE


def test_a_unit_that_mishears_everything_never_sends() -> None:
    driver = Driver(EMERGENCY, chance=0.4, mishear=0.5)
    driver.greet()
    assert driver.of(Send) == []
    assert "misheard" in driver.notes()


def test_somebody_speaks_after_the_frame() -> None:
    driver = Driver(EMERGENCY, voice_s=3)
    driver.greet()
    end = driver.tone(1400, last_send(driver).end + from_ms(200), 850)
    driver.wait()
    assert driver.of(Speak) == [Speak(end + from_ms(275), end + from_ms(275 + 3000))]
    driver.wait()
    assert driver.effects[-1] == Finished(1, True)


@pytest.mark.parametrize(
    ("position", "keys"), [(1, "223418110101001*"), (16, "123418110101001#"), (5, "123428110101001*")]
)
def test_a_wrong_digit(position: int, keys: str) -> None:
    driver = Driver(EMERGENCY, wrong_digit=position)
    driver.greet()
    assert last_send(driver).keys == keys


@pytest.mark.parametrize("wrong", [{"on_ms": 0}, {"level_dbm0": float("nan")}, {"mishear": 2}, {"wrong_digit": 65}])
def test_settings_that_no_unit_has(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        PanelSettings(messages=(EMERGENCY,), **wrong)  # type: ignore[arg-type]


def test_a_wrong_digit_that_is_not_sent_at_all() -> None:
    with pytest.raises(ValueError, match="there are 16 digits"):
        Driver(EMERGENCY, wrong_digit=17)


def test_a_unit_that_breaks_off_in_a_kiss_off_dials_again_and_repeats() -> None:
    driver = Driver(EMERGENCY, break_off=1, redials=1)
    driver.greet()
    driver.tone(1400, last_send(driver).end + from_ms(200), 850)
    assert driver.notes()[-3:] == ["broke_off", "hung_up", "dials"]
    assert len(driver.of(HangUp)) == 1
    driver.greet()
    driver.tone(1400, last_send(driver).end + from_ms(200), 850)
    driver.wait()
    assert driver.of(Finished) == [Finished(1, complete=True)]
    assert [send.keys for send in driver.of(Send)] == [FORMAT.encode(EMERGENCY)] * 2  # type: ignore[attr-defined]
