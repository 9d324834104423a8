from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder.exchange import Message, ToneStep
from decoder.formats.contact_id import FORMAT
from decoder.samples import RATE_HZ, from_ms
from drivers.line import Answered, Fault, Healed, Heard, HungUp, Played, PlayStarted, Reported, Ringing
from drivers.modem.dialogue import Dialogue, Recover, Settings
from drivers.modem.states import LIMIT_S, State
from sim.modem_settings import Babble, Stuck
from sim.panel import HangUp, Panel, PanelSettings
from sim.phone import Phone
from sim.subscriber_line import CallerId, CallerIdForm, HangUpSign
from tests.receivers import SmallReceiver

KISS_OFF = (ToneStep((1400.0,), 850),)
EMERGENCY = Message("1234", "101", "1", "01", "001")


def dial(pair, phone: Phone, caller: str | None = "0738230001") -> list[object]:
    """The phone calls and talks; returns its notes and the rest."""
    seen: list[object] = list(phone.panel.start())

    def far(heard):
        said, effects = phone.exchange(heard)
        seen.extend(effects)
        if any(isinstance(effect, HangUp) for effect in effects):
            pair.modem.far_end_gone()
        return said

    pair.far = far
    assert pair.modem.ring(caller, None)
    return seen


def unit(*messages: Message, **more) -> Phone:
    rng = np.random.default_rng(3)
    return Phone(Panel(PanelSettings(messages=messages, **more), FORMAT.encode, rng.random), rng)


@pytest.mark.parametrize(
    "behaviour",
    [
        {},
        {"formats": (130,)},
        {"formats": (128,)},
        {"switch_ms": 150, "reply_ms": 60},
        {"caller_id": CallerId.BEFORE},
        {"hang_up_sign": HangUpSign.LOOP},
        {"dialect": "usr"},
        {"dialect": "rockwell", "rates": (7200,)},
        {"dialect": "rockwell", "rates": (8000, 11025)},
        {"formats": (128,), "rates": (11025,)},
        {"formats": (132,), "rates": (8000,)},
        {"formats": (132,), "rates": (7200,)},
        {"formats": (133,)},
        {"echo_stays": True},
        {"numbers_stay": True},
        {"numbers_stay": True, "echo_stays": True},
        {"garbage_a_minute": 20},
        {"tells_hook": False},
        {"caller_id_form": CallerIdForm.HEX},
        {"caller_id_form": CallerIdForm.COMPLEX},
        {"caller_id_form": CallerIdForm.KEYS},
        {"caller_id": CallerId.CAR},
        {"caller_id": CallerId.CAR, "caller_id_form": CallerIdForm.HEX},
    ],
    ids=str,
)
def test_a_call_of_two_frames(make_pair: Callable, behaviour: dict) -> None:
    pair = make_pair(**behaviour)
    pair.open()
    receiver = SmallReceiver(pair)
    pair.deliver = receiver.deliver
    phone = unit(EMERGENCY, Message("1234", "302"))
    dial(pair, phone)
    pair.run_until(lambda: bool(receiver.of(HungUp)))
    assert receiver.keys == "123418110101001*1234181302000005"
    assert phone.panel.delivered == 2
    assert receiver.of(Answered) == [Answered("0738230001", None)]
    assert len(receiver.of(Played)) == 3
    assert all(played.complete for played in receiver.of(Played))
    assert pair.dialogue.state is State.IDLE


def test_the_modems_own_tones(make_pair: Callable) -> None:
    pair = make_pair(Settings(own_tones=True))
    pair.open()
    receiver = SmallReceiver(pair)
    pair.deliver = receiver.deliver
    phone = unit(EMERGENCY)
    dial(pair, phone)
    pair.run_until(lambda: bool(receiver.of(HungUp)))
    assert phone.panel.delivered == 1
    assert "AT+VTS=[1400,0,10],[0,0,10],[2300,0,10]" in pair.modem.transcript
    assert all(played.complete for played in receiver.of(Played))


