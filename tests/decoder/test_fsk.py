"""Modems from sound to characters: every modem, bad lines, losses, any cutting; and nothing where nobody sends."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from decoder import fsk, synth, uart
from decoder.detector import Detector, detect_batch
from decoder.exchange import Signal, ToneStep
from decoder.fsk import Modem
from decoder.samples import I16, Samples, Span, peak_of
from decoder.symbols import Character, Symbol

TEXT = bytes(range(0x2F, 0x4F))
SIGNALS = {"bell103": Signal.BELL_103, "v21": Signal.V_21, "v23": Signal.V_23}
ALL = (
    fsk.BELL_103_1,
    fsk.BELL_103_2,
    fsk.BELL_103_1_SLOW,
    fsk.BELL_103_2_SLOW,
    fsk.V_21_1,
    fsk.V_21_2,
    fsk.V_23,
)


def sent(
    modem: Modem,
    octets: bytes = TEXT,
    *,
    snr_db: float = 30,
    level_dbm0: float = -14,
    offset_percent: float = 0,
    twist_db: float = 0,
    seed: int = 1,
) -> I16:
    """Characters behind 60 ms of mark, some quiet on either side, white noise over all of it."""
    random = np.random.default_rng(seed)
    bits = uart.levels(octets, lead=round(0.06 * modem.baud), trail=2)
    wave = fsk.wave(bits, modem, level_dbm0=level_dbm0, offset_percent=offset_percent, twist_db=twist_db, phase=1)
    sound = np.concatenate([np.zeros(int(random.integers(900, 1800))), wave, np.zeros(1200)])
    noise = random.normal(0, peak_of(level_dbm0) / np.sqrt(2) * 10 ** (-snr_db / 20), len(sound))
    return np.clip(np.rint(sound + noise), -32768, 32767).astype(np.int16)


def characters(symbols: list[Symbol], modem: Modem) -> list[Character]:
    return [
        symbol
        for symbol in symbols
        if isinstance(symbol, Character) and (symbol.modem, symbol.baud) == (modem.name, modem.baud)
    ]


def heard(sound: I16, modem: Modem, lost: tuple[Span, ...] = ()) -> list[Character]:
    signals = frozenset({SIGNALS[modem.name.partition("-")[0]]})
    return characters(detect_batch([Samples(0, sound, lost)], signals, with_tones=False)[0], modem)


def octets(found: list[Character]) -> bytes:
    return bytes(character.value for character in found)


@pytest.mark.parametrize("modem", ALL, ids=lambda modem: f"{modem.name}-{modem.baud:g}")
def test_every_modem(modem: Modem) -> None:
    found = heard(sent(modem), modem)
    assert TEXT in octets(found)
    first = octets(found).index(TEXT)
    mine = found[first : first + len(TEXT)]
    assert all(character.framed for character in mine)
    assert min(character.confidence for character in mine) > 0.99
    assert all(abs(character.level_dbm0 + 14) < 1 for character in mine[1:-1])
    for before, behind in itertools.pairwise(mine):
        assert abs(behind.start - before.start - 10 * modem.bit) <= 0.3 * modem.bit


@pytest.mark.parametrize(
    ("modem", "line"),
    [
        (fsk.BELL_103_1, {"snr_db": -1}),
        (fsk.BELL_103_2, {"snr_db": -1}),
        (fsk.V_21_2, {"snr_db": 0}),
        (fsk.V_23, {"snr_db": 5}),
        (fsk.BELL_103_1_SLOW, {"snr_db": -4}),
        (fsk.BELL_103_1, {"offset_percent": 4.5, "snr_db": 8}),
        (fsk.BELL_103_1, {"offset_percent": -4.5, "snr_db": 8}),
        (fsk.V_23, {"offset_percent": 4.5, "snr_db": 12}),
        (fsk.V_23, {"offset_percent": -4.5, "snr_db": 12}),
        (fsk.BELL_103_1, {"twist_db": 8, "snr_db": 15}),
        (fsk.V_23, {"twist_db": -8, "snr_db": 15}),
        (fsk.BELL_103_1, {"level_dbm0": -45}),
        (fsk.BELL_103_1, {"level_dbm0": 0}),
    ],
    ids=str,
)
def test_bad_lines(modem: Modem, line: dict[str, float]) -> None:
    assert TEXT in octets(heard(sent(modem, **line), modem))


def test_what_was_lost_is_not_guessed() -> None:
    sound = sent(fsk.BELL_103_1)
    whole = heard(sound, fsk.BELL_103_1)
    at = octets(whole).index(TEXT) + 10
    lost = Span(whole[at].start + 40, whole[at].start + 200)
    sound[lost.start : lost.end] = np.random.default_rng(1).integers(-9000, 9000, len(lost))
    found = heard(sound, fsk.BELL_103_1, (lost,))
    assert [one.value for one in found[:at]] == [one.value for one in whole[:at]]
    assert [one.value for one in found[at + 1 :]] == [one.value for one in whole[at + 1 :]]
    margins = np.abs(found[at].margins)
    assert (margins[1:4] == 0).all()
    assert found[at].confidence < 0.3
    assert min(one.confidence for one in found[at - 10 : at] + found[at + 2 : at + 22]) > 0.9


def pieces(recording: Samples, cuts: list[int], signals: frozenset[Signal]) -> list[Symbol]:
    detector = Detector(signals, with_tones=False)
    symbols = []
    for first, last in itertools.pairwise([0, *sorted(cuts), len(recording.pcm)]):
        start, end = recording.start + first, recording.start + last
        lost = [Span(max(s.start, start), min(s.end, end)) for s in recording.lost if s.start < end and start < s.end]
        symbols += detector.feed(Samples(start, recording.pcm[first:last], tuple(lost)))
    return symbols + detector.finish()


def signal_of(symbol: Symbol) -> Signal:
    return SIGNALS[symbol.modem.partition("-")[0]] if isinstance(symbol, Character) else Signal.DTMF


MIXED = np.concatenate([sent(fsk.BELL_103_1, TEXT[:4]), synth.dtmf("17"), sent(fsk.V_23, TEXT[:8])])
EVERY = frozenset(SIGNALS.values())


@settings(deadline=None, max_examples=6)
@given(st.lists(st.integers(0, len(MIXED)), max_size=12))
@example(list(range(0, len(MIXED), 160)))
@example(list(range(0, len(MIXED), 77)))
def test_any_cutting_gives_the_same_characters(cuts: list[int]) -> None:
    recording = Samples(12_345, MIXED, (Span(12_345 + 3_000, 12_345 + 3_160),))
    assert sorted(pieces(recording, cuts, EVERY), key=repr) == sorted(pieces(recording, [], EVERY), key=repr)


def test_what_was_promised_is_kept() -> None:
    """Nothing that ended before `heard_until` comes later, and the promise does not lag where nobody sends."""
    detector = Detector(EVERY, with_tones=False)
    lags = []
    for start in range(0, len(MIXED), 160):
        promised, before = detector.heard_until, {one: detector.heard(frozenset({one})) for one in EVERY}
        symbols = detector.feed(Samples(start, MIXED[start : start + 160]))
        for symbol in symbols:
            assert before[signal_of(symbol)] <= symbol.end < detector.heard(frozenset({signal_of(symbol)}))
        assert all(symbol.end >= promised for symbol in symbols)
        assert detector.heard_until >= promised
        lags.append(start + 160 - detector.heard_until)
    quiet = np.array(lags[2:5])
    assert (quiet <= 400).all()
    assert max(lags) <= 3_600


def test_other_sounds_give_no_characters() -> None:
    random = np.random.default_rng(2)
    tones = synth.steps([ToneStep((hz,), 700) for hz in (1270, 1400, 2100, 2225, 2300, 400, 1300)])
    digits = synth.dtmf("1234567890*#ABCD" * 4)
    noise = random.normal(0, 3_000, 40_000).astype(np.int16)
    sound = np.concatenate([tones, digits, noise, np.zeros(8_000, np.int16)])
    symbols = detect_batch([Samples(0, sound)], EVERY, with_tones=False)[0]
    whole = [one for one in symbols if isinstance(one, Character) and one.framed and one.confidence > 0.9]
    assert len(whole) <= 20  # a step from one frequency to another is like a start bit


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(0, np.int16),
        np.zeros(4_001, np.int16),
        np.full(4_000, 32_767, np.int16),
        np.tile(np.array([32_767, -32_768], np.int16), 4_000),
        np.random.default_rng(3).integers(-32_768, 32_768, 12_000).astype(np.int16),
    ],
    ids=["nothing", "silence", "direct current", "clipping", "random"],
)
def test_any_sound_is_borne(sound: I16) -> None:
    everything = (Span(0, len(sound)),)
    for lost in ((), everything):
        assert len(detect_batch([Samples(0, sound, lost)], EVERY, with_tones=False)[0]) < 20
