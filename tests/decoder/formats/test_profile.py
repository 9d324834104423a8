"""Terminals described in TOML: what is sent is read, what is spoilt rejected; what is wrong in a table is one line."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder.detector import LISTENERS, Detector
from decoder.exchange import Format, Message
from decoder.formats import contact_id, profile
from decoder.frame import Frame, Reason, Rejected
from decoder.reading import asked
from decoder.samples import I16, Samples
from decoder.symbols import KEYS, Character, Digit, Gap, Symbol, Tone

EXAMPLES = sorted((Path(__file__).parents[3] / "examples" / "profiles").glob("*.toml"))

FRAMED: dict[str, Any] = {
    "name": "framed",
    "carrier": "pb",
    "message": {
        "start": "*",
        "end": "#",
        "fields": [
            {"name": "account", "length": 4},
            {"name": "code", "length": 2},
            {"value": "0"},
            {"name": "check", "length": 1},
        ],
    },
    "check": {"kind": "sum", "modulo": 10, "complement": True},
    "codes": {"07": {"code": "101", "words": "pendant"}, "08": {"code": "101", "qualifier": "3"}},
}
GOOD = "*123407" + "0" + "3" + "#"  # 1+2+3+4+0+7+0 = 17


def changed(**changes: Any) -> dict[str, Any]:
    """FRAMED with some keys of the first level changed, or with `None` taken away."""
    table = copy.deepcopy(FRAMED) | changes
    return {key: value for key, value in table.items() if value is not None}


def digits(keys: str, *, start: int = 4_000, on: int = 640, off: int = 640, confidence: float = 1.0) -> list[Symbol]:
    """Keys as a detector would report them."""
    return [
        Digit(key, start + place * (on + off), start + place * (on + off) + on, -10.0, 0.0, 0.0, confidence)
        for place, key in enumerate(keys)
    ]


def characters(octets: bytes, *, start: int = 4_000, modem: str = "v23", baud: float = 1_200) -> list[Symbol]:
    """Octets as the modem's listener would report them, ten bits each."""
    length = round(80_000 / baud)
    return [
        Character(octet, start + place * length, start + (place + 1) * length, -14.0, 0.99, modem, baud)
        for place, octet in enumerate(octets)
    ]


def read(symbols: list[Symbol], known: Format) -> list[Frame | Rejected]:
    return asked(known.reader(), symbols)


def only(results: list[Frame | Rejected]) -> Frame | Rejected:
    assert len(results) == 1, results
    return results[0]


def frame_of(results: list[Frame | Rejected]) -> Frame:
    frame = only(results)
    assert isinstance(frame, Frame), frame
    return frame


def heard_in(sound: I16, known: Format) -> list[Symbol]:
    padded = np.concatenate([np.zeros(4_000, np.int16), sound, np.zeros(8_000, np.int16)])
    detector = Detector(known.signals)
    return detector.feed(Samples(0, padded)) + detector.finish()


def test_a_message_worked_by_hand() -> None:
    frame = frame_of(read(digits(GOOD), profile.from_table(FRAMED)))
    assert (frame.format, frame.raw, frame.account) == ("framed", GOOD, "1234")
    assert (frame.code, frame.qualifier) == ("101", "1")
    assert "pendant" in frame.note
    assert profile.from_table(FRAMED).encode(Message("1234", "101")) == GOOD
    assert profile.from_table(FRAMED).encode(Message("1234", "101", "3")) == "*12340802#"


def test_a_code_that_the_map_does_not_know_is_told_as_it_was_sent() -> None:
    frame = frame_of(read(digits("*12341208" + "#"), profile.from_table(changed(check={"kind": "sum", "offset": 5}))))
    assert frame.code == "12"
    assert "not in the profile's code map" in frame.note


@pytest.mark.parametrize(
    ("keys", "reason", "says"),
    [
        ("*1234070#", Reason.TOO_SHORT, "7 letters"),
        ("*12340700" + "3#", Reason.TOO_LONG, "9 letters"),
        ("*12340704#", Reason.CHECKSUM, "sum"),
        ("*12340713#", Reason.SHAPE, "always"),
        ("*12A40703#", Reason.SHAPE, "'A'"),
        ("*123407030", Reason.FRAMING, "end"),
        ("*00000000#", Reason.SANITY, "zeros"),
    ],
)
def test_what_is_no_message(keys: str, reason: Reason, says: str) -> None:
    result = only(read(digits(keys), profile.from_table(FRAMED)))
    assert isinstance(result, Rejected)
    assert result.reason is reason
    assert says in result.evidence
    assert result.best == keys


@pytest.mark.parametrize("keys", ["1234", "123418110101001*", "*#", "#", "*" * 30, "0" * 10])
def test_what_does_not_look_like_it_is_not_complained_of(keys: str) -> None:
    results = read(digits(keys), profile.from_table(FRAMED))
    assert not [one for one in results if isinstance(one, Frame)]
    assert len(results) <= (keys == "*#")


