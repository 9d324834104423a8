"""Child of the crash tests: appends under load and prints each receipt as soon as it has it.

crash_writer.py FOLDER SEED [WORKS]: without WORKS it goes on until it is killed; exit 75 if the disk says no.
"""

from __future__ import annotations

import importlib.util
import random
import sys
from concurrent.futures import Future
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[3]))
spec = importlib.util.spec_from_file_location("journal_conftest", Path(__file__).with_name("conftest.py"))
assert spec is not None
assert spec.loader is not None
tools = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = tools
spec.loader.exec_module(tools)

from receiver.errors import StoreUnavailable  # noqa: E402
from receiver.event import Draft  # noqa: E402
from receiver.journal.store import Journal, Store, Transaction  # noqa: E402
from receiver.privacy.keys import KeyRing  # noqa: E402


def open_store(folder: Path) -> Store:
    keys = KeyRing.open(folder / "keys.db", tools.INSTALLATION_KEY)
    return Store(folder / "journal.db", clock=tools.TickingClock(), keys=keys, projections=(tools.Tally(),))


def main(folder: Path, seed: int, works: int | None) -> None:
    chance = random.Random(seed)
    journal = Journal(lambda: open_store(folder))

    def work(transaction: Transaction) -> int:
        for _ in range(chance.randint(1, 3)):
            subject = f"{chance.randrange(1 << 30):x}"
            transaction.append(
                Draft(f"type.{chance.randrange(4)}", {"seed": seed}, subject=subject, private={"n": seed})
            )
        return transaction.head[0]

    waiting: list[Future[Any]] = []
    done = 0
    while works is None or done < works:
        waiting.append(journal.submit(work))
        if chance.random() < 0.1:
            waiting.append(journal.checkpoint())
        if len(waiting) > chance.randint(0, 8) or works is not None:
            committed = waiting.pop(0).result()
            if committed is not None:
                sys.stdout.write(f"{committed.receipt.seq} {committed.receipt.hash}\n")
                sys.stdout.flush()
                done += 1
    journal.close()


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else None)
    except StoreUnavailable as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(75)
