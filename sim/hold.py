"""How long the shortest call with one event can be, by its format: what no receiver can hold a line for less.

    off hook ─ 0.5 s ─ greeting ─ unit's wait ─ its message ─ 0.1 s ─ kiss-off ─ 0.3 s ─ on hook

What the unit does it does at its own pace; what we do is at the standard's shortest. Behind the kiss-off a unit begins
its next message within 0.3 s: only then is it known that there is none. Contact ID: SIA DC-05 (a kiss-off of 0.75 s
at least). Of formats whose sheet gives no shortest tone it is the tone that we play.
"""

from __future__ import annotations

from typing import Final

from decoder.exchange import Format, ToneStep
from decoder.formats import contact_id
from sim.panel import Panel

ANSWER_MS: Final = 500.0  # SIA DC-05: 0.5 to 2 s
BEFORE_KISS_OFF_MS: Final = 100.0  # the unit switches to listening
NEXT_MESSAGE_MS: Final = 300.0  # SIA DC-05: 250 to 300 ms
KISS_OFF_MS: Final[dict[tuple[ToneStep, ...], float]] = {contact_id.KISS_OFF: 750.0}  # SIA DC-05: 750 to 1000 ms


def shortest_ms(form: Format, panel: Panel) -> float:
    """From off hook to on hook, of a call in which this unit tells all its messages."""
    listens = ANSWER_MS + length_ms(form.greeting)
    told = sum(panel.length_ms(part) + BEFORE_KISS_OFF_MS + kiss_off_ms(form) for part in panel.parts)
    waits = panel.settings.after_handshake_ms + (len(panel.parts) - 1) * NEXT_MESSAGE_MS
    return listens + waits + told + NEXT_MESSAGE_MS


def kiss_off_ms(form: Format) -> float:
    return KISS_OFF_MS.get(form.kiss_off, length_ms(form.kiss_off))


def length_ms(steps: tuple[ToneStep, ...]) -> float:
    return sum(step.ms for step in steps)
