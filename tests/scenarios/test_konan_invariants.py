"""Invariants of the Konan flows over random histories: whatever happens in whatever order, these hold."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from receiver.clock import MINUTE_US, SECOND_US, utc_us_of
from receiver.rules.fact import Fact
from receiver.rules.people import DeviceState, Home, KnownHomes, Status
from receiver.rules.quiet_hours import is_quiet
from receiver.rules.trial import Answer, Trial, rebuilt
from scenarios.konan.decide import VERBS, decide
from tests.receiver.centre.test_book_tables import through_tables

HOMES = (
    Home("home-a", "草津市", Status.ACTIVE, ("0775610001",), "dev-a", DeviceState.INSTALLED, "1001"),
    Home(
        "home-b",
        "守山市",
        Status.ENDED,
        ("0775820002",),
        "dev-b",
        DeviceState.INSTALLED,
        "1002",
        "contact-id-two-button",
    ),
    Home(None, "栗東市", None, (), "dev-c", DeviceState.STOCK, "1003"),
)

signals = st.builds(
    lambda account, code, zone, caller, qualifier, voice: {
        "type": "frame.accepted",
        "format": "contact-id",
        "account": account,
        "code": code,
        "zone": zone,
        "caller": caller,
        "qualifier": qualifier,
        "voice_path": voice,
    },
    st.sampled_from(["1001", "1001", "1002", "1003", "9999"]),
    st.sampled_from(["100", "101", "101", "302", "301", "384", "406", "602", "601", "777"]),
    st.sampled_from(["001", "002"]),
    st.sampled_from(["0775610001", "0775820002", "0770000000", None]),
    st.sampled_from(["1", "1", "1", "3", "6"]),
    st.booleans(),
)
addresses = st.sampled_from(
    [
        None,
        {"value": "confirmed"},
        {"value": "differs"},
        "confirmed",
        {"value": "differs", "text": "別の住所"},
        {"value": "not_possible", "text": "拒否"},
    ]
)
judgements = st.fixed_dictionaries(
    {
        "abnormal": st.sampled_from(["yes", "no", "unsure"]),
        "a": st.sampled_from([None, None, "救急車を"]),
        "b": st.sampled_from([None, None, "苦しい"]),
        "address": addresses,
        "finding": st.sampled_from([None, "fire", "cooperator", "advice", "false_alarm", "consultation", "test"]),
        "cause": st.sampled_from([None, "誤操作"]),
    }
)
answerers = ["subscriber", "informed", "uninformed", "unintelligible", "machine", "本人"]
verbs = st.one_of(
    st.tuples(st.just("case.accept"), st.fixed_dictionaries({"path": st.sampled_from([None, "inbound"])})),
    st.tuples(
        st.just("case.callback"),
        st.fixed_dictionaries(
            {
                "action": st.sampled_from(["start", "start", "answered", "answered", "no_answer", "busy", "cut_off"]),
                "by": st.sampled_from(answerers),
                "path": st.sampled_from([None, "dialled", "inbound"]),
            }
        ),
    ),
    st.tuples(st.just("case.judge"), judgements),
    st.tuples(
        st.just("case.address"),
        addresses.map(lambda address: address if isinstance(address, dict) else {"value": "confirmed"}),
    ),
    st.tuples(
        st.just("case.dispatch"),
        st.fixed_dictionaries(
            {
                "to": st.sampled_from(["fire", "cooperator", "guard"]),
                "accepted_by": st.sampled_from([None, "佐藤"]),
                "contact": st.sampled_from([None, "当番 山田"]),
            }
        ),
    ),
    st.tuples(
        st.just("case.outcome"),
        st.fixed_dictionaries({"code": st.sampled_from(["transported", "treated", "safe", "needs_fire", "無事確認"])}),
    ),
    st.tuples(st.just("case.transport"), st.fixed_dictionaries({"destination": st.sampled_from([None, "病院"])})),
    st.tuples(
        st.just("case.contact"),
        st.fixed_dictionaries({"result": st.sampled_from(["reached", "no_answer", "exhausted", "none_listed"])}),
    ),
    st.tuples(st.just("case.report"), st.just({"way": "mail"})),
    st.tuples(
        st.just("case.override"),
        st.fixed_dictionaries(
            {
                "second": st.sampled_from([None, "nurse", "supervisor"]),
                "reason": st.sampled_from([None, "理由"]),
                "to": st.sampled_from([None, "closed", "talking"]),
            }
        ),
    ),
    st.tuples(
        st.just("case.close"),
        st.fixed_dictionaries(
            {
                "result": st.sampled_from([None, "false_alarm", "test"]),
                "cause": st.sampled_from([None, "誤操作"]),
                "improvement": st.sampled_from([None, "説明"]),
                "decision": st.sampled_from([None, "助言のみ"]),
            }
        ),
    ),
    st.tuples(st.just("case.defer"), st.just({"reason": "夜間"})),
    st.tuples(st.just("case.battery"), st.just({"part": "pendant", "on": "2026-04-02"})),
    st.tuples(st.just("case.note"), st.just({"text": "メモ"})),
)
happenings = st.one_of(
    st.tuples(st.just("signal"), signals),
    st.tuples(st.just("verb"), st.tuples(verbs, st.integers(1, 4))),
    st.tuples(st.just("verb"), st.tuples(verbs, st.integers(1, 2))),
    st.tuples(st.just("wait"), st.sampled_from([1, 5, 16, 31, 46, 61, 121, 600, 3700, 40_000])),
    st.tuples(st.just("step"), st.sampled_from([-3600, -5, 5, 3600])),
    st.tuples(st.just("restart"), st.sampled_from([0, 3, 130, 4000])),
)
ALARM = ("signal", {"type": "frame.accepted", "account": "1001", "code": "101", "qualifier": "1", "zone": "001"})
arrivals = st.tuples(st.just("signal"), signals) | st.just(ALARM)
histories = st.builds(lambda first, rest: [first, *rest], arrivals, st.lists(happenings, max_size=25))
"""They begin with a signal: before one there is no case to go wrong."""
beginnings = st.sampled_from(["2026-04-01 20:58:00", "2026-04-01 08:58:30", "2026-04-01 13:00:00"])
scaled = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

CALL_BACK = ("TEST_SHOWN", "CALLBACK_DUE", "CALLING", "TALKING", "NO_ANSWER", "UNATTENDED")
TOWARDS_THE_FIRE_HQ = {"T_CB_TOTAL", "T_RING", "T_BUSY", "T_VOICE", "T_UNATTENDED", "T_TEST_CONFIRM"}

Watch = Callable[[Trial, Answer], None]


class Run:
    """Plays a history and asks the watches after every answer."""

    def __init__(self, begins: str, *watches: Watch) -> None:
        self.trial = Trial(decide, utc_us_of(datetime.fromisoformat(begins)), KnownHomes(HOMES))
        self.watches = watches
        self.receptions = 0
        self.seen = 0
        self.trial.tell(
            Fact(
                "device.installed",
                "ledger",
                {
                    "device": "dev-a",
                    "subject": "home-a",
                    "account": "1001",
                    "anchor_day": 31,
                    "anchor_time": "20:59:00",
                    "installed_on": "2026-03-01",
                },
            )
        )

    def play(self, history: list[tuple[str, Any]]) -> None:
        for kind, what in history:
            if kind == "signal":
                self.receptions += 1
                self.trial.tell(Fact("reception", "intake", self._reception(what)))
            elif kind == "verb":
                (verb, payload), case = what
                self.trial.tell(Fact(verb, "nurse", payload, case))
            elif kind == "wait":
                self.trial.wait(what * SECOND_US)
            elif kind == "step":
                self.trial.step_clock(what * SECOND_US)
            else:
                self.trial.restart(what * SECOND_US)
            self._watch()

    def _reception(self, signal: dict[str, Any]) -> dict[str, Any]:
        number = self.receptions
        return {**signal, "reception": number, "call": f"call-{number}", "heard_at_us": self.trial.utc_us}

    def _watch(self) -> None:
        for answer in self.trial.answers[self.seen :]:
            for watch in self.watches:
                watch(self.trial, answer)
        self.seen = len(self.trial.answers)


@scaled
@given(begins=beginnings, history=histories)
def test_replaying_the_journal_gives_an_equal_book(begins: str, history: list[tuple[str, Any]]) -> None:
    """I7: state is the fold of the journal."""
    run = Run(begins)
    run.play(history)
    assert rebuilt(run.trial.journal) == run.trial.book
    assert through_tables(run.trial.journal) == run.trial.book


@scaled
@given(begins=beginnings, history=histories)
def test_no_emergency_closes_without_its_guard(begins: str, history: list[tuple[str, Any]]) -> None:
    """I3 and I6: what each guard promises was recorded before the case closed."""

    def watch(trial: Trial, answer: Answer) -> None:
        for told in answer.told:
            if told.type != "case.closed":
                continue
            before = [event for event in trial.journal if event.payload.get("case") == told.payload["case"]]
            before = before[: next(i for i, event in enumerate(before) if event.type == "case.closed")]
            types = {event.type for event in before}
            talked = any(event.payload.get("talked") for event in before)
            flow = [event.payload["flow"] for event in before if "flow" in event.payload][-1]
            guard = told.payload["guard"]
            if flow == "emergency":
                assert guard in "abcdef"
            if guard == "a":
                assert {"case.dispatched", "case.outcome", "case.contact", "case.reported"} <= types or (
                    "case.transport" in types and {"case.dispatched", "case.reported"} <= types
                )
                fire = any("fire" in event.payload.get("requested", ()) for event in before)
                kind = next(event.payload["kind"] for event in before if "kind" in event.payload)
                assert fire or talked or kind != "emergency"
            if guard == "e" and not before[0].payload["identified"].startswith("D9"):
                assert talked
                assert [event.payload["abnormal"] for event in before if "abnormal" in event.payload][-1] == "no"
            if guard in "bc":
                assert talked
                assert "case.address" in types
            if guard == "d":
                override = next(event for event in before if event.type == "case.override")
                assert override.payload["second"] not in (None, override.actor)
            states = [event.payload["state"] for event in before if "state" in event.payload]
            assert states[-1] != "UNATTENDED"
            if states[-1] == "DISPATCH_REQUIRED":
                assert guard == "d"

    Run(begins, watch).play(history)


@scaled
@given(begins=beginnings, history=histories)
def test_silence_demands_the_fire_hq_at_once(begins: str, history: list[tuple[str, Any]]) -> None:
    """I4 (K-11.3.1) and I5: in the very decision that knows of the silence or of the words, at any hour."""

    def watch(trial: Trial, answer: Answer) -> None:
        silent = [told for told in answer.told if told.payload.get("state") == "NO_ANSWER"]
        words = answer.fact.type == "case.judge" and (answer.fact.payload["a"] or answer.fact.payload["b"])
        said_silent = answer.fact.type == "case.callback" and answer.fact.payload["action"] == "no_answer"
        if said_silent and answer.refused is None:
            case = trial.book.case(answer.fact.case or 0)
            assert case is not None
            assert case.flow != "emergency" or case.talked or "fire" in case.required | case.requested, case
        if silent:
            assert any(told.payload.get("target") == "fire" for told in answer.told), answer
        if words and answer.refused is None:
            case = trial.book.case(answer.fact.case or 0)
            assert case is not None
            assert "fire" in case.required | case.requested or not case.is_open

    Run(begins, watch).play(history)


looking_in = st.sampled_from(
    [
        ("verb", (("case.dispatch", {"to": "cooperator", "accepted_by": "鈴木"}), 1)),
        ("verb", (("case.judge", {"abnormal": "unsure", "a": None, "b": None, "finding": "cooperator"}), 1)),
    ]
)


@scaled
@given(begins=beginnings, history=st.lists(happenings | looking_in, max_size=10))
def test_after_any_history_no_answer_sends_for_the_fire_hq(begins: str, history: list[tuple[str, Any]]) -> None:
    """I4: whoever else was asked to look, an emergency that nobody has talked to is the fire HQ's after no answer."""
    run = Run(begins)
    run.play([ALARM, *history])
    for case in tuple(run.trial.book.open_cases()):
        run.trial.tell(Fact("case.callback", "nurse", {"action": "no_answer"}, case.number))
        after = run.trial.book.case(case.number)
        assert after is not None
        assert after.flow != "emergency" or after.talked or "fire" in after.required | after.requested, after


