"""The contract's decision tables, to be read beside its text. The clause is the first column."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from receiver.rules.table import ANY, Hit, Row, Table, one_of
from scenarios.konan.words import Abnormal, Finding, Flow, Signal, State, Target

BEGIN: Final = date(2025, 9, 1)
"""The contract begins (K-4a); all tables hold from this day."""

# --- what a signal means (flows §1.1) -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Meaning:
    """signal; of: what a restore restores; source: which button (K-9.1.1)."""

    signal: Signal
    of: Signal | None = None
    source: str | None = None


NEW: Final = one_of("1", "6")  # new event, or condition still present: never taken as the end of something
RESTORED: Final = "3"
BATTERIES: Final = one_of("302", "311", "338", "384")


# fmt: off
def _signals(name: str, *first: Row[Meaning]) -> Table[Meaning]:
    return Table(name, ("code", "qualifier", "zone"), [
        *first,
        #   clause     code                  qualifier  zone
        Row("K-9.1.1", "100",                NEW,       ANY, then=Meaning(Signal.EMERGENCY, source="main unit")),
        Row("K-9.1.1", "101",                NEW,       ANY, then=Meaning(Signal.EMERGENCY, source="pendant")),
        Row("K-9.1.1", one_of("100", "101"), RESTORED,  ANY, then=Meaning(Signal.RESTORE)),
        Row("K-9.1.1", "406",                ANY,       ANY, then=Meaning(Signal.CANCEL)),
        Row("K-9.1.3", one_of("302", "311"), NEW,       ANY, then=Meaning(Signal.MAIN_BATTERY)),
        Row("K-9.1.3", "301",                NEW,       ANY, then=Meaning(Signal.POWER_CUT)),
        Row("K-9.1.3", "384",                NEW,       ANY, then=Meaning(Signal.PENDANT_BATTERY)),
        Row("K-9.1.3", one_of("302", "311"), RESTORED,  ANY, then=Meaning(Signal.RESTORE, Signal.MAIN_BATTERY)),
        Row("K-9.1.3", "301",                RESTORED,  ANY, then=Meaning(Signal.RESTORE, Signal.POWER_CUT)),
        Row("K-9.1.3", "384",                RESTORED,  ANY, then=Meaning(Signal.RESTORE, Signal.PENDANT_BATTERY)),
        Row("K-11.6",  "602",                ANY,       ANY, then=Meaning(Signal.TEST)),
        Row("K-11.6",  "601",                ANY,       ANY, then=Meaning(Signal.MANUAL_TEST)),
        Row("K-9.1x",  ANY,                  ANY,       ANY, then=Meaning(Signal.UNKNOWN), name="otherwise"),
    ], since=BEGIN)


PROFILES: Final[dict[str, Table[Meaning]]] = {
    "contact-id": _signals("contact-id"),
    # No standard code exists for the consultation button: on these units it is zone 002. E338: a mobile unit's battery.
    "contact-id-two-button": _signals(
        "contact-id-two-button",
        Row("K-9.1.2", "101",                NEW,     "002", then=Meaning(Signal.CONSULTATION)),
        Row("K-9.1.3", "338",                NEW,       ANY, then=Meaning(Signal.MOBILE_BATTERY)),
        Row("K-9.1.3", "338",                RESTORED,  ANY, then=Meaning(Signal.RESTORE, Signal.MOBILE_BATTERY)),
    ),
    # A mobile device has one button and one battery, whichever of the codes it says them in.
    "contact-id-mobile": _signals(
        "contact-id-mobile",
        Row("K-9.1.1", one_of("100", "101"), NEW,       ANY, then=Meaning(Signal.EMERGENCY, source="mobile unit")),
        Row("K-9.1.3", BATTERIES,            NEW,       ANY, then=Meaning(Signal.MOBILE_BATTERY)),
        Row("K-9.1.3", BATTERIES,            RESTORED,  ANY, then=Meaning(Signal.RESTORE, Signal.MOBILE_BATTERY)),
    ),
}
"""Code maps by profile. A code that no row names is `unknown`, and unknown is treated as an emergency (I10)."""

ALARM: Final = one_of("", "0006", "0007", "0009", "0010", "0011")  # no status at all, active, alarm by itself or by hand
SAID: Final = one_of("ME", "IN")
HOME_UNIT: Final = one_of("0002", "0041", "0045", "0048")  # unit, power supply, controller, local unit
WORN: Final = one_of("0003", "0004", "0005", "0006", "0007", "0017", "0030")  # radio triggers and detectors with a battery
BATTERY: Final = one_of("0014", "0016")


def _scaip(name: str, *first: Row[Meaning]) -> Table[Meaning]:
    """SCAIP says device and status apart. A detector that calls is an emergency like a button; its name is kept."""
    return Table(name, ("message", "device", "status", "part"), [
        *first,
        #   clause     message  device                  status   part
        Row("K-9.1.1", "RE",    ANY,                    ANY,     ANY, then=Meaning(Signal.CANCEL)),
        Row("K-11.6",  SAID,    ANY,                    one_of("0102", "0103"), ANY, then=Meaning(Signal.TEST)),
        Row("K-9.1.1", "ME",    one_of("0002", "0048", "0004"), ALARM, ANY, then=Meaning(Signal.EMERGENCY, source="main unit")),
        Row("K-9.1.1", "ME",    "0003",                 ALARM,   ANY, then=Meaning(Signal.EMERGENCY, source="pendant")),
        Row("K-9.1.1", "ME",    "0051", ALARM,   ANY, then=Meaning(Signal.EMERGENCY, source="mobile unit"), name="mobile unit"),
        Row("K-9.1x",  "ME",    one_of("0005", "0030"), ALARM,   ANY, then=Meaning(Signal.EMERGENCY, source="fall detector"), name="fall"),
        Row("K-9.1x",  "ME",    one_of("0006", "0007"), ALARM,   ANY, then=Meaning(Signal.EMERGENCY, source="panic button"), name="panic"),
        Row("K-9.1x",  "ME",    one_of("0023", "0025", "0037", "0047"), ALARM, ANY, then=Meaning(Signal.EMERGENCY, source="fire detector"), name="fire"),
        Row("K-9.1x",  "ME",    one_of("0021", "0026"), ALARM,   ANY, then=Meaning(Signal.EMERGENCY, source="gas detector"), name="gas"),
        Row("K-9.1x",  "ME",    "0010",                 one_of("", "0006", "0009", "0011", "0049", "0069"), ANY, then=Meaning(Signal.EMERGENCY, source="activity detector"), name="no activity"),
        Row("K-9.1.3", SAID,    HOME_UNIT,              BATTERY, ANY, then=Meaning(Signal.MAIN_BATTERY)),
        Row("K-9.1.3", SAID,    HOME_UNIT,              "0085",  ANY, then=Meaning(Signal.POWER_CUT)),
        Row("K-9.1.3", SAID,    WORN,                   BATTERY, ANY, then=Meaning(Signal.PENDANT_BATTERY), name="battery of a trigger"),
        Row("K-9.1.3", SAID,    "0051", BATTERY, ANY, then=Meaning(Signal.MOBILE_BATTERY), name="battery of a mobile unit"),
        Row("K-9.1.3", SAID,    HOME_UNIT,              "0015",  ANY, then=Meaning(Signal.RESTORE, Signal.MAIN_BATTERY)),
        Row("K-9.1.3", SAID,    HOME_UNIT,              "0086",  ANY, then=Meaning(Signal.RESTORE, Signal.POWER_CUT)),
        Row("K-9.1.3", SAID,    WORN,                   "0015",  ANY, then=Meaning(Signal.RESTORE, Signal.PENDANT_BATTERY), name="trigger restored"),
        Row("K-9.1.3", SAID,    "0051", "0015",  ANY, then=Meaning(Signal.RESTORE, Signal.MOBILE_BATTERY), name="mobile unit restored"),
        Row("K-9.1x",  ANY,     ANY,                    ANY,     ANY, then=Meaning(Signal.UNKNOWN), name="otherwise"),
    ], since=BEGIN)


SCAIP: Final[dict[str, Table[Meaning]]] = {
    "scaip": _scaip("scaip"),
    # No code exists for the consultation button either: on these units it is the second one.
    "scaip-two-button": _scaip(
        "scaip-two-button",
        Row("K-9.1.2", "ME", one_of("0002", "0003", "0048"), ALARM, "003", then=Meaning(Signal.CONSULTATION), name="second button"),
    ),
}
"""The same by SCAIP: a message names its format, so any other profile means the first of these."""

# --- who it is (flows §1.2) -----------------------------------------------------------------------

WITHOUT: Final = one_of("unknown", "none")

IDENTIFICATION: Final = Table[tuple[str, ...]](
    "identification", ("account", "caller", "status", "device", "homes"), [
        #   clause     account  caller                              status     device   homes      flags
        Row("K-11.1a", "known", ANY,                                ANY,       "stock", ANY,       then=("technical_test",), name="D9"),
        Row("K-11.1a", ANY,     ANY,                                "resting", "home",  ANY,       then=("status_warning",), name="D4"),
        Row("K-11.1a", ANY,     ANY,                                ANY,       "home",  "several", then=("two_cards",), name="D8"),
        Row("K-11.1a", "known", "other",                            ANY,       "home",  ANY,       then=("ambiguous",), name="D3"),
        Row("K-11.1a", "known", one_of("unregistered", "withheld"), ANY,       "home",  ANY,       then=("line_mismatch",), name="D2"),
        Row("K-11.1a", "known", "registered",                       "active",  "home",  "one",     then=(), name="D1"),
        Row("K-11.1a", WITHOUT, "registered",                       ANY,       ANY,     ANY,       then=("device_unknown",), name="D5"),
        Row("K-11.1b", WITHOUT, "unregistered",                     ANY,       ANY,     ANY,       then=("unidentified",), name="D6"),
        Row("K-11.1b", WITHOUT, "withheld",                         ANY,       ANY,     ANY,       then=("unidentified",), name="D7"),
    ], since=BEGIN, hit=Hit.EVERY)

# --- what a signal begins (flows §1.1, §2.2, §3, §7) ----------------------------------------------


@dataclass(frozen=True, slots=True)
class Begins:
    """The case a signal opens, if none is open that it belongs to."""

    flow: Flow
    state: State
    priority: int


BUTTONS: Final = one_of(Signal.EMERGENCY, Signal.UNKNOWN, Signal.CONSULTATION, Signal.CANCEL)
ALARMS: Final = one_of(Signal.EMERGENCY, Signal.CANCEL)
NO_CASE: Final = one_of(Signal.TEST, Signal.MANUAL_TEST, Signal.RESTORE)  # unless the device is unknown (I10)

OPENING: Final = Table[Begins](
    "opening", ("signal", "device"), [
        #   clause       signal                  device
        Row("K-11.2.1a", BUTTONS,                "stock", then=Begins(Flow.EMERGENCY, State.TEST_SHOWN, 1), name="technical test"),
        Row("K-11.2.1a", ALARMS,                 ANY,     then=Begins(Flow.EMERGENCY, State.CALLBACK_DUE, 1), name="emergency"),
        Row("K-9.1x",    Signal.UNKNOWN,         ANY,     then=Begins(Flow.EMERGENCY, State.CALLBACK_DUE, 1)),
        Row("K-11.5.1a", Signal.CONSULTATION,    ANY,     then=Begins(Flow.CONSULTATION, State.RECEIVED, 2)),
        Row("K-11.7.1",  Signal.MAIN_BATTERY,    ANY,     then=Begins(Flow.MAINTENANCE, State.CALL_DUE, 3)),
        Row("K-9.1.3",   Signal.POWER_CUT,       ANY,     then=Begins(Flow.MAINTENANCE, State.WAITING, 3)),
        Row("K-11.7.2",  Signal.PENDANT_BATTERY, ANY,     then=Begins(Flow.MAINTENANCE, State.CALL_DUE, 4)),
        Row("K-9.1.3",   Signal.MOBILE_BATTERY,  ANY,     then=Begins(Flow.MAINTENANCE, State.CALL_DUE, 4)),
        Row("K-11.7.3",  Signal.TEST_MISSED,     ANY,     then=Begins(Flow.MISSED_TEST, State.WAITING, 5)),
        Row("K-9.1x",    NO_CASE,                ANY,     then=Begins(Flow.MAINTENANCE, State.CALL_DUE, 5), name="unknown device"),
    ], since=BEGIN)

# --- the judgement after a talk (flows §2.3, §3) --------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Send for somebody; propose: shown ticked, not automatic (O6)."""

    target: Target
    basis: str
    propose: Target | None = None


