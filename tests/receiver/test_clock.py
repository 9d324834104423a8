"""The clocks: what the demonstration's clock shares and how it jumps."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from receiver.clock import SECOND_US, TOKYO, DemonstrationClock, SystemClock, local, utc_us_of

EVENING = utc_us_of(datetime(2026, 4, 1, 20, 50, tzinfo=TOKYO))


def test_two_processes_share_one_demonstration_clock(tmp_path: Path) -> None:
    DemonstrationClock.create(tmp_path / "clock", EVENING)
    one, other = DemonstrationClock(tmp_path / "clock"), DemonstrationClock(tmp_path / "clock")
    assert 0 <= one.now().utc_us - EVENING < 10 * SECOND_US
    before = other.now()
    one.jump(3600 * SECOND_US)
    after = other.now()
    assert 3600 <= (after.utc_us - before.utc_us) / SECOND_US < 3610
    assert 3600 <= (after.mono_us - before.mono_us) / SECOND_US < 3610
    with pytest.raises(ValueError, match="forward"):
        one.jump(-1)


def test_a_monotonic_clock_is_never_negative_however_far_back_the_evening_lies(tmp_path: Path) -> None:
    DemonstrationClock.create(tmp_path / "clock", utc_us_of(datetime(1999, 12, 31)))
    assert DemonstrationClock(tmp_path / "clock").now().mono_us >= 0


def test_local_time_is_tokyo_s() -> None:
    assert local(0).isoformat() == "1970-01-01T09:00:00+09:00"
    assert utc_us_of(datetime(1970, 1, 1, 9)) == 0
    assert SystemClock().now().boot_id
