"""Everything through everything: all formats at once on any recording, any cutting, any sound, and each message over a
line. Longer: `make campaign-fuzz`, `make campaign-noise`."""

from __future__ import annotations

import json
import wave
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.fuzz.outcomes import check_memory, check_results, check_symbols, results_of
from benchmarks.fuzz.symbols import heard_as
from benchmarks.noise import listen
from decoder import synth
from decoder.checksum import contact_id_check
from decoder.detector import Detector
from decoder.exchange import Format, Message, Signal, signals_of
from decoder.frame import Frame, Rejected
from decoder.g711 import decode_ulaw, encode_ulaw
from decoder.reading import Reading
from decoder.registry import FORMATS
from decoder.samples import I16, Samples, Span, from_ms, peak_of
from decoder.symbols import Symbol
from drivers.wav import FLOAT, open_wav

CORPUS = Path(__file__).parents[1] / "corpus"
RECORDINGS = sorted(
    path for path in CORPUS.glob("*/*.wav") if path.parent.name != "wav"
)  # those are one call in 13 forms
EVERYTHING = frozenset(Signal)
NAMES = [known.name for known in FORMATS]


@cache
def sound_of(path: Path) -> I16:
    with wave.open(str(path)) as recording:
        return np.frombuffer(recording.readframes(recording.getnframes()), "<i2").astype(np.int16)


def heard(recording: Samples, cuts: list[int], signals: frozenset[Signal] = EVERYTHING) -> list[Symbol]:
    """What a detector says to a recording that comes in pieces."""
    detector, symbols = Detector(signals), list[Symbol]()
    for first, last in pairwise([0, *sorted(cuts), len(recording.pcm)]):
        start, end = recording.start + first, recording.start + last
        lost = [Span(max(s.start, start), min(s.end, end)) for s in recording.lost if s.start < end and start < s.end]
        symbols += detector.feed(Samples(start, recording.pcm[first:last], tuple(lost)))
    return symbols + detector.finish()


def by_pace(symbols: list[Symbol]) -> list[Symbol]:
    """Those of each modem for themselves: their order among others depends on when sound came."""
    return sorted(symbols, key=lambda symbol: sorted(one.name for one in heard_as(symbol)))


def read(symbols: list[Symbol]) -> list[Frame | Rejected]:
    """What all formats at once say to it."""
    results = results_of(Reading(FORMATS), symbols)
    check_results(results, NAMES)
    return results


def frames_of(results: list[Frame | Rejected]) -> list[tuple[str, str]]:
    return [(result.format, result.raw) for result in results if isinstance(result, Frame)]


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_recording_is_read_in_its_own_format_only(path: Path) -> None:
    recording = Samples(0, sound_of(path))
    symbols = heard(recording, list(range(4_000, len(recording.pcm), 4_000)))
    check_symbols(symbols, recording.end)
    told = json.loads(path.with_suffix(".json").read_text())
    frames = frames_of(read(symbols))
    assert [raw for _, raw in frames] == told["frames"]
    own = told.get("format", path.parent.name.replace("_", "-"))
    assert {name.removesuffix("-unchecked") for name, _ in frames} <= {own}


@settings(max_examples=5, deadline=None)
@given(st.data())
def test_any_cutting_of_any_recording_gives_the_same_symbols(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(RECORDINGS))
    first = data.draw(st.integers(0, max(len(sound_of(path)) - 16_000, 0)))
    sound = sound_of(path)[first : first + 16_000]
    start = data.draw(st.sampled_from([0, 777]))
    places = st.lists(st.integers(0, len(sound) - 400), max_size=2)
    lost = tuple(Span(start + place, start + place + 320) for place in sorted(data.draw(places)))
    cuts = data.draw(st.lists(st.integers(0, len(sound)), max_size=20))
    recording = Samples(start, sound, lost)
    once, again = by_pace(heard(recording, [])), by_pace(heard(recording, cuts))
    assert [kind(symbol) for symbol in once] == [kind(symbol) for symbol in again]
    for one, other in zip(once, again, strict=True):
        # The same product of matrices on blocks of other sizes differs in its last bits.
        assert abs(one.start - other.start) <= 8, (one, other)
        assert abs(one.end - other.end) <= 8, (one, other)