@scaled
@given(begins=beginnings, history=histories)
def test_words_of_distress_are_never_refused(begins: str, history: list[tuple[str, Any]]) -> None:
    """I6: no missing field blocks a dispatch; only a wrong case number or a closed case can refuse."""

    def watch(trial: Trial, answer: Answer) -> None:
        said = answer.fact.type == "case.judge" and (answer.fact.payload["a"] or answer.fact.payload["b"])
        asked = answer.fact.type == "case.dispatch" and answer.fact.payload["to"] != "guard"
        case = trial.book.case(answer.fact.case or 0)
        if (said or asked) and case is not None and case.is_open:
            assert answer.refused is None, answer.refused

    Run(begins, watch).play(history)


@scaled
@given(begins=beginnings, history=histories)
def test_a_quiet_bound_call_is_never_released_at_night(begins: str, history: list[tuple[str, Any]]) -> None:
    """I8 (K-11.7.3): no release and no dial in [21:00, 09:00), and none is lost."""

    def watch(trial: Trial, answer: Answer) -> None:
        for told in answer.told:
            case = trial.book.case(told.payload.get("case") or 0)
            if (
                case is None
                or case.kind != "periodic_test_missed"
                or told.payload.get("row", "").startswith("judgement")
            ):
                continue
            if told.type == "task.released":
                assert not is_quiet(told.at_us)
            if told.type == "case.callback" and told.payload.get("result") == "started" and case.flow == "missed_test":
                assert not is_quiet(told.at_us)
        for case in trial.book.open_cases():
            if case.flow == "missed_test" and case.state == "WAITING":
                assert any(timer.kind == "T_CALL" for timer in trial.book.timers_of(case.number))

    Run(begins, watch).play(history)


