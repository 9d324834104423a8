"""What our side said to an unknown unit: the greeting before its first message, the acknowledgement behind each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from decoder.learning_carrier import Channel, Heard
from decoder.samples import RATE_HZ, to_ms
from decoder.symbols import Digit, Tone

TOGETHER: Final = RATE_HZ // 2  # tones closer than this belong together
ANSWER_MAX: Final = 4 * RATE_HZ  # an acknowledgement begins within this time behind a message
STEPS_MAX: Final = 8
NEAR_HZ: Final = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What was heard at one place. steps: as a profile has them; count: recordings with it; kinds: how many differ."""

    where: str
    steps: list[dict[str, object]]
    count: int
    kinds: int


Sound = Digit | Tone


def answers(heard: Heard, pause: int) -> dict[str, Answer]:
    """Greeting and acknowledgement. pause: samples that part two messages."""
    greetings: list[list[Sound]] = []
    acknowledgements: list[list[Sound]] = []
    spans = heard.spans(pause)
    for own, others, messages in zip(heard.symbols, heard.others, spans, strict=True):
        sounds = _sounds(others) if others else _of_ours(own, messages)
        groups = _groups(sounds)
        if not messages:
            continue
        before = [group for group in groups if group[-1].end <= messages[0][0] + TOGETHER // 4]
        if before:
            greetings.append(before[-1])
        for _, end in messages:
            behind = [group for group in groups if end - TOGETHER // 8 <= group[0].start <= end + ANSWER_MAX]
            if behind:
                acknowledgements.append(behind[0])
                break
    return {
        "greeting": _usual(greetings, "before the first message"),
        "acknowledgement": _usual(acknowledgements, "behind a message"),
    }


def _sounds(channels: Iterable[Channel]) -> list[Sound]:
    """Keys, and the tones that are none of a key, in order."""
    sounds: list[Sound] = []
    for channel in channels:
        digits = [one for one in channel.symbols if isinstance(one, Digit)]
        tones = channel.tones or tuple(one for one in channel.symbols if isinstance(one, Tone))
        sounds += digits
        sounds += [tone for tone in tones if not any(_overlap(tone, digit) for digit in digits)]
    return sorted(sounds, key=lambda one: one.start)


def _of_ours(own: Sequence[object], messages: Sequence[tuple[int, int]]) -> list[Sound]:
    """The same from a channel with both directions: what is in no message."""
    sounds = [one for one in own if isinstance(one, Digit | Tone)]
    return [one for one in sounds if not any(start < one.end and one.start < end for start, end in messages)]


def _overlap(one: Sound, other: Sound) -> bool:
    return one.start < other.end and other.start < one.end


def _groups(sounds: Sequence[Sound]) -> list[list[Sound]]:
    """Sounds close to each other."""
    groups: list[list[Sound]] = []
    for one in sounds:
        if groups and one.start - groups[-1][-1].end < TOGETHER:
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def _usual(groups: Sequence[Sequence[Sound]], where: str) -> Answer:
    """The group that was heard most often, with its usual lengths."""
    kinds = Counter(_kind(group) for group in groups)
    if not kinds:
        return Answer(where, [], 0, 0)
    kind, count = kinds.most_common(1)[0]
    same = [group for group in groups if _kind(group) == kind]
    steps: list[dict[str, object]] = []
    for place in range(min(len(kind), STEPS_MAX)):
        if place:
            pauses = [max(group[place].start - group[place - 1].end, 0) for group in same]
            steps.append({"ms": _ms(pauses, least=10)})
        ms = _ms([group[place].end - group[place].start for group in same], least=30)
        first = same[0][place]
        if isinstance(first, Digit):
            steps.append({"keys": first.key, "on_ms": ms, "off_ms": 20})
        else:
            hz = [one.hz for group in same if isinstance(one := group[place], Tone)]
            steps.append({"hz": [round(median(hz), -1)], "ms": ms})
    return Answer(where, steps, count, len(kinds))


def _ms(samples: Sequence[int], *, least: int) -> int:
    return min(max(round(to_ms(median(samples)) / 10) * 10, least), 5_000)


def _kind(group: Sequence[Sound]) -> tuple[str, ...]:
    """What two groups have in common that are the same one: keys, and tones about as high."""
    return tuple(one.key if isinstance(one, Digit) else f"{round(one.hz / NEAR_HZ / 2)}" for one in group)
