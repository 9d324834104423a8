"""What a panel says, by the sheet of Contact ID (SIA DC-05): sixteen digits as dual tones, with a panel's faults.

Nothing here comes from the decoder: the keypad, the sum and the timings are written down anew, from Q.23 and DC-05,
so that a mistake on one side does not agree with itself.

    lead   ┌ digits of one message ┐ 1.25-2 s ┌ the same again ┐   kiss-off   ┌ the next message ┐  tail
    ───────┘ on off on off … on    └──────────┘                └───▁▁▁▁▁▁▁▁───┘                  └──────
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from decoder.samples import peak_of

F64 = NDArray[np.float64]

LOW_HZ = dict(zip("123A456B789C*0#D", np.repeat((697.0, 770.0, 852.0, 941.0), 4), strict=True))
HIGH_HZ = dict(zip("123A456B789C*0#D", np.tile((1209.0, 1336.0, 1477.0, 1633.0), 4), strict=True))
VALUES = {"0": 10} | {digit: int(digit, 16) for digit in "123456789BCDEF"}  # DC-05: 0 counts ten, A does not exist
KEY_OF = dict(zip("0123456789BCDEF", "0123456789*#ABC", strict=True))
DIGIT_OF = {key: digit for digit, key in KEY_OF.items()} | {"D": "0"}  # some send D for a check value of ten

TELECARE_CODES = (100, 101, 102, 110, 111, 120, 147, 151, 154, 158, 162, 301, 302, 311, 333, 344, 373, 380, 383, 384)
TELECARE_CODES += (406, 570, 601, 602, 606, 608, 611, 641)


@dataclass(frozen=True)
class Panel:
    """One sender. A level is of one tone; where two differ, it is their mean in dB."""

    on_ms: float = 50
    off_ms: float = 50
    jitter_ms: float = 0  # of each edge about an even clock, evenly drawn
    wander_ms: float = 0  # of each length, evenly drawn: the clock itself is uneven, errors add up
    level_dbm0: float = -10
    twist_db: float = 0  # high minus low: negative where the low group is the stronger
    sway_db: float = 0  # of each digit's level about that, evenly drawn
    offset_percent: float = 0  # of the common clock: frequencies; lengths by as little do not matter
    low_percent: float = 0  # of the low tone alone, on top
    high_percent: float = 0
    ramp_ms: float = 0
    phase_zero: bool = False  # tones begin at a zero crossing, else anywhere
    click_db: float | None = None  # of the line's being switched at the start of a digit, against one tone
    account: str | None = None  # what it is programmed with; None: drawn
    ten_as_d: bool = False  # sends key D for a check value of ten, not 0
    doubled: bool = False  # account and zone of repeated digits
    sends: int = 1  # times the same message is sent in the call, 1.25 … 2 s apart
    messages: int = 1  # different messages in the call, each after the kiss-off of the one before
    answered: bool = False  # the receiver's handshake comes before


@dataclass(frozen=True)
class Spoken:
    """A panel's sound, float, and what is known of it.

    messages  the keys of each different message       spans  first and last sample of each sending, in order
    own       (Hz, first, last) of what the receiver plays meanwhile
    """

    sound: F64
    messages: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    own: tuple[tuple[float, int, int], ...]


def check_digit(body: str) -> str:
    """The sixteenth digit: the sum of all values is a multiple of 15 (DC-05)."""
    value = 15 - sum(VALUES[digit] for digit in body) % 15
    return next(digit for digit, of in VALUES.items() if of == value)


def keys_of(body: str, *, ten_as_d: bool = False) -> str:
    """Fifteen hex digits as the sixteen keys that are sent."""
    check = check_digit(body)
    return "".join(KEY_OF[digit] for digit in body) + ("D" if ten_as_d and check == "0" else KEY_OF[check])


def raw_of(keys: str) -> str:
    """The keys as the hex digits of the message that was meant."""
    return "".join(DIGIT_OF[key] for key in keys)


def message(random: np.random.Generator, account: str | None = None, *, doubled: bool = False) -> str:
    """Fifteen hex digits that a unit may send: tele-care codes mostly, accounts in decimal mostly."""
    digits = "0123456789BCDEF" if random.random() < 0.3 else "0123456789"
    if account is None:
        account = "".join(random.choice(list(digits), 4))
        if doubled:
            account = account[0] * 2 + account[1] * 2 if random.random() < 0.7 else account[0] * 4
    kind = "98" if random.random() < 0.05 else "18"
    qualifier = str(random.choice(["1", "3", "6"], p=[0.7, 0.2, 0.1]))
    code = str(random.choice(TELECARE_CODES)) if random.random() < 0.7 else f"{random.integers(100, 700)}"
    partition = f"{random.integers(0, 9) if random.random() < 0.8 else random.integers(0, 100):02d}"
    zone = f"{random.integers(0, 100) if random.random() < 0.8 else random.integers(0, 1000):03d}"
    if doubled:
        zone = zone[-1] * 3
    return account + kind + qualifier + code + partition + zone


def spoken(panel: Panel, random: np.random.Generator) -> Spoken:
    """One call of `panel`, from the answer on: what it says, and nothing of the line."""
    own: list[tuple[float, int, int]] = []
    at = random.uniform(120, 180) * 8
    if panel.answered:
        own += [(1400.0, int(at), int(at) + 800), (2300.0, int(at) + 1600, int(at) + 2400)]
        at += 2400 + random.uniform(250, 300) * 8
    messages, spans = [], []
    keys, begins, ends = "", list[F64](), list[F64]()
    for number in range(panel.messages):
        body = message(random, panel.account, doubled=panel.doubled)
        said = keys_of(body, ten_as_d=panel.ten_as_d)
        messages.append(said)
        for again in range(panel.sends):
            begin, end = _edges(len(said), at, panel, random)
            keys, begins, ends = keys + said, [*begins, begin], [*ends, end]
            spans.append((int(begin[0]), int(end[-1])))
            at = end[-1] + (random.uniform(1250, 2000) * 8 if again < panel.sends - 1 else 0)
        if number < panel.messages - 1:
            first = int(at + random.uniform(100, 400) * 8)
            last = first + int(random.uniform(750, 1000) * 8)
            own.append((1400.0, first, last))
            at = last + random.uniform(250, 300) * 8
    sound = np.zeros(round(at) + 8 * 350)
    _sing(sound, keys, np.concatenate(begins), np.concatenate(ends), panel, random)
    return Spoken(sound, tuple(messages), tuple(spans), tuple(own))


def _edges(count: int, at: float, panel: Panel, random: np.random.Generator) -> tuple[F64, F64]:
    """Where each digit begins and ends, in fractions of a sample."""
    on = np.full(count, panel.on_ms) + random.uniform(-panel.wander_ms, panel.wander_ms, count)
    off = np.full(count, panel.off_ms) + random.uniform(-panel.wander_ms, panel.wander_ms, count)
    begin = at + 8 * (np.cumsum(on + off) - (on + off))
    end = begin + 8 * on
    begin, end = (edge + 8 * random.uniform(-panel.jitter_ms, panel.jitter_ms, count) for edge in (begin, end))
    return np.maximum(begin, 0), np.maximum(end, begin)


def _sing(sound: F64, keys: str, begin: F64, end: F64, panel: Panel, random: np.random.Generator) -> None:
    """Add the tones of all digits to `sound`, all at once."""
    first, last = np.ceil(begin).astype(int), np.ceil(end).astype(int)
    first[1:] = np.maximum(first[1:], last[:-1])  # one sender: digits do not overlap
    length = np.maximum(last - first, 0)
    of = np.repeat(np.arange(len(keys)), length)
    place = np.arange(len(of)) - np.repeat(np.cumsum(length) - length, length) + first[of]
    time = place - begin[of]
    sway = random.uniform(-panel.sway_db, panel.sway_db, (2, len(keys)))
    tones = np.zeros(len(of))
    for table, part, percent, own in (
        (LOW_HZ, -0.5, panel.low_percent, sway[0]),
        (HIGH_HZ, 0.5, panel.high_percent, sway[1]),
    ):
        hz = np.array([table[key] for key in keys]) * (1 + panel.offset_percent / 100) * (1 + percent / 100)
        phase = np.zeros(len(keys)) if panel.phase_zero else random.uniform(0, 2 * np.pi, len(keys))
        peak = peak_of(panel.level_dbm0 + part * panel.twist_db) * 10 ** (own / 20)
        tones += peak[of] * np.sin((2 * np.pi / 8000 * hz)[of] * time + phase[of])
    if panel.ramp_ms:
        tones *= np.clip(np.minimum(time, (end - begin)[of] - time) / (8 * panel.ramp_ms), 0, 1)
    sound[place] += tones
    if panel.click_db is not None:
        decay = np.exp(-np.arange(40) / 6) * np.cos(np.arange(40) * random.uniform(0.5, 2.5))
        height = peak_of(panel.level_dbm0 + panel.click_db) * random.choice([-1.0, 1.0], len(first))
        for start, high in zip(first, height, strict=True):
            sound[start : start + 40] += high * decay
