from __future__ import annotations

import pytest

from drivers.modem.formats import Coding, SampleFormat, sample_formats

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
        (CONEXANT, [(131, Coding.MU_LAW), (130, Coding.A_LAW), (128, Coding.UNSIGNED), (132, Coding.IMA)]),
        (SILICON_LABS, [(4, Coding.MU_LAW), (5, Coding.A_LAW), (1, Coding.UNSIGNED), (0, Coding.SIGNED)]),
        (['+VSM: 1,"UNSIGNED PCM",8,0,(7200-11025),(0),(0)'], [(1, Coding.UNSIGNED)]),
        (['2,"MU-LAW",8,0,(9600,16000),0,0'], []),  # no rate that we resample
        (['128,"8 BIT ADPCM PCM",8,0,8000,0,0'], []),
        (["OK", "", "nonsense", '"x",1'], []),
    ],
)
def test_sample_formats_are_found_by_name(lines: list[str], expected: list[tuple[int, Coding]]) -> None:
    assert [(form.number, form.coding) for form in sample_formats(lines)] == expected


def test_what_needs_no_resampling_comes_first_and_adpcm_last() -> None:
    lines = ['1,"MU-LAW",8,0,(7200,11025),0,0', '2,"8 BIT PCM",8,0,8000,0,0', '3,"DVI ADPCM",4,0,8000,0,0']
    assert sample_formats(lines) == [
        SampleFormat(2, Coding.UNSIGNED, 8000),
        SampleFormat(1, Coding.MU_LAW, 11025),
        SampleFormat(3, Coding.IMA, 8000),
    ]


def test_how_fast_bytes_come() -> None:
    assert SampleFormat(1, Coding.MU_LAW).bytes_a_second == 8000
    assert SampleFormat(1, Coding.IMA, 7200).bytes_a_second == 3600
