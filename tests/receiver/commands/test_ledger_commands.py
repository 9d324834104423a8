"""`subscriber`, `device` and `line` through the real command line on a real store; the centre is stopped."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CARD = (
    "--city", "草津市", "--zone", "高穂", "--name", "訓練 花子", "--kana", "クンレン ハナコ",
    "--address", "滋賀県草津市訓練町1-2-3", "--phone", "077-561-0000", "--source", "市指示:草福第12号",
)  # fmt: skip


Yobirin = Callable[..., Any]


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation that is not there yet."""
    for name in ("YOBIRIN_KEY_FILE", "YOBIRIN_CONFIG", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("YOBIRIN_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def home(yobirin: Yobirin) -> Yobirin:
    """One subscriber with a device and a line."""
    assert yobirin("subscriber", "add", "--id", "00123", *CARD).code == 0
    assert yobirin("device", "add", "S1", "--category", "既設", "--account", "1234", "--anchor-day", "31").code == 0
    assert yobirin("device", "install", "S1", "--subscriber", "00123", "--source", "工事:1").code == 0
    add_line = ("line", "add", "077-561-0000", "--subscriber", "00123", "--kind", "光", "--source", "工事:1")
    assert yobirin(*add_line).code == 0
    return yobirin


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def test_what_was_entered_is_shown(home: Yobirin) -> None:
    (card,) = lines(home("subscriber", "show", "00123", "--json").out)
    assert (card["id_number"], card["name"], card["status"]) == ("00123", "訓練 花子", "利用中")
    assert card["phones"] == ["0775610000"]
    assert [device["account"] for device in card["devices"]] == ["1234"]
    text = home("subscriber", "show", "00123").out
    for word in ("訓練 花子", "クンレン ハナコ", "訓練町1-2-3", "077-561-0000", "毎月31日", "光"):
        assert word in text


@pytest.mark.parametrize(
    ("words", "found"),
    [((), 1), (("くんれん",), 1), (("077-561",), 1), (("00123",), 1), (("--city", "草津市"), 1),
     (("--city", "栗東市"), 0), (("--zone", "高穂"), 1), (("--status", "終了"), 0), (("いない",), 0)],
)  # fmt: skip
def test_list_finds_people(home: Yobirin, words: tuple[str, ...], found: int) -> None:
    assert len(lines(home("subscriber", "list", *words, "--json").out)) == found


@pytest.mark.parametrize(
    ("arguments", "clause"),
    [
        (("device", "add", "S9", "--category", "既設", "--owner", "受託者"), "K-3.1"),
        (("device", "add", "S9", "--category", "新規", "--owner", "委託者"), "K-3.3"),
        (("device", "add", "S9", "--category", "携帯", "--form", "固定"), "K-3.4"),
        (("subscriber", "change", "00123", "--phone", "077-561-0001"), "K-9.5"),
        (("subscriber", "add", "--id", "00123", *CARD), "K-12.1.4"),
        (("subscriber", "add", "--id", "7", *CARD[:2], *CARD[4:]), "K-12.1.1b"),
        (("line", "add", "050-1234-5678", "--subscriber", "00123", "--kind", "光", "--source", "工事"), "K-10a"),
        (("line", "add", "090-1234-5678", "--subscriber", "00123", "--source", "工事"), "K-10b"),
        (("line", "add", "077-561-0009", "--subscriber", "00123", "--kind", "無線", "--source", "工事"), "K-10b"),
        (("subscriber", "export"), "K-P5"),
        (("subscriber", "export", "--basis", " "), "K-P5"),
    ],
)
def test_a_refusal_is_one_line_with_its_clause(home: Yobirin, arguments: tuple[str, ...], clause: str) -> None:
    before = home("subscriber", "show", "00123", "--json", "--history").out
    done = home(*arguments)
    refusals = [line for line in done.err.splitlines() if "refused" in line]
    assert done.code == 2
    assert len(refusals) == 1
    assert f"({clause})" in refusals[0]
    assert home("subscriber", "show", "00123", "--json", "--history").out == before


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("subscriber", "show", "9"), "no subscriber with ID number 9"),
        (("subscriber", "show", "00123", "--city", "栗東市"), "no subscriber"),
        (("device", "show", "S9"), "no device S9"),
        (("line", "add", "561-0000", "--subscriber", "00123", "--kind", "光", "--source", "工事"), "telephone number"),
        (("subscriber", "change", "00123", "--notes", "x", "--source", "市指示"), "instruction's number"),
        (("subscriber", "import", "nowhere.csv", "--source", "移行"), "nowhere.csv"),
        (("subscriber", "status", "00123", "元気", "--source", "訪問"), "元気"),
    ],
)
def test_bad_input_is_one_line(home: Yobirin, arguments: tuple[str, ...], word: str) -> None:
    done = home(*arguments)
    assert done.code == 2
    assert word in done.err.splitlines()[-1]


