"""Rows of digits heard as a whole: through noise, wrong clocks, holes; any way of cutting; nothing out of nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decoder import synth
from decoder.rows import Rows
from decoder.samples import I16, Samples, Span, peak_of
from decoder.symbols import Row, Symbol

KEYS = "123418113101001*"  # a doubled digit among them


def line(
    keys: str = KEYS, *, snr_db: float = 30, seed: int = 1, ahead: int = 4_000, behind: int = 4_000, **how: float
) -> I16:
    """The keys with white noise, so many dB below the pair."""
    rng = np.random.default_rng(seed)
    sound = np.concatenate([np.zeros(ahead), synth.dtmf(keys, level_dbm0=-13, **how), np.zeros(behind)])  # type: ignore[arg-type]
    return np.clip(sound + rng.normal(0, peak_of(-13) * 10 ** (-snr_db / 20), len(sound)), -32768, 32767).astype(
        np.int16
    )


def rows_in(sound: I16, pieces: list[int] | None = None, lost: tuple[Span, ...] = ()) -> list[Row]:
    listener, at = Rows(), 0
    found: list[Symbol] = []
    for length in [*(pieces or []), len(sound)]:
        piece = sound[at : at + length]
        holes = tuple(Span(max(one.start, at), min(one.end, at + len(piece))) for one in lost)
        found += listener.feed(Samples(at, piece, tuple(one for one in holes if one.start < one.end)))
        at += len(piece)
    found += listener.finish()
    return [symbol for symbol in found if isinstance(symbol, Row)]


def text(row: Row) -> str:
    return "".join(digit.key for digit in row.digits)


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"snr_db": -5.0},
        {"on_ms": 28.0, "off_ms": 28.0},
        {"on_ms": 90.0, "off_ms": 120.0},
        {"twist_db": 12.0},
        {"twist_db": -9.0},
        {"offset_percent": 2.4},
        {"offset_percent": -2.4},
    ],
    ids=str,
)
def test_a_row_is_heard(how: dict[str, float]) -> None:
    *parts, row = rows_in(line(**how))  # type: ignore[arg-type]
    assert text(row) == KEYS
    assert abs(row.start - 4_000) < 160
    assert row.known_at >= row.end
    # In noise a pause may seem longer than it is: what was heard so far is then told, and told again with the rest.
    assert all(len(part.digits) < len(KEYS) for part in parts)
    assert not parts or "snr_db" in how


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 3_000), max_size=12))
def test_any_way_of_cutting_gives_the_same_rows(pieces: list[int]) -> None:
    sound = line(snr_db=0)
    assert rows_in(sound, pieces) == rows_in(sound)


def test_two_messages_are_two_rows() -> None:
    sound = np.concatenate([line(behind=6_000), line("432118110101001*", ahead=0, seed=2)])
    assert [text(row) for row in rows_in(sound)] == [KEYS, "432118110101001*"]


def test_what_was_lost_is_left_open_and_not_guessed() -> None:
    sound = line()
    start = 4_000 + 5 * 800
    sound[start - 100 : start + 500] = 0
    (row,) = rows_in(sound, lost=(Span(start - 100, start + 500),))
    assert len(row.digits) == len(KEYS)
    assert max(row.digits[5].likelihoods) - min(row.digits[5].likelihoods) < 1
    assert text(row)[:5] + text(row)[6:] == KEYS[:5] + KEYS[6:]


def test_a_packet_less_shifts_the_digits_behind_it() -> None:
    sound = np.delete(line(snr_db=15), np.arange(4_000 + 5_700, 4_000 + 5_860))
    assert [text(row) for row in rows_in(sound)] == [KEYS]


@pytest.mark.parametrize("rms", [0.5, 30, 3_000, 30_000])
def test_noise_is_no_row(rms: float) -> None:
    noise = np.clip(np.random.default_rng(3).normal(0, rms, 80_000), -32768, 32767).astype(np.int16)
    assert rows_in(noise) == []


@pytest.mark.parametrize("hz", [400.0, 697.0, 1400.0])
def test_a_lone_tone_is_no_row(hz: float) -> None:
    assert rows_in((8_000 * np.sin(2 * np.pi * hz * np.arange(40_000) / 8_000)).astype(np.int16)) == []


def test_one_key_held_down_is_no_row() -> None:
    assert rows_in(synth.dtmf("5", on_ms=3_000, off_ms=500)) == []


def test_clipped_sound_and_direct_current_harm_nothing() -> None:
    rough = np.clip(line(snr_db=20).astype(np.int32) * 12 + 4_000, -32768, 32767).astype(np.int16)
    assert [text(row) for row in rows_in(rough)] == [KEYS]


def test_no_sound_and_a_single_sample() -> None:
    assert rows_in(np.zeros(0, np.int16)) == []
    assert rows_in(np.ones(1, np.int16)) == []
    assert Rows().finish() == []