def test_doubt_and_loss_are_erasures() -> None:
    doubtful = digits(GOOD)
    doubtful[3] = digits("7" * 4, confidence=0.3)[3]
    result = only(read(doubtful, profile.from_table(FRAMED)))
    assert isinstance(result, Rejected)
    assert (result.reason, result.best) == (Reason.ERASURE, "*12?40703"[:3] + "?" + GOOD[4:])
    lost: list[Symbol] = digits(GOOD)
    lost[4:5] = [Gap(lost[4].start - 80, lost[4].end + 80)]
    result = only(read(lost, profile.from_table(FRAMED)))
    assert isinstance(result, Rejected)
    assert (result.reason, result.best) == (Reason.ERASURE, GOOD[:4] + "?" + GOOD[5:])


def test_messages_that_follow_each_other_without_a_pause() -> None:
    results = read(digits(GOOD + GOOD), profile.from_table(FRAMED))
    assert [one.raw for one in results if isinstance(one, Frame)] == [GOOD, GOOD]


def test_without_a_check_a_message_counts_when_it_was_heard_twice() -> None:
    fields = [{"name": "account", "length": 4}]
    known = profile.from_table(changed(message={"start": "*", "fields": fields}, check=None, codes=None))
    assert not known.integrity
    once = digits("*1234")
    assert isinstance(only(read(once, known)), Rejected)
    assert frame_of(read(once + digits("*1234", start=20_000), known)).account == "1234"
    differs = read(once + digits("*1235", start=20_000), known)
    assert not [one for one in differs if isinstance(one, Frame)]


def test_a_profile_without_a_check_leaves_contact_id_alone() -> None:
    fields = [{"name": "account", "length": 16, "alphabet": KEYS}]
    known = profile.from_table(changed(message={"fields": fields}, check=None, repeats=1, codes=None))
    keys = contact_id.encode(Message("1234", "101"))
    assert read(digits(keys), known) == []
    assert frame_of(read(digits(keys[::-1]), known))


def test_timing_is_kept_to() -> None:
    known = profile.from_table(changed(timing={"on_ms": [60, 100], "off_ms": [60, 100]}))
    assert frame_of(read(digits(GOOD), known))
    for wrong in (digits(GOOD, on=400), digits(GOOD, off=900)):
        result = only(read(wrong, known))
        assert isinstance(result, Rejected)
        assert result.reason is Reason.FRAMING


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_what_an_example_sends_is_read(path: Path) -> None:
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    known = profile.from_table(table)
    assert known.name == path.stem
    if not known.signals <= {*LISTENERS, *profile.from_table(FRAMED).signals}:
        pytest.skip("nobody hears this signal yet")
    lengths = {"framed-keys": "123456", "v23-frames": "0012ABCD", "pulse-fast": "1234"}
    code = "100" if known.name == "two-tones" else "1" if known.name == "pulse-fast" else "101"
    zone = "02" if known.name == "framed-keys" else "2"
    message = Message(lengths.get(known.name, "12345678"), code, zone=zone)
    assert known.send is not None
    frame = frame_of(read(heard_in(known.send(message)[0], known), known))
    assert frame.format == known.name
    assert known.name == "two-tones" or frame.account == message.account
    assert frame.code in ("", "100", "101")


def test_characters_of_a_modem_parity_and_a_crc_of_another_hand() -> None:
    known = profile.from_toml((EXAMPLES[0].parent / "v23-frames.toml").read_text(encoding="utf-8"))
    # CRC-16/KERMIT of 12 34 56 78 30 31, bit by bit on paper.
    body, crc = bytes.fromhex("12345678") + b"01", 0
    for octet in body:
        for bit in range(8):
            low = (crc ^ octet >> bit) & 1
            crc = crc >> 1 ^ (0x8408 if low else 0)
    sent = b"\x02" + body + b"\x03" + crc.to_bytes(2, "little")
    frame = frame_of(read(characters(b"\xff" + sent), known))
    assert (frame.account, frame.code, frame.raw) == ("12345678", "101", sent.hex().upper())
    assert known.encode(Message("12345678", "101")) == sent.hex().upper()
    spoilt = only(read(characters(sent[:-1] + bytes([sent[-1] ^ 1])), known))
    assert isinstance(spoilt, Rejected)
    assert spoilt.reason is Reason.CHECKSUM
    assert read(characters(sent, modem="v21-1", baud=300), known) == []


def test_a_tone_that_a_modem_takes_for_characters_is_not_complained_of() -> None:
    known = profile.from_toml((EXAMPLES[0].parent / "v23-frames.toml").read_text(encoding="utf-8"))
    nobody = [replace(one, confidence=0.2) for one in characters(bytes(100)) if isinstance(one, Character)]
    assert read(list(nobody), known) == []


