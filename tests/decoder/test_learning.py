"""An invented unit that the learner has not seen: its calls go in, and the profile that comes out reads fresh ones."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from decoder import check_search, synth
from decoder.detector import detect_batch
from decoder.exchange import Format, Message, ToneStep
from decoder.formats import profile, pulse
from decoder.frame import Frame, Rejected
from decoder.learning import Channel, Proposal, Recording, learn
from decoder.learning_carrier import carriers
from decoder.profile_check import CONTACT_ID_KEYS, KEYPAD_VALUES, OCTETS, Check
from decoder.profile_text import toml
from decoder.profiles import Carrier
from decoder.pure_tones import pure_tones
from decoder.reading import asked
from decoder.samples import I16, Samples
from decoder.symbols import Character, Digit, Pulse, Symbol, Tone

STEP = 1_200  # from key to key


def keys(text: str, at: int, *, on: int = 640) -> list[Symbol]:
    return [
        Digit(key, at + place * STEP, at + place * STEP + on, -10.0, 0.0, 0.0, 0.99) for place, key in enumerate(text)
    ]


def call(messages: Sequence[str], *, name: str = "a call") -> Recording:
    """Greeting, messages and an acknowledgement behind each, in two channels."""
    greeting = Tone(1_000.0, 4_000, 9_600, -12.0, 0.9)
    unit, ours, at = list[Symbol](), list[Symbol](), 12_000
    for message in messages:
        unit += keys(message, at)
        at = unit[-1].end + 3_000
        ours += keys("B", at, on=1_600)
        at += 9_000
    return Recording(name, (Channel("ours", tuple(ours), (greeting,)), Channel("unit", tuple(unit))))


def unit(check: dict[str, Any] | None, *, start: str = "A", end: str = "D") -> Format:
    fields: list[dict[str, Any]] = [
        {"name": "account", "length": 5},
        {"value": "*"},
        {"name": "code", "length": 2},
        {"name": "zone", "length": 1},
    ]
    if check:
        fields.append({"name": "check", "length": 1})
    table = {"name": "mystery", "carrier": "pb", "message": {"start": start, "end": end, "fields": fields}}
    return profile.from_table(table | ({"check": check} if check else {}))


def calls_of(known: Format, accounts: Sequence[str], *, seed: int = 1, times: int = 1) -> list[Recording]:
    some = random.Random(seed)
    calls = []
    for account in accounts:
        sent = [
            known.encode(Message(account, code, zone=str(some.randrange(10))))
            for code in some.sample(["01", "02", "05", "17", "30", "90"], 3)
        ]
        calls.append(call([one for one in sent for _ in range(times)]))
    return calls


def learned(proposal: Proposal) -> Format:
    """The format of the file that would be written."""
    return profile.from_toml(toml(proposal.table, proposal.notes, ["learned"]))


def read(symbols: Sequence[Symbol], known: Format) -> list[Frame | Rejected]:
    return asked(known.reader(), symbols)


ACCOUNTS = ["00412", "00413", "02977", "00088", "31007"]
CHECKS = [
    {"kind": "sum", "modulo": 10, "offset": 7, "complement": True},
    {"kind": "sum", "modulo": 10},
    {"kind": "sum", "modulo": 15, "values": "contact-id", "complement": True},
    {"kind": "sum", "modulo": 16, "offset": 3},
    {"kind": "xor", "offset": 5},
]


@pytest.mark.parametrize("check", CHECKS, ids=[f"{one['kind']}-{one.get('modulo', '')}" for one in CHECKS])
def test_a_unit_nobody_described_is_read_after_five_calls(check: dict[str, Any]) -> None:
    known = unit(check, end="" if check.get("modulo") in (15, 16) or check["kind"] == "xor" else "D")
    proposal = learn(calls_of(known, ACCOUNTS))
    found = learned(proposal)
    assert found.integrity
    fresh = [known.encode(Message("78123", code, zone="4")) for code in ("44", "66", "01")]
    frames = [one for one in read(call(fresh).channels[1].symbols, found) if isinstance(one, Frame)]
    assert [one.raw for one in frames] == fresh
    assert {one.account for one in frames} == {"78123"}
    assert [one.code + one.zone for one in frames] == ["444", "664", "014"]
    spoilt = fresh[0][:3] + ("1" if fresh[0][3] != "1" else "2") + fresh[0][4:]
    assert not [one for one in read(call([spoilt]).channels[1].symbols, found) if isinstance(one, Frame)]


def test_what_our_side_said_is_in_the_profile() -> None:
    proposal = learn(calls_of(unit(CHECKS[0]), ACCOUNTS))
    assert proposal.table["greeting"] == [{"hz": [1_000.0], "ms": 700}]
    assert proposal.table["acknowledgement"] == [{"keys": "B", "on_ms": 200, "off_ms": 20}]
    assert learned(proposal).greeting == (ToneStep((1_000.0,), 700.0),)


def test_without_a_check_two_equal_messages_are_asked_for() -> None:
    known = unit(None)
    proposal = learn(calls_of(known, ACCOUNTS, times=2))
    found = learned(proposal)
    assert not found.integrity
    fresh = known.encode(Message("78123", "44", zone="4"))
    frames = [one for one in read(call([fresh, fresh]).channels[1].symbols, found) if isinstance(one, Frame)]
    assert [one.account for one in frames] == ["78123"]
    assert "repeats" not in proposal.notes
    assert any("sent twice" in note for note in learn(calls_of(known, ACCOUNTS)).notes["repeats"])


def test_few_messages_prove_no_check_and_the_chance_is_told() -> None:
    proposal = learn(calls_of(unit(CHECKS[0]), ["00412"]))
    assert "check" not in proposal.table
    told = proposal.notes["check"]
    assert all(note.startswith("unsure: may be") and "with a chance of" in note for note in told)


def test_a_digit_that_never_changed_is_not_fixed() -> None:
    known = unit(CHECKS[0])
    found = learned(learn([call([known.encode(Message("00412", "01", zone=zone)) for zone in "123456789"])]))
    other = known.encode(Message("55555", "77", zone="7"))
    (frame,) = [one for one in read(call([other]).channels[1].symbols, found) if isinstance(one, Frame)]
    assert frame.raw == other


def test_a_known_account_is_found_and_no_longer_unsure() -> None:
    known = unit(CHECKS[0])
    proposal = learn(calls_of(known, ["71812", "71813"]), accounts=["1812", "1813"])
    fields = proposal.table["message"]["fields"]  # type: ignore[index]
    assert [one.get("name") for one in fields][:2] == ["unknown1", "account"]
    assert fields[1]["length"] == 4
    assert not any("unsure" in note for note in proposal.notes["message.fields[2]"])
    wrong = learn(calls_of(known, ["71812", "71813"]), accounts=["9999"])
    assert any("9999" in note for note in wrong.notes["message"])


def test_numbers_of_any_length_between_a_start_and_an_end() -> None:
    calls = [call([f"*{account}#"]) for account in ("1234", "123456", "99", "712", "5550123")]
    found = learned(learn(calls))
    frames = read(call(["*88123#", "*88123#"]).channels[1].symbols, found)
    assert [one.account for one in frames if isinstance(one, Frame)] == ["88123"]


def test_both_directions_in_one_channel_are_said_to_be() -> None:
    two = call([unit(CHECKS[0]).encode(Message("00412", "01", zone="1"))])
    both = sorted([symbol for channel in two.channels for symbol in channel.symbols], key=lambda one: one.end)
    proposal = learn([Recording("mono", (Channel("mono", tuple(both)),))] * 2)
    assert any("one channel" in note for note in proposal.notes["carrier"])
    assert learned(proposal)


def characters(octets: bytes, at: int, *, modem: str = "v23", baud: float = 1_200) -> list[Symbol]:
    length = 80_000 / baud
    return [
        Character(octet, round(at + place * length), round(at + (place + 1) * length), -14.0, 0.97, modem, baud)
        for place, octet in enumerate(octets)
    ]


def test_characters_of_a_modem_with_a_crc() -> None:
    table: dict[str, Any] = {
        "name": "mystery",
        "carrier": "fsk",
        "modem": {"name": "v23", "baud": 1_200},
        "message": {
            "start": "\x02",
            "fields": [
                {"name": "account", "length": 6},
                {"name": "code", "length": 2},
                {"value": "\x03"},
                {"name": "check", "length": 2},
            ],
        },
        "check": {"kind": "crc-16-kermit"},
    }
    known = profile.from_table(table)

    def fsk_call(*messages: Message) -> Recording:
        symbols = [
            symbol
            for place, message in enumerate(messages)
            for symbol in characters(bytes.fromhex(known.encode(message)), 8_000 + 9_000 * place)
        ]
        return Recording("a call", (Channel("unit", tuple(symbols)), Channel("ours", ())))

    calls = [fsk_call(Message(account, "01"), Message(account, "17")) for account in ("001234", "001777", "042000")]
    proposal = learn(calls)
    assert proposal.table["modem"] == {"name": "v23", "baud": 1_200, "parity": "none"}
    found = learned(proposal)
    fresh = fsk_call(Message("312999", "44"))
    (frame,) = [one for one in read(fresh.channels[0].symbols, found) if isinstance(one, Frame)]
    assert (frame.account, frame.code) == ("312999", "44")


def test_parity_is_recognised() -> None:
    octets = bytes(value | (value.bit_count() & 1) << 7 for value in b"12345678\r")
    heard = carriers([Recording("a call", (Channel("unit", tuple(characters(octets, 0, modem="v21-1", baud=300))),))])
    assert heard[0].carrier is Carrier.FSK
    assert heard[0].table["modem"] == {"name": "v21-1", "baud": 300, "parity": "even"}


def test_counted_pulses() -> None:
    def bursts(rounds: str) -> tuple[Symbol, ...]:
        symbols, at = [], 8_000
        for text in rounds.split():
            for digit in text:
                for _ in range(int(digit) or 10):
                    symbols.append(Pulse(1_805.0, at, at + 200, -10.0, 0.9))
                    at += 400
                at += 2_000
            at += 4_000
        return tuple(symbols)

    proposal = learn([Recording("a call", (Channel("unit", bursts("123412 123412")), Channel("ours", ())))])
    assert proposal.table["pulses"] == {"layout": "4-2", "pps": 20, "hz": 1_800.0}
    frames = read(bursts("555531 555531"), learned(proposal))
    assert [(one.account, one.code, one.zone) for one in frames if isinstance(one, Frame)] == [("5555", "3", "1")]
    assert pulse.LAYOUTS


def test_single_tones() -> None:
    def tones(*lengths: tuple[float, int]) -> tuple[Symbol, ...]:
        symbols, at = [], 8_000
        for hz, ms in lengths * 2:
            symbols.append(Tone(hz, at, at + ms * 8, -10.0, 0.9))
            at += ms * 8 + (800 if len(symbols) % len(lengths) else 12_000)
        return tuple(symbols)

    first = tones((2_300.0, 400), (1_400.0, 100), (2_300.0, 390))
    second = tones((2_300.0, 410), (1_400.0, 100), (1_400.0, 105))
    calls = [Recording("a call", (Channel("unit", one), Channel("ours", ()))) for one in (first, second)]
    proposal = learn(calls)
    assert proposal.table["carrier"] == "tones"
    assert len([one for one in read(first, learned(proposal)) if isinstance(one, Frame)]) == 1


@pytest.mark.parametrize(
    "recordings",
    [[], [Recording("nothing", ())], [Recording("nothing", (Channel("mono", ()),))], [call(["1"]), call(["2"])]],
)
def test_nothing_to_learn_from_is_one_line(recordings: list[Recording]) -> None:
    with pytest.raises(ValueError, match=r"heard") as error:
        learn(recordings)
    assert "\n" not in str(error.value)


def test_keys_without_pauses_and_messages_that_say_nothing() -> None:
    def close(text: str) -> Recording:
        return Recording("close", (Channel("mono", tuple(keys(text, 8_000, on=STEP))),))

    proposal = learn([close("A12345D"), close("A56789D")])
    assert learned(proposal).encode(Message("12345", "")) == "A12345D"
    assert proposal.table["timing"]["off_ms"][0] == 0
    with pytest.raises(ValueError, match="says anything"):
        learn([close("A#*#*D"), close("A#*#*D")])


def test_any_symbols_at_all_give_a_profile_that_can_be_read_or_one_line() -> None:
    for seed in range(60):
        some = random.Random(seed)
        calls = []
        for _ in range(some.randrange(1, 4)):
            channels = []
            for _ in range(some.randrange(1, 3)):
                at, symbols = 0, list[Symbol]()
                for _ in range(some.randrange(40)):
                    at += some.randrange(1, 9_000)
                    end = at + some.randrange(100, 3_000)
                    symbols += [
                        some.choice(
                            [
                                Digit(some.choice("0123456789*#ABCD"), at, end, -10.0, 0.0, 0.0, some.random()),
                                Tone(some.uniform(300, 3_000), at, end, -10.0, 0.9),
                                Pulse(some.uniform(1_600, 2_100), at, end, -10.0, 0.9),
                                Character(some.randrange(256), at, end, -14.0, 0.9, "v21-2", 300.0),
                            ]
                        )
                    ]
                    at = end
                channels.append(Channel("side", tuple(symbols)))
            calls.append(Recording("a call", tuple(channels)))
        try:
            found = learned(learn(calls, accounts=["12"]))
        except ValueError as error:
            line = str(error)
            assert "heard" in line, line
            continue
        for recording in calls:
            for channel in recording.channels:
                read(channel.symbols, found)


def test_remarks_are_comments_whatever_is_in_them() -> None:
    text = toml({"name": 'x\n"y\\', "message": {"fields": [{"value": "\x02"}]}}, {"name": ["a\nb"], "odd": ["c"]}, [])
    read_back = tomllib.loads(text)
    assert read_back == {"name": 'x\n"y\\', "message": {"fields": [{"value": "\x02"}]}}
    assert "# a\\nb" in text
    assert "# c" in text


RULES = [
    Check("sum", (), 1, "digit", 10, 3, False, KEYPAD_VALUES),
    Check("sum", (), 1, "digit", 15, 0, True, CONTACT_ID_KEYS),
    Check("xor", (), 1, "digit", offset=6, values=KEYPAD_VALUES),
    Check("sum", (), 2, "decimal", 100, 11, False, KEYPAD_VALUES),
]


@pytest.mark.parametrize("rule", RULES, ids=["direct", "complement", "xor", "two digits"])
def test_a_rule_is_found_and_an_accident_is_not_believed(rule: Check) -> None:
    some = random.Random(4)
    bodies = ["".join(some.choices("0123456789", k=8)) for _ in range(10)]
    found = check_search.search([body + rule.letters(body) for body in bodies], "", octets=False)
    believed = [guess for guess in found if guess.is_believed]
    assert (rule.kind, rule.modulo) in [(guess.check.kind, guess.check.modulo) for guess in believed]
    assert all(guess.check.holds(*divided(guess, body + rule.letters(body))) for guess in found for body in bodies)
    for seed in range(20):
        some = random.Random(seed)
        chance = ["".join(some.choices("0123456789", k=9)) for _ in range(10)]
        assert not [guess for guess in check_search.search(chance, "", octets=False) if guess.is_believed]


def divided(guess: check_search.Guess, body: str) -> tuple[str, str]:
    behind = guess.place + guess.check.length
    return body[: guess.place] + body[behind:], body[guess.place : behind]


def test_octets_with_a_sum_over_the_start() -> None:
    rule = Check("crc-16-arc", (), 2, "octets")
    bodies = ["".join(map(chr, random.Random(seed).choices(range(256), k=6))) for seed in range(4)]
    found = check_search.search([body + rule.letters("\x02" + body) for body in bodies], "\x02", octets=True)
    assert (found[0].check.kind, found[0].with_start, found[0].is_believed) == ("crc-16-arc", True, True)
    assert OCTETS["A"] == 65


def sound(*steps: ToneStep, noise: float = 30) -> I16:
    made = synth.steps([ToneStep((), 200), *steps, ToneStep((), 200)])
    return np.rint(made + np.random.default_rng(1).normal(0, noise, len(made))).astype(np.int16)


@pytest.mark.parametrize("hz", [400.0, 1_000.0, 1_633.0, 2_100.0, 3_100.0])
def test_single_tones_of_any_frequency(hz: float) -> None:
    tones = pure_tones(sound(ToneStep((hz,), 300, -15.0), ToneStep((), 100), ToneStep((hz,), 80, -30.0)))
    assert len(tones) == 2
    for tone, start, end in zip(tones, (1_600, 4_800), (4_000, 5_440), strict=True):
        assert abs(tone.hz - hz) < 8
        assert abs(tone.start - start) < 100
        assert abs(tone.end - end) < 100


def test_keys_noise_and_nothing_are_no_single_tones() -> None:
    assert pure_tones(np.zeros(100, np.int16)) == []
    assert pure_tones(synth.dtmf("0123456789*#ABCD")) == []
    assert pure_tones(np.random.default_rng(1).integers(-3_000, 3_000, 80_000).astype(np.int16)) == []


def test_through_the_sound() -> None:
    known = unit(CHECKS[0])
    calls = []
    for account in ACCOUNTS[:4]:
        sounds, some = [np.zeros(4_000, np.int16)], random.Random(account)
        for code in some.sample(["01", "05", "17", "30"], 3):
            assert known.send is not None
            sounds += [known.send(Message(account, code, zone="3"))[0], np.zeros(8_000, np.int16)]
        (symbols,) = detect_batch([Samples(0, np.concatenate(sounds))])
        calls.append(Recording(account, (Channel("unit", tuple(symbols)), Channel("ours", ()))))
    found = learned(learn(calls))
    for recording in calls:
        assert sum(isinstance(one, Frame) for one in read(recording.channels[0].symbols, found)) == 3
