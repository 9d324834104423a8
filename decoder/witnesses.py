"""Keys that arrive twice, in the sound and beside it (RFC 4733, SIP INFO), as one stream of digits.

    sent       |▆▆▆5▆▆▆|      |▆▆▆5▆▆▆|      |▆▆▆8▆▆▆|
    sound      |▆5|                          |▆8|  |8|      a gateway lets the first 20 to 40 ms pass, at times the end
    events        |▆▆▆5▆▆▆|      |▆▆▆5▆▆▆|                  all of them late by about the same; some never come
    merged     |▆▆▆5▆▆▆|      |▆▆▆5▆▆▆|      |▆8▆▆▆|

An event is one press, whatever it leaves in the sound. How late the events of a call are is found from the pairs that
agree (`lateness.py`); keys of both are then paired in their order. What is left of the sound is a piece of a press
already told, the other side of a disagreement, or a press whose event never came; what is left of the events is a press
that left nothing in the sound. Where sound and event name different keys, nobody guesses: the digit is in doubt, and
`named` says which keys it may be.
Facts: RFC 4733; `Q.24` has a receiver act on 40 ms of tone; digits by SIP INFO have no standard.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median
from typing import Final

from decoder.lateness import EVENTS, INFOS, Timing, lag_of, paired
from decoder.samples import from_ms
from decoder.symbols import KEYS, Digit, Row, Symbol, Witness, place_of

DOUBTFUL: Final = 0.4  # below every format's DOUBT
TOLD_WRONG: Final = 7.0  # nats: an event's key is another than the one pressed once in a thousand times
SHORT: Final = from_ms(40)  # of tone, or less: too little to contradict an event
BREAK: Final = from_ms(15)  # behind an event's end what begins may still be its tone
PAUSE: Final = from_ms(20)  # kept free before the next digit, whatever an event says of its length
TOLD_MAX: Final = from_ms(2500)  # what an event says of its length beyond is not believed
TWICE: Final = from_ms(40)  # nobody presses a key again so soon: a sender that repeats itself
STEADY_OF_PACE: Final = 0.75  # of a unit's steady pace: before that, the same key again is the same press
NEAR_OF_PACE: Final = 0.45
NEAR: Final = from_ms(50)  # where there is no pace: two keys begun within it are one press
PACE_MAX: Final = from_ms(1000)
PACE_LEAST: Final = 4  # intervals


@dataclass(frozen=True, slots=True)
class Press:
    """One key press: what it is taken for, and what the witnesses said of it."""

    digit: Digit
    said: tuple[Digit, ...]


def merge(in_band: Sequence[Digit], events: Sequence[Digit]) -> list[Digit]:
    """The keys pressed, each once, in their order. in_band: `SOUND`; events: `EVENT` and `INFO`, in any order.

    A digit that both tell has the witness `BOTH`, and its place in time from the sound; one that only events tell is
    moved to where its sound would stand, and is given the level of the sound around it.
    """
    return [press.digit for press in presses(in_band, events)]


def presses(in_band: Sequence[Digit], events: Sequence[Digit]) -> list[Press]:
    """As `merge`, with what each digit was made of."""
    told = _once([digit for digit in events if digit.witness is not Witness.INFO])
    infos = _ordered([digit for digit in events if digit.witness is Witness.INFO])
    beside = _joined(told, infos, INFOS) if told else infos
    return _joined(_ordered(in_band), beside, EVENTS if told else INFOS)


def named(digit: Digit) -> str:
    """The keys that witnesses name where they disagree: two; else the digit's own."""
    if digit.witness is Witness.SOUND or digit.confidence > DOUBTFUL:
        return digit.key
    return "".join(key for key, nats in zip(KEYS, digit.likelihoods, strict=False) if nats == 0.0) or digit.key


def _ordered(digits: Sequence[Digit]) -> list[Press]:
    return [Press(digit, (digit,)) for digit in sorted(digits, key=lambda one: one.start)]


def _once(digits: Sequence[Digit]) -> list[Press]:
    """Events in order, without those that begin together with another of the same key."""
    kept: list[Press] = []
    last: dict[str, int] = {}
    for press in _ordered(digits):
        digit = press.digit
        if digit.start - last.get(digit.key, -TWICE) >= TWICE:
            kept.append(press)
            last[digit.key] = digit.start
    return kept


