"""The ledger in memory: who, where, with which device on which line. State only by events.

`apply` folds one event of the journal; `decide.py` reads and never writes. Everything the centre
needs at a reception is a look-up here, without disk or network (K-11.1a).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final, Protocol

from receiver.event import Json
from receiver.ledger import fields, phone, search
from receiver.ledger.card import Card
from receiver.ledger.index import Index
from receiver.ledger.values import Category, City, Device, Form, Line, LineKind, Owner, Placement, Subscriber
from receiver.rules.people import DeviceState, Home, Status

__all__ = ["EVENTS", "Card", "Keys", "Ledger", "device_of", "normal_account"]

EVENTS: Final = (
    "subscriber.added", "subscriber.changed", "subscriber.status",
    "device.added", "device.installed", "device.removed", "device.state",
    "line.added", "line.ended",
)  # fmt: skip
SEARCH_DIGITS_MIN: Final = 4
SHARED: Final = ("keys", "erased")  # not copied by a fork


class Keys(Protocol):
    """What the ledger needs of a key ring."""

    def digest(self, kind: str, normalised: str) -> str:
        """Keyed hash for exact look-ups."""

    def random_subject(self) -> str:
        """A new internal number."""


@dataclass(slots=True)
class Ledger:
    """Implements `receiver.rules.people.People`. Look-ups normalise what they are given."""

    keys: Keys
    people: dict[str, Subscriber] = field(default_factory=dict)
    as_of_us: dict[str, int] = field(default_factory=dict)
    devices: dict[str, Device] = field(default_factory=dict)
    placements: dict[str, Placement] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    """Digest of city and ID number → subject, of everybody there ever was (K-12.1.4: never re-assigned)."""
    erased: frozenset[str] = frozenset()
    _subjects_by_phone: Index[str] = field(default_factory=Index)
    _serials_by_account: Index[str] = field(default_factory=Index)
    _serials_in_home: Index[str] = field(default_factory=Index)
    _lines_of_home: Index[Line] = field(default_factory=Index)
    _lodgers: Index[str] = field(default_factory=Index)
    """Subject → those who share that person's device."""
    _search_keys: dict[str, str] = field(default_factory=dict)

    # --- what the rules ask (People) -----------------------------------------------------------

    def by_account(self, account: str) -> tuple[Home, ...]:
        """Homes of the device with this account: those who share it come together (D8).

        A device that stands nowhere gives one home without subject (D9); the installed one comes first.
        """
        serials = self._serials_by_account.of(normal_account(account))
        for serial in serials:
            if (placement := self.placements.get(serial)) is not None:
                return tuple(self._home(one, self.devices[serial]) for one in self.household(placement.subject))
        return (self._home(None, self.devices[serials[-1]]),) if serials else ()

    def by_phone(self, number: str) -> tuple[Home, ...]:
        """Homes where this number is registered, of any status (D5); those in use first."""
        try:
            number = phone.normalise(number)
        except ValueError:
            return ()
        people = [self.people[subject] for subject in self._subjects_by_phone.of(number)]
        people.sort(key=lambda one: (one.status is not Status.ACTIVE, one.city.value, one.id_number))
        homes = (self.by_subject(person.subject) for person in people)
        return tuple(home for home in homes if home is not None)

    def by_subject(self, subject: str) -> Home | None:
        """The home of this subscriber."""
        if subject not in self.people:
            return None
        devices = self.devices_of(subject)
        return self._home(subject, devices[0] if devices else None)

    # --- what operators and commands ask -------------------------------------------------------

    def card(self, subject: str) -> Card | None:
        """The card of the home, None if there is no such subscriber."""
        person = self.people.get(subject)
        if person is None:
            return None
        devices = self.devices_of(subject)
        return Card(
            person,
            self.as_of_us[subject],
            devices,
            self.lines_of(subject),
            tuple(self.people[one] for one in self.household(subject) if one != subject),
            self.phones_of(subject),
            tuple(self.placements[device.serial].installed_on for device in devices),
        )

    def by_id(self, id_number: str, city: City | None = None) -> tuple[str, ...]:
        """Subjects with this ID number; two if two cities issued the same one (O30)."""
        cities = (city,) if city else tuple(City)
        found = (self.ids.get(self.id_digest(one, id_number)) for one in cities)
        return tuple(dict.fromkeys(subject for subject in found if subject is not None))

    def search(self, text: str) -> tuple[Subscriber, ...]:
        """Everybody whom all words of the text fit: ID number, phone (4 digits or more), name, kana, address.

        An exact ID number comes first, then by kana.
        """
        words, number = [search.key(word) for word in text.split()], search.digits(text)
        if not words:
            return ()
        found = {subject for subject, key in self._search_keys.items() if all(word in key for word in words)}
        if len(number) >= SEARCH_DIGITS_MIN:
            found |= {one for known, subjects in self._subjects_by_phone.items() if number in known for one in subjects}
        exact = self.by_id(text.strip())
        people = [self.people[subject] for subject in found | set(exact) if subject in self.people]
        return tuple(sorted(people, key=lambda one: (one.subject not in exact, search.key(one.kana), one.id_number)))

    def devices_of(self, subject: str) -> tuple[Device, ...]:
        """Devices in the home, those shared with the household included; the person's own first."""
        household = self.household(subject)
        return tuple(self.devices[serial] for one in household for serial in self._serials_in_home.of(one))

    def lines_of(self, subject: str) -> tuple[Line, ...]:
        """Active lines of the home."""
        return tuple(line for one in self.household(subject) for line in self._lines_of_home.of(one))

    def household(self, subject: str) -> tuple[str, ...]:
        """The person, then whoever shares the device with him or her (D8), in either direction."""
        head = self.people[subject].lives_with or subject
        known_head = (head,) if head in self.people else ()
        return tuple(dict.fromkeys((subject, *known_head, *self._lodgers.of(head))))

    def phones_of(self, subject: str) -> tuple[str, ...]:
        """Numbers to call, in order: as entered, then lines of the home not named among them."""
        person = self.people[subject]
        lines = (line.number for line in self.lines_of(subject) if line.number)
        return tuple(dict.fromkeys((*person.phones, *lines)))

    def id_digest(self, city: City, id_number: str) -> str:
        """The keyed hash that keeps an ID number unique in its city, also after its person was erased."""
        return self.keys.digest("id", f"{city.value}:{unicodedata.normalize('NFKC', id_number).strip()}")

    def line_id(self, number: str) -> str:
        """The name of a line in events: keyed hash of its normalised number."""
        return self.keys.digest("phone", number)

    def lines(self) -> tuple[Line, ...]:
        """Every active line."""
        return tuple(line for _, lines in self._lines_of_home.items() for line in lines)

    def fork(self) -> Ledger:
        """A copy to try events on."""
        return replace(self, **{name: getattr(self, name).copy() for name in self.__slots__ if name not in SHARED})

    # --- events ---------------------------------------------------------------------------------

    def apply(self, type: str, payload: Json, private: Json | None, *, at_us: int, subject: str | None) -> None:
        """Fold one event; those of other parts of the centre are passed over. `private` is None once erased."""
        match type:
            case "subscriber.added" | "subscriber.changed":
                self._put_person(payload, private, at_us)
            case "subscriber.status":
                self._put_status(payload["subject"], Status(payload["status"]), at_us)
            case "device.added":
                self._put_device(device_of(payload, subject or ""))
            case "device.installed":
                self._install(payload)
            case "device.removed":
                self._remove(payload)
            case "device.state":
                self._put_device(replace(self.devices[payload["device"]], state=DeviceState(payload["state"])))
            case "line.added":
                self._put_line(payload, private or {})
            case "line.ended":
                self._end_line(payload)

    def _put_person(self, payload: Json, private: Json | None, at_us: int) -> None:
        subject = payload["subject"]
        before = self.people.get(subject)
        if private is None:
            self.erased |= {subject}
            person = Subscriber(subject, "", City(payload["city"]), payload["zone"], "", "", "")
        else:
            person = fields.subscriber(private["after"], subject)
        self._index_person(before, self._subjects_by_phone.drop, self._lodgers.drop)
        self.people[subject] = replace(person, status=before.status if before else Status(payload["status"]))
        self.as_of_us[subject] = at_us
        self.ids[payload["id_digest"]] = subject
        self._index_person(person, self._subjects_by_phone.add, self._lodgers.add)
        self._search_keys[subject] = "\n".join(search.key(one) for one in (person.name, person.kana, person.address))

    def _index_person(
        self, person: Subscriber | None, phone_of: Callable[[str, str], None], lodger_of: Callable[[str, str], None]
    ) -> None:
        """Add to the indexes, or drop from them, what depends on the person's card."""
        if person is None:
            return
        lines = {line.number for line in self._lines_of_home.of(person.subject)}
        for number in person.phones:
            if number not in lines:
                phone_of(number, person.subject)
        if person.lives_with is not None:
            lodger_of(person.lives_with, person.subject)

    def _put_status(self, subject: str, status: Status, at_us: int) -> None:
        self.people[subject], self.as_of_us[subject] = replace(self.people[subject], status=status), at_us

    def _put_device(self, device: Device) -> None:
        before = self.devices.get(device.serial)
        if before is not None and before.account is not None:
            self._serials_by_account.drop(before.account, device.serial)
        self.devices[device.serial] = device
        if device.account is not None:
            self._serials_by_account.add(device.account, device.serial)

    def _install(self, payload: Json) -> None:
        serial, subject = payload["device"], payload["subject"]
        anchor = {name: payload[name] for name in ("account", "anchor_day", "anchor_time")}
        self._put_device(replace(self.devices[serial], state=DeviceState.INSTALLED, **anchor))
        self.placements[serial] = Placement(serial, subject, date.fromisoformat(payload["installed_on"]))
        self._serials_in_home.add(subject, serial)

    def _remove(self, payload: Json) -> None:
        serial, subject = payload["device"], payload["subject"]
        self._put_device(replace(self.devices[serial], state=DeviceState(payload["state"])))
        del self.placements[serial]
        self._serials_in_home.drop(subject, serial)

    def _put_line(self, payload: Json, private: Json) -> None:
        subject, number = payload["subject"], private.get("number")
        line = Line(payload["line"], subject, number, LineKind(payload["kind"]), private.get("carrier", ""))
        self._lines_of_home.add(subject, line)
        if number:
            self._subjects_by_phone.add(number, subject)

    def _end_line(self, payload: Json) -> None:
        subject = payload["subject"]
        for line in self._lines_of_home.of(subject):
            if line.id == payload["line"]:
                self._lines_of_home.drop(subject, line)
                if line.number and line.number not in self.people[subject].phones:
                    self._subjects_by_phone.drop(line.number, subject)

    # --- homes ----------------------------------------------------------------------------------

    def _home(self, subject: str | None, device: Device | None) -> Home:
        person = self.people[subject] if subject is not None else None
        return Home(
            subject=subject,
            city=person.city.value if person else "",
            status=person.status if person else None,
            phones=self.phones_of(subject) if subject is not None else (),
            device=device.serial if device else None,
            device_state=device.state if device else None,
            account=device.account if device else None,
            profile=device.profile if device else "contact-id",
        )


def normal_account(written: str) -> str:
    """An account code as devices send it: no blanks, letters large."""
    return "".join(unicodedata.normalize("NFKC", written).upper().split())


def device_of(payload: Json, subject: str) -> Device:
    """The device that a `device.added` event tells of."""
    value: dict[str, Any] = dict(payload)
    return Device(
        serial=value["device"],
        subject=subject,
        category=Category(value["category"]),
        owner=Owner(value["owner"]),
        form=Form(value["form"]),
        account=value["account"],
        model=value["model"],
        profile=value["profile"],
        state=DeviceState(value["state"]),
        anchor_day=value["anchor_day"],
        anchor_time=value["anchor_time"],
        interval_days=value["interval_days"],
    )
