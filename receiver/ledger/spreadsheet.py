"""Subscribers as CSV: what a city hands over, and what we hand out.

Columns have Japanese names and English ones; their order is free. Reading turns a row into the
arguments of `subscriber.import` and judges nothing: a cell that cannot be understood goes on as it
stands, so that one place (`decide`) names every bad row.
"""

from __future__ import annotations

import csv
import difflib
import io
import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any, Final

from receiver.ledger.card import Card
from receiver.ledger.values import Contact

BYTES_MAX: Final = 20_000_000
RANKS: Final = (1, 2, 3)  # cooperators and contacts that have columns
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
YES: Final = frozenset({"1", "○", "◯", "〇", "有", "あり", "はい", "要", "true", "yes"})
NO: Final = frozenset({"", "0", "×", "無", "なし", "いいえ", "不要", "false", "no"})

# Japanese heading, English heading (and name of the field), part of the row, other headings
COLUMNS: Final[tuple[tuple[str, str, str, tuple[str, ...]], ...]] = (
    ("ID番号", "id_number", "subscriber", ("id", "利用者番号")),
    ("市", "city", "subscriber", ("市名",)),
    ("日常生活圏域", "zone", "subscriber", ("圏域",)),
    ("氏名", "name", "subscriber", ("名前",)),
    ("フリガナ", "kana", "subscriber", ("カナ", "ふりがな", "氏名カナ")),
    ("性別", "sex", "subscriber", ()),
    ("生年月日", "birth", "subscriber", ()),
    ("住所", "address", "subscriber", ()),
    ("電話番号", "phone", "subscriber", ("電話", "電話番号1")),
    ("電話番号2", "phone2", "subscriber", ()),
    ("電話番号3", "phone3", "subscriber", ()),
    ("FAX番号", "fax", "subscriber", ("fax",)),
    ("FAX対応", "needs_fax", "subscriber", ()),
    ("日常生活用具", "welfare", "subscriber", ()),
    ("状態", "status", "subscriber", ()),
    ("同居者ID番号", "lives_with", "subscriber", ()),
    ("訪問時注意", "access_notes", "subscriber", ()),
    ("鍵の場所", "key_place", "subscriber", ()),
    ("備考", "notes", "subscriber", ()),
    *(
        (f"{title}{rank}{part}", f"{field}{rank}_{name}", "subscriber", ())
        for title, field in (("協力員", "cooperator"), ("緊急連絡先", "contact"))
        for rank in RANKS
        for part, name in (("氏名", "name"), ("続柄", "relation"), ("電話", "phone"), ("鍵", "key"))
    ),
    ("装置番号", "serial", "device", ("製造番号",)),
    ("通報コード", "account", "device", ("アカウント",)),
    ("型式", "model", "device", ()),
    ("プロファイル", "profile", "device", ()),
    ("区分", "category", "device", ("装置区分",)),
    ("所有者", "owner", "device", ()),
    ("形態", "form", "device", ()),
    ("定時通報日", "anchor_day", "device", ()),
    ("定時通報時刻", "anchor_time", "device", ()),
    ("設置日", "installed_on", "install", ()),
    ("回線番号", "line_number", "phone_line", ()),
    ("回線種別", "line_kind", "phone_line", ()),
    ("回線事業者", "carrier", "phone_line", ()),
)
MANDATORY: Final = ("id_number", "city", "zone", "name", "kana", "address")
CONTACT_FIELDS: Final = {"name": "name", "relation": "relation", "phone": "phones", "key": "keeps_key"}


def decoded(content: bytes) -> str:
    """UTF-8 (with or without mark) or Windows' Shift_JIS (cp932); ValueError if it is neither."""
    if len(content) > BYTES_MAX:
        raise ValueError(f"larger than {BYTES_MAX // 1_000_000} MB; split it")
    for encoding in ("utf-8-sig", "cp932"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ValueError("neither UTF-8 nor Windows Shift_JIS (cp932); save it as 'CSV UTF-8'")


def read(content: bytes) -> list[dict[str, Any]]:
    """Rows for `subscriber.import`, each with its `line` in the file; ValueError if it is no such CSV."""
    reader = csv.reader(io.StringIO(decoded(content), newline=""), strict=True)
    rows: list[dict[str, Any]] = []
    try:
        names = _header(next(reader, []))
        line = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append({"line": line, **_row(names, cells)})
            line = reader.line_num + 1
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}") from None
    if not rows:
        raise ValueError("holds no rows below its heading")
    return rows


