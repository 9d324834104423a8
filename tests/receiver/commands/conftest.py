"""An installation that has received something, and the command line to ask about it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import cli
from decoder.frame import Frame
from receiver.centre.opening import projections
from receiver.clock import SECOND_US, SystemClock
from receiver.event import Draft
from receiver.installation import Installation
from receiver.intake import drafts, receptions
from receiver.intake.drafts import CallId
from receiver.journal.store import Committed, Store
from receiver.privacy.installation_key import installation_key
from receiver.privacy.keys import KeyRing

HEARD_US = 1_775_044_200_123_000  # 2026-04-01 20:50:00.123 in Tokyo
CALLER = "0775551234"


@dataclass(frozen=True)
class Said:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


@pytest.fixture
def yobirin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """The whole command, exit code and all, in this process."""

    def run(*arguments: str | Path) -> Said:
        monkeypatch.setattr(sys, "argv", ["yobirin", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        assert isinstance(ended.value.code, int)
        return Said(ended.value.code, said.out, said.err)

    return run


class Received:
    """An installation with both journals open for writing."""

    def __init__(self, data: Path) -> None:
        self.installation = Installation(data)
        key = installation_key(self.installation, create=True)
        self.keys = KeyRing.open(self.installation.intake_keys, key)
        self.intake = Store(
            self.installation.intake_db, clock=SystemClock(), keys=self.keys, projections=(receptions.Receptions(),)
        )
        contract_keys = KeyRing.open(self.installation.store_keys("konan"), key)
        self.centre = Store(
            self.installation.store_db("konan"),
            clock=SystemClock(),
            keys=contract_keys,
            projections=projections(),
        )
        self.calls = 0

    def call(self, caller: str | None = CALLER) -> CallId:
        self.calls += 1
        identity = CallId(self.keys.random_subject(), "modem:1")
        payload = {"call": identity.call, "line": identity.line, "withheld": None if caller else "P"}
        payload |= {"caller_digest": None, "caller_given": caller is not None}
        private = {"caller": caller, "called": None}
        self.store(Draft("call.started", payload, subject=identity.call, actor="intake", private=private))
        return identity

    def frame(self, identity: CallId, *, kissed_off: bool = True, raw: str = "123418110101001B", **payload: Any) -> int:
        fields = {
            "call": identity.call, "line": identity.line, "kind": "frame", "format": "contact-id", "raw": raw,
            "account": raw[:4], "qualifier": "E", "code": "101", "partition": "01", "zone": "001", "confidence": 1.0,
            "recovered": [], "start": 0, "end": 16000, "heard_at_us": HEARD_US, "duplicate_of": None,
            "no_kiss_off": False, "source": None, **payload,
        }  # fmt: skip
        seq = self.store(Draft("frame.accepted", fields, subject=identity.call, actor="intake"))
        if kissed_off:
            self.store(drafts.kissoff_completed(identity, seq, HEARD_US + SECOND_US * 3 // 2))
        return seq

    def message(self, format: str, code: str, partition: str, private: dict[str, str]) -> int:
        """A message by a link, with what may name somebody."""
        identity = CallId(self.keys.random_subject(), f"{format}:127.0.0.1:5060")
        frame = Frame(format, "raw", "12345", "1", code, partition, "", 0, 0, 1.0)
        return self.store(replace(drafts.frame_accepted(identity, frame, heard_at_us=HEARD_US), private=private))

    def voice(self, identity: CallId) -> int:
        return self.store(drafts.call_unknown(identity, "voice", None, heard_at_us=HEARD_US))

    def case(self, number: int, reception: int) -> None:
        payload = {"case": number, "kind": "emergency", "state": "NEW", "priority": 1, "reception": reception}
        payload |= {"flow": "emergency", "home": "call:1", "opened_at_us": HEARD_US, "heard_at_us": HEARD_US}
        outcomes = self.centre.transact(lambda t: t.append(Draft("case.opened", payload)))
        assert isinstance(outcomes[0], Committed)

    def store(self, draft: Draft) -> int:
        (outcome,) = self.intake.transact(lambda t: t.append(draft).seq)
        assert isinstance(outcome, Committed), outcome
        return int(outcome.value)

    def stop(self) -> None:
        self.intake.close()
        self.centre.close()


@pytest.fixture
def received(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Received]:
    for name in ("YOBIRIN_KEY_FILE", "YOBIRIN_DATA", "YOBIRIN_CONFIG", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    made = Received(tmp_path / "data")
    yield made
    made.stop()
