"""`case` and `explain` through the real command line: what operators wrote can be read again, and by nobody else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import cli
from receiver.centre.follow import Follower
from receiver.centre.opening import open_contract
from receiver.clock import SystemClock
from receiver.commands import case_list
from receiver.event import Draft
from receiver.installation import Installation
from receiver.intake.receptions import Receptions
from receiver.journal.reader import Reader
from receiver.journal.store import Committed, Store
from receiver.privacy.installation_key import installation_key
from receiver.privacy.keys import KeyRing

Yobirin = Callable[..., Any]

HOME, OTHER, SPOUSE = "077-561-0000", "077-583-0002", "077-561-0009"


class House:
    """An installation with three people in the ledger, and an intake that is written by hand."""

    def __init__(self, yobirin: Yobirin, data: Path) -> None:
        self.yobirin, self.installation = yobirin, Installation(data)
        self.calls = 0

    def said(self, *arguments: str) -> str:
        done = self.yobirin(*arguments)
        assert done.code == 0, done.err
        return str(done.out)

    def shown(self, number: int = 1) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.said("case", "show", str(number), "--json"))
        return value

    def people(self) -> None:
        add = ("subscriber", "add", "--source", "訪問:1", "--city")
        self.said(*add, "草津市", "--zone", "高穂", "--id", "00123", "--name", "訓練 花子", "--kana", "クンレン ハナコ",
                  "--address", "草津市金糸雀町1", "--phone", HOME)  # fmt: skip
        self.said(*add, "守山市", "--zone", "中洲", "--id", "00124", "--name", "𠮷田 次郎", "--kana", "ヨシダ ジロウ",
                  "--address", "守山市雲雀町9", "--phone", OTHER)  # fmt: skip
        self.said("device", "add", "S1", "--category", "既設", "--account", "1234")
        self.said("device", "install", "S1", "--subscriber", "00123", "--source", "工事:1")
        self.said("device", "add", "S9", "--category", "新規", "--account", "9999")

    def press(
        self,
        *,
        account: str | None = "1234",
        caller: str | None = HOME,
        withheld: str | None = None,
        ended: bool = True,
        code: str = "101",
    ) -> None:
        """A unit calls, and the centre follows."""
        with_hyphens = (caller or "").replace("-", "") or None
        key = installation_key(self.installation, create=True)
        keys = KeyRing.open(self.installation.intake_keys, key)
        store = Store(self.installation.intake_db, clock=SystemClock(), keys=keys, projections=(Receptions(),))
        self.calls += 1
        call = {"call": f"{self.calls:032x}", "line": "modem:7"}

        def write(type_: str, private: dict[str, Any] | None = None, **payload: Any) -> None:
            draft = Draft(type_, {**call, **payload}, call["call"], "intake", private=private)
            (done,) = store.transact(lambda tx: tx.append(draft))
            assert isinstance(done, Committed), done

        given = {"withheld": withheld, "caller_digest": None, "caller_given": caller is not None}
        write("call.started", {"caller": with_hyphens, "called": None}, **given)
        if account:
            frame = {"kind": "frame", "format": "contact-id", "account": account, "qualifier": "1", "code": code}
            frame |= {
                "raw": f"{account}18110101001B",
                "partition": "01",
                "zone": "001",
                "confidence": 1.0,
                "no_kiss_off": False,
            }
            write("frame.accepted", **frame, start=8_000, end=20_000, duplicate_of=None, heard_at_us=now_us())
            write("kissoff.started", reception=2 + (self.calls - 1) * 4, at_sample=21_680)
        else:
            unread = {"kind": "voice", "best": None, "no_kiss_off": True, "duplicate_of": None}
            write("call.unknown", **unread, heard_at_us=now_us())
        if ended:
            write("call.ended", reason="the far end has hung up")
        store.close()
        self.follow()

    def follow(self) -> None:
        clock = SystemClock()
        opened = open_contract(self.installation, cli.scenario("konan"), clock)
        keys = KeyRing.open(self.installation.intake_keys, installation_key(self.installation), writable=False)
        follower = Follower("intake", Reader(self.installation.intake_db, keys), opened.desk)
        cursor = opened.store.transact(lambda tx: tx.rows("SELECT coalesce(max(seq), 0) FROM cursor"))[0]
        assert isinstance(cursor, Committed)
        for record in follower.reader.after(cursor.value[0][0]):
            (done,) = opened.store.transact(follower.work(record, clock.now()))
            assert isinstance(done, Committed), done
        opened.close()


def now_us() -> int:
    return SystemClock().now().utc_us


@pytest.fixture
def house(yobirin: Yobirin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    for name in ("YOBIRIN_KEY_FILE", "YOBIRIN_CONFIG", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("YOBIRIN_DATA", str(tmp_path / "data"))
    made = House(yobirin, tmp_path / "data")
    made.people()
    return made


WRITTEN = {
    "救急車をお願いカナリア": ("judge", "1", "--abnormal", "yes", "--a", "救急車をお願いカナリア"),
    "草津市別町1カナリア": ("address", "1", "differs:草津市別町1カナリア"),
    "当番カナリア": ("dispatch", "1", "--to", "fire", "--accepted-by", "当番カナリア", "--contact", "当方カナリア"),
    "娘カナリア": ("callback", "1", "--answered", "--by", "家族", "--number", "0775619999"),
    "結果カナリア": ("outcome", "1", "transported", "--text", "結果カナリア"),
    "病院カナリア": ("transport", "1", "--destination", "病院カナリア", "--source", "救急隊カナリア"),
    "息子カナリア": ("contact", "1", "--who", "息子カナリア", "--result", "reached"),
    "福祉課カナリア": ("report", "1", "--way", "FAX", "--recipient", "福祉課カナリア"),
    "覚書カナリア": ("note", "1", "覚書カナリア"),
    "判断カナリア": ("override", "2", "--second", "os:second", "--reason", "判断カナリア"),
}


def test_whatever_was_written_is_read_again_and_stands_in_no_file(house: House) -> None:
    house.press()
    for arguments in WRITTEN.values():
        if "override" in arguments:  # the first case is closed by its report
            house.press()
            house.said("case", "callback", "2", "--start")
        house.said("case", *arguments)
    canaries = [*(word for word in WRITTEN if word != "娘カナリア"), "当方カナリア", "救急隊カナリア", "0775619999"]
    shown, as_json, explained = (
        "".join(house.said(*words, number) for number in ("1", "2"))
        for words in (("case", "show"), ("case", "show", "--json"), ("explain", "case"))
    )
    for canary in canaries:
        assert canary in shown
        assert canary in as_json
        assert canary not in explained
    assert "(text: case show 1)" in explained
    files = [path for path in house.installation.data.rglob("*") if path.is_file()]
    assert len(files) > 5
    for path in files:
        content = path.read_bytes()
        for canary in (*canaries, "草津市金糸雀町", "訓練 花子"):
            assert canary.encode() not in content, (path, canary)


def test_flows_2_4_the_spoken_address_stands_above_the_ledgers(house: House) -> None:
    house.press()
    house.said("case", "judge", "1", "--abnormal", "yes", "--a", "救急車", "--address", "differs:草津市別町1")
    lines = house.said("case", "show", "1").splitlines()
    (spoken,) = (at for at, line in enumerate(lines) if "話された住所(こちらへ出動) 草津市別町1" in line)
    (ledger,) = (at for at, line in enumerate(lines) if "草津市金糸雀町1" in line)
    assert spoken < ledger
    assert house.shown()["spoken_address"] == "草津市別町1"
    house.said("case", "address", "1", "confirmed")
    assert "こちらへ出動" not in house.said("case", "show", "1")
    assert house.shown()["spoken_address"] is None


def test_what_was_erased_is_said_to_be_erased(house: House) -> None:
    house.press()
    house.said("case", "judge", "1", "--abnormal", "yes", "--a", "救急車カナリア", "--address", "differs:別町カナリア")
    (row,) = Reader(house.installation.store_db("konan")).rows("SELECT subject FROM case_row")
    keys = KeyRing.open(house.installation.store_keys("konan"), installation_key(house.installation))
    keys.erase(row[0])
    keys.close()
    text = house.said("case", "show", "1")
    assert "カナリア" not in text
    assert "花子" not in text
    assert "話された住所(こちらへ出動) 消去済" in text
    judged = next(line for line in text.splitlines() if "判断" in line)
    assert "消去済" in judged
    assert house.said("case", "list").count("花子") == 0


@pytest.mark.parametrize(
    ("press", "words"),
    [
        ({}, ("発信番号 077-561-0000", "電話する順 077-561-0000(発信番号)")),
        ({"caller": "077-599-1111"}, ("登録と違う回線", "電話する順 077-599-1111(発信番号) → 077-561-0000")),
        ({"caller": None, "withheld": "P"}, ("登録と違う回線", "発信番号 非通知", "電話する順 077-561-0000")),
        ({"caller": OTHER}, ("装置と発信番号の登録者が違う", "もう一つの候補", "𠮷田 次郎", "守山市雲雀町9")),
        ({"account": "9999"}, ("家庭にない装置",)),
        ({"account": "7777", "caller": "077-599-1111"}, ("未特定", "電話する順 077-599-1111(発信番号)")),
    ],
)
def test_flows_1_2_what_identification_decided_is_on_the_card(
    house: House, press: dict[str, Any], words: tuple[str, ...]
) -> None:
    house.press(**press)
    text = house.said("case", "show", "1")
    for word in words:
        assert word in text
    assert house.said("case", "show", "1", "--json").count("カナリア") == 0


def test_D4_and_D8_the_status_and_both_cards(house: House) -> None:
    house.said("subscriber", "add", "--city", "草津市", "--zone", "高穂", "--id", "00125", "--name", "訓練 太郎",
               "--kana", "クンレン タロウ", "--address", "草津市金糸雀町1", "--phone", SPOUSE, "--lives-with", "00123",
               "--source", "訪問:1")  # fmt: skip
    house.said("subscriber", "status", "00123", "休止", "--source", "市指示:1")
    house.press()
    text = house.said("case", "show", "1")
    for word in ("利用状態に注意", "装置を共用", "訓練 太郎", "[休止]"):
        assert word in text
    assert [card["name"] for card in house.shown()["other_cards"]] == ["訓練 太郎"]


def test_D7_the_card_says_whether_the_line_is_still_there(house: House) -> None:
    house.press(account=None, caller=None, withheld="P", ended=False)
    text = house.said("case", "show", "1")
    assert "開いている: 回線 modem:7 で話す" in text
    assert "切らない" in text
    assert house.shown()["line"]["open"] is True
    house.press(account=None, caller=None, withheld="P", ended=True)
    text = house.said("case", "show", "2")
    assert "に切れた(回線 modem:7)" in text
    assert "で話す" not in text
    assert "監督者へ" in text


def test_a_case_without_a_signal_is_called_at_the_homes_own_numbers(house: House) -> None:
    clock = SystemClock()
    opened = open_contract(house.installation, cli.scenario("konan"), clock)
    (subject,) = opened.desk.ledger.by_id("00123")
    payload = {"case": 1, "kind": "periodic_test_missed", "flow": "missed_test", "state": "CALL_DUE", "priority": 5}
    payload |= {"home": subject, "opened_at_us": now_us(), "heard_at_us": now_us(), "version": 1, "row": "absence"}
    (done,) = opened.store.transact(lambda tx: opened.desk.note(tx, Draft("case.opened", payload, subject, "centre")))
    assert isinstance(done, Committed), done
    opened.close()
    text = house.said("case", "show", "1")
    assert "電話する順 077-561-0000" in text
    assert "定時通報なし" in text
    assert "発信番号" not in text
    assert house.said("case", "list").split().count("-") == 2  # no line, no owner


def test_open_duties_and_deadlines_are_told_in_words(house: House) -> None:
    house.press()
    kinds = [one["kind"] for one in house.shown()["due"]]
    assert sorted(kinds) == ["T_ACCEPT", "T_CB_START", "T_CB_TOTAL"]
    assert "折返し全体の期限(あと" in house.said("case", "show", "1")
    house.said("case", "callback", "1", "--answered")
    house.said("case", "judge", "1", "--abnormal", "yes", "--a", "救急車")
    house.said("case", "dispatch", "1", "--to", "fire")
    text = house.said("case", "show", "1")
    assert "未入力 消防局の受付者、住所確認、当方の連絡担当者" in text
    assert "T_" not in text
    assert house.shown()["duties"] == ["accepted_by:fire", "address", "contact_person"]


def test_the_list_names_people_and_stays_aligned(house: House) -> None:
    house.press()
    house.press(account="7777", caller="077-599-1111")
    first, second = house.said("case", "list").splitlines()
    for word in ("緊急通報 emergency", "折返し待ち CALLBACK_DUE", "訓練 花子", "00123", "草津市", "modem:7"):
        assert word in first
    assert "花子" not in second
    assert [case_list.width(line[: line.index("modem:7")]) for line in (first, second)] == [
        case_list.width(first[: first.index("modem:7")])
    ] * 2
    row = json.loads(house.said("case", "list", "--json").splitlines()[0])
    assert (row["kind"], row["state"], row["name"], row["city"]) == ("emergency", "CALLBACK_DUE", "訓練 花子", "草津市")


def test_the_same_from_many_homes_is_one_line_and_whoever_pressed_a_button_is_not(house: House) -> None:
    house.press(code="301")
    for number in range(3):
        house.press(account=f"77{number:02}", caller=f"077-599-11{number:02}", code="301")
    house.press(account="8888", caller="077-599-1111", code="101")
    house.press(account="8889", caller="077-599-1112", code="384")
    first, group, last = house.said("case", "list").splitlines()
    assert "P1  緊急通報 emergency" in first
    assert "P3  停電 maintenance.power_cut  4世帯 4件" in group
    assert "未特定 3 草津市 高穂 1" in group
    assert "案件 1–4" in group
    assert "P4  ペンダント電池" in last
    assert [line.split()[0] for line in house.said("case", "list", "--each").splitlines()] == [
        "5",
        "1",
        "2",
        "3",
        "4",
        "6",
    ]
    rows = [json.loads(line) for line in house.said("case", "list", "--json").splitlines()]
    assert [(row["no"], row["group"]) for row in rows] == [(5, None), (1, 1), (2, 1), (3, 1), (4, 1), (6, None)]
    house.said("case", "accept", "2")
    first, group, second, _ = house.said("case", "list").splitlines()
    assert second.split()[0] == "2"
    assert "3世帯 3件" in group


def test_a_group_is_as_large_as_the_installation_says(house: House, tmp_path: Path) -> None:
    for number in range(3):
        house.press(account=f"77{number:02}", caller=f"077-599-11{number:02}", code="301")
    (tmp_path / "c.toml").write_text(f'data = "{house.installation.data}"\n[konan]\ngroup_homes = 4\n')
    done = house.yobirin("case", "list", "--config", str(tmp_path / "c.toml"))
    assert len(done.lines) == 3
    assert len(house.said("case", "list").splitlines()) == 1


def test_a_storm_stands_behind_the_emergencies_until_it_is_over(house: House) -> None:
    def say(type_: str, **payload: Any) -> None:
        key = installation_key(house.installation, create=True)
        keys = KeyRing.open(house.installation.intake_keys, key)
        store = Store(house.installation.intake_db, clock=SystemClock(), keys=keys, projections=(Receptions(),))
        store.transact(lambda tx: tx.append(Draft(type_, {"group": "lines", **payload}, actor="intake")))
        store.close()

    house.press()
    say("storm.began", lines=8, busy_percent=96, calls=30)
    house.press(account="8889", caller="077-599-1112", code="384")
    first, storm, last = house.said("case", "list").splitlines()
    assert (first.split()[1], last.split()[1]) == ("P1", "P4")
    assert "多発 storm  回線8本が通報でいっぱい" in storm
    say("storm.ended", seconds=90, calls=200)
    house.press(account="8890", caller="077-599-1113", code="384")
    assert "storm" not in house.said("case", "list")


def test_the_list_of_alarms_needs_no_keys(house: House) -> None:
    house.press()
    house.installation.store_keys("konan").unlink()
    done = house.yobirin("case", "list")
    assert (done.code, len(done.lines)) == (0, 1)
    assert "emergency" in done.out
    assert "花子" not in done.out
    assert "names are left out" in done.err
    assert house.yobirin("case", "show", "1").code == 75


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("callback", "1", "--start", "--answered"), "one thing"),
        (("callback", "1", "--busy", "--no-answer"), "one thing"),
        (("callback", "1"), "one thing"),
        (("show", "abc"), "'abc' is not the number of a case"),
        (("show", "0"), "'0' is not the number of a case"),
        (("show", "9" * 30), "is not the number of a case"),
        (("show", "7"), "there is no case 7"),
    ],
)
def test_contradictions_and_what_is_no_number_are_one_plain_line(
    house: House, arguments: tuple[str, ...], word: str
) -> None:
    house.press()
    before = house.shown()["version"]
    done = house.yobirin("case", *arguments)
    assert (done.code, done.out) == (2, "")
    assert word in done.err
    assert len(done.err.splitlines()) == 1
    assert house.shown()["version"] == before


def test_explain_reception_says_how_fast_it_was_acknowledged(house: House) -> None:
    house.press()
    text = house.said("explain", "reception", "2")
    assert "kiss-off begins at 2.710 s of the call: 210 ms after the last digit" in text
    done = house.yobirin("explain", "reception", "x")
    assert (done.code, len(done.err.splitlines())) == (2, 1)
