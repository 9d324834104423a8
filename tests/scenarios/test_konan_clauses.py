"""Acceptance checks of the contract's clauses, each quoted as the docstring of the test that carries its ID."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from receiver.clock import MINUTE_US, SECOND_US, utc_us_of
from receiver.rules.case import Case
from receiver.rules.fact import Fact
from receiver.rules.people import DeviceState, Home, KnownHomes, Status
from receiver.rules.trial import Answer, Told, Trial
from scenarios.konan.decide import decide

HOMES = tuple(
    Home(f"home-{n}", "草津市", Status.ACTIVE, (f"077561000{n}",), f"dev-{n}", DeviceState.INSTALLED, f"100{n}")
    for n in range(1, 4)
)


class Desk:
    """A trial with short words: signals come in, a nurse says something, and the journal is asked."""

    def __init__(self, begins: str) -> None:
        self.trial = Trial(decide, utc_us_of(datetime.fromisoformat(begins)), KnownHomes(HOMES))
        self.receptions = 0

    def signal(self, code: str, home: int = 1, qualifier: str = "1") -> Case:
        self.receptions += 1
        reception = {
            "type": "frame.accepted",
            "reception": self.receptions,
            "call": f"call-{self.receptions}",
            "account": f"100{home}",
            "caller": f"077561000{home}",
            "code": code,
            "qualifier": qualifier,
            "zone": "001",
            "heard_at_us": self.trial.utc_us,
        }
        self.trial.tell(Fact("reception", "intake", reception))
        return self.case(self.trial.book.next_case - 1)

    def say(self, verb: str, number: int = 1, by: str = "nurse", **said: Any) -> Answer:
        return self.trial.tell(Fact(f"case.{verb}", by, said, number))

    def talk(self, number: int = 1) -> None:
        assert self.say("callback", number, action="start").refused is None
        assert self.say("callback", number, action="answered", by="本人").refused is None

    def case(self, number: int = 1) -> Case:
        case = self.trial.book.case(number)
        assert case is not None
        return case

    def told(self, type_: str) -> list[Told]:
        return [told for told in self.trial.journal if told.type == type_]

    def after(self, us: int) -> None:
        self.trial.wait(us)


def refused_by(answer: Answer) -> str | None:
    return answer.refused.clause if answer.refused else None


def test_k_11_1b() -> None:
    """Shift change with 3 open cases: all 3 shown to the new shift, timers unchanged."""
    desk = Desk("2026-04-01 08:29:00")
    for home in (1, 2, 3):
        desk.signal("101", home)
        desk.say("callback", home, action="no_answer")
    before = {timer.id: timer.mono_due_us for timer in desk.trial.book.timers()}
    for number in (1, 2, 3):
        desk.say("accept", number, by="day-nurse")
    assert [(case.number, case.owner) for case in desk.trial.book.open_cases()] == [(n, "day-nurse") for n in (1, 2, 3)]
    assert {timer.id: timer.mono_due_us for timer in desk.trial.book.timers()} == before


def test_k_11_2_1a() -> None:
    """Emergency at 02:00:00 → call-back task at 02:00:00 (no quiet hours), escalation if not started in T_CB_START."""
    desk = Desk("2026-04-01 02:00:00")
    case = desk.signal("101")
    assert (case.state, case.opened_at_us) == ("CALLBACK_DUE", utc_us_of(datetime(2026, 4, 1, 2, 0, 0)))
    desk.after(30 * SECOND_US)
    assert ("supervisor", "call_back_not_begun") in {
        (told.payload["level"], told.payload["text_key"]) for told in desk.told("alert.raised")
    }


def test_k_11_2_1b() -> None:
    """Close case "誤報" without the field: refused. Judgement A with the field empty: dispatch goes out,

    the field stays as an open duty.
    """
    desk = Desk("2026-04-01 14:00:00")
    desk.signal("101", 1)
    desk.talk(1)
    assert refused_by(desk.say("close", 1, result="false_alarm", cause="誤操作", improvement="説明")) == "K-11.2.1b"
    desk.signal("101", 2)
    desk.talk(2)
    assert desk.say("judge", 2, abnormal="yes", a="救急車を呼んで").refused is None
    assert desk.say("dispatch", 2, to="fire", accepted_by="佐藤", contact="山田").refused is None
    assert desk.case(2).state == "DISPATCHED"
    assert desk.case(2).duties == {"address"}


def test_k_11_2_4() -> None:
    """Emptied, the dispatch still goes out, the missing contact stays an open duty and the case cannot close.

    Shift change → prompt "tell fire HQ the new contact".
    """
    desk = Desk("2026-04-01 14:00:00")
    desk.signal("101")
    desk.say("callback", action="no_answer")
    desk.say("dispatch", to="fire", accepted_by="佐藤")
    assert desk.case().state == "DISPATCHED"
    assert desk.case().duties == {"contact_person"}
    desk.say("accept", by="night-nurse")
    assert desk.told("alert.raised")[-1].payload["text_key"] == "tell_fire_new_contact"
    desk.say("outcome", code="treated")
    desk.say("contact", who="長女", result="reached")
    desk.say("report", way="mail")
    assert refused_by(desk.say("close")) == "K-11.2.4"
    assert desk.case().is_open
    desk.say("dispatch", to="fire", contact="山田")
    assert desk.case().guard == "a"


def test_k_11_3_1() -> None:
    """Replay emergency at 23:30, ring-no-answer at T_RING → DISPATCH_REQUIRED(fire) within 1 s.

    Close attempt without dispatch: refused.
    """
    desk = Desk("2026-04-01 23:30:00")
    desk.signal("101")
    desk.say("callback", action="start")
    rings_from = desk.trial.utc_us
    desk.after(45 * SECOND_US)
    (demand,) = desk.told("case.dispatch_required")
    assert (demand.payload["target"], demand.payload["state"]) == ("fire", "DISPATCH_REQUIRED")
    assert demand.at_us - (rings_from + 45 * SECOND_US) <= 1 * SECOND_US
    assert refused_by(desk.say("close", result="false_alarm")) == "K-11.3.1"


def test_k_11_3_4b() -> None:
    """B ticked → dispatch required; text "苦しい" stored."""
    desk = Desk("2026-04-01 14:00:00")
    desk.signal("101")
    desk.talk()
    desk.say("judge", abnormal="yes", b="苦しい")
    assert desk.case().state == "DISPATCH_REQUIRED"
    (judged,) = desk.told("case.judged")
    assert judged.private == {"b": "苦しい"}
    assert "苦しい" not in str(judged.payload)


def test_k_11_4a() -> None:
    """Transport = yes, destination empty → reminder every T_DEST; case cannot close."""
    desk = Desk("2026-04-01 14:00:00")
    desk.signal("101")
    desk.say("callback", action="no_answer")
    desk.say("dispatch", to="fire", accepted_by="佐藤", contact="山田")
    desk.say("outcome", code="transported")
    desk.after(61 * MINUTE_US)
    reminders = [told for told in desk.told("alert.raised") if told.payload["text_key"] == "ask_destination"]
    assert len(reminders) == 3
    assert refused_by(desk.say("close")) == "K-11.4a"


def test_k_11_4b() -> None:
    """First contact no answer, second reached → step done with 2 attempts logged."""
    desk = Desk("2026-04-01 14:00:00")
    desk.signal("101")
    desk.say("callback", action="no_answer")
    desk.say("dispatch", to="fire", accepted_by="佐藤", contact="山田")
    desk.say("outcome", code="treated")
    desk.say("contact", who="長男", result="no_answer")
    desk.say("contact", who="長女", result="reached")
    assert desk.case().state == "REPORT_DUE"
    assert [told.private for told in desk.told("case.contact")] == [{"who": "長男"}, {"who": "長女"}]
    assert desk.case().contact_attempts == 2


def test_k_11_5_1b() -> None:
    """`escalate` on a consultation → state of the emergency flow, same case number."""
    home = Home("h", "草津市", Status.ACTIVE, ("1",), "d", DeviceState.INSTALLED, "1001", "contact-id-two-button")
    desk = Desk("2026-04-01 14:00:00")
    desk.trial.people = KnownHomes((home,))
    reception = {"type": "frame.accepted", "reception": 1, "call": "c", "account": "1001", "caller": "1"}
    desk.trial.tell(Fact("reception", "intake", {**reception, "code": "101", "qualifier": "1", "zone": "002"}))
    assert desk.case().kind == "consultation"
    desk.talk()
    desk.say("judge", abnormal="yes", finding="fire")
    assert (desk.case().number, desk.case().flow, desk.case().state) == (1, "emergency", "DISPATCH_REQUIRED")
    assert desk.case().kind == "consultation"  # K-11.3.3: the case type stays "相談"


def test_k_11_7_1() -> None:
    """Main battery event 14:00 → task due 14:00 + T_MNT; closed by: telephone contact recorded and

    (restore event, or test event + operator result). A restore at 14:05 before any call: the call stays due.
    """
    desk = Desk("2026-04-01 14:00:00")
    desk.signal("302")
    (timer,) = desk.trial.book.timers_of(1)
    assert (timer.kind, timer.due_us) == ("T_MNT", utc_us_of(datetime(2026, 4, 1, 14, 15)))
    desk.after(5 * MINUTE_US)
    desk.signal("302", qualifier="3")
    assert desk.case().state == "CALL_DUE"
    desk.talk()
    assert desk.case().guard == "m"


def test_k_11_7_2() -> None:
    """Case not closable before a replacement record of that pendant."""
    desk = Desk("2026-04-01 14:00:00")
    desk.signal("384")
    desk.talk()
    desk.say("appointment", on="2026-04-03")
    assert refused_by(desk.say("close")) == "K-11.7.2"
    desk.say("battery", part="main", on="2026-04-03")
    assert refused_by(desk.say("close")) == "K-11.7.2"
    desk.say("battery", part="pendant", on="2026-04-03")
    assert desk.say("close").refused is None


def test_k_14() -> None:
    """Dispatch targets are limited to fire HQ and cooperators: "guard" is refused."""
    desk = Desk("2026-04-01 14:00:00")
    desk.signal("101")
    assert refused_by(desk.say("dispatch", to="guard")) == "K-14"
    assert desk.case().requested == frozenset()
