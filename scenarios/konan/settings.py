"""Numbers that the contract leaves open (⚙ in its analysis), with their defaults.

Reasons and ranges: docs/reference/konan-settings.md; a test compares the two.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Settings:
    """Seconds (`_s`), minutes (`_min`), hours (`_h`), days (`_d`) or counts."""

    t_accept_s: int = 15
    t_accept_supervisor_s: int = 30
    t_accept_all_staff_s: int = 60
    t_accept_consultation_s: int = 30
    t_cb_start_s: int = 30
    t_voice_s: int = 20
    t_ring_s: int = 45
    t_busy_s: int = 30
    t_cb_total_s: int = 120
    t_unattended_s: int = 60
    t_dispatch_s: int = 30
    t_dispatch_repeat_s: int = 15
    t_fire_ack_s: int = 60
    t_outcome_min: int = 15
    t_dest_min: int = 20
    t_contact_min: int = 10
    contact_rounds: int = 3
    t_addr_min: int = 30
    t_follow_up_min: int = 30
    t_test_confirm_s: int = 60
    previous_case_h: int = 24
    redial_min: tuple[int, ...] = (1, 3, 5)
    t_mnt_min: int = 15
    t_mnt_repeat_min: int = 60
    t_power_min: int = 60
    call_times: tuple[str, ...] = ("10:00", "14:00", "18:30")
    unanswered_calls: int = 5
    test_grace_h: int = 24
    test_early_d: int = 7
    test_again_min: int = 60
    test_attempts: int = 3
    t_idle_min: int = 10
    t_left_open_h: int = 24
    false_alarms: int = 3
    false_alarms_d: int = 30
    group_homes: int = 3
    group_window_min: int = 30


DEFAULTS = Settings()

RANGES: Final[dict[str, tuple[int, int]]] = {
    "t_accept_s": (5, 60),
    "t_accept_supervisor_s": (10, 120),
    "t_accept_all_staff_s": (20, 300),
    "t_accept_consultation_s": (10, 120),
    "t_cb_start_s": (10, 60),
    "t_voice_s": (10, 30),
    "t_ring_s": (30, 60),
    "t_busy_s": (10, 60),
    "t_cb_total_s": (60, 180),
    "t_unattended_s": (30, 120),
    "t_dispatch_s": (10, 60),
    "t_dispatch_repeat_s": (5, 60),
    "t_fire_ack_s": (30, 120),
    "t_outcome_min": (5, 60),
    "t_dest_min": (5, 60),
    "t_contact_min": (5, 30),
    "contact_rounds": (1, 10),
    "t_addr_min": (5, 120),
    "t_follow_up_min": (10, 120),
    "t_test_confirm_s": (15, 60),
    "previous_case_h": (1, 72),
    "redial_min": (1, 15),
    "t_mnt_min": (5, 60),
    "t_mnt_repeat_min": (15, 240),
    "t_power_min": (15, 240),
    "unanswered_calls": (1, 10),
    "test_grace_h": (1, 72),
    "test_early_d": (0, 14),
    "test_again_min": (15, 240),
    "test_attempts": (1, 10),
    "t_idle_min": (5, 30),
    "t_left_open_h": (1, 72),
    "false_alarms": (2, 10),
    "false_alarms_d": (7, 90),
    "group_homes": (2, 100),
    "group_window_min": (1, 240),
}
"""Least and greatest value that makes sense; a list holds for each of its members. Reasons: the reference page."""
CALL_TIMES_WITHIN: Final = ("09:00", "20:59")


def settings_from(given: Mapping[str, object]) -> Settings:
    """The defaults with these differences. Raises ValueError: the name, and what is wrong with it."""
    defaults = asdict(DEFAULTS)
    changed: dict[str, Any] = {}
    for name, value in given.items():
        if name not in defaults:
            close = difflib.get_close_matches(name, defaults, n=1, cutoff=0.5)
            raise ValueError(f"{name}: there is no such setting" + (f'; did you mean "{close[0]}"?' if close else ""))
        changed[name] = _checked(name, value, defaults[name])
        _in_range(name, changed[name])
    return replace(DEFAULTS, **changed)


def _checked(name: str, value: object, default: int | tuple[int | str, ...]) -> object:
    """The value, of the default's own kind: a whole number, a list of them, or a list of times."""
    if isinstance(default, tuple):
        if not isinstance(value, list | tuple) or not value:
            raise ValueError(f"{name}: {value!r} must be a list such as {list(default)}")
        return tuple(_checked(name, item, default[0]) for item in value)  # type: ignore[arg-type]
    if isinstance(default, str):
        if not isinstance(value, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
            raise ValueError(f'{name}: {value!r} must be a time such as "{default}"')
        return value
    if type(value) is not int or value < 1:
        raise ValueError(f"{name}: {value!r} must be a whole number, 1 or more")
    return value


def _in_range(name: str, value: object) -> None:
    """A slip of the pen must not hold an alarm back for hours."""
    for one in value if isinstance(value, tuple) else (value,):
        if isinstance(one, int):
            least, greatest = RANGES[name]
            if not least <= one <= greatest:
                raise ValueError(f"{name}: {one} is outside {least}…{greatest}")
        elif not CALL_TIMES_WITHIN[0] <= str(one) <= CALL_TIMES_WITHIN[1]:
            raise ValueError(f"{name}: {one} is outside {'…'.join(CALL_TIMES_WITHIN)} (K-11.7.3)")