@pytest.mark.parametrize(("at_once", "within_s"), [(True, 0.3), (False, 3.0)])
def test_in_a_storm_nobody_waits_for_the_callers_number(make_pair: Callable, at_once: bool, within_s: float) -> None:
    pair = make_pair(Settings(caller_id_wait_s=2), caller_id=CallerId.NONE)
    pair.open()
    told: list = []
    pair.deliver = told.append
    pair.modem.ring("0312345678", None)
    pair.run_until(lambda: bool(told))
    pair._perform(pair.dialogue.answer(pair.now, at_once=at_once))
    began = pair.now
    pair.run_until(lambda: any(isinstance(one, Answered) for one in told))
    assert pair.now - began <= within_s
    assert at_once or pair.now - began > 1.5


@pytest.mark.parametrize("moment_ms", range(0, 1200, 100))
def test_hanging_up_while_the_modem_makes_tones(make_pair: Callable, moment_ms: int) -> None:
    pair = make_pair(Settings(own_tones=True), caller_id=CallerId.BEFORE)
    pair.open()
    told: list = []
    pair.deliver = told.append
    pair.modem.ring("0312345678", None)
    pair.run_until(lambda: bool(told))
    pair.answer()
    pair.run_for(0.6)
    pair.play(1, KISS_OFF)
    pair.run_for(moment_ms / 1000)
    pair.hang_up()
    pair.run_for(3)
    assert [type(one) for one in told if isinstance(one, HungUp | Played | Fault)] == [Played, HungUp]
    assert not pair.modem.off_hook


def test_a_normal_modem_leaves_enough_time(make_pair: Callable) -> None:
    pair = make_pair()
    pair.open()
    receiver = SmallReceiver(pair)
    pair.deliver = receiver.deliver
    dial(pair, unit(*[EMERGENCY] * 5))
    pair.run_until(lambda: bool(receiver.of(HungUp)), 120)
    assert len(receiver.kiss_off_after) == 5
    # Detection ≤ 30 ms after the digit, one block, stop, command, switch: the intake keeps 200 ms for its commit.
    assert max(receiver.kiss_off_after) <= from_ms(200)


@pytest.mark.parametrize("moment_ms", range(1_000, 5_000, 200))
def test_a_computer_that_stood_still_for_half_a_second_hears_no_babble(make_pair: Callable, moment_ms: int) -> None:
    pair = make_pair(caller_id=CallerId.BEFORE)
    pair.open()
    receiver = SmallReceiver(pair)
    pair.deliver = receiver.deliver
    dial(pair, unit(EMERGENCY))
    pair.run_for(moment_ms / 1000)
    pair.stand_still(0.7)
    pair.run_until(lambda: bool(receiver.of(HungUp)))
    assert receiver.of(Fault) == []


def test_deaf_while_playing_is_lost_silence(make_pair: Callable) -> None:
    pair = make_pair(caller_id=CallerId.BEFORE)
    pair.open()
    told: list = []
    pair.deliver = told.append
    pair.modem.ring("0312345678", None)
    pair.run_for(1)
    pair.answer()
    pair.run_for(3)
    told.clear()
    pair.play(7, KISS_OFF)
    pair.run_for(3)
    (started,) = (one for one in told if isinstance(one, PlayStarted))
    (played,) = (one for one in told if isinstance(one, Played))
    assert played == Played(7, started.at + from_ms(850))
    heard = [one.samples for one in told if isinstance(one, Heard)]
    assert all(later.start == earlier.end for earlier, later in pairwise(heard))
    (hole,) = (samples for samples in heard if samples.lost)
    assert (hole.lost[0].start, hole.lost[0].end) == (hole.start, hole.end)
    assert not hole.pcm.any()
    assert hole.start <= started.at
    assert hole.end >= played.at
    assert hole.end - hole.start <= from_ms(850 + 4 * 40 + 8 * 20)
    # The count kept pace with the clock: 6 s of call, no more and no less than the switching could hide.
    assert abs(heard[-1].end - 6 * RATE_HZ) <= from_ms(200)
    tone = np.flatnonzero(np.concatenate(pair.played))
    assert from_ms(850) - 4 <= tone[-1] - tone[0] <= from_ms(850)