@pytest.mark.parametrize(
    "arguments", [("subscriber", "list"), ("subscriber", "show", "1"), ("device", "list"), ("line", "list")]
)
def test_no_installation_is_not_an_empty_ledger(yobirin: Yobirin, arguments: tuple[str, ...]) -> None:
    done = yobirin(*arguments)
    assert (done.code, done.out) == (75, "")
    assert len(done.err.splitlines()) == 1


def test_K_9_5_the_history_shows_before_and_after_source_and_who(home: Yobirin) -> None:
    assert home("subscriber", "change", "00123", "--phone", "077-561-0001", "--source", "訪問:2026-04-01").code == 0
    (card,) = lines(home("subscriber", "show", "00123", "--json", "--history").out)
    change = card["history"][-1]
    assert (change["before"], change["after"]) == ({"phones": ["0775610000"]}, {"phones": ["0775610001"]})
    assert change["source"] == "訪問:2026-04-01"
    assert change["actor"].startswith("os:")


def test_K_12_1_4_a_swap_and_a_move_keep_the_number(home: Yobirin) -> None:
    assert home("device", "remove", "S1", "--source", "工事:2").code == 0
    assert home("device", "add", "S2", "--category", "新規", "--account", "5678").code == 0
    assert home("device", "install", "S2", "--subscriber", "00123", "--source", "工事:2").code == 0
    moved = ("subscriber", "change", "00123", "--new-city", "守山市", "--zone", "中洲", "--source", "市指示:3")
    assert home(*moved).code == 0
    (card,) = lines(home("subscriber", "show", "00123", "--json").out)
    assert (card["id_number"], card["city"]) == ("00123", "守山市")
    assert [device["serial"] for device in card["devices"]] == ["S2"]
    assert lines(home("device", "show", "S1", "--json").out)[0]["state"] == "在庫"


def test_O30_the_same_number_in_two_cities(home: Yobirin) -> None:
    card = ("守山市" if word == "草津市" else word for word in CARD)
    assert home("subscriber", "add", "--id", "00123", *card).code == 0
    done = home("subscriber", "show", "00123")
    assert done.code == 2
    assert "草津市・守山市" in done.err
    assert home("subscriber", "show", "00123", "--city", "守山市").code == 0


HEAD = "ID番号,市,日常生活圏域,氏名,フリガナ,住所,電話番号,装置番号,通報コード,区分,回線種別"
GOOD = ["00007,草津市,高穂,訓練 一,クンレン イチ,草津市1,077-561-0001,S7,0007,既設,メタル",
        "00008,守山市,中洲,訓練 二,クンレン ニ,守山市2,077-583-0002,S8,0008,携帯,無線"]  # fmt: skip