def test_seven_bits_and_even_parity() -> None:
    known = profile.from_table(
        {
            "name": "seven",
            "carrier": "fsk",
            "repeats": 1,
            "modem": {"name": "v21-1", "parity": "even"},
            "message": {"end": "\r", "fields": [{"name": "account", "length": 4}]},
        }
    )
    sent = bytes([0xB1, 0xB2, 0x33, 0xB4, 0x8D])  # 1 2 3 4 and return
    assert frame_of(read(characters(sent, modem="v21-1", baud=300), known)).account == "1234"
    result = only(read(characters(b"\xb1\x32\x33\xb4\x8d", modem="v21-1", baud=300), known))
    assert isinstance(result, Rejected)
    assert (result.reason, result.best) == (Reason.ERASURE, "31??33340D")


def test_single_tones_by_their_lengths() -> None:
    known = profile.from_toml((EXAMPLES[0].parent / "two-tones.toml").read_text(encoding="utf-8"))
    once = [(2300.0, 400), (1400.0, 100), (2300.0, 450)]
    heard: list[Symbol] = []
    at = 1_000
    for _ in range(2):
        for hz, ms in once:
            heard.append(Tone(hz + 8, at, at + ms * 8, -10.0, 0.95))
            at += ms * 8 + 800
        at += 8_000
    frame = frame_of(read(heard, known))
    assert (frame.raw, frame.code) == ("HlH", "100")


SUMS = [
    ("keypad", 10, 0, False, "12", "3"),
    ("keypad", 16, 0, False, "99*", "0"),  # 9 + 9 + 14 = 32
    ("contact-id", 15, 0, True, "123418110101001", "*"),
    ("B1234567890AC*D#", 16, 0, False, "10", "A"),
    ("keypad", 10, 7, False, "12", "0"),
]


@pytest.mark.parametrize(("values", "modulo", "offset", "complement", "body", "check"), SUMS)
def test_check_digits(values: str, modulo: int, offset: int, complement: bool, body: str, check: str) -> None:
    table = changed(
        message={
            "start": "D",
            "fields": [
                {"name": "account", "length": len(body), "alphabet": KEYS},
                {"name": "check", "length": 1},
            ],
        },
        check={"kind": "sum", "values": values, "modulo": modulo, "offset": offset, "complement": complement},
        codes=None,
    )
    known = profile.from_table(table)
    assert known.encode(Message(body, "")) == "D" + body + check
    assert frame_of(read(digits("D" + body + check), known)).account == body


@settings(max_examples=60, deadline=None)
@given(
    st.text("0123456789", min_size=1, max_size=4).filter(lambda text: set(text) != {"0"}),
    st.text("0123456789", min_size=2, max_size=2),
    st.sampled_from(["sum", "xor"]),
    st.sampled_from([("digit", 1), ("decimal", 2), ("hex", 2)]),
    st.booleans(),
    st.integers(0, 9),
)
def test_what_is_encoded_is_read_and_one_changed_key_is_not(
    account: str, code: str, kind: str, form: tuple[str, int], complement: bool, offset: int
) -> None:
    name, length = form
    fields = [
        {"name": "account", "length": [1, 4]},
        {"name": "code", "length": 2},
        {"name": "check", "length": length},
    ]
    check = {"kind": kind, "form": name, "offset": offset}
    if kind == "sum":
        check |= {"complement": complement, "modulo": 16 if name != "decimal" else 10}
    known = profile.from_table(changed(message={"start": "A", "end": "#", "fields": fields}, check=check, codes=None))
    try:
        keys = known.encode(Message(account, code))
    except ValueError:
        return  # hexadecimal E and F are no keys
    if set(keys) <= set(KEYS):
        frame = frame_of(read(digits(keys), known))
        assert (frame.account, frame.code) == (account, code)
        other = keys[:1] + "0123456789"["0123456789".index(keys[1]) - 1] + keys[2:]
        assert not isinstance(only(read(digits(other), known)), Frame)