@pytest.mark.parametrize(
    ("name", "first", "cut", "lost"),
    [
        ("contact_id/clicks", 1_805, 6_000, ()),  # a click inside a digit, where one look ends and the next begins
        ("ademco_express/four_plus_two", 0, 2_280, (Span(2_160, 2_480),)),  # a loss in two pieces, behind a digit
    ],
)
def test_cuttings_that_once_made_a_difference(name: str, first: int, cut: int, lost: tuple[Span, ...]) -> None:
    recording = Samples(0, sound_of(CORPUS / f"{name}.wav")[first : first + 16_000], lost)
    once, again = heard(recording, []), heard(recording, [cut])
    assert [(kind(one), one.start // 8) for one in once] == [(kind(one), one.start // 8) for one in again]


def kind(symbol: Symbol) -> tuple[object, ...]:
    return type(symbol).__name__, *(getattr(symbol, name, None) for name in ("key", "name", "value", "modem", "baud"))


A_CALL = np.concatenate(
    [np.zeros(800, np.int16), synth.dtmf("123418110101001*", level_dbm0=-8), np.zeros(4_000, np.int16)]
)
AT = np.arange(32_000)
NASTY = {
    "silence": np.zeros(32_000, np.int16),
    "one sample": np.full(1, 32_767, np.int16),
    "direct current": np.full(32_000, 12_345, np.int16),
    "the lowest": np.full(32_000, -32_768, np.int16),
    **{f"a square of {hz} Hz": np.where(AT * 2 * hz // 8_000 % 2, 32_767, -32_768).astype(np.int16)
       for hz in (50, 697, 1_270, 1_400, 1_300, 1_900, 4_000)},
    "every second sample": np.where(AT % 2, 1, -1).astype(np.int16),
    "a ramp": (AT % 65_536 - 32_768).astype(np.int16),
    "white": np.random.default_rng(5).integers(-32_768, 32_768, 32_000).astype(np.int16),
    "faint": np.random.default_rng(6).integers(-2, 3, 32_000).astype(np.int16),
}  # fmt: skip


@pytest.mark.parametrize("sound", NASTY.values(), ids=NASTY)
def test_what_is_nobodys_message_is_no_frame(sound: I16) -> None:
    symbols = heard(Samples(0, sound), list(range(999, len(sound), 999)))
    check_symbols(symbols, len(sound))
    assert frames_of(read(symbols)) == []


@pytest.mark.parametrize("times", [1, 3, 30])
@pytest.mark.parametrize("current", [0, 8_000])
def test_a_clipped_call_over_direct_current_is_read_or_refused(times: int, current: int) -> None:
    """Three times too loud is still a call; thirty times is mostly squares, and never another message."""
    sound = np.clip(A_CALL.astype(np.int32) * times + current, -32_768, 32_767).astype(np.int16)
    symbols = heard(Samples(0, sound), [])
    check_symbols(symbols, len(sound))
    frames = frames_of(read(symbols))
    right = [("contact-id", contact_id_raw("123418110101001*"))]
    assert frames == right or (times == 30 and frames == [])


def contact_id_raw(keys: str) -> str:
    return keys.translate(str.maketrans("*#ABCD", "BCDEF0"))


def test_noise_for_minutes_is_no_frame_and_memory_stays_flat() -> None:
    found = listen(150_000, seed=4)
    assert found.samples == 150_000
    assert found.frames == []


@pytest.mark.parametrize("lost", [False, True])
def test_what_is_kept_of_a_call_does_not_grow(lost: bool) -> None:
    """Keys, half a message again and again, noise, losses: after minutes no more is kept than after seconds."""
    random = np.random.default_rng(8)
    turn = np.concatenate([synth.dtmf("12341811010"), random.integers(-9_000, 9_000, 6_000).astype(np.int16)])
    detector, reading, at = Detector(EVERYTHING), Reading(FORMATS), 0
    for _ in range(6):
        spans = (Span(at + 3_000, at + 9_000),) if lost else ()
        for symbol in detector.feed(Samples(at, turn, spans)):
            reading.hear(symbol)
        at += len(turn)
        reading.tick(detector.heard)
    check_memory(detector, octets=4 << 20)
    check_memory(reading, octets=1 << 20)


STUCK = synth.dtmf("9", on_ms=3_000, off_ms=0)
NOTE = (peak_of(-16) * np.sin(2 * np.pi * 1_170 / 8_000 * np.arange(24_000))).astype(np.int16)  # between mark and space


@pytest.mark.parametrize("behind", [STUCK, NOTE], ids=["a key that sticks", "what may be a modem"])
@pytest.mark.parametrize("pause", [480, 1_200])
def test_nothing_that_goes_on_behind_a_message_keeps_it_waiting(behind: I16, pause: int) -> None:
    """Neither what may yet be a digit nor what another format may make of it."""
    message = np.concatenate([synth.dtmf("123418110101001*")[:-400], np.zeros(pause, np.int16)])
    sound = np.concatenate([message, behind])
    detector, reading = Detector(signals_of(FORMATS)), Reading(FORMATS)
    for at in range(0, len(sound), 160):
        results = [one for symbol in detector.feed(Samples(at, sound[at : at + 160])) for one in reading.hear(symbol)]
        results += reading.tick(detector.heard)
        if frames_of(results):
            break
    assert frames_of(results) == [("contact-id", "123418110101001B")]
    assert at + 160 - (len(message) - pause) <= from_ms(500)


def float_wav(path: Path, values: np.ndarray, rate_hz: int) -> Path:
    body, bits = values.tobytes(), 8 * values.itemsize
    head = [FLOAT, 0, 1, 0, *rate_hz.to_bytes(4, "little"), *(rate_hz * values.itemsize).to_bytes(4, "little")]
    form = bytes([*head, values.itemsize, 0, bits, 0])
    chunks = b"WAVEfmt " + len(form).to_bytes(4, "little") + form + b"data" + len(body).to_bytes(4, "little") + body
    path.write_bytes(b"RIFF" + len(chunks).to_bytes(4, "little") + chunks)
    return path


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("rate_hz", [8_000, 44_100])
@pytest.mark.parametrize("width", ["<f4", "<f8"])
def test_what_is_no_number_never_reaches_the_decoder(tmp_path: Path, width: str, rate_hz: int) -> None:
    """NaN, of both kinds, is silence; infinity and what is beyond full scale is full scale, also after resampling."""
    values = np.zeros(rate_hz, width)
    values[: rate_hz // 2 : 3] = np.nan
    values[1 : rate_hz // 2 : 3] = np.inf
    values[2 : rate_hz // 2 : 3] = -np.finfo(width).max
    values.view(width.replace("f", "u"))[7] = 0x7F80_0001 if width == "<f4" else 0x7FF0_0000_0000_0001  # signalling
    values[rate_hz // 2 :] = 3.0
    (samples,) = open_wav(float_wav(tmp_path / "odd.wav", values, rate_hz)).whole()
    assert samples.pcm.dtype == np.int16
    assert len(samples.pcm) == 8_000
    assert np.all(samples.pcm[4_100:7_900] >= 32_000)
    assert not samples.pcm[0] or rate_hz != 8_000
    check_symbols(heard(samples, []), 8_000)


HEX, NUMBER = "0123456789BCDEF", "0123456789"


def text(alphabet: str, least: int, most: int | None = None) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=least, max_size=least if most is None else most)


EXPRESS = st.builds(Message, text(HEX, 4), text(HEX, 1), zone=text(HEX, 1))
KIN = st.builds(Message, text(NUMBER, 1, 12), text(NUMBER, 3))
SAYS: dict[str, st.SearchStrategy[Message]] = {
    "contact-id": st.builds(Message, text(HEX, 4), text(HEX, 3), st.sampled_from("136"), text(HEX, 2), text(HEX, 3)),
    "ademco-express": EXPRESS,
    "ademco-express-unchecked": EXPRESS,
    "high-speed": st.builds(Message, text(HEX, 4), text(HEX, 1), zone=text("0123456", 8)),
    "high-speed-unchecked": st.builds(Message, text(HEX, 4), text(HEX, 1), zone=text("0123456", 24)),
    "tt92": KIN,
    "stmf": KIN,
    "bs8521": st.builds(Message, text(NUMBER, 12), text(NUMBER, 3), st.sampled_from("13"), zone=text(NUMBER, 2)),
    "sia-fsk": st.builds(
        Message, text(NUMBER, 3, 6), st.sampled_from(["BA", "FA", "QA", "CL"]), zone=text(NUMBER, 1, 3)
    ),
    "number-display": st.builds(Message, text(NUMBER, 10, 11), st.just("")),
}


def pulses(known: Format) -> st.SearchStrategy[Message]:
    account = 3 if "3-1" in known.name else 4
    zone = text(HEX[1:], 1) if "2" in known.name or "extended" in known.name else st.just("000")
    said = st.builds(Message, text(HEX[1:], account), text(HEX[1:], 1), zone=zone)
    # Four equal rounds are two messages of pulse-3-1, whoever sent them.
    said = said.filter(lambda one: one.account + one.code != 3 * one.code + one.zone)
    # And five digits whose sum is right are one of pulse-3-1-parity.
    return said if known.name != "pulse-4-1" else said.filter(lambda one: contact_id_check(one.account) != one.code)


def spoken(known: Format, message: Message) -> I16:
    """A unit's sounds, with pauses; twice where a message is only believed when it is."""
    sounds = known.send(message) if known.send else (synth.dtmf(known.encode(message)),) * (1 if known.integrity else 2)
    pause = np.zeros(8_000 if known.send else 5_000, np.int16)
    return np.concatenate([pause, *(part for sound in sounds for part in (sound, pause))])


def over_a_line(sound: I16, snr_db: float, seed: int) -> I16:
    """White noise that far below what sounds, through µ-law."""
    power = float(np.mean(np.square(sound[sound != 0].astype(float))))
    noise = np.random.default_rng(seed).normal(0, np.sqrt(power) / 10 ** (snr_db / 20), len(sound))
    return decode_ulaw(encode_ulaw(np.clip(np.rint(sound + noise), -32_768, 32_767).astype(np.int16)))


@pytest.mark.parametrize("known", FORMATS, ids=lambda known: known.name)
@settings(max_examples=2, deadline=None)
@given(st.data())
def test_a_message_comes_over_a_line_as_it_was_said(known: Format, data: st.DataObject) -> None:
    message = data.draw(SAYS.get(known.name, pulses(known) if known.name.startswith("pulse") else st.nothing()))
    sound = over_a_line(spoken(known, message), 25, data.draw(st.integers(0, 99)))
    results = read(heard(Samples(0, sound), [], known.signals))
    frames = [result for result in results if isinstance(result, Frame)]
    assert [frame.format for frame in frames] == [known.name]
    if known.kiss_off:
        assert frames[0].account == message.account
    else:  # no alarm, and nobody's account
        assert frames[0].raw == known.encode(message)
