"""Messages that somebody else decoded: what is stored of them, and which path has fallen silent."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from drivers.line import Fault, Healed
from drivers.link import Alive, Received, Refused, Unread
from receiver.clock import SECOND_US, Now
from receiver.intake.inlet import PATHS_MAX, REFUSED_MAX, Inlet
from receiver.intake.signals import Commit, Note
from tests.receiver.intake.desk import frame_at

MESSAGE = Received(7, replace(frame_at(0), start=0, end=0), "unit 1234", "0001 101", "12:00:00,12-01-2026")


def at(seconds: float) -> Now:
    return Now(1_000_000_000_000_000 + round(seconds * SECOND_US), round(seconds * SECOND_US), "boot")


@pytest.fixture
def inlet() -> Inlet:
    numbers = itertools.count(1)
    return Inlet("dc09:127.0.0.1:12000", lambda: f"{next(numbers):032x}")


def noted(effects: list[Commit | Note] | list[Note]) -> list[tuple[str, object]]:
    return [(one.draft.type, one.draft.payload.get("path")) for one in effects if isinstance(one, Note)]


def test_a_message_is_stored_with_all_that_tells_it_from_others(inlet: Inlet) -> None:
    (commit,) = inlet.take(MESSAGE, at(5))
    assert isinstance(commit, Commit)
    payload = commit.draft.payload
    assert (commit.token, commit.draft.type, commit.draft.subject) == (7, "frame.accepted", payload["call"])
    assert (payload["line"], payload["path"], payload["identity"]) == (inlet.name, "unit 1234", "0001 101")
    assert (payload["sent_at"], payload["heard_at_us"]) == ("12:00:00,12-01-2026", at(5).utc_us)
    assert payload["no_kiss_off"] is False


def test_what_may_name_somebody_is_sealed(inlet: Inlet) -> None:
    (commit,) = inlet.take(replace(MESSAGE, private={"caller": "0775610001", "dte": "Anna"}), at(5))
    assert isinstance(commit, Commit)
    assert commit.draft.private == {"caller": "0775610001", "dte": "Anna"}
    assert "Anna" not in repr(commit.draft.payload)
    (plain,) = inlet.take(replace(MESSAGE, token=8), at(5))
    assert isinstance(plain, Commit)
    assert plain.draft.private is None


@pytest.mark.parametrize(("told", "type_"), [(True, "kissoff.completed"), (False, "kissoff.missed")])
def test_what_became_of_the_answer_is_noted(inlet: Inlet, told: bool, type_: str) -> None:
    (commit,) = inlet.take(MESSAGE, at(0))
    assert isinstance(commit, Commit)
    note = inlet.answered(7, 42, at(1), told=told)
    assert (note.draft.type, note.draft.payload["reception"]) == (type_, 42)
    assert note.draft.payload["call"] == commit.draft.payload["call"]


def test_what_no_table_knows_is_an_unknown_emergency(inlet: Inlet) -> None:
    (commit,) = inlet.take(Unread(3, "X9 ?", "receiver 01", "type X"), at(0))
    assert isinstance(commit, Commit)
    payload = commit.draft.payload
    assert (commit.draft.type, payload["kind"], payload["best"]) == ("call.unknown", "unreadable", "X9 ? (type X)")
    assert payload["no_kiss_off"] is False


def test_a_path_that_falls_silent_is_said_once_and_again_when_it_is_back(inlet: Inlet) -> None:
    assert inlet.take(Alive("unit 1", 90), at(0)) == []
    inlet.take(Alive("unit 2", None), at(0))
    assert inlet.tick(at(90)) == []
    assert noted(inlet.tick(at(91))) == [("path.lost", "unit 1")]
    assert inlet.tick(at(500)) == []
    assert noted(inlet.take(Alive("unit 1", 90), at(600))) == [("path.back", "unit 1")]
    assert noted(inlet.tick(at(691))) == [("path.lost", "unit 1")]
    back, _ = inlet.take(replace(MESSAGE, path="unit 1"), at(700))
    assert isinstance(back, Note)
    assert back.draft.type == "path.back"


def test_a_strangers_rubbish_does_not_fill_the_journal(inlet: Inlet) -> None:
    said = [inlet.take(Refused("10.0.0.9", "wrong sum", "x" * 9_999), at(second)) for second in range(3_000)]
    notes = [one for effects in said for one in effects if isinstance(one, Note)]
    assert len(notes) == REFUSED_MAX
    assert all(len(note.draft.payload["text"]) <= 400 for note in notes)
    assert noted(inlet.take(Refused("10.0.0.9", "wrong sum"), at(3_700))) == [("message.refused", "10.0.0.9")]


def test_a_deaf_link_is_said_like_a_deaf_line(inlet: Inlet) -> None:
    inlet.take(Healed(), at(0))
    assert noted(inlet.take(Fault("the port is gone"), at(1))) == [("line.fault", None)]
    assert inlet.take(Fault("the port is gone"), at(2)) == []
    assert noted(inlet.take(Healed(), at(3))) == [("line.healed", None)]


def test_made_up_paths_are_forgotten_and_a_supervised_one_is_not(inlet: Inlet) -> None:
    inlet.take(Alive("unit 1", 90), at(0))
    for number in range(3 * PATHS_MAX):
        inlet.take(Alive(f"stranger {number}"), at(1))
        assert len(inlet.paths) <= PATHS_MAX
    assert noted(inlet.tick(at(91))) == [("path.lost", "unit 1")]
