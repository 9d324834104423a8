"""Look-ups of the ledger: what the rules and the operators ask."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from receiver.rules.people import DeviceState, Status


def test_D1_by_account_gives_the_home(bench: Any) -> None:
    person = bench.home()
    (home,) = bench.ledger.by_account("1234")
    assert (home.subject, home.city, home.status, home.device) == (person, "草津市", Status.ACTIVE, "S1")
    assert home.phones == ("0775610000",)
    assert home.device_state is DeviceState.INSTALLED


@pytest.mark.parametrize("written", ["077-561-0000", "0775610000", "+81775610000", "０７７ー５６１ー００００"])
def test_D5_by_phone_in_every_way_of_writing(bench: Any, written: str) -> None:
    person = bench.home()
    assert [home.subject for home in bench.ledger.by_phone(written)] == [person]


def test_D5_of_any_status_those_in_use_first(bench: Any) -> None:
    gone = bench.person(id_number="1")
    bench.done("subscriber.status", subscriber=gone, status="終了", source="市指示:1")
    here = bench.home(id_number="2")
    assert [home.subject for home in bench.ledger.by_phone("0775610000")] == [here, gone]


@pytest.mark.parametrize("nothing", ["", "9999", "not a number", "050"])
def test_unknown_is_empty_never_an_error(bench: Any, nothing: str) -> None:
    bench.home()
    assert bench.ledger.by_account(nothing) == ()
    assert bench.ledger.by_phone(nothing) == ()
    assert bench.ledger.by_subject(nothing) is None
    assert bench.ledger.card(nothing) is None
    assert bench.ledger.search(nothing) == () or nothing == "050"


def test_D8_a_couple_shares_device_and_line(bench: Any) -> None:
    one = bench.home(id_number="1")
    bench.done("line.add", subscriber=one, number="077-561-0009", kind="光", source="工事:1")
    two = bench.person(id_number="2", name="訓練 太郎", phones=[], lives_with="1")
    assert [home.subject for home in bench.ledger.by_account("1234")] == [one, two]
    card = bench.ledger.card(two)
    assert [other.subject for other in card.household] == [one]
    assert [device.serial for device in card.devices] == ["S1"]
    assert card.phones == ("0775610009",)
    three = bench.person(id_number="3", lives_with="2")
    assert {home.subject for home in bench.ledger.by_account("1234")} == {one, two, three}


def test_D8_the_service_of_both_begins_with_the_device(bench: Any) -> None:
    one = bench.person(id_number="1")
    two = bench.person(id_number="2", lives_with="1")
    bench.done("device.add", serial="S1", account="1234", category="新規")
    bench.done("device.install", device="S1", subscriber="1", source="工事:1")
    three = bench.person(id_number="3", lives_with="2")
    assert {home.status for home in bench.ledger.by_account("1234")} == {Status.ACTIVE}
    assert bench.ledger.household(three) == (three, one, two)


def test_D8_sharing_has_one_head(bench: Any) -> None:
    one, two = bench.person(id_number="1"), bench.person(id_number="2", lives_with="1")
    bench.person(id_number="3")
    for partner in ("2", "3", "1"):
        change = {"subscriber": one, "changes": {"lives_with": partner}, "source": "訪問"}
        assert bench.refused("subscriber.change", **change).clause == "D8"
    bench.done("subscriber.change", subscriber=two, changes={"lives_with": ""}, source="訪問")
    bench.done("subscriber.change", subscriber=one, changes={"lives_with": "3"}, source="訪問")


def test_D4_a_home_is_found_whatever_its_status(bench: Any) -> None:
    person = bench.home()
    bench.done("subscriber.status", subscriber=person, status="終了", source="市指示:1")
    (home,) = bench.ledger.by_account("1234")
    assert home.status is Status.ENDED
    assert bench.ledger.card(person).subscriber.address


def test_D9_a_device_in_stock_has_no_home(bench: Any) -> None:
    bench.done("device.add", serial="S1", account="1234", category="新規")
    (home,) = bench.ledger.by_account("1234")
    assert (home.subject, home.device, home.device_state) == (None, "S1", DeviceState.STOCK)


def test_an_installed_device_wins_over_one_in_stock_with_its_account(bench: Any) -> None:
    person = bench.home()
    bench.done("device.add", serial="S2", account="1234", category="新規")
    assert [home.subject for home in bench.ledger.by_account("1234")] == [person]


def test_a_number_stays_known_as_long_as_card_or_line_has_it(bench: Any) -> None:
    person = bench.home()
    number = "077-561-0000"
    bench.done("line.add", subscriber=person, number=number, kind="光", source="工事:1")
    bench.done("subscriber.change", subscriber=person, changes={"phones": ["077-561-0001"]}, source="訪問")
    assert bench.ledger.by_phone(number)
    assert bench.ledger.card(person).phones == ("0775610001", "0775610000")
    bench.done("line.end", subscriber=person, number=number, source="工事:2")
    assert bench.ledger.by_phone(number) == ()
    assert bench.ledger.by_phone("077-561-0001")


def test_contacts_keep_their_priority(bench: Any) -> None:
    cooperators = [{"name": f"協力 {n}", "phones": [f"077561000{n}"], "keeps_key": n == 2} for n in (3, 1, 2)]
    person = bench.person(cooperators=cooperators)
    assert [one.name for one in bench.ledger.card(person).subscriber.cooperators] == ["協力 3", "協力 1", "協力 2"]


@pytest.mark.parametrize(
    "words",
    [
        "訓練",
        "くんれん",
        "クンレン",
        "ｸﾝﾚﾝ",
        "はなこ",
        "訓練 花子",
        "ハナコ　訓練町",
        "訓練町1-2-3",
        "00123",
        "561-0000",
        "demoハイツ",
    ],
)
def test_search_by_anything_on_the_card(bench: Any, words: str) -> None:
    person = bench.person()
    bench.person(id_number="77", name="別人", kana="ベツジン", address="守山市9", phones=["0775830000"])
    assert [one.subject for one in bench.ledger.search(words)] == [person]


@pytest.mark.parametrize(
    ("stored", "asked"), [("𠮷田", "吉田"), ("髙橋", "高橋"), ("山﨑", "山崎"), ("渡邊", "渡辺"), ("辻󠄀", "辻")]
)
def test_rare_characters_are_kept_and_found(bench: Any, stored: str, asked: str) -> None:
    person = bench.person(name=stored)
    assert bench.ledger.people[person].name == stored
    assert [one.subject for one in bench.ledger.search(asked)] == [person]


@given(name=st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=30).filter(str.strip))
def test_names_stay_exactly_as_entered(fresh_bench: Any, name: str) -> None:
    bench = fresh_bench()
    person = bench.person(name=name, kana=name, address=name)
    kept = bench.ledger.people[person]
    assert (kept.name, kept.kana, kept.address) == (name, name, name)


def test_an_erased_person_has_no_card_but_keeps_the_number_taken(bench: Any) -> None:
    bench.home()
    replayed = type(bench)()
    replayed.ledger.keys = bench.ledger.keys
    for draft in bench.drafts:
        replayed.ledger.apply(draft.type, draft.payload, None, at_us=0, subject=draft.subject)
    (home,) = replayed.ledger.by_account("1234")
    assert (home.city, home.status, home.phones) == ("草津市", Status.ACTIVE, ())
    assert replayed.refused("subscriber.add", **bench.card()).clause == "K-12.1.4"
    assert (
        replayed.refused("subscriber.status", subscriber=home.subject, status="終了", source="市指示:1").clause
        == "K-P10"
    )
    replayed.done("device.remove", device="S1", source="工事:1")


def test_events_of_others_are_passed_over(bench: Any) -> None:
    bench.ledger.apply("case.opened", {}, None, at_us=0, subject=None)


def test_K_5_a_thousand_homes_are_imported_and_found_quickly(bench: Any) -> None:
    rows = [
        {
            "line": n,
            "subscriber": {**bench.card(id_number=f"{n:05}", phones=[f"07756{n:05}"]), "source": None},
            "device": {"serial": f"S{n}", "account": f"{n:04}", "category": "既設"},
            "phone_line": {"number": f"07756{n:05}", "kind": "メタル"},
        }
        for n in range(1, 1001)
    ]
    for row in rows:
        del row["subscriber"]["source"]
    begun = time.perf_counter()
    bench.done("subscriber.import", rows=rows, source="移行")
    assert time.perf_counter() - begun < 5
    begun = time.perf_counter()
    assert bench.ledger.card(bench.ledger.by_account("0500")[0].subject).subscriber.id_number == "00500"
    assert time.perf_counter() - begun < 0.1


class Ledgers(RuleBasedStateMachine):
    """Random wishes: whatever is accepted replays to the same answers, and the contract's rules hold throughout."""

    numbers = st.sampled_from(["077-561-0000", "077-561-0001", "090-1234-5678", "050-1234-5678"])
    ids = st.sampled_from(["1", "2", "3"])
    serials = st.sampled_from(["A", "B", "C"])
    make: Any = None

    def __init__(self) -> None:
        super().__init__()
        self.bench = type(self).make()

    @rule(id_number=ids, city=st.sampled_from(["草津市", "守山市"]), number=numbers, partner=st.none() | ids)
    def add(self, id_number: str, city: str, number: str, partner: str | None) -> None:
        self._try(
            "subscriber.add", **self.bench.card(id_number=id_number, city=city, phones=[number], lives_with=partner)
        )

    @rule(id_number=ids, number=numbers, city=st.sampled_from([None, "草津市", "野洲市"]))
    def change(self, id_number: str, number: str, city: str | None) -> None:
        changes = {"phones": [number], **({"city": city} if city else {})}
        self._try("subscriber.change", subscriber=id_number, changes=changes, source="訪問")

    @rule(serial=serials, category=st.sampled_from(["新規", "携帯", "既設"]), account=st.sampled_from(["1111", "2222"]))
    def device(self, serial: str, category: str, account: str) -> None:
        self._try("device.add", serial=serial, category=category, account=account)

    @rule(serial=serials, id_number=ids)
    def install(self, serial: str, id_number: str) -> None:
        self._try("device.install", device=serial, subscriber=id_number, source="工事:1")

    @rule(serial=serials)
    def remove(self, serial: str) -> None:
        self._try("device.remove", device=serial, source="工事:1")

    @rule(id_number=ids, number=numbers, kind=st.sampled_from([None, "光", "無線"]))
    def line(self, id_number: str, number: str, kind: str | None) -> None:
        self._try("line.add", subscriber=id_number, number=number, kind=kind, source="工事:1")

    @rule(id_number=ids, number=numbers)
    def end_line(self, id_number: str, number: str) -> None:
        self._try("line.end", subscriber=id_number, number=number, source="工事:1")

    def _try(self, verb: str, **args: Any) -> None:
        from receiver.errors import BadInput

        try:
            self.bench.wish(verb, **args)
        except BadInput:
            pass

    @invariant()
    def accounts_of_installed_devices_are_unique(self) -> None:
        ledger = self.bench.ledger
        accounts = [ledger.devices[serial].account for serial in ledger.placements]
        assert len(accounts) == len(set(accounts))

    @invariant()
    def no_050_and_one_id_a_city(self) -> None:
        people = self.bench.ledger.people.values()
        assert not any(
            number.startswith("050") for one in people for number in self.bench.ledger.phones_of(one.subject)
        )
        assert len({(one.city, one.id_number) for one in people}) == len(people)

    @invariant()
    def every_registered_number_leads_home(self) -> None:
        ledger = self.bench.ledger
        for subject, person in ledger.people.items():
            for number in person.phones:
                assert subject in {home.subject for home in ledger.by_phone(number)}

    def teardown(self) -> None:
        """State = function(journal)."""
        again = type(self).make()
        for draft in self.bench.drafts:
            at_us = self.bench.ledger.as_of_us.get(draft.subject or "", 0)
            again.ledger.apply(draft.type, draft.payload, draft.private, at_us=at_us, subject=draft.subject)
        again.ledger.keys = self.bench.ledger.keys
        assert again.ledger == self.bench.ledger


def test_random_histories_keep_the_rules_and_replay_equal(fresh_bench: Any) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    Ledgers.make = staticmethod(fresh_bench)
    run_state_machine_as_test(Ledgers, settings=settings(max_examples=60, stateful_step_count=25, deadline=None))
