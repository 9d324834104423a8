from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decoder.detector import Detector
from decoder.samples import RATE_HZ, Samples, from_ms, peak_of, silence
from decoder.symbols import Digit
from decoder.synth import dtmf
from sim.line import BadLine, Impairments, line_of, through


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Impairments()),
        ("noise=20", Impairments(noise_snr_db=20)),
        ("noise=-45dBm0", Impairments(noise_dbm0=-45)),
        ("noise=20,loss=1,echo=-12/20", Impairments(noise_snr_db=20, loss_percent=1, echo_db=-12, echo_ms=20)),
        (
            " loss=2/3 , gain=-6, hum=-30,clicks=10 ",
            Impairments(None, None, 2, 3, clicks_a_minute=10, hum_dbm0=-30, gain_db=-6),
        ),
    ],
)
def test_parse(text: str, expected: Impairments) -> None:
    assert Impairments.parse(text) == expected


REFUSED = (
    "nois=20 noise noise=loud loss=101 loss=-1 loss=1/0 echo=-12/20/3 echo=0/99999 noise=nan "
    "gain=inf gain=101 clicks=-1 hum=-1e9"
)


@pytest.mark.parametrize("text", REFUSED.split())
def test_a_bad_line_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(ValueError) as refusal:
        Impairments.parse(text)
    assert "\n" not in str(refusal.value)


EVERYTHING = "noise=20,loss=5/2,echo=-12/25,gain=-3,hum=-40,clicks=600"


@given(st.lists(st.integers(0, 700), max_size=20), st.integers(0, 1000))
def test_any_cut_gives_the_same(lengths: list[int], start: int) -> None:
    pcm = np.arange(sum(lengths), dtype=np.int16) * 7
    whole = line_of(EVERYTHING, 5).feed(Samples(start, pcm))
    line, at = line_of(EVERYTHING, 5), 0
    parts = []
    for length in lengths:
        parts.append(line.feed(Samples(start + at, pcm[at : at + length])))
        at += length
    if parts:
        assert (np.concatenate([part.pcm for part in parts]) == whole.pcm).all()
    lost = [span for part in parts for span in part.lost]
    assert {at for span in lost for at in range(span.start, span.end)} == {
        at for span in whole.lost for at in range(span.start, span.end)
    }


def test_a_perfect_line_changes_nothing() -> None:
    pcm = dtmf("0123456789*#ABCD")
    assert (through(line_of("", 1), pcm).pcm == pcm).all()


def test_the_noise_is_as_loud_as_said() -> None:
    nothing = np.zeros(20 * RATE_HZ, np.int16)
    by_ratio = through(line_of("noise=20", 1), nothing).pcm.astype(float)
    digit_power = 2 * (peak_of(-10) ** 2 / 2)
    assert 10 * np.log10(digit_power / np.mean(by_ratio**2)) == pytest.approx(20, abs=0.1)
    by_level = through(line_of("noise=-40dBm0", 1), nothing).pcm.astype(float)
    assert 10 * np.log10((peak_of(-40) ** 2 / 2) / np.mean(by_level**2)) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("burst", [1, 4])
def test_the_loss_is_as_much_as_said_and_told(burst: int) -> None:
    samples = through(line_of(f"loss=5/{burst}", 1), np.full(4000 * from_ms(20), 1000, np.int16))
    lost = sum(len(span) for span in samples.lost)
    assert lost == np.count_nonzero(samples.pcm == 0)
    assert lost / len(samples.pcm) == pytest.approx(0.05, rel=0.3)
    assert np.mean([len(span) / from_ms(20) for span in samples.lost]) == pytest.approx(burst, rel=0.25)


def test_an_echo_comes_back_late_and_quiet() -> None:
    pulse = np.zeros(1000, np.int16)
    pulse[0] = 10_000
    heard = through(line_of("echo=-20/50", 1), pulse).pcm
    assert heard[0] == 10_000
    assert heard[from_ms(50)] == 1_000
    assert np.count_nonzero(heard) == 2


def test_loss_that_was_there_stays() -> None:
    bad = BadLine(Impairments(), np.random.default_rng(1))
    given_samples = silence(160, 80, lost=True)
    assert bad.feed(given_samples).lost == given_samples.lost


def test_digits_survive_a_fair_line() -> None:
    keys = "0123456789*#ABCD"
    samples = through(line_of("noise=20,echo=-15/10,hum=-30,gain=-6", 3), np.pad(dtmf(keys), 400))
    detector = Detector()
    heard = detector.feed(samples) + detector.finish()
    assert "".join(symbol.key for symbol in heard if isinstance(symbol, Digit)) == keys