@pytest.mark.parametrize("withheld", ["P", "C", "O", "S"])
def test_a_withheld_number_says_why(make_pair: Callable, withheld: str) -> None:
    pair = make_pair()
    pair.open()
    receiver = SmallReceiver(pair)
    pair.deliver = receiver.deliver
    pair.modem.ring(withheld, "0738231111")
    pair.run_for(2)
    assert receiver.of(Answered) == [Answered(withheld, "0738231111")]


def test_no_caller_id_is_waited_for_and_not_longer(make_pair: Callable) -> None:
    pair = make_pair(Settings(caller_id_wait_s=2), caller_id=CallerId.NONE)
    pair.open()
    receiver = SmallReceiver(pair)
    pair.deliver = receiver.deliver
    began = pair.now
    pair.modem.ring("0312345678", None)
    pair.run_until(lambda: bool(receiver.of(Answered)))
    assert 2 <= pair.now - began <= 2.2
    assert receiver.of(Answered) == [Answered(None, None)]


def test_a_caller_who_gives_up(make_pair: Callable) -> None:
    pair = make_pair()
    pair.open()
    told: list = []
    pair.deliver = told.append
    pair.modem.ring("0312345678", None)
    pair.run_for(4)
    pair.modem.far_end_gone()
    pair.run_for(10)
    assert [type(one) for one in told] == [Ringing, Ringing, Ringing, HungUp]
    assert pair.dialogue.state in (State.IDLE, State.CHECKING)
    pair.answer()  # too late: nobody rings
    pair.run_for(3)
    assert not any(isinstance(one, Answered) for one in told)


@pytest.mark.parametrize("moment_ms", range(0, 2400, 60))
def test_hanging_up_at_any_moment(make_pair: Callable, moment_ms: int) -> None:
    """From before the answer to after a play: one HungUp, every play closed, the modem on hook and well."""
    pair = make_pair(caller_id=CallerId.BEFORE)
    pair.open()
    told: list = []
    pair.deliver = told.append
    pair.modem.ring("0312345678", None)
    pair.run_until(lambda: bool(told))
    pair.answer()
    pair.run_for(0.6)
    pair.play(1, KISS_OFF)
    pair.play(2, KISS_OFF)
    pair.run_for(moment_ms / 1000)
    pair.hang_up()
    pair.run_for(2)
    assert sum(isinstance(one, HungUp) for one in told) == 1
    assert sorted(one.token for one in told if isinstance(one, Played)) == [1, 2]
    assert not any(isinstance(one, Fault) for one in told)
    assert not pair.modem.off_hook
    assert pair.dialogue.state is State.IDLE
    assert pair.modem.ring("0312345678", None)


def test_play_without_a_call_is_cut_at_once(make_pair: Callable) -> None:
    pair = make_pair()
    pair.open()
    told: list = []
    pair.deliver = told.append
    pair.play(9, KISS_OFF)
    assert told == [Played(9, 0, complete=False)]


def test_one_busy_report_is_not_believed(make_pair: Callable) -> None:
    pair = make_pair(caller_id=CallerId.BEFORE, hang_up_sign=HangUpSign.NONE)
    pair.open()
    receiver = SmallReceiver(pair)
    pair.deliver = receiver.deliver
    pair.modem.ring("0312345678", None)
    pair.run_for(1.2)
    for expected in (State.RECEIVING, State.STOPPING):
        pair._perform(pair.dialogue.received(b"\x10b", pair.now))
        assert pair.dialogue.state is expected
    pair.run_for(1)
    assert receiver.of(HungUp) == [HungUp("the far end has hung up (busy tone)")]


def test_the_modems_own_digits_are_reported(make_pair: Callable) -> None:
    pair = make_pair(caller_id=CallerId.BEFORE)
    pair.open()
    receiver = SmallReceiver(pair)
    pair.deliver = receiver.deliver
    pair.modem.ring("0312345678", None)
    pair.run_for(2)
    pair._perform(pair.dialogue.received(b"\x10/\x105\x10~", pair.now))
    assert receiver.of(Reported) == [Reported("5", receiver.heard_until)]


