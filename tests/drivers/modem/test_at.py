from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decoder.exchange import ToneStep
from drivers.modem.at import LineSplitter, Result, is_off_hook, is_ring, result_of, tones_command


def test_results() -> None:
    assert result_of("CONNECT 115200") is Result.CONNECT
    assert result_of("NO CARRIER") is Result.NO_CARRIER
    assert result_of("OKAY") is None
    assert result_of("+CME ERROR: 3") is Result.ERROR


def test_results_in_numbers_count_only_where_the_modem_keeps_to_them() -> None:
    assert result_of("0") is None
    numbers = [result_of(number, numeric=True) for number in "0134678"]
    assert [result.name for result in numbers if result] == [
        "OK", "CONNECT", "NO_CARRIER", "ERROR", "NO_DIALTONE", "BUSY", "NO_ANSWER",
    ]  # fmt: skip
    assert is_ring("2", numeric=True)
    assert not is_ring("2")
    assert result_of("OK", numeric=True) is Result.OK


def test_sound_begins_right_behind_a_numeric_connect() -> None:
    splitter = LineSplitter()
    assert splitter.feed_until_connect(b"AT+VRX\r1", numeric=True) == (["AT+VRX"], None)
    assert splitter.feed_until_connect(b"\r\xff\x10\x10", numeric=True) == (["1"], b"\xff\x10\x10")


@pytest.mark.parametrize(
    ("lines", "held"),
    [(['0,"",08000000,0,0'], False), (["+VLS: 1"], True), (["5"], True), (["4"], False), (["what?"], None), ([], None)],
)
def test_whether_the_line_is_held(lines: list[str], held: bool | None) -> None:
    assert is_off_hook(lines) is held


def test_tones_by_command() -> None:
    steps = (ToneStep((1400.0,), 100), ToneStep((), 95), ToneStep((941.0, 1336.0), 852))
    assert tones_command(steps) == "AT+VTS=[1400,0,10],[0,0,10],[941,1336,85]"
    with pytest.raises(ValueError, match="at most two"):
        tones_command((ToneStep((1.0, 2.0, 3.0), 10),))


@given(st.data())
def test_lines_do_not_depend_on_the_cut(data: st.DataObject) -> None:
    parts = st.sampled_from([b"OK", b"RING", b"NMBR = 1", b"\r", b"\n", b"\r\n", b"\xff"])
    whole = b"".join(data.draw(st.lists(parts))) + b"\r"
    cut = data.draw(st.integers(0, len(whole)))
    splitter = LineSplitter()
    assert splitter.feed(whole[:cut]) + splitter.feed(whole[cut:]) == LineSplitter().feed(whole)


@pytest.mark.parametrize("cut", range(22))
def test_sound_begins_right_behind_connect(cut: int) -> None:
    whole = b"AT+VRX\r\r\nCONNECT\r\n\r\n\x10\x10"  # the first two samples look like a line end
    splitter = LineSplitter()
    lines, sound = splitter.feed_until_connect(whole[:cut])
    if sound is None:
        more, sound = splitter.feed_until_connect(whole[cut:])
        lines += more
    else:
        sound += whole[cut:]
    assert lines == ["AT+VRX", "CONNECT"]
    assert sound == b"\r\n\x10\x10"


def test_babble_is_bounded() -> None:
    splitter = LineSplitter()
    for _ in range(1000):
        assert splitter.feed(b"x" * 100) == []
    assert splitter.discarded > 90_000
