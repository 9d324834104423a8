"""What the watch reports stands in the contract's store; what is none is refused in one line."""

from __future__ import annotations

from typing import Any

import pytest

from receiver.centre.command import Command
from receiver.centre.health_report import drafts_of
from receiver.centre.opening import Opened
from receiver.errors import BadInput

GOOD = {"key": "backup_old", "about": "/mnt/b", "says": "old", "how": "began"}


def test_it_is_carried_out_once(opened: Opened, clock: Any) -> None:
    command = Command("health-1", "os:yobirin", "health.report", {"said": [GOOD]})
    for repeated in (False, True):
        (done,) = opened.store.transact(lambda tx: opened.desk.handle(tx, command, clock.now()))
        assert not isinstance(done, Exception), done
        assert done.value["repeated"] == repeated
    (rows,) = opened.store.transact(lambda tx: tx.rows("SELECT type FROM event ORDER BY seq"))
    assert not isinstance(rows, Exception), rows
    assert [row[0] for row in rows.value] == ["health.reported", "alert.raised", "command.handled"]


@pytest.mark.parametrize(
    "said",
    [
        None,
        [],
        {},
        [5],
        [{}],
        [GOOD] * 101,
        [GOOD | {"key": "Robert'); DROP"}],
        [GOOD | {"how": "maybe"}],
        [GOOD | {"says": 5}],
    ],
)
def test_anything_else_is_refused(said: Any) -> None:
    with pytest.raises(BadInput, match=r"health\.report"):
        drafts_of({"said": said})


def test_long_words_are_cut() -> None:
    noted, alert = drafts_of({"said": [GOOD | {"says": "x" * 5000, "about": "y" * 5000}]})
    assert len(str(noted.payload["reason"])) == len(str(alert.payload["about"])) == 300