@dataclass(frozen=True, slots=True)
class Becomes:
    """The case goes to this state, after the address question is answered (K-11.2.1b)."""

    state: State


@dataclass(frozen=True, slots=True)
class MustChoose:
    """The operator must choose whom to send; what is highlighted is not done by itself."""

    highlighted: Target


@dataclass(frozen=True, slots=True)
class NotAllowed:
    """This judgement cannot be recorded."""

    reason: str


Judgement = Dispatch | Becomes | MustChoose | NotAllowed

ABNORMAL: Final = one_of(Abnormal.YES, Abnormal.UNSURE)
ADVICE: Final = one_of(Finding.ADVICE, Finding.CONSULTATION)
NOTHING: Final = one_of(Finding.FALSE_ALARM, Finding.NONE, Finding.TEST)
A_SAID: Final = Dispatch(Target.FIRE, "A", propose=Target.COOPERATOR)
B_SAID: Final = Dispatch(Target.FIRE, "B", propose=Target.COOPERATOR)
SENT_BY_FINDING: Final = Dispatch(Target.FIRE, "11(2)②")
LOOK_IN: Final = Dispatch(Target.COOPERATOR, "11(2)②")
CHOOSE: Final = MustChoose(highlighted=Target.FIRE)
NEEDS_HELP: Final = NotAllowed("an emergency is confirmed: send for the fire HQ or a cooperator, not advice alone")

