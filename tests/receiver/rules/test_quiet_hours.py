"""[21:00, 09:00) Asia/Tokyo, to the microsecond (K-11.7.3)."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.clock import SECOND_US, local, utc_us_of
from receiver.rules.quiet_hours import earliest, is_quiet, next_local

instants = st.integers(utc_us_of(datetime(2025, 9, 1)), utc_us_of(datetime(2031, 1, 1)))


def at(text: str) -> int:
    return utc_us_of(datetime.fromisoformat(text))


@pytest.mark.parametrize(
    ("detected", "released"),
    [
        ("2026-04-01 20:59:59", "2026-04-01 20:59:59"),
        ("2026-04-01 20:59:59.999999", "2026-04-01 20:59:59.999999"),
        ("2026-04-01 21:00:00", "2026-04-02 09:00:00"),
        ("2026-04-01 23:59:59", "2026-04-02 09:00:00"),
        ("2026-04-02 00:00:00", "2026-04-02 09:00:00"),
        ("2026-04-02 08:59:59", "2026-04-02 09:00:00"),
        ("2026-04-02 09:00:00", "2026-04-02 09:00:00"),
        ("2026-12-31 21:00:00", "2027-01-01 09:00:00"),
        ("2028-02-28 22:00:00", "2028-02-29 09:00:00"),
        ("2026-05-03 22:00:00", "2026-05-04 09:00:00"),  # holidays know no exception
    ],
)
def test_k_11_7_3_release(detected: str, released: str) -> None:
    assert earliest(at(detected)) == at(released)


@given(instants)
def test_release_is_the_earliest_allowed_instant(us: int) -> None:
    released = earliest(us)
    assert released >= us
    assert not is_quiet(released)
    assert released - us <= 12 * 3600 * SECOND_US
    if released > us:
        assert is_quiet(us)
        assert is_quiet(released - 1)


@given(instants, st.times())
def test_next_local_is_the_next_such_time(us: int, clock: time) -> None:
    moment = local(next_local(us, clock))
    assert moment.time() == clock
    assert timedelta(0) < moment - local(us) <= timedelta(days=1)
