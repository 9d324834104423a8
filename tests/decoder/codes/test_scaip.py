from __future__ import annotations

import pytest

from decoder.codes import scaip


@pytest.mark.parametrize(
    ("meaning", "english", "japanese"),
    [
        (scaip.device("0003"), "pendant", "ペンダント"),
        (scaip.device("0051"), "tracking device", "携帯装置（位置検知）"),
        (scaip.status("0016"), "battery low", "電池低下"),
        (scaip.status("0049"), "inactive", "無活動"),
        (scaip.status("0094"), "restored", "復旧"),
        (scaip.component("003"), "button 2", "ボタン2"),
        (scaip.component("022"), "ethernet", "イーサネット"),
        (scaip.location("012"), "bedroom", "寝室"),
    ],
)
def test_wording(meaning: scaip.Meaning, english: str, japanese: str) -> None:
    assert (meaning.english, meaning.japanese, meaning.known) == (english, japanese, True)


def test_every_number_of_the_list_has_a_row() -> None:
    for read, last, digits in (
        (scaip.device, 51, 4),
        (scaip.status, 127, 4),
        (scaip.component, 29, 3),
        (scaip.location, 52, 3),
    ):
        rows = [read(f"{number:0{digits}}") for number in range(last + 1)]
        assert all(row.known for row in rows)
        assert len({row.english for row in rows}) == len({row.japanese for row in rows}) == len(rows)
        assert not read(f"{last + 1:0{digits}}").known


def test_what_restores() -> None:
    restores = {f"{number:04}" for number in range(128) if scaip.status(f"{number:04}").restores}
    assert {"0015", "0086", "0094", "0116", "0124"} < restores
    assert not restores & {"0002", "0010", "0014", "0016", "0019", "0085", "0102"}


def test_all_that_a_code_says() -> None:
    low = scaip.words("ME/0003/0016", "003")
    assert (low.english, low.japanese, low.known) == (
        "pendant, battery low, button 2",
        "ペンダント・電池低下・ボタン2",
        True,
    )
    assert scaip.words("ME/0002").japanese == "本体・通報"
    assert scaip.words("ME/0002/0086").restores
    assert not scaip.words("??/????").known


def test_what_is_not_in_the_list() -> None:
    assert scaip.device("0777") == scaip.Meaning("0777", "unknown device 0777", "不明な機器0777", known=False)
    assert scaip.status("0950").english == "maker's own status 0950"
    assert scaip.component("091").japanese == "メーカー独自の部位091"
    assert not scaip.location("53").known
