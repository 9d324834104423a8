"""A reception: what it says, whose it is, and which case it opens or joins (flows §1, §12 T1–T10, T30–T34)."""

from __future__ import annotations

from typing import Any, Final

from receiver.event import Json
from receiver.rules.case import Case
from receiver.rules.fact import Refused
from receiver.rules.table import Found
from scenarios.konan import consultation, emergency, maintenance, periodic_test
from scenarios.konan.identification import Identified, identify, meaning_of
from scenarios.konan.tables import OPENING, Begins, Meaning
from scenarios.konan.turn import Turn, hours
from scenarios.konan.words import Does, Flow, Signal

ALARMS: Final = frozenset({Signal.EMERGENCY, Signal.UNKNOWN, Signal.CANCEL})
BATTERY_OR_POWER: Final = (Signal.MAIN_BATTERY, Signal.POWER_CUT)


def receive(turn: Turn) -> Refused | None:
    """One reception is in exactly one case, or logged as one that needs none; a known one is decided already."""
    payload, steps = turn.fact.payload, turn.steps
    reception = payload["reception"]
    if turn.book.knows_reception(reception):
        return None
    first = payload.get("duplicate_of")
    if first is not None and turn.book.knows_reception(first) and _repeated(turn, turn.book.case_of_reception(first)):
        return None
    who = identify(turn.people, payload)
    meaning, clause, row = meaning_of(payload, who.home.profile if who.home else "contact-id")
    steps.because = {"signal": meaning.signal.value, "signal_row": row, "identification": who.row}
    steps.clause, steps.row = clause, row
    home = _home_key(who, payload)
    if meaning.signal in ALARMS:
        _alarm(turn, meaning, who, home)
    elif meaning.signal == Signal.CONSULTATION:
        _consultation(turn, meaning, who, home)
    elif meaning.signal in (Signal.TEST, Signal.MANUAL_TEST):
        _test(turn, meaning, who, home)
    elif meaning.signal == Signal.RESTORE:
        _restore(turn, meaning, who, home)
    else:
        _maintenance(turn, meaning, who, home)
    return None


def open_case(turn: Turn, meaning: Meaning, who: Identified, home: str) -> Begins:
    """Open the case that a signal begins, and turn to it."""
    payload, steps = turn.fact.payload, turn.steps
    found: Found[Begins] = OPENING.find(meaning.signal, who.device)
    begins = found.then
    steps.clause, steps.row = found.clause, f"{found.row} · identification: {who.row}"
    first = payload.get("duplicate_of")
    repeated = turn.book.case_of_reception(first) if first is not None else None
    previous = repeated or _recent_case(turn, home)
    flags = who.flags | ({"unknown_signal"} if meaning.signal == Signal.UNKNOWN else set())
    flags |= {"cancel_signal"} if meaning.signal == Signal.CANCEL else set()
    flags |= _doubt_of_account(payload)
    kind = Signal.EMERGENCY if meaning.signal in ALARMS else meaning.signal
    steps.open(
        subject=(who.home.subject if who.home else None) or str(payload.get("call") or home),
        private={"caller": payload.get("caller"), "call_order": list(who.call_order)},
        kind=kind,
        flow=begins.flow,
        state=begins.state,
        priority=begins.priority,
        home=home,
        city=who.home.city if who.home else None,
        device=who.home.device if who.home else None,
        account=payload.get("account"),
        reception=payload["reception"],
        receptions=(payload["reception"],),
        opened_at_us=turn.now.utc_us,
        heard_at_us=heard_at_us(turn),
        flags=flags,
        identified=who.row,
        others=list(who.others),
        source=meaning.source,
        no_kiss_off=bool(payload.get("no_kiss_off")),
        duplicate_of=first,
        previous=previous.number if previous is not None else None,
    )
    _tell_of_oddities(turn, who)
    return begins


def _doubt_of_account(payload: Json) -> set[str]:
    """The check digit, not the sound, gave a digit of the account: who it is must be asked first (K-11.2.1b)."""
    return {"account_recovered"} if payload.get("account_recovered") else set()


def _recent_case(turn: Turn, home: str) -> Case | None:
    case = turn.book.last_case_of(home)
    if case is None or turn.now.utc_us - case.opened_at_us >= hours(turn.settings.previous_case_h):
        return None
    return case


def heard_at_us(turn: Turn) -> int:
    """When the last digit was decoded; a clock that has been put back never makes it later than now."""
    payload = turn.fact.payload
    heard = payload.get("heard_at_us") or payload.get("received_at_us") or turn.now.utc_us
    return min(int(heard), turn.now.utc_us)


def _home_key(who: Identified, payload: Json) -> str:
    """What groups receptions: the subscriber; else the account and the number shown together; else the call itself.

    An account that nobody knows says little alone: units leave the factory with the same one (0000). Without a
    digest of the number the call stands for it; the number itself is never part of an open payload.
    """
    if who.home is not None and who.home.subject is not None:
        return who.home.subject
    digest = payload.get("caller_digest")
    line = f"caller:{digest}" if digest else f"call:{payload.get('call') or payload['reception']}"
    return f"account:{payload['account']} {line}" if payload.get("account") else line


