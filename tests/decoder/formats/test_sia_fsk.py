"""SIA by modem: worked blocks of the sheet, groups, repairs and repetitions, by characters and by sound."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder import fsk, sia_events
from decoder.detector import detect_batch
from decoder.exchange import Message, Signal
from decoder.formats import contact_id, number_display, sia_fsk
from decoder.frame import Frame, Reason, Rejected
from decoder.reading import Reading, asked
from decoder.samples import I16, Samples, Span
from decoder.sia_blocks import block
from decoder.symbols import Character
from decoder.synth import dtmf, steps

CORPUS = Path(__file__).parents[2] / "corpus"
ACCOUNT = block("#", b"1234")
BLOCKS = [
    ("04 23 31 32 33 34 DC", block("#", b"1234")),
    ("44 23 31 32 33 34 9C", block("#", b"1234", ack=True)),
    ("05 4E 4D 41 30 30 31 89", block("N", b"MA001")),
    ("45 4E 4D 41 30 30 31 C9", block("N", b"MA001", ack=True)),
    ("09 4E 72 69 30 31 2F 51 41 30 33 9E", block("N", b"ri01/QA03")),
    ("42 4E 52 50 F1", block("N", b"RP", ack=True)),
    ("40 30 8F", block("0", ack=True)),
    ("40 38 87", block("8", ack=True)),
    ("40 39 86", block("9", ack=True)),
]
BIT = 8000 / 300


def characters(*bursts: bytes, margin: float = 12.0, start: int = 4_000) -> list[Character]:
    """Bursts of characters as the detector would report them, 500 ms apart."""
    found = []
    at = float(start)
    for burst in bursts:
        for octet in burst:
            margins = tuple(margin if octet >> bit & 1 else -margin for bit in range(8))
            begin, end = round(at), round(at + 10 * BIT)
            found.append(Character(octet, begin, end, -14, 0.999, "bell103-1", 300, True, margins))
            at += 10 * BIT
        at += 4_000
    return found


def hit(one: Character, *bits: int, margin: float = 1.0) -> Character:
    """The character with bits heard wrong, and badly."""
    margins = list(one.margins)
    for bit in bits:
        margins[bit] = -np.sign(margins[bit]) * margin
    value = sum((bit > 0) << place for place, bit in enumerate(margins))
    return dataclasses.replace(one, value=value, margins=tuple(map(float, margins)), confidence=0.4)


def read(
    symbols: list[Character], reader: sia_fsk.Reader | None = None, *, quiet: int = 1_000
) -> list[Frame | Rejected]:
    """What a reader says, asked for time at its deadlines up to `quiet` samples behind the last character."""
    return asked(reader or sia_fsk.Reader(), symbols, until=symbols[-1].end + quiet)


def frames(results: list[Frame | Rejected]) -> list[Frame]:
    return [result for result in results if isinstance(result, Frame)]


@pytest.mark.parametrize(("worked", "made"), BLOCKS)
def test_worked_blocks(worked: str, made: bytes) -> None:
    assert made == bytes.fromhex(worked)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"MA001", ("MA", "1", "", "001", "")),
        (b"ri01/QA03", ("QA", "1", "01", "03", "")),
        (b"Ri01/BA01", ("BA", "1", "01", "01", "")),
        (b"QR3", ("QR", "3", "", "3", "")),
        (b"ti11:45/id001/pi010/CL", ("CL", "1", "", "010", "time 11:45; user 001; point 010")),
        (b"BA01^front/back door^", ("BA", "1", "", "01", "text front/back door")),
        (b"Nri", None),
        (b'FA12*"kitchen"NM', ("FA", "1", "", "12", "text kitchen")),
        (b"RP", ("RP", "1", "", "", "")),
        (b"ZY7", ("ZY", "1", "", "7", "")),
        (b"zz9/RP", ("RP", "1", "", "", "not understood: zz9")),
    ],
)
def test_events(data: bytes, expected: tuple[str, ...] | None) -> None:
    results = read(characters(ACCOUNT + block("N", data, ack=True)))
    if expected is None:
        assert frames(results) == []
        return
    (frame,) = frames(results)
    assert (frame.code, frame.qualifier, frame.partition, frame.zone, frame.note) == expected
    assert frame.account == "1234"
    assert frame.raw.startswith("#1234 N")


def test_several_events_each_with_the_modifiers_before_it() -> None:
    results = read(characters(ACCOUNT + block("N", b"ri1/ti10:00/BA1/ri2/BR2/RP", ack=True)))
    assert [(frame.code, frame.partition, frame.zone, frame.raw) for frame in frames(results)] == [
        ("BA", "1", "1", "#1234 Nri1/ti10:00/BA1"),
        ("BR", "2", "2", "#1234 Nri1/ti10:00/ri2/BR2"),
        ("RP", "2", "", "#1234 Nri1/ti10:00/ri2/RP"),
    ]
    assert all(frame.checksum_ok for frame in frames(results))


def test_a_group_is_given_with_the_block_that_asks() -> None:
    symbols = characters(ACCOUNT, block("N", b"MA1"), block("A", b"bedroom"), block("O", b"AT", ack=True))
    results = read(symbols)
    assert [(frame.code, frame.note) for frame in frames(results)] == [("MA", "text bedroom"), ("AT", "old event")]
    assert read(symbols[:-5]) == []


def test_the_account_holds_until_another_comes() -> None:
    sent = characters(
        ACCOUNT + block("N", b"MA1", ack=True),
        block("N", b"MR1", ack=True),
        block("#", b"9"),
        block("N", b"RP", ack=True),
    )
    assert [(frame.account, frame.code) for frame in frames(read(sent))] == [
        ("1234", "MA"),
        ("1234", "MR"),
        ("9", "RP"),
    ]


def test_what_nobody_asked_for_is_given_when_the_panel_has_gone() -> None:
    sent = characters(ACCOUNT + block("N", b"MA1"))
    assert read(sent) == []
    (frame,) = frames(read(sent, quiet=40_000))
    assert frame.note == "no acknowledgement was asked for"


def test_an_end_of_data_wants_an_answer_and_is_no_event() -> None:
    reader = sia_fsk.Reader()
    results = read(characters(ACCOUNT + block("N", b"MA1", ack=True), block("0", ack=True)), reader)
    assert len(results) == 1
    (asked,) = reader.asked
    assert asked.end > frames(results)[0].end
    assert read(characters(ACCOUNT + block("N", b"MA1", ack=True)), reader)
    assert reader.asked == [asked]


def test_an_unknown_function_is_shown() -> None:
    (frame,) = frames(read(characters(ACCOUNT + block("Z", b"abc", ack=True))))
    assert (frame.raw, frame.code, frame.note) == ("#1234 Zabc", "", "function unknown: abc")


def test_an_event_without_account_is_rejected() -> None:
    (rejected,) = read(characters(block("N", b"MA001", ack=True)))
    assert isinstance(rejected, Rejected)
    assert rejected.reason is Reason.SHAPE


def test_noise_before_and_behind_is_passed_over() -> None:
    noise = bytes([0xFF])
    assert len(frames(read(characters(noise + ACCOUNT + block("N", b"MA1", ack=True) + noise)))) == 1


def test_bits_that_were_badly_heard_are_mended_by_parity() -> None:
    sent = characters(ACCOUNT + block("N", b"MA001", ack=True))
    sent[11] = hit(sent[11], 1, 4, 6)
    (frame,) = frames(read(sent))
    assert (frame.raw, frame.recovered) == ("#1234 NMA001", (9,))
    assert not frame.account_recovered
    sent = characters(ACCOUNT + block("N", b"MA001", ack=True))
    sent[3] = hit(sent[3], 0)
    (frame,) = frames(read(sent))
    assert (frame.account, frame.recovered, frame.account_recovered) == ("1234", (2,), True)


@pytest.mark.parametrize(
    "places",
    [
        {9: (1,), 11: (1,)},  # two in one column: parity does not say which
        {8: (0,), 11: (3,)},  # too far apart for one lost packet
    ],
)
def test_what_parity_does_not_decide_is_rejected(places: dict[int, tuple[int, ...]]) -> None:
    sent = characters(ACCOUNT + block("N", b"MA001", ack=True))
    for place, bits in places.items():
        sent[place] = hit(sent[place], *bits)
    if len(places) == 2 and 9 in places:
        sent[10] = hit(sent[10], 1)
    results = read(sent)
    assert frames(results) == []
    assert [result.reason for result in results if isinstance(result, Rejected)] == [Reason.CHECKSUM]


def test_a_bit_that_was_well_heard_is_never_overruled() -> None:
    sent = characters(ACCOUNT + block("N", b"MA001", ack=True))
    sent[9] = hit(sent[9], 2, margin=12)
    assert frames(read(sent)) == []


def test_repetitions_are_added() -> None:
    """Neither try can be read alone: each time other bits of one column are in doubt."""
    sent = block("N", b"MA001", ack=True)
    first = characters(ACCOUNT + sent)
    second = characters(ACCOUNT + sent, start=30_000)
    for tries, places in ((first, (8, 9, 11)), (second, (10, 12, 13))):
        for place in places:
            tries[place] = hit(tries[place], 1, margin=2)
    assert frames(read(first)) == []
    (frame,) = frames(read(first + second))
    assert frame.raw == "#1234 NMA001"


def test_a_spoiled_group_is_given_once_when_it_is_repeated() -> None:
    good, bad = block("N", b"MA1"), block("N", b"AT", ack=True)
    first = characters(ACCOUNT + good + bad)
    first[-3] = hit(first[-3], 1, margin=12)
    again = characters(ACCOUNT + good + bad, start=30_000)
    assert [frame.code for frame in frames(read(first + again, quiet=100_000))] == ["MA", "AT"]
    assert [frame.code for frame in frames(read(first, quiet=100_000))] == ["MA"]


printable = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)


@settings(max_examples=50, deadline=None)
@given(printable)
def test_any_data_is_borne(data: str) -> None:
    for event in sia_events.events(data):
        assert len(event.code) == 2
        assert all(0 <= first < behind <= len(data) for first, behind in event.places)
    for result in read(characters(ACCOUNT + block("N", data.encode(), ack=True)), quiet=80_000):
        assert isinstance(result, Frame | Rejected)


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=100))
def test_any_characters_are_borne(octets: bytes) -> None:
    if octets:
        read(characters(octets), quiet=80_000)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 12), st.integers(1, 255))
def test_one_changed_octet_is_never_read(place: int, change: int) -> None:
    octets = bytearray(ACCOUNT + block("N", b"MA001", ack=True))
    octets[place] ^= change
    assert "MA001" not in [frame.code + frame.zone for frame in frames(read(characters(bytes(octets)))) if place > 6]


messages = st.builds(
    Message,
    account=st.text("0123456789ABCDEF", min_size=1, max_size=6),
    code=st.sampled_from(["MA", "QA", "FA", "RP", "MR", "XT"]),
    qualifier=st.just("1"),
    partition=st.sampled_from(["", "01", "12"]),
    zone=st.sampled_from(["", "1", "003", "1234"]),
)


@settings(max_examples=50, deadline=None)
@given(messages)
def test_encode_and_read(message: Message) -> None:
    (frame,) = frames(read(characters(bytes.fromhex(sia_fsk.encode(message)))))
    assert (frame.account, frame.code, frame.partition, frame.zone) == (
        (message.account, message.code, message.partition, message.zone)
    )


@pytest.mark.parametrize(
    "message",
    [Message("12G", "MA"), Message("1234", "ma"), Message("1234", "MA", zone="12345"), Message("", "MA")],
)
def test_what_cannot_be_said(message: Message) -> None:
    with pytest.raises(ValueError, match="SIA"):
        sia_fsk.encode(message)


def by_sound(sound: I16, lost: tuple[Span, ...] = ()) -> list[Frame]:
    symbols = detect_batch([Samples(0, sound, lost)], sia_fsk.FORMAT.signals, with_tones=False)[0]
    return frames(read([one for one in symbols if isinstance(one, Character)], quiet=4_000))


@pytest.mark.parametrize(
    "modem", [fsk.BELL_103_1, fsk.BELL_103_1_SLOW, fsk.V_21_1], ids=lambda one: f"{one.name} {one.baud}"
)
def test_by_sound(modem: fsk.Modem) -> None:
    message = Message("1234", "QA", partition="01", zone="03")
    quiet = np.zeros(3_000, np.int16)
    sound = np.concatenate([quiet, sia_fsk.sound(sia_fsk.group(message), modem), quiet])
    assert [frame.raw for frame in by_sound(sound)] == ["#1234 Nri01/QA03"]


@pytest.mark.parametrize("at", range(8_200, 11_000, 311))
def test_a_lost_packet_is_mended(at: int) -> None:
    """20 ms are six bits: at most one of each column, which is what parity can give back."""
    message = Message("1234", "QA", partition="01", zone="03")
    quiet = np.zeros(3_000, np.int16)
    sound = np.concatenate([quiet, *sia_fsk.send(message)[:1], quiet])
    sound[at : at + 160] = 0
    assert [frame.raw for frame in by_sound(sound, (Span(at, at + 160),))] == ["#1234 Nri01/QA03"]


def test_the_corpus_is_what_its_maker_makes() -> None:
    spec = importlib.util.spec_from_file_location("make_sia", CORPUS / "sia_fsk" / "make.py")
    assert spec is not None
    assert spec.loader is not None
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    for name, (sound, _, raws, *_) in make.cases().items():
        with wave.open(str(CORPUS / f"{name}.wav")) as recording:
            kept = np.frombuffer(recording.readframes(recording.getnframes()), "<i2")
        assert np.array_equal(sound, kept), name
        assert raws == json.loads((CORPUS / f"{name}.json").read_text())["frames"]


def test_calls_in_keypad_digits_are_none_of_ours() -> None:
    calls = [
        steps(contact_id.HANDSHAKE),
        dtmf("123418110101001*"),
        steps(contact_id.KISS_OFF),
        dtmf("1470147036936936"),
    ]
    pause = np.zeros(2_400, np.int16)
    sound = np.concatenate([piece for call in calls for piece in (pause, call)])
    signals = frozenset({Signal.BELL_103, Signal.V_21, Signal.V_23})
    reading = Reading([sia_fsk.FORMAT, number_display.FORMAT])
    results = [result for symbol in detect_batch([Samples(0, sound)], signals)[0] for result in reading.hear(symbol)]
    assert results + reading.tick(len(sound) + 80_000) == []