HEARD: Final = ("A said", "B said", "abnormal", "emergency", "finding")

JUDGEMENT: Final = Table[Judgement](
    "judgement", HEARD, [
        #   clause       A      B      abnormal      emergency  finding
        Row("K-11.3.4A", True,  ANY,   ANY,          ANY,       ANY,                then=A_SAID, name="A"),
        Row("K-11.3.4B", False, True,  ANY,          ANY,       ANY,                then=B_SAID, name="B"),
        Row("K-11.2.2",  False, False, ANY,          ANY,       Finding.FIRE,       then=SENT_BY_FINDING, name="fire HQ"),
        Row("K-11.2.2",  False, False, ANY,          ANY,       Finding.COOPERATOR, then=LOOK_IN, name="cooperator"),
        Row("K-11.2.2",  False, False, ANY,          True,      ANY,                then=NEEDS_HELP, name="emergency confirmed"),
        Row("K-11.2.2",  False, False, Abnormal.YES, False,     Finding.ADVICE,     then=Becomes(State.ADVISED), name="advice"),
        Row("K-11.2.2",  False, False, ABNORMAL,     False,     ANY,                then=CHOOSE, name="must choose"),
        Row("K-11.5.1a", False, False, Abnormal.NO,  False,     ADVICE,             then=Becomes(State.ADVISED), name="was a consultation"),
        Row("K-11.2.3",  False, False, Abnormal.NO,  False,     NOTHING,            then=Becomes(State.FALSE_ALARM), name="false alarm"),
        Row("otherwise", ANY,   ANY,   ANY,          ANY,       ANY,                then=Dispatch(Target.FIRE, "no row"), name="otherwise"),
    ], since=BEGIN)

CONSULTATION_JUDGEMENT: Final = Table[Judgement](
    "consultation judged", HEARD, [
        #   clause       A      B      abnormal         emergency  finding
        Row("K-11.3.3",  True,  ANY,   ANY,             ANY,       ANY,                then=A_SAID, name="A"),
        Row("K-11.3.3",  False, True,  ANY,             ANY,       ANY,                then=B_SAID, name="B"),
        Row("K-11.5.1b", False, False, ANY,             ANY,       Finding.FIRE,       then=SENT_BY_FINDING, name="fire HQ"),
        Row("K-11.5.1b", False, False, ANY,             ANY,       Finding.COOPERATOR, then=LOOK_IN, name="cooperator"),
        Row("K-11.5.1b", False, False, ANY,             True,      ANY,                then=NEEDS_HELP, name="emergency confirmed"),
        Row("K-11.5.1b", False, False, Abnormal.UNSURE, False,     ANY,                then=CHOOSE, name="must choose"),
        Row("K-11.5.1a", False, False, ANY,             False,     ANY,                then=Becomes(State.ADVISED), name="advice"),
    ], since=BEGIN)
# fmt: on
