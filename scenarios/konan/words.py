"""The words in which the Konan tables speak: kinds, flows, states, and what can happen to a case."""

from __future__ import annotations

from enum import StrEnum


class Signal(StrEnum):
    """What a reception says, after the profile's code map (flows §1.1)."""

    EMERGENCY = "emergency"
    UNKNOWN = "unknown"
    CONSULTATION = "consultation"
    MAIN_BATTERY = "maintenance.main_battery"
    POWER_CUT = "maintenance.power_cut"
    PENDANT_BATTERY = "maintenance.pendant_battery"
    MOBILE_BATTERY = "maintenance.mobile_battery"
    RESTORE = "restore"
    CANCEL = "cancel"
    TEST = "periodic_test"
    MANUAL_TEST = "manual_test"
    TEST_MISSED = "periodic_test_missed"


class Flow(StrEnum):
    """Which state machine leads a case."""

    EMERGENCY = "emergency"
    CONSULTATION = "consultation"
    MAINTENANCE = "maintenance"
    MISSED_TEST = "missed_test"


class State(StrEnum):
    """Where a case stands (flows §2.2, §3, §7, §8.2)."""

    TEST_SHOWN = "TEST_SHOWN"
    CALLBACK_DUE = "CALLBACK_DUE"
    RECEIVED = "RECEIVED"
    CALLING = "CALLING"
    TALKING = "TALKING"
    NO_ANSWER = "NO_ANSWER"
    UNATTENDED = "UNATTENDED"
    DISPATCH_REQUIRED = "DISPATCH_REQUIRED"
    DISPATCHED = "DISPATCHED"
    TRANSPORT = "TRANSPORT"
    NOTIFY = "NOTIFY"
    REPORT_DUE = "REPORT_DUE"
    FALSE_ALARM = "FALSE_ALARM"
    ADVISED = "ADVISED"
    CONSULT_UNREACHED = "CONSULT_UNREACHED"
    COOPERATOR_CHECK = "COOPERATOR_CHECK"
    WAITING = "WAITING"
    CALL_DUE = "CALL_DUE"
    CALLED = "CALLED"
    VISIT_ORDER = "VISIT_ORDER"
    CLOSED = "CLOSED"


class Does(StrEnum):
    """What happens to a case: an operator's verb, or a timer that has come back."""

    RECEPTION = "further signal"
    ACCEPT = "accept"
    START = "call started"
    ANSWERED = "answered"
    NOT_ANSWERED = "no answer"
    BUSY = "busy"
    CUT_OFF = "cut off"
    JUDGE = "judge"
    ADDRESS = "address"
    DISPATCH = "dispatch"
    OUTCOME = "outcome"
    TRANSPORT = "transport"
    CONTACT = "contact"
    REPORT = "report"
    OVERRIDE = "override"
    CLOSE = "close"
    APPOINTMENT = "appointment"
    BATTERY = "battery"
    DEFER = "defer"
    NOTE = "note"
    T_ACCEPT = "T_ACCEPT"
    T_CB_START = "T_CB_START"
    T_VOICE = "T_VOICE"
    T_RING = "T_RING"
    T_BUSY = "T_BUSY"
    T_CB_TOTAL = "T_CB_TOTAL"
    T_UNATTENDED = "T_UNATTENDED"
    T_DISPATCH = "T_DISPATCH"
    T_FIRE_ACK = "T_FIRE_ACK"
    T_OUTCOME = "T_OUTCOME"
    T_DEST = "T_DEST"
    T_CONTACT = "T_CONTACT"
    T_REPORT = "T_REPORT"
    T_ADDR = "T_ADDR"
    T_FOLLOW_UP = "T_FOLLOW_UP"
    T_TEST_CONFIRM = "T_TEST_CONFIRM"
    T_REDIAL = "T_REDIAL"
    T_MNT = "T_MNT"
    T_POWER = "T_POWER"
    T_CALL = "T_CALL"
    T_QUIET = "T_QUIET"
    T_TEST_AGAIN = "T_TEST_AGAIN"
    T_IDLE = "T_IDLE"
    T_EXPECTED = "T_EXPECTED"


class Target(StrEnum):
    """Whom we send for. There is no guard service to send (K-14)."""

    FIRE = "fire"
    COOPERATOR = "cooperator"


class Finding(StrEnum):
    """What the operator found in the talk, beside the words of distress."""

    NONE = "none"
    FIRE = "fire"
    COOPERATOR = "cooperator"
    ADVICE = "advice"
    FALSE_ALARM = "false_alarm"
    CONSULTATION = "consultation"
    TEST = "test"


class Abnormal(StrEnum):
    YES = "yes"
    NO = "no"
    UNSURE = "unsure"
