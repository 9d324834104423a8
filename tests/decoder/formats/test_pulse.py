"""Pulse formats by the sheet's examples, by properties, through the sound and back, and by what is no message."""

from __future__ import annotations

import importlib.util
import json
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder.detector import Detector
from decoder.exchange import Format, Message, Signal
from decoder.formats import contact_id, pulse
from decoder.frame import Frame, Reason, Rejected
from decoder.reading import asked
from decoder.registry import USUAL, by_name
from decoder.samples import I16, Samples, Span
from decoder.symbols import Gap, Pulse, Symbol

CORPUS = Path(__file__).parents[2] / "corpus" / "pulse"
HEX = "0123456789BCDEF"
VALUES = (
    {digit: value for value, digit in enumerate("?123456789", 0)}
    | {"0": 10}
    | dict(zip("BCDEF", range(11, 16), strict=True))
)


def bursts(rounds: str, *, period: int = 400, on: int = 200, pause: int = 2_400, between: int = 6_000) -> list[Pulse]:
    """Rounds of digits, with blanks between, as the detector reports them."""
    heard, at = [], 4_000
    for text in rounds.split():
        for digit in text:
            for _ in range(VALUES[digit]):
                heard.append(Pulse(1900.0, at, at + on, -10.0, 0.99))
                at += period
            at += pause - period
        at += between - pause
    return heard


def read(symbols: list[Symbol], named: str | Format) -> list[Frame | Rejected]:
    return asked((by_name(named) if isinstance(named, str) else named).reader(), symbols)


def only(results: list[Frame | Rejected]) -> Frame | Rejected:
    assert len(results) == 1, results
    return results[0]


def frame_of(results: list[Frame | Rejected]) -> Frame:
    frame = only(results)
    assert isinstance(frame, Frame)
    return frame


def heard_in(sound: I16, lost: tuple[Span, ...] = ()) -> list[Symbol]:
    padded = np.concatenate([np.zeros(2_000, np.int16), sound, np.zeros(8_000, np.int16)])
    detector = Detector(frozenset({Signal.PULSES}), with_tones=False)
    return detector.feed(Samples(0, padded, lost)) + detector.finish()


@pytest.mark.parametrize(
    ("name", "rounds", "raw", "account", "code", "zone"),
    [
        ("pulse-3-1", "1231 1231", "1231", "123", "1", ""),
        ("pulse-4-1", "12341 12341", "12341", "1234", "1", ""),
        ("pulse-4-2", "1234B0 1234B0", "1234B0", "1234", "B", "0"),
        ("pulse-3-1-extended", "1233 3334 1233 3334", "1233 3334", "123", "3", "4"),
        ("pulse-3-1-extended", "1233 1233 3334 3334", "1233 3334", "123", "3", "4"),
        ("pulse-3-1-parity", "12318", "12318", "123", "1", ""),
        ("pulse-4-1-parity", "123414", "123414", "1234", "1", ""),
        ("pulse-4-2-parity", "1234115"[:6] + "3", "1234113", "1234", "1", "1"),
    ],
)
def test_worked_examples(name: str, rounds: str, raw: str, account: str, code: str, zone: str) -> None:
    frame = frame_of(read(bursts(rounds), name))
    assert (frame.format, frame.raw, frame.account, frame.code, frame.zone) == (name, raw, account, code, zone)


def test_all_are_off_until_asked_for() -> None:
    assert not {known.name for known in pulse.ALL} & {known.name for known in USUAL}
    assert all(by_name(known.name) is known for known in pulse.ALL)


@pytest.mark.parametrize("known", pulse.ALL, ids=lambda known: known.name)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_what_is_encoded_is_read_and_by_no_layout_of_another_length(known: Format, data: st.DataObject) -> None:
    layout = next(layout for layout in pulse.LAYOUTS if layout.name == known.name)
    account = data.draw(st.text(HEX, min_size=layout.account, max_size=layout.account))
    code, zone = data.draw(st.sampled_from(HEX)), data.draw(st.sampled_from(HEX))
    message = Message(account, code, zone=zone)
    rounds = known.encode(message)
    for other in pulse.LAYOUTS:
        results = read(bursts(rounds), other.name)
        frames = [one for one in results if isinstance(one, Frame)]
        if other is layout:
            if set(rounds) <= {"0", " "} or (layout.extended and len(set(rounds.split())) == 1):
                assert [one.reason for one in results if isinstance(one, Rejected)] == [Reason.SANITY]
            else:
                frame = frame_of(results)
                assert (frame.account, frame.code) == (account, code)
                assert frame.zone == (zone if layout.zone or layout.extended else "")
        elif pulse.clash([layout.name, other.name]) is None:
            assert frames == []