class TestImport:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
    def test_a_good_file_comes_in_whole(self, yobirin: Yobirin, tmp_path: Path, encoding: str) -> None:
        file = tmp_path / "名簿.csv"
        file.write_bytes("\r\n".join([HEAD, *GOOD]).encode(encoding))
        dry = yobirin("subscriber", "import", str(file), "--source", "移行:2025-09", "--dry-run")
        assert dry.code == 0
        assert not (tmp_path / "data").exists()
        done = yobirin("subscriber", "import", str(file), "--source", "移行:2025-09")
        assert (done.code, done.out) == (0, f"{file}: 2 subscribers imported\n")
        people = lines(yobirin("subscriber", "list", "--json").out)
        assert {one["id_number"]: one["status"] for one in people} == {"00007": "利用中", "00008": "利用中"}
        assert {one["number"] for one in lines(yobirin("line", "list", "--json").out)} == {"0775610001", "0775830002"}

    @pytest.mark.parametrize("dry", [(), ("--dry-run",)])
    def test_every_bad_row_is_named_and_nothing_changes(
        self, home: Yobirin, tmp_path: Path, dry: tuple[str, ...]
    ) -> None:
        file = tmp_path / "bad.csv"
        bad = [
            GOOD[0].replace("00007", "1").replace("077-561-0001", "050-1234-5678"),
            GOOD[0].replace("00007", "00123"),
            GOOD[0].replace("00007", "3").replace("高穂", ""),
            GOOD[1].replace("携帯", "新規"),
        ]
        file.write_text("\n".join([HEAD, GOOD[0], *bad]), encoding="utf-8")
        before = home("subscriber", "list", "--json").out
        done = home("subscriber", "import", str(file), "--source", "移行", *dry)
        assert done.code == 2
        named = [line for line in done.err.splitlines() if line.startswith("yobirin: line ")]
        assert [line.split(":")[1] for line in named] == [" line 3", " line 4", " line 5", " line 6"]
        for line, clause in zip(named, ["K-10a", "K-12.1.4", "K-12.1.1b", "K-10b"], strict=True):
            assert clause in line
        assert str(file) in done.err.splitlines()[-1]
        assert home("subscriber", "list", "--json").out == before
        assert len(lines(home("device", "list", "--json").out)) == 1

    @pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n\0\xff\xfe", b"a,b\n1,2\n", HEAD.encode()])
    def test_what_is_no_such_file_is_one_line(self, yobirin: Yobirin, tmp_path: Path, content: bytes) -> None:
        file = tmp_path / "x.csv"
        file.write_bytes(content)
        done = yobirin("subscriber", "import", str(file), "--source", "移行")
        assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)
        assert str(file) in done.err


class TestExport:
    def test_K_P5_it_goes_on_record_before_it_goes_out(self, home: Yobirin, tmp_path: Path) -> None:
        done = home("subscriber", "export", "--basis", "市指示:草福第20号", "--recipient", "草津市")
        assert done.code == 0
        assert "K-P5" in done.err
        (row,) = csv.DictReader(io.StringIO(done.out))
        assert (row["ID番号"], row["通報コード"], row["回線種別"]) == ("00123", "1234", "光")
        exported = tmp_path / "out.csv"
        exported.write_text(done.out, encoding="utf-8")
        fresh = ("--data", str(tmp_path / "other"))
        assert home("subscriber", "import", str(exported), "--source", "移行", *fresh).code == 0
        assert lines(home("subscriber", "show", "00123", "--json", *fresh).out)[0]["name"] == "訓練 花子"

    def test_K_4b_a_city_gets_its_own_people_only(self, yobirin: Yobirin) -> None:
        for city in ("草津市", "守山市", "栗東市", "野洲市"):
            card = (city if word == "草津市" else word for word in CARD)
            assert yobirin("subscriber", "add", "--id", "1", *card).code == 0
        done = yobirin("subscriber", "export", "--city", "栗東市", "--basis", "市指示:1", "--json")
        assert [one["city"] for one in lines(done.out)] == ["栗東市"]


def test_nobody_stands_in_the_clear_in_the_data_folder(yobirin: Yobirin, tmp_path: Path) -> None:
    secrets = [
        "𠮷田 葉子",
        "ヨシダ ヨウコ",
        "金糸雀町",
        "0775830777",
        "金糸雀 太郎",
        "0775830888",
        "犬に注意",
        "金糸雀 次郎",
    ]
    name, kana, town, phone, contact, contact_phone, access, source = secrets
    card = ("--zone", "中洲", "--name", name, "--kana", kana, "--address", f"守山市{town}9", "--phone", phone)
    more = ("--contact", f"{contact},長男,{contact_phone}", "--access", access, "--source", f"本人申出:{source}")
    added = yobirin("subscriber", "add", "--id", "5", "--city", "守山市", *card, *more)
    assert added.code == 0
    assert yobirin("device", "add", "S1", "--category", "新規", "--account", "1").code == 2
    assert yobirin("device", "add", "S1", "--category", "新規", "--account", "1234").code == 0
    assert yobirin("device", "install", "S1", "--subscriber", "5", "--source", f"工事:{source}").code == 0
    assert yobirin("line", "add", phone, "--subscriber", "5", "--kind", "光", "--source", "訪問").code == 0
    assert yobirin("subscriber", "show", "5").out.count(name) == 1
    files = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert files
    for path in files:
        content = path.read_bytes()
        for secret in secrets:
            assert secret.encode() not in content, (path, secret)
