"""Reading stories: whatever stands in a file, the answer is stories or one ValueError."""

from __future__ import annotations

import copy
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scenarios.konan.play import play
from scenarios.konan.story import read, stories_of

CASES = Path(__file__).parents[2] / "scenarios" / "konan" / "cases.toml"

VALID: dict[str, Any] = {
    "name": "all of it",
    "says": "すべて",
    "clauses": ["K-11.3.1"],
    "starts": "2026-04-01 12:00:00",
    "homes": [
        {
            "id": "A",
            "account": "1234",
            "phones": ["0775610001"],
            "status": "利用中",
            "anchor_day": 31,
            "anchor_time": "10:00",
            "installed_on": date(2026, 3, 1),
        }
    ],
    "facts": [
        {"at": datetime(2026, 4, 1, 12, 0, 1), "fact": "signal", "account": "1234", "code": "101"},
        {"after": "5s", "fact": "case.accept", "operator": "nurse", "case": 1, "version": 1},
        {"after": "5s", "fact": "case.callback", "action": "answered", "by": "本人"},
        {"after": "5s", "fact": "case.judge", "abnormal": "no", "address": {"value": "confirmed"}, "finding": "test"},
        {"after": "5s", "fact": "clock_step", "by": "-1h"},
        {"after": "5s", "fact": "restart", "down": "3s"},
        {"after": "5s", "fact": "subscriber.status", "home": "A", "status": "休止"},
        {"after": "5s", "fact": "case.close", "result": "test"},
    ],
    "until": "2026-04-01 13:00:00",
    "expect": [{"at": "2026-04-01 12:00:01", "state": "CALLBACK_DUE", "flags": []}],
    "absent": [{"text_key": "nothing"}],
}

leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 40),
    st.floats(),
    st.text(max_size=6),
    st.dates(),
    st.datetimes(),
    st.times(),
)
anything = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=3,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [(*path, key) for key, _ in inner] + [place for key, item in inner for place in places(item, (*path, key))]


PLACES = places(VALID)


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(PLACES), anything, st.booleans())
def test_any_change_of_a_story_gives_a_story_or_one_line(place: tuple[Any, ...], value: Any, remove: bool) -> None:
    document = copy.deepcopy(VALID)
    holder: Any = document
    for key in place[:-1]:
        holder = holder[key]
    if remove:
        del holder[place[-1]]
    else:
        holder[place[-1]] = value
    try:
        for story in stories_of(document):
            play(story)
    except ValueError as error:
        if "\n" in str(error):
            raise TypeError("more than one line") from error


def test_the_valid_one_is_valid() -> None:
    (story,) = stories_of(VALID)
    assert play(story).failures == ()


def test_names_and_numbers() -> None:
    stories = read(CASES.read_text(encoding="utf-8"))
    assert len(stories) > 70
    assert len({story.name for story in stories}) == len(stories)


def test_a_story_may_stand_alone() -> None:
    (story,) = read('facts = [{ at = 2026-04-01T12:00:00, fact = "wait" }]')
    assert story.name == "case 1"


@pytest.mark.parametrize(
    "clock", ["12:00", "2026-04-01T12:00:00", "2026-04-01 12:00:00+09:00", "2026-04-01 03:00:00+00:00"]
)
def test_times(clock: str) -> None:
    text = f'facts = [{{ at = "{clock}", fact = "wait" }}]'
    if clock == "12:00":
        with pytest.raises(ValueError, match="not a time"):
            read(text)
    else:
        assert read(text)[0].starts_us == 1775012400000000
