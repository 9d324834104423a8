"""SCAIP: what a request becomes: a frame, or a puzzle for a person, and the number that answers it. Pure.

    code       ME/0003/0016    kind of message, device, status; ME/0003: no status, the device calls for help;
               ??/????         nobody can tell
    partition  dco             component, 3 digits        zone  did    which device
    qualifier  3 where the status says that something is over or well again, else 1

An error number goes to a unit only where nobody can tell who it is or what it says, and it is stored all the same. What
may name somebody is given apart, to be sealed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Final

from decoder.codes import scaip as codes
from decoder.frame import Frame, Qualifier
from drivers.ip.dc09 import printable
from drivers.ip.scaip import CODES, TEXTS, Answer, Mrq, Unreadable

FORMAT: Final = "scaip"
UNKNOWN_MESSAGE: Final = "??"
UNKNOWN_DEVICE: Final = "????"
SHOWN_MAX: Final = 2_000  # octets of what nobody can read
_DIALLED: Final = re.compile(r"(?:([a-z-]+):)?\s*(\+?[0-9][0-9 ().\-]{2,30})")
_SPOKEN: Final = ("pots", "pstn", "tel", "gsm", "mobile", "")
_TAG: Final = re.compile("[a-z0-9_.-]{1,32}")
_LENGTHS: Final = {
    "ref": 16,
    "cid": 32,
    "did": 16,
    "dte": 32,
    "crd": 256,
    "stt": 32,
    "lte": 32,
    "ite": 128,
    "ame": 1_300,
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What a request says, and the number that answers it. frame None: nobody can tell whose it is; `why` says so.

    text: without what may name somebody, and that in `private`
    """

    answer: Answer
    frame: Frame | None
    text: str
    why: str = ""
    private: dict[str, str] = field(default_factory=dict)


def reading(mrq: Mrq) -> Reading:
    """A request whose form is right. One of a known sender that says nothing known is a frame without a device."""
    device, status = mrq.number("dty", 4), mrq.number("stc", 4)
    text, private = _open_text(mrq), _private(mrq)
    wrong, answer = "", Answer.OK if mrq.reference else Answer.REFERENCE_MISSING
    for name, value, form in (
        ("cid", mrq.controller, "[0-9A-Z]{1,32}"),
        ("dty", device, "[0-9]{4}"),
        ("stc", status, "[0-9]{4}|"),
        ("mty", mrq.message, "[A-Z]{2}"),
    ):
        if not wrong and not re.fullmatch(form, value):
            answer = Answer.WRONG_CONTENT if value else Answer.MANDATORY_TAG_MISSING
            wrong = f"{name} is {value[:40]!r}" if value else f"{name} is missing"
    if wrong.startswith("cid"):
        return Reading(answer, None, _all_text(mrq), wrong)
    code = (mrq.message, device, status) if not wrong else (UNKNOWN_MESSAGE, UNKNOWN_DEVICE)
    text = f"{text} ({wrong})" if wrong else text
    return Reading(answer, _frame(text, mrq.controller, code, mrq, _notes(mrq)), text, wrong, private)


def guessed(body: Unreadable, octets: bytes) -> Reading:
    """A body that cannot be read: a frame of whoever it names, as far as that can be seen, else a puzzle."""
    shown = printable(octets[:SHOWN_MAX])
    if not body.controller:
        return Reading(body.answer, None, shown, body.why)
    text = f"cid={body.controller} ({body.why})"
    frame = _frame(text, body.controller, (UNKNOWN_MESSAGE, UNKNOWN_DEVICE), Mrq({}), [body.why])
    return Reading(body.answer, replace(frame, account_recovered=True), text, body.why, {"body": shown})


def _frame(text: str, account: str, code: tuple[str, ...], mrq: Mrq, notes: list[str]) -> Frame:
    status = code[2] if len(code) > 2 else ""
    qualifier = Qualifier.RESTORE if status and codes.status(status).restores else Qualifier.NEW
    return Frame(
        FORMAT,
        text,
        account,
        qualifier.value,
        "/".join(filter(None, code)),
        _short(mrq.number("dco", 3)),
        _short(mrq.first("did")),
        0,
        0,
        1.0,
        note="; ".join(notes),
    )


def is_heartbeat(mrq: Mrq) -> bool:
    """A sign of life that says nothing else."""
    return mrq.message == "PI" and not mrq.first("stc")


def words(mrq: Mrq) -> str:
    """What it says, in English, without what may name somebody."""
    code = f"{mrq.message}/{mrq.number('dty', 4)}/{mrq.number('stc', 4)}"
    said = codes.words(code, mrq.number("dco", 3)).english
    return f"{said}, {codes.location(mrq.number('lco', 3)).english}" if mrq.first("lco") else said


def _notes(mrq: Mrq) -> list[str]:
    notes = [words(mrq)]
    if not mrq.reference:
        notes.append("reference missing")
    if mrq.repaired:
        notes.append("a bare ampersand was read as one")
    long = [name for name, most in _LENGTHS.items() if any(len(one) > most for one in mrq.fields.get(name, ()))]
    if long:
        notes.append(f"longer than they may be: {', '.join(long)}")
    strange = [name for name in mrq.fields if name not in CODES and name not in TEXTS and _TAG.fullmatch(name)]
    if strange:
        notes.append(f"fields that nobody knows: {', '.join(strange[:10])}")
    return notes


def _open_text(mrq: Mrq) -> str:
    """The fields that name nobody, as they came: `ref=A1 mty=ME cid=12345 dty=0003`."""
    found = ((name, value) for name in CODES for value in mrq.fields.get(name, ()))
    return " ".join(f"{name}={_short(value)}" for name, value in found)


def _all_text(mrq: Mrq) -> str:
    """Everything, as it came, as far as a person will read it."""
    return " ".join(f"{name}={_short(value)}" for name, values in mrq.fields.items() for value in values)[:SHOWN_MAX]


def _private(mrq: Mrq) -> dict[str, str]:
    """All else, and the first number at which somebody can be called."""
    table = {
        name if name in TEXTS else f"other {name}": "\n".join(values)  # nobody's field may pass for one of ours
        for name, values in mrq.fields.items()
        if name not in CODES and any(values)
    }
    if number := next(filter(None, map(_dialled, mrq.fields.get("crd", ()))), ""):
        table["caller"] = number
    return table


def _dialled(data: str) -> str:
    found = _DIALLED.fullmatch(data.strip().lower())
    if found is None or (found[1] or "") not in _SPOKEN:
        return ""
    return re.sub(r"[^0-9+]", "", found[2])


def _short(value: str) -> str:
    shown = value if value.isprintable() and " " not in value else ascii(value)
    return shown if len(shown) <= 64 else f"{shown[:64]}…"
