"""Many homes, one line; nobody who pressed a button is hidden in it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from receiver.centre.grouping import PRESSED, Group, Grouping, Waiting
from receiver.clock import MINUTE_US

CUT = "maintenance.power_cut"


def cut(number: int, minute: int, *, home: str | None = None, area: str = "草津市") -> Waiting:
    return Waiting(number, CUT, 3, minute * MINUTE_US, home or f"home {number}", area)


def shape(shown: list[Waiting | Group]) -> list[list[int]]:
    return [[case.number for case in one.cases] if isinstance(one, Group) else [one.number] for one in shown]


def test_so_many_homes_within_the_window_are_a_group() -> None:
    assert shape(Grouping().groups([cut(1, 0), cut(2, 15), cut(3, 30)])) == [[1, 2, 3]]
    assert shape(Grouping().groups([cut(1, 0), cut(2, 15), cut(3, 31)])) == [[1], [2], [3]]
    assert shape(Grouping().groups([cut(1, 0), cut(2, 15)])) == [[1], [2]]


def test_one_home_that_says_it_three_times_is_no_group() -> None:
    assert shape(Grouping().groups([cut(n, n, home="one") for n in range(3)])) == [[0], [1], [2]]


def test_whoever_comes_while_it_goes_on_belongs_to_it() -> None:
    cases = [cut(1, 0), cut(2, 1), cut(3, 2), cut(4, 30), cut(5, 58), cut(6, 200)]
    assert shape(Grouping().groups(cases)) == [[1, 2, 3, 4, 5], [6]]


def test_a_group_says_how_many_homes_and_where() -> None:
    cases = [cut(n, 0, area="守山市" if n % 3 else "草津市") for n in range(7)]
    (group,) = Grouping().groups([*cases, cut(7, 1, home="home 1", area="守山市")])
    assert isinstance(group, Group)
    assert (group.homes, group.areas) == (7, [("守山市", 5), ("草津市", 3)])


def test_a_case_that_somebody_has_taken_stands_by_itself() -> None:
    taken = Waiting(2, CUT, 3, 0, "home 2", "草津市", taken=True)
    assert shape(Grouping().groups([cut(1, 0), taken, cut(3, 0), cut(4, 0)])) == [[1, 3, 4], [2]]


CASES = st.lists(
    st.builds(
        Waiting,
        st.just(0),
        st.sampled_from(["emergency", "consultation", CUT, "maintenance.main_battery"]),
        st.integers(1, 5),
        st.integers(0, 90).map(lambda minute: minute * MINUTE_US),
        st.sampled_from("abcdefgh"),
        st.sampled_from(["草津市", "守山市", None]),
        st.booleans(),
    ),
    max_size=40,
)


@given(CASES)
def test_everybody_is_shown_once_urgent_first_and_nobody_who_pressed_a_button_in_a_group(drawn: list[Waiting]) -> None:
    cases = [
        Waiting(n, one.kind, one.priority, one.opened_at_us, one.home, one.area, one.taken)
        for n, one in enumerate(drawn)
    ]
    shown = Grouping().groups(cases)
    assert sorted(number for numbers in shape(shown) for number in numbers) == list(range(len(cases)))
    order = [(one.cases[0] if isinstance(one, Group) else one) for one in shown]
    assert order == sorted(order, key=lambda case: (case.priority, case.opened_at_us, case.number))
    grouped = [case for one in shown if isinstance(one, Group) for case in one.cases]
    assert all(case.priority > PRESSED and not case.taken for case in grouped)
    assert all(one.homes >= 3 for one in shown if isinstance(one, Group))
