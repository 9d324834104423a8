"""How units of each format behave where they differ from a Contact ID unit: lengths and waits, each with its source.

What a unit says and what it waits for is its format's (`Format.send`, `.greeting`, `.kiss_off`); here is only what no
`Format` holds. What is not in the list is as with Contact ID: Express and High Speed by their sheets, others for want
of a source.
"""

from __future__ import annotations

import dataclasses
from typing import Final, TypedDict

from decoder.exchange import Format, Message
from decoder.formats import bs8521, stmf, tt92
from sim.tune import LONG_MS


class Habits(TypedDict, total=False):
    """Some of the settings of a unit (`panel.PanelSettings`)."""

    on_ms: float
    off_ms: float
    after_handshake_ms: float
    kiss_off_wait_ms: float
    kiss_off_min_ms: float
    kiss_off_max_ms: float
    attempts: int
    handshake_wait_s: float


_SOCIAL: Final[Habits] = {"on_ms": 80, "off_ms": 80}  # BS 8521 and its kin

HABITS: Final[dict[str, Habits]] = {
    bs8521.NAME: {
        **_SOCIAL,
        "after_handshake_ms": 80,  # behind the end of the request
        "kiss_off_wait_ms": 600,  # ± 30
        "kiss_off_min_ms": 40,  # 80 are sent
        "kiss_off_max_ms": bs8521.REQUEST_MS_LEAST,  # from here on it is a request
        "attempts": 5,  # and four times again
        "handshake_wait_s": 25,
    },
    tt92.NAME: {**_SOCIAL, "after_handshake_ms": 200},
    stmf.NAME: {"after_handshake_ms": 200},
}

BLIND_MS: Final = 4_000.0  # from dialling to the first sound, of a unit that nobody greets: two rings

OF_KEYS: Final = {
    "on_ms": "--on-ms",
    "off_ms": "--off-ms",
    "level_dbm0": "--level",
    "twist_db": "--twist",
    "offset_percent": "--offset",
    "wrong_digit": "--wrong-digit",
}
"""Settings that only digits of a keypad have, and their options."""


def of(form: Format) -> Habits:
    """The habits of a format's units; a kiss-off that is meant to be short is taken when it is."""
    kiss_off = [step.ms for step in form.kiss_off if step.hz]
    found: Habits = {"kiss_off_min_ms": 0.6 * kiss_off[0]} if len(kiss_off) == 1 and kiss_off[0] < LONG_MS else {}
    if not form.greeting:
        found["after_handshake_ms"] = BLIND_MS
    return {**found, **HABITS.get(form.name, {})}


def says(form: Format, message: Message) -> bool:
    """Whether the format can say this: some have no account, some no code."""
    try:
        form.encode(message)
    except ValueError:
        return False
    return True


def needless(form: Format, message: Message) -> str | None:
    """The first field of a message that makes no difference to what is sent: the format has none. None if all do."""
    unsaid, keys = Message("", ""), form.encode(message)
    for name, value in (("qualifier", message.qualifier), ("partition", message.partition), ("zone", message.zone)):
        default: str = getattr(unsaid, name)
        if value == default:
            continue
        without = dataclasses.replace(message, **{name: default})
        try:
            if form.encode(without) == keys:
                return name
        except ValueError:
            pass  # it cannot do without
    return None
