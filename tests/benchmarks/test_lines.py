"""The calls that accuracy is measured on are what they say they are."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.lines import AXES, BASE, EVERY, anything, numbered, placed, varied
from benchmarks.lines.campaign import both, town
from benchmarks.lines.codecs import companded
from benchmarks.lines.line import drifted
from benchmarks.lines.network import Network, carried
from benchmarks.lines.panel import HIGH_HZ, LOW_HZ, Panel, check_digit, keys_of, message, raw_of, spoken
from benchmarks.lines.sounds import noise
from decoder.g711 import decode_alaw, decode_ulaw, encode_alaw, encode_ulaw
from decoder.samples import level_of

NEEDS_MORE = ("GSM", "G.7", "speech", "field", "hard", "case")  # codecs and speech that a machine may not have


@pytest.mark.parametrize(
    ("body", "check"),
    [
        ("123418113101015", "8"),
        ("1B2F18110101003", "5"),
        ("432118160800000", "B"),
        ("101518110100001", "0"),
        ("100618110100001", "F"),
    ],
)
def test_the_sum_is_that_of_the_sheets_examples(body: str, check: str) -> None:
    assert check_digit(body) == check


def test_a_check_value_of_ten_is_sent_as_0_or_by_some_as_d() -> None:
    assert keys_of("1B2F18110101003") == "1*2C181101010035"
    assert keys_of("101518110100001")[-1] == "0"
    assert keys_of("101518110100001", ten_as_d=True)[-1] == "D"
    assert raw_of(keys_of("101518110100001", ten_as_d=True)) == "1015181101000010"


def tone(sound: np.ndarray, hz: float) -> float:
    """Level of one frequency, by least squares."""
    turn = 2 * np.pi * hz / 8000 * np.arange(len(sound))
    return level_of(float(2 * abs(np.mean(sound * np.exp(-1j * turn)))))


def test_a_digit_has_its_two_tones_at_their_levels_and_lengths() -> None:
    panel = Panel(on_ms=200, off_ms=100, level_dbm0=-12, twist_db=6, offset_percent=1)
    said = spoken(panel, np.random.default_rng(3))
    first = said.spans[0][0]
    key = said.messages[0][0]
    digit = said.sound[first + 8 : first + 1592]
    assert tone(digit, 1.01 * LOW_HZ[key]) == pytest.approx(-15, abs=0.3)
    assert tone(digit, 1.01 * HIGH_HZ[key]) == pytest.approx(-9, abs=0.3)
    assert not said.sound[first + 1610 : first + 2390].any()
    assert said.spans[0][1] - first == pytest.approx(8 * (15 * 300 + 200), abs=1)


def test_a_message_is_sent_again_after_a_pause() -> None:
    said = spoken(Panel(sends=2), np.random.default_rng(1))
    (_, end), (begin, _) = said.spans
    assert len(said.messages) == 1
    assert 1250 * 8 <= begin - end <= 2000 * 8


def test_messages_of_one_call_have_our_kiss_off_between() -> None:
    said = spoken(Panel(messages=2, answered=True), np.random.default_rng(1))
    assert [hz for hz, _, _ in said.own] == [1400, 2300, 1400]
    assert said.spans[0][1] < said.own[2][1] < said.own[2][2] < said.spans[1][0]


@pytest.mark.parametrize(("colour", "slope"), [("white", 0), ("pink", -3), ("brown", -6)])
def test_noise_has_its_power_and_its_slope(colour: str, slope: float) -> None:
    sound = np.concatenate([noise(16_000, colour, np.random.default_rng(seed)) for seed in range(8)])
    spectrum = np.abs(np.fft.rfft(sound.reshape(-1, 8000))) ** 2
    octaves = [10 * np.log10(spectrum[:, hz : 2 * hz].mean()) for hz in (500, 1000, 2000)]
    assert np.std(sound) == pytest.approx(1, rel=0.1)
    assert np.diff(octaves) == pytest.approx([slope, slope], abs=0.5)


def test_the_ratio_to_noise_is_that_of_the_pair_in_4_khz() -> None:
    random = np.random.default_rng(1)
    call = varied(BASE, snr_db=10, on_ms=200, off_ms=100)
    pcm = placed(call, random).samples.pcm.astype(float)
    pair = 2 * 10 ** ((-10 - 3.14) / 10) * 32767**2 / 2
    assert 10 * np.log10(pair / np.mean(pcm[:800] ** 2)) == pytest.approx(10, abs=0.5)


def test_g711_is_the_products_own() -> None:
    every = np.arange(-32768, 32768).astype(np.int16)
    assert np.max(np.abs(companded(every.astype(float)) - decode_ulaw(encode_ulaw(every)).astype(int))) <= 1024
    for sound, known in (
        (companded(every.astype(float)), decode_ulaw(np.arange(256, dtype=np.uint8))),
        (companded(every.astype(float), "a"), decode_alaw(np.arange(256, dtype=np.uint8))),
    ):
        assert set(np.unique(sound)) == set(np.unique(known))
    assert np.mean(companded(every.astype(float), "a") != decode_alaw(encode_alaw(every))) < 0.03  # ties only


def test_a_lost_packet_is_filled_and_told() -> None:
    pcm = np.arange(1, 16_001, dtype=np.int16)
    heard = carried(pcm, Network(loss=0.1, told=True), (0, 16_000), np.random.default_rng(1))
    gone = np.zeros(16_000, bool)
    for span in heard.lost:
        gone[span.start : span.end] = True
    assert 0.03 < gone.mean() < 0.2
    assert not heard.pcm[gone].any()
    assert np.array_equal(heard.pcm[~gone], pcm[~gone])
    again = carried(pcm, Network(loss=0.1, fill="repeat"), (0, 16_000), np.random.default_rng(1))
    assert again.lost == ()
    assert np.array_equal(again.pcm[:-160][gone[160:]], again.pcm[160:][gone[160:]])


@pytest.mark.parametrize(("name", "longer"), [("drops", -160), ("doubles", 160)])
def test_a_packet_is_left_out_or_comes_twice(name: str, longer: int) -> None:
    pcm = np.arange(16_000, dtype=np.int16)
    heard = carried(pcm, Network(**{name: 1}), (2000, 12_000), np.random.default_rng(1))
    assert len(heard.pcm) == 16_000 + longer
    assert np.count_nonzero(np.diff(heard.pcm) != 1) == 1


def test_a_slip_is_one_sample() -> None:
    heard = carried(np.arange(16_000, dtype=np.int16), Network(slips=5), (2000, 12_000), np.random.default_rng(1))
    assert set(np.diff(heard.pcm)) <= {0, 1, 2}


def test_a_clock_that_drifts_changes_the_frequency() -> None:
    pytest.importorskip("scipy")
    time = np.arange(8000)
    sound = drifted(np.sin(2 * np.pi * 1633 / 8000 * time), 100)
    wanted = np.sin(2 * np.pi * 1633 / 8000 * (1 - 1e-4) * np.arange(len(sound)))
    assert np.std((sound - wanted)[50:-50]) < 1e-3


@pytest.mark.parametrize("name", [name for name in AXES if not name.startswith(NEEDS_MORE)])
def test_each_axis_gives_calls_of_its_number_and_seed(name: str) -> None:
    pytest.importorskip("scipy")
    for value in (AXES[name].values[0], AXES[name].values[-1]):
        once, again = (numbered(name, value, 1, 5) for _ in range(2))
        assert once.messages == again.messages
        assert np.array_equal(once.samples.pcm, again.samples.pcm)
        assert all(len(keys) == 16 for keys in once.messages)
        assert once.samples.pcm.dtype == np.int16


def test_the_reach_of_an_axis_ends_at_the_first_value_that_fails() -> None:
    twist = AXES["twist"]
    right = {value: 100.0 if -6 <= value <= 3 or value == 16 else 0.0 for value in twist.values}
    assert twist.reach(right, 99) == "-6 … 3"
    noisy = AXES["snr"]
    assert noisy.reach({value: 100.0 * (value >= 0) for value in noisy.values}, 99) == "0"
    assert noisy.reach(dict.fromkeys(noisy.values, 0.0), 99) == "none"


def test_accounts_of_the_town_stand_one_digit_apart() -> None:
    accounts, known = town()
    assert known < set(accounts)
    assert len(known) == len(accounts) // 2
    for account in accounts[::50]:
        assert any(sum(a != b for a, b in zip(account, other, strict=True)) == 1 for other in accounts)


def test_troubles_add_up() -> None:
    call = both(varied(BASE, hum_db=-6, snr_db=10), varied(BASE, echo_db=-12, snr_db=5))
    assert (call.line.hum_db, call.line.echo_db, call.line.snr_db) == (-6, -12, 5)


def test_a_message_can_be_anything_a_unit_sends() -> None:
    random = np.random.default_rng(1)
    bodies = [message(random) for _ in range(300)]
    assert {body[4:6] for body in bodies} == {"18", "98"}
    assert {body[6] for body in bodies} == {"1", "3", "6"}
    assert all(len(body) == 15 and "A" not in body for body in bodies)
    assert message(random, "1234")[:4] == "1234"


def test_the_campaign_names_its_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    few = {name: EVERY[name] for name in ("snr", "twist", "slips")}
    monkeypatch.setattr("benchmarks.lines.EVERY", few)
    name, value, call = anything(1, 3)
    assert name.partition(" + ")[0] in few
    assert value in few[name.partition(" + ")[0]].values
    assert call.messages[0][:4] in {keys_of(account + "18110101001")[:4] for account in town()[0]}
