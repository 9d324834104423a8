"""Whole calls in sound, over good lines and bad ones, and lines that do not disturb each other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from decoder.exchange import Message
from decoder.formats import sia_fsk
from decoder.registry import LIVE
from decoder.samples import RATE_HZ, Samples, from_ms, silence, to_ms
from drivers.line import Reported
from receiver.clock import SECOND_US, Now
from receiver.formats import format_named
from receiver.intake.call import CallSettings
from receiver.intake.ear import SoundEar
from receiver.intake.signals import HangUp, Note
from receiver.intake.station import Abandon, Answer, LinePlans, Order, Station
from receiver.intake.storm import StormSettings
from receiver.intake.supervision import Health
from sim import habits
from sim.hold import shortest_ms
from sim.panel import PanelSettings
from tests.receiver.intake.exchange import Exchange, Home

BUTTON = Message("1234", "101", partition="01", zone="001")
BATTERY = Message("1234", "302")
RAW = "123418110101001B"
PROFILES = Path(__file__).parents[3] / "examples" / "profiles"


def one_call(settings: PanelSettings, through: str = "", *, stores: bool = True) -> tuple[Exchange, Home]:
    exchange = Exchange(stores=stores)
    home = Home(exchange, settings, through).call()
    exchange.settle()
    return exchange, home


def raws(exchange: Exchange) -> list[str]:
    return [str(draft.payload["raw"]) for draft in exchange.of("frame.accepted")]


@pytest.mark.parametrize(
    "through", ["", "noise=20", "echo=-12/20", "echo=-15/30", "hum=-20", "gain=-15", "noise=18,echo=-20/30,clicks=20"]
)
def test_a_call_with_two_messages(through: str) -> None:
    exchange, home = one_call(PanelSettings((BUTTON, BATTERY), caller="0775610000"), through)
    assert raws(exchange) == [RAW, "1234181302000005"]
    assert len(home.said("kiss_off")) == 2
    assert len(exchange.of("kissoff.completed")) == 2
    assert exchange.of("call.unknown") == []
    assert exchange.of("call.ended")[0].payload["frames"] == 2


def test_a_units_own_tones_are_nobodys_voice() -> None:
    exchange, _ = one_call(PanelSettings((BUTTON, BATTERY)))
    assert exchange.of("call.ended")[0].payload["voice"] is False


def test_the_kiss_off_begins_100_to_400_ms_behind_the_last_digit() -> None:
    exchange, _ = one_call(PanelSettings((BUTTON, BATTERY)))
    for draft in exchange.of("kissoff.started"):
        assert 100 <= to_ms(int(draft.payload["after_last_digit"])) <= 400


@pytest.mark.parametrize(
    ("name", "message", "raw"),
    [
        ("framed-keys", Message("123456", "101", zone="03"), "*12345601035#"),
        ("bare-keys", Message("12345", ""), "12345#"),
    ],
)
def test_a_terminal_described_in_a_file_is_greeted_read_and_acknowledged_beside_the_others(
    name: str, message: Message, raw: str
) -> None:
    form = format_named(str(PROFILES / f"{name}.toml"))
    settings = PanelSettings((message,), greeting=form.greeting, kiss_off=form.kiss_off, **habits.of(form))
    exchange = Exchange(formats=(*LIVE, form))
    home = Home(exchange, settings, form=form).call()
    exchange.settle()
    accepted = exchange.of("frame.accepted")
    assert [(one.payload["format"], one.payload["raw"]) for one in accepted] == [(name, raw)]
    assert len(home.said("kiss_off")) == len(exchange.of("kissoff.completed")) == 1


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nobody_is_greeted_again_in_the_middle_of_weak_digits(seed: int) -> None:
    exchange = Exchange()
    home = Home(exchange, PanelSettings((BUTTON,), on_ms=70, off_ms=70), "noise=-4", seed=seed).call()
    exchange.settle()
    assert raws(exchange) == [RAW]
    assert len(home.said("sent")) == len(home.said("kiss_off")) == 1


def sia_call(*, stores: bool) -> tuple[Exchange, Home]:
    form = sia_fsk.FORMAT
    messages = (Message("1234", "MA", zone="001"), Message("1234", "YT"))
    settings = PanelSettings(messages, greeting=form.greeting, kiss_off=form.kiss_off, **habits.of(form))
    exchange = Exchange(formats=(*LIVE, form), stores=stores)
    home = Home(exchange, settings, form=form).call()
    exchange.settle()
    return exchange, home


def test_a_panel_that_says_it_has_no_more_is_answered_and_nothing_is_stored_for_it() -> None:
    exchange, home = sia_call(stores=True)
    assert [one.payload["code"] for one in exchange.of("frame.accepted")] == ["MA", "YT"]
    assert len(exchange.of("kissoff.completed")) == 2
    assert len(home.said("kiss_off")) == len(home.panel.parts) == 4
    assert home.said("no_kiss_off") == []
    assert exchange.of("call.unknown") == []


def test_nobody_says_that_all_is_well_to_a_panel_whose_alarm_was_not_stored() -> None:
    exchange, home = sia_call(stores=False)
    assert home.said("kiss_off") == []
    assert exchange.of("kissoff.started") == []


@pytest.mark.parametrize("position", [1, 5, 16])
def test_a_wrong_digit_is_never_kissed_off(position: int) -> None:
    exchange, home = one_call(PanelSettings((BUTTON,), wrong_digit=position))
    assert raws(exchange) == []
    assert home.said("kiss_off") == []
    assert len(exchange.of("frame.rejected")) == 4  # each of the unit's four attempts
    (unknown,) = exchange.of("call.unknown")
    assert unknown.payload["kind"] == "unreadable"
    assert len(str(unknown.payload["best"])) == 16


def test_a_store_that_says_no_leaves_the_unit_without_a_kiss_off() -> None:
    exchange, home = one_call(PanelSettings((BUTTON,)), stores=False)
    assert home.said("kiss_off") == []
    assert exchange.of("kissoff.started") == []
    assert len(home.said("no_kiss_off")) == 4


def test_a_unit_that_does_not_hear_its_kiss_off_repeats_and_both_are_stored() -> None:
    exchange, home = one_call(PanelSettings((BUTTON,), mishear=0.5), "")
    assert len(raws(exchange)) == len(home.said("sent"))
    assert len(exchange.of("kissoff.completed")) == len(raws(exchange))


def test_somebody_who_only_speaks_is_an_unknown_emergency() -> None:
    exchange, _ = one_call(PanelSettings(voice_s=12))
    assert [draft.payload["kind"] for draft in exchange.of("call.unknown")] == ["voice"]
    assert exchange.of("call.ended")[0].payload["reason"] == "the far end has hung up"


def test_a_talking_line_is_not_ended_by_us() -> None:
    exchange = Exchange()
    Home(exchange, PanelSettings(voice_s=120)).call()
    exchange.settle(limit_s=100)
    assert exchange.both[0].connected
    assert len(exchange.of("call.unknown")) == 1


@pytest.mark.parametrize("through", ["", "noise=-60dBm0", "hum=-60"])
def test_a_silent_call_is_ended_ten_seconds_after_the_last_handshake(through: str) -> None:
    exchange = Exchange()
    home = Home(exchange, PanelSettings((BUTTON,), mishear=1.0), through).call()  # hears no handshake: says nothing
    exchange.settle()
    ended = exchange.of("call.ended")[0].payload
    assert ended["reason"] == "hung up by us"
    assert 17 * RATE_HZ < int(ended["samples"]) < 19.5 * RATE_HZ
    assert exchange.of("call.unknown") == []
    assert home.said("sent") == []


def test_the_modems_own_ears_are_heard_where_they_differ() -> None:
    exchange = Exchange()
    Home(exchange, PanelSettings((BUTTON,))).call()
    told = False
    while exchange.both[0].connected:
        exchange.advance()
        if not told and exchange.at > int(2.0 * RATE_HZ):
            for place, key in enumerate("1234181101"):
                exchange._told("line 0", Reported(key, 16_000 + place * 800))
            told = True
    assert exchange.of("frame.accepted")[0].payload["modem_heard"] == "1234181101"


def test_lines_do_not_wait_for_each_other() -> None:
    exchange = Exchange(count=4)
    homes = [Home(exchange, PanelSettings((Message(f"100{n}", "101"),)), line=n).call() for n in range(4)]
    exchange.settle()
    assert sorted(str(draft.payload["account"]) for draft in exchange.of("frame.accepted")) == [
        "1000", "1001", "1002", "1003",
    ]  # fmt: skip
    assert all(home.panel.delivered == 1 for home in homes)


def test_a_fault_of_ours_on_one_call_leaves_the_others_alone() -> None:
    exchange = Exchange(count=2)
    homes = [Home(exchange, PanelSettings((Message(f"100{n}", "101"),)), line=n).call() for n in range(2)]
    exchange.advance(RATE_HZ)
    dropped = exchange.station.drop("line 0", "ZeroDivisionError: test", exchange.now())
    assert [order.identity.line for _, order in dropped if isinstance(order, Abandon)] == ["line 0"]
    exchange.perform(dropped)
    exchange.settle()
    assert [draft.payload["reason"] for draft in exchange.of("call.fault")] == ["ZeroDivisionError: test"]
    assert [home.panel.delivered for home in homes] == [0, 1]


@pytest.mark.parametrize(
    ("end", "then"),
    [
        (lambda station: station.hung_up("line 0", "far end", at(5)), []),
        (lambda station: station.fault("line 0", "unplugged", at(5)), ["line.fault"]),
        (lambda station: station.tick(at(30)), ["line.fault"]),
        (lambda station: station.answered("line 0", None, None, at(5)), ["call.started"]),
    ],
    ids=["hung up", "fault", "silence", "answered anew"],
)
def test_a_call_whose_last_samples_break_the_ear_is_given_up_and_its_line_lives(
    end: Callable[[Station[Samples]], list[Order]], then: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug(_: object) -> None:
        raise IndexError("on the last sample")

    monkeypatch.setattr(SoundEar, "finish", bug)
    station = Exchange().station
    station.answered("line 0", None, None, at(0))
    call = station.calls["line 0"].identity
    fault, abandon, *rest = [order for _, order in end(station)]
    assert isinstance(fault, Note)
    assert fault.draft.payload["reason"] == "IndexError: on the last sample"
    assert isinstance(abandon, Abandon)
    assert abandon.identity == call
    assert [effect.draft.type for effect in rest if isinstance(effect, Note)] == then


def test_a_full_disk_answers_no_call_and_says_so() -> None:
    exchange = Exchange()
    exchange.station.refusing = "the disk is 97 % full"
    Home(exchange, PanelSettings((BUTTON,))).call()
    assert not exchange.both[0].connected
    assert [draft.payload["reason"] for draft in exchange.of("line.refusing")] == ["the disk is 97 % full"]


def at(seconds: float) -> Now:
    return Now(int(seconds * SECOND_US), int(seconds * SECOND_US), "test")


def test_a_ring_is_answered_once_and_again_if_nothing_came_of_it() -> None:
    station = Exchange().station
    assert station.ringing("line 0", at(0)) == [("line 0", Answer())]
    assert station.ringing("line 0", at(3)) == []
    assert station.ringing("line 0", at(9)) == [("line 0", Answer())]


def test_a_line_that_goes_silent_in_a_call_is_found_and_healed_by_its_driver() -> None:
    station = Exchange().station
    station.answered("line 0", None, None, at(0))
    station.heard("line 0", silence(0, 8000), at(1))
    assert station.tick(at(8)) == []
    orders = station.tick(at(9.5))
    assert ("line 0", HangUp("the line delivers no sound")) in orders
    types = [order.draft.type for _, order in orders if isinstance(order, Note)]
    assert types == ["call.ended", "line.fault"]
    assert station.lines["line 0"].health is Health.DEAF
    assert station.tick(at(20)) == []
    answered = station.answered("line 0", None, None, at(25))
    assert [order.draft.type for _, order in answered if isinstance(order, Note)] == ["line.healed", "call.started"]
    station.fault("line 0", "unplugged", at(26))
    healed = station.healed("line 0", at(30))
    assert [order.draft.type for _, order in healed if isinstance(order, Note)] == ["line.healed"]


def test_a_fault_of_ours_without_a_call_is_said_once_though_it_comes_every_second() -> None:
    station = Exchange().station
    ((_, fault),) = station.drop("line 0", "ZeroDivisionError: test", at(1))
    assert isinstance(fault, Note)
    assert fault.draft.type == "line.fault"
    assert station.drop("line 0", "ZeroDivisionError: test", at(2)) == []
    answered = station.answered("line 0", None, None, at(3))
    assert [order.draft.type for _, order in answered if isinstance(order, Note)] == ["line.healed", "call.started"]


def test_a_line_that_nobody_has_opened_is_a_fault_after_half_a_minute() -> None:
    exchange = Exchange(count=2)
    station = exchange.station
    station.healed("line 1", at(1))
    assert station.tick(at(1)) == station.tick(at(30)) == []
    ((line, fault),) = station.tick(at(32))
    assert isinstance(fault, Note)
    assert (line, fault.draft.type) == ("line 0", "line.fault")
    assert station.tick(at(60)) == []
    ((_, healed),) = station.healed("line 0", at(70))
    assert isinstance(healed, Note)
    assert healed.draft.type == "line.healed"


def test_a_fault_is_said_once_and_ends_the_call() -> None:
    station = Exchange().station
    station.answered("line 0", None, None, at(0))
    first = [order.draft.type for _, order in station.fault("line 0", "unplugged", at(1)) if isinstance(order, Note)]
    assert first == ["call.ended", "line.fault"]
    assert station.fault("line 0", "unplugged", at(2)) == []
    assert station.calls == {}


def test_sound_without_a_call_is_nobodys() -> None:
    station = Exchange().station
    assert station.heard("line 0", Samples(0, silence(0, 160).pcm), at(0)) == []


@pytest.mark.parametrize(("given", "withheld"), [("P", "P"), ("C", "C"), ("0775610000", None), (None, None)])
def test_a_withheld_number_is_no_number(given: str | None, withheld: str | None) -> None:
    station = Exchange().station
    ((_, started),) = station.answered("line 0", given, None, at(0))
    assert isinstance(started, Note)
    assert started.draft.payload["withheld"] == withheld
    assert started.draft.payload["caller_given"] == (given == "0775610000")


def held_ms(exchange: Exchange) -> float:
    (ended,) = exchange.of("call.ended")
    return to_ms(int(ended.payload["samples"]))


@pytest.mark.parametrize("messages", [(BUTTON,), (BUTTON, BATTERY), (BUTTON, BATTERY, Message("1234", "602"))])
def test_on_a_reserved_line_every_message_of_a_call_is_taken(messages: tuple[Message, ...]) -> None:
    exchange = Exchange(plans=LinePlans(reserved=frozenset({"line 0"})))
    home = Home(exchange, PanelSettings(messages, after_kiss_off_ms=300)).call()
    exchange.settle()
    assert len(home.said("kiss_off")) == len(exchange.of("kissoff.completed")) == len(messages)
    assert exchange.of("call.unknown") == []


def test_on_a_reserved_line_or_number_a_call_is_short() -> None:
    """A unit that waits for somebody to hang up is let go at once, and greeted at once."""
    held = []
    for plans in (
        LinePlans(),
        LinePlans(reserved=frozenset({"line 0"})),
        LinePlans(reserved_numbers=("07756",)),
        LinePlans(reserved_numbers=("0120",)),
    ):
        exchange = Exchange(plans=plans)
        home = Home(exchange, PanelSettings((BUTTON,), after_kiss_off_ms=60_000), called="0775600001").call()
        exchange.settle()
        held.append(held_ms(exchange))
        shortest = shortest_ms(LIVE[0], home.panel)
    assert held[1] == held[2] <= 1.10 * shortest < 7_000 < held[0] == held[3]


def test_somebody_who_speaks_behind_the_kiss_off_is_not_cut_off_on_a_reserved_line() -> None:
    exchange = Exchange(plans=LinePlans(reserved=frozenset({"line 0"})))
    Home(exchange, PanelSettings((BUTTON,), voice_s=20)).call()
    exchange.settle()
    assert held_ms(exchange) > 20_000
    assert exchange.of("call.ended")[0].payload["voice"] is True


def test_a_lines_own_format_is_greeted_first_and_read_there_alone() -> None:
    form = sia_fsk.FORMAT
    plans = LinePlans({"line 1": CallSettings((*LIVE, form)).led_by(form)})
    first = {}
    for line in (0, 1):
        exchange = Exchange(count=2, plans=plans)
        settings = PanelSettings((Message("1234", "MA", zone="001"),), greeting=form.greeting, kiss_off=form.kiss_off,
                                 **habits.of(form))  # fmt: skip
        home = Home(exchange, settings, form=form, line=line).call()
        exchange.settle()
        first[line] = [note.at for note in home.said("handshake")]
        assert len(exchange.of("frame.accepted")) == line
    assert not first[0]
    assert to_ms(first[1][0]) < 2_500


def test_in_a_storm_a_call_is_answered_at_once_and_the_storm_is_journalled() -> None:
    plans = LinePlans(storm=StormSettings(calls_per_line=1, calls_least=1, after_us=5 * SECOND_US))
    exchange = Exchange(plans=plans)
    station = exchange.station
    station.healed("line 0", exchange.now())
    assert station.ringing("line 0", exchange.now()) == [("line 0", Answer(at_once=False))]
    station.answered("line 0", None, None, exchange.now())
    for _ in range(7):
        exchange.at += RATE_HZ
        exchange.perform(station.tick(exchange.now()))
    assert [draft.payload["lines"] for draft in exchange.of("storm.began")] == [1]
    station.hung_up("line 0", "over", exchange.now())
    assert station.ringing("line 0", exchange.now()) == [("line 0", Answer(at_once=True))]
    exchange.perform(station.answered("line 0", None, None, exchange.now()))
    assert station.deadline("line 0") == from_ms(500)


@pytest.mark.parametrize(("reserved", "pause_ms"), [(False, 1250), (True, 500)])
def test_a_call_with_neither_tone_nor_voice_is_ended_10_s_behind_the_last_handshake(
    reserved: bool, pause_ms: int
) -> None:
    exchange = Exchange(plans=LinePlans(reserved=frozenset({"line 0"} if reserved else ())))
    exchange.both[0].far.dial("0775610000", None)
    exchange.settle()
    (ended,) = exchange.of("call.ended")
    last_handshake_ms = pause_ms + 4 * 300 + 3 * 2000
    assert held_ms(exchange) == pytest.approx(last_handshake_ms + 10_000, abs=100)
    assert (ended.payload["frames"], ended.payload["voice"]) == (0, False)
    assert exchange.of("call.unknown") == []
