"""Whole calls through the detector: any way of cutting the audio gives the same symbols."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from decoder import synth
from decoder.bank import Bank
from decoder.detector import Detector, detect_batch
from decoder.exchange import ToneStep
from decoder.formats import contact_id
from decoder.samples import I16, Samples, Span
from decoder.symbols import Digit, Gap, Symbol, Tone, Witness

KEYS = "1234567890*#ABCD"


def silence(ms: int) -> I16:
    return np.zeros(ms * 8, np.int16)


def noisy(sound: I16, level: float, seed: int = 1) -> I16:
    noise = np.random.default_rng(seed).normal(0, level, len(sound))
    return np.clip(np.rint(sound + noise), -32768, 32767).astype(np.int16)


def a_call(seed: int = 1) -> I16:
    """Handshake, a message, a kiss-off, sixteen keys: over some noise."""
    parts = [
        silence(130),
        synth.steps(contact_id.HANDSHAKE),
        silence(250),
        synth.dtmf("123418110101001*"),
        silence(300),
        synth.steps(contact_id.KISS_OFF),
        silence(280),
        synth.dtmf(KEYS, on_ms=60, off_ms=40, level_dbm0=-20, twist_db=4),
    ]
    return noisy(np.concatenate(parts), 30, seed)


def a_bad_call(seed: int = 1) -> I16:
    """The same with bursts of noise, as loud as the digits, every 70 ms."""
    sound = a_call(seed)
    random = np.random.default_rng(seed)
    for first in range(15_000, len(sound) - 100, 560):
        sound[first : first + 80] = random.integers(-12_000, 12_000, 80)
    return sound


def heard(recording: Samples, cuts: list[int]) -> list[Symbol]:
    """What a detector says to a recording that comes in pieces."""
    detector = Detector()
    symbols = []
    edges = [0, *sorted(cuts), len(recording.pcm)]
    for first, last in itertools.pairwise(edges):
        start, end = recording.start + first, recording.start + last
        lost = [Span(max(s.start, start), min(s.end, end)) for s in recording.lost if s.start < end and start < s.end]
        symbols += detector.feed(Samples(start, recording.pcm[first:last], tuple(lost)))
        assert all(symbol.end < detector.heard_until for symbol in symbols)
    return symbols + detector.finish()


def rough(symbols: list[Symbol]) -> list[tuple[object, ...]]:
    """Symbols, not floats: the same matrix product on other block sizes differs in its last bits."""
    return [
        (type(symbol), getattr(symbol, "key", ""), getattr(symbol, "name", ""), symbol.start // 4, symbol.end // 4)
        for symbol in symbols
    ]


def keys(symbols: list[Symbol]) -> str:
    return "".join(symbol.key for symbol in symbols if isinstance(symbol, Digit))


def test_a_call_is_heard_as_it_was_made() -> None:
    symbols = heard(Samples(0, a_call()), [])
    assert keys(symbols) == "123418110101001*" + KEYS
    tones = [(symbol.name, round(symbol.hz, -1)) for symbol in symbols if isinstance(symbol, Tone)]
    assert tones == [("handshake 1400", 1400), ("handshake 2300", 2300), ("kiss-off 1400", 1400)]
    assert [symbol.end for symbol in symbols] == sorted(symbol.end for symbol in symbols)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, len(a_call())), max_size=30), st.integers(0, 999), st.booleans())
def test_any_cutting_gives_the_same_symbols(cuts: list[int], start: int, bad: bool) -> None:
    lost = (Span(start + 20_100, start + 20_260), Span(start + 25_000, start + 25_500))
    recording = Samples(start, a_bad_call() if bad else a_call(), lost)
    assert rough(heard(recording, cuts)) == rough(heard(recording, []))


@pytest.mark.parametrize("step", [1, 160, 333])
def test_a_steady_stream_in_small_pieces(step: int) -> None:
    recording = Samples(0, a_call()[:12_000])
    pieces = list(range(step, len(recording.pcm), step))
    assert rough(heard(recording, pieces)) == rough(heard(recording, []))


def test_a_bank_says_on_each_line_what_a_detector_says() -> None:
    calls = np.stack([np.roll(a_bad_call(seed) if seed % 2 else a_call(seed), 777 * seed) for seed in range(5)])
    bank = Bank(len(calls))
    symbols: list[list[Symbol]] = [[] for _ in calls]
    for first in range(0, calls.shape[1], 160):
        for line, digit in bank.feed(calls[:, first : first + 160]):
            symbols[line].append(digit)
    for line, digit in bank.finish():
        symbols[line].append(digit)
    for call, mine in zip(calls, symbols, strict=True):
        assert rough(mine) == rough([s for s in heard(Samples(0, call), []) if isinstance(s, Digit)])


def test_a_batch_says_to_each_recording_what_a_detector_says() -> None:
    recordings = [Samples(1_000 * seed, a_call(seed)[: 9_000 + 2_345 * seed]) for seed in range(8)]
    recordings.insert(3, Samples(5, np.zeros(0, np.int16)))
    recordings.append(Samples(0, a_call(), (Span(20_000, 20_160), Span(20_160, 20_320))))
    recordings += [Samples(seed, a_bad_call(seed)) for seed in range(3)]
    for recording, symbols in zip(recordings, detect_batch(recordings), strict=True):
        assert rough(symbols) == rough(heard(recording, []))


def test_a_batch_of_nothing() -> None:
    assert detect_batch([]) == []
    assert detect_batch([Samples(7, np.zeros(0, np.int16))]) == [[]]


def test_a_digit_is_reported_45_ms_after_it_ended_at_the_latest() -> None:
    for shift in range(0, 240, 7):
        sound = np.concatenate([silence(100), np.zeros(shift, np.int16), synth.dtmf("5"), silence(100)])
        detector, end = Detector(), 800 + shift + 400
        reported = None
        for at in range(0, len(sound), 8):
            if detector.feed(Samples(at, sound[at : at + 8])):
                reported = at + 8
                break
        assert reported is not None
        assert reported - end <= 360


def test_a_loss_is_a_gap_and_no_silence() -> None:
    """20 ms lost in the middle of a digit: one digit and a gap, not two digits."""
    sound = np.concatenate([silence(50), synth.dtmf("5", on_ms=100), silence(50)])
    sound[720:880] = 0
    assert keys(heard(Samples(0, sound), [])) == "55"
    symbols = heard(Samples(0, sound, (Span(720, 880),)), [])
    assert keys(symbols) == "5"
    assert Gap(720, 880) in symbols


def test_losses_that_touch_are_one_gap() -> None:
    recording = Samples(0, np.zeros(2_000, np.int16), (Span(160, 320), Span(320, 480), Span(800, 960)))
    assert heard(recording, [320, 400, 900]) == [Gap(160, 480), Gap(800, 960)]


def test_a_hole_in_the_count_is_the_callers_mistake() -> None:
    detector = Detector()
    detector.feed(Samples(0, np.zeros(160, np.int16)))
    with pytest.raises(ValueError, match="begin at 320"):
        detector.feed(Samples(320, np.zeros(160, np.int16)))


def test_a_stuck_key_is_reported_in_pieces_and_memory_stays_flat() -> None:
    bank = Bank(1)
    key = synth.dtmf("5", on_ms=1_000, off_ms=0)
    digits = [digit for _ in range(25) for digit in bank.feed(key[np.newaxis])]
    assert len(digits) == 2
    assert len(bank._careful.runs.pending) < 2_100


NASTY = {
    "silence": np.zeros(16_000, np.int16),
    "full scale": np.full(16_000, 32_767, np.int16),
    "lowest": np.full(16_000, -32_768, np.int16),
    "square wave": np.tile(np.repeat(np.array([32_767, -32_768], np.int16), 5), 1_600),
    "impulses": np.where(np.arange(16_000) % 997 == 0, 32_767, 0).astype(np.int16),
    "one sample": np.array([1], np.int16),
    "white": np.random.default_rng(3).integers(-32_768, 32_767, 32_000).astype(np.int16),
}


@pytest.mark.parametrize("sound", NASTY.values(), ids=NASTY)
def test_what_is_no_call_gives_no_digit(sound: I16) -> None:
    assert keys(heard(Samples(0, sound), [])) == ""


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=8_000), st.sampled_from([1, 50, 3_000]))
@example(b"\x00\x00\x00\x00\x00\x05\x00]\x00\x8e\x00\xbcE}", 50)  # 44 ms of a tone, cut off
def test_any_bytes_are_survived(data: bytes, times: int) -> None:
    sound = np.tile(np.frombuffer(data[: len(data) // 2 * 2], np.int16), times)[:40_000]
    for symbol in heard(Samples(0, sound), []):
        assert 0 <= symbol.start < symbol.end <= len(sound)


def test_tones_have_names_levels_and_frequencies() -> None:
    sound = synth.steps(
        (
            ToneStep((400.0,), 2_000, -15),
            ToneStep((), 300),
            ToneStep((400.0,), 500, -15),
            ToneStep((), 300),
            ToneStep((350.0, 440.0), 1_000, -15),
            ToneStep((), 300),
            ToneStep((2100.0,), 1_000, -15),
            ToneStep((), 100),
            ToneStep((1442.0,), 850, -25),
        )
    )
    tones = [symbol for symbol in heard(Samples(0, sound), []) if isinstance(symbol, Tone)]
    assert [tone.name for tone in tones] == ["dial", "busy", "dial", "answer 2100", "kiss-off 1400"]
    assert tones[-1].hz == pytest.approx(1442, abs=2)
    assert tones[-1].level_dbm0 == pytest.approx(-25, abs=0.5)
    assert tones[0].level_dbm0 == pytest.approx(-15, abs=0.3)


@pytest.mark.parametrize("lost", [(), (Span(20_100, 20_260),)], ids=["whole", "with a loss"])
def test_every_number_of_a_symbol_is_a_plain_one(lost: tuple[Span, ...]) -> None:
    """No numpy scalars: symbols go to journals and over sockets."""
    recording = Samples(0, a_call(), lost)
    for symbol in [*heard(recording, []), *detect_batch([recording])[0]]:
        for field in dataclasses.fields(symbol):
            value = getattr(symbol, field.name)
            for one in value if isinstance(value, tuple) else (value,):
                assert type(one) in (int, float, str, Witness), (symbol, field.name)
                assert (type(one) is int) == (field.name in ("start", "end")), (symbol, field.name)


def test_a_tone_over_direct_current_is_heard() -> None:
    sound = synth.steps((ToneStep((), 200), ToneStep((1400.0,), 850, -20), ToneStep((), 200))) + 3_000
    (tone,) = heard(Samples(0, sound.astype(np.int16)), [])
    assert isinstance(tone, Tone)
    assert tone.name == "kiss-off 1400"
    assert tone.end - tone.start == pytest.approx(6_800, abs=200)


@settings(max_examples=30, deadline=None)
@given(st.integers(200, 400), st.integers(0, 160))
def test_no_digit_ends_behind_the_sound(length: int, lead: int) -> None:
    sound = np.concatenate([np.zeros(lead, np.int16), synth.dtmf("5", on_ms=50, off_ms=0)[:length]])
    for symbols in (heard(Samples(0, sound), []), detect_batch([Samples(0, sound)])[0]):
        assert all(symbol.end <= len(sound) for symbol in symbols)