def test_an_overrun_is_a_hole_and_not_a_seam(make_pair: Callable) -> None:
    pair = make_pair(caller_id=CallerId.BEFORE, overrun_every_s=1)
    pair.open()
    told: list = []
    pair.deliver = told.append
    pair.modem.ring("0312345678", None)
    pair.run_for(1)
    pair.answer()
    pair.run_for(10)
    heard = [one.samples for one in told if isinstance(one, Heard)]
    assert all(later.start == earlier.end for earlier, later in pairwise(heard))
    lost = [samples for samples in heard if samples.lost]
    assert len(lost) >= 9
    assert abs(heard[-1].end - 10 * RATE_HZ) <= from_ms(250)


def test_a_mute_modem_is_a_fault_within_30_s_and_healed_when_it_speaks_again(make_pair: Callable) -> None:
    pair = make_pair(mute_after_s=3, mute_for_s=60)
    pair.open()
    pair.reopens = True
    told: list = []
    pair.deliver = told.append
    pair.run_for(30)
    assert [type(one) for one in told] == [Fault]
    assert "AT" in told[0].reason
    pair.run_for(45)
    assert told[1:] == [Healed(told[1].how)]
    assert told[1].how.startswith("escaped (DLE ETX), DTR dropped, +++ and ATH, factory settings (AT&F), port closed")


def test_a_modem_that_is_ready_says_so_once(make_pair: Callable) -> None:
    """Silence from its driver means that a line was never opened."""
    pair = make_pair()
    told: list = []
    pair.deliver = told.append
    pair.open()
    pair.run_for(60)
    assert told == [Healed()]


@pytest.mark.parametrize("formats", [(129,), ()])
def test_a_modem_without_usable_sound_is_a_fault_that_says_so(make_pair: Callable, formats: tuple[int, ...]) -> None:
    pair = make_pair(formats=formats)
    told: list = []
    pair.deliver = told.append
    pair._perform(pair.dialogue.opened(0.0))
    pair.run_until(lambda: bool(told))
    assert isinstance(told[0], Fault)
    assert "no sound that we can read" in told[0].reason


def test_a_port_that_cannot_be_opened_is_told_once() -> None:
    dialogue = Dialogue()
    assert dialogue.lost("cannot open /dev/x", 0.0) == [Fault("cannot open /dev/x")]
    assert dialogue.lost("cannot open /dev/x", 1.0) == []
    assert dialogue.deadline is None


def test_every_waiting_state_has_a_limit() -> None:
    assert set(State) - set(LIMIT_S) == {State.CLOSED, State.SETTLING, State.IDLE}


SCRAPS = st.sampled_from(
    (
        b"OK\r\n, ERROR\r\n, CONNECT\r\n, VCON\r\n, RING\r\n, NMBR = 1\r\n, NO CARRIER\r\n, \x10\x03, \x10b, \x10l, "
        b'\x10o, \x10R, \x10, \r\n, \xff\x00, 131,"8-BIT ULAW",8,0,8000,0,0\r\n'
    ).split(b", ")
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.one_of(SCRAPS, st.binary(max_size=30)), st.floats(0, 4), st.integers(0, 5))))
def test_any_babble_gives_only_what_is_documented(script: list[tuple[bytes, float, int]]) -> None:
    """Whatever arrives whenever: no exception, seamless sound, and a deadline whenever the port is open."""
    dialogue, now = Dialogue(), 0.0
    dialogue.opened(now)
    heard_until, in_call = 0, False
    for data, wait, order in script:
        now += wait
        effects = dialogue.tick(now) + dialogue.received(data, now)
        if order == 1:
            effects += dialogue.answer(now)
        elif order == 2:
            effects += dialogue.play(1, KISS_OFF, now)
        elif order == 3:
            effects += dialogue.hang_up(now)
        for effect in effects:
            if isinstance(effect, Answered):
                heard_until, in_call = 0, True
            elif isinstance(effect, Heard):
                assert in_call
                assert effect.samples.start == heard_until
                heard_until = effect.samples.end
            elif isinstance(effect, HungUp | Fault):
                in_call = False
        if any(isinstance(effect, Recover) for effect in effects):
            assert dialogue.deadline is None
            dialogue.opened(now)
        assert dialogue.deadline is not None


