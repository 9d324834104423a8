"""From recordings of an unknown unit to a proposal of its profile, and of what is unsure about it. Pure.

    symbols ─▶ carrier ─▶ letters of the unit's side ─▶ runs ─▶ messages ─▶ start, fields, end ─▶ check
                                                     └▶ timing        tones of our side ─▶ greeting, acknowledgement

What is guessed too narrowly loses alarms: a digit that never changed in the recordings is not taken for fixed, only a
separator is. What is guessed at all is said to be so, in the file's own comments, for whoever knows the unit.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from decoder.check_search import Guess, search
from decoder.formats import pulse
from decoder.frame import Frame
from decoder.learning_carrier import Channel, Heard, Recording, carriers
from decoder.learning_fields import Layout, Part, layout_of
from decoder.learning_tones import answers
from decoder.letters import UNKNOWN
from decoder.profile_check import VALUES
from decoder.profiles import Carrier
from decoder.samples import from_ms, to_ms
from decoder.symbols import Pulse

__all__ = ["Channel", "Proposal", "Recording", "is_of_keys", "learn"]

MESSAGE_MIN: Final = 3  # letters; shorter runs are acknowledgements or somebody's finger
PAUSE_MIN_MS: Final = 150.0
PAUSE_USUAL_MS: Final = 300.0
WIDER: Final = 0.3  # of what was measured, in both directions: other units of the model differ
ALTERNATIVES: Final = 4  # told of the other carriers and checks that fit


@dataclass(frozen=True, slots=True)
class Proposal:
    """A profile as a table, and the remarks that belong to its keys.

    notes    key (as in "message.fields[1]", "" for the whole) → lines; those of `unsure` say what to look at
    heard    recordings in which a message was found
    """

    table: dict[str, object]
    notes: dict[str, list[str]]
    heard: int


@dataclass(slots=True)
class _Notes:
    """Remarks as they come up."""

    by_key: dict[str, list[str]] = field(default_factory=dict)

    def say(self, key: str, text: str) -> None:
        self.by_key.setdefault(key, []).append(text)

    def unsure(self, key: str, text: str) -> None:
        self.say(key, f"unsure: {text}")


def is_of_keys(recordings: Sequence[Recording]) -> bool:
    """Whether most of them hold keypad tones: then nobody need listen for modems."""
    found = carriers(recordings)
    return bool(found) and found[0].carrier is Carrier.KEYS and 2 * found[0].recordings > len(recordings)


def learn(recordings: Sequence[Recording], *, name: str = "learned", accounts: Collection[str] = ()) -> Proposal:
    """A profile for the unit in these recordings, each of one call of one unit.

    accounts: numbers of the units in them, where they are known
    Raises ValueError with one line if no messages are to be found in them.
    """
    notes = _Notes()
    found = carriers(recordings)
    if not found:
        raise ValueError("no keys, characters, pulses or tones were heard in these recordings")
    heard = found[0]
    for other in found[1:ALTERNATIVES]:
        notes.unsure("carrier", f"also heard: {other.words}")
    notes.say("carrier", f"heard: {heard.words}")
    if heard.mixed:
        notes.unsure("carrier", "both directions are in one channel: what is ours and what the unit's is a guess")
    if heard.carrier is Carrier.PULSES:
        return _pulses(name, heard, notes)
    end_pause_ms = _end_pause(heard, notes)
    calls = [_messages(runs) for runs in heard.runs(from_ms(end_pause_ms))]
    layout = layout_of(calls, heard, accounts)
    table: dict[str, object] = {"name": name, "carrier": heard.carrier.value}
    table |= heard.table
    _tones(table, heard, calls, notes, end_pause_ms)
    bodies = [body for call in layout.bodies for body in call]
    guess = _check(table, layout, bodies, heard, notes)
    fields = layout.fields(guess)
    if all("value" in one or one["name"] == "check" for one in fields):
        raise ValueError(f"heard {heard.words}, but nothing in their messages that says anything")
    for key, text in dict.fromkeys(layout.notes):
        notes.say(key, text)
    table["message"] = {"start": layout.start, "end": layout.end, "fields": fields}
    if guess is None:
        _repeats(table, layout, notes)
    table["timing"] = _timing(heard, end_pause_ms, notes)
    _codes(layout, fields, notes)
    return Proposal(table, notes.by_key, sum(bool(call) for call in layout.bodies))


def _end_pause(heard: Heard, notes: _Notes) -> float:
    """The pause that ends a message: half-way, in ratio, between those inside messages and those between them."""
    offs = sorted(max(off, 1.0) for off in heard.offs_ms())
    usual = 100.0 if heard.carrier is Carrier.FSK else PAUSE_USUAL_MS
    steps = [
        (high / low, low, high) for low, high in itertools.pairwise(offs) if high >= PAUSE_MIN_MS and high > 1.8 * low
    ]
    if not steps:
        pause = max(usual, 2 * offs[-1]) if offs else usual
        notes.unsure("timing.end_pause_ms", "no pause between messages was heard, only pauses inside them")
        return min(round(pause, -1), 5_000.0)
    _, low, high = max(steps)
    notes.say("timing.end_pause_ms", f"pauses up to {low:.0f} ms inside messages, from {high:.0f} ms between them")
    return max(min(round(math.sqrt(low * high), -1), max(usual, 2 * low), 5_000.0), 50.0)


def _messages(runs: Sequence[str]) -> list[str]:
    """Runs that may be messages: whole, and not a key or two."""
    return [run for run in runs if len(run) >= MESSAGE_MIN and UNKNOWN not in run]


def _tones(
    table: dict[str, object], heard: Heard, calls: Sequence[Sequence[str]], notes: _Notes, end_pause_ms: float
) -> None:
    """Greeting and acknowledgement, from the other direction."""
    for key, of_calls in answers(heard, from_ms(end_pause_ms)).items():
        if not of_calls.steps:
            notes.unsure(key, f"nothing was heard from our side {of_calls.where}")
            continue
        table[key] = of_calls.steps
        if of_calls.count < sum(bool(call) for call in calls) or of_calls.kinds > 1:
            notes.unsure(key, f"heard so in {of_calls.count} recordings, {of_calls.kinds} different ones in all")
        else:
            notes.say(key, f"heard so in {of_calls.count} recordings")
        if heard.mixed:
            notes.unsure(key, "it may be the unit's own: both directions are in one channel")


def _check(
    table: dict[str, object], layout: Layout, bodies: Sequence[str], heard: Heard, notes: _Notes
) -> Guess | None:
    """The check, if one is certain enough; the others are told of."""
    distinct = len(set(bodies))
    if layout.variable:
        notes.unsure("check", "messages differ in length: a check was not looked for")
        return None
    guesses = [
        guess
        for guess in search(bodies, layout.start, octets=heard.carrier is Carrier.FSK)
        if not guess.without_last or layout.parts[guess.place - 1] is Part.SEPARATOR
    ]
    believed = next((guess for guess in guesses if guess.is_believed), None)
    told: list[tuple[str, int]] = []
    for guess in guesses:
        kind = (guess.check.kind, guess.check.modulo)
        if kind in told or len(told) == ALTERNATIVES:
            continue  # the same rule on another letter, or with values that differ by a constant
        told.append(kind)
        place = f"letter {guess.place + 1} behind the start"
        chance = f"holds in all {guess.messages} different messages, by accident with a chance of {guess.chance:.1g}"
        if guess is believed:
            notes.say("check", f"{_rule(guess)}, {place}: {chance}")
        else:
            notes.unsure("check", f"may be {_rule(guess)}, {place}: {chance}")
    if believed is not None and believed.check.complement:
        notes.unsure("check", "such a sum is the same whichever letter is the check: taken for the last")
    if believed is None:
        if not guesses:
            notes.unsure("check", f"none found that holds in {distinct} different messages")
        return None
    check = believed.check
    said: dict[str, object] = {"kind": check.kind, "form": check.form}
    if check.kind == "sum":
        said |= {"modulo": check.modulo, "complement": check.complement}
    if check.offset:
        said["offset"] = check.offset
    if check.kind in ("sum", "xor"):
        said["values"] = believed.values
    if believed.with_start or believed.without_last:
        said["over"] = layout.summed(believed)
    table["check"] = said
    return believed


def _rule(guess: Guess) -> str:
    check = guess.check
    if check.kind == "sum":
        how = "complement of the sum" if check.complement else "sum"
        values = "" if VALUES[guess.values] is VALUES["octets"] else f" of {guess.values} values"
        return f"{how}{values} modulo {check.modulo}" + (f" and {check.offset}" if check.offset else "")
    return check.kind + (f" and {check.offset}" if check.offset else "")


def _repeats(table: dict[str, object], layout: Layout, notes: _Notes) -> None:
    """Without a check a message must be heard twice."""
    calls = [call for call in layout.bodies if call]
    twice = sum(any(one == other for one, other in itertools.pairwise(call)) for call in calls)
    table["repeats"] = 2
    if twice < len(calls):
        notes.unsure(
            "repeats",
            f"sent twice in a row in {twice} of {len(calls)} recordings; a unit that never repeats itself needs 1, "
            "and then nothing tells a wrong message from a right one",
        )


def _timing(heard: Heard, end_pause_ms: float, notes: _Notes) -> dict[str, object]:
    timing: dict[str, object] = {}
    if heard.carrier is Carrier.KEYS:
        inside = [off for off in heard.offs_ms() if 0 <= off < end_pause_ms]
        for key, values, least in (("on_ms", heard.ons_ms(), 10.0), ("off_ms", inside, 0.0)):
            if values:
                low, high = min(values), max(values)
                notes.say(f"timing.{key}", f"measured: {low:.0f} to {high:.0f} ms")
                wide = [max(round(one / 5) * 5.0, least) for one in (low * (1 - WIDER), high * (1 + WIDER) + 5)]
                timing[key] = [wide[0], min(wide[1], end_pause_ms * 0.95)] if key == "off_ms" else wide
    timing["end_pause_ms"] = end_pause_ms
    return timing


def _codes(layout: Layout, fields: Sequence[dict[str, object]], notes: _Notes) -> None:
    """The device codes that were heard: what they mean only a person knows."""
    heard = layout.values_of("code", fields)
    for code, count in sorted(Counter(heard).items()):
        times = "once" if count == 1 else f"{count} times"
        notes.unsure("codes", f"{code!r} was heard {times}; what it means only its maker's manual or a trial says")


def _pulses(name: str, heard: Heard, notes: _Notes) -> Proposal:
    """The layout whose reader finds messages in most recordings."""
    table: dict[str, object] = {"name": name, "carrier": heard.carrier.value}
    pulses = [[one for one in symbols if isinstance(one, Pulse)] for symbols in heard.symbols]
    scores = {layout.name: sum(_reads(layout, own) for own in pulses) for layout in pulse.LAYOUTS}
    best = max(scores, key=lambda layout: scores[layout])
    if not scores[best]:
        raise ValueError("pulses were heard, but no rounds that agree in any layout; yobirin decode shows what")
    for other, count in scores.items():
        if count and other != best:
            notes.unsure("pulses", f"{other} would fit {count} recordings, too")
    steps = sorted(second.start - first.start for own in pulses for first, second in itertools.pairwise(own))
    period = steps[len(steps) // 4]
    hz = sorted(one.hz for own in pulses for one in own)
    table["pulses"] = {
        "layout": best.removeprefix("pulse-"),
        "pps": round(min(max(8_000 / period, 8), 44)),
        "hz": float(min(max(round(hz[len(hz) // 2], -1), 1700), 2000)),
    }
    notes.say("pulses", f"{to_ms(period):.0f} ms from pulse to pulse; {scores[best]} recordings agree")
    _tones(table, heard, [["pulses"] if own else [] for own in pulses], notes, 2_000.0)
    return Proposal(table, notes.by_key, scores[best])


def _reads(layout: pulse.Layout, own: Sequence[Pulse]) -> bool:
    reader = pulse.Reader(layout, layout.name)
    results = [result for one in own for result in reader.hear(one)]
    return any(isinstance(result, Frame) for result in results + reader.tick(1 << 40))
