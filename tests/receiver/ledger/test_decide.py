"""Acceptance checks of the contract's clauses on the ledger, each named by its clause."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.clock import Now
from receiver.errors import BadInput
from receiver.ledger.decide import decide
from receiver.rules.fact import Decision, Fact, Refused
from receiver.rules.people import DeviceState, Status


@pytest.mark.parametrize(
    ("clause", "category", "owner", "form", "settled"),
    [
        ("K-3.1", "既設", "受託者", None, None),
        ("K-3.1", "既設", "既設事業者", None, None),  # O14
        ("K-3.1", "既設", "委託者", None, ("委託者", "固定")),
        ("K-3.1", "既設", None, None, ("委託者", "固定")),
        ("K-3.2", "再利用", "委託者", None, ("委託者", "固定")),
        ("K-3.2", "再利用", "既設事業者", None, ("既設事業者", "固定")),  # K-9.2.3
        ("K-3.2", "再利用", "受託者", None, None),
        ("K-3.2", "再利用", None, None, None),
        ("K-3.3", "新規", None, None, ("受託者", "固定")),
        ("K-3.3", "新規", "委託者", None, None),
        ("K-3.3", "新規", None, "携帯", None),
        ("K-3.4", "携帯", None, None, ("受託者", "携帯")),
        ("K-3.4", "携帯", None, "固定", None),
        ("K-3.4", "携帯", "委託者", None, None),
        ("K-3.5", "サービス費", "受託者", "携帯", ("受託者", "携帯")),
        ("K-3.5", "サービス費", "委託者", None, ("委託者", "固定")),
        ("K-3.5", "サービス費", None, None, None),
    ],
)
def test_K_3_owner_and_form_follow_the_category(
    bench: Any, clause: str, category: str, owner: str | None, form: str | None, settled: tuple[str, str] | None
) -> None:
    args = {"serial": "S1", "category": category, "owner": owner, "form": form}
    if settled is None:
        assert bench.refused("device.add", **args).clause == clause
        assert not bench.ledger.devices
    else:
        bench.done("device.add", **args)
        device = bench.ledger.devices["S1"]
        assert (device.owner.value, device.form.value) == settled


def test_K_3_2_reuse_needs_the_city_and_a_regeneration_record(bench: Any) -> None:
    person = bench.person()
    bench.done("device.add", serial="S1", account="1234", category="再利用", owner="委託者")
    place = {"device": "S1", "subscriber": person}
    assert bench.refused("device.install", **place, source="訪問:2026-04-01").clause == "K-9.2.3"
    assert bench.refused("device.install", **place, source="市指示:1").clause == "K-3.2"
    bench.done("device.state", device="S1", state="再生済")
    bench.done("device.install", **place, source="市指示:1")
    assert bench.ledger.devices["S1"].state is DeviceState.INSTALLED


def test_K_3_2_what_stood_there_at_the_takeover_is_taken_as_it_is(bench: Any) -> None:
    person = bench.person()
    bench.done("device.add", serial="S1", account="1234", category="再利用", owner="既設事業者")
    bench.done("device.install", device="S1", subscriber=person, source="移行")


def test_K_3_5_the_benefit_scheme_and_the_form_are_separate(bench: Any) -> None:
    bench.done("device.add", serial="S1", account="1234", category="サービス費", owner="受託者", form="携帯")
    person = bench.person()
    assert bench.refused("device.install", device="S1", subscriber=person, source="工事:1").clause == "K-3.5"
    bench.done("subscriber.change", subscriber=person, changes={"welfare": True}, source="市指示:2")
    bench.done("device.install", device="S1", subscriber=person, source="工事:1")
    bench.done("line.add", subscriber=person, number="090-1234-5678", source="工事:1")


@pytest.mark.parametrize("number", ["050-1234-5678", "０５０１２３４５６７８", "+81 50 1234 5678"])
def test_K_10a_no_ip_telephone(bench: Any, number: str) -> None:
    person = bench.person()
    add = {"subscriber": person, "number": number, "kind": "光", "source": "工事:1"}
    assert bench.refused("line.add", **add).clause == "K-10a"
    assert (
        bench.refused("subscriber.change", subscriber=person, changes={"phones": [number]}, source="訪問").clause
        == "K-10a"
    )


@pytest.mark.parametrize("kind", ["メタル", "光", "CATV"])
def test_K_10a_geographic_numbers_on_every_fixed_line(bench: Any, kind: str) -> None:
    person = bench.home()
    bench.done("line.add", subscriber=person, number="077-561-0000", kind=kind, source="工事:1")
    assert [line.kind.value for line in bench.ledger.lines_of(person)] == [kind]


@pytest.mark.parametrize(
    ("number", "kind", "category", "taken"),
    [
        ("090-1234-5678", None, "新規", False),
        ("077-561-0001", "無線", "新規", False),
        ("020-1234-5678", None, "新規", False),
        ("090-1234-5678", None, "携帯", True),
        ("077-561-0001", "無線", "携帯", True),
        ("077-561-0001", "メタル", "新規", True),
        ("077-561-0001", "メタル", "携帯", True),
    ],
)
def test_K_10b_wireless_only_with_a_mobile_device(
    bench: Any, number: str, kind: str | None, category: str, taken: bool
) -> None:
    person = bench.home(category=category)
    add = {"subscriber": person, "number": number, "kind": kind, "source": "工事:1"}
    if taken:
        bench.done("line.add", **add)
    else:
        assert bench.refused("line.add", **add).clause == "K-10b"


def test_K_10b_a_fixed_device_does_not_come_to_a_wireless_line(bench: Any) -> None:
    person = bench.home(category="携帯")
    bench.done("line.add", subscriber=person, number="090-1234-5678", source="工事:1")
    bench.done("device.add", serial="S2", account="5678", category="新規")
    install = {"device": "S2", "subscriber": person, "source": "工事:2"}
    assert bench.refused("device.install", **install).clause == "K-10b"
    bench.done("line.add", subscriber=person, number="077-561-0000", kind="メタル", source="工事:1")
    bench.done("device.install", **install)


def test_K_7_1_2_no_line_without_its_kind(bench: Any) -> None:
    person = bench.home()
    assert bench.refused("line.add", subscriber=person, number="077-561-0000", source="工事:1").clause == "K-7.1.2"


@pytest.mark.parametrize(
    ("field", "clause"), [("zone", "K-12.1.1b"), ("city", "K-4b"), ("name", "K-12.1.1a"), ("address", "K-12.1.1a")]
)
def test_K_12_1_1_mandatory_fields(bench: Any, field: str, clause: str) -> None:
    for empty in ("", " ", None):
        assert bench.refused("subscriber.add", **bench.card(**{field: empty})).clause == clause
    assert not bench.ledger.people


class TestK_12_1_4:
    def test_the_number_is_kept_as_a_string(self, bench: Any) -> None:
        person = bench.person(id_number="00123")
        assert bench.ledger.people[person].id_number == "00123"
        assert bench.ledger.by_id("00123") == (person,)
        assert bench.ledger.by_id("123") == ()

    def test_it_is_unique_in_its_city_also_written_wide(self, bench: Any) -> None:
        bench.person(id_number="00123")
        for again in ("00123", "００１２３"):
            assert bench.refused("subscriber.add", **bench.card(id_number=again)).clause == "K-12.1.4"

    def test_it_is_never_given_again_after_the_end(self, bench: Any) -> None:
        person = bench.person(id_number="00123")
        bench.done("subscriber.status", subscriber=person, status="終了", source="市指示:9")
        assert bench.refused("subscriber.add", **bench.card(id_number="00123", name="訓練 太郎")).clause == "K-12.1.4"

    def test_two_cities_may_have_issued_the_same_one(self, bench: Any) -> None:
        """O30: both kept, shown with the city, never renumbered."""
        here, there = bench.person(), bench.person(city="守山市")
        assert set(bench.ledger.by_id("00123")) == {here, there}
        status = {"subscriber": "00123", "status": "休止", "source": "訪問"}
        assert "草津市・守山市" in bench.refused("subscriber.status", **status).reason
        bench.done("subscriber.status", **status, in_city="守山市")
        assert bench.ledger.people[there].status is Status.SUSPENDED
        assert bench.ledger.people[here].status is Status.APPLIED

    def test_it_cannot_be_changed(self, bench: Any) -> None:
        person = bench.person()
        change = {"subscriber": person, "changes": {"id_number": "9"}, "source": "市指示:1"}
        assert bench.refused("subscriber.change", **change).clause == "K-12.1.4"

    def test_T22_a_move_to_another_city_keeps_it_and_frees_it_nowhere(self, bench: Any) -> None:
        person = bench.home()
        bench.done(
            "subscriber.change", subscriber=person, changes={"city": "守山市", "zone": "中洲"}, source="市指示:3"
        )
        assert bench.ledger.people[person].id_number == "00123"
        assert bench.ledger.by_account("1234")[0].city == "守山市"
        assert bench.refused("subscriber.add", **bench.card()).clause == "K-12.1.4"

    def test_T21_a_device_swap_keeps_it(self, bench: Any) -> None:
        person = bench.home()
        bench.done("device.remove", device="S1", source="工事:2")
        bench.done("device.add", serial="S2", account="5678", category="新規")
        bench.done("device.install", device="S2", subscriber="00123", source="工事:2")
        assert bench.ledger.by_account("5678")[0].subject == person
        (old,) = bench.ledger.by_account("1234")
        assert (old.subject, old.device_state) == (None, DeviceState.STOCK)


class TestK_9_5:
    def test_a_change_without_a_source_is_refused(self, bench: Any) -> None:
        person = bench.person()
        change = {"subscriber": person, "changes": {"phones": ["077-561-0001"]}}
        assert bench.refused("subscriber.change", **change).clause == "K-9.5"
        with pytest.raises(BadInput, match="市指示 needs"):
            bench.wish("subscriber.change", **change, source="市指示")
        with pytest.raises(BadInput, match="none of"):
            bench.wish("subscriber.change", **change, source="うわさ:隣人")

    def test_the_event_tells_before_and_after_and_the_source(self, bench: Any) -> None:
        person = bench.person()
        (draft,) = bench.done(
            "subscriber.change", subscriber=person, changes={"phones": ["077-561-0001"]}, source="訪問:2026-04-01"
        )
        assert draft.private is not None
        assert draft.private["before"] == {"phones": ["0775610000"]}
        assert draft.private["after"]["phones"] == ["0775610001"]
        assert (draft.payload["source"], draft.private["reference"]) == ("訪問", "2026-04-01")
        assert draft.payload["changed"] == ["phones"]

    def test_nothing_is_written_where_nothing_changes(self, bench: Any) -> None:
        person = bench.person()
        change = {"subscriber": person, "changes": {"phones": ["０７７−５６１−００００"]}, "source": "訪問"}
        assert bench.refused("subscriber.change", **change).clause == "K-9.5"

    def test_T24_the_end_needs_the_city(self, bench: Any) -> None:
        person = bench.person()
        end = {"subscriber": person, "status": "終了"}
        assert bench.refused("subscriber.status", **end, source="訪問").clause == "K-9.5"
        bench.done("subscriber.status", **end, source="市指示:7")


class TestDevices:
    def test_installing_makes_the_service_active_and_expects_a_test(self, bench: Any) -> None:
        person = bench.person()
        bench.done("device.add", serial="S1", account="ab12", category="新規", anchor_day=31, anchor_time="14:30")
        installed, status = bench.done("device.install", device="S1", subscriber=person, source="工事:1")
        expected = {
            "device": "S1", "subject": person, "account": "AB12", "anchor_day": 31, "anchor_time": "14:30",
            "installed_on": "2026-04-01", "profile": "contact-id",
        }  # fmt: skip
        assert {name: installed.payload[name] for name in expected} == expected
        assert status.payload["status"] == "利用中"
        assert bench.ledger.people[person].status is Status.ACTIVE

    def test_the_anchor_falls_back_to_the_day_of_installation(self, bench: Any) -> None:
        bench.home()
        assert (bench.ledger.devices["S1"].anchor_day, bench.ledger.devices["S1"].anchor_time) == (1, "10:00")

    def test_an_account_is_unique_among_installed_devices(self, bench: Any) -> None:
        bench.home()
        bench.done("device.add", serial="S2", account="1234", category="新規")
        other = bench.person(id_number="2")
        assert "1234" in bench.refused("device.install", device="S2", subscriber=other, source="工事:1").reason

    def test_an_account_is_as_long_as_units_have_them(self, bench: Any) -> None:
        bench.done("device.add", serial="S1", account="1" * 32, category="新規")
        for wrong in ("12", "1" * 33, "12-34-x!"):
            with pytest.raises(BadInput, match="is not 3 to 32 digits and letters"):
                bench.done("device.add", serial="S2", account=wrong, category="新規")

    def test_a_device_stands_in_one_home_at_a_time(self, bench: Any) -> None:
        bench.home()
        other = bench.person(id_number="2")
        assert bench.refused("device.install", device="S1", subscriber=other, source="工事:1").clause == "K-9.7.2h"

    @pytest.mark.parametrize("state", ["故障", "廃棄", "紛失", "貸出"])
    def test_only_from_the_stock(self, bench: Any, state: str) -> None:
        person = bench.person()
        bench.done("device.add", serial="S1", account="1234", category="新規")
        bench.done("device.state", device="S1", state=state)
        assert bench.refused("device.install", device="S1", subscriber=person, source="工事:1").clause == "K-9.7.2h"

    def test_the_state_of_an_installed_device_changes_by_removal_only(self, bench: Any) -> None:
        bench.home()
        assert bench.refused("device.state", device="S1", state="故障").clause == "K-9.7.2h"
        bench.done("device.remove", device="S1", source="工事:2", state="故障")
        assert bench.ledger.devices["S1"].state is DeviceState.FAULTY

    def test_K_9_3_a_removal_is_not_requested_after_it_was_done(self, bench: Any) -> None:
        bench.home()
        dates = {"removed_on": "2026-06-04", "requested_on": "2026-06-05"}
        assert bench.refused("device.remove", device="S1", source="市指示:1", **dates).clause == "K-9.3"

    def test_nothing_is_installed_where_the_service_has_ended(self, bench: Any) -> None:
        person = bench.person()
        bench.done("subscriber.status", subscriber=person, status="終了", source="市指示:1")
        bench.done("device.add", serial="S1", account="1234", category="新規")
        bench.refused("device.install", device="S1", subscriber=person, source="工事:1")


class TestImport:
    def rows(self, bench: Any, *people: dict[str, Any]) -> list[dict[str, Any]]:
        cards = (bench.card(**person) for person in people)
        return [
            {"line": number, "subscriber": {name: value for name, value in card.items() if name != "source"}}
            for number, card in enumerate(cards, 2)
        ]

    def test_every_bad_row_is_named_and_nothing_changes(self, bench: Any) -> None:
        rows = self.rows(
            bench,
            {},
            {"id_number": "4", "phones": ["050-1234-5678"]},
            {"id_number": "3", "zone": ""},
            {},
            {"id_number": "5"},
        )
        refused = bench.refused("subscriber.import", rows=rows, source="移行")
        assert [line.split(":")[0] for line in refused.details] == ["line 3", "line 4", "line 5"]
        assert "050-1234-5678" in refused.details[0]
        assert "(K-12.1.1b)" in refused.details[1]
        assert "never given again" in refused.details[2]
        assert "nothing was changed" in refused.reason
        assert not bench.ledger.people
        assert bench.ledger.by_phone("077-561-0000") == ()

    def test_all_good_rows_come_in_with_device_and_line(self, bench: Any) -> None:
        rows = self.rows(bench, {"id_number": "1"}, {"id_number": "2"})
        rows[0] |= {
            "device": {"serial": "S1", "account": "1234", "category": "既設"},
            "install": {"anchor_day": 15},
            "phone_line": {"number": "077-561-0000", "kind": "光"},
        }
        bench.done("subscriber.import", rows=rows, source="移行:2025-09")
        (home,) = bench.ledger.by_account("1234")
        assert home.status is Status.ACTIVE
        assert len(bench.ledger.people) == 2

    def test_K_10b_in_a_row(self, bench: Any) -> None:
        rows = self.rows(bench, {"id_number": "1"})
        rows[0] |= {
            "device": {"serial": "S1", "account": "1234", "category": "新規"},
            "phone_line": {"number": "090-1234-5678"},
        }
        refused = bench.refused("subscriber.import", rows=rows, source="移行")
        assert "K-10b" in refused.clause
        assert not bench.ledger.devices

    def test_a_long_list_of_refusals_is_counted(self, bench: Any) -> None:
        refused = bench.refused("subscriber.import", rows=self.rows(bench, *[{"zone": ""}] * 500), source="移行")
        assert len(refused.details) == 201
        assert refused.details[-1] == "and 300 rows more"


def test_nothing_personal_in_any_payload(bench: Any) -> None:
    """Canaries: what identifies a person travels sealed only."""
    canaries = {
        "id_number": "カナリア00123", "name": "𠮷田 葉子", "kana": "ヨシダ ヨウコ", "notes": "聴力が弱い",
        "address": "滋賀県守山市金糸雀町9-9", "access_notes": "裏口の鍵は植木鉢", "key_place": "郵便受け",
    }  # fmt: skip
    contact = {"name": "金糸雀 太郎", "relation": "長男", "phones": ["0775830001"]}
    person = bench.home(
        **canaries, phones=["0775830000"], cooperators=[contact], contacts=[contact], birth="1931-02-03"
    )
    bench.done("subscriber.change", subscriber=person, changes={"notes": "金糸雀は鳴く"}, source="本人申出:金糸雀 次郎")
    bench.done("line.add", subscriber=person, number="0775830000", kind="光", source="工事:金糸雀電設")
    bench.done("device.remove", device="S1", source="本人申出:金糸雀 次郎")
    bench.done("device.state", device="S1", state="故障", source="訪問:金糸雀宅")
    open_text = json.dumps([dict(draft.payload) for draft in bench.drafts], ensure_ascii=False)
    for secret in (*canaries.values(), "金糸雀", "0775830000", "0775830001", "1931-02-03", "長男"):
        assert secret not in open_text


@pytest.mark.parametrize(
    ("verb", "args"),
    [
        ("subscriber.change", {"subscriber": "9", "changes": {"notes": "x"}, "source": "訪問"}),
        ("subscriber.change", {"subscriber": "00123", "changes": {"shoe_size": 1}, "source": "訪問"}),
        ("subscriber.change", {"subscriber": "00123", "changes": {}, "source": "訪問"}),
        ("subscriber.status", {"subscriber": "00123", "status": "元気", "source": "訪問"}),
        ("device.install", {"device": "S9", "subscriber": "00123", "source": "訪問"}),
        ("device.add", {"serial": "S1", "category": "新規", "anchor_day": 32}),
        ("device.add", {"serial": "S1", "category": "新規", "anchor_time": "24:00"}),
        ("device.add", {"serial": "S1", "category": "新規", "account": "12"}),
        ("device.add", {"serial": "S1", "category": "新規", "colour": "red"}),
        ("line.add", {"subscriber": "00123", "number": "561-0000", "kind": "光", "source": "訪問"}),
        ("subscriber.import", {"rows": [], "source": "移行"}),
        ("device.fly", {}),
    ],
)
def test_arguments_that_cannot_be_read_are_bad_input(bench: Any, verb: str, args: dict[str, Any]) -> None:
    bench.person()
    with pytest.raises(BadInput):
        bench.wish(verb, **args)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(
    ["subscriber", "in_city", "source", "changes", "status", "device", "serial", "category", "number", "kind", "rows",
     "zone", "name", "phones", "cooperators", "id_number", "city", "kana", "address", "account", "lives_with"]
)  # fmt: skip


@given(
    verb=st.sampled_from(
        ["subscriber.add", "subscriber.change", "subscriber.import", "device.add", "device.install", "line.add"]
    ),
    args=st.dictionaries(
        names, json_values | st.sampled_from(["草津市", "訪問", "新規", "00123", "077-561-0000"]), max_size=8
    ),
)
def test_any_arguments_at_all_are_decided_refused_or_bad_input(
    empty_ledger: Any, verb: str, args: dict[str, Any]
) -> None:
    try:
        outcome = decide(empty_ledger, Fact(verb, "os:test", args), Now(0, 0, "b"))
    except BadInput:
        return
    assert isinstance(outcome, Decision | Refused)