def _tell_of_oddities(turn: Turn, who: Identified) -> None:
    """What people beside the operator must know at once. The case runs as any other (I1)."""
    steps = turn.steps
    if "D7" in who.rows:
        steps.alert("supervisor", "caller_unknown")
    if "D4" in who.rows:
        steps.alert("manager", "irregular_status")
    if "D2" in who.rows:
        steps.alert("console", "check_line")


def append(turn: Turn, case: Case, meaning: Signal | str, **values: Any) -> None:
    """Join the reception to an open case."""
    payload = turn.fact.payload
    turn.steps.turn_to(case)
    turn.steps.record(
        "case.appended",
        reception=payload["reception"],
        receptions=(*case.receptions, payload["reception"]),
        signal=str(meaning),
        **values,
    )


def _repeated(turn: Turn, case: Case | None) -> bool:
    """The unit had not heard the end of our kiss-off and sent the same again: no second case, no second call (I2).

    False where the first one's case is over, or would take no further press: then it may be a new one, and opens
    its own case rather than vanish in a finished one.
    """
    if case is not None and not _takes(case):
        return False
    turn.steps.clause, turn.steps.row = "K-11.1b", "reception: repeated"
    if case is None:
        log(turn, "repeated")
    else:
        append(turn, case, "repeated", repeated=True)
        if case.state in emergency.SENT:  # help is out, minutes have passed: it may well be a press (T40)
            with turn.steps.under(emergency.EMERGENCY.find(case.state, Does.RECEPTION)):
                emergency.pressed_after_dispatch(turn)
    return True


def _takes(case: Case) -> bool:
    """True if a further signal of the home still belongs to this case."""
    if not case.is_open:
        return False
    match case.flow:
        case Flow.EMERGENCY:
            return emergency.joins(case)
        case Flow.CONSULTATION:
            return case.state in consultation.JOINABLE
        case _:
            return True


def log(turn: Turn, signal: str) -> None:
    """A reception that needs no case."""
    turn.steps.note("reception.logged", reception=turn.fact.payload["reception"], signal=signal)


# --- by signal ------------------------------------------------------------------------------------


def _alarm(turn: Turn, meaning: Meaning, who: Identified, home: str) -> None:
    for case in reversed(turn.book.open_cases_of(home)):
        if emergency.joins(case):
            flags = case.flags | {"cancel_signal"} if meaning.signal == Signal.CANCEL else case.flags
            flags |= _doubt_of_account(turn.fact.payload)
            append(turn, case, meaning.signal, flags=flags)
            found = emergency.EMERGENCY.find(case.state, Does.RECEPTION)
            with turn.steps.under(found):
                found.then(turn)
            return
        if case.flow == Flow.CONSULTATION and case.state in consultation.JOINABLE:
            append(turn, case, meaning.signal)
            consultation.raise_to_emergency(turn, heard_at_us(turn))
            return
    open_case(turn, meaning, who, home)
    emergency.begin(turn)


def _consultation(turn: Turn, meaning: Meaning, who: Identified, home: str) -> None:
    for case in reversed(turn.book.open_cases_of(home)):
        if emergency.joins(case) or (case.flow == Flow.CONSULTATION and case.state in consultation.JOINABLE):
            append(turn, case, meaning.signal)
            turn.steps.alert("console", "pressed_again")
            return
    begins = open_case(turn, meaning, who, home)
    emergency.begin(turn) if begins.flow == Flow.EMERGENCY else consultation.begin(turn)


def _maintenance(turn: Turn, meaning: Meaning, who: Identified, home: str) -> None:
    kinds = BATTERY_OR_POWER if meaning.signal in BATTERY_OR_POWER else (meaning.signal,)
    case = next((case for case in turn.book.open_cases_of(home) if case.kind in kinds), None)
    if case is not None and case.flow == Flow.MAINTENANCE:
        append(turn, case, meaning.signal, restored=False)
        maintenance.joined(turn, meaning.signal)
        return
    open_case(turn, meaning, who, home)
    maintenance.begin(turn)
    maintenance.tell_of_area(turn)


def _restore(turn: Turn, meaning: Meaning, who: Identified, home: str) -> None:
    kinds = BATTERY_OR_POWER if meaning.of in BATTERY_OR_POWER else (meaning.of,)
    case = next((case for case in turn.book.open_cases_of(home) if case.kind in kinds), None)
    if case is None:
        if who.home is None:
            open_case(turn, meaning, who, home)
            maintenance.begin(turn)
        else:
            log(turn, "restore")  # T31
        return
    append(turn, case, meaning.signal, restored=True)
    if case.flow == Flow.MAINTENANCE:
        maintenance.restored(turn, meaning.of)


def _test(turn: Turn, meaning: Meaning, who: Identified, home: str) -> None:
    if who.home is None or who.home.device is None:
        known = turn.book.open_case_of(home, Signal.TEST, Signal.MANUAL_TEST)
        if known is not None:
            append(turn, known, meaning.signal)
        else:
            open_case(turn, meaning, who, home)
            maintenance.begin(turn)
        return
    waiting = [case for case in turn.book.open_cases_of(home) if case.kind in BATTERY_OR_POWER and not case.test_seen]
    manual = meaning.signal == Signal.MANUAL_TEST
    periodic_test.received(turn, who, manual=manual, heard_us=heard_at_us(turn))
    for case in waiting:
        turn.steps.turn_to(case)
        turn.steps.record("case.state", test_seen=True)
