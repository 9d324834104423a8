"""A ledger without a store: decisions are applied at once, as the centre does."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from receiver.clock import Now, utc_us_of
from receiver.event import Draft
from receiver.ledger.decide import decide
from receiver.ledger.ledger import Ledger
from receiver.rules.fact import Decision, Fact, Refused

NOW = Now(utc_us_of(datetime(2026, 4, 1, 20, 50)), 0, "boot")


@dataclass
class FixedKeys:
    """Digests under a fixed key, subjects counted: the same run, the same ledger."""

    count: int = 0

    def digest(self, kind: str, normalised: str) -> str:
        return hmac.new(b"test", f"{kind}\0{normalised}".encode(), hashlib.sha256).hexdigest()

    def random_subject(self) -> str:
        self.count += 1
        return f"{self.count:032x}"


PERSON: dict[str, Any] = {
    "id_number": "00123",
    "city": "草津市",
    "zone": "高穂",
    "name": "訓練 花子",
    "kana": "クンレン ハナコ",
    "address": "滋賀県草津市訓練町1-2-3 DEMOハイツ101",
    "phones": ["077-561-0000"],
    "source": "市指示:草福第12号",
}


@dataclass
class Bench:
    ledger: Ledger = field(default_factory=lambda: Ledger(FixedKeys()))
    drafts: list[Draft] = field(default_factory=list)

    def wish(self, verb: str, /, **args: Any) -> Decision | Refused:
        """Decide, and apply what was decided."""
        outcome = decide(self.ledger, Fact(verb, "os:test", args), NOW)
        if isinstance(outcome, Decision):
            for draft in outcome.drafts:
                self.drafts.append(draft)
                self.ledger.apply(draft.type, draft.payload, draft.private, at_us=NOW.utc_us, subject=draft.subject)
        return outcome

    def done(self, verb: str, /, **args: Any) -> tuple[Draft, ...]:
        outcome = self.wish(verb, **args)
        assert isinstance(outcome, Decision), outcome
        return outcome.drafts

    def refused(self, verb: str, /, **args: Any) -> Refused:
        outcome = self.wish(verb, **args)
        assert isinstance(outcome, Refused), outcome
        return outcome

    @staticmethod
    def card(**changes: Any) -> dict[str, Any]:
        """Arguments of `subscriber.add`."""
        return {**PERSON, **changes}

    def person(self, **changes: Any) -> str:
        """Add a subscriber; gives the subject."""
        subject = self.done("subscriber.add", **self.card(**changes))[0].subject
        assert subject is not None
        return subject

    def home(self, *, serial: str = "S1", account: str = "1234", category: str = "新規", **person: Any) -> str:
        """A subscriber with an installed device."""
        subject = self.person(**person)
        self.done("device.add", serial=serial, account=account, category=category)
        self.done("device.install", device=serial, subscriber=subject, source="工事:1")
        return subject


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture(scope="session")
def fresh_bench() -> type[Bench]:
    """For properties, which need a new one each time."""
    return Bench


@pytest.fixture(scope="session")
def empty_ledger() -> Ledger:
    """For properties over `decide`, which changes nothing."""
    return Ledger(FixedKeys())
