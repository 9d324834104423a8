"""Whom the rules may ask about: homes, by account and by telephone number.

The ledger implements `People`; the rules only know this much of it (flows §1.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class Status(Enum):
    """Where a subscriber stands with the service (data model §2)."""

    APPLIED = "申請"
    WAITING = "設置待"
    ACTIVE = "利用中"
    SUSPENDED = "休止"
    REMOVAL = "撤去依頼"
    ENDED = "終了"


class DeviceState(Enum):
    """Where a device is (K-9.7.2h)."""

    INSTALLED = "設置中"
    STOCK = "在庫"
    REFURBISHED = "再生済"
    LENT = "貸出"
    FAULTY = "故障"
    SCRAPPED = "廃棄"
    LOST = "紛失"


@dataclass(frozen=True, slots=True)
class Home:
    """One subscriber and, where known, the device in question, as far as rules need them.

    subject is the internal number; phones are dialable, in the order to be tried; None for
    `subject`: the device is known and stands in no home.
    """

    subject: str | None
    city: str
    status: Status | None
    phones: tuple[str, ...]
    device: str | None = None
    device_state: DeviceState | None = None
    account: str | None = None
    profile: str = "contact-id"


class People(Protocol):
    """The ledger as the rules see it. Numbers are normalised by the ledger itself."""

    def by_account(self, account: str) -> tuple[Home, ...]:
        """Homes of the device with this account; several for a couple who share one (D8)."""

    def by_phone(self, number: str) -> tuple[Home, ...]:
        """Homes where this number is registered."""

    def by_subject(self, subject: str) -> Home | None:
        """The home of this subscriber."""


class KnownHomes:
    """A fixed list of homes: for trials, stories and tests, where no ledger is at hand."""

    def __init__(self, homes: tuple[Home, ...] = ()) -> None:
        self._homes = homes

    def by_account(self, account: str) -> tuple[Home, ...]:
        return tuple(home for home in self._homes if home.account == account)

    def by_phone(self, number: str) -> tuple[Home, ...]:
        return tuple(home for home in self._homes if number in home.phones)

    def by_subject(self, subject: str) -> Home | None:
        return next((home for home in self._homes if home.subject == subject), None)
