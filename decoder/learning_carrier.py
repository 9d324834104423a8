"""What an unknown unit sends in, and on which side of a call: its letters, with their lengths and pauses."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Final

from decoder.letters import DOUBT, UNKNOWN, Letter, Letters
from decoder.profiles import Carrier
from decoder.samples import to_ms
from decoder.symbols import Character, Digit, Pulse, Symbol, Tone

LETTERS_MIN: Final = 4  # in a recording, for a carrier to be heard in it
CHARACTER_SURE: Final = 0.8
SAME_HZ: Final = 0.03
SAME_MS: Final = 1.7  # tones of one frequency whose lengths differ more are two letters
NAMES: Final = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Channel:
    """One direction of a call, or both. tones: of any frequency, as far as they were looked for (`pure_tones.py`)."""

    name: str
    symbols: tuple[Symbol, ...]
    tones: tuple[Tone, ...] = ()


@dataclass(frozen=True, slots=True)
class Recording:
    """One call of one unit."""

    name: str
    channels: tuple[Channel, ...]


@dataclass(frozen=True, slots=True)
class Heard:
    """One carrier in all recordings.

    symbols  of the unit's channel in each recording     others  the other channels of each
    table    what a profile says of the carrier          words   the same for a person
    mixed    whether some recording has but one channel
    """

    carrier: Carrier
    letter_of: Callable[[Symbol], Letter | None]
    symbols: list[tuple[Symbol, ...]]
    others: list[tuple[Channel, ...]]
    words: str
    mixed: bool
    table: dict[str, object] = field(default_factory=dict)

    @property
    def recordings(self) -> int:
        """In how many it was heard."""
        return sum(bool(own) for own in self.symbols)

    def letters(self) -> list[list[Letter]]:
        """The letters of each recording."""
        return [[one for symbol in own if (one := self.letter_of(symbol)) is not None] for own in self.symbols]

    def runs(self, pause: int) -> list[list[str]]:
        """The letters of each recording in runs, parted by pauses of so many samples."""
        texts = []
        for own in self.symbols:
            letters = Letters(self.letter_of, pause)
            runs = [run for symbol in own for run in letters.hear(symbol)]
            texts.append([run.text for run in runs + letters.tick(1 << 60)])
        return texts

    def spans(self, pause: int) -> list[list[tuple[int, int]]]:
        """Where the runs of each recording are, in samples."""
        spans = []
        for own in self.symbols:
            letters = Letters(self.letter_of, pause)
            runs = [run for symbol in own for run in letters.hear(symbol)]
            spans.append([(run.start, run.end) for run in runs + letters.tick(1 << 60) if len(run.letters) > 2])
        return spans

    def ons_ms(self) -> list[float]:
        """How long letters are."""
        return [to_ms(letter.end - letter.start) for letters in self.letters() for letter in letters]

    def offs_ms(self) -> list[float]:
        """How long the pauses between letters are."""
        return [
            to_ms(second.start - first.end)
            for letters in self.letters()
            for first, second in itertools.pairwise(letters)
        ]


def carriers(recordings: Sequence[Recording]) -> list[Heard]:
    """What these recordings hold, the likeliest first: heard in most of them, and most surely."""
    every = [symbol for one in recordings for channel in one.channels for symbol in channel.symbols]
    kinds: list[tuple[Carrier, Callable[[Symbol], Letter | None], dict[str, object], str]] = [
        (Carrier.KEYS, _key, {}, "keypad tones"),
        (Carrier.PULSES, _pulse, {}, "counted pulses"),
    ]
    modems = {(one.modem, one.baud) for one in every if isinstance(one, Character)}
    for name, baud in sorted(modems):
        octets = [one.value for one in every if isinstance(one, Character) and (one.modem, one.baud) == (name, baud)]
        parity = _parity(octets)
        said: dict[str, object] = {"name": name, "baud": baud, "parity": parity}
        words = f"characters of {name} at {baud:g} baud, parity {parity}"
        kinds.append((Carrier.FSK, _character_of(name, baud, parity), {"modem": said}, words))
    ranked = []
    for kind in kinds:
        if (scored := _scored(recordings, *kind)) is not None:
            ranked.append(scored)
    ranked.sort(key=lambda pair: pair[0], reverse=True)
    if not ranked and (tones := _single_tones(recordings)) is not None:
        return [tones]
    return [heard for _, heard in ranked]


def _scored(
    recordings: Sequence[Recording],
    carrier: Carrier,
    letter_of: Callable[[Symbol], Letter | None],
    table: dict[str, object],
    words: str,
) -> tuple[tuple[int, float], Heard] | None:
    """How often and how surely a carrier was heard, and where; None if it was not."""
    symbols: list[tuple[Symbol, ...]] = []
    others: list[tuple[Channel, ...]] = []
    sure: list[float] = []
    hits = 0
    for recording in recordings:
        letters = [[one for symbol in channel.symbols if (one := letter_of(symbol))] for channel in recording.channels]
        place = max(range(len(letters)), key=lambda at: len(letters[at]), default=None)
        count = len(letters[place]) if place is not None else 0
        if place is None or count < LETTERS_MIN:
            symbols.append(())
            others.append(())
            continue
        hits += 1
        sure += [one.confidence for one in letters[place]]
        symbols.append(recording.channels[place].symbols)
        others.append(tuple(one for at, one in enumerate(recording.channels) if at != place))
    if not hits:
        return None
    mixed = any(len(recording.channels) < 2 for recording in recordings)
    told = f"{words}, {len(sure)} in {hits} of {len(recordings)} recordings"
    return (hits, fmean(sure) * len(sure)), Heard(carrier, letter_of, symbols, others, told, mixed, table)


def _key(symbol: Symbol) -> Letter | None:
    if not isinstance(symbol, Digit):
        return None
    return Letter(symbol.key if symbol.confidence >= DOUBT else UNKNOWN, symbol.start, symbol.end, symbol.confidence)


def _pulse(symbol: Symbol) -> Letter | None:
    return Letter("i", symbol.start, symbol.end, symbol.confidence) if isinstance(symbol, Pulse) else None


def _character_of(modem: str, baud: float, parity: str) -> Callable[[Symbol], Letter | None]:
    def letter_of(symbol: Symbol) -> Letter | None:
        if not isinstance(symbol, Character) or (symbol.modem, symbol.baud) != (modem, baud):
            return None
        if not symbol.framed or symbol.confidence < CHARACTER_SURE:
            return None
        value = symbol.value if parity == "none" else symbol.value & 0x7F
        return Letter(chr(value), symbol.start, symbol.end, symbol.confidence)

    return letter_of


def _parity(octets: Sequence[int]) -> str:
    """What the top bits of these octets have in common. Fewer than eight different ones say nothing."""
    distinct = set(octets)
    if len(distinct) < 8:
        return "none"
    tops = {
        "even": all(octet.bit_count() % 2 == 0 for octet in distinct),
        "odd": all(octet.bit_count() % 2 for octet in distinct),
        "mark": all(octet >> 7 for octet in distinct),
    }
    return next((name for name, holds in tops.items() if holds), "none")


def _single_tones(recordings: Sequence[Recording]) -> Heard | None:
    """Tones as letters: one for each frequency and length."""
    sides: list[int] = []
    for recording in recordings:
        counts = [sum(isinstance(one, Tone) for one in channel.symbols) for channel in recording.channels]
        if not counts or max(counts) < 2:
            return None
        sides.append(counts.index(max(counts)))
    symbols = [recording.channels[side].symbols for recording, side in zip(recordings, sides, strict=True)]
    tones = [one for own in symbols for one in own if isinstance(one, Tone)]
    groups: list[list[Tone]] = []
    for tone in sorted(tones, key=lambda one: (round(one.hz / 60), one.end - one.start)):
        last = groups[-1][-1] if groups else None
        near = last is not None and abs(tone.hz - last.hz) <= SAME_HZ * last.hz
        if last is not None and near and tone.end - tone.start <= SAME_MS * (last.end - last.start):
            groups[-1].append(tone)
        else:
            groups.append([tone])
    if len(groups) > len(NAMES):
        return None
    said: dict[str, object] = {}
    names: dict[Symbol, str] = {}
    for letter, group in zip(NAMES, groups, strict=False):
        lengths = [to_ms(one.end - one.start) for one in group]
        hz = round(fmean(one.hz for one in group))
        said[letter] = {
            "hz": hz,
            "ms": [max(round(0.75 * min(lengths)), 1), min(round(1.25 * max(lengths)) + 1, 60_000)],
        }
        names |= dict.fromkeys(group, letter)

    def letter_of(symbol: Symbol) -> Letter | None:
        if not isinstance(symbol, Tone) or symbol not in names:
            return None
        return Letter(names[symbol], symbol.start, symbol.end, symbol.confidence)

    others = [
        tuple(channel for at, channel in enumerate(recording.channels) if at != side)
        for recording, side in zip(recordings, sides, strict=True)
    ]
    mixed = any(len(recording.channels) < 2 for recording in recordings)
    words = f"single tones, {len(tones)} in {len(recordings)} recordings"
    return Heard(Carrier.TONES, letter_of, symbols, others, words, mixed, {"tones": said})
