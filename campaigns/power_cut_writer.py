"""The process whose mains fail: intake's journal as it is opened in service, taking receptions.

    python -m campaigns.power_cut_writer DATA WORKS SEED [MIRROR]

Each receipt goes to standard output (`seq hash`) as soon as it is there, as a kiss-off would.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from pathlib import Path

from decoder.formats import contact_id
from decoder.frame import Frame
from receiver.clock import SystemClock
from receiver.event import Draft
from receiver.installation import Installation
from receiver.intake import drafts, receptions
from receiver.intake.drafts import CallId
from receiver.intake.opening import open_journal
from receiver.intake.signals import Answered

FRAME = Frame(contact_id.NAME, "123418110101001B", "1234", "1", "101", "01", "001", 0, 12_800, 1.0)


def main(data: Path, works: int, seed: int, mirrors: list[Path]) -> None:
    """Calls with one to three frames, some checkpoints between them."""
    chance = random.Random(seed)
    journal, keys, lock = open_journal(Installation(data), mirrors, SystemClock(), lambda line: None)
    done = 0
    while done < works:
        identity = CallId(keys.random_subject(), "modem:/dev/ttyACM0")
        waiting = [journal.submit(lambda tx, one=identity: tx.append(drafts.call_started(one, Answered("0775610000"))))]
        for _ in range(chance.randint(1, 3)):
            draft = drafts.frame_accepted(identity, replace(FRAME, zone=f"{chance.randrange(1000):03}"), heard_at_us=1)
            waiting.append(journal.submit(lambda tx, one=draft: receptions.store(tx, one)))
            if chance.random() < 0.7:
                _say(waiting)
        ended: Draft = drafts.call_ended(identity, "nothing more to hear", samples=1, rejected=0, voice=False)
        waiting.append(journal.submit(lambda tx, one=ended: tx.append(one)))
        done += 1
        _say(waiting)
        if chance.random() < 0.2:
            journal.checkpoint().result()
    journal.close()
    keys.close()
    lock.release()


def _say(waiting: list) -> None:  # type: ignore[type-arg]
    for one in waiting:
        committed = one.result()
        sys.stdout.write(f"{committed.receipt.seq} {committed.receipt.hash}\n")
        sys.stdout.flush()
    waiting.clear()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), [Path(name) for name in sys.argv[4:]])
