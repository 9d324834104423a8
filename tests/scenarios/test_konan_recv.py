"""The reception rows of the contract, each from sound on a line to the kind of case that it is: K-9.1.1, .2, .3 and x.

K-5 is in `tests/campaigns/test_load.py`; K-9.1 (a kill, a modem unplugged) in `tests/test_contract_k9_1.py`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from decoder.checksum import modulo_15
from decoder.exchange import Format, Message
from decoder.formats import contact_id
from decoder.registry import LIVE
from receiver.formats import format_named
from receiver.rules.fact import Fact
from receiver.rules.people import DeviceState, Home, KnownHomes, Status
from receiver.rules.trial import Trial
from scenarios.konan.decide import decide
from sim import habits
from sim.panel import PanelSettings, Part
from tests.receiver.intake import exchange as lines

START_US = 1_775_044_200_000_000
PHONE = "0775610001"
FRAMED = Path(__file__).parents[2] / "examples" / "profiles" / "framed-keys.toml"
PENDANT = Message("1234", "101", partition="01", zone="001")


def home(profile: str = "contact-id", account: str = "1234") -> Home:
    return Home("a", "草津市", Status.ACTIVE, (PHONE,), "dev", DeviceState.INSTALLED, account, profile)


def call(
    *messages: Message,
    level_dbm0: float = -10,
    form: Format = contact_id.FORMAT,
    formats: tuple[Format, ...] = LIVE,
    voice_s: float = 0,
    stores: bool = True,
) -> tuple[lines.Exchange, lines.Home]:
    """One call of a unit, in sound, over a line with noise."""
    met = lines.Exchange(formats=formats, stores=stores)
    settings = PanelSettings(
        messages, caller=PHONE, level_dbm0=level_dbm0, noise_db=20, voice_s=voice_s,
        greeting=form.greeting, kiss_off=form.kiss_off, **habits.of(form),
    )  # fmt: skip
    unit = lines.Home(met, settings, form=form).call()
    return met, unit


def followed(met: lines.Exchange, *homes: Home) -> Trial:
    """What the contract makes of everything that was stored."""
    trial = Trial(decide, START_US, KnownHomes(homes))
    for place, draft in enumerate(met.journal, start=1):
        if draft.type in ("frame.accepted", "call.unknown"):
            about = {"type": draft.type, "reception": place, "caller": PHONE, "heard_at_us": START_US}
            trial.tell(Fact("reception", "intake", {**draft.payload, **about}))
    return trial


def opened(trial: Trial) -> list[dict[str, Any]]:
    return [dict(told.payload) for told in trial.events() if told.type == "case.opened"]


def steps(met: lines.Exchange) -> list[str]:
    return [draft.type for draft in met.journal]


# ── K-9.1.1: three emergency sources ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("code", "profile", "source", "level_dbm0"),
    [
        ("100", "contact-id", "main unit", -10),
        ("100", "contact-id", "main unit", -30),
        ("101", "contact-id", "pendant", -10),
        ("101", "contact-id", "pendant", -20),
        ("101", "contact-id", "pendant", -30),
        ("101", "contact-id-mobile", "mobile unit", -30),
    ],
)
def test_k_9_1_1_an_emergency_of_each_source(code: str, profile: str, source: str, level_dbm0: float) -> None:
    met, unit = call(replace(PENDANT, code=code), level_dbm0=level_dbm0)
    met.settle()
    (reception,) = met.of("frame.accepted")
    raw = reception.payload["raw"]
    assert modulo_15(raw) == 0
    assert code != "101" or raw == "123418110101001B"
    assert len(unit.said("kiss_off")) == 1
    written = steps(met)
    assert written.index("frame.accepted") < written.index("kissoff.started") < written.index("kissoff.completed")
    (case,) = opened(followed(met, home(profile)))
    assert (case["kind"], case["source"], case["priority"]) == ("emergency", source, 1)


def test_k_9_1_1_without_a_durable_write_there_is_no_kiss_off() -> None:
    met, unit = call(PENDANT, stores=False)
    met.settle()
    assert unit.said("kiss_off") == []


def test_k_9_1_1_a_wrong_check_digit_is_an_error_and_the_retry_is_accepted() -> None:
    met, unit = call(PENDANT)
    good = unit.panel.parts
    unit.panel.parts = (Part(contact_id.keys("123418110101001C")),)
    while not unit.said("no_kiss_off"):
        met.advance()
    assert unit.said("kiss_off") == []
    assert met.of("frame.accepted") == []
    (wrong,) = met.of("frame.rejected")
    assert (wrong.payload["reason"], wrong.payload["best"]) == ("checksum", "123418110101001C")
    unit.panel.parts = good
    met.settle()
    assert len(unit.said("kiss_off")) == 1
    (ended,) = met.of("call.ended")
    assert (ended.payload["frames"], ended.payload["rejected"]) == (1, len(met.of("frame.rejected")))
    (case,) = opened(followed(met, home()))
    assert (case["kind"], case["source"]) == ("emergency", "pendant")


# ── K-9.1.2: consultation apart ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("message", "kind", "flow", "priority"),
    [
        (replace(PENDANT, zone="002"), "consultation", "consultation", 2),
        (PENDANT, "emergency", "emergency", 1),
        (replace(PENDANT, code="999"), "emergency", "emergency", 1),
    ],
    ids=["consultation zone", "another zone", "unmapped"],
)
def test_k_9_1_2_a_consultation_is_told_apart(message: Message, kind: str, flow: str, priority: int) -> None:
    met, _ = call(message)
    met.settle()
    (case,) = opened(followed(met, home("contact-id-two-button")))
    assert (case["kind"], case["flow"], case["priority"]) == (kind, flow, priority)
    assert ("unknown_signal" in case["flags"]) == (message.code == "999")


# ── K-9.1.3: batteries and power cuts ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("code", "profile", "kind"),
    [
        ("302", "contact-id", "maintenance.main_battery"),
        ("384", "contact-id", "maintenance.pendant_battery"),
        ("384", "contact-id-mobile", "maintenance.mobile_battery"),
        ("301", "contact-id", "maintenance.power_cut"),
    ],
)
def test_k_9_1_3_four_kinds_and_their_restores(code: str, profile: str, kind: str) -> None:
    met, unit = call(Message("1234", code), Message("1234", code, qualifier="3"))
    met.settle()
    assert len(unit.said("kiss_off")) == 2
    trial = followed(met, home(profile))
    (case,) = opened(trial)
    assert case["kind"] == kind
    appended = [told.payload for told in trial.events() if told.type == "case.appended"]
    assert [(one["case"], one["signal"]) for one in appended] == [(case["case"], "restore")]


# ── K-9.1x: units of other makers ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("code", "kind", "known"),
    [("01", "emergency", True), ("90", None, True), ("77", "emergency", False)],
    ids=["emergency", "periodic test", "not in its map"],
)
def test_k_9_1x_a_terminal_with_its_profile_is_classified(code: str, kind: str | None, known: bool) -> None:
    form = format_named(str(FRAMED))
    sent = {"01": "101", "90": "602", "77": "77"}[code]
    met, unit = call(Message("123456", sent, zone="03"), form=form, formats=(*LIVE, form))
    met.settle()
    (reception,) = met.of("frame.accepted")
    assert (reception.payload["format"], reception.payload["mapped"]) == ("framed-keys", known)
    assert len(unit.said("kiss_off")) == 1
    cases = opened(followed(met, home(account="123456", profile="framed-keys")))
    assert [one["kind"] for one in cases] == ([kind] if kind else [])
    assert all(("unknown_signal" in one["flags"]) != known for one in cases)


def test_k_9_1x_a_terminal_without_a_profile_is_unknown_and_somebody_is_told(tmp_path: Path) -> None:
    """Its tones are no message of any format: the call is an unknown emergency; its sound is kept (`audio.stored`)."""
    form = format_named(str(FRAMED))
    met, unit = call(Message("123456", "101", zone="03"), form=replace(form, greeting=contact_id.HANDSHAKE))
    met.settle()
    assert unit.said("kiss_off") == []
    (reception,) = met.of("call.unknown")
    assert reception.payload["kind"] == "unreadable"
    trial = followed(met, home())
    (case,) = opened(trial)
    assert (case["priority"], "unknown_signal" in case["flags"]) == (1, True)
    assert any(told.type == "timer.set" and told.payload["kind"] == "T_ACCEPT" for told in trial.events())