def _header(cells: list[str]) -> list[tuple[str, str]]:
    """(field, part) of each column; every heading must be known, and the mandatory ones there."""
    known = {_plain(title): (field, part) for ja, field, part, more in COLUMNS for title in (ja, field, *more)}
    found: list[tuple[str, str]] = []
    for cell in cells:
        if (column := known.get(_plain(cell))) is None:
            near = difflib.get_close_matches(_plain(cell), known, 1, cutoff=0.5)
            raise ValueError(f"line 1: unknown column {cell[:40]!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        if column in found:
            raise ValueError(f"line 1: column {cell!r} stands there twice")
        found.append(column)
    titles = {field: ja for ja, field, _, _ in COLUMNS}
    if missing := [titles[name] for name in MANDATORY if name not in {field for field, _ in found}]:
        raise ValueError(f"line 1: column {missing[0]} is missing")
    return found


def _row(names: list[tuple[str, str]], cells: list[str]) -> dict[str, Any]:
    parts: dict[str, dict[str, Any]] = {"subscriber": {}, "device": {}, "install": {}, "phone_line": {}}
    for (field, part), cell in zip(names, cells, strict=False):
        if cell.strip():
            parts[part][field] = _unguarded(cell)
    if len(cells) > len(names):
        parts["subscriber"][f"cell {len(names) + 1}"] = "more cells than columns"
    person, line = parts["subscriber"], parts["phone_line"]
    person["phones"] = [person.pop(name) for name in ("phone", "phone2", "phone3") if name in person]
    person |= {kind + "s": _contacts(person, kind) for kind in ("cooperator", "contact")}
    if line and "line_number" not in line and person["phones"]:
        line["line_number"] = person["phones"][0]
    renamed = {"line_number": "number", "line_kind": "kind"}
    parts["phone_line"] = {renamed.get(name, name): value for name, value in line.items()}
    for values in parts.values():
        values |= {name: CONVERSIONS[name](value) for name, value in values.items() if name in CONVERSIONS}
    return parts


def _contacts(person: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """Take the columns of one kind of contact out of the row, in order of rank."""
    found = []
    for rank in RANKS:
        values = {name: person.pop(f"{kind}{rank}_{name}", None) for name in CONTACT_FIELDS}
        contact: dict[str, Any] = {CONTACT_FIELDS[name]: value for name, value in values.items() if value is not None}
        if "phones" in contact:
            contact["phones"] = re.split(r"[、,;；/／]", contact["phones"])
        if "keeps_key" in contact:
            contact["keeps_key"] = _flag(contact["keeps_key"])
        if contact:
            found.append(contact)
    return found


def write(cards: Iterable[Card]) -> str:
    """The cards as CSV with Japanese headings; the first device and line of each. `read` understands it again.

    No cell can be taken for a formula by a spreadsheet: such ones begin with an apostrophe.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([ja for ja, _, _, _ in COLUMNS])
    for card in cards:
        values = _cells(card)
        writer.writerow([_guarded(values.get(field, "")) for _, field, _, _ in COLUMNS])
    return out.getvalue()


def _cells(card: Card) -> dict[str, str]:
    person, values = card.subscriber, {}
    for name in ("id_number", "zone", "name", "kana", "address", "fax", "access_notes", "key_place", "notes"):
        values[name] = getattr(person, name)
    values |= {"city": person.city.value, "status": person.status.value, "welfare": "○" if person.welfare else ""}
    values |= {"sex": person.sex.value if person.sex else "", "birth": person.birth.isoformat() if person.birth else ""}
    values |= {"needs_fax": "○" if person.needs_fax else ""}
    values |= dict(zip(("phone", "phone2", "phone3"), person.phones, strict=False))
    head = next((one for one in card.household if one.subject == person.lives_with), None)
    values["lives_with"] = head.id_number if head else ""
    for kind, contacts in (("cooperator", person.cooperators), ("contact", person.contacts)):
        for rank, contact in zip(RANKS, contacts, strict=False):
            values |= {f"{kind}{rank}_{name}": cell for name, cell in _contact_cells(contact).items()}
    own = [(one, on) for one, on in zip(card.devices, card.installed_on, strict=True) if not person.lives_with]
    for device, installed_on in own[:1]:
        values |= {name: str(getattr(device, name) or "") for name in ("serial", "account", "model", "profile")}
        values |= {"category": device.category.value, "owner": device.owner.value, "form": device.form.value}
        values |= {"anchor_day": str(device.anchor_day), "anchor_time": device.anchor_time or ""}
        values["installed_on"] = installed_on.isoformat()
    for line in [line for line in card.lines if line.subject == person.subject][:1]:
        values |= {"line_number": line.number or "", "line_kind": line.kind.value, "carrier": line.carrier}
    return values


def _contact_cells(contact: Contact) -> dict[str, str]:
    key = "○" if contact.keeps_key else ""
    return {"name": contact.name, "relation": contact.relation, "phone": "、".join(contact.phones), "key": key}


def _guarded(cell: str) -> str:
    return "'" + cell if cell.lstrip("'").startswith(FORMULA) else cell


def _unguarded(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(FORMULA) else cell


def _plain(title: str) -> str:
    return "".join(unicodedata.normalize("NFKC", title).casefold().split())


def _flag(cell: str) -> bool | str:
    word = _plain(cell)
    return True if word in {_plain(one) for one in YES} else False if word in NO else cell


def _day(cell: str) -> str:
    """`1931/2/3` and `1931年2月3日` as ISO; anything else as it stands."""
    match = re.fullmatch(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?", unicodedata.normalize("NFKC", cell).strip())
    return f"{match[1]}-{match[2]:0>2}-{match[3]:0>2}" if match else cell


def _time(cell: str) -> str:
    match = re.fullmatch(r"(\d{1,2}):(\d{2})(:00)?", unicodedata.normalize("NFKC", cell).strip())
    return f"{match[1]:0>2}:{match[2]}" if match else cell


def _number(cell: str) -> int | str:
    digits = unicodedata.normalize("NFKC", cell).strip().removesuffix("日")
    return int(digits) if re.fullmatch(r"[0-9]{1,4}", digits) else cell


CONVERSIONS: Final[dict[str, Callable[[str], Any]]] = {
    "needs_fax": _flag,
    "welfare": _flag,
    "birth": _day,
    "installed_on": _day,
    "anchor_time": _time,
    "anchor_day": _number,
    "city": str.strip,
    "sex": str.strip,
    "status": str.strip,
    "category": str.strip,
    "owner": str.strip,
    "form": str.strip,
    "kind": str.strip,
}
