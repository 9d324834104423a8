"""The process whose mains fail: intake's journal as it is opened in service, taking receptions.

    python -m campaigns.power_cut_writer DATA WORKS SEED [MIRROR]

Each receipt goes to standard output (`seq hash`) as soon as it is there, as a kiss-off would.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from pathlib import Path

from decoder.formats import contact_id
from decoder.frame import Frame
from receiver.clock import SystemClock
from receiver.event import Draft, Record
from receiver.installation import Installation
from receiver.intake import drafts, receptions
from receiver.intake.drafts import CallId
from receiver.intake.opening import open_journal
from receiver.intake.signals import Answered
from receiver.journal.store import Committed, Transaction

FRAME = Frame(contact_id.NAME, "123418110101001B", "1234", "1", "101", "01", "001", 0, 12_800, 1.0)


def main(data: Path, works: int, seed: int, mirrors: list[Path], *, close: bool = True) -> None:
    """Calls with one to three frames, some checkpoints between them. close: leave the log folded in."""
    chance = random.Random(seed)
    journal, keys, lock = open_journal(Installation(data), mirrors, SystemClock(), lambda line: None)
    done = 0
    while done < works:
        identity = CallId(keys.random_subject(), "modem:/dev/ttyACM0")
        waiting = [journal.submit(_append(drafts.call_started(identity, Answered("0775610000"))))]
        for _ in range(chance.randint(1, 3)):
            draft = drafts.frame_accepted(identity, replace(FRAME, zone=f"{chance.randrange(1000):03}"), heard_at_us=1)
            waiting.append(journal.submit(partial(receptions.store, draft=draft)))
            if chance.random() < 0.7:
                _say(waiting)
        ended: Draft = drafts.call_ended(identity, "nothing more to hear", samples=1, rejected=0, voice=False)
        waiting.append(journal.submit(_append(ended)))
        done += 1
        _say(waiting)
        if chance.random() < 0.2:
            journal.checkpoint().result()
    if close:
        journal.close()
        keys.close()
        lock.release()


def _append(draft: Draft) -> Callable[[Transaction], Record]:
    return lambda tx: tx.append(draft)


def _say(waiting: list[Future[Committed[Record]]]) -> None:
    for one in waiting:
        committed = one.result()
        sys.stdout.write(f"{committed.receipt.seq} {committed.receipt.hash}\n")
        sys.stdout.flush()
    waiting.clear()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), [Path(name) for name in sys.argv[4:]])