@scaled
@given(begins=beginnings, history=histories)
def test_every_open_case_has_an_owner_or_a_running_clock(begins: str, history: list[tuple[str, Any]]) -> None:
    """I11: nothing open is nobody's, and nobody's silence is waited for without a clock that ends at the fire HQ."""

    def watch(trial: Trial, answer: Answer) -> None:
        for case in trial.book.open_cases():
            running = {timer.kind for timer in trial.book.timers_of(case.number)}
            assert running, case
            assert case.owner is not None or running - {"T_IDLE"}, case
            if case.flow == "emergency" and case.state in CALL_BACK and not case.talked:
                assert running & TOWARDS_THE_FIRE_HQ, case

    Run(begins, watch).play(history)


@scaled
@given(begins=beginnings, history=histories)
def test_every_reception_is_decided_once_and_none_is_dropped(begins: str, history: list[tuple[str, Any]]) -> None:
    """I10 and I2: each reception stands in one case or in the log; unknown ones, and all buttons, in a case."""

    def watch(trial: Trial, answer: Answer) -> None:
        if answer.fact.type != "reception":
            return
        number = answer.fact.payload["reception"]
        holders = [
            told
            for told in answer.told
            if told.payload.get("reception") == number
            and told.type in ("case.opened", "case.appended", "reception.logged")
        ]
        assert len(holders) == 1
        code, qualifier = answer.fact.payload["code"], answer.fact.payload["qualifier"]
        restored = code in ("100", "101") and qualifier == "3"
        if code in ("100", "101", "777", "406") and not restored:
            case = trial.book.case_of_reception(number)
            assert case is not None
            assert case.is_open

    Run(begins, watch).play(history)


