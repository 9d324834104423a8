"""One target for each parser: bytes in, nothing out. What is not documented raises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise
from typing import Final

import numpy as np

from benchmarks.fuzz import files, modem, scaip, terminals
from benchmarks.fuzz.draw import Draw
from benchmarks.fuzz.outcomes import check_memory, check_results, check_symbols, results_of
from benchmarks.fuzz.symbols import alarming, digit, heard_as, length, message, place, repeated, said, symbols
from decoder import g711, synth
from decoder.detector import Detector, detect_batch
from decoder.exchange import Format, Message, Signal
from decoder.line_figures import Measuring
from decoder.merging import Merging
from decoder.reading import Reading
from decoder.registry import FORMATS
from decoder.samples import I16, Samples, Span
from decoder.symbols import Digit, Symbol, Witness
from decoder.voice import Voice
from decoder.witnesses import merge

SOUND_MAX: Final = 24_000  # samples of one run
ALL: Final = frozenset(Signal)

SPOKEN: Final = {  # one message that each format can say
    "contact-id": Message("1234", "101", "1", "01", "001"),
    "ademco-express": Message("1234", "1", zone="5"),
    "ademco-express-unchecked": Message("1234", "1", zone="5"),
    "high-speed": Message("1234", "1", zone="55555155"),
    "high-speed-unchecked": Message("1234", "1", zone="555551555555155555555555"),
    "tt92": Message("123456", "001"),
    "bs8521": Message("123456780042", "021"),
    "stmf": Message("123456", "001"),
    "number-display": Message("0738230001", ""),
    "sia-fsk": Message("1234", "FA", zone="001"),
}


@dataclass(frozen=True, slots=True)
class Target:
    """A parser to be fed. kind: which seeds and words suit it (`seeds.py`)."""

    name: str
    run: Callable[[bytes], None]
    kind: str


def read(known: Format, data: bytes) -> None:
    """A format's reader, fed with symbols: of a message of its own that was spoilt, or any at all, again and again."""
    draw = Draw(data)
    times = draw.whole(1, 40) if draw.chance(16) else 1
    heard = alarming(draw, list(_heard(known, _own(known, draw)))) if draw.chance(128) else symbols(draw)
    reader = known.reader()
    check_results(results_of(reader, repeated(heard, times)), [known.name])
    check_memory(reader)


def read_all(data: bytes) -> None:
    """All readers at once, on a message of one of them."""
    draw = Draw(data)
    known = draw.choice(FORMATS)
    heard = alarming(draw, list(_heard(known, _own(known, draw)))) if draw.chance(128) else symbols(draw)
    reading = Reading(FORMATS)
    check_results(results_of(reading, heard), [one.name for one in FORMATS])


def encode(data: bytes) -> None:
    """Any fields at all: a message as text, or ValueError."""
    draw = Draw(data)
    known, one = draw.choice(FORMATS), message(draw)
    said(known, one)
    if known.send is not None:
        try:
            sounds = known.send(one)
        except ValueError:
            return
        assert all(sound.dtype == np.int16 and sound.ndim == 1 for sound in sounds)


def _own(known: Format, draw: Draw) -> Message:
    drawn = message(draw)
    return drawn if said(known, drawn) and draw.chance(128) else SPOKEN.get(known.name, Message("123", "1", zone="5"))


@cache
def _spoken(known: Format, one: Message) -> I16:
    text = said(known, one) or said(known, Message("1234", "1", zone="5"))
    if not text:
        return np.zeros(800, np.int16)
    if known.send is None:
        return synth.dtmf(text)
    try:
        return np.concatenate(known.send(one))
    except ValueError:
        return np.zeros(800, np.int16)


def _heard(known: Format, one: Message) -> tuple[Symbol, ...]:
    return _detected(known, one if one in SPOKEN.values() else SPOKEN.get(known.name, one))


@cache
def _detected(known: Format, one: Message) -> tuple[Symbol, ...]:
    return tuple(detect_batch([Samples(0, np.pad(_spoken(known, one), 1_600))], known.signals)[0])


def detect(data: bytes) -> None:
    """Bytes as sound, in any pieces and with losses, heard for everything; then read in every format."""
    draw = Draw(data)
    step, lost = draw.choice((1_600, 160, 240, 333, 4_001, 24_000)), _losses(draw)
    sound = _sound(draw)
    detector, reading = Detector(ALL), Reading(FORMATS)
    heard: list[Symbol] = []
    for at in range(0, len(sound), step):
        piece = sound[at : at + step]
        inside = [
            Span(max(one.start, at), min(one.end, at + len(piece)))
            for one in lost
            if one.start < at + len(piece) and at < one.end
        ]
        heard += detector.feed(Samples(at, piece, tuple(inside)))
        assert all(place(one) < detector.heard(heard_as(one)) for one in heard)
    heard += detector.finish()
    check_symbols(heard, len(sound))
    check_results(results_of(reading, heard), [one.name for one in FORMATS])