BAD = [
    ({"naem": "x"}, "unknown key 'naem'; did you mean 'name'?"),
    ({"name": "Ein Name"}, "name must be"),
    ({"carrier": "bp"}, "there are pb, fsk"),
    ({"carrier": 3}, "carrier must be a string"),
    ({"message": {"strat": "*"}}, "unknown key 'message.strat'; did you mean 'start'?"),
    ({"message": {"fields": []}}, "at least one field"),
    ({"message": {"fields": [{"name": "account"}]}}, "message.fields[1].length"),
    ({"message": {"fields": [{"name": "account", "length": 0}]}}, "between 1 and"),
    ({"message": {"fields": [{"name": "account", "length": True}]}}, "must be a number"),
    ({"message": {"fields": [{"name": "account", "length": float("nan")}]}}, "must be a number"),
    ({"message": {"fields": [{"name": "account", "length": 10**400}]}}, "must be a number"),
    ({"message": {"fields": [{"name": "account", "length": 1.5}]}}, "whole"),
    ({"message": {"fields": [{"name": "account", "length": [4, 2]}]}}, "smallest"),
    ({"message": {"fields": [{"name": "account", "length": 4, "alphabet": "xyz"}]}}, "alphabet"),
    ({"message": {"fields": [{"name": "a", "length": 4}, {"name": "a", "length": 4}]}}, "two of 'a'"),
    ({"message": {"fields": [{"length": 4}]}}, "value is missing"),
    ({"message": {"start": "x", "fields": []}}, "cannot be sent"),
    ({"message": "x"}, "message must be a table"),
    ({"check": None}, "check.kind is missing"),
    ({"check": {"kind": "crc-16-arc"}}, "check.form"),
    ({"check": {"kind": "summ"}}, "did you mean 'sum'?"),
    ({"check": {"kind": "sum", "over": ["acount"]}}, "check.over"),
    ({"check": {"kind": "sum", "values": "00"}}, "check.values"),
    ({"timing": {"off_ms": [400, 500]}}, "end_pause_ms"),
    ({"greeting": [{"keys": "X"}]}, "no key 'X'"),
    ({"greeting": [{"hz": [1400]}]}, "greeting[1].ms"),
    ({"greeting": "beep"}, "greeting must be a list"),
    ({"repeats": 9}, "between 1 and 2"),
    ({"codes": {"01": {"cod": "1"}}}, "unknown key 'codes.01.cod'; did you mean 'code'?"),
    ({"modem": {"name": "v23"}}, "unknown key 'modem'"),
    ({"carrier": "fsk", "modem": {"name": "v32"}}, "modem.name"),
    ({"carrier": "fsk", "modem": {"name": "v21-1", "baud": 1200}}, "v21-1 has 300"),
    ({"carrier": "tones", "tones": {"a": {"hz": 3000}}}, "is not listened for"),
    ({"carrier": "pulses", "pulses": {"layout": "9-1"}}, "there are 3-1"),
]


@pytest.mark.parametrize(("changes", "says"), BAD, ids=[says[:40] for _, says in BAD])
def test_what_is_wrong_in_a_table_is_one_line_that_names_the_key(changes: dict[str, Any], says: str) -> None:
    table = changed(**changes)
    if table["carrier"] == "pulses":
        table = {key: table[key] for key in ("name", "carrier", "pulses")}
    with pytest.raises(ValueError, match=r".") as error:
        profile.from_table(table)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


SPOKEN = """name maker carrier pb fsk tones pulses greeting acknowledgement hz ms keys repeats message start end fields
account code check length value alphabet as hex kind sum xor crc-16-arc modulo offset form digit octets over values
keypad timing on_ms off_ms end_pause_ms codes modem v23 v21-1 baud parity even layout 4-2 pps H * # 0"""
WORDS = st.sampled_from(SPOKEN.split())
SCALARS = st.one_of(WORDS, st.integers(-3, 300), st.floats(), st.booleans(), st.text(max_size=3))
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(WORDS, inner, max_size=6)),
    max_leaves=8,
)


def one_line(what: Callable[[], object]) -> object:
    """What a call gives, None if it raises ValueError."""
    try:
        return what()
    except ValueError as error:
        line = str(error)
    assert line
    assert "\n" not in line
    return None


def usable(table: dict[str, Any]) -> None:
    """A table gives a format that reads anything, or one line."""
    known = one_line(lambda: profile.from_table(table))
    if isinstance(known, Format):
        heard = [*digits("*1234#0D"), *characters(b"\x0212", start=40_000), Tone(1400.0, 60_000, 62_000, -10.0, 0.9)]
        for result in read(heard, known):
            assert isinstance(result, Frame | Rejected)
        one_line(lambda: known.encode(Message("1234", "101")))


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(WORDS, ANYTHING, max_size=8))
def test_any_table_at_all_is_a_format_or_a_value_error(table: dict[str, Any]) -> None:
    usable(table)


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(EXAMPLES), st.data())
def test_an_example_with_something_changed_is_a_format_or_a_value_error(path: Path, data: st.DataObject) -> None:
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    for _ in range(data.draw(st.integers(1, 3))):
        here: Any = table
        while True:
            keys = list(here) if isinstance(here, dict) else list(range(len(here)))
            if not keys:
                break
            key = data.draw(st.sampled_from(keys))
            if isinstance(here[key], dict | list) and data.draw(st.booleans()):
                here = here[key]
                continue
            here[key] = data.draw(ANYTHING)
            break
    usable(table)