@scaled
@given(begins=beginnings, history=histories)
def test_an_emergency_is_delayed_by_nothing(begins: str, history: list[tuple[str, Any]]) -> None:
    """I1: a button opens its call-back in the same instant, whatever the hour and the subscriber's status."""

    def watch(trial: Trial, answer: Answer) -> None:
        for told in answer.told:
            if told.type == "case.opened" and told.payload["flow"] == "emergency":
                timers = {timer.kind: timer for timer in trial.book.timers_of(told.payload["case"])}
                running = {"T_CB_TOTAL", "T_TEST_CONFIRM"} & timers.keys()
                assert running
                assert all(not timers[kind].quiet_bound for kind in running)
                assert all(timers[kind].wait_us(trial.now) <= 2 * MINUTE_US for kind in running)

    Run(begins, watch).play(history)


@scaled
@given(begins=beginnings, history=histories)
def test_silence_ends_in_a_demand_or_a_talk_within_its_bounds(begins: str, history: list[tuple[str, Any]]) -> None:
    """Left alone, every emergency that nobody has talked to is with the fire HQ after four minutes."""
    run = Run(begins)
    run.play(history)
    run.trial.wait(4 * MINUTE_US)
    for case in run.trial.book.open_cases():
        if case.flow == "emergency" and case.kind == "emergency" and not case.talked:
            assert "fire" in case.required | case.requested, case


