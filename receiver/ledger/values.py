"""What the ledger holds (利用者台帳): subscribers, devices, where they stand, lines. Field names follow the data model.

Names, kana and addresses are kept exactly as entered: a family writes its name as it does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final

from receiver.rules.people import DeviceState, Status

CONTACTS_MAX: Final = 20  # cooperators, or contacts, of one subscriber
PHONES_MAX: Final = 10


class City(Enum):
    """The four clients, one contract each (K-4b)."""

    KUSATSU = "草津市"
    MORIYAMA = "守山市"
    RITTO = "栗東市"
    YASU = "野洲市"


class Sex(Enum):
    """As the city's form has it."""

    MALE = "男"
    FEMALE = "女"
    OTHER = "その他"


class Category(Enum):
    """The contract's classes of device (K-3.1 to K-3.5)."""

    KISETSU = "既設"
    SAIRIYO = "再利用"
    SHINKI = "新規"
    KEITAI = "携帯"
    SERVICEHI = "サービス費"


class Owner(Enum):
    """Whose asset a device is; three values because of K-9.2.3."""

    CLIENT = "委託者"
    CONTRACTOR = "受託者"
    PREVIOUS = "既設事業者"


class Form(Enum):
    """An axis of its own beside the category (K-3.5)."""

    FIXED = "固定"
    MOBILE = "携帯"


class LineKind(Enum):
    """What the line is made of (K-7.1.2, K-10)."""

    METAL = "メタル"
    FIBRE = "光"
    CATV = "CATV"
    WIRELESS = "無線"


class SourceKind(Enum):
    """Where a change of the ledger comes from (K-9.5)."""

    CITY = "市指示"
    VISIT = "訪問"
    WELFARE_CALL = "定期連絡"
    CLAIM = "本人申出"
    WORK = "工事"
    TAKEOVER = "移行"


@dataclass(frozen=True, slots=True)
class Source:
    """Why the ledger was changed. reference: the instruction's number, a date, who said so."""

    kind: SourceKind
    reference: str = ""

    def __str__(self) -> str:
        return f"{self.kind.value}:{self.reference}" if self.reference else self.kind.value


@dataclass(frozen=True, slots=True)
class Contact:
    """A cooperator (協力員) or an emergency contact (緊急連絡先); the priority is the place in the list."""

    name: str
    relation: str = ""
    phones: tuple[str, ...] = ()
    address: str = ""
    keeps_key: bool = False
    at_night: bool = True
    notes: str = ""


@dataclass(frozen=True, slots=True)
class Subscriber:
    """One person of the service.

    subject     internal random number, for ever; lives_with: subject of the person who shares the device (D8)
    id_number   the city's ID番号, exactly as issued, never changed (K-12.1.4); zone: 日常生活圏域 (K-12.1.1b)
    phones      normalised, in the order to be tried; contacts and cooperators in order of priority
    """

    subject: str
    id_number: str
    city: City
    zone: str
    name: str
    kana: str
    address: str
    phones: tuple[str, ...] = ()
    sex: Sex | None = None
    birth: date | None = None
    access_notes: str = ""
    key_place: str = ""
    needs_fax: bool = False
    fax: str = ""
    welfare: bool = False
    cooperators: tuple[Contact, ...] = ()
    contacts: tuple[Contact, ...] = ()
    lives_with: str | None = None
    notes: str = ""
    status: Status = Status.APPLIED


@dataclass(frozen=True, slots=True)
class Device:
    """One alarm device. anchor_day 1…31 and anchor_time HH:MM (Asia/Tokyo): its monthly test (K-11.6).

    subject: a random number of its own under which free text about the device is sealed while it stands nowhere
    """

    serial: str
    subject: str
    category: Category
    owner: Owner
    form: Form
    account: str | None = None
    model: str = ""
    profile: str = "contact-id"
    state: DeviceState = DeviceState.STOCK
    anchor_day: int | None = None
    anchor_time: str | None = None
    interval_days: int | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """A device in a home (設置): one device stands in one home at a time."""

    device: str
    subject: str
    installed_on: date


@dataclass(frozen=True, slots=True)
class Line:
    """A telephone line of a subscriber. id: keyed digest of the number; number is None once the key is erased."""

    id: str
    subject: str
    number: str | None
    kind: LineKind
    carrier: str = ""
