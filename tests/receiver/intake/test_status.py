"""What the intake says of itself: small enough for a datagram, and nobody's name in it."""

from __future__ import annotations

import json

from receiver.clock import Now
from receiver.intake.status import LINES_MAX, as_datagram, status
from receiver.intake.supervision import LineWatch

NOW = Now(1_000_000_000, 90_000_000, "boot")


def told(watches: list[LineWatch], lost_mirrors: dict[str, str] | None = None) -> bytes:
    return as_datagram(
        status(
            NOW,
            watches,
            refusing="the disk is 95 % full",
            journal_silent_s=1.5,
            lost_mirrors=lost_mirrors or {},
            directory=None,
            version="0.1",
        )
    )


def test_every_line_says_how_it_is() -> None:
    idle, deaf, unopened = LineWatch("modem:a"), LineWatch("modem:b"), LineWatch("modem:c")
    idle.spoke(85_000_000)
    deaf.failed("unplugged")
    said = json.loads(told([idle, deaf, unopened], {"/mnt/mirror": "did not keep up"}))
    assert said["journal_silent_s"] == 1.5
    assert said["refusing"] == "the disk is 95 % full"
    assert said["lost_mirrors"] == {"/mnt/mirror": "did not keep up"}
    assert [(line["state"], line["reason"], line["heard_ago_s"]) for line in said["lines"]] == [
        ("idle", None, 5.0),
        ("deaf", "unplugged", None),
        ("unopened", None, None),
    ]


def test_it_fits_into_a_datagram_whatever_there_is_to_say() -> None:
    watches = [LineWatch(f"surgard:tcp://receiver-{number:04}.example.org:1025") for number in range(LINES_MAX + 3)]
    for watch in watches:
        watch.failed("気" * 1000)
    words = told(watches)
    assert json.loads(words)["lines_left_out"] == 3
    assert len(words) < 200_000
