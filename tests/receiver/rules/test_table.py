from __future__ import annotations

from datetime import date

import pytest

from receiver.rules.table import ANY, Hit, Row, Table, one_of

SINCE = date(2025, 9, 1)


def table(*rows: Row[str], hit: Hit = Hit.FIRST) -> Table[str]:
    return Table("t", ("a", "b"), list(rows), since=SINCE, hit=hit)


def test_the_first_row_that_fits_decides() -> None:
    rules = table(
        Row("K-1", 1, ANY, then="one"),
        Row("K-2", one_of(1, 2), "x", then="two"),
        Row("K-3", ANY, ANY, then="rest", name="otherwise"),
    )
    assert rules.find(1, "x").then == "one"
    assert rules.find(2, "x").clause == "K-2"
    assert rules.find(2, "y").row == "t: otherwise"


def test_every_row_that_fits_takes_part() -> None:
    rules = table(Row("K-1", 1, ANY, then="one"), Row("K-2", ANY, "x", then="two"), hit=Hit.EVERY)
    assert [found.then for found in rules.every(1, "x")] == ["one", "two"]
    assert rules.every(2, "y") == ()


def test_what_no_row_fits_is_said() -> None:
    with pytest.raises(ValueError, match="table t has no row for a=2, b=x"):
        table(Row("K-1", 1, ANY, then="one")).find(2, "x")


def test_a_row_is_called_after_its_cells() -> None:
    rules = table(Row("K-1", 1, one_of("x", "y"), then=""), Row("K-1", ANY, one_of(*"abcd"), then=""))
    assert rules.row_names == ("t: 1 × x/y", "t: 2")


def test_rows_are_checked_when_the_table_is_made() -> None:
    with pytest.raises(ValueError, match="row 1: 1 cells for 2 columns"):
        table(Row("K-1", 1, then=""))
    with pytest.raises(ValueError, match="two rows are called t: 1"):
        table(Row("K-1", 1, ANY, then=""), Row("K-2", 1, ANY, then=""))


def test_true_is_not_mistaken_for_one() -> None:
    """Python holds True == 1; a table of counts and ticks must not mix its columns, so none does."""
    assert table(Row("K-1", True, ANY, then="tick")).find(True, None).then == "tick"