@settings(max_examples=12, deadline=None)
@given(
    st.sampled_from(pulse.LAYOUTS),
    st.sampled_from([10, 20, 33, 40]),
    st.floats(0.4, 0.6),
    st.floats(1_720, 1_980),
    st.integers(0, 1_000),
)
def test_through_the_sound_and_back(layout: pulse.Layout, pps: float, on_share: float, hz: float, number: int) -> None:
    message = Message(f"{number:04}"[-layout.account :], "3", zone="B")
    rounds = layout.rounds(message)
    noise = np.random.default_rng(number).normal(0, 700, 400_000)
    sound = pulse.sound(rounds, pps=pps, hz=hz, on_share=on_share)
    noisy = np.clip(sound + noise[: len(sound)], -32768, 32767).astype(np.int16)
    frame = frame_of(read(heard_in(noisy), layout.name))
    assert (frame.account, frame.code) == (message.account, "3")
    assert frame.confidence > 0.85


@pytest.mark.parametrize("known", pulse.ALL, ids=lambda known: known.name)
def test_what_our_units_send_is_read(known: Format) -> None:
    assert known.send is not None
    (sound,) = known.send(Message("0123"[-3 if "-3-" in known.name else -4 :], "1", zone="2"))
    assert frame_of(read(heard_in(sound), known)).code == "1"


@pytest.mark.parametrize(
    ("name", "rounds", "reason", "says"),
    [
        ("pulse-3-1", "1231 1241", Reason.CHECKSUM, "1231, 1241"),
        ("pulse-3-1", "1231", Reason.TOO_SHORT, "one round"),
        ("pulse-3-1", "1231 123", Reason.CHECKSUM, "1231, 123"),
        ("pulse-3-1", "0000 0000", Reason.SANITY, "zeros"),
        ("pulse-3-1-parity", "12319", Reason.CHECKSUM, "1 modulo 15"),
        ("pulse-4-1-parity", "000000", Reason.SANITY, "zeros"),
        ("pulse-3-1-extended", "3333 3333 3333 3333", Reason.SANITY, "pulse-3-1"),
        ("pulse-3-1-extended", "1233 3334 1233 3335", Reason.CHECKSUM, "3335"),
    ],
)
def test_what_is_no_message(name: str, rounds: str, reason: Reason, says: str) -> None:
    result = only(read(bursts(rounds), name))
    assert isinstance(result, Rejected)
    assert result.reason is reason
    assert says in result.evidence


@pytest.mark.parametrize("rounds", ["123 123", "123412 123412", "1233 3334 1233 3334"])
def test_a_reader_says_nothing_of_what_is_not_its_own(rounds: str) -> None:
    assert read(bursts(rounds), "pulse-3-1") == []


@pytest.mark.parametrize("rounds", ["12 12 3334 3334", "123 3334 123 3334", "12334 12334 3334 3334"])
def test_rounds_of_two_lengths_are_no_extended_message(rounds: str) -> None:
    assert not any(isinstance(one, Frame) for one in read(bursts(rounds), "pulse-3-1-extended"))


def test_the_second_half_of_an_extended_message_is_no_message_of_its_own() -> None:
    first, second = read(bursts("1233 1233 3334 3334"), "pulse-3-1")
    assert isinstance(first, Frame)
    assert isinstance(second, Rejected)
    assert second.reason is Reason.SANITY


def test_two_messages_of_one_call_and_a_repetition() -> None:
    results = read(bursts("1231 1231 1231 1231 1232 1232"), "pulse-3-1")
    assert [one.raw for one in results if isinstance(one, Frame)] == ["1231", "1231", "1232"]
    assert len(results) == 3


def test_a_third_round_of_the_same_message_is_not_complained_of() -> None:
    assert frame_of(read(bursts("1231 1231 1231"), "pulse-3-1"))


def test_rounds_far_apart_are_not_one_message() -> None:
    results = read(bursts("1231 1231", between=45_000), "pulse-3-1")
    assert [one.reason for one in results if isinstance(one, Rejected)] == [Reason.TOO_SHORT] * 2


def test_ones_alone_are_digits_and_not_a_count() -> None:
    assert frame_of(read(bursts("1111 1111"), "pulse-3-1")).raw == "1111"


@settings(max_examples=50, deadline=None)
@given(st.text(HEX, min_size=4, max_size=4), st.data())
def test_a_pulse_that_was_not_heard_or_ran_into_the_next_gives_no_wrong_frame(text: str, data: st.DataObject) -> None:
    heard = bursts(f"{text} {text}")
    place = data.draw(st.integers(0, len(heard) - 2))
    if data.draw(st.booleans()):
        heard[place : place + 2] = [Pulse(1900.0, heard[place].start, heard[place + 1].end, -10.0, 0.9)]
    else:
        del heard[place]
    for layout in pulse.LAYOUTS:
        for result in read(list(heard), layout.name):
            assert not isinstance(result, Frame) or (layout.name == "pulse-3-1" and result.raw == text)
            if isinstance(result, Rejected):
                assert result.evidence