@pytest.mark.parametrize("seed", range(20))
def test_rubbish_in_a_real_conversation(make_pair: Callable, seed: int) -> None:
    """Calls with stray bytes from the modem: whatever they break, the line is well again and takes a clean call."""
    rng = np.random.default_rng(seed)
    pair = make_pair(caller_id=CallerId.BEFORE)
    pair.open()
    pair.reopens = True
    receiver = SmallReceiver(pair)
    pair.deliver = receiver.deliver
    rubbish = [b"OK\r\n", b"ERROR\r\n", b"CONNECT\r\n", b"\x10\x03", b"\x10b", b"\x10o", b"\x10", b"NO CARRIER\r\n"]
    for _ in range(3):
        dial(pair, unit(EMERGENCY, redials=0))
        for _ in range(400):
            if rng.random() < 0.02:
                pair._perform(pair.dialogue.received(rubbish[rng.integers(len(rubbish))], pair.now))
            pair.step()
        pair.modem.far_end_gone()
        pair.run_for(8)
        pair.run_until(lambda: pair.dialogue.state is State.IDLE, 30)
    last = unit(EMERGENCY)
    dial(pair, last)
    pair.run_until(lambda: last.panel.state.name == "DONE", 30)
    assert last.panel.delivered == 1


@pytest.mark.parametrize("kind", Babble)
def test_a_babbling_modem_is_a_fault_within_30_s_and_healed_within_60(make_pair: Callable, kind: Babble) -> None:
    pair = make_pair(babble=kind, babble_after_s=5, babble_for_s=40)
    pair.open()
    pair.reopens = True
    told: list = []
    pair.deliver = told.append
    pair.run_for(5 + 30 - pair.now)
    assert [one for one in told if isinstance(one, Fault)]
    assert len(told) < 100
    pair.run_for(45 + 60 - pair.now)
    last = [one for one in told if isinstance(one, Fault | Healed)][-1]
    assert isinstance(last, Healed)
    assert "port closed and opened" in last.how or "DTR dropped" in last.how
    assert sum(isinstance(one, Fault) for one in told) <= 2


def test_babble_in_a_call_ends_it_and_nothing_else(make_pair: Callable) -> None:
    pair = make_pair(babble=Babble.EVENTS, babble_after_s=12, caller_id=CallerId.BEFORE)
    pair.open()
    receiver = SmallReceiver(pair)
    pair.deliver = receiver.deliver
    pair.run_for(8 - pair.now)
    pair.modem.ring("0312345678", None)
    pair.run_for(12)
    assert len(receiver.of(Answered)) == 1
    (fault,) = receiver.of(Fault)
    assert "babbles" in fault.reason
    assert len(receiver.of(Reported)) <= 2000


def test_sound_faster_than_time_is_babble(make_pair: Callable) -> None:
    pair = make_pair(caller_id=CallerId.BEFORE)
    pair.open()
    told: list = []
    pair.deliver = told.append
    pair.modem.ring("0312345678", None)
    pair.run_for(1)
    pair.answer()
    pair.run_for(1)
    for _ in range(40):
        pair._perform(pair.dialogue.received(b"\xff" * 4000, pair.now))
    assert "sound within 5 s" in next(one.reason for one in told if isinstance(one, Fault))


@pytest.mark.parametrize(
    ("stuck", "helped"), [(Stuck.RESET, "escaped (DLE ETX)"), (Stuck.PORT, "port closed and opened"), (Stuck.POWER, "")]
)
def test_a_modem_that_keeps_the_line_after_a_call(make_pair: Callable, stuck: Stuck, helped: str) -> None:
    pair = make_pair(stuck=stuck, caller_id=CallerId.BEFORE)
    pair.open()
    pair.reopens = True
    receiver = SmallReceiver(pair)
    pair.deliver = receiver.deliver
    dial(pair, unit(EMERGENCY))
    pair.run_until(lambda: bool(receiver.of(HungUp)))
    assert pair.modem.off_hook
    pair.run_until(lambda: bool(receiver.of(Fault)), 30)
    assert "off hook without a call" in receiver.of(Fault)[0].reason
    pair.run_for(60)
    assert [one.how.split(", ")[-1] for one in receiver.of(Healed)] == ([helped] if helped else [])
    assert pair.modem.off_hook == (stuck is Stuck.POWER)


