"""How long a call with one event holds its line, beside the shortest that its format allows.

    python -m benchmarks.hold_time [--seeds 5]

Real ears and the real station on loopback lines, simulated units of each format, no wall clock. Two kinds of lines:
one on which the far end's hang-up is seen (the unit hangs up by itself), and one on which it is not, so that we must
let go. The shortest is computed (`sim/hold.py`). Promise, on reserved lines and in a storm: at most 1.10 times the
shortest for Contact ID; at most 1.15 for the others whose units open no voice path: where a message ends is known
later there. Exits 1 if it is broken.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from typing import Final

from decoder.exchange import Format, Message
from decoder.formats import ademco_express, contact_id, high_speed, sia_fsk, tt92
from decoder.samples import to_ms
from receiver.intake.call_settings import SPEECH_FOLLOWS
from receiver.intake.station import LinePlans
from sim import habits
from sim.hold import shortest_ms
from sim.panel import PanelSettings
from tests.receiver.intake.exchange import Exchange, Home

PROMISE: Final = {contact_id.NAME: 1.10}
OF_OTHERS: Final = 1.15
SEEN, UNSEEN = 275.0, 60_000.0  # how long behind the kiss-off the unit hangs up: soon, or too late to help

CALLS: Final[tuple[tuple[Format, Message], ...]] = (
    (contact_id.FORMAT, Message("1234", "101", partition="01", zone="001")),
    (ademco_express.FORMAT, Message("1234", "1")),
    (high_speed.FORMAT, Message("1234", "1", zone="15555555")),
    (sia_fsk.FORMAT, Message("1234", "MA", zone="001")),
    (tt92.FORMAT, Message("12345678", "102")),
)


@dataclass(frozen=True, slots=True)
class Held:
    """One call: its format, what the line is like, and ms."""

    format: str
    seen: bool
    hurried: bool
    ms: float
    shortest_ms: float

    @property
    def ratio(self) -> float:
        return self.ms / self.shortest_ms


def hold(form: Format, message: Message, *, seen: bool, hurried: bool, seed: int) -> Held:
    """One call, from off hook to on hook. Raises RuntimeError if its message was not acknowledged."""
    after = {"after_kiss_off_ms": SEEN if seen else UNSEEN} if form.name != sia_fsk.NAME or seen else {}
    settings = PanelSettings((message,), greeting=form.greeting, kiss_off=form.kiss_off, **after, **habits.of(form))
    plans = LinePlans(reserved=frozenset({"line 0"} if hurried else ()))
    exchange = Exchange(formats=(form,), plans=plans)
    home = Home(exchange, settings, form=form, seed=seed).call()
    exchange.settle()
    if len(home.said("kiss_off")) != len(home.panel.parts):
        raise RuntimeError(f"{form.name}: {len(home.said('kiss_off'))} of {len(home.panel.parts)} acknowledged")
    (ended,) = exchange.of("call.ended")
    return Held(form.name, seen, hurried, to_ms(int(ended.payload["samples"])), shortest_ms(form, home.panel))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    seeds = range(parser.parse_args().seeds)
    broken = 0
    print("format          shortest   hang-up seen          hang-up not seen")
    print("                           usual     reserved    usual     reserved")
    for form, message in CALLS:
        cells, promise = [], PROMISE.get(form.name, OF_OTHERS)
        for seen in (True, False):
            for hurried in (False, True):
                worst = max(
                    (hold(form, message, seen=seen, hurried=hurried, seed=seed) for seed in seeds),
                    key=lambda held: held.ms,
                )
                cells.append(f"{worst.ms / 1000:.2f} s {worst.ratio:4.2f}")
                broken += hurried and form.name not in SPEECH_FOLLOWS and worst.ratio > promise
        note = "  opens a voice path: the usual time holds" if form.name in SPEECH_FOLLOWS else ""
        print(f"{form.name:15} {worst.shortest_ms / 1000:5.2f} s   {'  '.join(cells)}{note}")
    print(f"promise: reserved ≤ 1.10 times the shortest (Contact ID), ≤ {OF_OTHERS} (others); {broken} broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
