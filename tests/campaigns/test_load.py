"""K-5, the short form of `make campaign-load`: devices by the hundred instead of by the ten thousand."""

from __future__ import annotations

from campaigns.load import EMERGENCIES, LATE_S, account_of, calls, latency


def test_k_5_everything_that_comes_on_twenty_lines_at_once_is_journalled() -> None:
    load = calls(50, 1)
    assert load.broken == []
    assert load.calls == load.journalled == 50 + EMERGENCIES


def test_k_5_an_emergency_is_a_case_within_a_second() -> None:
    """The second chance is for a machine that was busy with something else."""
    for _ in range(2):
        load = latency(200, 4, 1, emergencies=8)
        assert load.broken == []
        assert len(load.waited_s) == 8
        if load.p99_s < LATE_S:
            return
    raise AssertionError(f"p99 {load.p99_s:.2f} s")


def test_ten_thousand_devices_have_accounts_of_their_own() -> None:
    accounts = [account_of(number) for number in range(10_100)]
    assert len(set(accounts)) == len(accounts)
    assert {len(account) for account in accounts} == {4}
