"""What a receiver says of itself: sorted by what it is about; never a person's alarm, never noise."""

from __future__ import annotations

import pytest

from decoder.frame import Qualifier
from drivers.hardware.own_messages import KINDS, understood

SAID = [
    ("COMPUTER TROUBLE", "computer", Qualifier.NEW),
    ("Computer Restored", "computer", Qualifier.RESTORE),
    ("AC POWER FAIL", "power", Qualifier.NEW),
    ("AC POWER NORMAL", "power", Qualifier.RESTORE),
    ("UPS low battery", "battery", Qualifier.NEW),
    ("PRINTER OFF-LINE", "printer", Qualifier.NEW),
    ("no paper", "printer", Qualifier.NEW),
    ("BUFFER FULL", "memory", Qualifier.NEW),
    ("clock not set", "clock", Qualifier.NEW),
    ("Ethernet link restored", "network", Qualifier.RESTORE),
    ("CPM2 restart", "start", Qualifier.NEW),
    ("Menu entered", "access", Qualifier.NEW),
    ("CARD 03 ABSENT", "card", Qualifier.NEW),
    ("LINE 2 FAULT", "line", Qualifier.NEW),
    ("PHONE LINE 2  RESTORED", "line", Qualifier.RESTORE),
    ("LINE 2 NOT OK", "line", Qualifier.NEW),
    ("something else", "other", Qualifier.NEW),
]


@pytest.mark.parametrize(("words", "kind", "qualifier"), SAID)
def test_what_it_is_about(words: str, kind: str, qualifier: Qualifier) -> None:
    found = understood(words)
    assert found is not None
    assert (found.kind, found.qualifier) == (kind, qualifier)
    assert found.words == " ".join(words.split())


def test_every_kind_is_reached() -> None:
    assert {kind for _, kind, _ in SAID} == {kind for kind, _, _ in KINDS} | {"other"}


@pytest.mark.parametrize("words", ["", " ", "12 34", "@", "A1 B2", "~!~", "Pendant 12", "MEDICAL ALARM", "fall", "SOS"])
def test_what_is_no_word_or_somebody_s_alarm_is_nothing_of_the_receiver(words: str) -> None:
    assert understood(words) is None
