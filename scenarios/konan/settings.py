"""Numbers that the contract leaves open (⚙ in its analysis), with their defaults.

Reasons and ranges: docs/reference/konan-settings.md; a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass


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
    false_alarms: int = 3
    false_alarms_d: int = 30


DEFAULTS = Settings()
