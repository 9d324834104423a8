"""CSV in and out: what cities and Excel make, and what a spreadsheet must not run."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.ledger import spreadsheet

HEAD = "ID番号,市,日常生活圏域,氏名,フリガナ,住所,電話番号"
ROW = "00123,草津市,高穂,訓練 花子,クンレン ハナコ,草津市訓練町1,077-561-0000"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_the_encodings_of_cities_and_windows(encoding: str, newline: str) -> None:
    (row,) = spreadsheet.read((HEAD + newline + ROW + newline).encode(encoding))
    assert row["subscriber"]["id_number"] == "00123"
    assert row["subscriber"]["name"] == "訓練 花子"
    assert row["subscriber"]["phones"] == ["077-561-0000"]
    assert row["line"] == 2


@pytest.mark.parametrize("name", ["𠮷田", "髙橋①", "﨑本"])
def test_rare_characters_survive_the_encoding_that_has_them(name: str) -> None:
    (row,) = spreadsheet.read(f"{HEAD}\n{ROW.replace('訓練 花子', name)}".encode())
    assert row["subscriber"]["name"] == name
    if name != "𠮷田":  # cp932 has no 𠮷
        (row,) = spreadsheet.read(f"{HEAD}\n{ROW.replace('訓練 花子', name)}".encode("cp932"))
        assert row["subscriber"]["name"] == name


def test_english_and_wide_headings_in_any_order() -> None:
    (row,) = spreadsheet.read(
        "zone,ＩＤ番号,city,name,カナ,address, 電話番号 \n高穂,1,草津市,A,B,C,0775610000\n".encode()
    )
    assert row["subscriber"]["zone"] == "高穂"
    assert row["subscriber"]["id_number"] == "1"


def test_device_line_and_contacts() -> None:
    device = {"装置番号": "S1", "通報コード": "1234", "区分": "既設", "定時通報日": "31日", "定時通報時刻": "9:30"}
    place = {"設置日": "2025/9/1", "回線種別": "光", "日常生活用具": "×", "生年月日": "1931/2/3"}
    helper = {"氏名": "隣家 次郎", "続柄": "隣人", "電話": "0775610001、09012345678", "鍵": "○"}
    cells = device | place | {f"協力員1{part}": value for part, value in helper.items()}
    (row,) = spreadsheet.read(f"{HEAD},{','.join(cells)}\n{ROW},{','.join(cells.values())}\n".encode())
    assert row["device"] == {
        "serial": "S1", "account": "1234", "category": "既設", "anchor_day": 31, "anchor_time": "09:30",
    }  # fmt: skip
    assert row["install"] == {"installed_on": "2025-09-01"}
    assert row["phone_line"] == {"kind": "光", "number": "077-561-0000"}
    assert row["subscriber"]["cooperators"] == [
        {"name": "隣家 次郎", "relation": "隣人", "phones": ["0775610001", "09012345678"], "keeps_key": True}
    ]
    assert row["subscriber"]["welfare"] is False
    assert row["subscriber"]["birth"] == "1931-02-03"


def test_lines_are_counted_in_the_file() -> None:
    two_lines = ROW.replace("草津市訓練町1", '"草津市訓練町\n1"')
    content = f"{HEAD}\n{ROW}\n\n,,,,,,\n{two_lines}\n{ROW}\n"
    assert [row["line"] for row in spreadsheet.read(content.encode())] == [2, 5, 7]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "missing"),
        (HEAD.encode(), "no rows"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)), "neither|unknown column"),
        (HEAD.replace("氏名", "氏明").encode() + b"\n", "unknown column '氏明'; did you mean '氏名'"),
        (HEAD.replace("日常生活圏域,", "").encode() + b"\n", "column 日常生活圏域 is missing"),
        (HEAD.replace("氏名", "住所").encode() + b"\n", "twice"),
        (f'{HEAD}\n"never closed'.encode(), "line"),
        (HEAD.encode("utf-16"), "neither"),
    ],
)
def test_what_is_no_such_csv_says_why(content: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        spreadsheet.read(content)


@given(st.binary(max_size=400) | st.text(max_size=200).map(lambda text: f"{HEAD}\n{text}".encode(errors="replace")))
def test_any_bytes_are_rows_or_a_value_error(content: bytes) -> None:
    try:
        rows = spreadsheet.read(content)
    except ValueError:
        return
    assert all(row["line"] >= 2 for row in rows)


def test_every_bad_cell_is_named_by_the_one_place_that_decides(bench: Any) -> None:
    head = f"{HEAD},生年月日,日常生活用具,定時通報日,装置番号,区分,通報コード"
    rows = [
        f"{ROW},1931/2/30,,,,,",
        f"{ROW.replace('00123', '2')},,たぶん,,,,",
        f"{ROW.replace('00123', '3')},,,32,S1,既設,1234",
        f"{ROW.replace('00123', '4')},,,,,,,多すぎる",
        ROW.replace("00123", "5").replace("077-561-0000", "050-1234-5678"),
        ROW.replace("00123", " 6"),
        "7,草津市",
    ]
    read = spreadsheet.read("\n".join([head, *rows]).encode())
    refused = bench.refused("subscriber.import", rows=read, source="移行")
    assert [line.partition(":")[0] for line in refused.details] == [f"line {n}" for n in range(2, 9)]
    for line, word in zip(
        refused.details, ["1931", "welfare", "anchor_day", "cell 14", "050-1234", "blanks", "zone"], strict=True
    ):
        assert word in line


@pytest.mark.parametrize("cell", ["=1+1", "+81", "-1", "@SUM(A1)", "'=1", "''@x", "\t=1", "普通"])
def test_no_cell_is_a_formula_and_all_come_back(bench: Any, cell: str) -> None:
    bench.home(notes=cell, access_notes=f"a{cell}")
    (card,) = (bench.ledger.card(subject) for subject in bench.ledger.people)
    text = spreadsheet.write([card])
    for row in csv.reader(io.StringIO(text)):
        assert not any(value.startswith(("=", "+", "-", "@", "\t", "\r")) for value in row)
    (row,) = spreadsheet.read(text.encode())
    assert row["subscriber"]["notes"] == cell


words = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=20).filter(str.strip)


@settings(max_examples=60)
@given(
    name=words,
    address=words,
    notes=words,
    numbers=st.lists(st.sampled_from(["0775610000", "09012345678"]), unique=True),
)
def test_what_is_exported_can_be_imported_again(
    fresh_bench: Any, name: str, address: str, notes: str, numbers: list[str]
) -> None:
    bench = fresh_bench()
    contact = {"name": name, "relation": "隣人", "phones": ["0775610001", "0775610002"], "keeps_key": True}
    card = {"name": name, "address": address, "notes": notes, "phones": numbers, "cooperators": [contact]}
    person = bench.home(category="携帯", birth="1931-02-03", sex="女", **card)
    bench.done("line.add", subscriber=person, number="09012345678", carrier="x", source="工事")
    exported = spreadsheet.write([bench.ledger.card(person)])
    again = fresh_bench()
    again.done("subscriber.import", rows=spreadsheet.read(exported.encode()), source="移行")
    (copy,) = again.ledger.people
    assert again.ledger.card(copy).as_json() == bench.ledger.card(person).as_json()


def test_K_4b_and_order(bench: Any) -> None:
    """The one whose device is shared stands before those who share it, or the list could not be imported."""
    bench.home(id_number="9")
    bench.person(id_number="1", lives_with="9")
    from receiver.commands.ledger_view import chosen

    cards = chosen(bench.ledger, "草津市", None, None)
    assert [card.subscriber.id_number for card in cards] == ["9", "1"]
    assert chosen(bench.ledger, "栗東市", None, None) == []
    assert [row["subscriber"].get("lives_with") for row in spreadsheet.read(spreadsheet.write(cards).encode())] == [
        None,
        "9",
    ]