@pytest.mark.parametrize("sign", ["d", "i", "b"])
def test_a_tone_on_an_idle_line_means_that_it_is_held(make_pair: Callable, sign: str) -> None:
    pair = make_pair(tells_hook=False)
    pair.open()
    told: list = []
    pair.deliver = told.append
    for _ in range(2):
        pair._perform(pair.dialogue.received(f"\x10{sign}".encode(), pair.now))
    assert told == []
    pair._perform(pair.dialogue.received(f"\x10{sign}".encode(), pair.now))
    assert "off hook" in told[0].reason


def test_one_byte_a_second_is_a_fault_that_says_so(make_pair: Callable) -> None:
    pair = make_pair(bytes_a_second=1)
    told: list = []
    pair.deliver = told.append
    pair._perform(pair.dialogue.opened(0.0))
    pair.run_until(lambda: bool(told), 30)
    assert told[0].reason == "no answer from the modem to 'ATZ', only 4 bytes"


def test_a_port_that_gives_back_our_own_words() -> None:
    dialogue = Dialogue()
    dialogue.opened(0.0)
    dialogue.tick(0.4)
    dialogue.received(b"ATZ\r", 0.5)
    (fault, _) = dialogue.tick(10.0)
    assert fault == Fault("no answer from the modem to 'ATZ', only our own words came back")


def test_answering_too_late_in_car_is_not_our_habit(make_pair: Callable) -> None:
    """A modem that says RING at CAR: the call is answered at the ordinary ring, with its number."""
    pair = make_pair(caller_id=CallerId.CAR)
    pair.open()
    receiver = SmallReceiver(pair)
    pair.deliver = receiver.deliver
    began = pair.now
    pair.modem.ring("0312345678", "0738231111")
    pair.run_until(lambda: bool(receiver.of(Answered)))
    assert receiver.of(Answered) == [Answered("0312345678", "0738231111")]
    assert 3.0 < pair.now - began < 8.0
    pair.run_for(1)
    assert pair.dialogue.state is State.RECEIVING


def test_a_late_modem_still_serves(make_pair: Callable) -> None:
    pair = make_pair(late_ms=1500, caller_id=CallerId.BEFORE)
    pair.open()
    receiver = SmallReceiver(pair)
    pair.deliver = receiver.deliver
    phone = unit(EMERGENCY)
    dial(pair, phone)
    pair.run_until(lambda: bool(receiver.of(HungUp)))
    assert receiver.of(Fault) == []


def test_dialling(make_pair: Callable) -> None:
    pair = make_pair()
    pair.open()
    told: list = []
    pair.deliver = told.append
    pair._perform(pair.dialogue.dial("0312345678", pair.now))
    pair.run_for(1)
    assert pair.modem.dialled == "0312345678"
    pair.modem.dial_ended("VCON")
    pair.run_for(1)
    assert told[0] == Answered(None, None)
    assert pair.dialogue.state is State.RECEIVING
    pair.hang_up()
    pair.run_for(1)
    assert told[-1] == HungUp("hung up by us")


def test_a_number_that_is_busy(make_pair: Callable) -> None:
    pair = make_pair()
    pair.open()
    told: list = []
    pair.deliver = told.append
    pair._perform(pair.dialogue.dial("11", pair.now))
    pair._perform(pair.dialogue.dial("12", pair.now))
    pair.run_for(1)
    pair.modem.dial_ended("BUSY")
    pair.run_for(1)
    assert told == [HungUp("the line is not free to dial"), HungUp("not connected (BUSY)")]
    assert pair.dialogue.state is State.IDLE
    with pytest.raises(ValueError, match="not a number"):
        pair.dialogue.dial("119;ATZ", pair.now)
