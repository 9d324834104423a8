from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decoder.exchange import ToneStep
from drivers.modem.at import (
    Coding,
    LineSplitter,
    Result,
    called_of,
    caller_of,
    result_of,
    sample_formats,
    tones_command,
)

CONEXANT = [
    '128,"8-BIT LINEAR",8,0,(7200,8000,11025),(0),(0)',
    '129,"16-BIT LINEAR",16,0,(7200,8000,11025),(0),(0)',
    '130,"8-BIT ALAW",8,0,(8000),(0),(0)',
    '131,"8-BIT ULAW",8,0,(8000),(0),(0)',
    '132,"IMA ADPCM",4,0,(7200,8000,11025),(0),(0)',
]
SILICON_LABS = [
    '0,"SIGNED PCM",8,0,8000,0,0',
    '1,"UNSIGNED PCM",8,0,8000,0,0',
    '4,"G.711U",8,0,8000,0,0',
    '5,"G.711A",8,0,8000,0,0',
    '131,"4-BIT ADPCM",4,0,(7200-11025),0,0',
]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (CONEXANT, [(131, Coding.MU_LAW), (130, Coding.A_LAW), (128, Coding.UNSIGNED)]),
        (SILICON_LABS, [(4, Coding.MU_LAW), (5, Coding.A_LAW), (1, Coding.UNSIGNED), (0, Coding.SIGNED)]),
        (['+VSM: 1,"UNSIGNED PCM",8,0,(7200-11025),(0),(0)'], [(1, Coding.UNSIGNED)]),
        (['2,"MU-LAW",8,0,(7200,11025),0,0'], []),  # no 8000
        (['128,"8 BIT ADPCM PCM",8,0,8000,0,0'], []),
        (["OK", "", "nonsense", '"x",1'], []),
    ],
)
def test_sample_formats_are_found_by_name(lines: list[str], expected: list[tuple[int, Coding]]) -> None:
    assert [(form.number, form.coding) for form in sample_formats(lines)] == expected


@pytest.mark.parametrize(
    ("line", "caller"),
    [
        ("NMBR = 09012345678", "09012345678"),
        ("NMBR=0738-23-0001", "0738230001"),
        ("NMBR = P", "P"),
        ("NMBR = PRIVATE", "P"),
        ("NMBR = O", "O"),
        ("NMBR = OUT OF AREA", "O"),
        ("NMBR = C", "C"),
        ("NMBR =", "O"),
        ("CID: NMBR = 0312345678", "0312345678"),
        ("NAME = YAMADA", None),
        ("RING", None),
    ],
)
def test_caller(line: str, caller: str | None) -> None:
    assert caller_of(line) == caller


def test_called() -> None:
    assert called_of("NDID = 0738-23-1111") == "0738231111"
    assert called_of("NMBR = 1") is None


def test_results() -> None:
    assert result_of("CONNECT 115200") is Result.CONNECT
    assert result_of("NO CARRIER") is Result.NO_CARRIER
    assert result_of("OKAY") is None


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