@pytest.mark.parametrize("seconds", [0, 1, 15, 45, 60, 119, 120, 179, 180, 400])
def test_a_restart_at_any_moment_loses_no_deadline(seconds: int) -> None:
    """I7, flows §15: an untouched emergency reaches the fire HQ at 180 s, restarted or not."""
    run = Run("2026-04-01 20:58:00")
    run.play([ALARM])
    began = run.trial.utc_us
    run.trial.wait(seconds * SECOND_US)
    run.trial.restart(0)
    run.trial.wait(400 * SECOND_US)
    demands = [told for told in run.trial.journal if told.type == "case.dispatch_required"]
    assert [told.at_us - began for told in demands] == [180 * SECOND_US]


words = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.lists(st.text(max_size=3), max_size=2),
    st.dictionaries(st.sampled_from(["value", "text", "x"]), st.text(max_size=3), max_size=2),
    st.sampled_from(["yes", "fire", "confirmed", "reached", "start", "transported", "inbound", "closed"]),
)  # fmt: skip
FIELDS = [
    *("action", "by", "path", "abnormal", "a", "b", "address", "finding", "emergency", "cause", "value", "text"),
    *("to", "accepted_by", "contact", "number", "code", "destination", "result", "who", "way", "second", "reason"),
    *("decision", "improvement", "on", "part"),
]
said = st.dictionaries(st.sampled_from(FIELDS), words, max_size=8) | st.fixed_dictionaries(
    {"abnormal": words, "a": words, "b": words, "address": words, "finding": words, "emergency": words}
)
verb_names = st.sampled_from([*VERBS, "case.callback", "case.callback", "case.judge", "case.judge", "case.nonsense"])


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(["101", "302", "301", "384"]),
    st.lists(st.tuples(verb_names, said, st.sampled_from([None, 1, 1, 1, 7])), min_size=1, max_size=6),
)
def test_nonsense_is_refused_and_never_a_fault(
    code: str, commands: list[tuple[str, dict[str, Any], int | None]]
) -> None:
    """Whatever an operator's program sends: a decision or a refusal that says why."""
    run = Run("2026-04-01 13:00:00")
    run.play([("signal", {"type": "frame.accepted", "account": "1001", "code": code, "qualifier": "1", "zone": "001"})])
    for verb, payload, case in commands:
        answer = run.trial.tell(Fact(verb, "nurse", payload, case))
        assert answer.refused is None or (answer.refused.clause and answer.refused.reason)
    assert rebuilt(run.trial.journal) == run.trial.book


SECRET = "訓練花子様 0775610000"
texts = st.one_of(words, st.just(SECRET), st.just([SECRET]), st.just({"value": SECRET, "text": SECRET}))
with_secrets = st.dictionaries(st.sampled_from(FIELDS), texts, max_size=8)
plausible = st.fixed_dictionaries(
    {}, optional={"a": st.just(SECRET), "on": st.just(f"2026-04-02 {SECRET}"), "reason": st.just("r")}
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(["101", "302", "384"]),
    st.lists(st.tuples(verb_names, st.builds(lambda a, b: {**a, **b}, with_secrets, plausible)), max_size=8),
)
def test_words_of_an_operator_stand_in_no_open_part(code: str, commands: list[tuple[str, dict[str, Any]]]) -> None:
    """Whatever field they are written into: open parts are read by everybody, and leave the house."""
    run = Run("2026-04-01 13:00:00")
    run.play([("signal", {"type": "frame.accepted", "account": "1001", "code": code, "qualifier": "1", "zone": "001"})])
    for verb, payload in commands:
        run.trial.tell(Fact(verb, "nurse", payload, 1))
    for told in run.trial.journal:
        assert SECRET not in repr(dict(told.payload)), told


@pytest.mark.parametrize(
    ("verb", "field"),
    [("case.report", "way"), ("case.appointment", "on"), ("case.battery", "on"), ("case.override", "second")],
)
def test_a_field_that_leaves_the_house_takes_no_words(verb: str, field: str) -> None:
    run = Run("2026-04-01 13:00:00")
    code = "101" if verb in ("case.report", "case.override") else "384"
    run.play([("signal", {"type": "frame.accepted", "account": "1001", "code": code, "qualifier": "1", "zone": "001"})])
    run.trial.tell(Fact("case.callback", "nurse", {"action": "no_answer"}, 1))
    for text in (f"FAX {SECRET}", f"2026-04-02 {SECRET}", SECRET):
        said = {"part": "pendant", "reason": "理由", "second": "supervisor", field: text}
        assert run.trial.tell(Fact(verb, "nurse", said, 1)).refused is not None