def _losses(draw: Draw) -> list[Span]:
    spans, at = [], 0
    for _ in range(draw.whole(0, 3)):
        at += draw.whole(0, 12_000)
        spans.append(Span(at, at + length(draw)))
        at = spans[-1].end
    return spans


def _sound(draw: Draw) -> I16:
    """The rest as 16-bit samples: as they are, louder, with direct current, or again and again."""
    how, times = draw.whole(0, 7), draw.whole(1, 4)
    data = draw.rest()
    sound = np.frombuffer(data[: len(data) & ~1], "<i2").astype(np.int32)
    if how == 1:
        sound = sound * 16
    elif how == 2:
        sound = sound + 20_000
    elif how == 3:
        sound = np.tile(sound, times)
    elif how == 4:
        sound = np.where(sound < 0, -32_768, 32_767)
    elif how == 5:
        sound = sound // 256
    return np.clip(sound[:SOUND_MAX], -32_768, 32_767).astype(np.int16)


def voice(data: bytes) -> None:
    """Somebody there or not, and what the line is like: spans in order, plain numbers."""
    draw = Draw(data)
    step, lost = draw.choice((1_600, 160, 333, 4_001)), _losses(draw)
    sound = _sound(draw)
    ear, measuring, spans = Voice(), Measuring(), list[Span]()
    for at in range(0, len(sound), step):
        piece = sound[at : at + step]
        inside = tuple(
            Span(max(one.start, at), min(one.end, at + len(piece)))
            for one in lost
            if one.start < at + len(piece) and at < one.end
        )
        spans += ear.feed(Samples(at, piece, inside))
        measuring.feed(Samples(at, piece, inside))
    spans += ear.finish()
    measuring.finish().noise_dbm0(spans)
    assert all(one.end <= two.start for one, two in pairwise(spans)), spans


def witnesses(data: bytes) -> None:
    """Keys by sound, event and INFO, in any order, merged at once and while they come."""
    draw = Draw(data)
    heard, told, at = list[Digit](), list[Digit](), 0
    while draw.left and len(heard) + len(told) < 60:
        one = digit(draw, at)
        (heard if one.witness is Witness.SOUND else told).append(one)
        at += draw.whole(0, 3_000)
    told = [one for one in told if one.witness in (Witness.EVENT, Witness.INFO)]
    heard.sort(key=place)
    merged = merge(heard, told)
    assert all(one.start <= two.start for one, two in pairwise(merged))
    merging, given = Merging(), list[Symbol]()
    for one in sorted([*heard, *told], key=lambda one: one.end + (800 if one.witness is not Witness.SOUND else 0)):
        (merging.hear if one.witness is Witness.SOUND else merging.tell)(one)
        given += merging.take(one.end)
    given += merging.finish()
    digits = [one for one in given if isinstance(one, Digit)]
    assert all(one.start <= two.start for one, two in pairwise(digits)), digits


def companded(data: bytes) -> None:
    """G.711: every octet is a sample; a sample that was one octet is the same sample again."""
    octets = np.frombuffer(data, np.uint8)
    for decode, encode_again in ((g711.decode_alaw, g711.encode_alaw), (g711.decode_ulaw, g711.encode_ulaw)):
        sound = decode(octets)
        assert sound.dtype == np.int16
        assert np.array_equal(decode(encode_again(sound)), sound)
    sound = np.frombuffer(data[: len(data) & ~1], "<i2").astype(np.int16)
    for decode, encode_again in ((g711.decode_alaw, g711.encode_alaw), (g711.decode_ulaw, g711.encode_ulaw)):
        error = np.abs(decode(encode_again(sound)).astype(int) - sound)
        assert np.all(error <= np.maximum(np.abs(sound.astype(int)) // 16, 16) + 644)


TARGETS: Final = {
    target.name: target
    for target in (
        *(Target(known.name, partial(read, known), "symbols") for known in FORMATS),
        Target("reading", read_all, "symbols"),
        Target("encode", encode, "symbols"),
        Target("witnesses", witnesses, "symbols"),
        Target("detector", detect, "sound"),
        Target("voice", voice, "sound"),
        Target("g711", companded, "sound"),
        Target("wav", files.wav, "wav"),
        Target("pcap", files.capture, "pcap"),
        Target("packets", files.packets, "packets"),
        Target("sip", files.sip, "sip"),
        Target("rtp", files.rtp, "rtp"),
        Target("scaip", scaip.desk, "scaip"),
        Target("scaip-xml", scaip.body, "scaip"),
        Target("profile", terminals.text, "toml"),
        Target("profile-table", terminals.table, "symbols"),
        Target("learning", terminals.learning, "symbols"),
        Target("modem", modem.dialogue, "modem"),
        Target("modem-text", modem.text, "modem"),
    )
}
