"""The call machine, row by row and promise by promise, against values only."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder.exchange import Asked, ToneStep
from decoder.formats import contact_id, sia_fsk
from decoder.samples import RATE_HZ, from_ms
from decoder.symbols import Character, Pulse
from receiver.event import Receipt
from receiver.intake.call import EVERYWHERE, TRANSITIONS, Call, State, What
from receiver.intake.drafts import CallId
from receiver.intake.signals import (
    Answered,
    Commit,
    Effect,
    Gone,
    Input,
    Moment,
    Play,
    Played,
    PlayStarted,
    Release,
    Sounding,
    Stirring,
    Stored,
    Unstored,
    Voice,
    Witnessed,
)
from tests.receiver.intake.desk import (
    GREETING,
    KISS_OFF,
    SETTINGS,
    UTC,
    Desk,
    commits,
    digit_at,
    frame_at,
    hang_ups,
    new_desk,
    notes,
    plays,
    rejected_at,
    types,
)

TIMES = {
    What.PAUSE_OVER: {State.PAUSING, State.CONFIRMED},
    What.NO_ANSWER: {State.LISTENING},
    What.NOBODY: {State.LISTENING, State.TALKING},
    What.SESSION_OVER: {State.LISTENING},
    What.STRAY: {State.COLLECTING},
    What.ENDLESS: {State.LISTENING, State.COLLECTING},
    What.OUT_OF_TIME: {State.GREETING, State.KISSING_OFF, State.COMMITTING},
    What.STALLED: {State.GREETING, State.KISSING_OFF, State.COMMITTING},
}


def test_every_state_knows_what_to_do_with_everything() -> None:
    for state, what in itertools.product(State, What):
        if what is What.ANSWERED or what in TIMES:
            expected = {State.RINGING} if what is What.ANSWERED else TIMES[what]
            assert ((state, what) in TRANSITIONS) == (state in expected), (state, what)
        else:
            assert (state, what) in TRANSITIONS or what in EVERYWHERE


def test_the_kiss_off_has_one_way_in_and_it_leads_through_a_receipt() -> None:
    into = {key for key, (to, _) in TRANSITIONS.items() if to is State.KISSING_OFF}
    assert into == {(State.CONFIRMED, What.PAUSE_OVER)}
    assert {key for key, (to, _) in TRANSITIONS.items() if to is State.CONFIRMED} == {(State.COMMITTING, What.STORED)}
    assert not any(to in (State.KISSING_OFF, State.CONFIRMED) for to, _ in EVERYWHERE.values())


def test_a_call_with_one_frame_from_answer_to_hang_up() -> None:
    desk = new_desk()
    assert types(desk.hear(Answered("0775610000", "0775611111"))) == ["call.started"]
    assert plays(desk.wait()) == [GREETING]
    assert desk.at == from_ms(1250)
    desk.play_out()
    commit = desk.to_committing()
    assert desk.state is State.COMMITTING
    assert commit.draft.type == "frame.accepted"
    assert commit.draft.payload["raw"] == "123418110101001B"
    assert commit.draft.payload["heard_at_us"] == UTC + commit.draft.payload["end"] * 125
    assert plays(desk.store(commit)) == [KISS_OFF]
    assert types(desk.play_out()) == ["kissoff.started", "kissoff.completed"]
    ended = desk.wait()
    assert hang_ups(ended) == ["nothing more to hear"]
    last = notes(desk.hear(Gone("far end")))[-1]
    assert (last.type, last.payload["frames"], last.payload["samples"]) == ("call.ended", 1, desk.at)
    assert desk.state is State.GONE


def test_no_numbers_stand_in_clear() -> None:
    desk = new_desk()
    (started,) = notes(desk.hear(Answered("0775610000", "0775611111", caller_digest="ab")))
    assert started.private == {"caller": "0775610000", "called": "0775611111"}
    assert "0775" not in str(started.payload)
    assert started.subject == "c0ffee"


def test_a_kiss_off_waits_100_ms_behind_the_last_digit() -> None:
    desk = new_desk().to_listening()
    end = desk.at + from_ms(1900)
    (commit,) = commits(desk.hear(Witnessed(frame_at(end)), end + from_ms(20)))
    assert plays(desk.store(commit)) == []
    assert desk.state is State.CONFIRMED
    assert plays(desk.wait()) == [KISS_OFF]
    assert desk.at == end + from_ms(100)


@pytest.mark.parametrize(("after_ms", "plays_it"), [(100, True), (500, True), (850, True), (851, False), (5000, False)])
def test_a_receipt_that_comes_late_gives_no_kiss_off(after_ms: int, plays_it: bool) -> None:
    desk = new_desk().to_listening()
    commit = desk.to_committing()
    effects = desk.store(commit, after=int(commit.draft.payload["end"]) + from_ms(after_ms) - desk.at)
    assert (plays(effects) == [KISS_OFF]) == plays_it
    assert ("kissoff.missed" in types(effects)) == (not plays_it)


def test_something_that_may_be_digits_puts_a_deadline_off_and_not_for_ever() -> None:
    desk = new_desk().to_listening()
    greeted = desk.call.deadline
    assert greeted is not None
    desk.hear(Stirring(), greeted - from_ms(1000))
    assert desk.call.deadline == greeted
    desk.hear(Stirring(), greeted - from_ms(20))
    assert desk.call.deadline == greeted + from_ms(280)
    for late in range(0, from_ms(4100), from_ms(20)):
        assert plays(desk.hear(Stirring(), greeted + late)) == ([GREETING] if late == from_ms(4000) else [])
    assert desk.state is State.GREETING


def test_no_more_data_is_answered_only_behind_a_kiss_off_that_was_whole() -> None:
    desk = new_desk().to_listening()
    commit = desk.to_committing()
    assert plays(desk.hear(Asked("test", desk.at, desk.at + 800), desk.at + 800)) == []
    desk.store(commit)
    if desk.state is State.CONFIRMED:
        desk.wait()
    desk.play_out()
    begun = desk.at + from_ms(300)
    (steps,) = plays(desk.hear(Asked("test", begun, begun + 800), begun + 840))
    assert steps == (ToneStep((), 95), *KISS_OFF)
    assert types(desk.play_out()) == []
    assert desk.state is State.LISTENING
    (commit,) = commits(desk.hear(Witnessed(frame_at(desk.at + 9000)), desk.at + 9000))
    desk.refuse(commit)
    assert plays(desk.hear(Asked("test", desk.at, desk.at + 800), desk.at + 800)) == []


def test_what_is_not_stored_is_not_acknowledged() -> None:
    desk = new_desk().to_listening()
    assert desk.refuse(desk.to_committing()) == []
    assert desk.state is State.LISTENING


def test_a_call_whose_only_frame_could_not_be_stored_is_an_unknown_emergency() -> None:
    desk = new_desk().to_listening()
    desk.refuse(desk.to_committing())
    (commit,) = commits(desk.hear(Gone("far end")))
    assert (commit.draft.type, commit.draft.payload["kind"]) == ("call.unknown", "unreadable")
    assert notes(desk.effects)[-1].payload["frames"] == 0


def test_a_rejected_message_is_journalled_and_met_with_silence() -> None:
    desk = new_desk().to_listening()
    desk.hear(digit_at(desk.at + 9000), desk.at + 9100)
    effects = desk.hear(Witnessed(rejected_at(desk.at)), desk.at + 900)
    assert types(effects) == ["frame.rejected"]
    assert notes(effects)[0].payload["reason"] == "checksum"
    assert plays(effects) == []
    assert desk.state is State.LISTENING


def test_a_panel_that_repeats_after_a_rejected_message_is_heard() -> None:
    """It repeats 1.25 s after its last digit; no handshake may fall into that."""
    desk = new_desk().to_listening()
    end = desk.at + 9000
    desk.hear(digit_at(end), end + 160)
    desk.hear(Witnessed(rejected_at(end)), end + 900)
    assert plays(desk.wait_until(end + from_ms(1250 + 80))) == []
    desk.hear(digit_at(end + from_ms(1300)), end + from_ms(1330))
    assert desk.state is State.COLLECTING


def test_the_handshake_is_tried_four_times_and_then_the_line_is_given_back() -> None:
    desk = new_desk()
    desk.hear(Answered())
    for _ in range(4):
        assert plays(desk.wait()) == [GREETING]
        desk.play_out()
    last = desk.at
    assert hang_ups(desk.wait()) == ["nothing more to hear"]
    assert desk.at == last + 10 * RATE_HZ
    assert commits(desk.hear(Gone("hung up"))) == []


def first_greetings(desk: Desk, count: int) -> list[tuple[ToneStep, ...]]:
    """What a call on which nobody says anything is greeted with."""
    desk.hear(Answered())
    heard = []
    for _ in range(count):
        heard += plays(desk.wait())
        desk.play_out()
    return heard


def test_a_format_without_a_handshake_has_no_turn() -> None:
    """Its units speak by themselves; where there are no others nothing is played."""
    silent = replace(SETTINGS.formats[0], name="silent", greeting=())
    assert first_greetings(new_desk(replace(SETTINGS, formats=(silent, *SETTINGS.formats))), 2) == [GREETING, GREETING]
    assert first_greetings(new_desk(replace(SETTINGS, formats=(silent,))), 2) == [(), ()]


def test_handshakes_take_turns_among_the_formats() -> None:
    other = replace(SETTINGS.formats[0], name="other", greeting=KISS_OFF)
    desk = new_desk(replace(SETTINGS, formats=(*SETTINGS.formats, other)))
    assert first_greetings(desk, 4) == [GREETING, KISS_OFF, GREETING, KISS_OFF]


def test_a_handshake_that_formats_share_is_played_once_a_round() -> None:
    own = SETTINGS.formats[0]
    second, third = replace(own, name="second"), replace(own, name="third", greeting=KISS_OFF)
    desk = new_desk(replace(SETTINGS, formats=(own, second, third)))
    assert first_greetings(desk, 4) == [GREETING, KISS_OFF, GREETING, KISS_OFF]


def test_a_frame_is_acknowledged_as_its_own_format_wants_it() -> None:
    other = replace(SETTINGS.formats[0], name="other", kiss_off=GREETING)
    desk = new_desk(replace(SETTINGS, formats=(SETTINGS.formats[0], other))).to_listening()
    end = desk.at + 9000
    desk.hear(digit_at(end), end + 160)
    effects = desk.hear(Witnessed(replace(frame_at(end), format="other")), end + 900)
    assert plays(desk.store(commits(effects)[0])) == [GREETING]


def test_while_pulses_or_characters_come_nobody_is_greeted_again() -> None:
    desk = new_desk().to_listening()
    begins = desk.at
    for n in range(40):
        at = begins + from_ms(1500) + n * from_ms(500)
        assert plays(desk.wait_until(at)) == []
        kind = Pulse(1900.0, at - 400, at, -12.0, 1.0) if n % 2 else Character(65, at - 400, at, -12, 1.0, "v23", 1200)
        assert plays(desk.hear(kind, at)) == []
        assert desk.state is State.COLLECTING


def test_a_handshake_is_tried_again_after_a_partial_message() -> None:
    desk = new_desk().to_listening()
    desk.hear(digit_at(desk.at + 800), desk.at + 960)
    desk.hear(Witnessed(rejected_at(desk.at, best="1")), desk.at + 2000)
    assert plays(desk.wait()) == [GREETING]


def test_several_frames_in_a_call_each_have_their_kiss_off() -> None:
    desk = new_desk().to_listening()
    for _ in range(5):
        assert plays(desk.store(desk.to_committing())) == [KISS_OFF]
        desk.play_out()
    assert types(desk.effects).count("kissoff.completed") == 5


def test_a_kiss_off_cut_short_is_not_completed() -> None:
    desk = new_desk().to_listening()
    desk.store(desk.to_committing())
    effects = desk.play_out(complete=False)
    assert types(effects) == ["kissoff.started", "kissoff.missed"]
    assert desk.state is State.LISTENING
    assert "kissoff.missed" not in types(desk.hear(Gone("far end")))


def test_a_kiss_off_that_the_unit_did_not_wait_for_says_how_much_of_it_was_played() -> None:
    for played_ms in (0, 120, 400, 849, 5000):
        desk = new_desk().to_listening()
        play = next(effect for effect in desk.store(desk.to_committing()) if isinstance(effect, Play))
        if played_ms:
            desk.hear(PlayStarted(play.token, desk.at))
        gone = notes(desk.hear(Gone("far end"), desk.at + from_ms(played_ms)))
        (missed,) = [draft for draft in gone if draft.type == "kissoff.missed"]
        assert missed.payload["played_ms"] == min(played_ms, 850)


def test_a_call_that_ends_before_the_receipt_says_so_later() -> None:
    desk = new_desk().to_listening()
    commit = desk.to_committing()
    assert "call.ended" in types(desk.hear(Gone("far end")))
    effects = desk.store(commit)
    assert plays(effects) == []
    assert types(effects) == ["kissoff.missed"]


def test_a_second_frame_while_the_first_waits_for_the_disk() -> None:
    """The panel repeats after 1.25 s: too late for the first kiss-off, in time for the second."""
    desk = new_desk().to_listening()
    first = desk.to_committing()
    second = desk.to_committing()
    assert types(desk.store(first)) == ["kissoff.missed"]
    assert desk.state is State.COMMITTING
    assert plays(desk.store(second)) == [KISS_OFF]


def test_a_frame_that_completes_while_the_handshake_plays_is_kissed_off_after_it() -> None:
    desk = new_desk()
    desk.hear(Answered())
    desk.wait()
    (commit,) = commits(desk.hear(Witnessed(frame_at(desk.at)), desk.at + 80))
    desk.store(commit)
    effects = desk.play_out()
    assert plays(effects) == [KISS_OFF]
    assert desk.state is State.KISSING_OFF


def test_a_journal_that_never_answers_does_not_hold_the_line() -> None:
    desk = new_desk().to_listening()
    desk.to_committing()
    assert hang_ups(desk.wait()) == ["the journal does not answer"]


def test_a_line_that_never_plays_does_not_hold_the_call() -> None:
    desk = new_desk()
    desk.hear(Answered())
    desk.wait()
    assert hang_ups(desk.wait()) == ["the line does not play"]


def talking(desk: Desk) -> Desk:
    """Somebody speaks on this call."""
    desk.hear(Voice(from_ms(4000)), desk.at + 40_000)
    assert desk.state is State.TALKING
    return desk


def test_somebody_who_speaks_is_not_hung_up_on_because_the_journal_does_not_answer() -> None:
    desk = talking(new_desk().to_listening())
    commit = desk.to_committing()
    assert desk.state is State.COMMITTING
    desk.wait_until(desk.at + 60 * RATE_HZ)
    assert (desk.state, hang_ups(desk.effects)) == (State.TALKING, [])
    assert types(desk.store(commit)) == ["kissoff.missed"]
    assert plays(desk.store(desk.to_committing())) == [KISS_OFF]


def test_somebody_who_speaks_is_not_hung_up_on_because_the_line_does_not_play() -> None:
    kissing = talking(new_desk().to_listening())
    kissing.store(kissing.to_committing())
    assert kissing.state is State.KISSING_OFF
    greeting = new_desk()
    greeting.hear(Answered())
    greeting.wait()
    greeting.hear(Voice(from_ms(600)))
    assert greeting.state is State.GREETING
    for desk in (kissing, greeting):
        desk.wait_until(desk.at + 60 * RATE_HZ)
        assert (desk.state, hang_ups(desk.effects)) == (State.TALKING, [])
    assert types(kissing.effects)[-1] == "kissoff.missed"
    assert [commit.draft.type for commit in commits(greeting.effects)] == ["call.unknown"]


def test_somebody_who_speaks_is_not_hung_up_on_because_of_too_many_frames() -> None:
    desk = talking(new_desk(replace(SETTINGS, frames_max=2)).to_listening())
    for _ in range(2):
        desk.to_kissed_off()
    for _ in range(3):
        end = desk.at + 16_000
        assert commits(desk.hear(Witnessed(frame_at(end)), end + 900)) == []
    assert types(desk.effects).count("call.overflow") == 1
    assert hang_ups(desk.effects) == []


def test_after_a_kiss_off_only_the_account_of_the_call_is_acknowledged() -> None:
    desk = new_desk().to_listening().to_kissed_off()
    commit = desk.to_committing(account="9999", raw="999918110101001B")
    assert commit.draft.payload["no_kiss_off"] is True
    assert commit.draft.payload["kiss_off_withheld"] == "another account spoke on this call"
    assert plays(desk.store(commit)) == []
    own = desk.to_committing()
    assert plays(desk.store(own)) == [KISS_OFF]


@pytest.mark.parametrize("of_frame", [{"confidence": 0.5, "recovered": (3,)}])
def test_a_recovered_frame_below_the_accept_level_is_stored_and_not_acknowledged(of_frame: dict[str, float]) -> None:
    desk = new_desk().to_listening()
    commit = desk.to_committing(**of_frame)
    assert commit.draft.payload["no_kiss_off"] is True
    assert plays(desk.store(commit)) == []


def test_a_voice_without_a_frame_is_an_unknown_emergency_and_is_never_hung_up() -> None:
    desk = new_desk().to_listening()
    desk.hear(Voice(from_ms(600)), desk.at + 5000)
    unknown: list[Commit] = []
    while desk.state is not State.TALKING:
        effects = desk.wait()
        unknown += commits(effects)
        if plays(effects):
            desk.play_out()
    assert [commit.draft.type for commit in unknown] == ["call.unknown"]
    assert unknown[0].draft.payload["kind"] == "voice"
    assert desk.call.deadline is None
    assert hang_ups(desk.effects) == []
    assert commits(desk.hear(Gone("far end"))) == []  # once, not twice


def test_somebody_who_speaks_for_three_seconds_is_not_kept_waiting() -> None:
    desk = new_desk().to_listening()
    desk.hear(Voice(from_ms(1500)), desk.at + 12_000)
    effects = desk.hear(Voice(from_ms(1600)), desk.at + 800)
    assert [commit.draft.payload["kind"] for commit in commits(effects)] == ["voice"]
    assert desk.state is State.TALKING


def test_a_caller_who_hangs_up_after_a_word_is_an_unknown_emergency() -> None:
    desk = new_desk().to_listening()
    desk.hear(Voice(from_ms(500)))
    assert [commit.draft.type for commit in commits(desk.hear(Gone("far end")))] == ["call.unknown"]


def test_a_click_is_nobody() -> None:
    desk = new_desk().to_listening()
    desk.hear(Voice(from_ms(100)))
    assert commits(desk.hear(Gone("far end"))) == []


def test_digits_that_never_become_a_message_are_an_unknown_emergency() -> None:
    desk = new_desk().to_listening()
    desk.hear(digit_at(desk.at + 800), desk.at + 960)
    desk.hear(Witnessed(rejected_at(desk.at, best="12341811?1")), desk.at + 2000)
    (commit,) = commits(desk.hear(Gone("far end")))
    assert (commit.draft.type, commit.draft.payload["kind"]) == ("call.unknown", "unreadable")
    assert commit.draft.payload["best"] == "12341811?1"


def test_a_frame_in_the_talk_phase_is_still_taken() -> None:
    desk = new_desk().to_listening()
    desk.hear(Voice(from_ms(4000)), desk.at + 40_000)
    assert desk.state is State.TALKING
    assert plays(desk.store(desk.to_committing())) == [KISS_OFF]
    desk.play_out()
    assert desk.state is State.TALKING


def test_announced_speech_keeps_the_line_but_not_for_ever() -> None:
    desk = new_desk().to_listening()
    desk.store(desk.to_committing(code="606"))
    desk.play_out()
    assert desk.state is State.TALKING
    since = desk.at
    assert hang_ups(desk.wait()) == ["nothing more to hear"]
    assert desk.at == since + 120 * RATE_HZ


def test_voice_after_a_kiss_off_keeps_the_line_and_is_no_second_reception() -> None:
    desk = new_desk().to_listening().to_kissed_off()
    desk.hear(Voice(from_ms(900)))
    effects = desk.wait()
    assert desk.state is State.TALKING
    assert commits(effects) == []


def test_an_operator_can_release_a_talking_line() -> None:
    desk = new_desk().to_listening()
    desk.hear(Voice(from_ms(4000)), desk.at + 40_000)
    assert hang_ups(desk.hear(Release())) == ["released by an operator"]


def test_frames_and_rejects_of_a_call_are_bounded() -> None:
    desk = new_desk(replace(SETTINGS, frames_max=3, rejected_max=4)).to_listening()
    for _ in range(10):
        desk.hear(Witnessed(rejected_at(desk.at)), desk.at + 100)
    assert types(desk.effects).count("frame.rejected") == 4
    assert types(desk.effects).count("call.overflow") == 1
    for _ in range(3):
        desk.to_kissed_off()
    end = desk.at + 16_000
    effects = desk.hear(Witnessed(frame_at(end)), end + 900)
    assert (types(effects), hang_ups(effects)) == (["call.overflow"], ["nothing more to hear"])


def test_a_line_with_endless_rejects_is_given_back_and_the_call_is_an_unknown_emergency() -> None:
    desk = new_desk().to_listening()
    while not hang_ups(desk.effects):
        assert desk.at <= 300 * RATE_HZ
        desk.hear(digit_at(desk.at + from_ms(900)), desk.at + from_ms(920))
        desk.hear(Witnessed(rejected_at(desk.at)), desk.at + from_ms(280))
    assert hang_ups(desk.effects) == ["signals without end and no message"]
    assert desk.state is State.LEAVING
    assert [commit.draft.type for commit in commits(desk.hear(Gone("hung up")))] == ["call.unknown"]


def test_a_line_with_endless_digits_is_given_back() -> None:
    desk = new_desk().to_listening()
    while not hang_ups(desk.effects):
        assert desk.at < 400 * RATE_HZ
        desk.hear(digit_at(desk.at + from_ms(1900)), desk.at + from_ms(1900))
        desk.wait_until(desk.at + from_ms(2000))
        if desk.state is State.GREETING:
            desk.play_out()


# ── any order of events ───────────────────────────────────────────────────────────────────────

INPUTS: st.SearchStrategy[str] = st.sampled_from(
    ["digit", "frame", "foreign", "rejected", "voice", "start", "played", "cut", "store", "refuse", "release", "wait"]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(INPUTS, st.integers(0, 12_000)), max_size=60))
def test_no_order_of_events_leads_to_a_kiss_off_without_a_receipt(steps: list[tuple[str, int]]) -> None:
    call = Call(CallId("c0ffee", "line"), SETTINGS, itertools.count(1))
    at, receipts, kiss_offs, seq = 0, 0, 0, itertools.count(1)
    open_commits: list[Commit] = []
    playing: list[Play] = []

    def take(effects: list[Effect]) -> None:
        nonlocal kiss_offs
        for effect in effects:
            if isinstance(effect, Commit):
                open_commits.append(effect)
            elif isinstance(effect, Play):
                playing.append(effect)
                kiss_offs += effect.steps == KISS_OFF
        assert kiss_offs <= receipts

    def happened(name: str) -> Input | None:
        nonlocal receipts
        match name:
            case "digit":
                return digit_at(at)
            case "frame":
                return Witnessed(frame_at(at))
            case "foreign":
                return Witnessed(frame_at(at, account="5678"))
            case "rejected":
                return Witnessed(rejected_at(at))
            case "voice":
                return Voice(1600)
            case "start" if playing:
                return PlayStarted(playing[-1].token, at)
            case "played" | "cut" if playing:
                return Played(playing.pop().token, at, name == "played")
            case "store" if open_commits:
                receipts += 1
                number = next(seq)
                return Stored(open_commits.pop(0).token, Receipt(number, ""), number)
            case "refuse" if open_commits:
                return Unstored(open_commits.pop(0).token)
            case "release":
                return Release()
            case _:
                return None

    take(call.hear(Answered(), Moment(0, UTC)))
    for name, later in steps:
        at += later
        told = happened(name)
        moment = Moment(at, UTC + at * 125)
        take(call.hear(told, moment) if told is not None else call.tick(moment))
        deadline = call.deadline
        assert deadline is None or deadline > at
    take(call.hear(Gone("end"), Moment(at, UTC)))
    assert call.state is State.GONE
    assert call.deadline is None


# ── in a hurry: a reserved line, or a storm ───────────────────────────────────────────────────────

HURRIED = replace(SETTINGS, formats=(contact_id.FORMAT, sia_fsk.FORMAT, replace(contact_id.FORMAT, name="test")))
HURRIED = HURRIED.in_a_hurry()


def test_in_a_hurry_the_greeting_is_early_and_the_line_let_go_when_no_further_message_begins() -> None:
    desk = new_desk(HURRIED)
    desk.hear(Answered())
    assert desk.call.deadline == from_ms(500)
    desk.wait()
    desk.play_out()
    desk.store(desk.to_committing())
    desk.play_out()
    told = desk.at
    assert hang_ups(desk.wait()) == ["nothing more to hear"]
    assert desk.at - told == from_ms(380)


def test_in_a_hurry_a_shorter_pause_of_the_installation_holds() -> None:
    assert replace(SETTINGS, answer_pause=100).in_a_hurry().answer_pause == 100


@pytest.mark.parametrize("what", [Sounding(), digit_at(0)])
def test_in_a_hurry_whatever_sounds_behind_the_kiss_off_is_waited_for(what: Input) -> None:
    desk = new_desk(HURRIED).to_listening().to_kissed_off()
    told = desk.at
    desk.hear(what if isinstance(what, Sounding) else digit_at(told + from_ms(360)), told + from_ms(370))
    assert hang_ups(desk.wait_until(told + from_ms(2300))) == []
    assert hang_ups(desk.wait_until(told + from_ms(5500))) == ["nothing more to hear"]


def test_in_a_hurry_nobody_who_speaks_is_cut_off() -> None:
    desk = new_desk(HURRIED).to_listening().to_kissed_off()
    told = desk.at
    desk.hear(Sounding(), told + from_ms(370))
    desk.hear(Voice(from_ms(800)), told + from_ms(2500))
    assert hang_ups(desk.wait_until(told + 600 * RATE_HZ)) == []
    assert desk.state is State.TALKING


def test_in_a_hurry_code_606_keeps_the_line() -> None:
    desk = new_desk(HURRIED).to_listening()
    desk.store(desk.to_committing(code="606"))
    desk.play_out()
    assert desk.state is State.TALKING
    assert hang_ups(desk.wait_until(desk.at + 60 * RATE_HZ)) == []


def test_in_a_hurry_a_format_with_a_session_ends_it_itself() -> None:
    desk = new_desk(HURRIED).to_listening()
    desk.store(desk.to_committing(format="sia-fsk"))
    desk.play_out()
    told = desk.at
    assert hang_ups(desk.wait_until(told + from_ms(2900))) == []
    asked = desk.at
    desk.hear(Asked("sia-fsk", asked - from_ms(200), asked))
    desk.play_out()
    answered = desk.at
    assert hang_ups(desk.wait()) == ["nothing more to hear"]
    assert desk.at - answered == from_ms(380)


def test_in_a_hurry_a_unit_whose_speech_follows_unsaid_has_the_usual_time() -> None:
    settings = replace(HURRIED, formats=(replace(contact_id.FORMAT, name="bs8521"),))
    desk = new_desk(settings).to_listening()
    desk.store(desk.to_committing(format="bs8521"))
    desk.play_out()
    assert hang_ups(desk.wait_until(desk.at + from_ms(2900))) == []


def test_in_a_hurry_a_kiss_off_that_was_not_played_is_waited_for_as_ever() -> None:
    desk = new_desk(HURRIED).to_listening()
    desk.store(desk.to_committing())
    desk.play_out(complete=False)
    assert hang_ups(desk.wait_until(desk.at + from_ms(1900))) == []


@pytest.mark.parametrize("digits", [16, 0])
def test_in_a_hurry_a_further_message_that_was_not_understood_is_waited_for(digits: int) -> None:
    desk = new_desk(HURRIED).to_listening().to_kissed_off()
    end = desk.at + from_ms(1900)
    desk.hear(Sounding(), desk.at + from_ms(360))
    for number in range(digits, 0, -1):
        desk.hear(digit_at(end - from_ms(100) * (number - 1)), end - from_ms(100) * (number - 1))
    desk.hear(Witnessed(rejected_at(end)), end + from_ms(60))
    assert hang_ups(desk.wait_until(end + from_ms(2900))) == []
    assert hang_ups(desk.wait_until(end + from_ms(6000))) == ["nothing more to hear"]


def test_a_call_may_be_hurried_while_it_goes_on() -> None:
    desk = new_desk(replace(HURRIED, hurried=False)).to_listening()
    desk.call.hurry()
    desk.to_kissed_off()
    told = desk.at
    assert hang_ups(desk.wait()) == ["nothing more to hear"]
    assert desk.at - told == from_ms(380)


@pytest.mark.parametrize(
    ("after_ms", "told"), [(900, "kissoff.completed"), (1250, "kissoff.completed"), (1260, "kissoff.missed")]
)
def test_a_kiss_off_that_the_line_begins_too_late_is_none(after_ms: int, told: str) -> None:
    """A computer or a modem that stood still: the unit has begun to repeat, and what it repeats is no second press."""
    desk = new_desk().to_listening()
    commit = desk.to_committing()
    end = int(commit.draft.payload["end"])
    (play,) = [effect for effect in desk.store(commit) if isinstance(effect, Play)]
    desk.hear(PlayStarted(play.token, end + from_ms(after_ms)), end + from_ms(after_ms))
    (note,) = notes(desk.hear(Played(play.token, end + from_ms(after_ms + 850)), end + from_ms(after_ms + 850)))
    assert note.type == told
    if told == "kissoff.missed":
        assert note.payload["reason"] == "it began too late for the panel"
        repeated = commits(desk.hear(Witnessed(frame_at(desk.at + from_ms(1_900))), desk.at + from_ms(2_000)))
        assert len(repeated) == 1
