"""What the contract allows in the ledger (K-3, K-10, K-12.1): each question gives the clause and the reason, or None.

Pure questions over values; `decide.py` asks them before anything is written.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from receiver.ledger import phone
from receiver.ledger.values import Category, Device, Form, Line, LineKind, Owner, Source, SourceKind, Subscriber
from receiver.rules.fact import Refused
from receiver.rules.people import DeviceState

# clause, owners allowed, forms allowed
ANY_FORM: Final = (Form.FIXED, Form.MOBILE)
CATEGORIES: Final[dict[Category, tuple[str, tuple[Owner, ...], tuple[Form, ...]]]] = {
    Category.KISETSU: ("K-3.1", (Owner.CLIENT,), ANY_FORM),
    Category.SAIRIYO: ("K-3.2", (Owner.CLIENT, Owner.PREVIOUS), ANY_FORM),  # K-9.2.3: also the previous contractor's
    Category.SHINKI: ("K-3.3", (Owner.CONTRACTOR,), (Form.FIXED,)),
    Category.KEITAI: ("K-3.4", (Owner.CONTRACTOR,), (Form.MOBILE,)),
    Category.SERVICEHI: ("K-3.5", (Owner.CONTRACTOR, Owner.CLIENT, Owner.PREVIOUS), ANY_FORM),
}
INSTALLABLE: Final = (DeviceState.STOCK, DeviceState.REFURBISHED)


def default_owner(category: Category) -> Owner | None:
    """The owner that follows from the category (K-3.3: a 新規 device is the contractor's), if only one does."""
    owners = CATEGORIES[category][1]
    return owners[0] if len(owners) == 1 else None


def default_form(category: Category) -> Form:
    """固定 wherever that is possible."""
    return CATEGORIES[category][2][0]


def default_kind(number: str) -> LineKind | None:
    """A mobile number tells its kind of line by itself."""
    return LineKind.WIRELESS if phone.is_wireless(number) else None


def owner_and_form(category: Category, owner: Owner, form: Form) -> Refused | None:
    """K-3: who may own a device of this category, and which form it has."""
    clause, owners, forms = CATEGORIES[category]
    if owner not in owners:
        allowed = " or ".join(one.value for one in owners)
        return Refused(clause, f"a {category.value} device belongs to {allowed}, not to {owner.value}")
    if form not in forms:
        return Refused(clause, f"a {category.value} device has the form {forms[0].value}, not {form.value}")
    return None


def number_of_service(number: str) -> Refused | None:
    """K-10a: no IP telephone is a line, or a home's number, of the service."""
    if phone.is_ip_telephone(number):
        return Refused("K-10a", f"{phone.shown(number)} is an IP telephone number (050), which the service excludes")
    return None


def is_wireless(line: Line) -> bool:
    """By kind or by number (K-10b)."""
    return line.kind is LineKind.WIRELESS or (line.number is not None and phone.is_wireless(line.number))


def line_of_home(line: Line, devices: Iterable[Device]) -> Refused | None:
    """K-10b: a wireless line only where a device of mobile form stands."""
    if is_wireless(line) and not any(device.form is Form.MOBILE for device in devices):
        shown = phone.shown(line.number) if line.number else line.kind.value
        return Refused("K-10b", f"{shown} is a wireless line: it needs a device of the form 携帯 in this home")
    return None


def device_on_lines(device: Device, lines: tuple[Line, ...]) -> Refused | None:
    """K-10b from the other side: a fixed device needs a line that is not wireless, once a line is known."""
    if device.form is Form.FIXED and lines and all(is_wireless(line) for line in lines):
        return Refused("K-10b", f"this home has only wireless lines; device {device.serial} has the form 固定")
    return None


def placing(device: Device, person: Subscriber, source: Source) -> Refused | None:
    """May the device be installed in this home? What stood there at the takeover (移行) is taken as it is."""
    if device.state not in INSTALLABLE:
        return Refused("K-9.7.2h", f"device {device.serial} is {device.state.value}, not 在庫 or 再生済")
    if device.category is Category.SERVICEHI and not person.welfare:
        return Refused("K-3.5", "a サービス費 device needs a subscriber of the 日常生活用具 scheme (--welfare)")
    if device.category is Category.SAIRIYO and source.kind is not SourceKind.TAKEOVER:
        if source.kind is not SourceKind.CITY:
            return Refused("K-9.2.3", "a 再利用 device is installed on the city's instruction: --source 市指示:NUMBER")
        if device.state is not DeviceState.REFURBISHED:
            return Refused("K-3.2", f"device {device.serial} has no re-generation record (state 再生済)")
    return None