@dataclass(slots=True)
class _Told:
    """A press that the second witness tells: where its sound begins, and the pieces of sound that are its own."""

    press: Press
    start: int
    pieces: list[Press]


@dataclass(frozen=True, slots=True)
class _Pace:
    """How fast keys follow each other. steady: samples from one to the next, None where a person presses them."""

    steady: int | None

    @property
    def near(self) -> int:
        """Closer than this, two keys cannot both have been pressed."""
        return NEAR if self.steady is None else round(self.steady * NEAR_OF_PACE)

    def covers(self, length: int) -> int:
        """From its beginning so long the same key again is the same press, if it is told to last `length`."""
        if self.steady is not None:
            return round(self.steady * STEADY_OF_PACE)
        return min(length, TOLD_MAX) + BREAK


def _joined(first: list[Press], second: list[Press], timing: Timing) -> list[Press]:
    """The presses of both. first: what may come in pieces, and says when; second: one for each press."""
    if not second:
        return first
    heard, said = [one.digit for one in first], [one.digit for one in second]
    lag = lag_of(heard, said, timing)
    pace = _pace(heard, [] if timing.by_order and heard else said, lag)
    first = _pieced(first, pace)
    heard = [one.digit for one in first]
    spread = timing.spread if timing.by_order else min(timing.spread, pace.near)
    pairs = paired(heard, said, lag, spread)
    if pairs:
        lag = round(median(said[of].start - heard[at].start for of, at in pairs.items()))
        pairs = paired(heard, said, lag, spread)
    told = [_Told(press, start, []) for press, start in zip(second, _places(heard, said, pairs, lag), strict=True)]
    for of, at in pairs.items():
        told[of].pieces.append(first[at])
    believed = _believed(said)
    taken = set(pairs.values())
    alone = _shared_out([press for at, press in enumerate(first) if at not in taken], told, pace, believed)
    own = [_told_and_heard(one, pace, believed) for one in told]
    presses = sorted([*own, *alone], key=lambda press: press.digit.start)
    if timing.by_order:
        presses = _order_in_doubt(presses, spread)
    return _levelled(_parted(presses))