def test_more_pulses_than_a_digit_has() -> None:
    heard = [Pulse(1900.0, at * 400, at * 400 + 200, -10.0, 0.99) for at in range(16)]
    more = [Pulse(1900.0, one.start + 4_400, one.end + 4_400, -10.0, 0.9) for one in bursts("123")]
    result = only(read([*heard, *more], "pulse-3-1"))
    assert isinstance(result, Rejected)
    assert result.reason is Reason.SHAPE
    assert result.best == "?123"
    assert "16 pulses" in result.evidence


@pytest.mark.parametrize("pps", [10, 20, 40])
def test_lost_packets_are_erasures_and_never_another_digit(pps: float) -> None:
    sound = pulse.sound(["3141", "3141", "3141"], pps=pps)
    right = 0
    for seed in range(12):
        random = np.random.default_rng(seed)
        starts = np.flatnonzero(random.random(len(sound) // 160) < 0.02) * 160 + 2_000
        broken = sound.copy()
        for start in starts:
            broken[start - 2_000 : start - 1_840] = 0
        lost = tuple(Span(int(start), int(start) + 160) for start in starts)
        for result in read(heard_in(broken, lost), "pulse-3-1"):
            if isinstance(result, Frame):
                assert result.raw == "3141"
                right += 1
    assert right >= 3


def test_a_loss_between_two_rounds_harms_nothing() -> None:
    heard: list[Symbol] = list(bursts("1231 1231"))
    middle = next(place for place in range(len(heard)) if heard[place + 1].start - heard[place].end > 3_000)
    heard.insert(middle + 1, Gap(heard[middle].end + 1_600, heard[middle].end + 2_000))
    assert frame_of(read(heard, "pulse-3-1"))
    heard[middle + 1] = Gap(heard[middle].end + 100, heard[middle].end + 2_000)
    doubtful = only(read(heard, "pulse-3-1"))
    assert isinstance(doubtful, Rejected)
    assert doubtful.reason is Reason.ERASURE


@given(
    st.lists(st.tuples(st.integers(0, 3_000), st.integers(1, 2_000), st.floats(-60, 3)), max_size=300),
    st.sampled_from(pulse.LAYOUTS),
)
def test_any_pulses_at_all_give_only_documented_outcomes(
    some: list[tuple[int, int, float]], layout: pulse.Layout
) -> None:
    heard, at = [], 0
    for off, on, level in some:
        heard.append(Pulse(1850.0, at + off, at + off + on, level, 0.5))
        at += off + on
    for result in read(list(heard), layout.name):
        assert isinstance(result, Frame | Rejected)


@pytest.mark.parametrize("message", [Message("12", "1"), Message("123", "12"), Message("12x", "1"), Message("123", "")])
def test_what_the_format_cannot_say(message: Message) -> None:
    with pytest.raises(ValueError, match="must be"):
        by_name("pulse-3-1").encode(message)


def test_which_formats_must_not_share_a_line() -> None:
    assert pulse.clash(["pulse-4-1", "contact-id", "pulse-3-1-parity"]) == ("pulse-4-1", "pulse-3-1-parity")
    assert pulse.clash(["pulse-3-1", "pulse-3-1-extended"]) is not None
    assert pulse.clash(["pulse-3-1", "pulse-4-1", "pulse-4-2", "pulse-4-2-parity"]) is None


def recordings() -> list[Path]:
    return sorted(CORPUS.glob("*.wav"))


def sound_of(path: Path) -> I16:
    with wave.open(str(path)) as recording:
        return np.frombuffer(recording.readframes(recording.getnframes()), "<i2").astype(np.int16)


@pytest.mark.parametrize("path", recordings(), ids=lambda path: path.stem)
def test_a_recording_gives_its_frames_and_other_formats_none(path: Path) -> None:
    expected = json.loads(path.with_suffix(".json").read_text())
    detector = Detector(frozenset({Signal.PULSES, Signal.DTMF}))
    symbols = detector.feed(Samples(0, sound_of(path))) + detector.finish()
    results = read(symbols, expected["format"])
    assert [one.raw for one in results if isinstance(one, Frame)] == expected["frames"]
    assert [one.reason.value for one in results if isinstance(one, Rejected)] == expected["rejected"]
    for other in [contact_id.FORMAT, *pulse.ALL]:
        if other.name != expected["format"] and pulse.clash([other.name, expected["format"]]) is None:
            assert not [one for one in read(symbols, other) if isinstance(one, Frame)]


def test_the_corpus_is_what_its_maker_makes() -> None:
    spec = importlib.util.spec_from_file_location("make_pulse", CORPUS / "make.py")
    assert spec is not None
    assert spec.loader is not None
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    cases = make.cases()
    assert sorted(cases) == [path.stem for path in recordings()]
    for name, (sound, *_) in cases.items():
        assert np.array_equal(sound, sound_of(CORPUS / f"{name}.wav")), name
