"""When a timer is due: two kinds, because clocks are stepped and machines are restarted (design §5, flows T20).

*Elapsed* timers run on the monotonic clock; after a reboot what remains comes from UTC less the
journalled clock steps and is never longer than the timer was. *Calendar* timers follow the wall
clock and are compared with it at least every second.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from receiver.clock import Now


class Timer(Protocol):
    """What the rules' timers have, as far as being due goes."""

    @property
    def id(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def mode(self) -> str: ...
    @property
    def due_us(self) -> int: ...
    @property
    def mono_due_us(self) -> int: ...
    @property
    def boot(self) -> str: ...
    @property
    def length_us(self) -> int: ...
    @property
    def quiet_bound(self) -> bool: ...
    @property
    def priority(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Step:
    """The wall clock was found moved by `by_us`, at UTC `at_us` (as read after the step)."""

    at_us: int
    by_us: int


def wait_us(timer: Timer, now: Now, steps: Iterable[Step] = ()) -> int:
    """Microseconds until the timer is due; zero or less: due now.

    steps: the journalled clock steps, used only for an elapsed timer set before a reboot.
    """
    if timer.mode == "calendar":
        return timer.due_us - now.utc_us
    if timer.boot == now.boot_id:
        return timer.mono_due_us - now.mono_us
    set_at = timer.due_us - timer.length_us
    stepped = sum(step.by_us for step in steps if step.at_us >= set_at)
    return min(timer.due_us - (now.utc_us - stepped), timer.length_us)


def due(timers: Iterable[Timer], now: Now, steps: Iterable[Step] = ()) -> list[Timer]:
    """Timers that are due, most urgent first: by priority of their case, then by due time."""
    steps = tuple(steps)
    ready = [timer for timer in timers if wait_us(timer, now, steps) <= 0]
    return sorted(ready, key=lambda timer: (timer.priority, timer.due_us, timer.id))


def rebased(timer: Timer, now: Now, steps: Iterable[Step]) -> int:
    """Monotonic due time on this boot of an elapsed timer that was set on another one."""
    return now.mono_us + max(0, wait_us(timer, now, steps))