def _pace(heard: Sequence[Digit], said: Sequence[Digit], lag: int) -> _Pace:
    """From one key to the next other one: pieces of one press have one key, so they cannot mislead.

    Where one key is pressed again and again, from event to event.
    """
    starts = sorted([(digit.start, digit.key) for digit in heard] + [(digit.start - lag, digit.key) for digit in said])
    firsts = [starts[0][0], *(after[0] for before, after in pairwise(starts) if before[1] != after[1])]
    for places in (firsts, [digit.start for digit in said]):
        steps = sorted(step for step in (after - before for before, after in pairwise(places)) if step <= PACE_MAX)
        if len(steps) >= PACE_LEAST:
            pace = steps[len(steps) // 4]
            alike = sum(abs(step - pace) <= pace // 4 for step in steps)
            return _Pace(pace if pace >= TWICE and 2 * alike >= len(steps) else None)
    return _Pace(None)


def _pieced(heard: list[Press], pace: _Pace) -> list[Press]:
    """Presses of which start and end leaked as one: a unit with a steady pace does not press a key again so soon."""
    if pace.steady is None:
        return heard
    presses: list[Press] = []
    for piece in heard:
        begun = presses[-1] if presses else None
        if begun and piece.digit.key == begun.digit.key and piece.digit.start - begun.digit.start < pace.covers(0):
            clear = max(begun.digit, piece.digit, key=_length)
            whole = replace(clear, start=begun.digit.start, end=max(begun.digit.end, piece.digit.end))
            presses[-1] = Press(whole, begun.said + piece.said)
        else:
            presses.append(piece)
    return presses


def _places(heard: Sequence[Digit], said: Sequence[Digit], pairs: dict[int, int], lag: int) -> list[int]:
    """Where each of `said` began on the clock of `heard`: between its neighbours, as late as the nearest pair."""
    places = [0] * len(said)
    following: list[int | None] = [None] * len(said)
    after: int | None = None
    for of in reversed(range(len(said))):
        following[of] = after
        after = heard[pairs[of]].start if of in pairs else after
    before: int | None = None
    for of, digit in enumerate(said):
        if of in pairs:
            places[of] = before = heard[pairs[of]].start
            continue
        place, behind = digit.start - lag, following[of]
        if behind is not None:
            place = min(place, behind - PAUSE)
        if before is not None:
            place = max(place, before + PAUSE)
        places[of] = before = place
    return places


def _believed(said: Sequence[Digit]) -> bool:
    """Whether the lengths told can be true: no key is still pressed when the next one is."""
    return all(before.end <= after.start + BREAK for before, after in pairwise(said))


def _shared_out(pieces: list[Press], told: list[_Told], pace: _Pace, believed: bool) -> list[Press]:
    """Give each piece of sound left over to the press it belongs to; returns the presses of their own."""
    alone: list[Press] = []
    at = 0
    for piece in pieces:
        while at < len(told) and told[at].start <= piece.digit.start:
            at += 1
        for one in told[max(at - 2, 0) : at + 1]:
            if _is_part(piece.digit, one, pace, believed) or _is_contradicted(piece.digit, one, pace):
                one.pieces.append(piece)
                break
        else:
            alone.append(piece)
    return alone


def _is_part(piece: Digit, told: _Told, pace: _Pace, believed: bool) -> bool:
    """Whether it is the beginning or the end of a tone that is told already."""
    length = _length(told.press.digit) if believed else 0
    length = max([length, *(own.digit.end - told.start for own in told.pieces)])
    late = piece.start - told.start
    if piece.key == told.press.digit.key:
        return -pace.covers(_length(piece)) < late < pace.covers(length)
    return _is_unsure(piece) and 0 <= late < pace.covers(length) - BREAK


def _is_contradicted(piece: Digit, told: _Told, pace: _Pace) -> bool:
    """Whether it is the same press by another name."""
    return not told.pieces and piece.key != told.press.digit.key and abs(piece.start - told.start) < pace.near


def _is_unsure(piece: Digit) -> bool:
    return _length(piece) < SHORT or piece.confidence < DOUBTFUL


def _length(digit: Digit) -> int:
    return digit.end - digit.start


def _told_and_heard(told: _Told, pace: _Pace, believed: bool) -> Press:
    """One press from what is told of it and what is heard of it."""
    digit, pieces = told.press.digit, sorted(told.pieces, key=lambda one: one.digit.start)
    said = tuple(one for press in (*pieces, told.press) for one in press.said)
    agreeing = [one.digit for one in pieces if one.digit.key == digit.key]
    against = [one.digit for one in pieces if one.digit.key != digit.key and not _is_unsure(one.digit)]
    length = min(_length(digit), TOLD_MAX if agreeing or against else _length(digit))
    if not believed:
        length = min(length, pace.near if pace.steady else SHORT)
    if agreeing:
        end = max(told.start + length, *(one.end for one in agreeing)) if believed else max(o.end for o in agreeing)
        return Press(_agreed(agreeing, digit, min(one.start for one in agreeing), end), said)
    if against:
        return Press(_disputed(against[0], digit), said)
    return Press(replace(digit, start=told.start, end=told.start + max(length, 1)), said)


def _agreed(pieces: Sequence[Digit], told: Digit, start: int, end: int) -> Digit:
    """The clearest piece's figures, and a certainty that it takes both to be wrong."""
    clear = max(pieces, key=lambda one: (one.end - one.start, one.confidence))
    likelihoods = tuple(
        nats if key == clear.key else nats - TOLD_WRONG for key, nats in zip(KEYS, clear.likelihoods, strict=False)
    )
    best = max(likelihoods, default=0.0)
    return replace(
        clear,
        start=start,
        end=end,
        confidence=round(1 - (1 - clear.confidence) * (1 - told.confidence), 3),
        likelihoods=tuple(nats - best for nats in likelihoods),
        witness=Witness.BOTH if clear.witness is Witness.SOUND else Witness.EVENT,
    )


def _disputed(heard: Digit, told: Digit) -> Digit:
    """Either of two keys: which one, neither of them can decide."""
    both = {heard.key, told.key}
    return replace(
        heard,
        confidence=min(DOUBTFUL, heard.confidence),
        likelihoods=tuple(0.0 if key in both else -TOLD_WRONG for key in KEYS),
        witness=Witness.BOTH if heard.witness is Witness.SOUND else Witness.EVENT,
    )


def _order_in_doubt(presses: list[Press], spread: int) -> list[Press]:
    """Two keys of which each has another witness, too near to each other to say which came first: both in doubt."""
    unsure: set[int] = set()
    for at, (before, after) in enumerate(pairwise(presses)):
        one, other = before.digit, after.digit
        apart = (one.witness is Witness.INFO) != (other.witness is Witness.INFO)
        alone = Witness.BOTH not in (one.witness, other.witness)
        if apart and alone and one.key != other.key and other.start - one.start < spread:
            unsure |= {at, at + 1}
    return [
        replace(press, digit=replace(press.digit, confidence=min(DOUBTFUL, press.digit.confidence)))
        if at in unsure
        else press
        for at, press in enumerate(presses)
    ]


def _parted(presses: list[Press]) -> list[Press]:
    """None lasts into the next: what an event says of its length gives way."""
    parted: list[Press] = []
    for press, after in zip(presses, [*presses[1:], None], strict=True):
        digit = press.digit
        if after is not None and digit.witness is not Witness.SOUND and digit.end > after.digit.start - PAUSE:
            heard = max((one.end for one in press.said if one.witness is Witness.SOUND), default=digit.start + 1)
            end = max(min(digit.end, after.digit.start - PAUSE), min(heard, after.digit.start), digit.start + 1)
            press = replace(press, digit=replace(digit, end=end))
        parted.append(press)
    return parted


def _levelled(presses: list[Press]) -> list[Press]:
    """Events with the level of the sound beside them: readers that look for echoes compare levels."""
    levels = [press.digit.level_dbm0 for press in presses if press.digit.witness in (Witness.SOUND, Witness.BOTH)]
    if not levels:
        return presses
    usual = round(median(levels), 2)
    return [
        replace(press, digit=replace(press.digit, level_dbm0=usual))
        if press.digit.witness in (Witness.EVENT, Witness.INFO)
        else press
        for press in presses
    ]


def merged_stream(symbols: Sequence[Symbol], events: Sequence[Digit]) -> list[Symbol]:
    """All that was heard in a recording, with its digits merged and its rows told what the events say."""
    if not events:
        return list(symbols)
    digits = merge([one for one in symbols if isinstance(one, Digit)], events)
    others = [informed(one, digits) if isinstance(one, Row) else one for one in symbols if not isinstance(one, Digit)]
    return sorted([*digits, *others], key=lambda one: (place_of(one), one.start, type(one).__name__))


def informed(row: Row, digits: Iterable[Digit]) -> Row:
    """A row in whose likelihoods the events have their say."""
    told = [digit for digit in digits if digit.witness is not Witness.SOUND and digit.end > row.start - NEAR]
    heard = []
    for digit in row.digits:
        near = min(told, key=lambda one: abs(one.start - digit.start), default=None)
        if near is None or abs(near.start - digit.start) >= NEAR:
            heard.append(digit)
            continue
        keys = named(near)
        if len(keys) > 1:
            likelihoods = near.likelihoods
        else:
            weighed = [nats - TOLD_WRONG * (key != keys) for key, nats in zip(KEYS, digit.likelihoods, strict=True)]
            likelihoods = tuple(nats - max(weighed) for nats in weighed)
        heard.append(replace(digit, key=KEYS[likelihoods.index(max(likelihoods))], likelihoods=likelihoods))
    return replace(row, digits=tuple(heard))


def told_by(digits: Iterable[Digit]) -> Witness | None:
    """Who tells a message of these digits alone: `BOTH`, if each of them does; None, if it takes both together."""
    names = {Witness.EVENT if one.witness is Witness.INFO else one.witness for one in digits}
    if len(names - {Witness.BOTH}) > 1:
        return None
    return next(iter(names - {Witness.BOTH}), Witness.BOTH if names else Witness.SOUND)
